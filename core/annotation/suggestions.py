"""Next place to look: the places that `core.annotation.ranking` finds in an image's prediction.

What somebody has seen or skipped is remembered.
"""

from __future__ import annotations

import functools
import zlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import numpy as np

from core.annotation.beginning import preferred_prediction
from core.annotation.ranking import WINDOW_PX, Strategy, suggest
from core.errors import AnnotationError
from core.imaging.pyramid import open_pyramid
from core.store.base import now
from core.store.people import person_key
from core.store.records import RevisionKind, RevisionRecord
from core.store.store import Store
from core.store.tables import VisitRow

COARSE_PX: Final = 1024
"""Longest edge of the level that doubt is read off: half a second at most, whatever the image's size."""


class Visit(StrEnum):
    """What became of a suggestion."""

    SEEN = "seen"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A region to look at.

    Parameters
    ----------
    row, column, height_px, width_px
        In pixels of full resolution.
    class_id
        The class that is in doubt there; 0: background, where something may have been missed.
    confidence
        Mean of that class there, 0 to 1; None for random places.
    """

    row: int
    column: int
    height_px: int
    width_px: int
    class_id: int
    confidence: float | None

    @property
    def place(self) -> str:
        """The region's name, the same whenever it is suggested again."""
        return f"{self.row}-{self.column}-{self.height_px}-{self.width_px}"


@dataclass(frozen=True, slots=True)
class Tour:
    """The suggestions of a label map and how far one person has come.

    Parameters
    ----------
    revision_id
        The prediction that they are about.
    suggestions
        In the order in which they should be looked at.
    visits
        What this person has seen or skipped, by `Suggestion.place`.
    """

    revision_id: str
    suggestions: tuple[Suggestion, ...]
    visits: dict[str, Visit]

    @property
    def next(self) -> Suggestion | None:
        """The first that was neither seen nor skipped; None when all were."""
        return next((each for each in self.suggestions if each.place not in self.visits), None)

    @property
    def done(self) -> int:
        """How many were seen or skipped."""
        return sum(each.place in self.visits for each in self.suggestions)


def tour(store: Store, image_id: str, person: str, strategy: Strategy = Strategy.CONFIDENCE) -> Tour:
    """Where to look in an image's prediction: that of the model in use, else the newest.

    Raises
    ------
    AnnotationError
        The image has no prediction, or (strategy "confidence") one without a confidence map.
    NotFoundError
        There is no such image.
    """
    revision = _prediction(store, image_id)
    path = store.label_pyramid_path(revision.id)
    found = _suggested(path, revision.id, Strategy(strategy))
    return Tour(revision.id, found, visits(store, revision.id, person))


def visits(store: Store, revision_id: str, person: str) -> dict[str, Visit]:
    """What a person has seen and skipped of a label map's suggestions."""
    with store.database.reading() as session:
        rows = session.query(VisitRow).filter_by(revision_id=revision_id, person=person_key(person)).all()
    return {row.place: Visit(row.outcome) for row in rows}


def visit(store: Store, revision_id: str, person: str, suggestion: Suggestion, outcome: Visit) -> None:
    """Remember that a person has seen or skipped a place; the later word counts.

    Raises
    ------
    NotFoundError
        The label map has gone.
    """
    store.revision(revision_id)
    key = (revision_id, person_key(person), suggestion.place)
    with store.database.writing() as session:
        row = session.get(VisitRow, key)
        if row is None:
            row = VisitRow(revision_id=key[0], person=key[1], place=key[2], outcome=outcome.value, at=now())
            session.add(row)
        row.outcome, row.at = outcome.value, now()


def start_again(store: Store, revision_id: str, person: str) -> None:
    """Forget what a person has seen and skipped of a label map."""
    with store.database.writing() as session:
        session.query(VisitRow).filter_by(revision_id=revision_id, person=person_key(person)).delete()


def _prediction(store: Store, image_id: str) -> RevisionRecord:
    image = store.image(image_id)
    promoted = store.promoted_model(image.project_id)
    found = preferred_prediction(
        store.revisions(image_id, kind=RevisionKind.PREDICTION), promoted.model_id if promoted else None
    )
    if found is None:
        raise AnnotationError(
            "This image has no prediction yet, so there is nothing to be doubtful about.",
            "Segment it first, or look through it from one corner to the other.",
        )
    return found


@functools.lru_cache(maxsize=64)
def _suggested(path: Path, revision_id: str, strategy: Strategy) -> tuple[Suggestion, ...]:
    """Suggestions of a label map, which does not change."""
    pyramid = open_pyramid(path)
    if strategy is Strategy.CONFIDENCE and pyramid.confidence is None:
        raise AnnotationError(
            "This prediction was imported without a confidence map.", "Choose random places, or segment the image here."
        )
    level = next(
        i for i in range(pyramid.levels) if max(pyramid.level_shape(i)) <= COARSE_PX or i == pyramid.levels - 1
    )
    labels = np.asarray(pyramid.read(level, slice(None), slice(None)))
    confidence = pyramid.confidence.read(level, slice(None), slice(None)) if pyramid.confidence else None
    scale = 2**level
    window = max(min(WINDOW_PX // scale, *labels.shape), 1)
    found = suggest(labels, confidence, strategy=strategy, window=window, seed=zlib.crc32(revision_id.encode()))
    height, width = pyramid.shape_yx
    return tuple(
        Suggestion(
            min(row * scale, height - 1), min(column * scale, width - 1),
            min(window * scale, height - row * scale), min(window * scale, width - column * scale), class_id, sure,
        )
        for row, column, class_id, sure in found
    )  # fmt: skip
