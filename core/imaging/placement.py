"""Where the header of a file places its pixels in space, and how a label map is laid over its image by that.

NIfTI states it; most other formats do not, and then row and column count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import LabelMapError

_SAME: Final = 0.01
"""By how much directions and steps may differ: headers hold float32."""

_SHIFT_PX: Final = 0.5
"""How far the edges of two grids may lie apart to be the same grid."""


@dataclass(frozen=True, slots=True)
class Placement:
    """The position of a plane's pixels.

    Parameters
    ----------
    origin
        Of the pixel at row 0, column 0: x, y, z, any unit that is the same in both files.
    row_step, column_step
        From one row, or column, to the next.
    """

    origin: tuple[float, float, float]
    row_step: tuple[float, float, float]
    column_step: tuple[float, float, float]


def laid_over(
    pixels: NDArray[Any], labels: Placement | None, image: Placement | None, name: str
) -> tuple[NDArray[Any], tuple[str, ...]]:
    """The pixels of a label file in the order of its image.

    Parameters
    ----------
    pixels
        Shape (rows, columns) or (rows, columns, samples), of the image's rows and columns.
    labels, image
        As the headers say; None: they say nothing.
    name
        Of the label file.

    Returns
    -------
    ndarray, tuple of str
        Same shape, rows and columns turned over where the headers say so; and remarks.

    Raises
    ------
    LabelMapError
        The headers say that the label map is mirrored or turned, but not onto the place of the image.
    """
    if labels is None or image is None:
        return pixels, ()
    steps = np.array([image.row_step, image.column_step], dtype=float).T
    there = np.array([labels.row_step, labels.column_step], dtype=float).T
    back = np.linalg.pinv(steps)
    turned = back @ there
    shift = back @ (np.array(labels.origin, dtype=float) - np.array(image.origin, dtype=float))
    signs = np.sign(np.diag(turned))
    if not np.allclose(np.abs(turned), np.abs(np.diag(np.diag(turned))), atol=_SAME) or np.any(signs == 0):
        raise LabelMapError(
            f"According to its header, {name} is rotated against its image.",
            "Save the label map in the orientation of the image (in ITK-SNAP: load the image first), or both as TIFF.",
        )
    shape = np.array(pixels.shape[:2])
    expected = np.where(signs < 0, shape - 1, 0)
    fits = np.allclose(np.abs(np.diag(turned)), 1, atol=_SAME) and np.all(np.abs(shift - expected) < _SHIFT_PX)
    if np.all(signs > 0):
        elsewhere = (
            f"According to its header, {name} has a different position or pixel size than its image. Rows and "
            "columns were read in file order."
        )
        return pixels, () if fits else (elsewhere,)
    axes = tuple(int(axis) for axis in np.flatnonzero(signs < 0))
    words = " and ".join(("rows", "columns")[axis] for axis in axes)
    if not fits:
        raise LabelMapError(
            f"According to its header, the {words} of {name} run in the opposite direction to the image's, and its "
            "position differs.",
            "Save the label map with the image's header (affine), or save both as TIFF or PNG, which have no header of "
            "this kind.",
        )
    return np.flip(pixels, axes), (
        (
            f"According to its header, the {words} of {name} run in the opposite direction to the image's; they were "
            "flipped to match."
        ),
    )
