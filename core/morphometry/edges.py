"""What the image's edge does to means of whole objects, undone: large objects are cut off more often than small ones.

An object that fits a box of so many rows and columns lies whole inside the image from so many places only. Weighted by
the inverse of that number, whole objects stand for those that the edge cut: Miles 1978, 10.1007/BF00140871;
Lantuéjoul 1978, 10.1111/j.1365-2818.1978.tb00143.x.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def edge_weights(height: NDArray[np.int64], width: NDArray[np.int64], shape_yx: tuple[int, int]) -> Floats:
    """Weights of whole objects.

    Parameters
    ----------
    height, width
        Of their bounding boxes, in pixels.
    shape_yx
        Rows and columns of the image.

    Returns
    -------
    ndarray
        float64, 1 or more: places from which a single pixel would touch no edge, over those of the object. An object
        that touches an edge has the weight of the largest that touches none.

    >>> edge_weights(np.array([1, 50]), np.array([1, 1]), (102, 102)).round(2).tolist()
    [1.0, 1.96]
    """
    rows, columns = (max(length - 2, 1) for length in shape_yx)
    places_y = np.maximum(rows - height + 1, 1).astype(np.float64)
    places_x = np.maximum(columns - width + 1, 1).astype(np.float64)
    weights: Floats = rows * columns / (places_y * places_x)
    return weights


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
