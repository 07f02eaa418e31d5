"""TIFF, BigTIFF, OME-TIFF, ImageJ TIFF: images, stacks, hyperstacks; every plane is a page."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np
import tifffile
from numpy.typing import NDArray

from core.errors import ImageError
from core.imaging.formats.lossy import HEAD_BYTES, lossy_name
from core.imaging.formats.source import DEFLATE_GROWTH, MAX_PAGES, Format, Plane, Request, Storage, check_size
from core.imaging.formats.tiff_bands import can_be_read_in_bands, stored_bands
from core.imaging.formats.tiff_directories import Outline, truncated, walk_directories
from core.imaging.formats.tiff_ome import image_of_page, ome_images
from core.imaging.formats.tiff_pixel_size import page_statements, tiff_pixel_size
from core.imaging.formats.tiff_planes import tiff_plane
from core.imaging.formats.tiff_words import (
    compression_name,
    data_bar_notice,
    left_out,
    missing_of_imagej,
    pages_read,
)
from core.imaging.image import PixelSize
from core.imaging.names import display_name
from core.imaging.orientation import (
    UPRIGHT,
    exchanges_axes,
    known_orientation,
    orientation_notice,
    upright,
    upright_shape,
)
from core.imaging.pixel_size import FoundSize, choose_size
from core.wording import some_of

_MAGICS: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_GROWTH: Final = {5: 2_800.0, 8: DEFLATE_GROWTH, 32946: DEFLATE_GROWTH, 32773: 64.0}
"""Tag Compression to how many times its data can grow; others (ZSTD, LZMA, fax) have no bound that helps."""
_COPY_OR_MASK: Final = 1 | 4
"""Bits of NewSubfileType: a reduced copy of another page, a transparency mask of another page."""
_AXIS_NAMES: Final = {"Z": "z", "C": "channel", "T": "time"}


class TiffSource:
    """An opened TIFF file: the series with the largest planes, a grey one before a coloured one of the same size."""

    def __init__(self, request: Request) -> None:
        path = request.path
        self._path = path
        self._request = request
        self._file_bytes = request.file_bytes
        self._lock = threading.Lock()  # tifffile shares one file position
        outline = walk_directories(request)
        self._images = ome_images(outline.description, request.name)
        self._tiff = tifffile.TiffFile(path, _multifile=False)  # a file may not name others to be read
        try:
            self._begin(outline)
        except BaseException:
            self._tiff.close()
            raise

    def _begin(self, outline: Outline) -> None:
        """Choose the series and read what its header says."""
        first: Any = self._tiff.pages.first
        self._check_page(first)  # before the series are worked out: they trust the header
        series = list(self._tiff.series)
        if not series:
            raise ImageError(f"{self._request.name} is a TIFF without an image.", "Export it again.")
        number = max(range(len(series)), key=lambda i: _worth(series[i], -i))
        self._series: Any = series[number]
        self._page: Any = self._series.keyframe
        self._check_page(self._page)
        self.format = "OME-TIFF" if self._tiff.is_ome else "BigTIFF" if self._tiff.is_bigtiff else "TIFF"
        self._stored_yx = int(self._page.imagelength), int(self._page.imagewidth)
        self._orientation = known_orientation(self._page.tags.valueof("Orientation"))
        self.shape_yx = upright_shape(self._stored_yx, self._orientation)
        self.dtype = np.dtype(self._page.dtype or np.uint8)
        self._stack = self._stack_shape()
        self._present, missing = self._present_pages()
        self.pages = len(self._present)
        image = image_of_page(self._images, number, int(self._page.index), self._stored_yx)
        found = self._upright_size(tiff_pixel_size(self._tiff, self._page, self._images, image))
        self.pixel_size = found.size
        self._own_sizes, differing = self._sizes_of_pages()
        missing += missing_of_imagej(outline.description, self.pages)
        self.notices = (
            *found.notices, *differing, *missing, *left_out(series, self._series), *self._channel_notice(),
            *orientation_notice(self._orientation, "The TIFF orientation"), *data_bar_notice(self._page, self.shape_yx),
        )  # fmt: skip
        self._lossy = self._lossy_name()
        self.samples = int(self._page.samplesperpixel)
        self.in_bands = self._can_be_read_in_bands(0)
        self.storage = Storage(
            compression_name(self._page), self._orientation, "", found.statements,
            pages_read(self._series, outline.pages), bool(self._lossy),
        )  # fmt: skip

    def page_name(self, page: int) -> str:
        """The position along the axes that have a name, for example "channel 2, z 3"."""
        place = self._present[page]
        if not any(axis in _AXIS_NAMES for axis, _ in self._stack):
            return f"page {place + 1}"
        index = np.unravel_index(place, tuple(n for _, n in self._stack))
        named = zip(self._stack, index, strict=True)
        return ", ".join(f"{_AXIS_NAMES.get(axis, axis)} {i + 1}" for (axis, n), i in named if n > 1)

    def read(self, page: int) -> Plane:
        """One plane, upright, with samples last; palette images as indices."""
        with self._lock:
            stored = self._read_stored(self._present[page])
        plane = tiff_plane(stored, self._page, self._request.name)
        if plane.pixels.shape[:2] != self._stored_yx:
            raise ImageError(
                f"Page {page + 1} of {self._request.name} is an array of shape {plane.pixels.shape} where "
                f"{self._stored_yx[0]:,} rows and {self._stored_yx[1]:,} columns are declared.",
                "Export it again.",
            )
        return replace(
            plane,
            pixels=np.ascontiguousarray(upright(plane.pixels, self._orientation)),
            lossy=self._lossy,
            as_written=_as_written(self._tiff),
            pixel_size=self._own_sizes.get(page),
        )

    def bands(self, page: int) -> Iterator[Plane]:
        """The same plane in pieces of full width from top to bottom, where the file is stored so; else in one."""
        if not self._can_be_read_in_bands(page):
            yield self.read(page)
            return
        tiff_page: Any = self._series.pages[page]
        self._check_page(tiff_page)
        pieces = stored_bands(tiff_page, self._path)
        while True:
            with self._lock:
                stored = next(pieces, None)
            if stored is None:
                return
            plane = tiff_plane(stored, self._page, self._request.name)
            yield replace(
                plane, lossy=self._lossy, as_written=_as_written(self._tiff), pixel_size=self._own_sizes.get(page)
            )

    def _can_be_read_in_bands(self, page: int) -> bool:
        """Whether a page of the file is a page here, upright, and in pieces."""
        pages = self._series.pages
        tiff_page: Any = pages[page] if self.pages == len(pages) and self._orientation == UPRIGHT else None
        return tiff_page is not None and can_be_read_in_bands(tiff_page)

    def close(self) -> None:
        """Close the file."""
        self._tiff.close()

    def _lossy_name(self) -> str:
        """The compression of the series where it may have changed values."""
        offsets = self._page.dataoffsets
        with self._path.open("rb") as file:
            file.seek(offsets[0] if offsets else 0)
            head = file.read(HEAD_BYTES)
        return lossy_name(int(self._page.compression), head, integers=self.dtype.kind in "uib")

    def _stack_shape(self) -> tuple[tuple[str, int], ...]:
        """Name and length of every axis of the series that is not within a plane."""
        axes = zip(self._series.axes, self._series.shape, strict=True)
        return tuple((axis, int(n)) for axis, n in axes if axis not in "YXS")

    def _present_pages(self) -> tuple[range | tuple[int, ...], tuple[str, ...]]:
        """Places in the stack of which the file holds the pixels, and a notice where it declares more."""
        declared = math.prod(n for _, n in self._stack)
        if declared > MAX_PAGES:
            raise ImageError(f"{self._request.name} declares {declared:,} pages.", "Split it into smaller stacks.")
        held = len(self._series.pages)
        if held != declared:  # one page that stands for many, or many planes on a page
            return range(declared), ()
        present = tuple(i for i, page in enumerate(self._series.pages) if page is not None)
        if len(present) == declared:
            return range(declared), ()
        if not present:
            raise ImageError(
                f"{self._request.name} declares {declared:,} planes but contains none of them.",
                "The planes are in other files: export the whole stack as one OME-TIFF.",
            )
        return present, (self._missing_notice(declared, present),)

    def _missing_notice(self, declared: int, present: tuple[int, ...]) -> str:
        """Which planes are not there."""
        held = set(present)
        missing = [str(place + 1) for place in range(declared) if place not in held]
        files = sorted({file for image in self._images for file in image.files if file != self._path.name})
        where = f" It refers to other files: {some_of(map(display_name, files), 3)}." if files else ""
        return (
            f"The file declares {declared:,} planes but holds {len(present):,}; missing: {some_of(missing, 8)}.{where} "
            "The existing planes are read."
        )

    def _upright_size(self, found: FoundSize) -> FoundSize:
        """Sizes of an image whose stored rows are columns, x and y exchanged."""
        if not exchanges_axes(self._orientation):
            return found
        turned = (replace(s, x_nm=s.y_nm, y_nm=s.x_nm) for s in found.statements)
        return replace(found, statements=tuple(turned))

    def _sizes_of_pages(self) -> tuple[dict[int, PixelSize], tuple[str, ...]]:
        """Pixel sizes of pages that state another one than the first, and a notice; not in OME's or ImageJ's."""
        if self._series.kind not in ("generic", "uniform") or self.pages < 2:
            return {}, ()
        own: dict[int, PixelSize] = {}
        for page in range(self.pages):
            tiff_page = self._series.pages[page] if page < len(self._series.pages) else None
            if not isinstance(tiff_page, tifffile.TiffPage):
                continue
            size = choose_size(page_statements(self._tiff, tiff_page)).size
            if size.nm is not None and size.nm != self.pixel_size.nm:
                own[page] = size
        if not own:
            return {}, ()
        page, size = next(iter(own.items()))
        first = "unknown" if self.pixel_size.nm is None else f"{self.pixel_size.nm:.4g} nm"
        return own, (
            f"The pages state different pixel sizes: page 1 {first}, page {page + 1} {size.nm:.4g} nm. Each page "
            "keeps its own pixel size.",
        )

    def _channel_notice(self) -> tuple[str, ...]:
        channels = dict(self._stack).get("C", 1)
        if channels < 2:
            return ()
        return (f"The file has {channels} channels; each channel of each section is a separate page.",)

    def _read_stored(self, page: int) -> NDArray[Any]:
        """The plane as the file holds it: (rows, columns), or with samples first or last."""
        planes = math.prod(n for _, n in self._stack)
        per_page = planes // max(len(self._series.pages), 1)
        if self._series.dataoffset is not None and len(self._series.pages) == 1 and planes > 1:
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
            raise truncated(self._request)
        with self._path.open("rb") as file:
            file.seek(offset)
            return np.fromfile(file, dtype=dtype, count=count).reshape(shape).astype(self.dtype, copy=False)

    def _check_page(self, page: Any) -> None:
        """Judge a page by its header: size, tile size, and whether the file holds its strips."""
        key = page.keyframe  # the pages of a series share its fields
        shape = int(key.imagelength), int(key.imagewidth)
        bits = int(key.bitspersample) * int(key.samplesperpixel)
        stored = math.prod(shape) * bits // 8 if key.compression == 1 else 0
        growth = None if 0 in page.databytecounts else _GROWTH.get(int(key.compression))  # absent pieces are sparse
        if growth is not None and bits < 8:
            growth *= 8 / max(bits, 1)
        check_size(self._request, shape, max(bits / 8, 1), stored_bytes=stored, growth=growth)
        if key.is_tiled and key.tilewidth * key.tilelength > self._request.max_px:
            raise ImageError(
                f"{self._request.name} declares tiles of {key.tilewidth:,} x {key.tilelength:,} px.",
                "Export it again.",
            )
        ends = (o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=False))
        if max(ends, default=0) > self._file_bytes or not page.dataoffsets:
            raise truncated(self._request)


def _worth(series: Any, place: int) -> tuple[bool, int, bool, bool, int]:
    """What makes a series the image: no mask or reduced copy; area; grey; 16 bits, as cameras record; coming first.

    Colour of the same size is often a picture of the image with a scale bar drawn into it. Pages of 1 bit are masks of
    something.
    """
    page = series.keyframe
    bits, grey = int(page.bitspersample), int(page.samplesperpixel) < 3
    kind = page.tags.valueof("NewSubfileType", default=0)
    is_copy = isinstance(kind, int) and bool(kind & _COPY_OR_MASK)
    area = int(page.imagewidth) * int(page.imagelength)
    return not is_copy, area, grey and bits >= 8, grey and bits == 16, place


def _as_written(tiff: tifffile.TiffFile) -> bool:
    """Whether the writer stores an array's values and calls some of them "white is zero": tifffile, ImageJ."""
    first: Any = tiff.pages.first
    software, description = str(first.software), str(first.description)
    return software.startswith("tifffile") or description.startswith(('{"shape"', "ImageJ="))


TIFF = Format("TIFF", (".tif", ".tiff", ".btf", ".tf8", ".lsm", ".ome.tif", ".ome.tiff"),
              lambda head, _: head[:4] in _MAGICS, TiffSource, also=("OME-TIFF",))  # fmt: skip
