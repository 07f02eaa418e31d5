"""Planes of label files: reading them, transparency, and how values and colours are listed in messages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import LabelMapError
from core.imaging.formats.source import Plane
from core.imaging.placement import Placement
from core.label_scheme import IGNORE_ID, LabelScheme
from core.labels.bands import opened_labels
from core.labels.polarity import full_scale
from core.labels.report import LabelRule, RuleCount
from core.wording import some_of

_SHOWN: Final = 8
"""Values or colours that a message lists."""

_OPAQUE_FROM: Final = 0.5
"""A pixel with at least this share of full opacity counts as painted."""


def read_label_plane(
    path: Path,
    shape_yx: tuple[int, int] | None,
    *,
    name: str | None = None,
    placement: Placement | None = None,
) -> tuple[Plane, str]:
    """The raw plane of a label file of the image's size (None: any), and the file's name for messages.

    Parameters
    ----------
    path
        The file.
    shape_yx
        Rows and columns of its image.
    name
        What to call the file in messages.
    placement
        Where the image's header places it; a label map whose header mirrors it is turned over.

    Raises
    ------
    LabelMapError
        The file cannot be read, is compressed with losses or a stack, has another size, or lies elsewhere.
    """
    with opened_labels(path, shape_yx, name=name, placement=placement) as file:
        plane = file.whole()
        pixels = file.laid(plane.pixels)
        return replace(plane, pixels=pixels, notices=tuple(file.remarks)), file.name


def listed(values: NDArray[Any], counts: NDArray[np.intp] | None = None) -> str:
    """Values with their counts, the most frequent first: "127 (1,182,110 px), 255 (906,245 px)"."""
    if counts is None:
        values, counts = np.unique(values, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return some_of((f"{values[i]:g} ({counts[i]:,} px)" for i in order), _SHOWN)


def listed_numbers(colors: NDArray[np.uint32], counts: NDArray[Any]) -> str:
    """The same for colours as numbers, 0xrrggbb: "#ff00ff (186,501 px)"."""
    order = np.argsort(-counts, kind="stable")
    return some_of((f"#{colors[i]:06x} ({counts[i]:,} px)" for i in order), _SHOWN)


def packed(rgb: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Red, green, blue of the last axis as one number, 0xrrggbb."""
    red, green, blue = (rgb[..., i].astype(np.uint32) for i in range(3))
    result: NDArray[np.uint32] = (red << np.uint32(16)) | (green << np.uint32(8)) | blue
    return result


def classes_of(scheme: LabelScheme) -> str:
    """The scheme's ids and names, for messages."""
    return ", ".join(f"{c.id} {c.name}" for c in scheme.classes)


def check_class(class_id: int, scheme: LabelScheme, what: str) -> None:
    """Refuse an id that is neither of the scheme nor background nor ignore.

    Raises
    ------
    LabelMapError
        Names the id.
    """
    if class_id not in (0, IGNORE_ID, *scheme.ids):
        raise LabelMapError(
            f"{what} is assigned to class {class_id}, which is not in the label scheme.",
            f"Its classes are {classes_of(scheme)}; 0 is background, 255 ignore.",
        )


def painted(alpha: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a pixel is at least half opaque.

    Parameters
    ----------
    alpha
        Shape (rows, columns), 0 to full scale of its data type.
    """
    result: NDArray[np.bool_] = alpha >= _OPAQUE_FROM * full_scale(alpha.dtype)
    return result


def hide_transparent(values: NDArray[Any], alpha: NDArray[Any], name: str) -> tuple[NDArray[Any], list[RuleCount]]:
    """Set what is less than half opaque to 0 (black), and count what that changed.

    Parameters
    ----------
    values
        Shape (rows, columns) or (rows, columns, samples).
    alpha
        Shape (rows, columns).
    name
        Of the file.
    """
    clear = ~painted(alpha)
    visible = values != 0 if values.ndim == 2 else np.any(values != 0, axis=2)
    count = RuleCount(LabelRule.TRANSPARENT_TO_BACKGROUND, int(np.count_nonzero(clear & visible)), name)
    return np.where(clear if values.ndim == 2 else clear[..., np.newaxis], values.dtype.type(0), values), [count]


def equal_channels(rgb: NDArray[Any]) -> bool:
    """Whether red, green and blue are the same everywhere: a grey picture saved as colour."""
    return np.array_equal(rgb[..., 0], rgb[..., 1]) and np.array_equal(rgb[..., 0], rgb[..., 2])
