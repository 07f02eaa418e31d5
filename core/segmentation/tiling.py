"""Where tiles lie in an image and how much each of their pixels counts. Pure NumPy.

Positions and Gaussian weights are those of nnU-Net's sliding window, so that results can agree with it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.errors import PredictionError

GAUSSIAN_SIGMA: Final = 1 / 8
"""Standard deviation of the weights, as a fraction of the tile's edge (nnU-Net's)."""

GAUSSIAN_PEAK: Final = 10.0
"""Largest Gaussian weight (nnU-Net's); it decides where half precision rounds to zero."""

GAUSSIAN_REACH: Final = 4.0
"""Standard deviations after which the Gaussian is zero (SciPy's default, nnU-Net's)."""

CENTER_FLOOR: Final = 1e-3
"""Weight of a tile's outer quarter under centre weighting: it only decides where nothing else does."""


class Weighting(StrEnum):
    """How overlapping tiles are blended."""

    GAUSSIAN = "gaussian"
    CENTER = "center"


@dataclass(frozen=True, slots=True)
class TilePlan:
    """Tiles that cover an image, row by row.

    Parameters
    ----------
    shape_yx
        Of the image, after padding; at least as large as a tile in both directions.
    tile_yx
        Of every tile.
    rows, columns
        Ascending upper and left edges; tiles are their product, rows first.
    """

    shape_yx: tuple[int, int]
    tile_yx: tuple[int, int]
    rows: tuple[int, ...]
    columns: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.rows) * len(self.columns)

    def position(self, index: int) -> tuple[int, int]:
        """Upper left corner (row, column) of a tile."""
        row, column = divmod(index, len(self.columns))
        return self.rows[row], self.columns[column]

    def batches(self, size: int) -> Iterator[range]:
        """Runs of tile numbers, at most ``size`` each, in order."""
        for start in range(0, len(self), size):
            yield range(start, min(start + size, len(self)))

    def final_rows(self, done: int) -> int:
        """How many image rows no tile from number ``done`` on touches any more."""
        return self.shape_yx[0] if done >= len(self) else self.position(done)[0]

    def band_rows(self, batch: int) -> int:
        """Rows that a buffer needs when it takes ``batch`` tiles at a time and lets final rows go in between."""
        needed = 0
        for run in self.batches(batch):
            needed = max(needed, self.position(run[-1])[0] + self.tile_yx[0] - self.final_rows(run[0]))
        return needed


def steps(length: int, tile: int, step: float) -> tuple[int, ...]:
    """Positions of tiles along one axis, evenly spread, at most ``step`` tile lengths apart.

    Parameters
    ----------
    length
        Of the axis in pixels, at least ``tile``.
    tile
        Tile length in pixels.
    step
        Above 0, at most 1.

    Examples
    --------
    >>> steps(110, 64, 0.5)
    (0, 23, 46)
    """
    room = length - tile
    count = math.ceil(room / (tile * step)) + 1
    return tuple(round(room / (count - 1) * i) if count > 1 else 0 for i in range(count))


def plan_tiles(shape_yx: tuple[int, int], tile_yx: tuple[int, int], step: float) -> TilePlan:
    """Cover an image with tiles.

    Raises
    ------
    PredictionError
        The step is not above 0 and at most 1, or the image is smaller than a tile.
    """
    if not (math.isfinite(step) and 0 < step <= 1):
        raise PredictionError(f"The tile step is {step}.", "Use a fraction of the tile size above 0 and at most 1.")
    if shape_yx[0] < tile_yx[0] or shape_yx[1] < tile_yx[1]:
        raise PredictionError(f"An image of {shape_yx} px is smaller than a tile of {tile_yx} px.", "Pad it first.")
    rows, columns = (steps(length, tile, step) for length, tile in zip(shape_yx, tile_yx, strict=True))
    return TilePlan(shape_yx, tile_yx, rows, columns)


def padding(shape_yx: tuple[int, int], tile_yx: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Pixels to add (before, after) per axis so that at least one tile fits; the image stays in the middle.

    Examples
    --------
    >>> padding((3, 8), (8, 8))
    ((2, 3), (0, 0))
    """
    missing = [max(tile - length, 0) for length, tile in zip(shape_yx, tile_yx, strict=True)]
    before_y, before_x = missing[0] // 2, missing[1] // 2
    return (before_y, missing[0] - before_y), (before_x, missing[1] - before_x)


def _gaussian_profile(length: int) -> NDArray[np.float64]:
    """The response of SciPy's gaussian_filter to a unit impulse at ``length // 2``, zero outside."""
    sigma = length * GAUSSIAN_SIGMA
    reach = int(GAUSSIAN_REACH * sigma + 0.5)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    profile = np.zeros(length)
    offsets = np.arange(length) - length // 2
    inside = np.abs(offsets) <= reach
    profile[inside] = kernel[offsets[inside] + reach]
    return profile


@lru_cache(maxsize=8)
def tile_weights(tile_yx: tuple[int, int], weighting: Weighting) -> NDArray[np.float32]:
    """How much each pixel of a tile counts; positive everywhere, float32, shape of the tile, read-only.

    Parameters
    ----------
    tile_yx
        Rows, columns.
    weighting
        ``gaussian`` is nnU-Net's importance map (rounded to half precision as there). ``center`` trusts the middle
        half of a tile alone, wherever a tile's middle half reaches.
    """
    if weighting is Weighting.GAUSSIAN:
        weights = np.outer(_gaussian_profile(tile_yx[0]), _gaussian_profile(tile_yx[1]))
        weights *= GAUSSIAN_PEAK / weights.max()
        weights = weights.astype(np.float16)
        weights[weights == 0] = weights[weights > 0].min()
    else:
        inner = [(np.arange(n) >= n // 4) & (np.arange(n) < n - n // 4) for n in tile_yx]
        weights = np.where(np.outer(*inner), 1.0, CENTER_FLOOR)
    result = weights.astype(np.float32)
    result.flags.writeable = False
    return result
