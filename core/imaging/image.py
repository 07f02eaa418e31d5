"""The image value: pixels with their physical size and where that size comes from."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import ImageError
from core.imaging.lengths import checked_pixel_size

ENTERED: Final = "entered"
"""The detail of a pixel size that a person typed."""


class PixelSizeSource(StrEnum):
    """Where a pixel size comes from."""

    FILE = "file"
    USER = "user"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PixelSize:
    """Edge length of one square pixel in nanometres, with its provenance.

    Parameters
    ----------
    nm
        Positive, or None where unknown: then nothing is reported in physical units.
    source
        Who said so.
    detail
        Which header field or person, for example "OME PhysicalSizeX". Shown to the user.
    """

    nm: float | None = None
    source: PixelSizeSource = PixelSizeSource.UNKNOWN
    detail: str = ""

    def __post_init__(self) -> None:
        if self.nm is not None and not (math.isfinite(self.nm) and self.nm > 0):
            raise ImageError(f"Pixel size is {self.nm} nm.", "Use a positive number of nanometres per pixel.")
        if (self.nm is None) != (self.source is PixelSizeSource.UNKNOWN):
            raise ImageError(
                f"Pixel size is {self.nm} nm with source {self.source.value!r}.",
                "A known size needs the source 'file' or 'user'; an unknown one has no value.",
            )

    @classmethod
    def from_user(cls, nm: float) -> PixelSize:
        """A pixel size that a person gave.

        Raises
        ------
        ImageError
            No pixel of a micrograph has it, as `core.imaging.lengths.checked_pixel_size` says.
        """
        return cls(checked_pixel_size(nm), PixelSizeSource.USER, ENTERED)


UNKNOWN_PIXEL_SIZE = PixelSize()


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """One 2D micrograph in memory.

    Parameters
    ----------
    pixels_yx
        uint8, uint16 or float32, shape (rows, columns), made read-only. float32 has only finite values.
    pixel_size
        In nm, with provenance.
    name
        A label for people, never a path.
    notices
        What the reader changed or noticed, one sentence each ("RGB was turned to luminance.").
    """

    pixels_yx: NDArray[Any]
    pixel_size: PixelSize = UNKNOWN_PIXEL_SIZE
    name: str = ""
    notices: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if self.pixels_yx.ndim != 2 or 0 in self.pixels_yx.shape:
            raise ImageError(f"An image has shape {self.pixels_yx.shape}.", "Use one 2D plane with at least one pixel.")
        if self.pixels_yx.dtype not in (np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32)):
            raise ImageError(f"An image has data type {self.pixels_yx.dtype}.", "Use uint8, uint16 or float32.")
        pixels = self.pixels_yx.view()
        pixels.flags.writeable = False
        object.__setattr__(self, "pixels_yx", pixels)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        return self.pixels_yx.shape[0], self.pixels_yx.shape[1]
