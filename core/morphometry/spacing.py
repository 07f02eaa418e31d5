"""How evenly the objects of a class are spread over an image: the nearest neighbour beside what chance would give.

Clark and Evans 1954, 10.2307/1931034; corrected for the edge of a rectangle: Donnelly 1978, Simulations to determine
the variance and edge effect of total nearest neighbour distance.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

LEAST_OBJECTS: Final = 8
"""Fewer say nothing of their spread; the correction for the edge was made for seven and more."""


def nearest_px(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of each centre to the nearest other one.

    Parameters
    ----------
    centres
        float64, shape (n, 2).

    Returns
    -------
    ndarray
        float64, shape (n,); NaN for a single one.

    >>> nearest_px(np.array([[0.0, 0], [3, 4], [3, 5]])).tolist()
    [5.0, 1.0, 1.0]
    """
    if len(centres) < 2:
        return np.full(len(centres), np.nan)
    return np.asarray(KDTree(centres).query(centres, k=2)[0][:, 1], np.float64)


def evenness(centres: NDArray[np.float64], shape_yx: tuple[int, int]) -> float:
    """The mean distance to the nearest neighbour beside that of as many points thrown at random.

    Parameters
    ----------
    centres
        float64, shape (n, 2), of objects in a rectangle that is labelled everywhere.
    shape_yx
        Its rows and columns.

    Returns
    -------
    float
        1 for chance, less where objects cluster, more where they keep apart; NaN with fewer than `LEAST_OBJECTS`.
        Objects have a size and so keep apart a little: large ones that lie close are above 1 without any order.
    """
    count = len(centres)
    if count < LEAST_OBJECTS:
        return math.nan
    rows, columns = shape_yx
    expected = 0.5 * math.sqrt(rows * columns / count)
    expected += (0.0514 + 0.041 / math.sqrt(count)) * 2 * (rows + columns) / count
    return float(nearest_px(centres).mean()) / expected
