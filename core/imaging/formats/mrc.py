"""MRC (MRC2014, and the older headers that IMOD and SerialEM write): images and stacks.

The header is read here, in some lines, because it must be judged before anything is allocated: format by A. Cheng et
al., "MRC2014", https://doi.org/10.1016/j.jsb.2015.04.002; modes 16 and 101 and the stamp by IMOD's own description.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import ImageError
from core.imaging.formats.source import Channels, Format, Plane, Request, Storage, check_size
from core.imaging.orientation import UPRIGHT, upright
from core.imaging.pixel_size import FoundSize, SizeStatement, choose_size

_HEADER_BYTES: Final = 1024
_DTYPES: Final = {0: "i1", 1: "i2", 2: "f4", 6: "u2", 12: "f2", 16: "u1", 101: "u1"}
_COMPLEX_MODES: Final = (3, 4)
_RGB_MODE: Final = 16
_HALF_BYTE_MODE: Final = 101
_IMOD_STAMP: Final = 1146047817
_IMOD_SIGNED_BIT: Final = 1
_MRC2014: Final = 20140
_UNSET_ANGSTROM: Final = 1.0
"""What IMOD and others write when nobody told them."""
_BAND_BYTES: Final = 16 * 1024**2
_AXES: Final = "xyz"
_USUAL_ORDER: Final = (1, 2, 3)
_TRANSPOSED: Final = 5


@dataclass(frozen=True, slots=True)
class _Header:
    """The fields that matter.

    Cell and grid are by axis (x, y, z), sizes and order by how the file runs (column, row, section).
    """

    columns: int
    rows: int
    sections: int
    mode: int
    order: str
    extended_bytes: int
    cell_angstrom: tuple[float, float, float]
    grid: tuple[int, int, int]
    axis_order: tuple[int, int, int]
    lowest: float
    highest: float
    version: int
    imod_signed: bool | None

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the stored pixels."""
        code = _DTYPES[self.mode]
        return np.dtype(self.order + (code.replace("i", "u") if self.unsigned[0] else code))

    @property
    def unsigned(self) -> tuple[bool, str]:
        """Whether integers of modes 0 and 1 have no sign, and what says so, where it is no plain rule.

        Mode 0 has meant both: unsigned until MRC2014, signed since, and IMOD says which in a flag of its own. The
        header's lowest and highest value can settle it: no signed byte is above 127, no unsigned one below 0.
        """
        if self.mode not in (0, 1):
            return False, ""
        top = 127 if self.mode == 0 else 32767
        kind = "Bytes" if self.mode == 0 else "16-bit integers"
        if self.mode == 0 and self.imod_signed is not None:
            return not self.imod_signed, ""
        stated = f"the header gives values from {self.lowest:g} to {self.highest:g}"
        if 0 <= self.lowest <= self.highest and top < self.highest <= 2 * top + 1:
            return True, f"{kind} were read as unsigned: {stated}."
        if self.mode == 1 or self.version >= _MRC2014 or self.lowest < 0:
            return False, ""
        return True, f"{kind} were read as unsigned (usual before MRC2014)."

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        if self.mode == _HALF_BYTE_MODE:
            return (self.columns + 1) // 2
        return self.columns * self.dtype.itemsize * (3 if self.mode == _RGB_MODE else 1)

    @property
    def plane_bytes(self) -> int:
        """Bytes of one section."""
        return self.row_bytes * self.rows

    @property
    def offset(self) -> int:
        """Where the first section begins."""
        return _HEADER_BYTES + self.extended_bytes

    @property
    def axes(self) -> tuple[int, int]:
        """Which axis the file's columns and rows run along: 0 is x, 1 y, 2 z."""
        return (self.axis_order[0] - 1, self.axis_order[1] - 1) if self.has_axis_order else (0, 1)

    @property
    def has_axis_order(self) -> bool:
        """Whether the header says in which order the axes are stored; old programs leave zeros."""
        return sorted(self.axis_order) == list(_USUAL_ORDER)


class MrcSource:
    """An opened MRC file."""

    format = "MRC"

    def __init__(self, request: Request) -> None:
        path = request.path
        self._path = path
        with path.open("rb") as file:
            header = _parse(file.read(_HEADER_BYTES))
        if header is None or header.mode not in _DTYPES:
            raise _unreadable(request.name, None if header is None else header.mode)
        self._header = header
        self.pages = header.sections
        self._turn = _TRANSPOSED if header.axes[0] > header.axes[1] else UPRIGHT
        self.shape_yx = (header.rows, header.columns) if self._turn == UPRIGHT else (header.columns, header.rows)
        self.dtype = header.dtype.newbyteorder("=")
        self.in_bands = self._turn == UPRIGHT
        self.samples = 3 if header.mode == _RGB_MODE else 1
        stored = header.offset + header.plane_bytes * max(header.sections, 1)
        check_size(
            request, self.shape_yx, header.plane_bytes / max(header.columns * header.rows, 1), stored_bytes=stored
        )
        found = _pixel_size(header)
        self.pixel_size = found.size
        signs = header.unsigned[1]
        self.notices = (*found.notices, *((signs,) if signs else ()), *_axes_notice(header))
        columns, rows = sorted(header.axes)
        self.storage = Storage("none", self._turn, f"columns along {_AXES[columns]}, rows along {_AXES[rows]}",
                               found.statements)  # fmt: skip

    def page_name(self, page: int) -> str:
        """The section, as IMOD counts them in its window."""
        return f"section {page + 1}"

    def read(self, page: int) -> Plane:
        """One section, in the order in which the file holds its rows; transposed where its columns run along y or z."""
        return self._read_rows(page, 0, self._header.rows)

    def bands(self, page: int) -> Iterator[Plane]:
        """The same section in pieces of full width from top to bottom; in one where it is transposed."""
        rows = self._header.rows
        height = max(_BAND_BYTES // max(self._header.row_bytes, 1), 1) if self._turn == UPRIGHT else max(rows, 1)
        for top in range(0, rows, height):
            yield self._read_rows(page, top, min(top + height, rows))

    def _read_rows(self, page: int, top: int, bottom: int) -> Plane:
        header = replace(self._header, rows=bottom - top)
        with self._path.open("rb") as file:
            file.seek(header.offset + page * self._header.plane_bytes + top * header.row_bytes)
            stored = np.frombuffer(file.read(header.plane_bytes), header.dtype)
        pixels = np.ascontiguousarray(upright(_section(stored, header), self._turn))
        kind = Channels.RGB if header.mode == _RGB_MODE else Channels.GREY
        return Plane(pixels.astype(self.dtype, copy=False), kind)

    def close(self) -> None:
        """Nothing is held open."""


def _section(stored: NDArray[Any], header: _Header) -> NDArray[Any]:
    """Stored values as rows and columns."""
    if header.mode == _RGB_MODE:
        return stored.reshape(header.rows, header.columns, 3)
    if header.mode != _HALF_BYTE_MODE:
        return stored.reshape(header.rows, header.columns)
    packed = stored.reshape(header.rows, header.row_bytes)
    both = np.stack([packed & 15, packed >> 4], axis=-1)  # the lower half comes first
    return both.reshape(header.rows, -1)[:, : header.columns]


def _unreadable(name: str, mode: int | None) -> ImageError:
    """The error of a file whose mode is not read."""
    what = "unknown" if mode is None else f"{mode}{' (complex numbers)' if mode in _COMPLEX_MODES else ''}"
    modes = ", ".join(str(known) for known in _DTYPES)
    return ImageError(f"{name} is an MRC file of mode {what}.", f"Modes {modes} are read; convert it with newstack.")


def _parse(head: bytes) -> _Header | None:
    """The header in the byte order that makes sense of it, None where neither does."""
    if len(head) < _HEADER_BYTES:
        return None
    for order in "<>":
        columns, rows, sections, mode = struct.unpack(order + "4i", head[:16])
        grid = struct.unpack(order + "3i", head[28:40])
        cell = struct.unpack(order + "3f", head[40:52])
        axis_order = struct.unpack(order + "3i", head[64:76])
        lowest, highest = struct.unpack(order + "2f", head[76:84])
        extended, stamp, flags = struct.unpack(order + "i", head[92:96]) + struct.unpack(order + "2i", head[152:160])
        version = struct.unpack(order + "i", head[108:112])[0]
        if 0 <= mode <= 200 and min(columns, rows, sections, extended) >= 0:
            signed = bool(flags & _IMOD_SIGNED_BIT) if stamp == _IMOD_STAMP else None
            return _Header(
                columns, rows, sections, mode, order, extended, cell, grid, axis_order, lowest, highest, version, signed
            )
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


def _pixel_size(header: _Header) -> FoundSize:
    """Cell size over grid along the axes of a section, in angstrom, unless it is not set."""
    columns, rows = sorted(header.axes)
    if header.grid[columns] < 1 or header.grid[rows] < 1:
        return FoundSize()
    sides = [header.cell_angstrom[axis] / header.grid[axis] for axis in (columns, rows)]
    field = "MRC header"
    if sides == [_UNSET_ANGSTROM] * 2:
        statement = SizeStatement(
            field, value="1 x 1 angstrom", reason=("a default value written if the pixel size is unknown")
        )
        notice = (
            "The MRC header gives 1 angstrom per pixel, a default value of many programs. The pixel size is "
            "unknown until you enter it."
        )
        return FoundSize(notices=(notice,), statements=(statement,))
    if not all(side > 0 for side in sides):
        return FoundSize()
    return choose_size([SizeStatement(field, sides[0] / 10, sides[1] / 10)])


def _axes_notice(header: _Header) -> tuple[str, ...]:
    """A sentence about axes in another order than x, y, z."""
    if not header.has_axis_order or header.axis_order == _USUAL_ORDER:
        return ()
    stored = [_AXES[axis - 1] for axis in header.axis_order]
    columns, rows = (_AXES[axis] for axis in sorted(header.axes))
    turned = ""
    if header.axes[0] > header.axes[1]:
        turned = f" Each section was transposed, so that {columns} runs along its columns and {rows} along its rows."
    return (
        f"The file stores its axes in the order {', '.join(stored)} (column, row, section); pixel sizes follow them."
        + turned,
    )


MRC = Format("MRC", (".mrc", ".mrcs", ".st", ".rec", ".map", ".ali"), _matches, MrcSource)
