"""TIFF, BigTIFF, OME-TIFF, ImageJ TIFF: images, stacks, hyperstacks; every plane is a page."""

from __future__ import annotations

import logging
import math
import struct
import threading
from pathlib import Path
from typing import Any, Final

import numpy as np
import tifffile
from numpy.typing import NDArray

from core.errors import ImageError
from core.imaging.formats.source import Channels, Format, Plane, Request, check_size
from core.imaging.formats.tiff_pixel_size import tiff_pixel_size

_MAGICS: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_WHITE_IS_ZERO, _RGB, _PALETTE, _SEPARATED, _YCBCR = 0, 2, 3, 5, 6
_UNSUPPORTED: Final = {8: "CIELAB", 9: "ICCLAB", 10: "ITULAB", 32803: "colour filter array (raw camera data)"}
_COLOR_SAMPLES: Final = {_RGB: 3, _YCBCR: 3, _SEPARATED: 4}
_AXIS_NAMES: Final = {"Z": "z", "C": "channel", "T": "time"}

logging.getLogger("tifffile").addHandler(logging.NullHandler())
logging.getLogger(
    "tifffile"
).propagate = False  # what is wrong with a file is said in errors and notices, not on stderr


class TiffSource:
    """An opened TIFF file: the series with the largest planes."""

    def __init__(self, request: Request) -> None:
        path = request.path
        self._path = path
        self._request = request
        self._file_bytes = request.file_bytes
        self._lock = threading.Lock()  # tifffile shares one file position
        if self._file_bytes <= _first_page_at(path):
            raise self._truncated()
        self._tiff = tifffile.TiffFile(path, _multifile=False)  # a file may not name others to be read
        try:
            self._begin()
        except BaseException:
            self._tiff.close()
            raise

    def _begin(self) -> None:
        """Choose the series and read what its header says."""
        first: Any = self._tiff.pages.first
        self._check_page(first)  # before the series are worked out: they trust the header
        series = list(self._tiff.series)
        if not series:
            raise ImageError(f"{self._request.name} is a TIFF without an image.", "Export it again.")
        self._series: Any = max(series, key=lambda s: s.keyframe.imagewidth * s.keyframe.imagelength)
        self._page: Any = self._series.keyframe
        self._check_page(self._page)
        self.format = "OME-TIFF" if self._tiff.is_ome else "BigTIFF" if self._tiff.is_bigtiff else "TIFF"
        self.shape_yx = int(self._page.imagelength), int(self._page.imagewidth)
        self.dtype = np.dtype(self._page.dtype or np.uint8)
        self._stack = self._stack_shape()
        self.pages = math.prod(n for _, n in self._stack)
        self.pixel_size, notices = tiff_pixel_size(self._tiff)
        self.notices = notices + _left_out(series, self._series) + self._channel_notice()

    def page_name(self, page: int) -> str:
        """The position along the axes that have a name, for example "channel 2, z 3"."""
        if not any(axis in _AXIS_NAMES for axis, _ in self._stack):
            return f"page {page + 1}"
        index = np.unravel_index(page, tuple(n for _, n in self._stack))
        named = zip(self._stack, index, strict=True)
        return ", ".join(f"{_AXIS_NAMES.get(axis, axis)} {i + 1}" for (axis, n), i in named if n > 1)

    def read(self, page: int) -> Plane:
        """One plane, with samples last; palette images as indices."""
        with self._lock:
            stored = self._read_stored(page)
        return _plane(stored, self._page, self._request.name)

    def close(self) -> None:
        """Close the file."""
        self._tiff.close()

    def _stack_shape(self) -> tuple[tuple[str, int], ...]:
        """Name and length of every axis of the series that is not within a plane."""
        axes = zip(self._series.axes, self._series.shape, strict=True)
        return tuple((axis, int(n)) for axis, n in axes if axis not in "YXS")

    def _channel_notice(self) -> tuple[str, ...]:
        channels = dict(self._stack).get("C", 1)
        if channels < 2:
            return ()
        return (f"The file has {channels} channels; each channel of each section is a page of its own.",)

    def _read_stored(self, page: int) -> NDArray[Any]:
        """The plane as the file holds it: (rows, columns), or with samples first or last."""
        per_page = self.pages // max(len(self._series.pages), 1)
        if self._series.dataoffset is not None and len(self._series.pages) == 1 and self.pages > 1:
            return self._read_contiguous(page)  # ImageJ and tifffile note one page and let the others follow it
        index, within = divmod(page, max(per_page, 1))
        tiff_page: Any = self._series.pages[index]
        if tiff_page is None:
            raise ImageError(
                f"Page {page + 1} of {self._request.name} is in another file.",
                "Export the whole stack as one OME-TIFF.",
            )
        self._check_page(tiff_page)
        stored: NDArray[Any] = tiff_page.asarray(maxworkers=2)
        if per_page > 1:
            stored = stored.reshape(per_page, *stored.shape[-(2 if self._page.samplesperpixel == 1 else 3) :])[within]
        return stored

    def _read_contiguous(self, page: int) -> NDArray[Any]:
        """A plane of a series that is stored in one piece without compression."""
        shape = tuple(n for a, n in zip(self._series.axes, self._series.shape, strict=True) if a in "YXS")
        dtype = np.dtype(self._tiff.byteorder + self.dtype.char)
        count = math.prod(shape)
        offset = self._series.dataoffset + page * count * dtype.itemsize
        if offset + count * dtype.itemsize > self._file_bytes:
            raise self._truncated()
        with self._path.open("rb") as file:
            file.seek(offset)
            return np.fromfile(file, dtype=dtype, count=count).reshape(shape).astype(self.dtype, copy=False)

    def _check_page(self, page: Any) -> None:
        """Judge a page by its header: size, tile size, and whether the file holds its strips."""
        key = page.keyframe  # the pages of a series share its fields
        shape = int(key.imagelength), int(key.imagewidth)
        bits = int(key.bitspersample) * int(key.samplesperpixel)
        stored = math.prod(shape) * bits // 8 if key.compression == 1 else 0
        check_size(self._request, shape, max(bits / 8, 1), stored_bytes=stored)
        if key.is_tiled and key.tilewidth * key.tilelength > self._request.max_px:
            raise ImageError(
                f"{self._request.name} declares tiles of {key.tilewidth:,} x {key.tilelength:,} px.",
                "Export it again.",
            )
        ends = (o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=False))
        if max(ends, default=0) > self._file_bytes or not page.dataoffsets:
            raise self._truncated()

    def _truncated(self) -> ImageError:
        return ImageError(
            f"{self._request.name} is truncated: what it describes should reach beyond its {self._file_bytes:,} bytes.",
            "The copy or upload broke off; copy it again from the microscope's computer.",
        )


def _first_page_at(path: Path) -> int:
    """Where the file's header says that its first page is described; many writers put that at the end."""
    with path.open("rb") as file:
        head = file.read(16).ljust(16, b"\0")
    order = "<" if head[:2] == b"II" else ">"
    big = head[2:4] in (b"+\0", b"\0+")
    return int(struct.unpack(order + "Q", head[8:16])[0] if big else struct.unpack(order + "I", head[4:8])[0])


def _plane(stored: NDArray[Any], page: Any, name: str) -> Plane:
    """Give the samples their meaning."""
    photometric = int(page.photometric)
    if photometric in _UNSUPPORTED:
        raise ImageError(f"The colours of {name} are stored as {_UNSUPPORTED[photometric]}.", "Save it as grey or RGB.")
    samples = int(page.samplesperpixel)
    if samples == 1:
        pixels = stored.reshape(stored.shape[-2:]) if stored.ndim > 2 else stored
        if photometric == _PALETTE and page.colormap is not None:
            return Plane(pixels, Channels.PALETTE, (np.asarray(page.colormap).T >> 8).astype(np.uint8))
        return Plane(pixels, white_is_zero=photometric == _WHITE_IS_ZERO)
    if int(page.planarconfig) == 2:
        stored = np.moveaxis(stored.reshape(samples, *stored.shape[-2:]), 0, -1)
    colors = _COLOR_SAMPLES.get(photometric, 1)
    if colors == 1:
        return _grey_plane(stored, samples, photometric)
    if photometric == _SEPARATED:
        return Plane(stored[..., :4], Channels.CMYK)
    kind = Channels.RGB_ALPHA if samples > 3 else Channels.RGB
    return Plane(stored[..., :4] if samples > 3 else stored, kind)


def _grey_plane(stored: NDArray[Any], samples: int, photometric: int) -> Plane:
    """Grey with something beside it: alpha, or further channels that are left out."""
    inverted = photometric == _WHITE_IS_ZERO
    if samples == 2:
        return Plane(stored, Channels.GREY_ALPHA, white_is_zero=inverted)
    notice = f"Of {samples} samples per pixel the first was taken."
    return Plane(np.ascontiguousarray(stored[..., 0]), white_is_zero=inverted, notices=(notice,))


def _left_out(series: list[Any], chosen: Any) -> tuple[str, ...]:
    """What else the file holds."""
    others = [f"{s.keyframe.imagewidth} x {s.keyframe.imagelength}" for s in series if s is not chosen]
    if not others:
        return ()
    shown = ", ".join(others[:3]) + (" and more" if len(others) > 3 else "")
    return (f"The file also holds {len(others)} smaller or other image(s), {shown} px, which were left out.",)


TIFF = Format("TIFF", (".tif", ".tiff", ".btf", ".tf8", ".lsm", ".ome.tif", ".ome.tiff"),
              lambda head, _: head[:4] in _MAGICS, TiffSource)  # fmt: skip
