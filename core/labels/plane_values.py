"""The one value of each pixel of a label file."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import LabelMapError
from core.imaging.formats.source import Channels, Plane
from core.imaging.row_bands import row_bands
from core.labels.planes import equal_channels, hide_transparent
from core.labels.polarity import Brightness, Foreground, chosen_part
from core.labels.report import RuleCount

ValueBand = tuple[NDArray[Any], list[RuleCount], tuple[str, ...]]
"""Values, what was changed, what a person should know."""


def label_values(plane: Plane, name: str, foreground: Foreground | None) -> ValueBand:
    """The one value of each pixel; transparent pixels become 0."""
    pixels, kind = plane.pixels, plane.channels
    if kind is Channels.GREY and pixels.dtype == bool:
        shown = Brightness(pixels, None, plane.white_is_zero, plane.as_written)
        bits, notes = (
            chosen_part(pixels, shown, name, foreground) if plane.white_is_zero or foreground else (pixels, ())
        )
        return bits.view(np.uint8), [], notes
    if kind is Channels.PALETTE and plane.palette_alpha is not None:
        alpha = np.full(max(len(plane.palette_alpha), int(pixels.max(initial=0)) + 1), 255, dtype=np.uint8)
        alpha[: len(plane.palette_alpha)] = plane.palette_alpha
        return (*hide_transparent(pixels, alpha[pixels], name), ())
    if kind in (Channels.GREY, Channels.PALETTE):
        return _integral(pixels, name), [], ()
    if kind is Channels.CMYK or (kind is not Channels.GREY_ALPHA and not equal_channels(pixels)):
        raise LabelMapError(
            f"{name} is a colour image ({kind.value}), but a label image has one value per pixel.",
            "Import it as labels by colour, or export it as grey values with one value per class.",
        )
    values = _integral(pixels[..., 0], name)
    if kind is Channels.RGB:
        return values, [], ()
    return (*hide_transparent(values, pixels[..., -1], name), ())


def _integral(values: NDArray[Any], name: str) -> NDArray[Any]:
    """Integers, also from floats that are whole."""
    if values.dtype == bool:
        return values.view(np.uint8)
    if values.dtype.kind in "ui":
        return values
    if values.dtype.kind != "f" or not all(_whole(values[band]) for band in row_bands(values.shape)):
        raise LabelMapError(
            f"{name} contains values that are not integers ({values.dtype}).",
            "It may be a probability map, or labels that were scaled with interpolation; export the class ids.",
        )
    low, high = float(values.min()), float(values.max())
    dtype = np.uint8 if low >= 0 and high <= 255 else np.uint16 if low >= 0 and high <= 65535 else np.int64
    return values.astype(dtype)


def _whole(values: NDArray[Any]) -> bool:
    """Whether all are finite and without fractions."""
    return bool(np.all(np.isfinite(values)) and np.all(values == np.rint(values)))
