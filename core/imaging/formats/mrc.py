"""MRC (MRC2014, and the older headers that IMOD and SerialEM write): images and stacks.

The header is read here, in 60 lines, because it must be judged before anything is allocated: format by A. Cheng et al.,
"MRC2014", https://doi.org/10.1016/j.jsb.2015.04.002.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from core.errors import ImageError
from core.imaging.formats.source import Format, Plane, Request, check_size
from core.imaging.image import UNKNOWN_PIXEL_SIZE, PixelSize
from core.imaging.pixel_size import pixel_size_from_file

_HEADER_BYTES: Final = 1024
_DTYPES: Final = {0: "i1", 1: "i2", 2: "f4", 6: "u2", 12: "f2"}
_IMOD_STAMP: Final = 1146047817
_IMOD_SIGNED_BIT: Final = 1
_UNSET_ANGSTROM: Final = 1.0
"""What IMOD and others write when nobody told them."""


@dataclass(frozen=True, slots=True)
class _Header:
    """The fields that matter."""

    columns: int
    rows: int
    sections: int
    mode: int
    order: str
    extended_bytes: int
    cell_angstrom: tuple[float, float]
    grid: tuple[int, int]
    imod_unsigned: bool

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the stored pixels."""
        code = "u1" if self.mode == 0 and self.imod_unsigned else _DTYPES[self.mode]
        return np.dtype(self.order + code)

    @property
    def plane_bytes(self) -> int:
        """Bytes of one section."""
        return self.columns * self.rows * self.dtype.itemsize

    @property
    def offset(self) -> int:
        """Where the first section begins."""
        return _HEADER_BYTES + self.extended_bytes


class MrcSource:
    """An opened MRC file."""

    format = "MRC"

    def __init__(self, request: Request) -> None:
        path = request.path
        self._path = path
        with path.open("rb") as file:
            header = _parse(file.read(_HEADER_BYTES))
        if header is None or header.mode not in _DTYPES:
            mode = "unknown" if header is None else header.mode
            raise ImageError(
                f"{request.name} is an MRC file of mode {mode}.",
                "Modes 0, 1, 2, 6 and 12 are read; convert it with newstack.",
            )
        self._header = header
        self.pages = header.sections
        self.shape_yx = header.rows, header.columns
        self.dtype = header.dtype.newbyteorder("=")
        stored = header.offset + header.plane_bytes * max(header.sections, 1)
        check_size(request, self.shape_yx, self.dtype.itemsize, stored_bytes=stored)
        self.pixel_size, self.notices = _pixel_size(header)

    def page_name(self, page: int) -> str:
        """The section, as IMOD counts them in its window."""
        return f"section {page + 1}"

    def read(self, page: int) -> Plane:
        """One section, in the order in which the file holds its rows."""
        header = self._header
        offset = header.offset + page * header.plane_bytes
        with self._path.open("rb") as file:
            file.seek(offset)
            pixels = np.fromfile(file, dtype=header.dtype, count=header.rows * header.columns)
        return Plane(pixels.reshape(header.rows, header.columns).astype(self.dtype, copy=False))

    def close(self) -> None:
        """Nothing is held open."""


def _parse(head: bytes) -> _Header | None:
    """The header in the byte order that makes sense of it, None where neither does."""
    if len(head) < _HEADER_BYTES:
        return None
    for order in "<>":
        columns, rows, sections, mode = struct.unpack(order + "4i", head[:16])
        grid = struct.unpack(order + "2i", head[28:36])
        cell = struct.unpack(order + "2f", head[40:48])
        extended, stamp, flags = struct.unpack(order + "i", head[92:96]) + struct.unpack(order + "2i", head[152:160])
        if 0 <= mode <= 200 and min(columns, rows, sections, extended) >= 0:
            unsigned = stamp == _IMOD_STAMP and not flags & _IMOD_SIGNED_BIT
            return _Header(columns, rows, sections, mode, order, extended, cell, grid, unsigned)
    return None


def _matches(head: bytes, path: Path) -> bool:
    """The MRC2014 word, or (older files have none) a header that accounts for every byte of the file."""
    header = _parse(head)
    if header is None:
        return False
    if head[208:211] == b"MAP":
        return True
    if header.mode not in _DTYPES or min(header.columns, header.rows, header.sections) < 1:
        return False
    return path.stat().st_size == header.offset + header.plane_bytes * header.sections


def _pixel_size(header: _Header) -> tuple[PixelSize, tuple[str, ...]]:
    """Cell size over grid, in angstrom, unless it is not set."""
    if min(header.grid) < 1:
        return UNKNOWN_PIXEL_SIZE, ()
    x_angstrom, y_angstrom = (cell / grid for cell, grid in zip(header.cell_angstrom, header.grid, strict=True))
    if x_angstrom == y_angstrom == _UNSET_ANGSTROM:
        return UNKNOWN_PIXEL_SIZE, (
            "The MRC header gives 1 angstrom per pixel, which programs write when they do not know; the pixel size is "
            "unknown until you enter it.",
        )
    return pixel_size_from_file(x_angstrom / 10, y_angstrom / 10, "MRC header")


MRC = Format("MRC", (".mrc", ".mrcs", ".st", ".rec", ".map", ".ali"), _matches, MrcSource)
