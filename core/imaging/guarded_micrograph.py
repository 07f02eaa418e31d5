"""Micrographs from outside, opened and read in a guarded process: the same face as `core.imaging.reader.Micrograph`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.errors import ImageError
from core.files import file_stamp
from core.imaging.formats.source import Storage
from core.imaging.guarded_limits import open_limits, read_limits
from core.imaging.image import Image, PixelSize
from core.imaging.names import display_name
from core.imaging.placement import Placement
from core.imaging.reader import Micrograph, open_micrograph
from core.outside.child import report_progress
from core.outside.guarded import Subject, guarded_with
from core.settings import current_settings


@dataclass(frozen=True, slots=True)
class MicrographFacts:
    """What the header of a file says; see `Micrograph` for the fields."""

    name: str
    format: str
    pages: int
    shape_yx: tuple[int, int]
    dtype: str
    bytes_per_px: int
    pixel_size: PixelSize
    notices: tuple[str, ...]
    storage: Storage
    placement: Placement | None
    page_names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PageFacts:
    """A page's `Image` without its pixels."""

    pixel_size: PixelSize
    name: str
    notices: tuple[str, ...]


class GuardedMicrograph:
    """An opened file whose bytes never reach a library in this process. A context manager.

    The attributes are those of `core.imaging.reader.Micrograph`.
    """

    def __init__(self, path: Path, facts: MicrographFacts, max_px: int) -> None:
        self.name = facts.name
        self.format = facts.format
        self.pages = facts.pages
        self.shape_yx = facts.shape_yx
        self.dtype: np.dtype[Any] = np.dtype(facts.dtype)
        self.pixel_size = facts.pixel_size
        self.notices = facts.notices
        self.storage = facts.storage
        self.placement = facts.placement
        self._path, self._facts, self._max_px = path, facts, max_px

    def page_name(self, page: int) -> str:
        """Name of a page's image: the file's name, and for a stack what distinguishes the page."""
        return self._facts.page_names[page]

    def read(self, page: int = 0) -> Image:
        """A page as an image; see `Micrograph.read`.

        Raises
        ------
        ImageError
            As there; also where reading it took too much memory or time, or crashed.
        """
        if not 0 <= page < self.pages:
            raise ImageError(f"{self.name} has no page {page + 1}.", f"It has {self.pages} page(s), numbered from 1.")
        limits = read_limits(self._path, self.shape_yx, self._facts.bytes_per_px)
        subject = Subject(self.name)
        facts, pixels = guarded_with(limits, subject, read_page, self._path, self.name, self._max_px, page)
        return Image(pixels, facts.pixel_size, facts.name, facts.notices)

    def close(self) -> None:
        """Nothing is held open here."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def open_guarded(path: Path, *, name: str | None = None, max_px: int | None = None) -> GuardedMicrograph:
    """Open a micrograph from outside in a guarded process; see `open_micrograph`.

    Raises
    ------
    ImageError
        As there; also where opening it took too much memory or time, or crashed.
    """
    shown = display_name(name if name is not None else path.name)
    limit_px = current_settings().max_image_px if max_px is None else max_px
    facts = guarded_with(open_limits(path), Subject(shown), read_facts, path, shown, limit_px)
    return GuardedMicrograph(path, facts, limit_px)


def read_facts(path: Path, name: str, max_px: int) -> MicrographFacts:
    """Within the guarded process: open the file, and keep it open for `read_page`."""
    file = _opened(path, name, max_px)
    names = tuple(file.page_name(page) for page in range(file.pages))
    return MicrographFacts(
        file.name, file.format, file.pages, file.shape_yx, file.dtype.str, _bytes_per_px(file), file.pixel_size,
        file.notices, file.storage, file.placement, names,
    )  # fmt: skip


def read_page(path: Path, name: str, max_px: int, page: int) -> tuple[PageFacts, NDArray[Any]]:
    """Within the guarded process: one page."""
    file = _opened(path, name, max_px)
    report_progress()
    image = file.read(page)
    return PageFacts(image.pixel_size, image.name, image.notices), image.pixels_yx


_Key = tuple[str, str, int, int, int]
_kept: tuple[_Key, Micrograph] | None = None


def _opened(path: Path, name: str, max_px: int) -> Micrograph:
    """The file, as it was opened for the call before where it is the same."""
    global _kept
    key = (str(path), name, max_px, *file_stamp(path))
    if _kept is not None and _kept[0] == key:
        return _kept[1]
    if _kept is not None:
        _kept[1].close()
        _kept = None
    file = open_micrograph(path, name=name, max_px=max_px)
    _kept = key, file
    return file


def _bytes_per_px(file: Micrograph) -> int:
    """Of a plane as the file holds it, all samples counted; at most four of them matter."""
    return int(file.dtype.itemsize) * 4
