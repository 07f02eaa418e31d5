"""Welch's and the paired t-test over means of specimens, the size of the effect, and what they could find.

Welch 1947, 10.2307/2332510; power: Cohen 1988, 10.4324/9780203771587; effect: Hedges 1981, 10.3102/10769986006002107,
its interval from the noncentral t distribution: Cumming and Finch 2001, 10.1177/0013164401614002.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, nctdtr, nctdtrinc, stdtr, stdtrit

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


class Effect(NamedTuple):
    """A difference in standard deviations, with its 95 % interval; all NaN where there is none.

    Parameters
    ----------
    size
        Hedges' g: of independent samples by their pooled standard deviation, of pairs by that of the differences.
    low, high
        Of its interval, exact for normal values of equal spread; the correction for few would shorten it, so it is not
        in there.
    """

    size: float = math.nan
    low: float = math.nan
    high: float = math.nan


NO_EFFECT: Final = Effect()
"""Where there is none."""


def effect_size(a: NDArray[np.float64], b: NDArray[np.float64], *, paired: bool) -> Effect:
    """How large the difference is beside the spread of specimens, freed from the bias of few.

    Parameters
    ----------
    a, b, paired
        As of `t_test`; there is an effect where there is a test.

    >>> found = effect_size(np.array([1.0, 2.0, 3.0]), np.array([3.0, 4.0, 5.0]), paired=False)
    >>> round(found.size, 2), round(found.low, 2), round(found.high, 2)
    (1.6, -0.15, 4.02)
    """
    if math.isnan(t_test(a, b, paired=paired).p):
        return NO_EFFECT
    if paired:
        freedom, root = len(a) - 1, math.sqrt(len(a))
        if freedom < 2:  # the mean of such a ratio is infinite, so its bias has no correction
            return NO_EFFECT
        deviation = float((b - a).std(ddof=1))
    else:
        freedom = len(a) + len(b) - 2
        root = math.sqrt(len(a) * len(b) / (len(a) + len(b)))
        deviation = math.sqrt(((len(a) - 1) * a.var(ddof=1) + (len(b) - 1) * b.var(ddof=1)) / freedom)
    size = float(b.mean() - a.mean()) / deviation
    correction = math.exp(gammaln(freedom / 2) - gammaln((freedom - 1) / 2)) / math.sqrt(freedom / 2)
    tail = (1 - LEVEL) / 2
    low, high = (float(nctdtrinc(freedom, share, size * root)) / root for share in (1 - tail, tail))
    return Effect(correction * size, low, high)


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
