"""Whether any of several conditions differ, before each is held against the reference.

Welch's analysis of variance asks for no equal variances: Welch 1951, 10.1093/biomet/38.3-4.330.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from core.morphometry.conditions import UnitMean


class Overall(NamedTuple):
    """One test over all conditions.

    Parameters
    ----------
    p
        NaN where there is no test.
    statistic
        Welch's F.
    freedom, error_freedom
        Its degrees of freedom.
    groups
        How many conditions are in it.
    """

    p: float = math.nan
    statistic: float = math.nan
    freedom: float = math.nan
    error_freedom: float = math.nan
    groups: int = 0


def any_differ(groups: Sequence[Sequence[UnitMean]], *, ratios: bool = False) -> Overall:
    """Welch's analysis of variance over means of specimens.

    Parameters
    ----------
    groups
        Units of each condition, as `core.morphometry.conditions.unit_means` gives them.
    ratios
        Over the logarithms of the means, where all are above 0.

    Returns
    -------
    Overall
        Without a test where there are fewer than three conditions, fewer than two specimens with a figure in one of
        them, specimens that nobody recorded or that are in several conditions, or no spread.

    Examples
    --------
    >>> groups = [[UnitMean(f"{g}{n}", "", (), float(v), 1) for n, v in enumerate(values)]
    ...           for g, values in enumerate(([1, 2, 3], [2, 3, 5], [6, 7, 9]))]
    >>> round(any_differ(groups).p, 4), round(any_differ(groups).statistic, 2)
    (0.0263, 10.93)
    """
    keys = [{unit.key for unit in units} for units in groups]
    recorded = all(unit.recorded for units in groups for unit in units)
    shared = any(one & other for one, other in combinations(keys, 2))
    values = [np.array([unit.mean for unit in units if math.isfinite(unit.mean)]) for units in groups]
    if len(groups) < 3 or not recorded or shared or min(map(len, values)) < 2:
        return Overall()
    if ratios and min(each.min() for each in values) > 0:
        values = [np.log(each) for each in values]
    if min(each.std() for each in values) <= 1e-12 * max(np.abs(each).max() for each in values):
        return Overall()
    from statsmodels.stats.oneway import anova_oneway  # half a second, for those who have three conditions

    found = anova_oneway(values, use_var="unequal")
    return Overall(float(found.pvalue), float(found.statistic), float(found.df_num), float(found.df_denom), len(values))
