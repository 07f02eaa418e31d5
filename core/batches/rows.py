"""Batches: how far they are, cancelling one, closing its line."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from core.access.roles import Permission, may, require_anywhere, require_anywhere_within, require_within
from core.batches.speed import expected_s
from core.errors import AccessError, NotFoundError
from core.jobs.kinds import IngestResult, JobKind, PredictResult, params_of
from core.jobs.rights import changing_takes
from core.jobs.rows import let_go, request_cancel, retry
from core.jobs.states import ACTIVE
from core.store.base import new_id, now
from core.store.batches import batch_within, cancel_batch_within, dismiss_batch_within
from core.store.database import Transaction
from core.store.jobs import JobQuery
from core.store.people import person_key
from core.store.records import BatchRecord, JobRecord, JobState
from core.store.store import Store
from core.store.uploads import find_upload

SHOWN_FOR: Final = timedelta(hours=24)
"""A batch that has ended keeps its line for so long, unless its author closes it."""

LATE_S: Final = 60.0
"""A file of a drop that has not arrived so long after the last one is said to be missing."""

_ID: Final = re.compile(r"[0-9a-f]{16,32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchProgress:
    """How far a batch is.

    Parameters
    ----------
    batch
        What was asked for.
    files, read
        Files of the drop, and those that have been read.
    missing
        Files that were announced and have not arrived.
    images, segmented
        Images to be segmented as far as they are known (those of files that are not read yet count one each), and
        those that are.
    failed, cancelled, held
        Jobs that failed, that were cancelled, that wait for an answer.
    fraction
        0 to 1.
    left_s
        Seconds left, None where nothing is known.
    """

    batch: BatchRecord
    files: int
    read: int
    missing: int
    images: int
    segmented: int
    failed: tuple[JobRecord, ...]
    cancelled: int
    held: tuple[JobRecord, ...]
    working: int
    fraction: float
    left_s: float | None
    image_ids: tuple[str, ...]

    @property
    def under_way(self) -> bool:
        """Whether something runs or waits for its turn; not what waits for an answer."""
        return self.working > 0

    @property
    def over(self) -> bool:
        """Whether nothing is left to do."""
        return not self.working and not self.held


def new_batch_id() -> str:
    """An id for a batch that is about to be asked for."""
    return new_id()


def is_batch_id(text: str) -> bool:
    """Whether a client's text can be the id of a batch."""
    return _ID.fullmatch(text) is not None


def batch(store: Store, batch_id: str) -> BatchRecord:
    """One batch.

    Raises
    ------
    NotFoundError
        There is none with this id.
    """
    return store.batches.get(batch_id)


def open_batches(store: Store, person: str) -> tuple[BatchRecord, ...]:
    """A person's batches of the last day whose line they have not closed, newest first; not of deleted projects."""
    rows, unfinished = store.batches.shown(ACTIVE)
    limit = now() - SHOWN_FOR
    mine = [row for row in rows if person_key(row.author) == person_key(person) and _sees(store, row, person)]
    return tuple(row for row in mine if row.created_at > limit or row.id in unfinished)


def _sees(store: Store, row: BatchRecord, person: str) -> bool:
    """Whether a person may (still) see the project of a batch; one of several projects counts for who has any role."""
    if row.project_id is not None:
        return may(store, row.project_id, person, Permission.VIEW)
    try:
        require_anywhere(store, person, Permission.VIEW)
    except AccessError:
        return False
    return True


def batch_progress(store: Store, batch_id: str) -> BatchProgress:
    """How far a batch is.

    Raises
    ------
    NotFoundError
        There is none with this id.
    """
    asked = store.batches.get(batch_id)
    jobs = sorted(store.jobs.newest(JobQuery(batch_id=batch_id)), key=lambda job: (job.created_at, job.id))
    return _progress(store, asked, jobs)


def cancel_batch(store: Store, batch_id: str, *, by: str) -> int:
    """Cancel what runs, waits or is held of a batch; files of it that arrive later are refused. Returns how many jobs.

    Raises
    ------
    NotFoundError
        There is none with this id.
    AccessError
        ``by`` may not stop one of the jobs; or did not begin the batch and may not train in its project.
    """
    with store.database.writing() as session:
        _require_stopping(session, store, batch_within(session, batch_id), by)
        cancel_batch_within(session, batch_id)
    # files before images: what a file would be followed by is not queued any more then
    active = sorted(_active(store, batch_id), key=lambda job: job.kind == JobKind.PREDICT)
    for job in active:
        request_cancel(job.id, by=by, store=store)
    return len(active)


def answer_assume(store: Store, batch_id: str, *, by: str) -> int:
    """Segment the held images of a batch as if at the scale of the model. Returns how many.

    Raises
    ------
    AccessError
        ``by`` may not change one of the jobs.
    """
    held = [job for job in _active(store, batch_id) if job.state is JobState.HELD]
    for job in held:
        let_go(job.id, by=by, store=store)
    return len(held)


def retry_failed(store: Store, batch_id: str, *, by: str) -> int:
    """Queue the failed jobs of a batch again. Returns how many.

    Raises
    ------
    AccessError
        ``by`` may not change one of the jobs.
    """
    failed = [job for job in batch_progress(store, batch_id).failed if can_be_retried(store, job)]
    for job in failed:
        retry(job.id, by=by, store=store)
    return len(failed)


def can_be_retried(store: Store, job: JobRecord) -> bool:
    """Whether the job still has its file: an upload that cannot be read is deleted."""
    upload_id = params_of(job.kind, job.params).subjects.upload_id
    if not upload_id:
        return True
    try:
        find_upload(store.settings, upload_id)
    except NotFoundError:
        return False
    return True


def last_projects(store: Store, person: str) -> tuple[str, ...]:
    """Ids of the projects of a person's batches, the last one first."""
    mine = (row.project_id for row in store.batches.newest() if person_key(row.author) == person_key(person))
    return tuple(dict.fromkeys(project_id for project_id in mine if project_id))


def dismiss_batch(store: Store, batch_id: str, *, by: str) -> None:
    """Close the line of a batch; nothing else changes.

    Raises
    ------
    NotFoundError
        ``by`` has begun none with this id.
    """
    with store.database.writing() as session:
        require_batch_author(batch_within(session, batch_id), by)
        dismiss_batch_within(session, batch_id)


def _require_stopping(session: Transaction, store: Store, row: BatchRecord, by: str) -> None:
    """As for each of its jobs, also where none of them is there yet."""
    needed = changing_takes(row.author, by)
    if row.project_id is None:
        require_anywhere_within(session, store.settings, by, needed)
    else:
        require_within(session, store.settings, row.project_id, by, needed)


def _active(store: Store, batch_id: str) -> tuple[JobRecord, ...]:
    return store.jobs.newest(JobQuery(batch_id=batch_id, states=ACTIVE))


def _progress(store: Store, asked: BatchRecord, jobs: Collection[JobRecord]) -> BatchProgress:
    files = [job for job in jobs if job.kind == JobKind.INGEST]
    predictions = [job for job in jobs if job.kind == JobKind.PREDICT]
    unread = [job for job in files if not job.finished]
    waiting = [job for job in predictions if not job.finished and job.state is not JobState.HELD]
    done = [job for job in predictions if job.state is JobState.SUCCEEDED]
    failed = tuple(job for job in jobs if job.state in (JobState.FAILED, JobState.INTERRUPTED))
    held = tuple(job for job in predictions if job.state is JobState.HELD)
    newest = max((job.created_at for job in files), default=asked.created_at)
    missing = max(0, asked.files - len(files)) if asked.cancelled_at is None else 0
    coming = missing if (now() - newest).total_seconds() < LATE_S else 0
    images = asked.already + len(predictions) + len(unread) + coming + sum(job.kind == JobKind.INGEST for job in failed)
    ended = images - len(waiting) - len(held) - len(unread) - coming
    return BatchProgress(
        batch=asked,
        files=asked.files or len(files),
        read=sum(job.state is JobState.SUCCEEDED for job in files),
        missing=missing - coming,
        images=images,
        segmented=len(done) + asked.already,
        failed=failed,
        cancelled=sum(job.state is JobState.CANCELLED for job in jobs),
        held=held,
        working=len(waiting) + len(unread) + coming,
        fraction=min(1.0, (ended + sum(job.progress for job in waiting)) / images) if images else 1.0,
        left_s=_left_s(store, asked, waiting, len(unread) + coming, done),
        image_ids=tuple(
            dict.fromkeys(
                [image_id for job in files for image_id in IngestResult.from_json(job.result).image_ids]
                + [job.image_id for job in predictions if job.image_id]
            )
        ),
    )


def _left_s(
    store: Store, asked: BatchRecord, waiting: list[JobRecord], unread: int, done: list[JobRecord]
) -> float | None:
    """Seconds left: from the images of the batch that are done, else from earlier predictions of the model."""
    if not waiting and not unread:
        return None
    took = [
        (job.finished_at - job.started_at).total_seconds()
        for job in done
        if job.finished_at and job.started_at and not PredictResult.from_json(job.result).reused
    ]
    if took:
        todo = unread + sum(1 - job.progress for job in waiting)
        return todo * sum(took) / len(took)
    return expected_s(store, asked.model_id, [job.image_id for job in waiting if job.image_id])


def require_batch_author(asked: BatchRecord, person: str) -> None:
    """Refuse a batch that somebody else began.

    Raises
    ------
    NotFoundError
        As if there were none: its id is nobody else's business.
    """
    if person_key(asked.author) != person_key(person):
        raise NotFoundError(f"You have no batch {asked.id!r}.", "Drop the files again.")
