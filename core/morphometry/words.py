"""Figures of objects as people read them."""

from __future__ import annotations

import math


def three_digits(value: float | None, unit: str = "") -> str:
    """A figure to read: three significant digits, whole numbers from 100 on, with its unit; "–" where it is unknown.

    >>> three_digits(0.0056789, "µm²"), three_digits(12345.6), three_digits(0.0, "nm"), three_digits(None)
    ('0.00568 µm²', '12,346', '0 nm', '–')
    """
    if value is None or math.isnan(value):
        return "–"
    decimals = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:,.{decimals}f} {unit}".rstrip()
