"""NIfTI-1 and -2 in one file, plain or gzipped: each slice along the third and later axes is a page.

An axis of length 1 in front is no reason for pages one pixel wide: see `_plane_axes`.
"""

from __future__ import annotations

import gzip
import logging
import math
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np

from core.errors import ImageError
from core.imaging.formats.source import DEFLATE_GROWTH, MAX_PAGES, Channels, Format, Plane, Request, Storage, check_size
from core.imaging.pixel_size import FoundSize, SizeStatement, choose_size, nm_per_unit
from core.imaging.placement import Placement

_MAGICS: Final = {(344, b"n+1\0"), (4, b"n+2\0")}
_PAIR_MAGICS: Final = {(344, b"ni1\0"), (4, b"ni2\0")}
_GZIP: Final = b"\x1f\x8b"
_UNITS: Final = {"mm": "mm", "micron": "micron", "meter": "m"}
_NM_PER_MM: Final = 1e6
_BAND_PX: Final = 4_000_000
_DIRECTIONS: Final = {"R": "right", "L": "left", "A": "front", "P": "back", "S": "top", "I": "bottom"}


class NiftiSource:
    """An opened NIfTI file."""

    format = "NIfTI"

    def __init__(self, request: Request) -> None:
        path = request.path
        import nibabel  # a fifth of a second that other formats need not pay
        from nibabel.fileholders import FileHolder

        with path.open("rb") as file:
            head = file.read(4096)
        packed = head.startswith(_GZIP)
        plain = _unpacked(head)
        if _has(plain, _PAIR_MAGICS):
            raise ImageError(f"{request.name} is the header of a NIfTI pair.", "Save it as one .nii file.")
        self._lock = threading.Lock()  # one file position for all pages
        self._file: Any = gzip.GzipFile(path) if packed else path.open("rb")
        try:
            kind: Any = nibabel.Nifti2Image if plain[4:8] == b"n+2\0" else nibabel.Nifti1Image
            with _quiet():
                image = kind.from_file_map({"image": FileHolder(fileobj=self._file)})
            self._data: Any = image.dataobj
            shape = tuple(int(n) for n in self._data.shape)
            self._shape = shape + (1,) * (2 - len(shape))
            self._columns, self._rows, thin = _plane_axes(self._shape)
            self.shape_yx = self._shape[self._rows], self._shape[self._columns]
            self.in_bands = self._rows > self._columns
            self._further = tuple(axis for axis in range(len(self._shape)) if axis not in (self._columns, self._rows))
            self.pages = math.prod(self._shape[axis] for axis in self._further)
            self.dtype = np.dtype(image.get_data_dtype()).newbyteorder("=")
            plane_bytes = math.prod(self.shape_yx) * self.dtype.itemsize
            stored = 0 if packed else int(self._data.offset) + plane_bytes * self.pages
            growth = DEFLATE_GROWTH if packed else None
            check_size(request, self.shape_yx, self.dtype.itemsize, stored_bytes=stored, growth=growth)
            if self.pages > MAX_PAGES:
                raise ImageError(f"{request.name} declares {self.pages:,} pages.", "Split it into smaller volumes.")
            found, unit_notice = _pixel_size(image, (self._columns, self._rows))
            self.pixel_size, self.notices = found.size, (*found.notices, *unit_notice, *thin)
            directions = _directions(image, (self._columns, self._rows))
            self.placement = _placement(image, self._columns, self._rows)
            self.storage = Storage("Deflate (gzip)" if packed else "none", axes=directions, sizes=found.statements)
        except BaseException:
            self._file.close()
            raise

    def page_name(self, page: int) -> str:
        """The slice along the third axis."""
        return f"slice {page + 1}"

    def read(self, page: int) -> Plane:
        """One slice, scaled as the header asks; see `_plane_axes` for what its rows and columns are."""
        return self._read_rows(page, 0, self.shape_yx[0])

    def bands(self, page: int) -> Iterator[Plane]:
        """The same slice in pieces of full width from top to bottom, where its rows follow each other in the file."""
        rows, columns = self.shape_yx
        height = max(_BAND_PX // columns, 1) if self._rows > self._columns else rows
        for top in range(0, rows, height):
            yield self._read_rows(page, top, min(top + height, rows))

    def _read_rows(self, page: int, top: int, bottom: int) -> Plane:
        place = np.unravel_index(page, tuple(self._shape[axis] for axis in self._further), order="F")
        index: list[Any] = [slice(None)] * len(self._shape)
        for axis, at in zip(self._further, place, strict=True) if self._further else ():
            index[axis] = int(at)
        if (top, bottom) != (0, self.shape_yx[0]):
            index[self._rows] = slice(top, bottom)
        with self._lock:
            pixels = np.asarray(self._data[tuple(index[: self._data.ndim])])
        lengths = {self._columns: self.shape_yx[1], self._rows: bottom - top}
        first, second = sorted(lengths)
        pixels = pixels.reshape(lengths[first], lengths[second])
        if self._rows > self._columns:
            pixels = pixels.T
        if pixels.dtype.names:  # colour is stored as a record of R, G, B and perhaps A
            channels = Channels.RGB_ALPHA if len(pixels.dtype.names) == 4 else Channels.RGB
            return Plane(np.stack([pixels[name] for name in pixels.dtype.names], axis=-1), channels)
        return Plane(np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("=")))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _matches(head: bytes, path: Path) -> bool:
    return _has(_unpacked(head), _MAGICS | _PAIR_MAGICS)


def _has(plain: bytes, magics: set[tuple[int, bytes]]) -> bool:
    return any(plain[at : at + len(magic)] == magic for at, magic in magics)


def _unpacked(head: bytes) -> bytes:
    """The first bytes of what a gzip file holds; other bytes as they are."""
    if not head.startswith(_GZIP):
        return head
    try:
        return zlib.decompressobj(wbits=31).decompress(head, 1024)
    except zlib.error:
        return b""


def _plane_axes(shape: tuple[int, ...]) -> tuple[int, int, tuple[str, ...]]:
    """Which axes the columns and rows of a page run along, and a notice where they are not the first two.

    NIfTI is (x, y, z): columns along the first axis, rows along the second. An image that was saved from an array of
    shape (1, rows, columns) has its rows along the second axis and its columns along the third.

    >>> [_plane_axes(shape)[:2] for shape in ((5, 4), (5, 4, 3), (1, 4, 5), (5, 1, 4), (1, 1, 5))]
    [(0, 1), (0, 1), (2, 1), (0, 2), (0, 1)]
    """
    if len(shape) < 3 or shape[2] == 1 or 1 not in shape[:2] or shape[0] == shape[1] == 1:
        return 0, 1, ()
    columns, rows = (2, 1) if shape[0] == 1 else (0, 2)
    words = " x ".join(str(n) for n in shape)
    return (
        columns,
        rows,
        (
            f"The NIfTI has the shape {words}; it was read as {'one image' if len(shape) == 3 else 'images'} of "
            f"{shape[rows]} rows and {shape[columns]} columns.",
        ),
    )


def _pixel_size(image: Any, axes: tuple[int, int]) -> tuple[FoundSize, tuple[str, ...]]:
    """The zooms along a page's axes, then those of the affine; a notice where they have no unit."""
    header = image.header
    zooms = [float(z) for z in header.get_zooms()]
    if max(axes) >= len(zooms):
        return FoundSize(), ()
    x, y = (zooms[axis] for axis in axes)
    unit = nm_per_unit(_UNITS.get(header.get_xyzt_units()[0], ""))
    if unit is None:
        statement = SizeStatement("NIfTI header", value=f"{x:.6g} x {y:.6g}", reason="without a unit")
        if x == y == 1:
            return FoundSize(statements=(statement,)), ()
        notice = (
            f"The NIfTI header gives {x:.6g} x {y:.6g} per pixel without a unit; the pixel size is unknown until you "
            f"enter it (in millimetres it would be {x * _NM_PER_MM:.6g} nm)."
        )
        return FoundSize(statements=(statement,)), (notice,)
    statements = [SizeStatement("NIfTI header", x * unit, y * unit)]
    if _has_affine(header) and max(axes) < 3:
        steps = np.sqrt(np.square(np.asarray(image.affine, np.float64)[:3, :3]).sum(axis=0)) * unit
        statements.append(SizeStatement("NIfTI affine", float(steps[axes[0]]), float(steps[axes[1]])))
    return choose_size(statements), ()


def _has_affine(header: Any) -> bool:
    """Whether the header says where the axes point."""
    return int(header["qform_code"]) > 0 or int(header["sform_code"]) > 0


def _placement(image: Any, columns: int, rows: int) -> Placement | None:
    """Where the first slice lies; None where the header does not say, or has a placeholder."""
    affine = np.asarray(image.affine, dtype=float)
    if not _has_affine(image.header) or max(columns, rows) > 2:
        return None
    if np.array_equal(affine, np.eye(4)) or not np.isfinite(affine).all():
        return None
    column, row, origin = (tuple(float(value) for value in affine[:3, axis]) for axis in (columns, rows, 3))
    return Placement(origin, row, column)  # type: ignore[arg-type]


def _directions(image: Any, axes: tuple[int, int]) -> str:
    """Where columns and rows run in the body, by the affine: "columns to the left (L), rows to the front (A)"."""
    import nibabel

    if not _has_affine(image.header) or max(axes) > 2 or not np.isfinite(image.affine).all():
        return ""
    codes: tuple[str | None, ...] = nibabel.orientations.aff2axcodes(image.affine)  # type: ignore[no-untyped-call]
    columns, rows = codes[axes[0]], codes[axes[1]]
    if columns is None or rows is None:
        return ""
    return f"columns to the {_DIRECTIONS[columns]} ({columns}), rows to the {_DIRECTIONS[rows]} ({rows})"


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep nibabel from printing about header fields that do not matter; its errors become a `ValueError`."""
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError, HeaderTypeError
    from nibabel.wrapstruct import WrapStructError

    logger = logging.getLogger("nibabel.global")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    except (HeaderDataError, HeaderTypeError, ImageFileError, WrapStructError) as error:
        raise ValueError(str(error)) from error
    finally:
        logger.setLevel(level)


NIFTI = Format("NIfTI", (".nii", ".nii.gz"), _matches, NiftiSource)
