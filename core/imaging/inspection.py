"""What would be read from a file, and why: for people who want to know before they import it. Nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from core.errors import ImageError
from core.imaging.formats.source import Storage
from core.imaging.guarded_limits import open_limits
from core.imaging.image import PixelSize
from core.imaging.names import display_name
from core.imaging.reader import Micrograph, open_micrograph
from core.outside.child import report_progress
from core.outside.guarded import GIB, Limits, Subject, guarded_with
from core.settings import current_settings

LOOKED_AT_PX: Final = 100_000_000
"""Pixels that are read for the range of values, a second's worth; larger pages are not looked into."""

_PAGES_LOOKED_AT: Final = 3
"""First, middle and last."""


@dataclass(frozen=True, slots=True)
class ValueRange:
    """Lowest and highest value of the pages that were looked at.

    Parameters
    ----------
    lowest, highest
        Of the image as it is read, not as it is stored.
    pages
        Which, counted from 1.
    """

    lowest: float
    highest: float
    pages: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Inspection:
    """What would be read from one file.

    Parameters
    ----------
    name, file_bytes
        Of the file; 0 where it cannot be looked at.
    format
        "TIFF", ...; empty where it cannot be read.
    pages, shape_yx
        Number of images that it becomes, and their rows and columns; 0 and None where it cannot be read.
    stored_as, read_as
        Data types in the file and of the image; the second is empty where no page was read.
    values
        Lowest and highest value, None where the pages are too large to be looked into.
    pixel_size
        With its provenance.
    storage
        Compression, orientation, which pages, every statement about the pixel size with what became of it.
    notices
        What was noticed, one sentence each.
    cause, remedy
        Why it cannot be read and what to do about it; empty where it can.
    """

    name: str
    file_bytes: int = 0
    format: str = ""
    pages: int = 0
    shape_yx: tuple[int, int] | None = None
    stored_as: str = ""
    read_as: str = ""
    values: ValueRange | None = None
    pixel_size: PixelSize = PixelSize()  # noqa: RUF009 (it cannot be changed)
    storage: Storage = Storage()  # noqa: RUF009 (the same)
    notices: tuple[str, ...] = ()
    cause: str = ""
    remedy: str = ""

    @property
    def readable(self) -> bool:
        """Whether the file can be read as an image."""
        return not self.cause

    @property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """Names and values of what there is to say, for tables."""
        return _table(self)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        shape = self.shape_yx or (None, None)
        values = self.values
        return {
            "name": self.name,
            "file_bytes": self.file_bytes,
            "readable": self.readable,
            "cause": self.cause,
            "remedy": self.remedy,
            "format": self.format,
            "pages": self.pages,
            "pages_read": self.storage.read,
            "rows": shape[0],
            "columns": shape[1],
            "stored_as": self.stored_as,
            "read_as": self.read_as,
            "lowest": values.lowest if values else None,
            "highest": values.highest if values else None,
            "range_of_pages": list(values.pages) if values else [],
            "pixel_size_nm": self.pixel_size.nm,
            "pixel_size_source": self.pixel_size.source.value,
            "pixel_size_field": self.pixel_size.detail,
            "pixel_size_statements": [
                {**asdict(statement), "text": statement.text} for statement in self.storage.sizes
            ],
            "orientation": self.storage.orientation,
            "orientation_text": self.storage.orientation_text,
            "axes": self.storage.axes,
            "compression": self.storage.compression,
            "lossy": self.storage.lossy,
            "notices": list(self.notices),
        }


def inspect_file(path: Path, name: str, max_px: int) -> Inspection:
    """Open a file and look into its first, middle and last page. For files of one's own; see `inspect_guarded`.

    Parameters
    ----------
    path, name, max_px
        As for `open_micrograph`.
    """
    try:
        with open_micrograph(path, name=name, max_px=max_px) as file:
            return _inspected(file, path)
    except ImageError as error:
        return _unreadable(path, name, error)


def inspect_guarded(path: Path, *, name: str | None = None, max_px: int | None = None) -> Inspection:
    """The same in a guarded process: a file that never ends or crashes its library is one that cannot be read."""
    shown = display_name(name if name is not None else path.name)
    limit_px = current_settings().max_image_px if max_px is None else max_px
    opening = open_limits(path)
    limits = Limits(memory_bytes=2 * GIB + 12 * LOOKED_AT_PX, busy_s=opening.busy_s + 60)
    try:
        return guarded_with(limits, Subject(shown), inspect_file, path, shown, limit_px)
    except ImageError as error:
        return _unreadable(path, shown, error)


def _inspected(file: Micrograph, path: Path) -> Inspection:
    """The facts of an opened file; of a page that cannot be read, why."""
    facts: dict[str, Any] = {
        "name": file.name, "file_bytes": path.stat().st_size, "format": file.format, "pages": file.pages,
        "shape_yx": file.shape_yx, "stored_as": str(file.dtype), "pixel_size": file.pixel_size,
        "storage": file.storage, "notices": file.notices,
    }  # fmt: skip
    looked_at = _pages_to_look_at(file)
    notices: dict[str, None] = dict.fromkeys(file.notices)
    lows: list[float] = []
    highs: list[float] = []
    for page in looked_at:
        report_progress()
        try:
            image = file.read(page)
        except ImageError as error:
            return Inspection(**facts, cause=error.cause, remedy=error.remedy)
        notices.update(dict.fromkeys(image.notices))
        facts["read_as"] = str(image.pixels_yx.dtype)
        lows.append(_plain(image.pixels_yx.min()))
        highs.append(_plain(image.pixels_yx.max()))
    if lows:
        facts["values"] = ValueRange(min(lows), max(highs), tuple(page + 1 for page in looked_at))
    return Inspection(**{**facts, "notices": tuple(notices)})


def _pages_to_look_at(file: Micrograph) -> tuple[int, ...]:
    """First, middle and last, as many of them as may be read."""
    px = file.shape_yx[0] * file.shape_yx[1]
    wanted = sorted({0, file.pages // 2, file.pages - 1})[: min(LOOKED_AT_PX // max(px, 1), _PAGES_LOOKED_AT)]
    return tuple(wanted)


def _plain(value: Any) -> float:
    """Of NumPy's numbers, one that JSON can hold: whole ones stay whole."""
    number = np.asarray(value).item()
    return number if isinstance(number, int) else float(number)


def _unreadable(path: Path, name: str, error: ImageError) -> Inspection:
    """What there is to say about a file that cannot be read."""
    try:
        size = path.stat().st_size
    except OSError:
        size = 0
    return Inspection(display_name(name), size, cause=error.cause, remedy=error.remedy)


def _table(found: Inspection) -> tuple[tuple[str, str], ...]:
    """Rows for people, in the order of interest; what there is nothing to say about is left out."""
    rows: list[tuple[str, str]] = []
    if found.cause:
        rows.append(("cannot be read", f"{found.cause} {found.remedy}".strip()))
    if found.format:
        rows.append(("format", f"{found.format}, {_bytes(found.file_bytes)}"))
    if found.shape_yx is not None:
        rows.append(("size", f"{found.shape_yx[1]:,} x {found.shape_yx[0]:,} px (columns x rows)"))
        pages = "1 image" if found.pages == 1 else f"{found.pages:,} images, a stack"
        rows.append(("read as", f"{pages}{f' ({found.storage.read})' if found.storage.read else ''}"))
        changed = f", read as {found.read_as}" if found.read_as not in ("", found.stored_as) else ""
        rows.append(("data type", f"{found.stored_as}{changed}"))
        rows.append(("values", _range(found)))
        rows += _size_rows(found)
        rows.append(("compression", found.storage.compression + (" (changes values)" if found.storage.lossy else "")))
        rows.append(("orientation", found.storage.orientation_text))
        if found.storage.axes:
            rows.append(("axes", found.storage.axes))
    rows += [("notice", notice) for notice in found.notices]
    return tuple(rows)


def _size_rows(found: Inspection) -> list[tuple[str, str]]:
    """The pixel size, and what was not taken for it."""
    size = found.pixel_size
    rows = [("pixel size", "unknown" if size.nm is None else f"{size.nm:.6g} nm ({size.detail})")]
    return rows + [
        ("skipped", f"{statement.field}: {statement.text} ({statement.reason})")
        for statement in found.storage.sizes
        if not statement.taken
    ]


def _range(found: Inspection) -> str:
    """Lowest and highest value, and where they were looked for."""
    if found.values is None:
        return "not checked: the image is large" if found.readable else "unknown"
    where = ""
    if len(found.values.pages) < found.pages:
        where = f" (of page{'s' if len(found.values.pages) > 1 else ''} {_listed(found.values.pages)})"
    return f"{found.values.lowest:g} to {found.values.highest:g}{where}"


def _listed(pages: Sequence[int]) -> str:
    return ", ".join(str(page) for page in pages)


def _bytes(count: int) -> str:
    """A size of a file for people.

    >>> [_bytes(n) for n in (12, 3_500, 2_000_000, 4_100_000_000)]
    ['12 bytes', '3.5 kB', '2 MB', '4.1 GB']
    """
    for factor, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count} bytes"
