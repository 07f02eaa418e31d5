"""NIfTI-1 and -2 in one file, plain or gzipped: each slice along the third and later axes is a page."""

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
from core.imaging.formats.source import Channels, Format, Plane, Request, check_size
from core.imaging.image import UNKNOWN_PIXEL_SIZE, PixelSize
from core.imaging.pixel_size import nm_per_unit, pixel_size_from_file

_MAGICS: Final = {(344, b"n+1\0"), (4, b"n+2\0")}
_PAIR_MAGICS: Final = {(344, b"ni1\0"), (4, b"ni2\0")}
_GZIP: Final = b"\x1f\x8b"


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
            self.shape_yx = self._shape[1], self._shape[0]
            self.pages = math.prod(self._shape[2:])
            self.dtype = np.dtype(image.get_data_dtype()).newbyteorder("=")
            plane_bytes = math.prod(self._shape[:2]) * self.dtype.itemsize
            stored = 0 if packed else int(self._data.offset) + plane_bytes * self.pages
            check_size(request, self.shape_yx, self.dtype.itemsize, stored_bytes=stored)
            self.pixel_size, self.notices = _pixel_size(image.header)
        except BaseException:
            self._file.close()
            raise

    def page_name(self, page: int) -> str:
        """The slice along the third axis."""
        return f"slice {page + 1}"

    def read(self, page: int) -> Plane:
        """One slice, scaled as the header asks; rows along the file's second axis, columns along its first."""
        index = np.unravel_index(page, self._shape[2:], order="F") if self._shape[2:] else ()
        with self._lock:
            pixels = np.asarray(self._data[(slice(None), slice(None), *(int(i) for i in index))])
        pixels = pixels.reshape(self._shape[0], self._shape[1]).T
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


def _pixel_size(header: Any) -> tuple[PixelSize, tuple[str, ...]]:
    """The zooms, where their unit is given."""
    unit = nm_per_unit({"mm": "mm", "micron": "micron", "meter": "m"}.get(header.get_xyzt_units()[0], ""))
    zooms = [float(z) for z in header.get_zooms()[:2]]
    if unit is None or len(zooms) < 2:
        return UNKNOWN_PIXEL_SIZE, ()
    return pixel_size_from_file(zooms[0] * unit, zooms[1] * unit, "NIfTI header")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep nibabel from printing about header fields that do not matter; its errors become a `ValueError`."""
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError, HeaderTypeError

    logger = logging.getLogger("nibabel.global")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    except (HeaderDataError, HeaderTypeError, ImageFileError) as error:
        raise ValueError(str(error)) from error
    finally:
        logger.setLevel(level)


NIFTI = Format("NIfTI", (".nii", ".nii.gz"), _matches, NiftiSource)
