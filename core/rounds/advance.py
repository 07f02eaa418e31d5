"""Carrying rounds on: called by the engine every second, so that a chain of jobs survives whatever ends in between."""

from __future__ import annotations

import logging
from typing import Final

from filelock import FileLock, Timeout

from core.errors import CristaeError, NotFoundError, RoundChangedError, RoundError, StoreError
from core.jobs.states import ACTIVE
from core.rounds.automatic_start import start_following_rounds
from core.rounds.steps import next_change, stop
from core.rounds.transitions import resumed
from core.store.records import JobState
from core.store.round_records import RoundRecord, RoundState, Step
from core.store.rounds import Change
from core.store.store import Store

logger = logging.getLogger(__name__)

_ENDED_BADLY: Final = frozenset({JobState.FAILED, JobState.CANCELLED})

_MOST: Final = 20
"""Steps at one call; there are fewer."""


def advance_rounds(store: Store) -> int:
    """Take every running round as far as it can go now. May be called at any time, by anybody, any number of times.

    Returns
    -------
    int
        How many changes were made.
    """
    rounds = store.rounds.unsettled()
    if not rounds:
        return 0
    try:
        with FileLock(store.locks_dir / "rounds.lock", timeout=0):
            return sum(_advance(store, round_) for round_ in rounds)
    except Timeout:  # somebody else is at it
        return 0


def follow_rounds(store: Store) -> int:
    """Start the rounds that are due; for the engine, every some seconds.

    Returns
    -------
    int
        How many were started.
    """
    try:
        with FileLock(store.locks_dir / "rounds.lock", timeout=0):
            return start_following_rounds(store)
    except Timeout:  # somebody else is at it
        return 0


def _advance(store: Store, record: RoundRecord) -> int:
    """Change after change until there is nothing to do."""
    for count in range(_MOST):
        try:
            after = _moved(store, record)
        except (RoundChangedError, NotFoundError):  # somebody has cancelled, decided or deleted it: next time
            return count
        if after is None:
            return count
        record = after
        logger.info(
            "round %d of %s: %s %s", record.number, record.project_id, record.step.value, record.now.state.value
        )
    return _MOST


def _moved(store: Store, record: RoundRecord) -> RoundRecord | None:
    """The round after its next change, None where there is none; what cannot be done fails it with its reason."""
    if record.state is not RoundState.RUNNING:
        change = _revival(store, record)
        return store.rounds.change(record.id, change, version=record.version) if change else None
    try:
        change = next_change(store, record)
    except CristaeError as error:
        if type(error) is StoreError:  # a database that is locked for a while
            raise
        change = stop(error)
    except Exception as error:
        change = stop(_fault(record, error))
    if change is None:
        return None
    try:
        return store.rounds.change(record.id, change, version=record.version)
    except CristaeError:
        raise
    except Exception as error:
        return store.rounds.change(record.id, stop(_fault(record, error)), version=record.version)


def _fault(record: RoundRecord, error: Exception) -> RoundError:
    """A fault of the program ends the round, not the engine."""
    logger.error("round %s failed", record.id, exc_info=error)
    return RoundError(
        f"The round stopped because of an unexpected error: {type(error).__name__}: {error}"[:1000],
        f"This is a bug: please report it with the engine log and the round {record.id}.",
    )


def _revival(store: Store, record: RoundRecord) -> Change | None:
    """A failed round goes on where somebody has retried its jobs on the Jobs page."""
    if record.step not in (Step.TRAIN, Step.PREDICT) or not record.now.job_ids:
        return None
    states = set(store.jobs.states(record.now.job_ids).values())
    if not ACTIVE & states or _ENDED_BADLY & states:
        return None
    return lambda _, it: resumed(it)
