"""Raw planes become images: one channel, uint8, uint16 or float32, everything finite, every change told."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import ImageError
from core.imaging.formats.source import Channels, Plane

_LUMA: Final = (0.299, 0.587, 0.114)
"""Weights of red, green and blue, ITU-R BT.601, as Fiji and Pillow use them."""

_STRIP_PX: Final = 4_000_000
"""Pixels converted at a time, so that a large image needs little extra memory."""

_SMALL_PX: Final = 32
"""An image with a side below this gets a notice."""

_KEPT: Final = (np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32))


def normalised(plane: Plane, name: str) -> tuple[NDArray[Any], tuple[str, ...]]:
    """The pixels of an image and what was done to them.

    Parameters
    ----------
    plane
        As a format's reader gives it.
    name
        Of the file, for messages.

    Returns
    -------
    ndarray, tuple of str
        uint8, uint16 or float32, shape (rows, columns), finite; notices, one sentence each.

    Raises
    ------
    ImageError
        Complex pixels, or some that are NaN, infinite or beyond float32.
    """
    grey, notices = _one_channel(plane)
    if plane.white_is_zero:
        grey, inverted = _inverted(grey)
        notices += inverted
    pixels, converted = _supported_dtype(grey, name)
    return pixels, plane.notices + notices + converted + _remarks(pixels)


def _one_channel(plane: Plane) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Grey values, from whatever the samples mean."""
    pixels, kind = plane.pixels, plane.channels
    if kind is Channels.GREY:
        return pixels, ()
    if kind is Channels.PALETTE:
        return _from_palette(plane)
    if kind is Channels.CMYK:
        return _from_cmyk(pixels), ("CMYK was converted to luminance.",)
    notices: tuple[str, ...] = ()
    if kind in (Channels.GREY_ALPHA, Channels.RGB_ALPHA):
        alpha = pixels[..., -1]
        clear = int(np.count_nonzero(alpha != (np.iinfo(alpha.dtype).max if alpha.dtype.kind in "ui" else 1)))
        notices = (f"The alpha channel was ignored ({clear:,} pixels are not opaque).",)
    if kind is Channels.GREY_ALPHA:
        return np.ascontiguousarray(pixels[..., 0]), notices
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    if np.array_equal(red, green) and np.array_equal(red, blue):
        return np.ascontiguousarray(red), ("RGB with three equal channels was read as grey.", *notices)
    return _luminance(pixels), ("RGB was converted to luminance.", *notices)


def _luminance(pixels: NDArray[Any]) -> NDArray[Any]:
    """Weighted sum of red, green and blue, in the data type of the samples (float32 for other than uint8, uint16)."""
    dtype = pixels.dtype if pixels.dtype in _KEPT else np.dtype(np.float32)
    result = np.empty(pixels.shape[:2], dtype=dtype)
    step = max(1, _STRIP_PX // max(pixels.shape[1], 1))
    for row in range(0, len(result), step):
        strip = pixels[row : row + step]
        total = sum(strip[..., i].astype(np.float32) * np.float32(w) for i, w in enumerate(_LUMA))
        result[row : row + step] = np.rint(total) if dtype.kind == "u" else total
    return result


def _from_palette(plane: Plane) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Look the colours up."""
    palette = plane.palette
    if palette is None or palette.size == 0:
        return plane.pixels, ()
    if int(plane.pixels.max(initial=0)) >= len(palette):
        palette = np.pad(palette, [(0, int(plane.pixels.max()) + 1 - len(palette)), (0, 0)])
    if np.array_equal(palette[:, 0], palette[:, 1]) and np.array_equal(palette[:, 0], palette[:, 2]):
        return palette[:, 0][plane.pixels], ()
    grey = _luminance(palette[np.newaxis])[0]
    return grey[plane.pixels], ("Palette colours were converted to luminance.",)


def _from_cmyk(pixels: NDArray[Any]) -> NDArray[Any]:
    """Luminance of ink: each colour is what its ink and black leave of white."""
    top = float(np.iinfo(pixels.dtype).max) if pixels.dtype.kind in "ui" else 1.0
    result = np.empty(pixels.shape[:2], dtype=pixels.dtype if pixels.dtype in _KEPT else np.float32)
    step = max(1, _STRIP_PX // max(pixels.shape[1], 1))
    for row in range(0, len(result), step):
        strip = pixels[row : row + step].astype(np.float32)
        left = (top - strip[..., :3]) * ((top - strip[..., 3:4]) / top)
        total = left @ np.array(_LUMA, dtype=np.float32)
        result[row : row + step] = np.rint(total) if result.dtype.kind == "u" else total
    return result


def _inverted(grey: NDArray[Any]) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Turn "white is zero" over."""
    if grey.dtype == bool:
        return ~grey, ()
    if grey.dtype.kind == "u":
        return np.iinfo(grey.dtype).max - grey, ("The file stores white as zero; it was inverted.",)
    if grey.dtype.kind == "i":  # the complement, -1 - value: the lowest value has no negative
        return ~grey, ("The file stores white as the lowest value; it was inverted.",)
    return -grey, ("The file stores white as the lowest value; it was inverted.",)


def _supported_dtype(grey: NDArray[Any], name: str) -> tuple[NDArray[Any], tuple[str, ...]]:
    """uint8 and uint16 as they are; everything else as exactly as uint16 or float32 can."""
    if grey.dtype.kind == "c":
        raise ImageError(f"{name} holds complex numbers.", "Save its amplitude or its phase as a real image.")
    if grey.dtype == bool:
        return grey.astype(np.uint8) * np.uint8(255), (
            ("The image has 1 bit per pixel; values were converted to 0 and 255."),
        )
    if grey.dtype in (np.uint8, np.uint16):
        return grey, ()
    if grey.dtype.kind in "iu":
        return _from_integers(grey)
    if grey.dtype.kind != "f":
        raise ImageError(f"{name} holds pixels of an unknown kind ({grey.dtype}).", "Save it as 8- or 16-bit grey.")
    _check_finite(grey, name)
    if grey.dtype == np.float32:
        return grey, ()
    if grey.dtype == np.float16:
        return grey.astype(np.float32), ()
    return grey.astype(np.float32), (f"{grey.dtype} was rounded to float32.",)


def _from_integers(grey: NDArray[Any]) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Signed or wide integers: uint16 where nothing is lost, float32 otherwise."""
    low, high = int(grey.min()), int(grey.max())
    if low >= 0 and high <= 65535:
        return grey.astype(np.uint16), (f"{grey.dtype} became uint16; no value changed.",)
    exact = max(abs(low), abs(high)) <= 2**24
    how = "no value changed" if exact else "large values were rounded"
    return grey.astype(np.float32), (f"{grey.dtype} (values {low:,} to {high:,}) became float32; {how}.",)


def _check_finite(grey: NDArray[Any], name: str) -> None:
    """Refuse NaN, infinity, and what float32 cannot hold."""
    finite = np.isfinite(grey)
    if grey.dtype.itemsize > 4:
        finite &= np.abs(grey) <= np.finfo(np.float32).max
    bad = grey.size - int(np.count_nonzero(finite))
    if bad:
        row, column = (int(i[0]) for i in np.nonzero(~finite))
        raise ImageError(
            f"{name} has {bad:,} of {grey.size:,} pixels that are NaN, infinite or too large, the first at row {row}, "
            f"column {column} (counted from 0).",
            "Fill them before import, in Fiji with Process > Noise > Remove NaNs or by cropping the empty border.",
        )


def _remarks(pixels: NDArray[Any]) -> tuple[str, ...]:
    """What is odd about an image that is read all the same."""
    remarks = []
    if pixels.min() == pixels.max():
        remarks.append(f"All pixels have the value {pixels.flat[0]}; the image has no content to segment.")
    if min(pixels.shape) < _SMALL_PX:
        remarks.append(f"The image is only {pixels.shape[1]} x {pixels.shape[0]} px (width x height).")
    return tuple(remarks)
