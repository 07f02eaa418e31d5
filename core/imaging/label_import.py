"""Label maps in: one label image, one mask per organelle, one picture with a colour per class.

Rules, in short (docs/formats.md has them for users): a value or colour that no class has is refused; what is plainly an
edge artefact of an export is put right and counted; what two masks claim is nobody's. Masks are in `label_masks`,
colours in `label_colors`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import LabelMapError
from core.imaging.formats.source import Channels, Plane
from core.imaging.label_colors import read_rgb_labels
from core.imaging.label_masks import Overlap, match_masks, read_masks
from core.imaging.label_planes import (
    check_class,
    classes_of,
    equal_channels,
    hide_transparent,
    listed,
    read_label_plane,
)
from core.imaging.label_report import LabelImport, LabelReport, LabelRule, RuleCount
from core.imaging.row_bands import replaced_values, row_bands, value_counts
from core.label_scheme import IGNORE_ID, LabelScheme

__all__ = [
    "LabelImport",
    "LabelReport",
    "LabelRule",
    "Overlap",
    "RuleCount",
    "match_masks",
    "read_label_image",
    "read_masks",
    "read_rgb_labels",
]

STRAY_SHARE: Final = 0.01
"""Share of pixels beside the value map that passes for soft edges."""


def read_label_image(
    path: Path,
    scheme: LabelScheme,
    shape_yx: tuple[int, int] | None = None,
    *,
    value_map: Mapping[int, int] | None = None,
    stray_share: float = STRAY_SHARE,
    name: str | None = None,
) -> LabelImport:
    """Read a label image, whose values are class ids.

    Parameters
    ----------
    path
        PNG, TIFF, MRC or NIfTI; grey or with a palette, whose indices are the values.
    scheme
        Which ids there are.
    shape_yx
        Of the image that it belongs to; None where that is not known.
    value_map
        For files with other values: value in the file to class id. 0 is background unless the map says otherwise.
    stray_share
        With a value map: at most this share of the pixels may have other values (soft edges); they take the nearest
        value of the map.
    name
        What to call the file in messages.

    Returns
    -------
    LabelImport
        uint8 of the image's shape, with counts.

    Raises
    ------
    LabelMapError
        Unreadable, JPEG, a stack, another size, in colour, values that no class has or that are no integers; with the
        values and how often each was found.
    """
    plane, shown = read_label_plane(path, shape_yx, name=name)
    values, counts = _label_values(plane, shown)
    found, pixels = value_counts(values)
    if value_map is None:
        _check_known(found, pixels, scheme, shown)
        ids = found.astype(np.uint8)
    else:
        ids, mapped = _mapped(found, pixels, value_map, scheme, stray_share, shown)
        counts += mapped
    labels = replaced_values(values, found, ids)
    present = set(ids.tolist())
    remarks = []
    if IGNORE_ID in present and not present - {0, IGNORE_ID}:
        remarks.append(
            f"{shown} has no class, only {'0 and ' if 0 in present else ''}255, which means ignore. If it is the mask "
            "of one class, import it as a mask."
        )
    return LabelImport.of(labels, counts, remarks)


def _label_values(plane: Plane, name: str) -> tuple[NDArray[Any], list[RuleCount]]:
    """The one value of each pixel; transparent pixels become 0."""
    pixels, kind = plane.pixels, plane.channels
    if kind in (Channels.GREY, Channels.PALETTE):
        return _integral(pixels, name), []
    if kind is Channels.CMYK or (kind is not Channels.GREY_ALPHA and not equal_channels(pixels)):
        raise LabelMapError(
            f"{name} is a colour picture ({kind.value}), and a label image has one value per pixel.",
            "Import it as labels by colour, or export it as grey values with one value per class.",
        )
    values = _integral(pixels[..., 0], name)
    if kind is Channels.RGB:
        return values, []
    return hide_transparent(values, pixels[..., -1], name)


def _integral(values: NDArray[Any], name: str) -> NDArray[Any]:
    """Integers, also from floats that are whole."""
    if values.dtype == bool:
        return values.view(np.uint8)
    if values.dtype.kind in "ui":
        return values
    if values.dtype.kind != "f" or not all(_whole(values[band]) for band in row_bands(values.shape)):
        raise LabelMapError(
            f"{name} holds values that are no whole numbers ({values.dtype}).",
            "It may be a probability map, or labels that were scaled with interpolation; export the class ids.",
        )
    low, high = float(values.min()), float(values.max())
    dtype = np.uint8 if low >= 0 and high <= 255 else np.uint16 if low >= 0 and high <= 65535 else np.int64
    return values.astype(dtype)


def _whole(values: NDArray[Any]) -> bool:
    """Whether all are finite and without fractions."""
    return bool(np.all(np.isfinite(values)) and np.all(values == np.rint(values)))


def _check_known(found: NDArray[Any], pixels: NDArray[np.int64], scheme: LabelScheme, name: str) -> None:
    """Refuse values that are neither class nor background nor ignore."""
    known = np.isin(found, [0, IGNORE_ID, *scheme.ids])
    if not known.all():
        raise LabelMapError(
            f"{name} holds values that no class has: {listed(found[~known], pixels[~known])}; in all it holds "
            f"{listed(found, pixels)}.",
            f"The classes are {classes_of(scheme)}; 0 is background, 255 ignore. Say which value is which class, or "
            "export the labels again without smoothing.",
        )


def _mapped(
    found: NDArray[Any],
    pixels: NDArray[np.int64],
    value_map: Mapping[int, int],
    scheme: LabelScheme,
    stray_share: float,
    name: str,
) -> tuple[NDArray[np.uint8], list[RuleCount]]:
    """The class id of each value by the map; values beside it by the nearest that it has, if they are few."""
    for value, class_id in value_map.items():
        check_class(class_id, scheme, f"Value {value} of {name}")
    table = {0: 0, **value_map}
    keys = np.array(sorted(table), dtype=np.int64)
    found = found.astype(np.int64)
    nearest = keys[np.argmin(np.abs(found[:, np.newaxis] - keys[np.newaxis]), axis=1)]
    classes = np.array([table[int(k)] for k in nearest], dtype=np.uint8)
    stray = found != nearest
    if pixels[stray].sum() > stray_share * pixels.sum():
        raise LabelMapError(
            f"{name} holds values that were not mapped: {listed(found[stray], pixels[stray])}.",
            'Say for each which class it is (0 for background, 255 for ignore; in a dataset folder under "labels" of '
            "its dataset.json), or correct the label map.",
        )
    changed = ~stray & (found != classes)
    detail = ", ".join(f"{v} to {c}" for v, c in zip(found[changed], classes[changed], strict=True))
    return classes, [
        RuleCount(LabelRule.VALUE_MAPPED, int(pixels[changed].sum()), name, detail),
        RuleCount(LabelRule.STRAY_TO_NEAREST, int(pixels[stray].sum()), name, listed(found[stray], pixels[stray])),
    ]
