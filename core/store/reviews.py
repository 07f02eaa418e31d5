"""Reviews: every complete correction has one, begun in the transaction that completes the correction."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import CursorResult, Select, select, update
from sqlalchemy.orm import Session

from core.errors import NotFoundError
from core.store.base import StorePart, portions
from core.store.images import image_record
from core.store.projects import project_within
from core.store.review_records import OPEN_STATES, ReviewRecord, ReviewStanding, ReviewState, Subject, Submission
from core.store.review_tables import ReviewRow
from core.store.revisions import revision_record
from core.store.tables import ImageRow, RevisionRow

__all__ = ["OPEN_STATES", "ReviewStanding", "ReviewState", "Reviews"]


class Reviews(StorePart):
    """Where reviews stand; deciding is `core.review.decisions`."""

    def standing(self, revision_id: str) -> ReviewStanding | None:
        """Of one revision; None: it has no review."""
        return self.standings([revision_id]).get(revision_id)

    def standings(self, revision_ids: Collection[str]) -> dict[str, ReviewStanding]:
        """Of the revisions that have a review, by their id."""
        standings: dict[str, ReviewStanding] = {}
        with self._data.database.reading() as session:
            for some in portions(revision_ids):
                wanted = _standings().where(ReviewRow.revision_id.in_(some))
                standings |= {row[1]: _standing(row) for row in session.execute(wanted)}
        return standings

    def of_project(self, project_id: str) -> tuple[ReviewStanding, ...]:
        """Of all complete corrections of images that are not in the trash, oldest first."""
        wanted = (
            _standings()
            .join(ImageRow, ImageRow.id == RevisionRow.image_id)
            .where(ImageRow.project_id == project_id, ImageRow.trashed_at.is_(None))
            .order_by(RevisionRow.created_at, RevisionRow.id)
        )
        with self._data.database.reading() as session:
            return tuple(_standing(row) for row in session.execute(wanted))

    def queue(
        self,
        project_id: str,
        states: Collection[ReviewState],
        *,
        superseded: bool = False,
        image_id: str = "",
    ) -> tuple[Submission, ...]:
        """Submissions of a project, the longest waiting first, without images in the trash.

        Parameters
        ----------
        states
            Of the reviews.
        superseded
            Also those that a newer version has taken the place of.
        image_id
            Of this image; empty: of all.
        """
        wanted = _joined().where(ImageRow.project_id == project_id, ReviewRow.state.in_(sorted(states)))
        if not superseded:
            wanted = wanted.where(ReviewRow.superseded_by.is_(None))
        if image_id:
            wanted = wanted.where(ImageRow.id == image_id)
        with self._data.database.reading() as session:
            rows = session.execute(wanted.order_by(ReviewRow.created_at, ReviewRow.revision_id))
            return tuple(_submission(*row) for row in rows)

    def asked_to_change(self, image_id: str) -> tuple[tuple[str, str], ...]:
        """Corrections of an image that a reviewer wants changed, oldest first: id and author."""
        wanted = (
            select(ReviewRow.revision_id, RevisionRow.author)
            .join(RevisionRow, RevisionRow.id == ReviewRow.revision_id)
            .where(RevisionRow.image_id == image_id, ReviewRow.superseded_by.is_(None))
            .where(ReviewRow.state == ReviewState.CHANGES_REQUESTED.value)
            .order_by(ReviewRow.created_at, ReviewRow.revision_id)
        )
        with self._data.database.reading() as session:
            return tuple((revision_id, author) for revision_id, author in session.execute(wanted))

    def versions(self, revision_id: str) -> tuple[str, ...]:
        """This revision and the earlier ones that it took the place of, oldest first."""
        versions, wave = [revision_id], [revision_id]
        with self._data.database.reading() as session:
            while wave:
                before = select(ReviewRow.revision_id).where(ReviewRow.superseded_by.in_(wave))
                earlier = session.scalars(before.order_by(ReviewRow.created_at))
                wave = [version for version in earlier if version not in versions]
                versions = [*wave, *versions]
        return tuple(versions)

    def replaced_by(self, revision_ids: Collection[str]) -> set[str]:
        """Ids of the versions whose place these revisions took."""
        replaced: set[str] = set()
        with self._data.database.reading() as session:
            for some in portions(revision_ids):
                replaced |= set(session.scalars(select(ReviewRow.revision_id).where(ReviewRow.superseded_by.in_(some))))
        return replaced

    def keep_measured(self, revision_id: str, changes: dict[str, Any], effect: dict[str, Any] | None) -> None:
        """Keep what was worked out about a correction; nothing happens where it was deleted meanwhile."""
        with self._data.database.writing() as session:
            row = session.get(ReviewRow, revision_id)
            if row is not None:
                row.changes, row.effect = changes, effect


def _standings() -> Any:
    return select(RevisionRow.image_id, ReviewRow.revision_id, ReviewRow.state, ReviewRow.superseded_by).join(
        RevisionRow, RevisionRow.id == ReviewRow.revision_id
    )


def _standing(row: Any) -> ReviewStanding:
    image_id, revision_id, state, superseded_by = row
    return ReviewStanding(image_id, revision_id, ReviewState(state), superseded_by)


def subject_within(session: Session, revision_id: str) -> Subject:
    """Within a transaction: a review with all that decides about it.

    Raises
    ------
    NotFoundError
        The revision has no review, or its image is in the trash.
    """
    row = session.execute(_joined().where(ReviewRow.revision_id == revision_id)).first()
    if row is None:
        raise NotFoundError(
            f"There is no review of a revision {revision_id[:40]!r}.",
            "It may have been deleted, or is not a submitted correction; reload the page.",
        )
    review, revision, image = row
    return Subject(
        review=_record(review),
        revision=revision_record(revision),
        image=image_record(image),
        project=project_within(session, image.project_id),
    )


def review_state_within(session: Session, revision_id: str) -> ReviewState | None:
    """Within a transaction: where a review stands; None: the revision has none."""
    row = session.get(ReviewRow, revision_id)
    return None if row is None else ReviewState(row.state)


def change_review_within(session: Session, read: ReviewRecord, **values: Any) -> bool:
    """Within a transaction: set columns of a review if nobody has changed its state since it was read.

    State and change are one statement: where a database lets two transactions write at once (PostgreSQL), the second
    waits for the first, and then finds the state changed.

    Parameters
    ----------
    read
        The review as read in this transaction.
    values
        Column to value.

    Returns
    -------
    bool
        Whether it was changed; False: it was decided, withdrawn, reopened or replaced meanwhile.
    """
    changed = session.execute(
        update(ReviewRow)
        .where(
            ReviewRow.revision_id == read.revision_id,
            ReviewRow.state == read.state.value,
            ReviewRow.superseded_by.is_not_distinct_from(read.superseded_by),
        )
        .values({name: value.value if isinstance(value, ReviewState) else value for name, value in values.items()})
        .execution_options(synchronize_session=False)
    )
    row = session.get(ReviewRow, read.revision_id)
    if row is not None:
        session.expire(row)  # what is read from now on is what is stored now
    return isinstance(changed, CursorResult) and changed.rowcount == 1


def approved_within(session: Session, superseded_by: str) -> list[str]:
    """Within a transaction: approved revisions whose place this one took."""
    replaced = select(ReviewRow.revision_id).where(ReviewRow.superseded_by == superseded_by)
    return list(session.scalars(replaced.where(ReviewRow.state == ReviewState.APPROVED.value)))


def restore_replaced_within(session: Session, superseded_by: str) -> None:
    """Within a transaction: undecided revisions whose place this one took return to the queue."""
    session.execute(
        update(ReviewRow)
        .where(ReviewRow.superseded_by == superseded_by, ReviewRow.state.in_(OPEN_STATES))
        .values(superseded_by=None)
    )


def _joined() -> Select[ReviewRow, RevisionRow, ImageRow]:
    """Reviews with their revisions and images, images in the trash left out."""
    return (
        select(ReviewRow, RevisionRow, ImageRow)
        .join(RevisionRow, RevisionRow.id == ReviewRow.revision_id)
        .join(ImageRow, ImageRow.id == RevisionRow.image_id)
        .where(ImageRow.trashed_at.is_(None))
    )


def _submission(review: ReviewRow, revision: RevisionRow, image: ImageRow) -> Submission:
    return Submission(review=_record(review), revision=revision_record(revision), image=image_record(image))


def _record(row: ReviewRow) -> ReviewRecord:
    return ReviewRecord(
        revision_id=row.revision_id,
        state=ReviewState(row.state),
        assignee=row.assignee,
        created_at=row.created_at,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        reason=row.reason,
        superseded_by=row.superseded_by,
        changes=row.changes,
        effect=row.effect,
    )
