"""From overlapping tiles of class scores to finished rows of labels and confidence, with bounded memory.

A `ScoreBand` holds the rows that tiles still reach, and no more: rows leave it as soon as they are final. What follows
is one pass over data that is still warm: running maximum in uint8, then the winner's softmax probability.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from core.segmentation.resampling import linear_neighbors
from core.segmentation.tiling import TilePlan, Weighting, tile_weights

CHUNK_PX: Final = 32_768
"""Pixels classified at a time: a few classes of them in float32 fit a CPU's second-level cache."""

UNCHANGED: Final = np.float32(1)
"""The temperature of scores that are taken as the network gives them."""

INTERPOLATED_ROWS: Final = 32
"""Rows brought to the image's own grid at a time; bounds the float temporaries for very wide images."""


class Band(Protocol):
    """Sums of weighted scores of the rows that are not final yet. One implementation per kind of memory."""

    def add(self, scores: Any, tiles: range, flipped: Sequence[int] = ()) -> None:
        """Add scores (tile, class, row, column) of tiles whose input was mirrored along the image axes ``flipped``."""
        ...

    def take(self, done: int) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Give away the rows that no tile from number ``done`` on touches: sums and their weights, piece by piece."""
        ...


class ScoreBand:
    """`Band` in main memory: a ring of rows.

    Parameters
    ----------
    plan
        Which tiles come, in order.
    classes
        Number of scores per pixel.
    batch
        Largest number of tiles added before `take` is called.
    weighting
        How overlapping tiles are blended.
    passes
        How often each tile is added (mirrored copies, folds of an ensemble).
    """

    def __init__(self, plan: TilePlan, classes: int, batch: int, weighting: Weighting, passes: int = 1) -> None:
        self._plan = plan
        self._weights = tile_weights(plan.tile_yx, weighting)
        self._ring_rows = plan.band_rows(batch)
        self._sums = np.zeros((classes, self._ring_rows, plan.shape_yx[1]), dtype=np.float32)
        self._scratch = np.empty((classes, *plan.tile_yx), dtype=np.float32)
        self._across = _weights_across(plan, self._weights, passes)
        self._taken = 0

    def add(self, scores: Any, tiles: range, flipped: Sequence[int] = ()) -> None:
        """Add scores (tile, class, row, column) of tiles whose input was mirrored along the image axes ``flipped``."""
        turn = tuple(slice(None, None, -1) if axis in flipped else slice(None) for axis in (0, 1))
        for tile, score in zip(tiles, scores, strict=True):
            row, column = self._plan.position(tile)
            np.multiply(score[:, turn[0], turn[1]], self._weights, out=self._scratch)
            for ring, local in self._segments(row, self._plan.tile_yx[0]):
                self._sums[:, ring, column : column + self._plan.tile_yx[1]] += self._scratch[:, local]

    def take(self, done: int) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Give away the rows that no tile from number ``done`` on touches, piece by piece from top to bottom.

        Exhaust it before the next `add`; a piece is valid until the next one is asked for.

        Yields
        ------
        sums
            Weighted sums of scores, float32 (class, row, column).
        weights
            Sums of weights, float32 (row, column), positive.
        """
        first, stop = self._taken, self._plan.final_rows(done)
        self._taken = max(first, stop)
        for ring, local in self._segments(first, max(stop - first, 0)):
            yield self._read(ring), row_weights(self._plan, self._across, first + local.start, first + local.stop)
            self._clear(ring)

    def _read(self, ring: slice) -> NDArray[np.float32]:
        """Rows of the ring."""
        return self._sums[:, ring]

    def _clear(self, ring: slice) -> None:
        """Make rows of the ring ready for the tiles to come."""
        self._sums[:, ring] = 0

    def _segments(self, row: int, count: int) -> Iterator[tuple[slice, slice]]:
        """The one or two stretches of the ring that hold ``count`` rows from ``row`` on."""
        size, done = self._ring_rows, 0
        while done < count:
            start = (row + done) % size
            length = min(count - done, size - start)
            yield slice(start, start + length), slice(done, done + length)
            done += length


def _weights_across(plan: TilePlan, weights: NDArray[np.float32], passes: int) -> NDArray[np.float32]:
    """Summed weights of one row of tiles, (tile rows, image columns)."""
    across = np.zeros((plan.tile_yx[0], plan.shape_yx[1]), dtype=np.float32)
    for column in plan.columns:
        across[:, column : column + plan.tile_yx[1]] += weights
    return across * np.float32(passes)


def row_weights(plan: TilePlan, across: NDArray[np.float32], first: int, stop: int) -> NDArray[np.float32]:
    """Summed weights of all tiles in image rows ``first`` to ``stop``, float32 (row, column)."""
    total = np.zeros((stop - first, plan.shape_yx[1]), dtype=np.float32)
    for row in plan.rows:
        low, high = max(row, first), min(row + plan.tile_yx[0], stop)
        if low < high:
            total[low - first : high - first] += across[low - row : high - row]
    return total


def classify(
    sums: NDArray[np.float32],
    weights: NDArray[np.float32] | None,
    class_ids: NDArray[np.uint8],
    temperature: np.float32 = UNCHANGED,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Labels and confidence of finished rows.

    Parameters
    ----------
    sums
        Scores (logits), float32 (class, row, column); the highest wins, the first of equals.
    weights
        Divide the scores by these, (row, column), positive; None: 1. Decides confidence only, never the label.
    class_ids
        Value in the label map for each class, uint8.
    temperature
        The scores are divided by it, too, for the confidence; it never decides a label. 1: as the network gives them.

    Returns
    -------
    labels
        uint8 (row, column).
    confidence
        Softmax probability of the winning class times 255, rounded, uint8 (row, column).
    """
    classes, height, width = sums.shape
    labels = np.empty((height, width), dtype=np.uint8)
    confidence = np.empty((height, width), dtype=np.uint8)
    rows = max(CHUNK_PX // width, 1)
    for start in range(0, height, rows):
        part = slice(start, min(start + rows, height))
        best = sums[0, part].copy()
        winner = np.zeros(best.shape, dtype=np.uint8)
        for index in range(1, classes):
            above = sums[index, part] > best
            np.maximum(winner, above.view(np.uint8) * np.uint8(index), out=winner)
            np.maximum(best, sums[index, part], out=best)
        np.take(class_ids, winner, out=labels[part])
        confidence[part] = _winner_probability(
            sums[:, part], best, None if weights is None else weights[part], temperature
        )
    return labels, confidence


def _winner_probability(
    sums: NDArray[np.float32],
    best: NDArray[np.float32],
    weights: NDArray[np.float32] | None,
    temperature: np.float32,
) -> NDArray[np.uint8]:
    """255 times the largest softmax probability, rounded."""
    total = np.zeros(best.shape, dtype=np.float32)
    scale: NDArray[np.float32] | np.float32 | None = None if temperature == 1 else np.float32(1) / temperature
    if weights is not None:
        scale = np.float32(1) / (weights * temperature)
    for score in sums:
        difference = score - best
        if scale is not None:
            difference *= scale
        np.exp(difference, out=difference)
        total += difference
    np.divide(np.float32(255), total, out=total)
    total += np.float32(0.5)
    return total.astype(np.uint8)


class RowInterpolator:
    """Linear interpolation of scores from the model's grid to the image's own, fed from top to bottom.

    Parameters
    ----------
    source_yx, target_yx
        Shapes of the model's grid and of the image's; both cover the same field.
    """

    def __init__(self, source_yx: tuple[int, int], target_yx: tuple[int, int]) -> None:
        self._lower_y, self._upper_y, self._weight_y = linear_neighbors(source_yx[0], target_yx[0])
        self._lower_x, self._upper_x, self._weight_x = linear_neighbors(source_yx[1], target_yx[1])
        self._held: NDArray[np.float32] | None = None
        self._held_from = 0
        self._next = 0

    def push(self, scores: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        """Take the next rows (class, row, column) of the model's grid; give the rows of the image that they decide."""
        for start in range(0, scores.shape[1], INTERPOLATED_ROWS):
            wide = self._widen(scores[:, start : start + INTERPOLATED_ROWS])
            held = wide if self._held is None else np.concatenate([self._held, wide], axis=1)
            available = self._held_from + held.shape[1]
            stop = int(np.searchsorted(self._upper_y, available, side="left"))
            for first in range(self._next, stop, INTERPOLATED_ROWS):
                yield self._between(held, slice(first, min(first + INTERPOLATED_ROWS, stop)))
            self._next = stop
            needed = int(self._lower_y[stop]) if stop < len(self._lower_y) else available
            keep = min(needed, available)
            self._held = held[:, keep - self._held_from :].copy()
            self._held_from = keep

    def _widen(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Columns of the image from columns of the model's grid."""
        left = np.take(scores, self._lower_x, axis=2, mode="clip")
        right = np.take(scores, self._upper_x, axis=2, mode="clip")
        right -= left
        right *= self._weight_x
        left += right
        return left

    def _between(self, held: NDArray[np.float32], rows: slice) -> NDArray[np.float32]:
        """Some rows of the image from the rows held."""
        lower, upper = (held[:, index[rows] - self._held_from] for index in (self._lower_y, self._upper_y))
        upper -= lower
        upper *= self._weight_y[rows, None]
        lower += upper
        return lower
