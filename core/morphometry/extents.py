"""Lengths of objects: axes of their ellipses, and their outlines."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.imaging.row_bands import row_bands

_PIXEL_VARIANCE: Final = 1 / 12
"""Of a pixel's own extent: a single pixel has axes too."""


def ellipses(
    pieces_yx: NDArray[Any], area_px: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Centres, shape (n, 2), both axes of the ellipses with the same second moments, and how they are turned."""
    count, width = len(area_px), pieces_yx.shape[1]
    sums = np.zeros((5, count + 1))
    for band in row_bands(pieces_yx.shape):
        flat = pieces_yx[band].ravel()
        inside = np.flatnonzero(flat)
        row, column = (part.astype(np.float64) for part in np.divmod(inside, width))
        row += band.start
        for total, weight in zip(sums, (row, column, row * row, column * column, row * column), strict=True):
            total += np.bincount(flat[inside], weight, count + 1)
    row, column, row_row, column_column, row_column = sums[:, 1:] / np.maximum(area_px, 1)
    a, c, b = row_row - row**2 + _PIXEL_VARIANCE, column_column - column**2 + _PIXEL_VARIANCE, row_column - row * column
    root = np.sqrt((a - c) ** 2 + 4 * b**2)
    major, minor = (4 * np.sqrt(np.maximum((a + c + sign * root) / 2, 0.0)) for sign in (1, -1))
    turned = np.degrees(np.arctan2(-2 * b, c - a)) / 2 % 180  # rows are counted downwards
    return np.column_stack([row, column]), major, minor, turned


def perimeters(pieces_yx: NDArray[Any], count: int) -> NDArray[np.float64]:
    """Crofton's formula: how often lines in four directions cross the outline. Legland 2007, 10.5566/ias.v26.p83-92."""
    rows, columns = pieces_yx.shape
    straight, slanted = np.zeros((2, count + 1))
    for band in row_bands((rows + 1, columns)):
        # Rows band.start - 1 to band.stop - 1 with a frame of nothing around the image.
        framed = np.zeros((band.stop - band.start + 1, columns + 2), pieces_yx.dtype)
        first, last = max(band.start - 1, 0), min(band.stop, rows)
        framed[first - band.start + 1 : last - band.start + 1, 1:-1] = pieces_yx[first:last]
        above, below = framed[:-1], framed[1:]
        _count_changes(straight, above, below)
        _count_changes(straight, below[:, :-1], below[:, 1:])
        _count_changes(slanted, above[:, :-1], below[:, 1:])
        _count_changes(slanted, above[:, 1:], below[:, :-1])
    return np.asarray(np.pi / 8 * (straight + slanted / np.sqrt(2)))[1:]


def _count_changes(counts: NDArray[np.float64], one: NDArray[Any], other: NDArray[Any]) -> None:
    """Add, for each object, how many of the pairs of pixels have it on one side only."""
    differ = one != other
    for side in (one[differ], other[differ]):
        counts += np.bincount(side, minlength=len(counts))
