"""The boundary of objects inside the image, and the lines that they become when they are thinned.

Length and branches matter where a class is a network (ER, membranes) and has no objects to count. Thinning to lines of
one pixel: Zhang and Suen 1984, 10.1145/357994.358023; their length by the weights of Kulpa 1977,
10.1016/S0146-664X(77)80021-X, which make it right on average over directions.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from core.evaluation.thinning import skeleton_positions
from core.imaging.row_bands import row_bands
from core.label_scheme import IGNORE_ID

MOST_PX: Final = 100_000_000
"""Thinning needs the whole of a class at once, some five bytes a pixel; no lines of what reaches farther."""

_BEYOND_PX: Final = 32
"""The image is taken to go on for so far as it ends, so that lines reach its edge; thinning shortens them by half their
width elsewhere."""

_STRAIGHT, _SLANTED = 0.948, 1.343
"""Length of a step to the side and over a corner."""


class Structure(NamedTuple):
    """Of each object.

    Parameters
    ----------
    boundary_px
        float64, length of its boundary with anything else that is labelled; the image's edge and the edge of unlabelled
        pixels are no boundary. Crofton's formula in four directions.
    line_px
        float64, length of its lines; NaN where its class reaches over more than `MOST_PX`, as the next two.
    branch_points, end_points
        float64, how many places there are where three lines or more meet, and ends of lines that are cut off neither by
        the image's edge nor by unlabelled pixels.
    """

    boundary_px: NDArray[np.float64]
    line_px: NDArray[np.float64]
    branch_points: NDArray[np.float64]
    end_points: NDArray[np.float64]


def structure(
    labels_yx: NDArray[np.uint8], pieces_yx: NDArray[Any], class_of: NDArray[np.uint8], class_ids: tuple[int, ...]
) -> Structure:
    """Measure every object.

    Parameters
    ----------
    labels_yx
        uint8, the label map; 255 is not labelled.
    pieces_yx
        Number of the object per pixel, 0: none.
    class_of
        uint8, class of each object; the first entry is of 0.
    class_ids
        Of which classes.

    Examples
    --------
    >>> labels = np.zeros((9, 11), np.uint8); labels[3:6, 1:10] = 1
    >>> found = structure(labels, (labels > 0).astype(int), np.array([0, 1], np.uint8), (1,))
    >>> found.boundary_px.round(1).item(), found.end_points.item(), found.branch_points.item()
    (21.6, 2.0, 0.0)
    """
    figures = np.zeros((3, len(class_of)))
    for class_id in class_ids:
        mask = labels_yx == class_id
        box = _box(mask)
        if box is None:
            continue
        if (box[0].stop - box[0].start) * (box[1].stop - box[1].start) > MOST_PX:
            figures[:, class_of == class_id] = np.nan
            continue
        apart = _apart(mask[box], pieces_yx[box])
        first = np.array([box[0].start, box[1].start])
        place = first + _thinned(apart, _at_edge(box, labels_yx.shape))
        _add_lines(figures, place, pieces_yx, labels_yx)
    return Structure(_boundaries(labels_yx, pieces_yx, len(class_of))[1:], *figures[:, 1:])


def _box(mask: NDArray[np.bool_]) -> tuple[slice, slice] | None:
    """What holds all of a mask, None for an empty one."""
    rows = np.flatnonzero(mask.any(1))
    if not len(rows):
        return None
    columns = np.flatnonzero(mask[rows[0] : rows[-1] + 1].any(0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _at_edge(box: tuple[slice, slice], shape_yx: tuple[int, ...]) -> tuple[tuple[int, int], tuple[int, int]]:
    """How many pixels to add before and after rows and columns: where the image ends, the class may go on."""
    rows, columns = (
        (_BEYOND_PX * (side.start == 0), _BEYOND_PX * (side.stop == length))
        for side, length in zip(box, shape_yx, strict=True)
    )
    return rows, columns


def _apart(mask: NDArray[np.bool_], pieces: NDArray[Any]) -> NDArray[np.bool_]:
    """The class, with a gap between objects that ids tell apart."""
    apart = mask.copy()
    apart[:-1] &= (pieces[:-1] == pieces[1:]) | ~mask[1:]
    apart[:, :-1] &= (pieces[:, :-1] == pieces[:, 1:]) | ~mask[:, 1:]
    return apart


def _thinned(mask: NDArray[np.bool_], beyond: tuple[tuple[int, int], tuple[int, int]]) -> NDArray[np.int64]:
    """Row and column of each pixel of the lines."""
    (above, below), (left, right) = beyond
    width = left + mask.shape[1] + right
    row, column = np.divmod(skeleton_positions(np.pad(mask, ((above, below), (left, right)), mode="edge")), width)
    row, column = row - above, column - left
    inside = (row >= 0) & (column >= 0) & (row < mask.shape[0]) & (column < mask.shape[1])
    return np.column_stack([row[inside], column[inside]])


_NEIGHBOURS: Final = ((0, 1), (1, 0), (1, 1), (1, -1), (0, -1), (-1, 0), (-1, -1), (-1, 1))
"""Half of them first: each step once."""


def _add_lines(
    figures: NDArray[np.float64], place: NDArray[np.int64], pieces_yx: NDArray[Any], labels_yx: NDArray[np.uint8]
) -> None:
    """Add length, branch points and ends of lines to the objects that they lie in.

    A step over a corner counts where there is no step beside it; neighbouring branch points are one.
    """
    count, width = figures.shape[1], labels_yx.shape[1] + 2
    piece = pieces_yx[place[:, 0], place[:, 1]]
    at = (place[:, 0] + 1) * width + place[:, 1] + 1  # as if the image had a frame; ascending
    there = {step: _held(at, at + step[0] * width + step[1]) for step in _NEIGHBOURS}
    length = _STRAIGHT * (there[0, 1].astype(np.float64) + there[1, 0])
    length += _SLANTED * (there[1, 1] & ~there[0, 1] & ~there[1, 0])
    length += _SLANTED * (there[1, -1] & ~there[0, -1] & ~there[1, 0])
    figures[0] += np.bincount(piece, length, count)
    around = np.sum(list(there.values()), axis=0)
    branches = np.flatnonzero(around >= 3)
    figures[1] += np.bincount(piece[branches[_firsts_of_heaps(place[branches])]], minlength=count)
    ends = np.flatnonzero(around == 1)
    ends = ends[~_beside_unknown(place[ends], labels_yx)]
    figures[2] += np.bincount(piece[ends], minlength=count)


def _held(known: NDArray[np.int64], asked: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of some numbers are among sorted ones."""
    if not len(known):
        return np.zeros(len(asked), bool)
    return np.asarray(known[np.minimum(np.searchsorted(known, asked), len(known) - 1)] == asked)


def _firsts_of_heaps(place: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of pixels that share an edge or a corner, directly or over others, the first."""
    if not len(place):
        return np.zeros(0, np.int64)
    pairs = KDTree(place).query_pairs(1.5, output_type="ndarray")
    joined = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(place),) * 2)
    heaps = connected_components(joined, directed=False)[1]
    return np.asarray(np.unique(heaps, return_index=True)[1], np.int64)


def _beside_unknown(place: NDArray[np.int64], labels_yx: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """At the image's edge, or beside pixels that nobody labelled: what ends there may go on."""
    rows, columns = labels_yx.shape
    row, column = place.T
    beside = (row == 0) | (column == 0) | (row == rows - 1) | (column == columns - 1)
    for down, right in _NEIGHBOURS:
        beside |= labels_yx[(row + down).clip(0, rows - 1), (column + right).clip(0, columns - 1)] == IGNORE_ID
    return np.asarray(beside)


def _boundaries(labels_yx: NDArray[np.uint8], pieces_yx: NDArray[Any], count: int) -> NDArray[np.float64]:
    """Crofton's formula: how often lines in four directions cross from each object into something else labelled."""
    straight, slanted = np.zeros((2, count))
    for band in row_bands(labels_yx.shape):
        # One row more below, where there is one.
        known, pieces = (of[band.start : band.stop + 1] for of in (labels_yx, pieces_yx))
        known = known != IGNORE_ID
        own = band.stop - band.start
        for counts, first, second in (
            (straight, (slice(None, -1), slice(None)), (slice(1, None), slice(None))),
            (straight, (slice(own), slice(None, -1)), (slice(own), slice(1, None))),
            (slanted, (slice(None, -1), slice(None, -1)), (slice(1, None), slice(1, None))),
            (slanted, (slice(None, -1), slice(1, None)), (slice(1, None), slice(None, -1))),
        ):
            differ = (pieces[first] != pieces[second]) & known[first] & known[second]
            for side in (pieces[first][differ], pieces[second][differ]):
                counts += np.bincount(side, minlength=count)
    return np.asarray(np.pi / 8 * (straight + slanted / np.sqrt(2)))
