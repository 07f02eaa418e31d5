"""Halving images and label maps, exactly and fast."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.label_scheme import IGNORE_ID

_BACKGROUND_KEY = 254
_IGNORE_KEY = 255
"""Votes are counted on keys in the order of preference: classes 1 to 254 as 0 to 253, background, ignore."""


def halve_mean(block_yx: NDArray[Any]) -> NDArray[Any]:
    """Mean of each 2 x 2 block, in the block's own data type; halves are rounded up.

    Parameters
    ----------
    block_yx
        uint8, uint16 or float32, shape (rows, columns), at least one pixel. At an odd edge the last row or column
        counts twice, that is, the mean is over the pixels that exist.

    Returns
    -------
    ndarray
        Same data type, shape (ceil(rows / 2), ceil(columns / 2)).

    Examples
    --------
    >>> halve_mean(np.array([[1, 2, 9], [3, 5, 9]], dtype=np.uint8))
    array([[3, 9]], dtype=uint8)
    """
    wide = {np.dtype(np.uint8): np.uint16, np.dtype(np.uint16): np.uint32}.get(block_yx.dtype)
    if wide is None:
        upper_left, upper_right, lower_left, lower_right = _quarters(block_yx)
        quarter = np.float32(0.25)  # scaled before adding, so that values near the largest float do not overflow
        mean: NDArray[Any] = upper_left * quarter + upper_right * quarter + lower_left * quarter + lower_right * quarter
        return mean
    upper, lower = _row_pairs(block_yx)
    rows_summed = np.add(upper, lower, dtype=wide)
    left, right = _column_pairs(rows_summed)
    total: NDArray[Any] = left + right
    total += 2
    total >>= 2
    return total.astype(block_yx.dtype)


def halve_majority(labels_yx: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The most frequent label of each 2 x 2 block, so that classes never mix into ids that were not there.

    Ties go to a class before background, and to the lower id among classes, so that thin structures stay visible in
    an overview. Ignore (255) has no vote: it results only where all four pixels are ignore.

    Parameters
    ----------
    labels_yx
        uint8, shape (rows, columns), at least one pixel. At an odd edge the last row or column counts twice.

    Returns
    -------
    ndarray
        uint8, shape (ceil(rows / 2), ceil(columns / 2)).

    Examples
    --------
    >>> halve_majority(np.array([[0, 0, 0, 7], [0, 3, 7, 0]], dtype=np.uint8))
    array([[0, 7]], dtype=uint8)
    """
    keys = labels_yx - np.uint8(1)
    keys -= labels_yx == 0
    keys += labels_yx == IGNORE_ID
    a, b, c, d = _quarters(keys)
    low_1, high_1 = np.minimum(a, b), np.maximum(a, b)
    low_2, high_2 = np.minimum(c, d), np.maximum(c, d)
    first, rest = np.minimum(low_1, low_2), np.maximum(low_1, low_2)
    last, other = np.maximum(high_1, high_2), np.minimum(high_1, high_2)
    second, third = np.minimum(rest, other), np.maximum(rest, other)
    winner = first.copy()
    np.copyto(winner, third, where=(third == last) & (third != _IGNORE_KEY))
    np.copyto(winner, second, where=(second == third) & (second != _IGNORE_KEY))
    np.copyto(winner, first, where=first == second)
    result: NDArray[np.uint8] = winner + np.uint8(1)
    result += winner == _BACKGROUND_KEY
    result -= winner == _IGNORE_KEY
    return result


def halve_nearest(ids_yx: NDArray[Any]) -> NDArray[Any]:
    """The upper left value of each 2 x 2 block: no value is made up.

    Parameters
    ----------
    ids_yx
        Integers, shape (rows, columns), at least one pixel.

    Returns
    -------
    ndarray
        Same data type, shape (ceil(rows / 2), ceil(columns / 2)).

    Examples
    --------
    >>> halve_nearest(np.array([[5, 5, 9], [7, 7, 9]], dtype=np.uint32))
    array([[5, 9]], dtype=uint32)
    """
    return np.ascontiguousarray(ids_yx[::2, ::2])


def _row_pairs(block_yx: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Even rows and odd rows; the last row stands in for a missing one."""
    upper, lower = block_yx[0::2], block_yx[1::2]
    return upper, lower if len(lower) == len(upper) else np.concatenate([lower, block_yx[-1:]])


def _column_pairs(block_yx: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Even and odd columns; the last column stands in for a missing one."""
    left, right = block_yx[:, 0::2], block_yx[:, 1::2]
    return left, right if right.shape == left.shape else np.concatenate([right, block_yx[:, -1:]], axis=1)


def _quarters(block_yx: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """The four pixels of each 2 x 2 block as four contiguous arrays, row by row."""
    upper, lower = _row_pairs(block_yx)
    quarters = (*_column_pairs(upper), *_column_pairs(lower))
    a, b, c, d = (np.ascontiguousarray(q) for q in quarters)
    return a, b, c, d
