"""Job rows, as those who ask for work see them: submit, look, cancel, retry.

Nothing here runs anything or needs an engine: a row is the job, and the engine looks for rows.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import IntEnum
from pathlib import Path
from typing import Final

from core.errors import JobError
from core.jobs.kinds import TASKS, task_kind
from core.jobs.parameters import JobParams
from core.jobs.rights import changing_takes, fenced, require_asking, require_job, require_running, seen_by
from core.jobs.states import ACTIVE
from core.jobs.transitions import move
from core.store import JobRecord, JobState, Store, current_store
from core.store.base import new_id, now
from core.store.database import Transaction
from core.store.jobs import JobQuery, add_jobs_within, change_job_within, job_within
from core.store.records import JobControl

TAIL_BYTES: Final = 64 * 1024
"""Of a log, at most this much is read."""

_STOPPED: Final = (JobState.INTERRUPTED, JobState.PAUSED)
"""A person may go on with it, or throw it away."""


class Priority(IntEnum):
    """Higher runs first."""

    BATCH = 0
    NORMAL = 10
    INTERACTIVE = 20


def submit(
    params: JobParams,
    *,
    author: str = "",
    priority: int = Priority.NORMAL,
    batch_id: str | None = None,
    store: Store | None = None,
    by: str | None = None,
) -> JobRecord:
    """Put a job into the queue.

    Parameters
    ----------
    params
        What it is asked to do; their class says the kind.
    author
        Who asks.
    priority
        Higher runs first; a person waiting for a prediction goes before batches.
    batch_id
        The batch that it belongs to.
    store
        Another than the process's own.
    by
        The person in a browser who asks, and the author then; their rights are asked for at this moment. None: the
        program itself asks.

    Raises
    ------
    JobError
        There is no such kind.
    AccessError
        ``by`` may not ask for this, in this project, of these files.
    StorageFullError
        The database cannot be written.
    """
    store = store or current_store()
    if by is not None:
        params, author = fenced(store, params, by), by
    waiting = new_job(params, author=author, priority=priority, batch_id=batch_id)
    with store.database.writing() as session:
        if by is not None:
            require_asking(session, store.settings, params, by)
        add_jobs_within(session, [waiting])
    return waiting


def new_job(
    params: JobParams,
    *,
    author: str = "",
    priority: int = Priority.NORMAL,
    batch_id: str | None = None,
    held: str = "",
) -> JobRecord:
    """A waiting job, for who adds it to the queue within a transaction of their own (`add_jobs_within`).

    Parameters
    ----------
    held
        The question that a person has to answer before it can run; empty: it may run at once.

    Raises
    ------
    JobError
        There is no such kind.
    """
    task = task_kind(params.kind)
    job_id, about = new_id(), params.subjects
    return JobRecord(
        id=job_id,
        kind=task.name,
        state=JobState.HELD if held else JobState.QUEUED,
        params=params.to_json(),
        result={},
        priority=int(priority),
        author=author[:200],
        progress=0.0,
        message=held,
        eta_s=None,
        attempts=0,
        max_attempts=task.max_attempts,
        cancel_requested=False,
        control=JobControl.NONE,
        error_cause="",
        error_remedy="",
        log_path=f"logs/jobs/{job_id}.log",
        worker="",
        created_at=now(),
        started_at=None,
        finished_at=None,
        heartbeat_at=None,
        batch_id=batch_id,
        project_id=about.project_id or None,
        image_id=about.image_id or None,
        model_id=about.model_id or None,
        target_id=about.target_id or None,
        title=about.title[:1000],
    )


def job(job_id: str, *, store: Store | None = None) -> JobRecord:
    """One job.

    Raises
    ------
    NotFoundError
        There is none with this id.
    """
    return (store or current_store()).jobs.get(job_id)


def jobs(
    *,
    states: Collection[JobState] | None = None,
    kinds: Collection[str] | None = None,
    text: str = "",
    batch_id: str | None = None,
    project_id: str | None = None,
    into: bool = False,
    image_id: str | None = None,
    model_id: str | None = None,
    limit: int | None = 200,
    offset: int = 0,
    store: Store | None = None,
) -> tuple[JobRecord, ...]:
    """Jobs, newest first.

    Parameters
    ----------
    states, kinds
        Only these; None: all.
    text
        Only those whose id, kind, author, message or error contains it.
    batch_id
        Only those of this batch; None: all.
    project_id
        Only those that work in this project, or on an image that is in it now; None: all.
    into
        Also those that bring something into this project from another.
    image_id, model_id
        Only those that are about this one; None: all.
    limit, offset
        A page of the list; without a limit, all.
    """
    query = JobQuery(
        states=states,
        kinds=kinds,
        batch_id=batch_id,
        project_id=project_id,
        into=into,
        image_id=image_id,
        model_id=model_id,
    )
    return (store or current_store()).jobs.newest(query, text=text, limit=limit, offset=offset)


def active_jobs(
    *,
    kinds: Collection[str] | None = None,
    project_id: str | None = None,
    into: bool = False,
    image_id: str | None = None,
    model_id: str | None = None,
    person: str | None = None,
    store: Store | None = None,
) -> tuple[JobRecord, ...]:
    """What runs, what waits in the order in which it will run, what is held; with a person, what they may look at.

    Parameters
    ----------
    kinds, project_id, into, image_id, model_id
        As `jobs` takes them.
    """
    store = store or current_store()
    query = JobQuery(
        states=ACTIVE,
        kinds=kinds,
        project_id=project_id,
        into=into,
        image_id=image_id,
        model_id=model_id,
        seen_by=seen_by(store.settings, person),
    )
    return store.jobs.in_turn(query)


def count_jobs(*, person: str | None = None, store: Store | None = None) -> dict[JobState, int]:
    """How many jobs are in each state; every state is listed. With a person, of those that they may look at."""
    store = store or current_store()
    counted = store.jobs.counts(JobQuery(seen_by=seen_by(store.settings, person)))
    return {state: counted.get(state, 0) for state in JobState}


def request_cancel(job_id: str, *, by: str | None = None, store: Store | None = None) -> JobRecord:
    """Ask a job to stop: a waiting or paused one is cancelled at once, a running one within 5 seconds, others stay.

    What a paused or interrupted training has learned is thrown away with it; so is that of a failed one.

    Raises
    ------
    NotFoundError
        There is no such job.
    AccessError
        ``by`` neither asked for it nor may train in its project. None: the program itself asks.
    """
    store = store or current_store()
    with store.database.writing() as session:
        row = _changeable(session, store, job_id, by)
        if row.state in (JobState.QUEUED, JobState.HELD):
            message = "Cancelled." if row.attempts else "Cancelled before it started."
            move(session, job_id, JobState.CANCELLED, message=message)
        elif row.state is JobState.RUNNING:
            stop_within(session, job_id)
        elif row.state in _STOPPED or (row.state is JobState.FAILED and _keeps_work(row.kind)):
            move(session, job_id, JobState.CANCELLED, message="Cancelled.", error_cause="", error_remedy="")
        asked = job_within(session, job_id)
    if asked.state is JobState.CANCELLED and _keeps_work(asked.kind):
        task_kind(asked.kind).discard_work(store, asked)
    return asked


def stop_within(session: Transaction, job_id: str) -> None:
    """Within a transaction: ask a running job to stop."""
    change_job_within(session, job_id, states={JobState.RUNNING}, cancel_requested=True, message="Cancelling")


def _keeps_work(kind: str) -> bool:
    return kind in TASKS and TASKS[kind].pausable


def request_pause(job_id: str, *, by: str | None = None, store: Store | None = None) -> JobRecord:
    """Ask a running job to stop so that `retry` goes on from where it was; a waiting one is left alone.

    Raises
    ------
    NotFoundError
        There is no such job.
    AccessError
        As `request_cancel`.
    JobError
        Jobs of its kind cannot be paused, or it does not run.
    """
    return _control(job_id, JobControl.PAUSE, "Pausing", by, store or current_store())


def request_finish(job_id: str, *, by: str | None = None, store: Store | None = None) -> JobRecord:
    """Ask a running job to stop here and make its result of what it has.

    Raises
    ------
    NotFoundError
        There is no such job.
    AccessError
        As `request_cancel`.
    JobError
        Jobs of its kind cannot end early, or it does not run.
    """
    return _control(job_id, JobControl.FINISH, "Finishing", by, store or current_store())


def _control(job_id: str, what: JobControl, message: str, by: str | None, store: Store) -> JobRecord:
    with store.database.writing() as session:
        row = _changeable(session, store, job_id, by)
        kind = task_kind(row.kind)
        if not (kind.pausable if what is JobControl.PAUSE else kind.finishable):
            raise JobError(f"Jobs of the kind {row.kind!r} cannot be paused or finished early.", "Cancel it instead.")
        if row.state is not JobState.RUNNING:
            raise JobError(f"Job {job_id} is {row.state}.", "Only a running job can be paused or finished early.")
        if not row.cancel_requested:
            change_job_within(session, job_id, states={JobState.RUNNING}, control=what, message=message)
        return job_within(session, job_id)


def retry(job_id: str, *, by: str | None = None, store: Store | None = None) -> JobRecord:
    """Queue a failed, cancelled, interrupted or paused job again, with all its attempts before it.

    Raises
    ------
    NotFoundError
        There is no such job.
    AccessError
        As `request_cancel`; or ``by`` may not ask for a job of its kind (any more).
    JobError
        It waits, runs or has succeeded.
    """
    store = store or current_store()
    with store.database.writing() as session:
        row = _changeable(session, store, job_id, by, again=True)
        state, allowed = row.state, row.attempts + task_kind(row.kind).max_attempts
        if state is JobState.HELD or not move(session, job_id, JobState.QUEUED, max_attempts=allowed):
            raise JobError(
                f"Job {job_id} is {state}.", "Only a failed, cancelled, interrupted or paused job can be retried."
            )
        return job_within(session, job_id)


def let_go(job_id: str, *, by: str | None = None, store: Store | None = None) -> JobRecord:
    """Queue a held job although its question was not answered: it runs with what is known.

    Raises
    ------
    NotFoundError
        There is no such job.
    AccessError
        As `request_cancel`; or ``by`` may not ask for a job of its kind (any more).
    JobError
        It is not held.
    """
    with (store or current_store()).database.writing() as session:
        row = _changeable(session, store or current_store(), job_id, by, again=True)
        state = row.state
        if state is not JobState.HELD or not move(session, job_id, JobState.QUEUED):
            raise JobError(f"Job {job_id} is {state}.", "Only a job that needs input can be discarded.")
        return job_within(session, job_id)


def _changeable(session: Transaction, store: Store, job_id: str, by: str | None, *, again: bool = False) -> JobRecord:
    """A job that is about to be stopped, or to be queued (again), once it is clear that this person may."""
    row = job_within(session, job_id)
    if by is not None and again:
        require_running(session, store.settings, row, by)
    elif by is not None:
        require_job(session, store.settings, row, by, changing_takes(row.author, by))
    return row


def log_tail(job_id: str, *, lines: int = 200, store: Store | None = None) -> str:
    """The last lines of a job's log; empty when it has not written any.

    Raises
    ------
    NotFoundError
        There is no such job.
    """
    store = store or current_store()
    path = log_file(store, job(job_id, store=store))
    if not path.is_file():
        return ""
    with path.open("rb") as handle:
        size = handle.seek(0, 2)
        handle.seek(max(0, size - TAIL_BYTES))
        tail = handle.read().decode("utf-8", errors="replace")
    return "\n".join(tail.splitlines()[-lines:])


def log_file(store: Store, row: JobRecord) -> Path:
    """Where a job writes its log."""
    return store.settings.data_dir / row.log_path
