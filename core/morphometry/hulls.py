"""Feret diameters and convex hulls of objects, from the corners of their pixels.

Feret 1931, La grosseur des grains; the least diameter stands on an edge of the hull: Toussaint 1983, Solving geometric
problems with the rotating calipers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

from core.imaging.row_bands import row_bands


class Hulls(NamedTuple):
    """Of each object.

    Parameters
    ----------
    feret_px, least_feret_px
        float64, largest and smallest distance between two parallel lines that hold the object.
    hull_px
        float64, area of the convex hull.
    """

    feret_px: NDArray[np.float64]
    least_feret_px: NDArray[np.float64]
    hull_px: NDArray[np.float64]


def hulls(pieces_yx: NDArray[Any], count: int) -> Hulls:
    """Measure every object.

    Parameters
    ----------
    pieces_yx
        Number of the object per pixel, 1 to ``count``; 0: none.
    count
        Number of objects.

    Returns
    -------
    Hulls
        Each of shape (count,). A pixel has its own extent: a single one has a hull of 1.

    Examples
    --------
    >>> found = hulls(np.array([[1, 1, 0], [1, 1, 2]]), 2)
    >>> found.feret_px.round(2).tolist(), found.least_feret_px.tolist(), found.hull_px.tolist()
    ([2.83, 1.41], [2.0, 1.0], [4.0, 1.0])
    """
    piece, row, first, last = _rows(pieces_yx)
    figures = np.zeros((3, count))
    ends = np.flatnonzero(np.diff(piece)) + 1
    for start, stop in zip(np.append(0, ends), np.append(ends, len(piece)), strict=True):
        if start < stop:
            figures[:, piece[start] - 1] = _figures(row[start:stop], first[start:stop], last[start:stop])
    return Hulls(*figures)


def _rows(pieces_yx: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Of each object and row: number, row, first column, column after the last; by number, then by row."""
    found: list[tuple[NDArray[Any], ...]] = []
    for band in row_bands(pieces_yx.shape):
        framed = np.pad(pieces_yx[band], ((0, 0), (1, 1)))
        changed = framed[:, 1:] != framed[:, :-1]
        starts, stops = np.nonzero(changed & (framed[:, 1:] != 0)), np.nonzero(changed & (framed[:, :-1] != 0))
        found.append((framed[:, 1:][starts], starts[0] + band.start, starts[1], stops[1]))
    if not found:
        return (np.zeros(0, np.int64),) * 4
    piece, row, first, last = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.lexsort((row, piece))
    piece, row, first, last = piece[order], row[order], first[order], last[order]
    if not len(piece):
        return piece, row, first, last
    new = np.flatnonzero(np.append(True, (np.diff(piece) != 0) | (np.diff(row) != 0)))
    return piece[new], row[new], np.minimum.reduceat(first, new), np.maximum.reduceat(last, new)


def _figures(row: NDArray[np.int64], first: NDArray[np.int64], last: NDArray[np.int64]) -> tuple[float, float, float]:
    """Largest and least diameter and area of the hull of one object."""
    if len(row) == 1:
        wide = float(last[0] - first[0])
        return float(np.hypot(wide, 1.0)), min(wide, 1.0), wide
    corners = np.concatenate([np.column_stack([row + down, side]) for down in (0, 1) for side in (first, last)])
    hull = ConvexHull(corners)
    outline = corners[hull.vertices].astype(np.float64)
    across = hull.equations[:, :2] @ outline.T
    least = float((across.max(1) - across.min(1)).min())
    return float(pdist(outline).max()), least, float(hull.volume)
