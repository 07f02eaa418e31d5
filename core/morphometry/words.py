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


def p_words(p: float) -> str:
    """A p value as papers print it, "–" where there is none.

    >>> p_words(0.0312), p_words(0.2), p_words(0.00004), p_words(float("nan"))
    ('p = 0.031', 'p = 0.20', 'p < 0.001', '–')
    """
    if math.isnan(p):
        return "–"
    return "p < 0.001" if p < 0.001 else f"p = {p:.{2 if p >= 0.095 else 3}f}"
