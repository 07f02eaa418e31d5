"""What each step of a round does: how it begins, and how one sees that it has ended. Every one may be asked again.

A step answers with a change of the round, or None where there is nothing to do yet. Whatever takes time is done before
the change; the change itself is one transaction, together with the jobs that it queues. So a step that was cut off has
either happened or not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from core.errors import DatasetError, JobError, NotFoundError, RoundError
from core.evaluations.read import evaluation_report
from core.jobs.kinds import PredictParams, TrainResult
from core.jobs.rows import Priority, job, new_job
from core.learning.snapshot import Snapshot
from core.learning.speed import make_way
from core.learning.start import training_params
from core.rounds.gate import Judgement, Outcome, judge
from core.rounds.new_work import (
    annotation_seconds,
    corrected_pixels,
    covered_pixels,
    last_round,
    learned_by,
    new_corrections,
)
from core.rounds.plan import RoundPlan
from core.rounds.promotion import kept_round, promote_round
from core.rounds.scoring import base_model, evaluate, frozen_test_set, unfinished, why_partial
from core.rounds.transitions import begun, done, failed, skipped, waiting
from core.store.database import Transaction
from core.store.jobs import add_jobs_within
from core.store.records import EvaluationState, JobRecord, JobState, Split
from core.store.round_records import RoundDecision, RoundRecord, Step, StepState
from core.store.rounds import Change
from core.store.store import Store
from core.wording import some_of

AUTOMATICALLY: Final = "Promoted automatically: a loss that matters is excluded."
_NOT_PASSED: Final = (Outcome.FAILED, Outcome.NOT_JUDGED)
"""A loss is seen, or cannot be excluded. Too few test images are another matter: more of them must be found first."""

KEPT_BY_ITSELF: Final = "Not promoted automatically:"


def next_change(store: Store, record: RoundRecord) -> Change | None:
    """What happens next in a running round; None: its jobs are not done yet.

    Raises
    ------
    CristaeError
        The step cannot be done.
    """
    begin, watch = _STEPS[record.step]
    return (watch if record.now.state is StepState.RUNNING else begin)(store, record)


def _begin_snapshot(store: Store, record: RoundRecord) -> Change:
    """The snapshot was frozen when the round was started; count the work in it."""
    corrections = new_corrections(store, record)
    learned = learned_by(last_round(store, record.project_id, before=record.number))
    seconds = annotation_seconds(store, [correction.id for correction in corrections], besides=learned)
    corrected, covered = corrected_pixels(store, corrections), covered_pixels(corrections)
    return lambda _, it: done(it, corrected=corrected, covered=covered, annotation_s=seconds)


def _begin_training(store: Store, record: RoundRecord) -> Change:
    snapshot = Snapshot.from_json(record.snapshot)
    _refuse_test_images(store, snapshot)
    plan = RoundPlan.from_json(record.plan).training(f"{snapshot.project} round {record.number}")
    params = replace(training_params(store, plan, snapshot), round_id=record.id)
    make_way(store)
    row = new_job(params, author=record.author)
    return lambda session, it: begun(_queued(session, it, [row]), [row.id])


def _watch_training(store: Store, record: RoundRecord) -> Change | None:
    row = job(record.now.job_ids[-1], store=store)
    _refuse_ended(row, "training")
    if row.state is not JobState.SUCCEEDED:
        return None
    return lambda _, it: done(it, model_id=TrainResult.of(row).model_id)


def _begin_evaluation(store: Store, record: RoundRecord) -> Change:
    """Both models on the same references; what is scored already is not scored again."""
    test_set, bare = frozen_test_set(store, record.project_id)
    notices = [f"{image.name} is in the test set but has no reference labels and is not scored." for image in bare]
    if not test_set:
        why = "The test set has no images with reference labels. Assign some to it on the Data page."
        return lambda _, it: skipped(it, why, test_set={}, notices=_more(it, notices))
    base, promoted = base_model(store, record)
    found: dict[str, Any] = {"base_evaluation_id": None}
    job_ids = []
    for name, model_id in (("base_evaluation_id", base), ("evaluation_id", record.model_id)):
        if model_id is not None:
            found[name], job_id, warnings = evaluate(store, record, model_id, test_set)
            notices += warnings
            job_ids += [job_id] if job_id else []
    found |= {"base_model_id": base, "promoted_then": promoted, "test_set": test_set}
    return lambda _, it: begun(it, job_ids, **found, notices=_more(it, notices))


def _watch_evaluation(store: Store, record: RoundRecord) -> Change | None:
    for evaluation_id in (record.base_evaluation_id, record.evaluation_id):
        row = unfinished(store, evaluation_id) if evaluation_id else None
        if row is None:
            continue
        scoring = job(row.job_id, store=store) if row.job_id is not None else None
        if row.state is EvaluationState.RUNNING or (scoring is not None and not scoring.finished):
            return None
        if scoring is not None:
            _refuse_ended(scoring, "evaluation")
        raise RoundError(
            why_partial(store, row), ("Fix the problem, or remove the images from the test set; then retry.")
        )
    return lambda _, it: done(it)


def _compare(store: Store, record: RoundRecord) -> Change:
    before, after = (
        evaluation_report(store, each) if each else None for each in (record.base_evaluation_id, record.evaluation_id)
    )
    judgement = judge(before, after).to_json()
    return lambda _, it: done(it, comparison=judgement)


def _decide(store: Store, record: RoundRecord) -> Change:
    """Promote where that was asked for and the gate agrees; else wait for a person.

    Where rounds follow by themselves and the gate does not let the model pass, the one in use is kept, so that the next
    round can come. A person may promote it later.
    """
    judgement = Judgement.from_json(record.comparison or {})
    outcome = judgement.outcome
    if record.plan.get("automatic") and record.plan.get("again_after") and outcome in _NOT_PASSED:
        reason = f"{KEPT_BY_ITSELF} {' '.join(judgement.reasons)}"
        return lambda session, it: kept_round(session, it, it.author, reason)
    if not record.plan.get("automatic") or outcome not in (Outcome.PASSED, Outcome.FIRST):
        return lambda _, it: waiting(begun(it))

    def change(session: Transaction, it: RoundRecord) -> RoundRecord:
        try:
            return done(promote_round(session, it, it.author, AUTOMATICALLY, RoundDecision.PROMOTED))
        except RoundError as error:  # another model was promoted meanwhile
            return waiting(begun(it), notices=_more(it, [str(error)]))

    return change


def _still_undecided(store: Store, record: RoundRecord) -> None:
    """A person decides, in `core.rounds.decisions`."""


def _begin_prediction(store: Store, record: RoundRecord) -> Change:
    if record.decision not in (RoundDecision.PROMOTED, RoundDecision.OVERRIDDEN) or record.model_id is None:
        return lambda _, it: skipped(it, "The model was not promoted.")
    rows = pool_jobs(store, record.project_id, record.model_id, author=record.author, round_id=record.id)
    if not rows:
        return lambda _, it: skipped(it, "The pool has no images.")
    return lambda session, it: begun(_queued(session, it, rows), [row.id for row in rows])


def _watch_prediction(store: Store, record: RoundRecord) -> Change | None:
    rows = store.jobs.states(record.now.job_ids)
    if len(rows) < len(record.now.job_ids):
        raise NotFoundError("Jobs of the round were deleted.", "Retry to segment the pool again.")
    if any(state not in (*_LOST, JobState.SUCCEEDED) for state in rows.values()):
        return None
    lost = [job_id for job_id, state in rows.items() if state in _LOST]
    if lost:
        row = job(lost[0], store=store)
        raise JobError(
            f"{len(lost)} of {len(rows)} images of the pool have no new prediction. "
            f"{row.error_cause or f'The job was {row.state.value}.'}",
            row.error_remedy or "Retry the round: existing predictions are kept.",
        )
    return lambda _, it: done(it)


def pool_jobs(store: Store, project_id: str, model_id: str, *, author: str = "", round_id: str = "") -> list[JobRecord]:
    """One waiting job for each image of the pool, not in the queue yet."""
    return [
        new_job(
            PredictParams(image_id=image.id, model_id=model_id, round_id=round_id),
            author=author,
            priority=Priority.BATCH,
        )
        for image in store.images.all(project_id)
        if image.split is Split.POOL
    ]


def stop(error: Any) -> Change:
    """The change of a round whose step cannot be done."""
    return lambda _, it: failed(it, error)


def _queued(session: Transaction, record: RoundRecord, rows: Sequence[JobRecord]) -> RoundRecord:
    """The round, with the rows put into the queue in its transaction."""
    add_jobs_within(session, rows)
    return record


def _refuse_ended(row: JobRecord, what: str) -> None:
    """Raise if a job has ended otherwise than well."""
    if row.state is JobState.FAILED:
        raise JobError(row.error_cause or f"The {what} failed.", row.error_remedy)
    if row.state is JobState.CANCELLED:
        raise JobError(f"The {what} was cancelled.", "Retry the round to continue from here.")


def _refuse_test_images(store: Store, snapshot: Snapshot) -> None:
    """Images may have been moved since the snapshot was frozen."""
    names = []
    for case in snapshot.cases:
        try:
            names += [case.name] if store.images.get(case.image_id).split is Split.TEST else []
        except NotFoundError as error:
            raise DatasetError(
                f"{case.name} was deleted after the round started.",
                "Restore it on the Data page, or start a new round.",
            ) from error
    if names:
        raise DatasetError(
            f"{some_of(names)} {'is' if len(names) == 1 else 'are'} now in the test set, and test "
            "images are never used for training.",
            "Start a new round, or assign it to another split on the Data page.",
        )


def _more(record: RoundRecord, notices: Sequence[str]) -> tuple[str, ...]:
    """Its notices with these; each once."""
    return tuple(dict.fromkeys((*record.notices, *notices)))


_LOST: Final = (JobState.FAILED, JobState.CANCELLED)

_Stepping = Callable[[Store, RoundRecord], Change | None]

_STEPS: Final[dict[Step, tuple[_Stepping, _Stepping]]] = {
    Step.SNAPSHOT: (_begin_snapshot, _begin_snapshot),
    Step.TRAIN: (_begin_training, _watch_training),
    Step.EVALUATE: (_begin_evaluation, _watch_evaluation),
    Step.COMPARE: (_compare, _compare),
    Step.DECIDE: (_decide, _still_undecided),
    Step.PREDICT: (_begin_prediction, _watch_prediction),
}
