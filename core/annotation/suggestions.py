"""Next place to look: where a prediction is least sure, spread over classes and over the image.

Regions are ranked by how much of them is doubtful (active learning by least confidence), class by class in turn, so
that a frequent class cannot crowd out a rare one; background counts as a class, for objects that were missed. The plain
alternative is random places among what was predicted. What somebody has seen or skipped is remembered.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, zip_longest
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.annotation.beginning import preferred_prediction
from core.errors import AnnotationError
from core.imaging.pyramid import open_pyramid
from core.label_scheme import IGNORE_ID
from core.store.base import now
from core.store.people import person_key
from core.store.records import RevisionKind, RevisionRecord
from core.store.store import Store
from core.store.tables import VisitRow

WINDOW_PX: Final = 256
"""Edge of a suggested region in pixels of the image: about 2 µm at 8 nm, to be judged at a glance."""

COARSE_PX: Final = 1024
"""Longest edge of the level that doubt is read off: half a second at most, whatever the image's size."""

MOST: Final = 60
"""Suggestions of one label map."""

SERIOUS: Final = 0.2
"""Less doubt than this counts only where there is no more: a wide area of slight doubt is nothing to look at."""

_STEPS: Final = 4
"""Places of a window along its own edge."""


class Strategy(StrEnum):
    """How places are chosen."""

    CONFIDENCE = "confidence"
    """Low confidence first, the classes in turn."""
    RANDOM = "random"
    """At random among predicted objects; the same places for everybody."""


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


def suggest(
    labels_yx: NDArray[np.uint8],
    confidence_yx: NDArray[np.uint8] | None,
    *,
    strategy: Strategy,
    window: int,
    seed: int = 0,
    most: int = MOST,
) -> tuple[tuple[int, int, int, float | None], ...]:
    """Places in one array: row and column of the window's upper left pixel, class id, mean confidence.

    Parameters
    ----------
    labels_yx
        uint8, class ids; 255 is left out.
    confidence_yx
        uint8, 255 times the probability of the predicted class; needed for `Strategy.CONFIDENCE`.
    strategy
        How to choose.
    window
        Edge of the window in pixels of these arrays.
    seed
        Of the random places.
    most
        How many at most. No two windows of a class overlap by more than half.

    Returns
    -------
    tuple
        Empty where there is nothing to choose from.
    """
    if strategy is Strategy.RANDOM or confidence_yx is None:
        return _random(labels_yx, window, seed, most)
    doubt = (255 - confidence_yx).astype(np.float32) / np.float32(255)
    serious = np.where(doubt > SERIOUS, doubt, np.float32(0))
    counted = serious if serious.any() else doubt
    by_class = [
        _doubtful(labels_yx == class_id, doubt, counted, window, int(class_id), most)
        for class_id in np.unique(labels_yx)
        if class_id != IGNORE_ID
    ]
    by_class.sort(key=lambda found: found[0][1] if found else 0, reverse=True)
    turns = chain.from_iterable(zip_longest(*by_class))
    taken: list[tuple[int, int, int, float | None]] = []
    for each in turns:
        if each is None:
            continue
        (row, column, class_id, confidence), _ = each
        if all(abs(row - r) * 2 > window or abs(column - c) * 2 > window for r, c, *_ in taken):
            taken.append((row, column, class_id, confidence))
    return tuple(taken[:most])


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


def _doubtful(
    mask: NDArray[np.bool_],
    doubt: NDArray[np.float32],
    counted: NDArray[np.float32],
    window: int,
    class_id: int,
    most: int,
) -> list[tuple[tuple[int, int, int, float], float]]:
    """Windows with the most doubt about one class, best first, none overlapping another by more than half."""
    step = max(window // _STEPS, 1)
    nothing = np.float32(0)
    amount, whole, area = (
        _window_sums(values, window)[::step, ::step]
        for values in (np.where(mask, counted, nothing), np.where(mask, doubt, nothing), mask.astype(np.float32))
    )
    found: list[tuple[tuple[int, int, int, float], float]] = []
    for row, column in _peaks(amount, most):
        sure = 1 - float(whole[row, column]) / max(float(area[row, column]), 1.0)
        found.append(((row * step, column * step, class_id, sure), float(amount[row, column])))
    return found


def _peaks(amount: NDArray[np.float32], most: int) -> Iterator[tuple[int, int]]:
    """Places of the largest values, each at least half a window from those before."""
    left = amount.copy()
    apart = _STEPS // 2
    for _ in range(most):
        row, column = divmod(int(left.argmax()), left.shape[1])
        if left[row, column] <= 0:
            return
        yield row, column
        left[max(row - apart, 0) : row + apart + 1, max(column - apart, 0) : column + apart + 1] = 0


def _window_sums(values: NDArray[np.float32], window: int) -> NDArray[np.float32]:
    """Sum over every window that lies inside the array; shape (rows - window + 1, columns - window + 1)."""
    total = np.zeros((values.shape[0] + 1, values.shape[1] + 1), np.float64)
    np.cumsum(np.cumsum(values, 0, dtype=np.float64), 1, out=total[1:, 1:])
    corners = total[window:, window:] - total[:-window, window:] - total[window:, :-window] + total[:-window, :-window]
    sums: NDArray[np.float32] = corners.astype(np.float32)
    return sums


def _random(
    labels_yx: NDArray[np.uint8], window: int, seed: int, most: int
) -> tuple[tuple[int, int, int, float | None], ...]:
    """Windows around random pixels of predicted objects."""
    places = np.flatnonzero((labels_yx != 0) & (labels_yx != IGNORE_ID))
    if not places.size:
        return ()
    order = np.random.default_rng(seed).permutation(places)[: 50 * most]
    height, width = labels_yx.shape
    taken: list[tuple[int, int, int, float | None]] = []
    for place in order.tolist():
        row, column = divmod(place, width)
        top = min(max(row - window // 2, 0), max(height - window, 0))
        left = min(max(column - window // 2, 0), max(width - window, 0))
        if all(abs(top - r) * 2 > window or abs(left - c) * 2 > window for r, c, *_ in taken):
            taken.append((top, left, int(labels_yx[row, column]), None))
        if len(taken) == most:
            break
    return tuple(taken)
