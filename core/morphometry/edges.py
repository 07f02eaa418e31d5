"""What the image's edge does to means of whole objects, undone: large objects are cut off more often than small ones.

An object that fits a box of so many rows and columns lies whole inside the image from so many places only. Weighted by
the inverse of that number, whole objects stand for those that the edge cut: Miles 1978, 10.1007/BF00140871;
Lantuéjoul 1978, 10.1111/j.1365-2818.1978.tb00143.x. `core.morphometry.regions` has the places where labels have gaps.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


LEAST_FIT: Final = 0.05
"""An object that lies whole in fewer places than this, of those of a single pixel, is too large for its region: what is
seen of such objects is chance, and no weight makes up for it. None counts for more than twenty."""


def edge_weights(fits: Floats) -> Floats:
    """How many objects each whole one stands for.

    Parameters
    ----------
    fits
        Shares of the places in which they lie whole, 0 to 1, as `box_fits` or `core.morphometry.regions.fitting` give
        them.

    Returns
    -------
    ndarray
        float64, 1 to 20.

    >>> edge_weights(np.array([1.0, 0.5, 0.0])).tolist()
    [1.0, 2.0, 20.0]
    """
    return 1 / np.maximum(fits, LEAST_FIT)


def box_fits(height: NDArray[np.int64], width: NDArray[np.int64], shape_yx: tuple[int, int]) -> Floats:
    """In what share of the places of a single pixel objects lie whole in an image that is labelled everywhere.

    Parameters
    ----------
    height, width
        Of their bounding boxes, in pixels.
    shape_yx
        Rows and columns of the image.

    Returns
    -------
    ndarray
        float64, 0 to 1: places from which the object touches no edge, over those of a single pixel. 0: it fits nowhere.

    >>> box_fits(np.array([1, 50, 101]), np.array([1, 1, 1]), (102, 102)).tolist()
    [1.0, 0.51, 0.0]
    """
    rows, columns = (max(length - 2, 1) for length in shape_yx)
    places_y = np.maximum(rows - height + 1, 0).astype(np.float64)
    places_x = np.maximum(columns - width + 1, 0).astype(np.float64)
    return np.asarray(places_y * places_x / (rows * columns), np.float64)


def weighted_quantiles(values: Floats, weights: Floats, shares: tuple[float, ...]) -> Floats:
    """Quantiles of weighted values; with equal weights NumPy's, which interpolate between neighbours.

    >>> weighted_quantiles(np.array([3.0, 1.0, 2.0]), np.ones(3), (0.25, 0.5)).tolist()
    [1.5, 2.0]
    """
    order = np.argsort(values, kind="stable")
    ordered, weight = values[order], weights[order]
    middles = np.cumsum(weight) - weight / 2
    if len(values) == 1:
        return np.full(len(shares), ordered[0])
    places = (middles - middles[0]) / (middles[-1] - middles[0])
    return np.asarray(np.interp(shares, places, ordered), np.float64)
