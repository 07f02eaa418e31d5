"""Comments on submitted revisions and numbered marks on their images; who may add one is said in `core.review`."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.errors import NotFoundError
from core.store.base import StorePart, new_id, now
from core.store.review_records import Box, Comment, Mark
from core.store.review_tables import ReviewCommentRow, ReviewMarkRow, ReviewRow


class ReviewThreads(StorePart):
    """Looking at comments and marks."""

    def comments(self, revision_ids: Collection[str]) -> tuple[Comment, ...]:
        """On these revisions, oldest first."""
        wanted = select(ReviewCommentRow).where(ReviewCommentRow.revision_id.in_(revision_ids))
        with self._data.database.reading() as session:
            rows = session.scalars(wanted.order_by(ReviewCommentRow.created_at, ReviewCommentRow.id))
            return tuple(_comment(row) for row in rows)

    def marks(self, revision_ids: Collection[str]) -> tuple[Mark, ...]:
        """On these revisions: the earliest submission first, each by number."""
        wanted = (
            select(ReviewMarkRow)
            .join(ReviewRow, ReviewRow.revision_id == ReviewMarkRow.revision_id)
            .where(ReviewMarkRow.revision_id.in_(revision_ids))
            .order_by(ReviewRow.created_at, ReviewMarkRow.number)
        )
        with self._data.database.reading() as session:
            return tuple(_mark(row) for row in session.scalars(wanted))


def add_comment_within(session: Session, revision_id: str, author: str, text: str) -> Comment:
    """Within a transaction: a line in the thread of a revision, where its author reads it."""
    row = ReviewCommentRow(id=new_id(), revision_id=revision_id, author=author, created_at=now(), text=text)
    session.add(row)
    session.flush()
    return _comment(row)


def add_mark_within(session: Session, revision_id: str, box: Box, *, label: str, note: str, author: str) -> Mark:
    """Within a transaction: a mark with the next number of the revision."""
    last = session.scalar(select(func.max(ReviewMarkRow.number)).where(ReviewMarkRow.revision_id == revision_id))
    row = ReviewMarkRow(
        revision_id=revision_id,
        number=(last or 0) + 1,
        row=box.row,
        column=box.column,
        height=box.height,
        width=box.width,
        label=label,
        note=note,
        author=author,
        created_at=now(),
        resolved_by="",
        resolved_at=None,
    )
    session.add(row)
    session.flush()
    return _mark(row)


def mark_within(session: Session, revision_id: str, number: int) -> Mark:
    """Within a transaction: one mark.

    Raises
    ------
    NotFoundError
        There is no such mark.
    """
    return _mark(_found(session, revision_id, number))


def resolve_mark_within(session: Session, revision_id: str, number: int, by: str) -> Mark:
    """Within a transaction: a mark is dealt with, as this person says; "": it is open again.

    Raises
    ------
    NotFoundError
        There is no such mark.
    """
    row = _found(session, revision_id, number)
    row.resolved_by, row.resolved_at = by, now() if by else None
    return _mark(row)


def remove_mark_within(session: Session, revision_id: str, number: int) -> None:
    """Within a transaction: there is no such mark any more."""
    session.delete(_found(session, revision_id, number))


def _found(session: Session, revision_id: str, number: int) -> ReviewMarkRow:
    row = session.get(ReviewMarkRow, (revision_id, number))
    if row is None:
        raise NotFoundError(f"There is no mark {number} on this revision.", "Reload the page.")
    return row


def _comment(row: ReviewCommentRow) -> Comment:
    return Comment(row.id, row.revision_id, row.author, row.created_at, row.text)


def _mark(row: ReviewMarkRow) -> Mark:
    return Mark(
        row.revision_id,
        row.number,
        Box(row.row, row.column, row.height, row.width),
        row.label,
        row.note,
        row.author,
        row.created_at,
        row.resolved_by,
        row.resolved_at,
    )
