"""How sure a mean over few images is: bootstrap over specimens or images, never over pixels.

Drawing whole specimens keeps images that belong together together. Efron and Tibshirani 1993, 10.1201/9780429246593.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from core.cache import MB, remembered
from core.evaluation.settings import EvaluationSettings, IntervalKind, Resampling

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Units:
    """What is drawn.

    Parameters
    ----------
    kind
        "specimens" or "images".
    index
        int64, unit of each image.
    count
        How many units there are.
    """

    kind: Resampling
    index: NDArray[np.int64]
    count: int


@dataclass(frozen=True, slots=True)
class MeanWithInterval:
    """Means of columns over images, each with its interval; NaN where there is none.

    Parameters
    ----------
    mean, low, high
        float64, one entry per column.
    images, units
        int64, how many images and units have a figure in the column.
    """

    mean: Floats
    low: Floats
    high: Floats
    images: NDArray[np.int64]
    units: NDArray[np.int64]


def units_of(groups: Sequence[str], resampling: Resampling) -> Units:
    """What to draw: specimens where asked for, or where there are two or more; images without a specimen stand alone.

    Parameters
    ----------
    groups
        Specimen of each image, "" for unknown.
    resampling
        As in the settings.
    """
    alone = Units(Resampling.IMAGES, np.arange(len(groups)), len(groups))
    named = [group or f"\0{position}" for position, group in enumerate(groups)]
    distinct, index = np.unique(np.array(named, dtype=object).astype(str), return_inverse=True)
    several = any(groups) and len(distinct) >= 2
    if resampling is Resampling.IMAGES or (resampling is Resampling.AUTO and not several):
        return alone
    return Units(Resampling.GROUPS, index.astype(np.int64), len(distinct))


def mean_with_interval(values: Floats, units: Units, settings: EvaluationSettings) -> MeanWithInterval:
    """Means over images with bootstrap intervals, and as a last column the mean over columns.

    Parameters
    ----------
    values
        float64, shape (images, columns), NaN for undefined.
    units
        What to draw, of the same images.
    settings
        Level, kind and seed of the interval.

    Returns
    -------
    MeanWithInterval
        One entry per column and one more for the mean of the columns. An interval needs two units with a figure.
    """
    sums, counts = _by_unit(values, units)
    mean = _means(np.ones((1, units.count)), sums, counts)[0]
    samples = _means(_draws(units.count, settings.resamples, settings.seed), sums, counts)
    defined = np.isfinite(values)
    defined = np.column_stack([defined, defined.any(1)])
    in_unit = np.zeros((units.count, defined.shape[1]), bool)
    np.logical_or.at(in_unit, units.index, defined)
    enough = in_unit.sum(0) >= 2
    low, high = np.full(len(mean), np.nan), np.full(len(mean), np.nan)
    for column in np.flatnonzero(enough).tolist():
        low[column], high[column] = _interval(samples[:, column], mean[column], values, column, units, settings)
    return MeanWithInterval(mean, low, high, defined.sum(0), in_unit.sum(0))


@remembered("bootstrap draws", "which images each resample draws", limit_bytes=64 * MB)
def _draws(units: int, resamples: int, seed: int) -> Floats:
    """How often each unit counts in each resample; shape (resamples, units), the same for every metric."""
    drawn = np.random.default_rng(seed).multinomial(units, np.full(units, 1 / units), size=resamples)
    draws: Floats = drawn.astype(np.float64)
    draws.setflags(write=False)
    return draws


def _by_unit(values: Floats, units: Units) -> tuple[Floats, Floats]:
    """Sum of the defined figures of each unit and column, and how many there are."""
    defined = np.isfinite(values)
    sums, counts = np.zeros((2, units.count, values.shape[1]))
    np.add.at(sums, units.index, np.where(defined, values, 0.0))
    np.add.at(counts, units.index, defined.astype(np.float64))
    return sums, counts


def _means(weights: Floats, sums: Floats, counts: Floats) -> Floats:
    """Means of the columns over weighted units where defined, and the mean over columns as a last column."""
    weighted, number = weights @ sums, weights @ counts
    means = np.full(weighted.shape, np.nan)
    np.divide(weighted, number, out=means, where=number > 0)
    there = np.isfinite(means)
    total = np.full(len(means), np.nan)
    np.divide(np.where(there, means, 0.0).sum(1), there.sum(1), out=total, where=there.any(1))
    return np.column_stack([means, total])


def _interval(
    samples: Floats, mean: float, values: Floats, column: int, units: Units, settings: EvaluationSettings
) -> tuple[float, float]:
    """Both ends for one column."""
    samples = samples[np.isfinite(samples)]
    tail = (1 - settings.confidence_level) / 2
    levels = np.array([tail, 1 - tail])
    if settings.interval is IntervalKind.BCA:
        levels = _bca_levels(samples, mean, _left_out(values, column, units), levels)
    low, high = np.quantile(samples, levels)
    return float(low), float(high)


def _left_out(values: Floats, column: int, units: Units) -> Floats:
    """The mean with one unit left out, for each unit."""
    means = _means(1 - np.eye(units.count), *_by_unit(values, units))[:, column]
    return means[np.isfinite(means)]


def _bca_levels(samples: Floats, mean: float, jackknife: Floats, levels: Floats) -> Floats:
    """Levels corrected for bias and skewness; unchanged where all samples lie on one side."""
    below = (np.count_nonzero(samples < mean) + np.count_nonzero(samples == mean) / 2) / len(samples)
    if not 0 < below < 1:
        return levels
    apart = jackknife.mean() - jackknife
    spread = 6 * np.sum(apart**2) ** 1.5
    acceleration = np.sum(apart**3) / spread if spread > 0 else 0.0
    bias = ndtri(below)
    shifted = bias + ndtri(levels)
    corrected: Floats = ndtr(bias + shifted / (1 - acceleration * shifted))
    return corrected


def caution(units: int, kind: str) -> str:
    """What so few specimens or images can and cannot show, in a sentence; "" for ten and more.

    >>> caution(1, "images")
    'With 1 image there is no interval: how far another image would differ is unknown.'
    """
    one = kind.removesuffix("s")
    if units < 2:
        return f"With {units} {one}, no interval can be given: the variation between {kind} is unknown."
    if units < 10:
        return (
            f"With {units} {kind} the interval is usually too narrow: it can show large differences, but not small "
            "ones."
        )
    return ""
