"""What is kept of reviews, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

from core.store.people import person_key
from core.store.records import ImageRecord, ProjectRecord, RevisionRecord


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRecord:
    """The review of a revision.

    Parameters
    ----------
    assignee, decided_by
        Names; "" for nobody.
    superseded_by
        The later revision that stands in its place.
    changes, effect
        As `core.review.changes` worked them out; None: nobody has asked yet, or there is no reference.
    """

    revision_id: str
    state: ReviewState
    assignee: str
    created_at: datetime
    decided_at: datetime | None
    decided_by: str
    reason: str
    superseded_by: str | None
    changes: dict[str, Any] | None
    effect: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A review, with the revision that it is of, and the image of that."""

    review: ReviewRecord
    revision: RevisionRecord
    image: ImageRecord

    @property
    def authors(self) -> tuple[str, ...]:
        """Who made the revision: the annotator first, then whoever corrected it during review."""
        names = self.revision.details.get("authors")
        return tuple(str(name) for name in names) if names else (self.revision.author,)

    @property
    def state(self) -> ReviewState:
        """Where the review stands."""
        return self.review.state

    def made_by(self, person: str) -> bool:
        """Whether a person is one of its authors."""
        return person_key(person) in {person_key(name) for name in self.authors}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject(Submission):
    """A submission with all that decides about it, as it is within one transaction."""

    project: ProjectRecord


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of an image, in pixels of full resolution.

    Parameters
    ----------
    row, column
        Its upper left pixel.
    height, width
        At least 1.
    """

    row: int
    column: int
    height: int
    width: int

    def within(self, shape_yx: tuple[int, int]) -> Self | None:
        """The part that lies in an image, None where none does.

        >>> Box(-2, 3, 5, 9).within((4, 8))
        Box(row=0, column=3, height=3, width=5)
        """
        top, left = max(self.row, 0), max(self.column, 0)
        bottom, right = min(self.row + self.height, shape_yx[0]), min(self.column + self.width, shape_yx[1])
        return type(self)(top, left, bottom - top, right - left) if bottom > top and right > left else None


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment of a thread."""

    id: str
    revision_id: str
    author: str
    created_at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A numbered box with words, on a revision.

    Parameters
    ----------
    resolved_by, resolved_at
        "" and None while it is open.
    """

    revision_id: str
    number: int
    box: Box
    label: str
    note: str
    author: str
    created_at: datetime
    resolved_by: str
    resolved_at: datetime | None


@dataclass(frozen=True, slots=True)
class Assignment:
    """A person who is asked to annotate an image.

    Parameters
    ----------
    blind
        Without seeing the work of the others who are asked.
    revision_id
        The newest that they submitted since; None: they have not.
    """

    image_id: str
    person: str
    blind: bool
    assigned_by: str
    assigned_at: datetime
    revision_id: str | None
