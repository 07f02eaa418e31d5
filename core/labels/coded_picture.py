"""A colour picture with a small number for each colour: pictures of labels have few, and this is a fraction of RGB."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.imaging.row_bands import row_bands

_COLORS: Final = 1 << 24

CLEAR: Final = _COLORS
"""In place of a colour: transparent."""


@dataclass(frozen=True, slots=True, eq=False)
class CodedPicture:
    """Colours by number. Rows are given as colours, as of an array: ``picture[10:20]``.

    Parameters
    ----------
    codes_yx
        uint16 or uint32, shape (rows, columns): the place in ``colors``.
    colors
        uint32, 0xrrggbb, or `CLEAR`, in the order in which they were found.
    pixels
        int64: how often each occurs.
    """

    codes_yx: NDArray[Any]
    colors: NDArray[np.uint32]
    pixels: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        return self.codes_yx.shape

    @property
    def size(self) -> int:
        """Number of pixels."""
        return self.codes_yx.size

    def __getitem__(self, rows: slice) -> NDArray[np.uint32]:
        """Colours of some rows; transparent is black."""
        colors: NDArray[np.uint32] = self.visible[self.codes_yx[rows]]
        return colors

    @property
    def visible(self) -> NDArray[np.uint32]:
        """The colours, black where transparent."""
        return np.where(self.colors == CLEAR, np.uint32(0), self.colors)

    @property
    def clear_pixels(self) -> int:
        """How many are transparent."""
        return int(self.pixels[self.colors == CLEAR].sum())

    def counted(self) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """The different colours, ascending, and how often each occurs; transparent counts as black."""
        found, place = np.unique(self.visible, return_inverse=True)
        pixels = np.zeros(len(found), np.int64)
        np.add.at(pixels, place, self.pixels)
        return found, pixels

    def mapped(self, values: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A value for each pixel, by one for each of ``colors``: uint8, shape (rows, columns)."""
        result = np.empty(self.codes_yx.shape, np.uint8)
        for band in row_bands(self.codes_yx.shape):
            result[band] = values[self.codes_yx[band]]
        return result


class PictureCoder:
    """Takes a picture band by band.

    Parameters
    ----------
    shape_yx
        Rows and columns.
    """

    def __init__(self, shape_yx: tuple[int, int]) -> None:
        self._codes: NDArray[Any] = np.empty(shape_yx, np.uint16)
        self._numbers = np.zeros(_COLORS + 1, np.uint32)  # 64 MB: one more than the place of each colour
        self._colors: list[int] = []
        self._pixels = np.zeros(0, np.int64)

    def add(self, top: int, packed: NDArray[np.uint32], clear: NDArray[np.bool_] | None) -> None:
        """Colours, 0xrrggbb, of the rows from ``top`` on, and which are transparent."""
        for rows in row_bands(packed.shape):
            part = packed[rows]
            if clear is not None:
                part = np.where(clear[rows], np.uint32(CLEAR), part)
            self._add(top + rows.start, part)

    def _add(self, top: int, part: NDArray[np.uint32]) -> None:
        numbers = self._numbers[part]
        if not numbers.all():
            new = np.unique(part[numbers == 0])
            self._numbers[new] = np.arange(len(self._colors) + 1, len(self._colors) + 1 + len(new))
            self._colors += new.tolist()
            numbers = self._numbers[part]
            if len(self._colors) > np.iinfo(np.uint16).max and self._codes.dtype == np.uint16:
                self._codes = self._codes.astype(np.uint32)
        counts = np.bincount(numbers.ravel(), minlength=len(self._colors) + 1)[1:]
        counts[: len(self._pixels)] += self._pixels
        self._pixels = counts
        np.subtract(numbers, 1, out=numbers)
        self._codes[top : top + part.shape[0]] = numbers

    def picture(self) -> CodedPicture:
        """What was taken."""
        return CodedPicture(self._codes, np.array(self._colors, np.uint32), self._pixels.astype(np.int64))
