"""The boundary of objects inside the image, and the lines that they become when they are thinned.

Length and branches matter where a class is a network (ER, membranes) and has no objects to count. Thinning to lines of
one pixel: Zhang and Suen 1984, 10.1145/357994.358023; their length by the weights of Kulpa 1977,
10.1016/S0146-664X(77)80021-X, which make it right on average over directions.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

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

_AROUND: Final = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], np.uint8)
_BESIDE: Final = np.ones((3, 3), bool)


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
        lines = _lines(mask[box], pieces_yx[box], _at_edge(box, labels_yx.shape))
        figures[0] += _lengths(lines, pieces_yx[box], len(class_of))
        branches, ends = _points(lines, labels_yx, box)
        for total, at in zip(figures[1:], (branches, ends), strict=True):
            total += np.bincount(pieces_yx[box][at], minlength=len(class_of))
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


def _lines(
    mask: NDArray[np.bool_], pieces: NDArray[Any], beyond: tuple[tuple[int, int], tuple[int, int]]
) -> NDArray[np.bool_]:
    """The class thinned to lines; objects that ids tell apart are thinned apart."""
    apart = mask.copy()
    apart[:-1] &= (pieces[:-1] == pieces[1:]) | ~mask[1:]
    apart[:, :-1] &= (pieces[:, :-1] == pieces[:, 1:]) | ~mask[:, 1:]
    apart = np.pad(apart, beyond, mode="edge")
    lines = np.zeros(apart.shape, bool)
    lines.ravel()[skeleton_positions(apart)] = True
    (above, _), (left, _) = beyond
    return lines[above : above + mask.shape[0], left : left + mask.shape[1]]


def _lengths(lines: NDArray[np.bool_], pieces: NDArray[Any], count: int) -> NDArray[np.float64]:
    """Length of the lines by object, first of 0. A step over a corner counts where there is no step beside it."""
    length = np.zeros(count)
    across, down = lines[:, :-1] & lines[:, 1:], lines[:-1] & lines[1:]
    length += _STRAIGHT * np.bincount(pieces[:, :-1][across], minlength=count)
    length += _STRAIGHT * np.bincount(pieces[:-1][down], minlength=count)
    falling = lines[:-1, :-1] & lines[1:, 1:] & ~lines[:-1, 1:] & ~lines[1:, :-1]
    rising = lines[:-1, 1:] & lines[1:, :-1] & ~lines[:-1, :-1] & ~lines[1:, 1:]
    length += _SLANTED * np.bincount(pieces[:-1, :-1][falling], minlength=count)
    length += _SLANTED * np.bincount(pieces[:-1, 1:][rising], minlength=count)
    return length


def _points(
    lines: NDArray[np.bool_], labels_yx: NDArray[np.uint8], box: tuple[slice, slice]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """One pixel of each branch point, and each end of a line."""
    around = ndimage.convolve(lines.astype(np.uint8), _AROUND, mode="constant")
    numbers, count = ndimage.label(lines & (around >= 3), _BESIDE)
    branches = np.zeros(lines.shape, bool)
    if count:
        branches.ravel()[np.unique(numbers.ravel(), return_index=True)[1][1:]] = True
    ends = lines & (around == 1) & ~_beside_unknown(labels_yx)[box]
    return branches, ends


def _beside_unknown(labels_yx: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """At the image's edge, or beside pixels that nobody labelled: what ends there may go on."""
    beside: NDArray[np.bool_] = labels_yx == IGNORE_ID
    if beside.any():
        beside = ndimage.binary_dilation(beside, _BESIDE)
    beside[0], beside[-1], beside[:, 0], beside[:, -1] = True, True, True, True
    return beside


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
