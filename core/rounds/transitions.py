"""How a round goes from step to step: pure changes of its record, nothing is written here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from core.errors import CristaeError
from core.store.base import now
from core.store.round_records import RoundRecord, RoundState, Step, StepRecord, StepState

ORDER: Final = tuple(Step)

ASKS: Final = frozenset({Step.TRAIN, Step.EVALUATE, Step.PREDICT})
"""Steps that take machine time: a round that goes step by step waits before each of them."""


def begun(record: RoundRecord, job_ids: Sequence[str] = (), **values: Any) -> RoundRecord:
    """The step where it is runs, with these jobs."""
    step = StepRecord(StepState.RUNNING, tuple(job_ids), began_at=_stamp())
    return _with(record, step, **values)


def done(record: RoundRecord, **values: Any) -> RoundRecord:
    """The step where it is has ended well; the next one's turn comes."""
    return _onwards(_with(record, _ended(record.now, StepState.DONE), **values))


def skipped(record: RoundRecord, why: str, **values: Any) -> RoundRecord:
    """There is nothing to do in the step where it is."""
    return _onwards(_with(record, replace(_ended(record.now, StepState.SKIPPED), cause=why), **values))


def failed(record: RoundRecord, error: CristaeError) -> RoundRecord:
    """The round stops at this step; `retried` goes on from there."""
    step = replace(_ended(record.now, StepState.FAILED), cause=error.cause[:4000], remedy=error.remedy[:4000])
    return _with(record, step, state=RoundState.FAILED, finished_at=now())


def waiting(record: RoundRecord, **values: Any) -> RoundRecord:
    """A person has to say how it goes on."""
    return replace(record, state=RoundState.WAITING, **values)


def cancelled(record: RoundRecord) -> RoundRecord:
    """Nobody wants it to go on."""
    step = replace(_ended(record.now, StepState.FAILED), cause="The round was cancelled.", remedy="Retry it.")
    return _with(record, step, state=RoundState.CANCELLED, finished_at=now())


def again_from(record: RoundRecord, step: Step, **values: Any) -> RoundRecord:
    """It goes on at a step, and forgets what came of that one and the ones after it."""
    later = ORDER[ORDER.index(step) :]
    steps = {each: StepRecord() if each in later else kept for each, kept in record.steps.items()}
    return replace(record, state=RoundState.RUNNING, step=step, steps=steps, finished_at=None, **values)


def resumed(record: RoundRecord) -> RoundRecord:
    """Its step's jobs wait or run again."""
    step = replace(record.now, state=StepState.RUNNING, cause="", remedy="", ended_at="")
    return _with(record, step, state=RoundState.RUNNING, finished_at=None)


def _onwards(record: RoundRecord) -> RoundRecord:
    """At the next step, or at the end."""
    place = ORDER.index(record.step) + 1
    if place == len(ORDER):
        return replace(record, state=RoundState.DONE, finished_at=now())
    waits = record.plan.get("step_by_step") and ORDER[place] in ASKS
    return replace(record, step=ORDER[place], state=RoundState.WAITING if waits else RoundState.RUNNING)


def _with(record: RoundRecord, step: StepRecord, **values: Any) -> RoundRecord:
    return replace(record, steps={**record.steps, record.step: step}, **values)


def _ended(step: StepRecord, state: StepState) -> StepRecord:
    return replace(step, state=state, began_at=step.began_at or _stamp(), ended_at=_stamp(), cause="", remedy="")


def _stamp() -> str:
    return now().isoformat(timespec="seconds")
