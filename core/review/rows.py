"""Reading reviews: rows joined with their revision and image, as records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from core.errors import AccessError, NotFoundError
from core.review.records import Changes, Effect, Review, ReviewState
from core.store.people import clean_name, person_key
from core.store.review_tables import ReviewRow
from core.store.store import Store
from core.store.tables import ImageRow, ProjectRow, RevisionRow

BEFORE: Final = "before"
"""In the changes that are kept with a review: what they were counted against; where it is missing, the parent."""


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A review with all that decides about it, within one transaction."""

    review: ReviewRow
    revision: RevisionRow
    image: ImageRow
    project: ProjectRow

    @property
    def state(self) -> ReviewState:
        """Where it stands now."""
        return ReviewState(self.review.state)

    def made_by(self, person: str) -> bool:
        """Whether a person is one of its authors."""
        return person_key(person) in {person_key(name) for name in authors_of(self.revision)}


def joined() -> Select[ReviewRow, RevisionRow, ImageRow]:
    """Reviews with their revisions and images, images in the trash left out."""
    return (
        select(ReviewRow, RevisionRow, ImageRow)
        .join(RevisionRow, RevisionRow.id == ReviewRow.revision_id)
        .join(ImageRow, ImageRow.id == RevisionRow.image_id)
        .where(ImageRow.trashed_at.is_(None))
    )


def subject(session: Session, revision_id: str) -> Subject:
    """What a review is about.

    Raises
    ------
    NotFoundError
        The revision has no review, or its image is in the trash.
    """
    row = session.execute(joined().where(ReviewRow.revision_id == revision_id)).first()
    if row is None:
        raise NotFoundError(
            f"There is no review of a revision {revision_id[:40]!r}.",
            "It may have been deleted, or is not a submitted correction; reload the page.",
        )
    review, revision, image = row
    project = session.get_one(ProjectRow, image.project_id)
    return Subject(review, revision, image, project)


def review(store: Store, revision_id: str) -> Review:
    """One review.

    Raises
    ------
    NotFoundError
        The revision has none.
    """
    with store.database.reading() as session:
        found = subject(session, revision_id)
        return record((found.review, found.revision, found.image))


def authors_of(revision: RevisionRow) -> tuple[str, ...]:
    """Who made a revision: the annotator first, then whoever mended it during review."""
    names = revision.details.get("authors")
    return tuple(str(name) for name in names) if names else (revision.author,)


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


def record(row: Any) -> Review:
    """A joined row as a value."""
    review_row, revision, image = row
    return Review(
        revision_id=review_row.revision_id,
        image_id=image.id,
        project_id=image.project_id,
        image_name=image.name,
        authors=authors_of(revision),
        parent_id=revision.parent_id,
        state=ReviewState(review_row.state),
        assignee=review_row.assignee,
        created_at=review_row.created_at,
        decided_at=review_row.decided_at,
        decided_by=review_row.decided_by,
        reason=review_row.reason,
        superseded_by=review_row.superseded_by,
        changes=Changes.from_json(review_row.changes) if review_row.changes else None,
        effect=Effect.from_json(review_row.effect) if review_row.effect else None,
        before_id=(review_row.changes or {}).get(BEFORE, revision.parent_id),
    )
