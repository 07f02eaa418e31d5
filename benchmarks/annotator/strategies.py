"""Where the person works next. What the product offers is the product's own code (`core.annotation.ranking`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.annotation.ranking import WINDOW_PX, Strategy, suggest
from core.annotation.variety import MOST, varied_places


class Plan(StrEnum):
    """How regions are chosen."""

    SUGGESTED = "suggested"
    """The product's first choice: many kinds of texture, and with a model where it is unsure, the classes in turn."""
    SMALL = "suggested small"
    """The same with windows of half the edge: more places, each of them smaller."""
    RANDOM = "random"
    """At random, and with a model at random among predicted objects: what the product offers beside it."""
    IN_ORDER = "in order"
    """Whole images, window by window in reading order."""


@dataclass(frozen=True, slots=True)
class Region:
    """A window of an image, in pixels."""

    image: int
    row: int
    column: int
    height: int
    width: int

    @property
    def box(self) -> tuple[slice, slice]:
        """To index arrays with."""
        return slice(self.row, self.row + self.height), slice(self.column, self.column + self.width)


def in_order(shapes: Sequence[tuple[int, int]], first: int) -> Iterator[Region]:
    """All windows of the images from the first one on, and then of those before it.

    >>> [(each.image, each.column) for each in in_order([(256, 512), (256, 256)], 1)]
    [(1, 0), (0, 0), (0, 256)]
    """
    for image in [*range(first, len(shapes)), *range(first)]:
        height, width = shapes[image]
        for row in range(0, height, WINDOW_PX):
            for column in range(0, width, WINDOW_PX):
                yield Region(image, row, column, min(WINDOW_PX, height - row), min(WINDOW_PX, width - column))


def begun(plan: Plan, images: Sequence[NDArray[Any]], first: int, seed: int) -> Iterator[Region]:
    """Places while there is no model, one of each image in turn.

    Parameters
    ----------
    plan
        Any but `Plan.IN_ORDER`.
    images
        Pixels, shape (rows, columns).
    first
        Image to begin with.
    seed
        Of random places.
    """
    wanted = _window(plan)

    def places(number: int) -> list[Region]:
        pixels = images[number]
        window = min(wanted, *pixels.shape)
        if plan is Plan.RANDOM:
            rng = np.random.default_rng([seed, number])
            rows, columns = (int(edge) - window + 1 for edge in pixels.shape)
            found = tuple((int(rng.integers(rows)), int(rng.integers(columns))) for _ in range(MOST))
        else:
            found = varied_places(pixels, window=window)
        return [Region(number, row, column, window, window) for row, column in found]

    return _in_turn(places, len(images), first)


def offered(
    plan: Plan, predictions: Sequence[tuple[NDArray[np.uint8], NDArray[np.uint8]]], first: int, seed: int
) -> Iterator[Region]:
    """The product's places in predictions, one of each image in turn, best first within an image.

    Parameters
    ----------
    plan
        Any but `Plan.IN_ORDER`.
    predictions
        Labels and confidence of each image, uint8.
    first
        Image to begin with.
    seed
        Of random places.
    """
    strategy = Strategy.RANDOM if plan is Plan.RANDOM else Strategy.CONFIDENCE

    def places(number: int) -> list[Region]:
        labels, confidence = predictions[number]
        window = min(_window(plan), *labels.shape)
        found = suggest(labels, confidence, strategy=strategy, window=window, seed=seed * 1000 + number)
        return [Region(number, row, column, window, window) for row, column, *_ in found]

    return _in_turn(places, len(predictions), first)


def _window(plan: Plan) -> int:
    return WINDOW_PX // 2 if plan is Plan.SMALL else WINDOW_PX


def _in_turn(places: Callable[[int], list[Region]], count: int, first: int) -> Iterator[Region]:
    """The first place of every image, beginning with one of them; then the second ones, and so on."""
    found = [places(number) for number in range(count)]
    for turn in range(max(map(len, found), default=0)):
        for image in [*range(first, count), *range(first)]:
            if turn < len(found[image]):
                yield found[image][turn]
