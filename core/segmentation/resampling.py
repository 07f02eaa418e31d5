"""Bringing images to another pixel size, and scores back. The same function serves training and prediction."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import PredictionError

MAX_FACTOR: Final = 32.0
"""A larger change of scale is a wrong pixel size, not an image that a model could know."""

SAME_SIZE_TOLERANCE: Final = 0.01
"""Pixel sizes that differ by less than 1 % are the same: networks do not notice, and the image stays untouched."""

BAND_PX: Final = 4_000_000
"""Output pixels per band while resampling: bounds the float temporaries to some tens of MB."""


def taken_pixel_size(pixel_size_nm: float | None, model_pixel_size_nm: float | None) -> float | None:
    """The pixel size that a prediction takes an image to have, in nm: its own, else that of the model.

    An image of unknown pixel size is used as it is, which is to say at the model's own. Everything that turns an area
    or a length of such a prediction into pixels goes by this. None where both are unknown.

    Examples
    --------
    >>> taken_pixel_size(4.0, 8.0), taken_pixel_size(None, 8.0), taken_pixel_size(None, None)
    (4.0, 8.0, None)
    """
    return model_pixel_size_nm if pixel_size_nm is None else pixel_size_nm


def scale_factor(pixel_size_nm: float | None, model_pixel_size_nm: float | None) -> float:
    """Factor by which an image must be enlarged (above 1) or shrunk to have the model's pixel size.

    1 where either size is unknown, or where they differ by less than `SAME_SIZE_TOLERANCE`.

    Raises
    ------
    PredictionError
        The sizes differ by more than `MAX_FACTOR`, or one is not a positive number.

    Examples
    --------
    >>> scale_factor(4.0, 8.0)
    0.5
    """
    if pixel_size_nm is None or model_pixel_size_nm is None:
        return 1.0
    for size in (pixel_size_nm, model_pixel_size_nm):
        if not (math.isfinite(size) and size > 0):
            raise PredictionError(f"A pixel size is {size} nm.", "Use a positive number of nanometres per pixel.")
    factor = pixel_size_nm / model_pixel_size_nm
    if abs(factor - 1) < SAME_SIZE_TOLERANCE:
        return 1.0
    if not 1 / MAX_FACTOR <= factor <= MAX_FACTOR:
        raise PredictionError(
            f"The image has {pixel_size_nm:g} nm per pixel and the model {model_pixel_size_nm:g} nm: "
            f"they differ by a factor of {max(factor, 1 / factor):.0f}.",
            "Check the image's pixel size, or choose a model trained at a similar size.",
        )
    return factor


def resampled_shape(shape_yx: tuple[int, int], factor: float) -> tuple[int, int]:
    """Rows and columns of a resampled image, at least one each."""
    return max(round(shape_yx[0] * factor), 1), max(round(shape_yx[1] * factor), 1)


def resample_image(image_yx: NDArray[Any], factor: float) -> NDArray[Any]:
    """Enlarge or shrink an image, antialiased.

    Cubic convolution (Keys, 10.1109/TASSP.1981.1163711; a = -1/2); when shrinking, the kernel is widened by the
    factor, so that detail too fine for the new grid is averaged instead of aliased. Both grids cover the same field.

    Parameters
    ----------
    image_yx
        Any integer or float dtype.
    factor
        Above 1 enlarges. 1 returns the image itself.

    Returns
    -------
    ndarray
        Shape `resampled_shape`; the image's dtype, integers rounded and clipped to its range.
    """
    target = resampled_shape((image_yx.shape[0], image_yx.shape[1]), factor)
    if target == image_yx.shape:
        return image_yx
    weights_y, weights_x = (_cubic_weights(n, m) for n, m in zip(image_yx.shape, target, strict=True))
    result = np.empty(target, dtype=image_yx.dtype)
    rows = max(BAND_PX // max(target[1], round(image_yx.shape[1] * max(1 / factor, 1))), 1)
    for start in range(0, target[0], rows):
        stop = min(start + rows, target[0])
        band = weights_y[start:stop]
        first, last = int(band.indices.min()), int(band.indices.max()) + 1
        tall = band[:, first:last] @ image_yx[first:last].astype(np.float32)
        result[start:stop] = _as_dtype((weights_x @ np.ascontiguousarray(tall.T)).T, image_yx.dtype)
    return result


def resample_labels(labels_yx: NDArray[Any], factor: float) -> NDArray[Any]:
    """Enlarge or shrink a label map: each new pixel takes the class that lies under its centre; none is invented.

    Returns
    -------
    ndarray
        Shape `resampled_shape`, dtype of the labels.
    """
    target = resampled_shape((labels_yx.shape[0], labels_yx.shape[1]), factor)
    if target == labels_yx.shape:
        return labels_yx
    rows, columns = (
        np.minimum(((np.arange(m) + 0.5) * (n / m)).astype(np.int64), n - 1)
        for n, m in zip(labels_yx.shape, target, strict=True)
    )
    return labels_yx[np.ix_(rows, columns)]


def linear_neighbors(source: int, target: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """For every new pixel along an axis the two old ones around its centre, and the weight of the second.

    Parameters
    ----------
    source, target
        Lengths of the old and the new axis in pixels; both cover the same field.

    Returns
    -------
    lower, upper
        Indices, clipped at the ends.
    weight
        0 to 1: value = (1 - weight) * old[lower] + weight * old[upper].
    """
    center = (np.arange(target) + 0.5) * (source / target) - 0.5
    center = np.clip(center, 0, source - 1)
    lower = np.floor(center).astype(np.int64)
    upper = np.minimum(lower + 1, source - 1)
    return lower, upper, (center - lower).astype(np.float32)


@lru_cache(maxsize=8)
def _cubic_weights(source: int, target: int) -> Any:
    """Sparse matrix (target, source) of float32 cubic weights; each row sums to 1, edges repeat the outer pixels."""
    from scipy.sparse import csr_array

    stretch = max(source / target, 1.0)
    reach = 2 * stretch
    center = (np.arange(target) + 0.5) * (source / target) - 0.5
    taps = np.ceil(center - reach)[:, None] + np.arange(math.ceil(2 * reach) + 1)
    weights = _cubic((taps - center[:, None]) / stretch)
    weights /= weights.sum(axis=1, keepdims=True)
    index = np.clip(taps, 0, source - 1).astype(np.int64)
    row = np.broadcast_to(np.arange(target)[:, None], index.shape)
    matrix = csr_array((weights.ravel().astype(np.float32), (row.ravel(), index.ravel())), shape=(target, source))
    matrix.sum_duplicates()
    return matrix


def _cubic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys' cubic convolution kernel with a = -1/2, zero from 2 on."""
    x = np.abs(x)
    inner = (1.5 * x - 2.5) * x**2 + 1
    outer = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, inner, np.where(x < 2, outer, 0.0))


def _as_dtype(values: NDArray[np.float32], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Rounded and clipped where the dtype is an integer."""
    if dtype.kind not in "iu":
        return values.astype(dtype)
    limits = np.iinfo(dtype)
    return np.clip(np.rint(values), limits.min, limits.max).astype(dtype)
