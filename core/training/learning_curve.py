"""Whether a training was still getting better when it ended: the trend of the last part of its curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from statistics import median
from typing import Final

MIN_POINTS: Final = 4
"""Epochs below which no trend can be told from chance."""

LAST_PART: Final = 1 / 3
"""Share of the epochs that the trend is taken from."""

SMALLEST_FALL: Final = 0.05
"""Fall over the last part, as a share of the curve's whole range, below which more training changes little.

A loss that nears its end exponentially falls by so much in the last third while its time constant is more than a
quarter of the training.
"""

_Z: Final = 1.645
"""One-sided 5 % of the normal distribution."""


def still_falling(losses: Sequence[float | None]) -> bool | None:
    """Whether a loss was still falling over the last third of the epochs.

    It was where a Mann-Kendall test finds the last third falling (one-sided, 5 %), and the fall by Theil and Sen's
    slope is at least `SMALLEST_FALL` of the curve's range; neither is led astray by single epochs.

    Parameters
    ----------
    losses
        One per epoch, in order; those that are None or no number are left out.

    Returns
    -------
    bool or None
        None for fewer than `MIN_POINTS` epochs: nobody can tell.

    References
    ----------
    Mann 1945, 10.2307/1907187; Sen 1968, 10.1080/01621459.1968.10480934.

    Examples
    --------
    >>> still_falling([1.0, 0.8, 0.6, 0.4]), still_falling([1.0, 0.5, 0.5, 0.5, 0.5]), still_falling([1.0, 0.5])
    (True, False, None)
    """
    known = [float(loss) for loss in losses if loss is not None and math.isfinite(loss)]
    if len(known) < MIN_POINTS:
        return None
    last = known[-max(MIN_POINTS, math.ceil(LAST_PART * len(known))) :]
    fall = -_slope(last) * LAST_PART * (len(known) - 1)
    return _falls(last) and fall >= SMALLEST_FALL * _range(known) > 0


def _range(values: Sequence[float]) -> float:
    """From the lowest to the highest, without the tenth at either end."""
    ordered, left_out = sorted(values), len(values) // 10
    return ordered[-1 - left_out] - ordered[left_out]


def _slope(values: Sequence[float]) -> float:
    """Theil and Sen's: the median of the slopes between any two, per step."""
    return median((values[j] - values[i]) / (j - i) for i, j in combinations(range(len(values)), 2))


def _falls(values: Sequence[float]) -> bool:
    """Mann and Kendall's test with the correction for continuity."""
    count = len(values)
    score = sum((a > b) - (a < b) for a, b in combinations(values, 2))
    spread = math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    return (score - 1) / spread > _Z
