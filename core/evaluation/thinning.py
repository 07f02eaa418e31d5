"""Skeletons by Zhang and Suen's parallel thinning, 10.1145/357994.358023, visiting only pixels that can still change.

scikit-image's ``skeletonize`` visits every pixel of the image in every round, which takes many seconds where a thick
patch lies in a large image. One addition to the paper: a piece that would vanish (a square of 2 x 2) keeps one pixel.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

_AROUND: Final = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
"""Neighbours P2 to P9 of the paper: north, then clockwise. Their bits in a code are 1, 2, 4, ..., 128."""


def skeleton_positions(mask_yx: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Skeleton of a mask; each of its 8-connected pieces becomes a line one pixel wide.

    Parameters
    ----------
    mask_yx
        bool.

    Returns
    -------
    ndarray
        int64, positions in ``mask_yx.ravel()``, ascending; none for an empty mask.

    Examples
    --------
    >>> import numpy as np
    >>> skeleton_positions(np.ones((3, 5), bool)).tolist()
    [6, 7, 8]
    """
    rows, columns = np.flatnonzero(mask_yx.any(1)), np.flatnonzero(mask_yx.any(0))
    if not len(rows):
        return np.zeros(0, np.int64)
    box = mask_yx[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    framed = np.pad(box, 1).astype(np.uint8)
    _thin(framed)
    y, x = np.divmod(np.flatnonzero(framed), framed.shape[1])
    positions: NDArray[np.int64] = (y - 1 + rows[0]) * mask_yx.shape[1] + (x - 1 + columns[0])
    return positions


def _thin(framed_yx: NDArray[np.uint8]) -> None:
    """Thin a 0/1 image in place; its frame must be 0."""
    flat, width = framed_yx.reshape(-1), framed_yx.shape[1]
    steps = np.array([dy * width + dx for dy, dx in _AROUND], np.int64)
    queued = np.zeros(flat.size, np.uint8)
    waiting = [_border(framed_yx)] * 2  # pixels to look at in each of the two half rounds
    removable = _removable()
    half = 0
    while len(waiting[0]) or len(waiting[1]):
        looked, waiting[half] = waiting[half], waiting[half][:0]
        looked = looked[flat[looked] != 0]
        code = np.zeros(len(looked), np.uint8)
        for bit, step in enumerate(steps):
            code |= flat[looked + step] << np.uint8(bit)
        gone = looked[removable[half][code]]
        flat[gone] = 0
        flat[_last_of_their_piece(gone, steps, flat, queued)] = 1
        changed = _around(gone, steps, flat, queued)
        waiting = [_joined(changed, old, queued) for old in waiting]
        half = 1 - half


def _border(framed_yx: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Positions of set pixels with an unset neighbour."""
    set_yx = framed_yx != 0
    inner = set_yx[1:-1, 1:-1].copy()
    rows, columns = framed_yx.shape
    for dy, dx in _AROUND:
        inner &= set_yx[1 + dy : rows - 1 + dy, 1 + dx : columns - 1 + dx]
    set_yx[1:-1, 1:-1] &= ~inner
    return np.flatnonzero(set_yx)


def _last_of_their_piece(
    gone: NDArray[np.int64], steps: NDArray[np.int64], flat: NDArray[np.uint8], queued: NDArray[np.uint8]
) -> NDArray[np.int64]:
    """Of pieces that have gone as a whole, the first pixel of each."""
    beside = flat[gone + steps[0]].copy()
    for step in steps[1:]:
        beside |= flat[gone + step]
    alone = gone[beside == 0]
    queued[gone], queued[alone] = 2, 1  # 1: nothing is left around it
    first = np.ones(len(alone), bool)
    for step in steps:
        first &= queued[alone + step] <= (0 if step < 0 else 1)
    queued[gone] = 0
    kept: NDArray[np.int64] = alone[first]
    return kept


def _around(
    gone: NDArray[np.int64], steps: NDArray[np.int64], flat: NDArray[np.uint8], queued: NDArray[np.uint8]
) -> NDArray[np.int64]:
    """Set pixels beside those that went, each once."""
    found = []
    for step in steps:
        beside = gone + step
        beside = beside[(flat[beside] != 0) & (queued[beside] == 0)]
        queued[beside] = 1
        found.append(beside)
    changed = np.concatenate(found)
    queued[changed] = 0
    return changed


def _joined(one: NDArray[np.int64], other: NDArray[np.int64], queued: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Both lists, without what is in both."""
    if not len(other):
        return one
    queued[one] = 1
    joined = np.concatenate([one, other[queued[other] == 0]])
    queued[one] = 0
    return joined


@cache
def _removable() -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """For each code of neighbours, whether the pixel goes in the first and in the second half round."""
    codes = np.arange(256)
    p = [codes >> bit & 1 for bit in range(8)]  # P2 to P9
    neighbours = sum(p)
    rises = sum((p[i] == 0) & (p[(i + 1) % 8] == 1) for i in range(8))
    edge = (neighbours >= 2) & (neighbours <= 6) & (rises == 1)
    north, east, south, west = p[0], p[2], p[4], p[6]
    first = edge & (north * east * south == 0) & (east * south * west == 0)
    second = edge & (north * east * west == 0) & (north * south * west == 0)
    return first, second
