"""Welch's and the paired t-test over means of specimens, and what they could find.

Welch 1947, 10.2307/2332510; power: Cohen 1988, 10.4324/9780203771587.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import nctdtr, nctdtrinc, stdtr, stdtrit

from core.evaluation.intervals import LEVEL

ALPHA: Final = 0.05
"""Below this p a difference counts as found."""

USUAL_POWER: Final = 0.8
"""What studies are planned for."""


_ROUNDING: Final = 1e-12
"""Means that differ by less, relative to their size, are equal but for rounding: there is no spread to test against."""


class Tested(NamedTuple):
    """What a t-test says of a difference; all NaN where there is none.

    Parameters
    ----------
    low, high
        95 % interval.
    p
        Two-sided.
    error, freedom
        Standard error of the difference and degrees of freedom.
    """

    low: float = math.nan
    high: float = math.nan
    p: float = math.nan
    error: float = math.nan
    freedom: float = math.nan


def t_test(a: NDArray[np.float64], b: NDArray[np.float64], *, paired: bool) -> Tested:
    """Compare two samples; there is no test with fewer than two values in one of them or without any spread.

    Parameters
    ----------
    a, b
        float64, one value per specimen; of pairs, in the same order.
    paired
        Whether they are.
    """
    if min(len(a), len(b)) < 2:
        return Tested()
    if paired:
        error, freedom = float((b - a).std(ddof=1)) / math.sqrt(len(a)), float(len(a) - 1)
    else:
        parts = np.array([a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)])
        error = float(np.sqrt(parts.sum()))
        weights = parts**2 / np.array([len(a) - 1, len(b) - 1])
        freedom = float(parts.sum() ** 2 / weights.sum()) if weights.sum() > 0 else math.nan
    if not error > _ROUNDING * max(np.abs(a).max(), np.abs(b).max()):
        return Tested()
    middle = float(b.mean() - a.mean())
    reach = float(stdtrit(freedom, (1 + LEVEL) / 2)) * error
    return Tested(middle - reach, middle + reach, 2 * float(stdtr(freedom, -abs(middle) / error)), error, freedom)


def power(difference: float, error: float, freedom: float) -> float:
    """Share of studies like this one that would find a true difference of this size.

    Parameters
    ----------
    difference
        In the figure's unit; its sign does not matter.
    error, freedom
        Standard error of the difference and degrees of freedom, as the test had them.

    Returns
    -------
    float
        0 to 1; NaN where there was no test.

    >>> round(power(2.0, 1.0, 1e6), 3), round(power(0.0, 1.0, 4.0), 3)
    (0.516, 0.05)
    """
    if not (error > 0 and freedom > 0):
        return math.nan
    limit = float(stdtrit(freedom, 1 - ALPHA / 2))
    size = abs(difference) / error
    return float(1 - nctdtr(freedom, size, limit) + nctdtr(freedom, size, -limit))


def smallest_found(error: float, freedom: float, share: float = USUAL_POWER) -> float:
    """The true difference that so many of such studies would find; NaN where there was no test.

    >>> round(smallest_found(1.0, 1e6), 2), round(smallest_found(1.0, 4.0), 2)
    (2.8, 3.76)
    """
    if not (error > 0 and freedom > 0):
        return math.nan
    return error * float(nctdtrinc(freedom, 1 - share, float(stdtrit(freedom, 1 - ALPHA / 2))))
