"""The review of a correction begins in the transaction that completes the correction."""

from __future__ import annotations

from sqlalchemy import CursorResult, update
from sqlalchemy.orm import Session

from core.store.audit import note
from core.store.base import now
from core.store.people import person_key
from core.store.review_records import OPEN_STATES, ReviewState
from core.store.review_tables import ReviewRow
from core.store.tables import ImageRow, RevisionRow


def begin_review(session: Session, revision: RevisionRow) -> ReviewRow:
    """Put a correction into the queue; earlier versions of it by the same author leave the queue."""
    review = ReviewRow(
        revision_id=revision.id, state=ReviewState.SUBMITTED.value, assignee="", created_at=now(), decided_at=None,
        decided_by="", reason="", superseded_by=None, changes=None, effect=None,
    )  # fmt: skip
    session.add(review)
    session.flush()
    earlier = [version for version in _earlier_versions(session, revision) if _replaced(session, version, revision.id)]
    for version in earlier:
        review.assignee = review.assignee or version.assignee
    image = session.get(ImageRow, revision.image_id)
    note(
        session, revision.author, "submitted", image.project_id if image else "", revision.id,
        image=image.name if image else "", image_id=revision.image_id,
        supersedes=[version.revision_id for version in earlier],
    )  # fmt: skip
    return review


def _replaced(session: Session, review: ReviewRow, revision_id: str) -> bool:
    """Take a review out of the queue; not if a reviewer has decided it at this moment."""
    undecided = ReviewRow.state.in_([state.value for state in OPEN_STATES])
    taken = session.execute(
        update(ReviewRow)
        .where(ReviewRow.revision_id == review.revision_id, undecided, ReviewRow.superseded_by.is_(None))
        .values(superseded_by=revision_id)
    )
    return isinstance(taken, CursorResult) and taken.rowcount == 1


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
