"""Lengths as people type them: "500 nm", "0,5 µm", "8"; and the size of a pixel from a bar of known length."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from core.errors import CristaeError, ImageError

NM_PER_UNIT: Final = {"pm": 1e-3, "å": 0.1, "nm": 1.0, "µm": 1e3, "mm": 1e6, "cm": 1e7, "m": 1e9, "in": 25.4e6}
"""Nanometres in a unit."""

_SPELLINGS: Final = {
    "a": "å", "ang": "å", "angstrom": "å", "angstroms": "å", "ångström": "å", "ångstrom": "å", "angström": "å",
    "um": "µm", "micron": "µm", "microns": "µm", "micrometer": "µm", "micrometers": "µm", "micrometre": "µm",
    "micrometres": "µm", "nanometer": "nm", "nanometers": "nm", "nanometre": "nm", "nanometres": "nm",
    "millimeter": "mm", "millimeters": "mm", "millimetre": "mm", "millimetres": "mm", "picometer": "pm",
    "picometers": "pm", "picometre": "pm", "picometres": "pm", "centimeter": "cm", "centimeters": "cm",
    "centimetre": "cm", "centimetres": "cm", "meter": "m", "meters": "m", "metre": "m", "metres": "m", "inch": "in",
    "inches": "in",
}  # fmt: skip
"""Other names of units, as people and files write them, in lower case."""

SMALLEST_PIXEL_NM: Final = 0.01
"""A tenth of a hydrogen atom: no organelle is seen with smaller pixels, but 0.008 is what 8 nm are in µm."""

LARGEST_PIXEL_NM: Final = 10_000.0
"""A hundredth of a millimetre: no organelle is seen with larger pixels."""

END_ERROR_PX: Final = 1.0
"""How far off a person puts each end of a line over a bar."""

_NUMBER: Final = r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:e[+-]?\d{1,3})?"
_TYPED: Final = re.compile(rf"({_NUMBER})\s*([^\d\s/]*)\s*(?:(?:/|per)\s*(?:px|pixels?))?", re.IGNORECASE)
_EXAMPLE: Final = 'Enter a number and a unit, for example "500 nm" or "0.5 µm".'


@dataclass(frozen=True, slots=True)
class ScaleMeasurement:
    """What a line over a scale bar says about the pixels.

    Parameters
    ----------
    length_nm
        What the bar stands for; positive.
    length_px
        How long the line is; at least 4 pixels, or its ends' error would be half of it.

    Raises
    ------
    ImageError
        The line is too short, or the pixels would be of a size that no microscope has.
    """

    length_nm: float
    length_px: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.length_px) and self.length_px >= 4):
            raise ImageError(
                f"The line is {self.length_px:.1f} pixels long.",
                ("Draw it along the whole scale bar, from end to end."),
            )
        checked_pixel_size(self.length_nm / self.length_px)

    @property
    def pixel_size_nm(self) -> float:
        """Nanometres per pixel, to five digits: a line over a bar never says more.

        >>> ScaleMeasurement(500, 203.4).pixel_size_nm
        2.4582
        """
        return float(f"{self.length_nm / self.length_px:.5g}")

    @property
    def uncertainty_nm(self) -> float:
        """Standard error of it, where each end is off by `END_ERROR_PX` on its own.

        >>> round(ScaleMeasurement(500, 200).uncertainty_nm, 4)
        0.0177
        """
        return self.length_nm / self.length_px**2 * math.sqrt(2) * END_ERROR_PX


def nm_of_unit(name: str) -> float | None:
    """Nanometres in a unit; None for what is no unit of length.

    >>> nm_of_unit("Microns"), nm_of_unit("\u03bcm"), nm_of_unit("px")
    (1000.0, 1000.0, None)
    """
    plain = unicodedata.normalize("NFC", name.strip()).replace("\u03bc", "µ").lower()
    return NM_PER_UNIT.get(_SPELLINGS.get(plain, plain))


def parse_length_nm(text: str, *, unit: str | None = None) -> float:
    """A length as typed.

    Parameters
    ----------
    text
        A number with a decimal point or comma, and a unit: pm, Å, nm, µm, mm, cm, m, also in words.
    unit
        Taken where none is typed; None: one has to be.

    Returns
    -------
    float
        In nm, positive.

    Raises
    ------
    ImageError
        It is no length, has no unit, or is not positive.

    >>> parse_length_nm("0,5 µm"), parse_length_nm("20 Å"), parse_length_nm("8", unit="nm")
    (500.0, 2.0, 8.0)
    """
    cleaned = unicodedata.normalize("NFC", text.strip()).replace("\u2212", "-")
    match = _TYPED.fullmatch(cleaned)
    if match is None:
        raise ImageError(f"{text.strip()!r} is not a length." if cleaned else "The length is missing.", _EXAMPLE)
    number, typed = match.groups()
    if re.fullmatch(r"[1-9]\d{0,2},\d{3}", number):
        raise ImageError(
            f"{number} is ambiguous.",
            f"Enter {number.replace(',', '')} or {number.replace(',', '.')}, with the unit.",
        )
    nm_each = nm_of_unit(typed.rstrip(".") or unit or "")
    if nm_each is None:
        cause = f"{typed!r} is not a unit of length." if typed else f"{number} has no unit."
        raise ImageError(cause, "Use nm, µm, mm or Å.")
    nm = float(number.replace(",", ".")) * nm_each
    if not (math.isfinite(nm) and nm > 0):
        raise ImageError(f"{text.strip()} is not a positive length.", _EXAMPLE)
    return nm


def parse_pixel_size_nm(text: str) -> float:
    """The size of a pixel as typed, in nm where no unit is.

    Raises
    ------
    ImageError
        It is no length, or none that a pixel of a micrograph has.

    >>> parse_pixel_size_nm("8"), parse_pixel_size_nm("0.008 µm per pixel")
    (8.0, 8.0)
    """
    return checked_pixel_size(round(parse_length_nm(text, unit="nm"), 9))


def is_plausible_pixel_size(nm: float) -> bool:
    """Whether a pixel of a micrograph can be so large. The one rule, for what files say and for what people type.

    >>> is_plausible_pixel_size(8), is_plausible_pixel_size(352_778), is_plausible_pixel_size(float("nan"))
    (True, False, False)
    """
    return SMALLEST_PIXEL_NM <= nm <= LARGEST_PIXEL_NM


def checked_pixel_size(nm: float, *, error: type[CristaeError] = ImageError) -> float:
    """The size, if a pixel of a micrograph can have it.

    Parameters
    ----------
    error
        What is raised where it cannot.

    Raises
    ------
    CristaeError
        As ``error`` says: the size is not positive, less than `SMALLEST_PIXEL_NM`, or more than `LARGEST_PIXEL_NM`.
    """
    if not is_plausible_pixel_size(nm):
        raise error(
            f"{length_text(nm)} per pixel is not plausible.",
            f"Pixels of micrographs measure {length_text(SMALLEST_PIXEL_NM)} to {length_text(LARGEST_PIXEL_NM)}; "
            "check the unit.",
        )
    return nm


def length_text(nm: float) -> str:
    """A length in the unit that reads best.

    >>> length_text(8), length_text(2500), length_text(1e9), length_text(0.0004)
    ('8 nm', '2.5 µm', '1 m', '0.0004 nm')
    """
    for unit, least in (("m", 1e9), ("mm", 1e6), ("µm", 1e3)):
        if abs(nm) >= least:
            return f"{nm / NM_PER_UNIT[unit]:.4g} {unit}"
    return f"{nm:.4g} nm"
