"""Opening micrographs: the format is found by content, oddities are reported, what is bad is refused by name."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self

import numpy as np

from core.errors import ImageError
from core.imaging.formats import FORMATS
from core.imaging.formats.foreign import describe
from core.imaging.formats.source import (
    MAX_PAGES,
    Format,
    Plane,
    Request,
    Source,
    Storage,
    explained_decode_errors,
)
from core.imaging.image import Image, PixelSize
from core.imaging.names import display_name
from core.imaging.normalise import normalised
from core.imaging.placement import Placement
from core.imaging.row_bands import row_bands
from core.settings import current_settings

SUFFIXES: Final = tuple(sorted({suffix for row in FORMATS for suffix in row.suffixes}))
"""Endings that supported files usually have, for file pickers and folder scans. Reading goes by content."""

_BY_LENGTH: Final = sorted(SUFFIXES, key=len, reverse=True)

_HEAD_BYTES: Final = 4096


class Micrograph:
    """An opened file: one image or a stack. A context manager; pages may be read from several threads.

    Attributes
    ----------
    name
        The file's name, fit to be shown.
    format
        "TIFF", "OME-TIFF", "BigTIFF", "PNG", "JPEG", "MRC", "NIfTI".
    pages
        Number of planes; 1 for a plain image.
    shape_yx
        Rows and columns of every plane.
    dtype
        Data type in the file; `read` gives uint8, uint16 or float32.
    pixel_size
        As the file states it, or unknown. A page that states another one has its own in its `Image`.
    notices
        What was noticed about the file as a whole, one sentence each.
    storage
        How the file stores its pixels, for people: compression, orientation, every statement about the pixel size.
    placement
        Where its header places the pixels in space; None where it does not.
    in_bands
        Whether `bands` reads the file piece by piece; else it decodes all of a page first.
    samples
        Values of a pixel: 1 of grey, 3 of RGB.
    """

    def __init__(self, source: Source, name: str, notices: tuple[str, ...] = ()) -> None:
        self.name = name
        self.format = source.format
        self.pages = source.pages
        self.shape_yx = source.shape_yx
        self.dtype: np.dtype[Any] = source.dtype
        self.pixel_size: PixelSize = source.pixel_size
        self.notices = notices + source.notices
        self.storage: Storage = source.storage
        self.placement: Placement | None = getattr(source, "placement", None)
        self.in_bands: bool = getattr(source, "in_bands", False)
        self.samples: int = getattr(source, "samples", 1)
        self._source = source

    def page_name(self, page: int) -> str:
        """Name of a page's image: the file's name, and for a stack what distinguishes the page."""
        return self.name if self.pages == 1 else f"{self.name} ({self._source.page_name(page)})"

    def read_plane(self, page: int = 0) -> Plane:
        """A page as the file holds it, with palette indices and all samples. For label maps.

        Raises
        ------
        ImageError
            There is no such page, or it is damaged.
        """
        if not 0 <= page < self.pages:
            raise ImageError(f"{self.name} has no page {page + 1}.", f"It has {self.pages} page(s), numbered from 1.")
        with explained_decode_errors(self.name, self.format):
            plane = self._source.read(page)
        if plane.pixels.shape[:2] != self.shape_yx:
            raise ImageError(
                f"{self.name} declares {self.shape_yx[1]} x {self.shape_yx[0]} px (width x height) but page {page + 1} "
                f"has an array of shape {plane.pixels.shape}.",
                "Export it again.",
            )
        return plane

    def bands(self, page: int = 0) -> Iterator[tuple[int, Plane]]:
        """A page as `read_plane` gives it, in pieces of full width from top to bottom, with the first row of each.

        What is stored in strips, tiles or rows is never in memory as a whole; other files are decoded at once.

        Raises
        ------
        ImageError
            As there.
        """
        bands = getattr(self._source, "bands", None)
        if not 0 <= page < self.pages or bands is None:
            plane = self.read_plane(page)
            for rows in row_bands(self.shape_yx):
                yield rows.start, replace(plane, pixels=plane.pixels[rows])
            return
        top = 0
        with explained_decode_errors(self.name, self.format):
            for plane in bands(page):
                if plane.pixels.shape[1] != self.shape_yx[1]:
                    raise ValueError(f"a band has {plane.pixels.shape[1]} columns")
                yield top, plane
                top += plane.pixels.shape[0]
            if top != self.shape_yx[0]:
                raise ValueError(f"{top} of {self.shape_yx[0]} rows are there")

    def read(self, page: int = 0) -> Image:
        """A page as an image.

        Parameters
        ----------
        page
            Counted from 0.

        Returns
        -------
        Image
            uint8, uint16 or float32, finite, with pixel size and all notices.

        Raises
        ------
        ImageError
            There is no such page; it is damaged; it has NaN, infinite or complex pixels.
        """
        plane = self.read_plane(page)
        pixels, notices = normalised(plane, self.name)
        size = plane.pixel_size or self.pixel_size
        return Image(np.ascontiguousarray(pixels), size, self.page_name(page), self.notices + notices)

    def close(self) -> None:
        """Let go of the file."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def open_micrograph(path: Path, *, name: str | None = None, max_px: int | None = None) -> Micrograph:
    """Open a micrograph. The header is read and judged; pixels are read by `Micrograph.read`.

    Parameters
    ----------
    path
        The file.
    name
        What to call it in messages, where it differs from the path's last part (uploads).
    max_px
        Largest plane, in pixels; None: as the settings of this process say (`max_image_px`), for images and label maps
        alike.

    Raises
    ------
    ImageError
        No such file, empty, of no known format, damaged, truncated, too large, or a decompression bomb.
    """
    shown = display_name(name if name is not None else path.name)
    limit_px = current_settings().max_image_px if max_px is None else max_px
    found, notices = _format_of(path, shown)
    with explained_decode_errors(shown, found.name):
        source = found.open(Request(path, shown, limit_px))
    if source.pages < 1:
        source.close()
        raise ImageError(f"{shown} is a stack without pages.", "Export it again.")
    if source.pages > MAX_PAGES:
        source.close()
        raise ImageError(f"{shown} declares {source.pages:,} pages.", "Split it into smaller stacks.")
    return Micrograph(source, shown, notices)


def placement_of(path: Path) -> Placement | None:
    """Where a file's header places its pixels; None where it does not, or cannot be read.

    Parameters
    ----------
    path
        The file.
    """
    try:
        with open_micrograph(path) as micrograph:
            return micrograph.placement
    except ImageError:
        return None


def read_image(path: Path, *, name: str | None = None, max_px: int | None = None) -> Image:
    """Read a file that must hold exactly one 2D image.

    Raises
    ------
    ImageError
        As for `open_micrograph`, and for a stack.
    """
    with open_micrograph(path, name=name, max_px=max_px) as micrograph:
        check_single(micrograph)
        return micrograph.read()


def case_stem(path: Path) -> str:
    """A file's name without its ending, also a double one ("a.nii.gz", "a.ome.tif")."""
    lower = path.name.lower()
    suffix = next((s for s in _BY_LENGTH if lower.endswith(s)), path.suffix)
    return path.name[: len(path.name) - len(suffix)] if suffix else path.name


class HasPages(Protocol):
    """An opened file, whichever process reads it."""

    name: str
    pages: int


def check_single(micrograph: HasPages) -> None:
    """Refuse a stack where one 2D image is wanted.

    Raises
    ------
    ImageError
        The file has several pages.
    """
    if micrograph.pages != 1:
        raise ImageError(
            f"{micrograph.name} is a stack of {micrograph.pages} pages where one 2D image is expected.",
            "Save the required page as a separate file (in Fiji: Image > Stacks > Stack to Images).",
        )


def _format_of(path: Path, name: str) -> tuple[Format, tuple[str, ...]]:
    """The format by content, and a notice where the name says otherwise."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would never answer, a device never end
            what = "a folder" if path.is_dir() else "not a regular file"
            raise ImageError(f"{name} cannot be opened: it is {what}.", "Choose an image file.")
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except FileNotFoundError as error:
        raise ImageError(f"There is no file {name}.", "Check the path.") from error
    except OSError as error:
        raise ImageError(
            f"{name} cannot be opened ({error.strerror}).",
            ("Check that it is a file and that you have permission to read it."),
        ) from error
    if not head:
        raise ImageError(f"{name} is empty (0 bytes).", "The copy or export failed; repeat it.")
    for row in FORMATS:
        if row.matches(head, path):
            return row, _suffix_notice(name, row)
    foreign = describe(head, name)
    formats = f"Cristae reads {', '.join(row.name for row in FORMATS)}."
    raise ImageError(
        f"{name} is not an image that Cristae reads; it looks like {foreign.what}.",
        f"{foreign.way_out} {formats}".strip(),
    )


def _suffix_notice(name: str, row: Format) -> tuple[str, ...]:
    """Tell a wrong ending; a missing one, as of uploads, is fine."""
    suffix = Path(name).suffix.lower()
    if not suffix or name.lower().endswith(row.suffixes) or suffix not in SUFFIXES:
        return ()
    return (f"The file is {row.name}, although its extension is {suffix}.",)
