"""The only place where a job's state changes: compare and set, legal steps only.

An *attempt* is one start of a job. Whatever a worker says about a job, it says for its attempt; when the job has moved
on meanwhile (taken for dead, started anew, cancelled), the statement changes nothing and the worker is told so.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from core.errors import CristaeError
from core.jobs.kinds import TASKS, task_kind
from core.jobs.states import sources
from core.store import JobRecord, JobState, Store
from core.store.base import now
from core.store.database import Transaction
from core.store.jobs import change_job_within, find_job_within, job_within
from core.store.records import JobControl

_FRESH: Final[dict[str, Any]] = {
    "progress": 0.0,
    "message": "",
    "eta_s": None,
    "result": {},
    "worker": "",
    "cancel_requested": False,
    "control": "",
    "error_cause": "",
    "error_remedy": "",
    "started_at": None,
    "finished_at": None,
    "heartbeat_at": None,
}
"""What a job has that nobody has started yet."""


def move(session: Transaction, job_id: str, to: JobState, *, attempt: int | None = None, **values: Any) -> bool:
    """Bring a job into a state, if that is a legal step from where it is now.

    Parameters
    ----------
    session
        A writing transaction.
    to
        The new state; times are kept accordingly, and a job that is queued again forgets its last run.
    attempt
        Only if this is still its current attempt.
    values
        Other columns to set with it.

    Returns
    -------
    bool
        False when nothing was changed.
    """
    if to is JobState.QUEUED:
        values = {**_FRESH, **values}
    elif to is JobState.RUNNING:
        values = {"started_at": now(), "heartbeat_at": now(), **values}
    else:
        values = {"finished_at": now(), "eta_s": None, **values}
    return change_job_within(session, job_id, states=sources(to), attempt=attempt, state=to, **values)


def claim(store: Store, row: JobRecord, worker: str) -> JobRecord | None:
    """Start the next attempt of a queued job; None when somebody else was quicker."""
    attempt = row.attempts + 1
    with store.database.writing() as session:
        if not move(
            session,
            row.id,
            JobState.RUNNING,
            attempt=row.attempts,
            attempts=attempt,
            worker=worker,
            message="Starting",
        ):
            return None
        return job_within(session, row.id)


def beat(
    store: Store, job_id: str, attempt: int, *, result: dict[str, Any] | None = None, **values: Any
) -> JobRecord | None:
    """Say that an attempt is alive, with what has changed (``progress``, ``message``, ``eta_s``, ``worker``, result).

    Returns
    -------
    JobRecord or None
        The job as it is now, None when this attempt is not the running one any more.
    """
    if result is not None:
        values["result"] = result
    with store.database.writing() as session:
        running = {JobState.RUNNING}
        if not change_job_within(session, job_id, states=running, attempt=attempt, heartbeat_at=now(), **values):
            return None
        return job_within(session, job_id)


def succeed(store: Store, job_id: str, attempt: int, result: dict[str, Any], message: str = "") -> bool:
    """The attempt has done all its work. Jobs that follow from it are queued in the same transaction.

    Nothing follows where somebody asked for the job to stop before it had ended.
    """
    with store.database.writing() as session:
        before = find_job_within(session, job_id)
        ended = move(
            session,
            job_id,
            JobState.SUCCEEDED,
            attempt=attempt,
            result=result,
            progress=1.0,
            message=message,
            cancel_requested=False,
        )
        if ended and before is not None and not before.cancel_requested and before.kind in TASKS:
            TASKS[before.kind].queue_followers(session, store, job_within(session, job_id))
        return ended


def fail(store: Store, job_id: str, error: CristaeError, *, attempt: int | None = None) -> bool:
    """The job cannot be done: why, and what to do."""
    with store.database.writing() as session:
        return move(
            session,
            job_id,
            JobState.FAILED,
            attempt=attempt,
            result={},
            error_cause=error.cause[:4000],
            error_remedy=error.remedy[:4000],
        )


def cancel(store: Store, job_id: str, attempt: int) -> bool:
    """The attempt has stopped because somebody asked for it."""
    with store.database.writing() as session:
        return move(session, job_id, JobState.CANCELLED, attempt=attempt, result={}, message="Cancelled.")


def forgive(store: Store, job_id: str, attempt: int) -> bool:
    """The attempt has got on: interruptions so far no longer count against the job."""
    with store.database.writing() as session:
        row = find_job_within(session, job_id)
        if row is None:
            return False
        allowed = max(row.max_attempts, attempt + task_kind(row.kind).max_attempts)
        running = {JobState.RUNNING}
        return change_job_within(session, job_id, states=running, attempt=attempt, max_attempts=allowed)


def pause(store: Store, job_id: str, attempt: int) -> bool:
    """The attempt has stopped because somebody wants to go on later; it does not use up an attempt."""
    with store.database.writing() as session:
        row = find_job_within(session, job_id)
        limit = row.max_attempts + 1 if row is not None else 1
        return move(
            session, job_id, JobState.PAUSED, attempt=attempt, max_attempts=limit,
            message="Paused.", error_cause="", error_remedy="",
        )  # fmt: skip


def interrupt(
    store: Store, job_id: str, attempt: int, reason: str, *, restartable: bool, counted: bool = True
) -> JobState | None:
    """The process that ran the attempt is gone: queue the job again if it can start anew, cancel it if that was asked.

    Parameters
    ----------
    reason
        One sentence.
    restartable
        Whether the kind can start anew.
    counted
        False when it was our doing (an engine that is stopped): then it does not use up an attempt.

    Returns
    -------
    JobState or None
        Where the job is now; None when the attempt was not running any more.
    """
    with store.database.writing() as session:
        if not move(session, job_id, JobState.INTERRUPTED, attempt=attempt, result={}, error_cause=reason):
            return None
        row = job_within(session, job_id)
        limit = row.max_attempts if counted else row.max_attempts + 1
        if row.cancel_requested:
            move(session, job_id, JobState.CANCELLED, message="Cancelled.", error_cause="")
            return JobState.CANCELLED
        if row.control == JobControl.PAUSE:
            move(session, job_id, JobState.PAUSED, max_attempts=limit + 1, message="Paused.", error_cause="")
            return JobState.PAUSED
        if restartable and attempt < limit:
            message = f"Restarting: {reason}"
            # a request to finish early stays
            move(session, job_id, JobState.QUEUED, max_attempts=limit, message=message, control=row.control)
            return JobState.QUEUED
        if restartable:
            cause = f"It was interrupted {attempt} times; the last time: {reason}"[:4000]
            remedy = "Check its log; a common cause is lack of memory. Then retry it."
            move(session, job_id, JobState.FAILED, error_cause=cause, error_remedy=remedy)
            return JobState.FAILED
        change_job_within(session, job_id, error_remedy="Retry it to restart.")
        return JobState.INTERRUPTED


def explain_waiting(store: Store, job_id: str, message: str) -> None:
    """Say why a queued job does not start."""
    with store.database.writing() as session:
        change_job_within(session, job_id, states={JobState.QUEUED}, message=message)


def age_s(moment: datetime | None) -> float:
    """Seconds since then; infinite for never."""
    return float("inf") if moment is None else (now() - moment).total_seconds()
