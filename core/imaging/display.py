"""Grey values for the screen: a percentile window, stretched to 8 bits. The model never sees these."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import ImageError

_LOW_PERCENT: Final = 0.5
_HIGH_PERCENT: Final = 99.5
"""Leaves out dead and hot pixels, dust and the charging of an edge."""

_SAMPLE_PX: Final = 1_000_000
"""Pixels that a window is worked out from; more do not change it visibly."""


def percentile_window(
    image_yx: NDArray[Any], low_percent: float = _LOW_PERCENT, high_percent: float = _HIGH_PERCENT
) -> tuple[float, float]:
    """Grey values to show as black and as white.

    Parameters
    ----------
    image_yx
        uint8, uint16 or float32, shape (rows, columns); of a large one a grid of about a million pixels is used.
    low_percent, high_percent
        Percentiles, 0 to 100.

    Returns
    -------
    low, high
        ``low < high`` always; of a constant image its value and one more.

    Raises
    ------
    ImageError
        The image has no pixels.

    Examples
    --------
    >>> percentile_window(np.arange(101, dtype=np.uint8)[None], 10, 90)
    (10.0, 90.0)
    """
    if image_yx.size == 0:
        raise ImageError("An image without pixels has no display range.", "Use an image with at least one pixel.")
    step = max(1, int(np.ceil(np.sqrt(image_yx.size / _SAMPLE_PX))))
    sample = image_yx[::step, ::step]
    low, high = (float(v) for v in np.percentile(sample, [low_percent, high_percent]))
    if low == high:  # more than 99 % of the pixels are equal: show all there is
        low, high = float(sample.min()), float(sample.max())
    return (
        (low, high) if low < high else (low, float(max(low + 1.0, np.nextafter(np.float32(low), np.float32(np.inf)))))
    )


def to_display(block_yx: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Stretch a window of grey values to 0 to 255; what lies outside is cut.

    Parameters
    ----------
    block_yx
        uint8, uint16 or float32, any shape.
    low, high
        Shown as 0 and as 255. Where ``high`` is not above ``low``, everything above ``low`` is white.

    Returns
    -------
    ndarray
        uint8, same shape.

    Examples
    --------
    >>> to_display(np.array([[0, 50, 101, 152, 200]], dtype=np.uint8), 50, 152)
    array([[  0,   0, 128, 255, 255]], dtype=uint8)
    """
    if block_yx.dtype == np.uint8:
        shown: NDArray[np.uint8] = np.take(_stretched(np.arange(256), low, high), block_yx)
    elif block_yx.dtype == np.uint16 and block_yx.size > 65536:
        shown = np.take(_stretched(np.arange(65536), low, high), block_yx)
    else:
        shown = _stretched(block_yx, low, high)
    return shown


def _stretched(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """The same by arithmetic."""
    if not high > low:
        return np.where(values > low, 255, 0).astype(np.uint8)
    scaled = (values.astype(np.float64) - low) * (255.0 / (high - low))
    return np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)
