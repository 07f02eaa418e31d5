"""Which windows of a label map to look at first: arrays in, places out.

Regions are ranked by how much of them is doubtful (active learning by least confidence), class by class in turn, so
that a frequent class cannot crowd out a rare one; background counts as a class, for objects that were missed. The plain
alternative is random places among what was predicted.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from itertools import chain, zip_longest
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.label_scheme import IGNORE_ID

WINDOW_PX: Final = 256
"""Edge of a suggested region in pixels of the image: about 2 µm at 8 nm, to be judged at a glance."""

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
    VARIETY = "variety"
    """Many kinds of texture, whatever was predicted (`core.annotation.variety`)."""


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
        How to choose; not `Strategy.VARIETY`, which needs the image.
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
    for turn in turns:
        if turn is None:
            continue
        (row, column, class_id, confidence), _ = turn
        if all(abs(row - r) * 2 > window or abs(column - c) * 2 > window for r, c, *_ in taken):
            taken.append((row, column, class_id, confidence))
    return tuple(taken[:most])


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
        window_sums(values, window)[::step, ::step]
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


def window_sums(values: NDArray[np.float32], window: int) -> NDArray[np.float32]:
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
