"""Batches: what was asked for together. How far one is follows from its jobs (`core.batches.rows`)."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from core.store.base import StorePart, found, now
from core.store.records import BatchRecord, JobState
from core.store.tables import BatchRow, JobRow, ProjectRow

_RECENT = 200
"""Batches that are looked through."""


class Batches(StorePart):
    """Looking at batches."""

    def get(self, batch_id: str) -> BatchRecord:
        """One batch.

        Raises
        ------
        NotFoundError
            There is none with this id.
        """
        with self._data.database.reading() as session:
            return batch_within(session, batch_id)

    def shown(self, active: Collection[JobState]) -> tuple[tuple[BatchRecord, ...], frozenset[str]]:
        """The newest batches whose line is not closed, newest first, without those of deleted projects.

        Parameters
        ----------
        active
            States of jobs that have not ended.

        Returns
        -------
        batches
            Of everybody.
        unfinished
            Ids of batches with a job in one of these states.
        """
        there = or_(BatchRow.project_id.is_(None), BatchRow.project_id.in_(select(ProjectRow.id)))
        recent = select(BatchRow).where(BatchRow.dismissed_at.is_(None), there).order_by(BatchRow.created_at.desc())
        busy = select(JobRow.batch_id).where(JobRow.state.in_([state.value for state in active])).distinct()
        with self._data.database.reading() as session:
            unfinished = frozenset(batch_id for batch_id in session.scalars(busy) if batch_id)
            return tuple(_record(row) for row in session.scalars(recent.limit(_RECENT))), unfinished

    def newest(self) -> tuple[BatchRecord, ...]:
        """The newest batches that go to one project, newest first."""
        wanted = select(BatchRow).where(BatchRow.project_id.is_not(None)).order_by(BatchRow.created_at.desc())
        with self._data.database.reading() as session:
            return tuple(_record(row) for row in session.scalars(wanted.limit(_RECENT)))


def batch_within(session: Session, batch_id: str) -> BatchRecord:
    """Within a transaction: one batch.

    Raises
    ------
    NotFoundError
        There is none with this id.
    """
    return _record(found(session, BatchRow, batch_id, "batch"))


def find_batch_within(session: Session, batch_id: str) -> BatchRecord | None:
    """Within a transaction: one batch; None: there is none with this id."""
    row = session.get(BatchRow, batch_id)
    return None if row is None else _record(row)


def add_batch_within(
    session: Session, batch_id: str, *, author: str, project_id: str | None, model_id: str, files: int
) -> BatchRecord:
    """Within a transaction: begin a batch; what is given is as `BatchRecord` describes it."""
    row = BatchRow(
        id=batch_id,
        author=author[:200],
        project_id=project_id,
        model_id=model_id,
        files=files,
        already=0,
        created_at=now(),
        cancelled_at=None,
        dismissed_at=None,
    )
    session.add(row)
    session.flush()
    return _record(row)


def count_already_within(session: Session, batch_id: str, images: int) -> None:
    """Within a transaction: so many more images of a batch were left alone, because they are segmented."""
    session.execute(update(BatchRow).where(BatchRow.id == batch_id).values(already=BatchRow.already + images))


def cancel_batch_within(session: Session, batch_id: str) -> None:
    """Within a transaction: files of the batch that arrive from now on are refused."""
    row = found(session, BatchRow, batch_id, "batch")
    row.cancelled_at = row.cancelled_at or now()


def dismiss_batch_within(session: Session, batch_id: str) -> None:
    """Within a transaction: close the line of a batch."""
    found(session, BatchRow, batch_id, "batch").dismissed_at = now()


def _record(row: BatchRow) -> BatchRecord:
    return BatchRecord(
        id=row.id,
        author=row.author,
        project_id=row.project_id,
        model_id=row.model_id,
        files=row.files,
        already=row.already,
        created_at=row.created_at,
        cancelled_at=row.cancelled_at,
        dismissed_at=row.dismissed_at,
    )
