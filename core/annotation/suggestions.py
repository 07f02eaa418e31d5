"""Next place to look: in an image's prediction (`core.annotation.ranking`) or in the image itself (`.variety`).

What somebody has seen or skipped is remembered.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import numpy as np

from core.access.roles import Permission, require
from core.annotation.draft_start import preferred_prediction
from core.annotation.ranking import WINDOW_PX, Strategy, suggest
from core.annotation.variety import varied_places
from core.cache import MB, remembered
from core.errors import AnnotationError
from core.imaging.pyramid import Pyramid, open_pyramid
from core.learning.current_model import proposed_model
from core.models.store import ModelStore
from core.store.label_maps import translation_of
from core.store.people import person_key
from core.store.records import RevisionKind, RevisionRecord
from core.store.store import Store

COARSE_PX: Final = 1024
"""Longest edge of the level that doubt is read off: half a second at most, whatever the image's size."""

TEXTURE_PX: Final = 2048
"""Longest edge of the level that texture is read off: a second at most."""


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
        The class that is in doubt there; 0: background, where something may have been missed. None where the place was
        chosen by texture.
    confidence
        Mean of that class there, 0 to 1; None for places that were not chosen by it.
    """

    row: int
    column: int
    height_px: int
    width_px: int
    class_id: int | None
    confidence: float | None

    @property
    def place(self) -> str:
        """The region's name, the same whenever it is suggested again."""
        return f"{self.row}-{self.column}-{self.height_px}-{self.width_px}"


@dataclass(frozen=True, slots=True)
class Tour:
    """The suggestions in an image and how far one person has come.

    Parameters
    ----------
    image_id
        The image.
    revision_id
        The prediction that they are about; None where they are about the image itself.
    suggestions
        In the order in which they should be looked at.
    visits
        What this person has seen or skipped, by `Suggestion.place`.
    """

    image_id: str
    revision_id: str | None
    suggestions: tuple[Suggestion, ...]
    visits: dict[str, Visit]

    @property
    def next(self) -> Suggestion | None:
        """The first that was neither seen nor skipped; None when all were."""
        return next((suggestion for suggestion in self.suggestions if suggestion.place not in self.visits), None)

    @property
    def done(self) -> int:
        """How many were seen or skipped."""
        return sum(suggestion.place in self.visits for suggestion in self.suggestions)


def strategies(store: Store, image_id: str) -> tuple[Strategy, ...]:
    """What an image's places can be chosen by, the best first.

    Raises
    ------
    NotFoundError
        There is no such image.
    """
    found = _preferred(store, image_id)
    if found is None:
        return (Strategy.VARIETY,)
    sure = open_pyramid(store.revisions.pyramid_path(found.id)).confidence is not None
    return (*((Strategy.CONFIDENCE,) if sure else ()), Strategy.RANDOM, Strategy.VARIETY)


def tour(store: Store, image_id: str, person: str, strategy: Strategy = Strategy.CONFIDENCE) -> Tour:
    """Where to look in an image or its prediction: that of the current model, else the newest.

    Raises
    ------
    AnnotationError
        The image has no prediction, or (strategy "confidence") one without a confidence map; never with "variety".
    NotFoundError
        There is no such image.
    """
    if Strategy(strategy) is Strategy.VARIETY:
        store.images.get(image_id)
        return Tour(
            image_id, None, _varied(store.images.pyramid_path(image_id)), _visits(store, image_id, None, person)
        )
    revision = _prediction(store, image_id)
    classes = translation_of(store, revision).lookup().tobytes()
    found = _suggested(store.revisions.pyramid_path(revision.id), revision.id, classes, Strategy(strategy))
    return Tour(image_id, revision.id, found, _visits(store, image_id, revision.id, person))


def visit(store: Store, about: Tour, person: str, suggestion: Suggestion, outcome: Visit) -> None:
    """Remember that a person has seen or skipped a place; the later word counts.

    Raises
    ------
    NotFoundError
        The image or the prediction has gone.
    AccessError
        The person may not see the project (any more).
    """
    require(store, store.images.get(about.image_id).project_id, person, Permission.VIEW)
    if about.revision_id is not None:
        store.revisions.get(about.revision_id)
    place = _stored(about.revision_id, suggestion.place)
    store.visits.keep(about.image_id, person_key(person), place, about.revision_id, outcome.value)


def start_again(store: Store, about: Tour, person: str) -> None:
    """Forget what a person has seen and skipped of these places. Raises as `visit`."""
    require(store, store.images.get(about.image_id).project_id, person, Permission.VIEW)
    store.visits.forget(about.image_id, person_key(person), about.revision_id)


def _visits(store: Store, image_id: str, revision_id: str | None, person: str) -> dict[str, Visit]:
    """What a person has seen and skipped of an image's places, or of a prediction's."""
    outcomes = store.visits.outcomes(image_id, person_key(person), revision_id)
    start = len(_stored(revision_id, ""))
    return {place[start:]: Visit(outcome) for place, outcome in outcomes.items()}


def _stored(revision_id: str | None, place: str) -> str:
    """A place's name in the database, where those of all predictions of an image lie together."""
    return place if revision_id is None else f"{revision_id}/{place}"


def _preferred(store: Store, image_id: str) -> RevisionRecord | None:
    image = store.images.get(image_id)
    predictions = store.revisions.of_image(image_id, kind=RevisionKind.PREDICTION)
    if len(predictions) < 2:
        return next(iter(predictions), None)
    model = proposed_model(store, ModelStore(store.settings.models_dir), image.project_id, image_id)
    return preferred_prediction(predictions, model.id if model else None)


def _prediction(store: Store, image_id: str) -> RevisionRecord:
    found = _preferred(store, image_id)
    if found is None:
        raise AnnotationError(
            "There is no prediction for this image yet, so uncertainty cannot be computed.",
            "Segment it first, or choose varied places.",
        )
    return found


@remembered("places to correct", "places of an image that a person is shown", limit_bytes=8 * MB)
def _suggested(path: Path, revision_id: str, classes: bytes, strategy: Strategy) -> tuple[Suggestion, ...]:
    """Suggestions of a label map, which does not change while its 256 ids mean the same classes."""
    pyramid = open_pyramid(path)
    if strategy is Strategy.CONFIDENCE and pyramid.confidence is None:
        raise AnnotationError(
            "This prediction was imported without a confidence map.", "Choose random places, or segment the image here."
        )
    level = _level(pyramid, COARSE_PX)
    labels = np.frombuffer(classes, np.uint8)[pyramid.whole(level)]
    confidence = pyramid.confidence.whole(level) if pyramid.confidence else None
    window = _window(level, labels.shape)
    found = suggest(labels, confidence, strategy=strategy, window=window, seed=zlib.crc32(revision_id.encode()))
    return tuple(_suggestion(pyramid, level, window, *each) for each in found)


@remembered("varied places", "places of an image that differ from one another", limit_bytes=8 * MB)
def _varied(path: Path) -> tuple[Suggestion, ...]:
    """Suggestions of an image, which does not change."""
    pyramid = open_pyramid(path)
    level = _level(pyramid, TEXTURE_PX)
    pixels = pyramid.whole(level)
    window = _window(level, pixels.shape)
    return tuple(
        _suggestion(pyramid, level, window, *varied_place, None, None)
        for varied_place in varied_places(pixels, window=window)
    )


def _level(pyramid: Pyramid, longest: int) -> int:
    """The first level whose edges are no longer than this, else the smallest."""
    small_enough = (i for i in range(pyramid.levels) if max(pyramid.level_shape(i)) <= longest)
    return next(small_enough, pyramid.levels - 1)


def _window(level: int, shape: tuple[int, ...]) -> int:
    """Edge of a place in pixels of a level."""
    return max(min(WINDOW_PX >> level, *shape), 1)


def _suggestion(
    pyramid: Pyramid, level: int, window: int, row: int, column: int, class_id: int | None, confidence: float | None
) -> Suggestion:
    """A place of a level in pixels of full resolution."""
    scale = 2**level
    height, width = pyramid.shape_yx
    return Suggestion(
        min(row * scale, height - 1), min(column * scale, width - 1),
        min(window * scale, height - row * scale), min(window * scale, width - column * scale), class_id, confidence,
    )  # fmt: skip
