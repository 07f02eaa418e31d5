"""What is said about a TIFF: what is read of it and what is left out, missing, or no tissue."""

from __future__ import annotations

import re
from typing import Any, Final

from core.imaging.formats.tiff_makers import data_bar_rows
from core.wording import some_of

_IMAGEJ_IMAGES: Final = re.compile(r"^images=(\d{1,12})\s*$", re.MULTILINE)


def missing_of_imagej(description: str, pages: int) -> tuple[str, ...]:
    """A notice where ImageJ's description names more images than the file holds: the copy of a stack broke off."""
    named = _IMAGEJ_IMAGES.search(description) if description.startswith("ImageJ=") else None
    if named is None or int(named.group(1)) <= pages:
        return ()
    return (
        f"ImageJ's description names {int(named.group(1)):,} images but the file holds {pages:,}; the others are "
        "missing. If you need them, copy or save the stack again.",
    )


def compression_name(page: Any) -> str:
    """For people: "none", "LZW", "JPEG", ..."""
    name = getattr(page.compression, "name", str(page.compression))
    return "none" if int(page.compression) == 1 else str(name).replace("_", " ")


def data_bar_notice(page: Any, shape_yx: tuple[int, int]) -> tuple[str, ...]:
    """Where the microscope wrote its data bar into the picture."""
    rows = data_bar_rows(page)
    if not rows:
        return ()
    return (
        f"The bottom {rows} rows ({shape_yx[0] - rows + 1} to {shape_yx[0]}) are the microscope's data bar "
        "(Thermo/FEI), not tissue. They are read as part of the image; crop them in Fiji to exclude them.",
    )


def pages_read(series: Any, pages: int) -> str:
    """Which of the file's pages are read, where it holds others too."""
    numbers = [int(page.index) + 1 for page in series.pages if page is not None]
    if pages == len(numbers):
        return ""
    if len(numbers) == 1:
        return f"page {numbers[0]} of {pages}"
    return f"pages {numbers[0]} to {numbers[-1]} ({len(numbers):,} of {pages:,})"


def left_out(series: list[Any], chosen: Any) -> tuple[str, ...]:
    """What else the file holds."""
    others = [_in_short(other) for other in series if other is not chosen]
    if not others:
        return ()
    count = "1 other image" if len(others) == 1 else f"{len(others)} other images"
    return (f"The file also holds {count}, which are not read: {some_of(others, 3)}. Read: {_in_short(chosen)}.",)


def _in_short(series: Any) -> str:
    """A series for a list: "160 x 96 px, RGB, 8 bits (page 1)"."""
    page = series.keyframe
    kind = "grey" if int(page.samplesperpixel) < 3 else "RGB"
    size = f"{page.imagewidth} x {page.imagelength} px, {kind}, {page.bitspersample} bits"
    count = len(series.pages)
    return f"{size} (page {int(page.index) + 1}{f' and {count - 1} more' if count > 1 else ''})"
