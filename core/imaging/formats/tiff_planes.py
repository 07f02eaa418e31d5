"""What the samples of a TIFF page mean: grey, colours, palette, opacity."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import ImageError
from core.imaging.formats.source import Channels, Plane

_WHITE_IS_ZERO, _RGB, _PALETTE, _SEPARATED, _YCBCR = 0, 2, 3, 5, 6
_UNSUPPORTED: Final = {8: "CIELAB", 9: "ICCLAB", 10: "ITULAB", 32803: "colour filter array (raw camera data)"}
_COLOR_SAMPLES: Final = {_RGB: 3, _YCBCR: 3, _SEPARATED: 4}
_ALPHA_KINDS: Final = (1, 2)
"""Of the tag ExtraSamples: opacity, multiplied into the colours or not. 0 is a sample of no stated meaning."""


def tiff_plane(stored: NDArray[Any], page: Any, name: str) -> Plane:
    """Give the samples their meaning."""
    photometric = int(page.photometric)
    if photometric in _UNSUPPORTED:
        raise ImageError(f"The colours of {name} are stored as {_UNSUPPORTED[photometric]}.", "Save it as grey or RGB.")
    samples = int(page.samplesperpixel)
    if samples == 1:
        pixels = stored.reshape(stored.shape[-2:]) if stored.ndim > 2 else stored
        if photometric == _PALETTE and page.colormap is not None:
            indices = pixels.view(np.uint8) if pixels.dtype == bool else pixels  # 1 bit: entries 0 and 1
            return Plane(indices, Channels.PALETTE, _palette(np.asarray(page.colormap), indices.dtype, name))
        return Plane(pixels, white_is_zero=photometric == _WHITE_IS_ZERO)
    if int(page.planarconfig) == 2:
        stored = np.moveaxis(stored.reshape(samples, *stored.shape[-2:]), 0, -1)
    colors = _COLOR_SAMPLES.get(photometric, 1)
    alpha = _has_alpha(page, colors)
    if colors == 1:
        return _grey_plane(stored, samples, photometric, alpha=alpha)
    if photometric == _SEPARATED:
        return Plane(stored[..., :4], Channels.CMYK)
    if samples > colors and alpha:
        return Plane(stored[..., :4], Channels.RGB_ALPHA)
    further = samples - colors
    said = f"Of {samples} samples per pixel red, green and blue were read; the others have no defined meaning."
    notices = (said,) if further else ()
    return Plane(np.ascontiguousarray(stored[..., :3]) if further else stored, Channels.RGB, notices=notices)


def _has_alpha(page: Any, colors: int) -> bool:
    """Whether the first sample behind the colours is opacity: only if the file says so, or has no word for it."""
    extra = tuple(int(kind) for kind in page.extrasamples or ())
    if not extra:
        return int(page.samplesperpixel) == colors + 1
    return extra[0] in _ALPHA_KINDS


def _grey_plane(stored: NDArray[Any], samples: int, photometric: int, *, alpha: bool) -> Plane:
    """Grey with something beside it: alpha, or further channels that are left out."""
    inverted = photometric == _WHITE_IS_ZERO
    if samples == 2 and alpha:
        return Plane(stored, Channels.GREY_ALPHA, white_is_zero=inverted)
    notice = f"Of {samples} samples per pixel, the first was used."
    return Plane(np.ascontiguousarray(stored[..., 0]), white_is_zero=inverted, notices=(notice,))


def _palette(colormap: NDArray[Any], indices: np.dtype[Any], name: str) -> NDArray[np.uint8]:
    """Colours of 8 bits, shape (colours, 3); some programs write them so, where 16 bits belong."""
    if colormap.ndim != 2 or colormap.shape[0] != 3 or indices not in (np.uint8, np.uint16):
        raise ImageError(
            f"{name} has a palette of shape {colormap.shape} for {indices} values, which does not match.",
            "Save it as grey or RGB.",
        )
    colors = colormap.T
    return (colors if colors.max(initial=0) < 256 else colors >> 8).astype(np.uint8)
