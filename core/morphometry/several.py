"""Whether any of several conditions differ, before each is held against the reference.

Welch's analysis of variance asks for no equal variances: Welch 1951, 10.1093/biomet/38.3-4.330.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

_ROUNDING: Final = 1e-12
"""Relative to the values: less spread is rounding."""


class Together(NamedTuple):
    """One test over all conditions; NaN where there is none.

    Parameters
    ----------
    p
        Of no difference among any of them.
    statistic
        Welch's F.
    freedom, error_freedom
        Its degrees of freedom.
    """

    p: float = math.nan
    statistic: float = math.nan
    freedom: float = math.nan
    error_freedom: float = math.nan


NO_TEST: Final = Together()
"""Where there is none."""


def any_differ(groups: Sequence[NDArray[np.float64]]) -> Together:
    """Welch's analysis of variance.

    Parameters
    ----------
    groups
        float64, one value per specimen, of each condition; specimens are in one condition only.

    Returns
    -------
    Together
        Without a test where there are fewer than three conditions, fewer than two values in one, or one without spread.

    Examples
    --------
    >>> found = any_differ([np.array([1.0, 2, 3]), np.array([2.0, 3, 5]), np.array([6.0, 7, 9])])
    >>> round(found.p, 4), round(found.statistic, 2), round(found.error_freedom, 1)
    (0.0263, 10.93, 3.9)
    """
    if len(groups) < 3 or min(map(len, groups)) < 2:
        return NO_TEST
    if min(float(each.std()) for each in groups) <= _ROUNDING * max(float(np.abs(each).max()) for each in groups):
        return NO_TEST
    from statsmodels.stats.oneway import anova_oneway  # half a second, for those who have three conditions

    found = anova_oneway(list(groups), use_var="unequal")
    return Together(float(found.pvalue), float(found.statistic), float(found.df_num), float(found.df_denom))
