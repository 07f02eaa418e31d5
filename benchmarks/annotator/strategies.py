"""Where the person works next. What the product offers is the product's own code (`core.annotation.ranking`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from core.annotation.ranking import WINDOW_PX, Strategy, suggest


class Plan(StrEnum):
    """How regions are chosen."""

    SUGGESTED = "suggested"
    """Where the model is unsure, the classes in turn: the product's first choice."""
    SMALL = "suggested small"
    """The same with windows of half the edge: more places, each of them smaller."""
    RANDOM = "random"
    """At random among predicted objects: what the product offers beside it."""
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


def offered(
    plan: Plan, predictions: Sequence[tuple[NDArray[np.uint8], NDArray[np.uint8]]], first: int, seed: int
) -> Iterator[Region]:
    """The product's places, one of each image in turn, best first within an image.

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
    wanted = WINDOW_PX // 2 if plan is Plan.SMALL else WINDOW_PX
    count = len(predictions)
    found = []
    for number, (labels, confidence) in enumerate(predictions):
        window = min(wanted, *labels.shape)
        places = suggest(labels, confidence, strategy=strategy, window=window, seed=seed * 1000 + number)
        found.append([Region(number, row, column, window, window) for row, column, *_ in places])
    for turn in range(max(map(len, found), default=0)):
        for image in [*range(first, count), *range(first)]:
            if turn < len(found[image]):
                yield found[image][turn]
