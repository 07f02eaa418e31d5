"""By how much a model's label maps make a figure larger or smaller than people's, and a mean without that.

A ratio estimator over images that both have labelled, with its error by linearisation over specimens: Cochran 1977,
Sampling Techniques, chapter 6. It holds for tissue like that of these images; of another condition it is an assumption.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import stdtrit

from core.evaluation.intervals import LEAST_UNITS, LEVEL, UnitKind
from core.morphometry.conditions import UnitMean
from core.morphometry.summary import Overall


@dataclass(frozen=True, slots=True)
class Bias:
    """Of a figure.

    Parameters
    ----------
    ratio, low, high
        Mean of units in the model's label maps by mean in people's, of the same images: 1.2 is 20 % too much; 95 %
        interval, NaN with fewer than three units.
    images, units
        How many have the figure in both.
    unit_kind
        What the interval is over.
    error
        Standard error of the ratio's natural logarithm; NaN with fewer than two units.
    """

    ratio: float
    low: float
    high: float
    images: int
    units: int
    unit_kind: UnitKind
    error: float

    @property
    def known(self) -> bool:
        """Whether there is a ratio."""
        return self.ratio == self.ratio


def bias(predicted: Sequence[UnitMean], reference: Sequence[UnitMean], kind: UnitKind) -> Bias:
    """Compare the same images in two label maps.

    Parameters
    ----------
    predicted, reference
        A figure of the same images as the model and as people have them, by unit: `unit_means` and its like.
    kind
        What the units are.
    """
    of_people = {unit.key: unit.mean for unit in reference if unit.mean == unit.mean}
    both = [unit for unit in predicted if unit.mean == unit.mean and unit.key in of_people]
    means = np.array([(unit.mean, of_people[unit.key]) for unit in both], np.float64).reshape(len(both), 2)
    images, count = sum(len(unit.image_ids) for unit in both), len(both)
    if not count or not means.mean(0).min() > 0:
        return Bias(math.nan, math.nan, math.nan, images, count, kind, math.nan)
    middle = means.mean(0)
    ratio = float(middle[0] / middle[1])
    apart = means[:, 0] / middle[0] - means[:, 1] / middle[1]
    error = float(apart.std(ddof=1)) / math.sqrt(count) if count > 1 else math.nan
    low, high = math.nan, math.nan
    if count >= LEAST_UNITS:
        reach = math.exp(float(stdtrit(count - 1, (1 + LEVEL) / 2)) * error)
        low, high = ratio / reach, ratio * reach
    return Bias(ratio, low, high, images, count, kind, error)


def without_bias(found: Overall, of: Bias) -> Overall:
    """A mean that is freed from a model's bias; its interval holds how unsure both are.

    Parameters
    ----------
    found
        With its interval, over specimens that are not those of ``of``; above 0.
    of
        Of the same figure. Without a ratio, or of a mean that is not above 0, nothing is corrected.

    Returns
    -------
    Overall
        Without an interval where either has none.
    """
    if not of.known or not found.mean > 0:
        return found
    mean = found.mean / of.ratio
    if not (found.high > found.low > 0) or of.units < LEAST_UNITS:
        return replace(found, mean=mean, low=math.nan, high=math.nan)
    level = (1 + LEVEL) / 2
    own = (math.log(found.high / found.low) / 2 / float(stdtrit(found.units - 1, level))) ** 2
    other = of.error**2
    freedom = (own + other) ** 2 / (own**2 / (found.units - 1) + other**2 / (of.units - 1))
    freedom = min(freedom, found.units - 1)  # so that a correction never makes a mean look surer
    reach = math.exp(float(stdtrit(freedom, level)) * math.sqrt(own + other))
    return replace(found, mean=mean, low=mean / reach, high=mean * reach)
