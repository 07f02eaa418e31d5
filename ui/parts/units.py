"""Numbers as people read them: sizes, times, physical lengths."""

from __future__ import annotations

from typing import Final

from core.imaging.image import ENTERED, PixelSize, PixelSizeSource
from core.wording import significant

_NM_PER_UM: Final = 1000.0
_PROVENANCE: Final = {PixelSizeSource.FILE: "from the file", PixelSizeSource.USER: "entered"}


AREA_FORMAT: Final = "%.3g"
"""Areas in tables: three significant digits, as JavaScript writes a number ("12300", "0.00568"); sorted as numbers."""


def shape_text(shape_yx: tuple[int, int]) -> str:
    """Columns x rows, as image sizes are usually given.

    >>> shape_text((768, 1024))
    '1,024 × 768 px'
    """
    return f"{shape_yx[1]:,} × {shape_yx[0]:,} px"


def shape_cell(shape_yx: tuple[int, int]) -> str:
    """`shape_text` for a column that a table sorts as text, and aligns to the right: spaces put 897 before 1,024.

    >>> [cell.strip() for cell in sorted([shape_cell((768, 1024)), shape_cell((900, 897))])]
    ['897 × 900 px', '1,024 × 768 px']
    """
    return f"{shape_yx[1]:>9,} × {shape_yx[0]:,} px"


def pixel_size_text(size: PixelSize) -> str:
    """Value with its provenance, or that it is unknown.

    >>> pixel_size_text(PixelSize(12345.6, PixelSizeSource.FILE))
    '12,346 nm per pixel, from the file'
    """
    if size.nm is None:
        return "pixel size unknown"
    measured = size.source is PixelSizeSource.USER and size.detail not in ("", ENTERED)
    return (
        f"{significant(size.nm, 4)} nm per pixel, {size.detail.split(':')[0] if measured else _PROVENANCE[size.source]}"
    )


def field_text(shape_yx: tuple[int, int], size: PixelSize) -> str:
    """Field of view in µm; empty where the pixel size is unknown.

    >>> field_text((471, 512), PixelSize(3372.4, PixelSizeSource.FILE))
    '1,727 × 1,588 µm'
    """
    if size.nm is None:
        return ""
    rows, columns = (n * size.nm / _NM_PER_UM for n in shape_yx)
    return f"{significant(columns, 3)} × {significant(rows, 3)} µm"


def duration_text(seconds: float) -> str:
    """Rounded to what matters.

    >>> duration_text(3.2), duration_text(75), duration_text(7300)
    ('3 s', '1 min 15 s', '2 h 1 min')
    """
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if minutes < 10 and rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def waiting_text(waiting_s: float | None, all_s: float) -> str:
    """The time that a training waited for a busy machine, if it matters; begins with a comma.

    >>> waiting_text(420.0, 600.0), waiting_text(12.0, 600.0), waiting_text(None, 600.0)
    (', 7 min of it waiting for a busy machine', '', '')
    """
    if waiting_s is None or waiting_s < 0.1 * all_s:
        return ""
    return f", {duration_text(waiting_s)} of it waiting for a busy machine"


def bytes_text(size: float) -> str:
    """Decimal units, as disks are sold.

    >>> bytes_text(1_540_000)
    '1.5 MB'
    """
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
