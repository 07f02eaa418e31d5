"""Reviews: every complete correction has one, begun in the transaction that completes the correction."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.store.audit import note
from core.store.base import StorePart, now, portions
from core.store.people import person_key
from core.store.review_tables import ReviewRow
from core.store.tables import ImageRow, RevisionRow


class ReviewState(StrEnum):
    """Where a submitted revision stands."""

    SUBMITTED = "submitted"
    CHANGES_REQUESTED = "changes_requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


OPEN_STATES: Final = frozenset({ReviewState.SUBMITTED, ReviewState.CHANGES_REQUESTED})
"""States that a newer submission of the same author takes the place of."""


@dataclass(frozen=True, slots=True)
class ReviewStanding:
    """Where the review of a revision stands.

    Parameters
    ----------
    image_id, revision_id
        What it is about.
    state
        Of the review.
    superseded_by
        The newer version of the same author that took its place.
    """

    image_id: str
    revision_id: str
    state: ReviewState
    superseded_by: str | None


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


def begin_review(session: Session, revision: RevisionRow) -> ReviewRow:
    """Put a correction into the queue; earlier versions of it by the same author leave the queue."""
    review = ReviewRow(
        revision_id=revision.id, state=ReviewState.SUBMITTED.value, assignee="", created_at=now(), decided_at=None,
        decided_by="", reason="", superseded_by=None, changes=None, effect=None,
    )  # fmt: skip
    session.add(review)
    earlier = _earlier_versions(session, revision)
    for each in earlier:
        each.superseded_by = revision.id
        review.assignee = review.assignee or each.assignee
    image = session.get(ImageRow, revision.image_id)
    note(
        session, revision.author, "submitted", image.project_id if image else "", revision.id,
        image=image.name if image else "", image_id=revision.image_id,
        supersedes=[each.revision_id for each in earlier],
    )  # fmt: skip
    return review


def _earlier_versions(session: Session, revision: RevisionRow) -> list[ReviewRow]:
    """Undecided reviews of what the same author's revision was made from, nearest first."""
    found: list[ReviewRow] = []
    parent = session.get(RevisionRow, revision.parent_id) if revision.parent_id else None
    while parent is not None and person_key(parent.author) == person_key(revision.author):
        review = session.get(ReviewRow, parent.id)
        if review is None or review.state not in OPEN_STATES or review.superseded_by is not None:
            break
        found.append(review)
        parent = session.get(RevisionRow, parent.parent_id) if parent.parent_id else None
    return found
