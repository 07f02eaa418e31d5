"""What labelled regions of any shape do to objects: how much each adds to a number per area, and where it would fit.

A part of a class that a gap in the labels cuts off is a share of an object. Its share is the turning of its outline
that lies in the labelled region, of the full turn that every outline makes: summed over small windows that lie wholly
inside, numbers per area are right in regions of any shape and size, also in those that are smaller than the objects.
This is the Euler number of planes that are seen in part: Serra 1982, Image Analysis and Mathematical Morphology,
chapter 7;
Ohser and Mücklich 2000, Statistical Analysis of Microstructures in Materials Science, chapter 4.

A whole object has been seen from as many places as it fits into the labelled region: what `core.morphometry.edges`
makes of the image's rectangle, here of any shape.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core.imaging.row_bands import row_bands
from core.label_scheme import IGNORE_ID

_PLACES: Final = 4096
"""Places of a grid that are tried at first for each object."""

_MOST_PLACES: Final = 300_000
"""No finer grid than of so many places."""

_ENOUGH: Final = 30
"""Places in which an object fits, below which a finer grid is tried."""

_AROUND: Final = np.ones((3, 3), bool)
"""A whole object touches neither the edge nor a gap, over corners either."""

Floats = NDArray[np.float64]


def windows_inside(labels_yx: NDArray[np.uint8]) -> int:
    """Windows of 2 x 2 pixels without a pixel of 255: the area over which the shares of `parts` are counted.

    >>> windows_inside(np.array([[0, 1, 255], [0, 1, 1]], np.uint8))
    1
    """
    return int(np.count_nonzero(_inside(labels_yx != IGNORE_ID)))


def parts(
    numbers_yx: NDArray[Any], labels_yx: NDArray[np.uint8], box: NDArray[np.int64], cut: NDArray[np.bool_]
) -> Floats:
    """How much each object adds to the number of objects in the labelled region.

    Parameters
    ----------
    numbers_yx
        Number of the object per pixel, from 1; 0: none.
    labels_yx
        uint8, the label map that they come from; 255 is not labelled.
    box
        int64, shape (n, 4): top, left, bottom, right of each object; the last two lie outside.
    cut
        bool, shape (n,): touches the image's edge or a gap.

    Returns
    -------
    ndarray
        float64, shape (n,): 1 for whole objects; of others the share of their outline's turning that is seen, holes
        filled. It may be negative for a part that is bent inwards; sums over many regions are right.
    """
    shares = np.ones(len(box))
    for index in np.flatnonzero(cut):
        top, left, bottom, right = (int(side) for side in box[index])
        rows, columns = slice(max(top - 1, 0), bottom + 1), slice(max(left - 1, 0), right + 1)
        own = ndimage.binary_fill_holes(numbers_yx[rows, columns] == index + 1)
        shares[index] = _turning(own, labels_yx[rows, columns] != IGNORE_ID)
    return shares


def fitting(numbers_yx: NDArray[Any], labels_yx: NDArray[np.uint8], box: NDArray[np.int64]) -> Floats:
    """In what share of the places of a single pixel each object would lie whole in the labelled region.

    Parameters
    ----------
    numbers_yx, labels_yx, box
        As of `parts`.

    Returns
    -------
    ndarray
        float64, shape (n,), 0 to 1: places from which it touches neither the edge nor a gap, over those of a single
        pixel. 0: it fits nowhere. Exact for small images; of large ones counted on a grid.
    """
    labelled = labels_yx != IGNORE_ID
    single = int(np.count_nonzero(ndimage.binary_erosion(labelled, _AROUND)))
    if not single:
        return np.zeros(len(box))
    reach_yx = _reach(labelled)
    shares = np.zeros(len(box))
    for index, (top, left, bottom, right) in enumerate(box.tolist()):
        own = np.pad(numbers_yx[top:bottom, left:right] == index + 1, 1)
        shares[index] = min(_places(ndimage.binary_dilation(own, _AROUND), reach_yx) / single, 1.0)
    return shares


def _inside(labelled: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Windows of 2 x 2 pixels that are labelled."""
    rows = labelled[:-1] & labelled[1:]
    return np.asarray(rows[:, :-1] & rows[:, 1:])


def _turning(own: NDArray[np.bool_], labelled: NDArray[np.bool_]) -> float:
    """Of an outline in the labelled windows, in full turns: that of an 8-connected piece without holes is 1."""
    one, two, three, four = own[:-1, :-1], own[:-1, 1:], own[1:, :-1], own[1:, 1:]
    number = one.astype(np.int8) + two + three + four
    across = (number == 2) & (one == four)
    seen = _inside(labelled)
    corners = [int(np.count_nonzero(found & seen)) for found in (number == 1, number == 3, across)]
    return (corners[0] - corners[1] - 2 * corners[2]) / 4


def _reach(labelled: NDArray[np.bool_]) -> NDArray[np.int32]:
    """How many labelled pixels follow on each other to the right, from each pixel on."""
    rows, columns = labelled.shape
    reach = np.empty((rows, columns), np.int32)
    place = np.arange(columns, dtype=np.int32)
    for band in row_bands(labelled.shape):
        gap = np.where(labelled[band], np.int32(columns), place)
        reach[band] = np.minimum.accumulate(gap[:, ::-1], axis=1)[:, ::-1] - place
    return reach


def _places(shape_yx: NDArray[np.bool_], reach_yx: NDArray[np.int32]) -> float:
    """In how many places a shape covers labelled pixels only."""
    free = tuple(total - own + 1 for total, own in zip(reach_yx.shape, shape_yx.shape, strict=True))
    if min(free) < 1:
        return 0.0
    runs = _runs(shape_yx)
    total = free[0] * free[1]
    step = max(math.ceil(math.sqrt(total / _PLACES)), 1)
    while True:
        row, column = (np.arange((step - 1) // 2 % length, length, step) for length in free)
        tried = len(row) * len(column)
        fits = _fits(row, column, runs, reach_yx)
        if step == 1 or fits >= _ENOUGH or tried * 4 > _MOST_PLACES:
            return float(total * fits / tried)
        step = (step + 1) // 2


def _fits(
    rows: NDArray[np.int64], columns: NDArray[np.int64], runs: NDArray[np.int64], reach_yx: NDArray[np.int32]
) -> int:
    """In how many places of a grid all runs of a shape fit."""
    row, column = (each.ravel() for each in np.meshgrid(rows, columns, indexing="ij"))
    for down, along, length in runs.tolist():
        fits = reach_yx[row + down, column + along] >= length
        row, column = row[fits], column[fits]
        if not len(row):
            break
    return len(row)


def _runs(shape_yx: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Row, first column and length of the stretches of a shape, the longest first: those fit least often."""
    changes = np.diff(np.pad(shape_yx, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    row, first = np.nonzero(changes == 1)
    last = np.nonzero(changes == -1)[1]
    found = np.column_stack([row, first, last - first]).astype(np.int64)
    return found[np.argsort(-found[:, 2], kind="stable")]
