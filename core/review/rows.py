"""Reading reviews: submissions of the store as what review hands out."""

from __future__ import annotations

from typing import Final

from core.errors import AccessError
from core.review.records import Changes, Effect, Review
from core.store.database import Transaction
from core.store.people import clean_name
from core.store.review_records import Submission
from core.store.reviews import subject_within
from core.store.store import Store

BEFORE: Final = "before"
"""In the changes that are kept with a review: what they were counted against; where it is missing, the parent."""


def review(store: Store, revision_id: str) -> Review:
    """One review.

    Raises
    ------
    NotFoundError
        The revision has none.
    """
    with store.database.reading() as session:
        return review_within(session, revision_id)


def review_within(session: Transaction, revision_id: str) -> Review:
    """`review` within a transaction, as it is now.

    Raises
    ------
    NotFoundError
        The revision has none.
    """
    return review_of(subject_within(session, revision_id))


def named(person: str) -> str:
    """The person's name, as it is kept.

    Raises
    ------
    AccessError
        It is empty: whoever decides, says so by name.
    """
    name = clean_name(person)
    if not name:
        raise AccessError("Your name is unknown.", "Sign in, or enter your name at the top of the page.")
    return name


def review_of(submission: Submission) -> Review:
    """A submission as a value for pages."""
    kept, revision, image = submission.review, submission.revision, submission.image
    return Review(
        revision_id=revision.id,
        image_id=image.id,
        project_id=image.project_id,
        image_name=image.name,
        authors=submission.authors,
        parent_id=revision.parent_id,
        state=kept.state,
        assignee=kept.assignee,
        created_at=kept.created_at,
        decided_at=kept.decided_at,
        decided_by=kept.decided_by,
        reason=kept.reason,
        superseded_by=kept.superseded_by,
        changes=Changes.from_json(kept.changes) if kept.changes else None,
        effect=Effect.from_json(kept.effect) if kept.effect else None,
        before_id=(kept.changes or {}).get(BEFORE, revision.parent_id),
    )
