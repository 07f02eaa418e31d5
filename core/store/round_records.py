"""What is known of a round: frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self


class Step(StrEnum):
    """The steps of a round, in their order."""

    SNAPSHOT = "snapshot"
    """What it learns from is frozen; what people corrected for it is counted."""
    TRAIN = "train"
    EVALUATE = "evaluate"
    """The new model and the one it is compared with, on the same test set."""
    COMPARE = "compare"
    DECIDE = "decide"
    PREDICT = "predict"
    """The promoted model, on the images of the pool."""


class StepState(StrEnum):
    """How far a step is."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"
    """There was nothing to do."""
    FAILED = "failed"


class RoundState(StrEnum):
    """What a round waits for."""

    RUNNING = "running"
    """Its jobs; it goes on by itself."""
    WAITING = "waiting"
    """A person: a decision, or the word to go on."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    DONE = "done"


class RoundDecision(StrEnum):
    """What became of a round's model."""

    PROMOTED = "promoted"
    OVERRIDDEN = "overridden"
    """Promoted although it is worse on a class; the reason is kept."""
    KEPT = "kept"
    """The model before it stays in use."""


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step of a round.

    Parameters
    ----------
    job_ids
        Jobs that it has queued.
    cause, remedy
        Why it failed, or was skipped; what to do.
    began_at, ended_at
        ISO 8601; "" while it has not.
    """

    state: StepState = StepState.PENDING
    job_ids: tuple[str, ...] = ()
    cause: str = ""
    remedy: str = ""
    began_at: str = ""
    ended_at: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "state": self.state.value, "job_ids": list(self.job_ids)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(**{**values, "state": StepState(values["state"]), "job_ids": tuple(values["job_ids"])})


@dataclass(frozen=True, slots=True)
class RoundRecord:
    """Snapshot, training, evaluation, comparison, decision.

    Parameters
    ----------
    number
        From 1 in each project.
    step
        Where it is.
    steps
        All of them.
    plan
        `core.rounds.plan.RoundPlan` as plain values.
    snapshot
        `core.learning.snapshot.Snapshot` as plain values, frozen when the round was started.
    notices
        Sentences that people should know before they trust the round.
    parent_model_id
        The model that the training went on from; None: from scratch.
    base_model_id
        The model that it is compared with: the promoted one, else the parent; None: there is nothing to compare with.
    promoted_then
        What was promoted when the comparison was begun.
    model_id
        The new model; None until it is trained.
    test_set
        Image id to the reference revision that it is scored against.
    comparison
        `core.rounds.gate.Judgement` as plain values; None until there is one.
    decision, reason, decided_by, decided_at
        None and empty while nobody has decided.
    corrected
        Class id to pixels that corrections made that class, of corrections that no earlier round learned from.
    covered
        Class id to pixels that people confirmed in them.
    annotation_s
        Seconds of work in them.
    version
        Grows with every change.
    """

    id: str
    project_id: str
    number: int
    author: str
    state: RoundState
    step: Step
    steps: Mapping[Step, StepRecord]
    plan: dict[str, Any]
    snapshot: dict[str, Any]
    notices: tuple[str, ...]
    parent_model_id: str | None
    base_model_id: str | None
    promoted_then: str | None
    model_id: str | None
    test_set: dict[str, str]
    evaluation_id: str | None
    base_evaluation_id: str | None
    comparison: dict[str, Any] | None
    decision: RoundDecision | None
    reason: str
    decided_by: str
    decided_at: datetime | None
    corrected: dict[int, int]
    covered: dict[int, int]
    annotation_s: float
    version: int
    created_at: datetime
    finished_at: datetime | None

    @property
    def now(self) -> StepRecord:
        """The step where it is."""
        return self.steps[self.step]


@dataclass(frozen=True, slots=True)
class PromotedModel:
    """The model that a project uses.

    Parameters
    ----------
    round_id
        "" where a person chose it without a round.
    """

    model_id: str
    round_id: str
    who: str
    reason: str
    at: datetime
