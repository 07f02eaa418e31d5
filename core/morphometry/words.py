"""Figures of objects as people read them."""

from __future__ import annotations

import math

from core.morphometry.conditions import Design, Difference
from core.morphometry.t_test import power, smallest_found


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


_ASKED_PERCENT = 30
"""Of the reference: the difference whose chance of being found is said."""


def power_words(found: Difference, reference: str, other: str) -> str:
    """What such a comparison could find, in a sentence; "" where there was no test.

    >>> found = Difference(10, 14, -3, 11, 0.2, 3, 3, Design.INDEPENDENT, 0, 2.52, 4.0)
    >>> power_words(found, "control", "treated").split("; ")[1]
    'to find it in 80 %, it must be 94.8 %.'
    """
    if found.p != found.p or not found.reference > 0:
        return ""
    chance = power(found.reference * _ASKED_PERCENT / 100, found.error, found.freedom)
    needed = found.percent(smallest_found(found.error, found.freedom))
    who = f"{found.reference_units} specimens in {reference} and {found.units} in {other}"
    if found.design is Design.PAIRED:
        who = f"{found.units} pairs of specimens"
    return (
        f"With {who} that vary as these do, a true difference of {_ASKED_PERCENT} % is found in "
        f"{three_digits(100 * chance)} % of studies; to find it in 80 %, it must be {three_digits(needed)} %."
    )
