"""Pixel sizes as files state them: units, plausibility, provenance."""

from __future__ import annotations

import math
from typing import Final

from core.imaging.image import UNKNOWN_PIXEL_SIZE, PixelSize, PixelSizeSource

SMALLEST_NM: Final = 0.005
"""Below this nothing is imaged: 0.05 angstrom is a tenth of what the best microscopes resolve."""

LARGEST_NM: Final = 10_000.0
"""Above this it is no micrograph: 10 µm a pixel."""

LARGEST_PRINT_NM: Final = 2_000.0
"""A plain resolution tag is believed up to here, 12,700 dots per inch. 72, 96, 300 and 2,400 dpi are for paper."""

_SQUARE_WITHIN: Final = 0.01
"""Sides that differ by less than this count as equal."""

_NM_PER_UNIT: Final = {
    "pm": 1e-3, "å": 0.1, "a": 0.1, "ang": 0.1, "angstrom": 0.1, "angstroms": 0.1, "nm": 1.0, "nanometer": 1.0,
    "nanometers": 1.0, "nanometre": 1.0, "um": 1e3, "µm": 1e3, "μm": 1e3, "micron": 1e3, "microns": 1e3,
    "micrometer": 1e3, "micrometers": 1e3, "micrometre": 1e3, "mm": 1e6, "millimeter": 1e6, "millimetre": 1e6,
    "cm": 1e7, "centimeter": 1e7, "m": 1e9, "meter": 1e9, "metre": 1e9, "inch": 25.4e6, "inches": 25.4e6, "in": 25.4e6,
}  # fmt: skip
"""Unit names as OME, ImageJ and the makers of microscopes write them, in lower case."""


def nm_per_unit(unit: str) -> float | None:
    """Nanometres in a unit, None for one that is no length ("pixel").

    Examples
    --------
    >>> nm_per_unit("\\\\u00B5m")
    1000.0
    """
    plain = unit.replace("\\u00B5", "µ").replace("\\u00b5", "µ").strip().strip("\x00").casefold()
    return _NM_PER_UNIT.get(plain.replace("μ", "µ"))


def pixel_size_from_file(
    x_nm: float, y_nm: float, detail: str, *, largest_nm: float = LARGEST_NM
) -> tuple[PixelSize, tuple[str, ...]]:
    """A pixel size with its provenance, or unknown with the reason.

    Pixels that are not square get the size of the square of equal area, so that areas stay right.

    Parameters
    ----------
    x_nm, y_nm
        Sides of a pixel.
    detail
        Which field of the file says so.
    largest_nm
        Beyond this the field is not believed.

    Returns
    -------
    PixelSize, tuple of str
        The size and notices.
    """
    if not (math.isfinite(x_nm) and math.isfinite(y_nm) and x_nm > 0 and y_nm > 0):
        return UNKNOWN_PIXEL_SIZE, ()
    x_nm, y_nm = (float(f"{side:.6g}") for side in (x_nm, y_nm))  # headers in float32 hold no more digits
    size = float(f"{math.sqrt(x_nm * y_nm):.6g}")
    if not SMALLEST_NM <= size <= largest_nm:
        return UNKNOWN_PIXEL_SIZE, (
            f"{detail} gives {size:,.4g} nm per pixel, which is not plausible for a micrograph; the pixel size is "
            "unknown until you enter it.",
        )
    if abs(x_nm - y_nm) <= _SQUARE_WITHIN * max(x_nm, y_nm):
        return PixelSize(x_nm, PixelSizeSource.FILE, detail), ()
    notice = (
        f"{detail} gives pixels of {x_nm:.4g} x {y_nm:.4g} nm (width x height), which are not square; {size:.4g} nm is "
        "used, which keeps areas right but not lengths."
    )
    return PixelSize(size, PixelSizeSource.FILE, detail), (notice,)


def print_resolution(x_per_unit: float, y_per_unit: float, unit_nm: float, detail: str) -> PixelSize:
    """The pixel size that a resolution for printing implies, unknown where it is one for paper or a screen."""
    if not (x_per_unit > 0 and y_per_unit > 0):
        return UNKNOWN_PIXEL_SIZE
    return pixel_size_from_file(unit_nm / x_per_unit, unit_nm / y_per_unit, detail, largest_nm=LARGEST_PRINT_NM)[0]
