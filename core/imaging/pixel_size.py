"""Pixel sizes as files state them: units, plausibility, provenance."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from core.imaging.image import UNKNOWN_PIXEL_SIZE, PixelSize, PixelSizeSource
from core.imaging.lengths import is_plausible_pixel_size, nm_of_unit

LARGEST_PRINT_NM: Final = 2_000.0
"""A plain resolution tag is believed up to here, 12,700 dots per inch. 72, 96, 300 and 2,400 dpi are for paper."""

_NM_PER_INCH: Final = 25.4e6

_SQUARE_WITHIN: Final = 0.01
"""Sides that differ by less than this count as equal."""


def nm_per_unit(unit: str) -> float | None:
    """Nanometres in a unit, None for one that is no length ("pixel").

    Examples
    --------
    >>> nm_per_unit("\\\\u00B5m")
    1000.0
    """
    plain = unit.replace("\\u00B5", "µ").replace("\\u00b5", "µ").strip().strip("\x00").casefold()
    for misread in ("âµ", "î¼", "μ"):  # UTF-8 that was read as Latin-1, and the Greek letter
        plain = plain.replace(misread, "µ")
    return nm_of_unit(plain)


@dataclass(frozen=True, slots=True)
class SizeStatement:
    """What one field of a file says about the size of a pixel, and what became of it.

    Parameters
    ----------
    field
        The header field, for example "OME PhysicalSizeX".
    x_nm, y_nm
        Sides of a pixel; None where the field gives no length.
    value
        The field's own words, where they are no length: "72 x 72 dpi".
    reason
        Why it is not taken; empty: it is, unless a statement before it is.
    taken
        Whether the image has its pixel size from here.
    """

    field: str
    x_nm: float | None = None
    y_nm: float | None = None
    value: str = ""
    reason: str = ""
    taken: bool = False

    @property
    def text(self) -> str:
        """The value as people read it: "8 x 8 nm"."""
        if self.value or self.x_nm is None or self.y_nm is None:
            return self.value
        return f"{self.x_nm:.6g} x {self.y_nm:.6g} nm"


@dataclass(frozen=True, slots=True)
class FoundSize:
    """The pixel size of an image, notices about it, and every statement of the file with what became of it."""

    size: PixelSize = UNKNOWN_PIXEL_SIZE
    notices: tuple[str, ...] = ()
    statements: tuple[SizeStatement, ...] = ()


def choose_size(statements: Iterable[SizeStatement]) -> FoundSize:
    """Take the first statement that gives a plausible size, and say of the others why they do not count.

    Parameters
    ----------
    statements
        The most trustworthy first.
    """
    judged: list[SizeStatement] = []
    notices: list[str] = []
    taken: SizeStatement | None = None
    size = UNKNOWN_PIXEL_SIZE
    for statement in statements:
        x_nm, y_nm = statement.x_nm, statement.y_nm
        if statement.reason or x_nm is None or y_nm is None:
            judged.append(statement)
            continue
        if not (math.isfinite(x_nm) and math.isfinite(y_nm) and x_nm > 0 and y_nm > 0):
            judged.append(replace(statement, reason="no length"))
            continue
        if taken is not None:
            judged.append(replace(statement, reason=_second(taken, statement)))
            if not _alike(taken, statement):
                notices.append(
                    f"{taken.field} gives {taken.text} and {statement.field} gives {statement.text} per pixel; the "
                    "first is used."
                )
            continue
        found, said = pixel_size_from_file(x_nm, y_nm, statement.field)
        notices += said
        if found.nm is None:
            judged.append(replace(statement, reason="not plausible for a micrograph"))
            continue
        size, taken = found, statement
        judged.append(replace(statement, taken=True))
    return FoundSize(size, tuple(notices), tuple(judged))


def _second(taken: SizeStatement, statement: SizeStatement) -> str:
    """Why a good statement behind another does not count."""
    return f"{'the same as' if _alike(taken, statement) else 'different from'} {taken.field}, which takes precedence"


def _alike(one: SizeStatement, other: SizeStatement) -> bool:
    """Whether two statements are of the same size."""
    pairs = ((one.x_nm, other.x_nm), (one.y_nm, other.y_nm))
    return all(a is not None and b is not None and abs(a - b) <= _SQUARE_WITHIN * max(a, b) for a, b in pairs)


def pixel_size_from_file(x_nm: float, y_nm: float, detail: str) -> tuple[PixelSize, tuple[str, ...]]:
    """A pixel size with its provenance, or unknown with the reason.

    Pixels that are not square get the size of the square of equal area, so that areas stay right.

    Parameters
    ----------
    x_nm, y_nm
        Sides of a pixel.
    detail
        Which field of the file says so.

    Returns
    -------
    PixelSize, tuple of str
        The size and notices.
    """
    if not (math.isfinite(x_nm) and math.isfinite(y_nm) and x_nm > 0 and y_nm > 0):
        return UNKNOWN_PIXEL_SIZE, ()
    x_nm, y_nm = (float(f"{side:.6g}") for side in (x_nm, y_nm))  # headers in float32 hold no more digits
    size = float(f"{math.sqrt(x_nm * y_nm):.6g}")
    if not is_plausible_pixel_size(size):
        return UNKNOWN_PIXEL_SIZE, (
            f"{detail} gives {size:,.4g} nm per pixel, which is not plausible for a micrograph; the pixel size is "
            "unknown until you enter it.",
        )
    if abs(x_nm - y_nm) <= _SQUARE_WITHIN * max(x_nm, y_nm):
        return PixelSize(x_nm, PixelSizeSource.FILE, detail), ()
    notice = (
        f"{detail} gives pixels of {x_nm:.4g} x {y_nm:.4g} nm (width x height), which are not square; {size:.4g} "
        "nm is used, which is correct for areas but not for lengths."
    )
    return PixelSize(size, PixelSizeSource.FILE, detail), (notice,)


def print_statement(field: str, x_per_unit: float, y_per_unit: float, unit_nm: float) -> tuple[SizeStatement, ...]:
    """What a resolution for printing states; nothing where it is not set, no size where it is one for paper.

    Parameters
    ----------
    field
        Of the file.
    x_per_unit, y_per_unit
        Pixels in a unit.
    unit_nm
        Nanometres in a unit.
    """
    if not (x_per_unit > 0 and y_per_unit > 0):
        return ()
    x_nm, y_nm = unit_nm / x_per_unit, unit_nm / y_per_unit
    if not (math.isfinite(x_nm) and math.isfinite(y_nm) and x_nm > 0 and y_nm > 0):
        return ()
    if math.sqrt(x_nm * y_nm) <= LARGEST_PRINT_NM:
        return (SizeStatement(field, x_nm, y_nm),)
    dpi = tuple(25.4e6 / side for side in (x_nm, y_nm))
    return (SizeStatement(field, value=f"{dpi[0]:.4g} x {dpi[1]:.4g} dpi", reason="a print or screen resolution"),)
