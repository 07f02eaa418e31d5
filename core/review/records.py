"""What review hands out: frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from core.store.review_records import Box, Comment, Mark, ReviewState

__all__ = [
    "Box",
    "Changes",
    "ClassChange",
    "Comment",
    "Decision",
    "Effect",
    "Mark",
    "Review",
    "ReviewState",
]


class Decision(StrEnum):
    """What a reviewer says of a submitted revision."""

    APPROVE = "approve"
    REQUEST_CHANGES = "request_changes"
    REJECT = "reject"

    @property
    def state(self) -> ReviewState:
        """Where the review stands then."""
        return _STATES[self]


_STATES = {
    Decision.APPROVE: ReviewState.APPROVED,
    Decision.REQUEST_CHANGES: ReviewState.CHANGES_REQUESTED,
    Decision.REJECT: ReviewState.REJECTED,
}


@dataclass(frozen=True, slots=True)
class ClassChange:
    """Pixels of one class that a revision added and took away."""

    class_id: int
    gained: int
    lost: int


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs between a revision and the label map that it is held against.

    Parameters
    ----------
    pixels
        How many differ.
    box
        Around all of them; None where nothing differs.
    classes
        Those that differ, background first.
    """

    pixels: int
    box: Box | None
    classes: tuple[ClassChange, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        box = self.box
        return {
            "pixels": self.pixels,
            "box": [box.row, box.column, box.height, box.width] if box else None,
            "classes": [[item.class_id, item.gained, item.lost] for item in self.classes],
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """The inverse of `to_json`."""
        box = Box(*values["box"]) if values["box"] else None
        return cls(values["pixels"], box, tuple(ClassChange(*value) for value in values["classes"]))


@dataclass(frozen=True, slots=True)
class Effect:
    """What a revision does to the score against the image's reference.

    Parameters
    ----------
    reference_id
        The reference that both were held against.
    before, after
        Dice per class id; None where the class is in neither map.
    """

    reference_id: str
    before: dict[int, float | None]
    after: dict[int, float | None]

    @property
    def mean_difference(self) -> float | None:
        """Mean over the classes that have a Dice before and after; None where there is none."""
        pairs = [(self.before[key], self.after[key]) for key in self.before]
        differences = [after - before for before, after in pairs if before is not None and after is not None]
        return sum(differences) / len(differences) if differences else None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "reference_id": self.reference_id,
            "before": {str(key): value for key, value in self.before.items()},
            "after": {str(key): value for key, value in self.after.items()},
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """The inverse of `to_json`."""
        before, after = ({int(key): value for key, value in values[when].items()} for when in ("before", "after"))
        return cls(values["reference_id"], before, after)


@dataclass(frozen=True, slots=True)
class Review:
    """Where a submitted revision stands.

    Parameters
    ----------
    authors
        Who made it: the annotator, and the reviewer who mended it where one did.
    superseded_by
        The later revision that stands in its place.
    changes, effect
        None: nobody has asked for them yet, or (effect) there is no reference.
    before_id
        The label map that these are told against (`core.review.lineage`); None: background everywhere.
    """

    revision_id: str
    image_id: str
    project_id: str
    image_name: str
    authors: tuple[str, ...]
    parent_id: str | None
    state: ReviewState
    assignee: str
    created_at: datetime
    decided_at: datetime | None
    decided_by: str
    reason: str
    superseded_by: str | None
    changes: Changes | None
    effect: Effect | None
    before_id: str | None = None
