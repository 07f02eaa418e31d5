"""A label file band by band: checked as a whole, read in pieces of full width, values kept as small numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import psutil
from numpy.typing import NDArray

from core.errors import ImageError, LabelMapError
from core.imaging.formats.source import Plane
from core.imaging.placement import Placement, laid_over
from core.imaging.reader import Micrograph, open_micrograph
from core.imaging.row_bands import replaced_values, row_bands, value_counts

_MOST_CODES: Final = 256
"""Different values that a byte can number."""

_COPIES: Final = 2
"""How often the pixels of a file that is decoded at once are in memory: packed or as decoded, and in order."""

_LABEL_BYTES: Final = 4
"""For each pixel beside that: numbers of values or colours, and the label map."""

_SHARE_OF_MEMORY: Final = 0.8
"""Of the machine's memory, that reading one file may need."""


@dataclass(slots=True)
class LabelFile:
    """An opened label file that has passed the checks of its header.

    Parameters
    ----------
    name
        For messages.
    shape_yx
        Rows and columns.
    remarks
        What was noticed while it was read; complete once it has been.
    """

    name: str
    shape_yx: tuple[int, int]
    _file: Micrograph
    _placement: Placement | None
    remarks: list[str] = field(default_factory=list)

    def bands(self) -> Iterator[tuple[int, Plane]]:
        """First row and pixels of each piece, from top to bottom.

        Raises
        ------
        LabelMapError
            It is compressed with losses, or damaged.
        """
        if not self._file.in_bands:
            self._require_memory()
        with explained(self.name):
            for top, plane in self._file.bands():
                refuse_lossy(plane, self.name)
                if top == 0:
                    self.remarks += plane.notices
                yield top, plane

    def whole(self) -> Plane:
        """All of it at once.

        Raises
        ------
        LabelMapError
            As `bands`; or this machine has too little memory for it.
        """
        self._require_memory()
        with explained(self.name):
            plane = self._file.read_plane()
        refuse_lossy(plane, self.name)
        self.remarks += plane.notices
        return plane

    def _require_memory(self) -> None:
        require_memory(self.name, self.shape_yx, self._file.dtype, self._file.samples)

    def laid(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Pixels of the file in the order of its image; what that changed is added to the remarks.

        Raises
        ------
        LabelMapError
            By the headers they do not fit together.
        """
        pixels, remarks = laid_over(pixels, self._file.placement, self._placement, self.name)
        self.remarks += remarks
        return pixels


@contextmanager
def opened_labels(
    path: Path,
    shape_yx: tuple[int, int] | None,
    *,
    name: str | None = None,
    placement: Placement | None = None,
) -> Iterator[LabelFile]:
    """Open a label file of the image's size.

    Parameters
    ----------
    path, name
        As for `open_micrograph`.
    shape_yx
        Rows and columns of its image; None: any.
    placement
        Where the image's header places it; a label map whose header mirrors it is turned over.

    Raises
    ------
    LabelMapError
        The file cannot be read, is a JPEG or a stack, or has another size.
    """
    with explained(""):
        file = open_micrograph(path, name=name)
    with file:
        _check_header(file, shape_yx)
        yield LabelFile(file.name, file.shape_yx, file, placement)


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Errors of reading as errors of a label file."""
    try:
        yield
    except ImageError as error:
        raise LabelMapError(f"Label file: {error.cause}", error.remedy) from error


def refuse_lossy(plane: Plane, name: str) -> None:
    """Refuse what a lossy compression may have changed.

    Raises
    ------
    LabelMapError
        Names the compression.
    """
    if plane.lossy:
        raise LabelMapError(
            f"{name} is compressed with {plane.lossy}, which changes label values.",
            "Export the labels again as PNG, or as TIFF without compression, with LZW, Deflate or ZSTD.",
        )


def require_memory(name: str, shape_yx: tuple[int, int], dtype: np.dtype[Any], samples: int) -> None:
    """Refuse a file that is decoded as a whole and does not fit into this machine, before it is.

    Parameters
    ----------
    name
        For messages.
    shape_yx, dtype
        As its header declares.
    samples
        Values of a pixel.

    Raises
    ------
    LabelMapError
        Says how much it needs, and how much there is.
    """
    needed = shape_yx[0] * shape_yx[1] * (_COPIES * dtype.itemsize * samples + _LABEL_BYTES)
    there = int(psutil.virtual_memory().total * _SHARE_OF_MEMORY)
    if needed > there:
        raise LabelMapError(
            f"{name} has {shape_yx[1]:,} x {shape_yx[0]:,} px of {dtype}; reading it requires about "
            f"{needed / 1e9:.1f} GB of memory, and {there / 1e9:.1f} GB are available.",
            "Save it as an 8-bit TIFF in strips or tiles (Deflate or LZW), which can be read in parts, or crop it.",
        )


def _check_header(file: Micrograph, shape_yx: tuple[int, int] | None) -> None:
    """Refuse what is no label map of one image by its header."""
    if file.format == "JPEG":
        raise LabelMapError(
            f"{file.name} is a JPEG, whose compression changes label values.", "Export the labels as PNG or TIFF."
        )
    if file.pages != 1:
        raise LabelMapError(
            f"{file.name} is a stack of {file.pages} pages, but the labels of one image are expected.",
            "Save the labels of each image as a separate file.",
        )
    if shape_yx is not None and file.shape_yx != shape_yx:
        raise LabelMapError(
            f"The image is {shape_yx[1]} x {shape_yx[0]} px (width x height) but {file.name} is "
            f"{file.shape_yx[1]} x {file.shape_yx[0]} px.",
            "Export both at the same size, without cropping or scaling.",
        )


class ValueCodes:
    """The values of a label map as bytes that number them, while there are 256 at most; and how often each occurs.

    Parameters
    ----------
    shape_yx
        Rows and columns.
    """

    def __init__(self, shape_yx: tuple[int, int]) -> None:
        self._codes: NDArray[np.uint8] | None = np.empty(shape_yx, np.uint8)
        self._numbers: dict[int, int] = {}
        self._counts: dict[int, int] = {}

    def add(self, top: int, values_yx: NDArray[Any]) -> None:
        """Integers of the rows from ``top`` on."""
        found, counts = value_counts(values_yx)
        for value, count in zip(found.tolist(), counts.tolist(), strict=True):
            self._counts[value] = self._counts.get(value, 0) + count
            self._numbers.setdefault(value, len(self._numbers))
        if len(self._numbers) > _MOST_CODES:
            self._codes = None
        if self._codes is not None:
            numbers = np.array([self._numbers[value] for value in found.tolist()], np.uint8)
            self._codes[top : top + values_yx.shape[0]] = replaced_values(values_yx, found, numbers)

    def counted(self) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """The different values, ascending, and how often each occurs."""
        values = sorted(self._counts)
        dtype = np.uint64 if values and values[-1] > np.iinfo(np.int64).max else np.int64
        return np.array(values, dtype), np.array([self._counts[value] for value in values], np.int64)

    def labels(self, ids: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
        """The label map with an id for each value as `counted` gives them; None where there were too many to keep."""
        if self._codes is None:
            return None
        table = np.zeros(_MOST_CODES, np.uint8)
        for value, class_id in zip(sorted(self._counts), ids.tolist(), strict=True):
            table[self._numbers[value]] = class_id
        for band in row_bands(self._codes.shape):
            self._codes[band] = table[self._codes[band]]
        return self._codes
