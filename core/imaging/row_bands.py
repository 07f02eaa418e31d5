"""Large arrays band by band: what NumPy makes of pixels on the way, often 8-byte integers, is held for a few rows only.

A label map or image of the size that is allowed would otherwise need many times its own memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

BAND_PX: Final = 1_000_000
"""Pixels of a band: 8 MB of 8-byte integers; larger ones are not faster."""

_TABLES: Final = (np.dtype(np.uint8), np.dtype(np.uint16))
"""Data types of which every value has a place in a table: 256 or 65,536 entries."""


def row_bands(shape_yx: tuple[int, ...], band_px: int = 0) -> Iterator[slice]:
    """Slices of rows that together are the whole array, from top to bottom.

    Parameters
    ----------
    shape_yx
        Rows and columns; further axes do not count.
    band_px
        Pixels of a band, of which there is one row at least; 0: `BAND_PX`.

    Examples
    --------
    >>> list(row_bands((5, 10), 20))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    rows, columns = shape_yx[:2]
    height = max((band_px or BAND_PX) // max(columns, 1), 1)
    return (slice(row, min(row + height, rows)) for row in range(0, rows, height))


def id_counts(labels_yx: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Number of pixels of each of the 256 ids.

    Parameters
    ----------
    labels_yx
        uint8, shape (rows, columns); without pixels every count is 0.

    Returns
    -------
    ndarray
        int64, shape (256,).
    """
    return _table_counts(labels_yx, 256)


def value_counts(values_yx: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The different values and how often each occurs, as `numpy.unique` gives them.

    Parameters
    ----------
    values_yx
        Integers, shape (rows, columns); without pixels there are no values.

    Returns
    -------
    ndarray, ndarray
        Values of the same data type, ascending; int64 counts.
    """
    if values_yx.dtype in _TABLES:
        table = _table_counts(values_yx, _entries(values_yx.dtype))
        present = np.flatnonzero(table)
        return present.astype(values_yx.dtype), table[present]
    bands = [np.unique(values_yx[band], return_counts=True) for band in row_bands(values_yx.shape)]
    if not bands:
        return values_yx.reshape(-1), np.zeros(0, np.int64)
    found, place = np.unique(np.concatenate([values for values, _ in bands]), return_inverse=True)
    counts = np.zeros(len(found), np.int64)
    np.add.at(counts, place, np.concatenate([number for _, number in bands]))
    return found, counts


def replaced_values(values_yx: NDArray[Any], found: NDArray[Any], ids: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An id for every value.

    Parameters
    ----------
    values_yx
        Integers, shape (rows, columns).
    found
        Its different values, ascending, as `value_counts` gives them.
    ids
        uint8: the id of each of them.

    Returns
    -------
    ndarray
        uint8, same shape.
    """
    result = np.empty(values_yx.shape, np.uint8)
    table = None
    if values_yx.dtype in _TABLES:
        table = np.zeros(_entries(values_yx.dtype), np.uint8)
        table[found] = ids
    for band in row_bands(values_yx.shape):
        values = values_yx[band]
        result[band] = ids[np.searchsorted(found, values)] if table is None else table[values]
    return result


def _table_counts(values_yx: NDArray[Any], entries: int) -> NDArray[np.int64]:
    counts = np.zeros(entries, np.int64)
    for band in row_bands(values_yx.shape):
        counts += np.bincount(values_yx[band].ravel(), minlength=entries)
    return counts


def _entries(dtype: np.dtype[Any]) -> int:
    return int(np.iinfo(dtype).max) + 1
