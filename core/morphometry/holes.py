"""Objects with their holes filled: what a hole's rim adds to the outline, and its pixels to the area.

A hole is what an object encloses, 4-connected, whatever lies in it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core.imaging.row_bands import row_bands

Perimeters = Callable[[NDArray[Any], int], NDArray[np.float64]]
"""Of a map of numbers and how many there are."""


def filled(
    numbers_yx: NDArray[Any],
    box: NDArray[np.int64],
    area_px: NDArray[np.int64],
    perimeter_px: NDArray[np.float64],
    of_several_parts: NDArray[np.bool_],
    perimeters: Perimeters,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Areas and perimeters of objects whose holes are filled.

    Parameters
    ----------
    numbers_yx
        Number of the object per pixel, from 1; 0: none.
    box
        int64, shape (n, 4): top, left, bottom, right of each object; the last two lie outside.
    area_px, perimeter_px
        As they are; those of objects without holes stay.
    of_several_parts
        bool, shape (n,): objects that may be in several parts; of others the Euler number tells whether there are
        holes.
    perimeters
        How perimeters are measured.

    Returns
    -------
    ndarray, ndarray
        int64 and float64, shape (n,).
    """
    area, perimeter = area_px.copy(), perimeter_px.copy()
    suspect = of_several_parts | (euler_numbers(numbers_yx, len(box)) < 1)
    for index in np.flatnonzero(suspect):
        top, left, bottom, right = box[index].tolist()
        own = numbers_yx[top:bottom, left:right] == index + 1
        whole = ndimage.binary_fill_holes(own)
        pixels = int(np.count_nonzero(whole))
        if pixels > area[index]:
            area[index] = pixels
            perimeter[index] = perimeters(whole.astype(np.uint8), 1)[0]
    return area, perimeter


def euler_numbers(numbers_yx: NDArray[Any], count: int) -> NDArray[np.float64]:
    """Parts less holes of each object, 8-connected, from the corners of outlines: Gray 1971, 10.1109/T-C.1971.223289.

    Parameters
    ----------
    numbers_yx
        Number of the object per pixel, from 1; 0: none.
    count
        How many there are.

    >>> euler_numbers(np.array([[1, 1, 1, 0], [1, 0, 1, 2], [1, 1, 1, 0]]), 2).tolist()
    [0.0, 1.0]
    """
    rows, columns = numbers_yx.shape
    turns = np.zeros(count + 1)
    for band in row_bands((rows + 1, columns)):
        framed = np.zeros((band.stop - band.start + 1, columns + 2), numbers_yx.dtype)
        first, last = max(band.start - 1, 0), min(band.stop, rows)
        framed[first - band.start + 1 : last - band.start + 1, 1:-1] = numbers_yx[first:last]
        corners = (framed[:-1, :-1], framed[:-1, 1:], framed[1:, 1:], framed[1:, :-1])
        mixed = (corners[0] != corners[1]) | (corners[0] != corners[2]) | (corners[0] != corners[3])
        around = np.stack([corner[mixed] for corner in corners])
        for place in range(4):
            own, across = around[place], around[(place + 2) % 4] == around[place]
            alike = (around == own).sum(0)
            # each pixel bears its part of what its object's pixels in these four add: one corner, three, two across
            share = np.where(alike == 1, 1.0, np.where(alike == 3, -1 / 3, np.where((alike == 2) & across, -1.0, 0.0)))
            turns += np.bincount(own, share, count + 1)
    return np.asarray(turns[1:] / 4)
