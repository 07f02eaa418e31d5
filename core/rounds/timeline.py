"""The rounds of a project, one after the other: Dice, corrections, work, decisions. And how far a running one is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from core.errors import NotFoundError
from core.evaluation.image_scores import ALL
from core.jobs.kinds import EvaluateResult
from core.jobs.rows import job
from core.jobs.states import ACTIVE
from core.label_scheme import LabelScheme
from core.learning.snapshot import Snapshot
from core.models.store import ModelStore
from core.rounds.gate import ClassJudgement, Figure, Judgement, Outcome
from core.store.records import JobState
from core.store.round_records import RoundDecision, RoundRecord, RoundState, Step, StepState
from core.store.store import Store

_FINISHED: Final = frozenset(JobState) - ACTIVE


@dataclass(frozen=True, slots=True)
class TimelineRound:
    """One round as the page draws it. Everything is kept with the round: deleted evaluations change nothing.

    Parameters
    ----------
    model_name
        As it is called now; its id where it has gone; "" where there is none.
    base_model_id, base_model_name
        The model that it was compared with; the name as ``model_name``.
    judgement
        None until it is compared.
    promoted
        Whether its model is the current one.
    corrected, covered
        Class id to pixels, of the corrections that were new in it.
    annotation_minutes
        The work in them.
    learned_images
        Images of its snapshot.
    scheme
        The classes that it learned.
    notices
        What to know before one trusts it.
    """

    round_id: str
    number: int
    created_at: datetime
    author: str
    state: RoundState
    step: Step
    model_id: str | None
    model_name: str
    base_model_id: str | None
    judgement: Judgement | None
    decision: RoundDecision | None
    reason: str
    decided_by: str
    decided_at: datetime | None
    promoted: bool
    corrected: Mapping[int, int]
    covered: Mapping[int, int]
    annotation_minutes: float
    learned_images: int
    scheme: LabelScheme
    notices: tuple[str, ...]
    base_model_name: str = ""

    @property
    def outcome(self) -> Outcome | None:
        """What the gate said."""
        return self.judgement.outcome if self.judgement else None

    def dice(self, class_id: int = ALL) -> Figure | None:
        """Dice of its model on the test set of then; None where it was not measured."""
        found = self._class(class_id)
        return found.after if found else None

    def before(self, class_id: int = ALL) -> Figure | None:
        """Dice of the model before on the same test set; None where there was none."""
        found = self._class(class_id)
        return found.before if found else None

    def gain(self, class_id: int = ALL) -> Figure | None:
        """Paired difference to the model before; None where there is none."""
        found = self._class(class_id)
        return found.difference if found else None

    def _class(self, class_id: int) -> ClassJudgement | None:
        classes = self.judgement.classes if self.judgement else ()
        return next((item for item in classes if item.class_id == class_id), None)


@dataclass(frozen=True, slots=True)
class RoundProgress:
    """How far the step of a round is.

    Parameters
    ----------
    fraction
        0 to 1, of the step.
    message
        What is being done, or why it stopped.
    job_ids
        The jobs that it waits for.
    """

    step: Step
    state: StepState
    fraction: float
    message: str
    eta_s: float | None
    job_ids: tuple[str, ...]


def timeline(store: Store, project_id: str) -> tuple[TimelineRound, ...]:
    """All rounds of a project, the first one first.

    Raises
    ------
    NotFoundError
        There is no such project.
    """
    store.projects.get(project_id)
    promoted = store.rounds.promoted_model(project_id)
    in_use = promoted.model_id if promoted else None
    names = {model.id: model.card.name for model in ModelStore(store.settings.models_dir).list()}
    return tuple(_drawn(round_, names, in_use) for round_ in store.rounds.of_project(project_id))


def round_progress(store: Store, record: RoundRecord) -> RoundProgress:
    """Where a round is, from its jobs' rows."""
    step = record.now
    left = [step.job_ids[-1]] if step.job_ids else []
    if record.step is Step.PREDICT and step.state is StepState.RUNNING:
        states = store.jobs.states(step.job_ids)
        count = sum(state in _FINISHED for state in states.values())
        message = f"{count} of {len(step.job_ids)} images predicted"
        return RoundProgress(record.step, step.state, count / max(1, len(step.job_ids)), message, None, step.job_ids)
    try:
        row = job(left[0], store=store) if left else None
        while row is not None and (after := EvaluateResult.of(row).continued_by):
            row = job(str(after), store=store)
    except NotFoundError:
        row = None
    if row is None or step.state is not StepState.RUNNING:
        return RoundProgress(record.step, step.state, 0.0, step.cause, None, step.job_ids)
    return RoundProgress(record.step, step.state, row.progress, row.message, row.eta_s, (row.id,))


def _drawn(record: RoundRecord, names: Mapping[str, str], in_use: str | None) -> TimelineRound:
    snapshot = Snapshot.from_json(record.snapshot)
    return TimelineRound(
        round_id=record.id,
        number=record.number,
        created_at=record.created_at,
        author=record.author,
        state=record.state,
        step=record.step,
        model_id=record.model_id,
        model_name=names.get(record.model_id, record.model_id) if record.model_id else "",
        base_model_id=record.base_model_id,
        judgement=Judgement.from_json(record.comparison) if record.comparison else None,
        decision=record.decision,
        reason=record.reason,
        decided_by=record.decided_by,
        decided_at=record.decided_at,
        promoted=record.model_id is not None and record.model_id == in_use,
        corrected=record.corrected,
        covered=record.covered,
        annotation_minutes=record.annotation_s / 60,
        learned_images=len(snapshot.cases),
        scheme=LabelScheme.from_json(snapshot.scheme),
        notices=record.notices,
        base_model_name=names.get(record.base_model_id, record.base_model_id) if record.base_model_id else "",
    )
