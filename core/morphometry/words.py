"""Figures of objects as people read them."""

from __future__ import annotations

import math

from core.morphometry.bias import Bias
from core.morphometry.conditions import Design, Difference
from core.morphometry.several import Together
from core.wording import counted


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


def effect_words(found: Difference) -> str:
    """The size of the effect, "" where there is none.

    >>> from core.morphometry.t_test import Effect
    >>> effect_words(Difference(1, 2, 0, 2, 0.1, 3, 3, Design.INDEPENDENT, effect=Effect(1.6, -0.15, 4.02)))
    "Hedges' g 1.60 (−0.15 to 4.02)"
    """
    size, low, high = (f"{value:.2f}".replace("-", "−") for value in found.effect)
    return f"Hedges' g {size} ({low} to {high})" if found.effect.size == found.effect.size else ""


def test_name(design: Design) -> str:
    """The test that a design has, "" for none.

    >>> test_name(Design.PAIRED)
    'paired t-test'
    """
    return {Design.INDEPENDENT: "Welch's t-test", Design.PAIRED: "paired t-test"}.get(design, "")


def together_words(found: Together) -> str:
    """One test over all conditions, in a sentence; "" where there is none.

    >>> together_words(Together(0.0263, 10.93, 2, 3.9))
    "All conditions together: Welch's analysis of variance, F(2, 3.9) = 10.9, p = 0.026."
    """
    if found.p != found.p:
        return ""
    return (
        f"All conditions together: Welch's analysis of variance, F({found.freedom:.0f}, {found.error_freedom:.1f}) = "
        f"{three_digits(found.statistic)}, {p_words(found.p)}."
    )


def power_words(found: Difference, reference: str, other: str) -> str:
    """What such a comparison could find, in a sentence; "" where there was no test.

    >>> found = Difference(10, 14, -3, 11, 0.2, 3, 3, Design.INDEPENDENT, 0, 2.52, 4.0)
    >>> power_words(found, "control", "treated").split("; ")[1]
    'to find it in 80 %, it must be 94.8 %.'
    """
    if found.p != found.p or not found.reference > 0:
        return ""
    chance, needed = found.chance(_ASKED_PERCENT), found.percent(found.smallest)
    who = f"{found.reference_units} specimens in {reference} and {found.units} in {other}"
    if found.design is Design.PAIRED:
        who = f"{found.units} pairs of specimens"
    return (
        f"With {who} that vary as these do, a true increase of {_ASKED_PERCENT} % is found in "
        f"{three_digits(100 * chance)} % of studies; to find it in 80 %, it must be {three_digits(needed)} %."
    )


def bias_words(of: Bias) -> str:
    """A bias in per cent, with its interval.

    >>> from core.evaluation.intervals import UnitKind
    >>> bias_words(Bias(1.2, 1.05, 1.37, 6, 3, UnitKind.SPECIMENS, 0.03))
    '+20.0 % (95 % interval +5.00 to +37.0 %; 3 specimens)'
    """
    middle, low, high = (_percent(ratio) for ratio in (of.ratio, of.low, of.high))
    over = counted(of.units, str(of.unit_kind).removesuffix("s"))
    return f"{middle} % ({over})" if of.low != of.low else f"{middle} % (95 % interval {low} to {high} %; {over})"


def _percent(ratio: float) -> str:
    value = 100 * (ratio - 1)
    return f"{'+' if value > 0 else '−' if value < 0 else ''}{three_digits(abs(value))}"
