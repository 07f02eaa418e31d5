"""How sure a mean over few images is: t intervals over what was sampled, specimens or images, never over pixels.

The spread between units (specimens, else stacks, else images) is what another sample would differ by, so n is their
number. Shares have their intervals on the logit scale and sizes on the log scale, where means of few are nearer to
normal and no end lies where no value can. At three to twenty units these hold 93 to 96 of 100 true means at the spreads
of real data, which the bootstrap does not (76 of 100 at three): tests/core/evaluation/test_coverage.py.
Student 1908, 10.1093/biomet/6.1.1; means of clusters of unequal size: Cochran 1977, Sampling Techniques, chapter 6.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, stdtr, stdtrit

from core.evaluation.settings import UnitChoice
from core.wording import counted

LEVEL: Final = 0.95
"""Of intervals for which nobody chose another one."""

LEAST_UNITS: Final = 3
"""Below that there is no interval: two values say next to nothing about how far a third would differ (t is 12.7)."""

FEW_UNITS: Final = 10
"""Below that a word of caution stands beside every interval."""

Floats = NDArray[np.float64]


class Scale(StrEnum):
    """Where an interval is worked out."""

    SHARE = "share"
    """Between 0 and 1: logit."""
    POSITIVE = "positive"
    """Above 0 (sizes, distances, numbers): log."""
    SIGNED = "signed"
    """Either side of 0 (differences): as it is."""


class UnitKind(StrEnum):
    """What was sampled."""

    SPECIMENS = "specimens"
    """Every image says of which specimen it is."""
    STACKS = "stacks"
    """Nobody recorded specimens; images are planes of stacks."""
    IMAGES = "images"
    UNITS = "units"
    """Some images say of which specimen they are, others do not."""


class Membership(NamedTuple):
    """What an image belongs to, "" for what nobody recorded."""

    specimen: str
    stack: str


@dataclass(frozen=True, slots=True)
class Units:
    """What counts as one.

    Parameters
    ----------
    kind
        What they are.
    index
        int64, unit of each image.
    count
        How many units there are.
    """

    kind: UnitKind
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
    error
        float64, standard error of the mean, on its own scale; NaN with fewer than two units.
    """

    mean: Floats
    low: Floats
    high: Floats
    images: NDArray[np.int64]
    units: NDArray[np.int64]
    error: Floats


def units_of(members: Sequence[Membership], choice: UnitChoice = UnitChoice.AUTO) -> Units:
    """What counts as one: specimens, else stacks, where there are two or more; images without either stand alone.

    A specimen is what somebody recorded. Planes of one stack are never counted as independent, but no stack is called a
    specimen.

    Parameters
    ----------
    members
        What each image belongs to.
    choice
        As in the settings: images on request.
    """
    names = [
        f"1{one.specimen}" if one.specimen else f"2{one.stack}" if one.stack else f"3{position}"
        for position, one in enumerate(members)
    ]
    distinct, index = np.unique(np.array(names, dtype=object).astype(str), return_inverse=True)
    kind = kind_of_units(members)
    several = kind is not UnitKind.IMAGES and len(distinct) >= 2
    if choice is UnitChoice.IMAGES or (choice is UnitChoice.AUTO and not several):
        return Units(UnitKind.IMAGES, np.arange(len(members)), len(members))
    return Units(kind, index.astype(np.int64), len(distinct))


def kind_of_units(members: Iterable[Membership]) -> UnitKind:
    """What images belong to, if it is the same for all; images where there are none.

    >>> str(kind_of_units([Membership("mouse 1", ""), Membership("", "block 3")]))
    'units'
    """
    kinds = {
        UnitKind.SPECIMENS if one.specimen else UnitKind.STACKS if one.stack else UnitKind.IMAGES for one in members
    }
    return UnitKind.UNITS if len(kinds) > 1 else kinds.pop() if kinds else UnitKind.IMAGES


def mean_with_interval(
    values: Floats, units: Units, scale: Scale, level: float = LEVEL, *, weights: Floats | None = None
) -> MeanWithInterval:
    """Means over images with t intervals over units, and as a last column the mean over columns.

    Images weigh alike in the mean, unless ``weights`` are given. The error is that of a mean of clusters: what each
    unit's images add to the difference from the mean, so that images of one specimen count together. Where units have
    one image each, or as many as each other, it is that of Student's t over the units' means.

    Parameters
    ----------
    values
        float64, shape (images, columns), NaN for undefined.
    units
        What counts as one, of the same images.
    scale
        Of the values.
    level
        Share of intervals that hold the true mean.
    weights
        float64, shape (images,), above 0: of ratios what they are divided by, so that their mean is the ratio of the
        sums. None: all alike.

    Returns
    -------
    MeanWithInterval
        One entry per column and one more for the mean of the columns. An interval needs `LEAST_UNITS` with a figure;
        that of the mean of the columns also a second one in each of them.
    """
    defined = np.isfinite(values)
    weight = defined * (np.ones(len(values)) if weights is None else weights)[:, np.newaxis]
    images, total = defined.sum(0), weight.sum(0)
    mean = np.full(values.shape[1], np.nan)
    np.divide((np.where(defined, values, 0.0) * weight).sum(0), total, out=mean, where=images > 0)
    apart = np.zeros((units.count, values.shape[1]))
    np.add.at(apart, units.index, np.where(defined, values - mean, 0.0) * weight)
    share = np.zeros_like(apart)
    np.divide(apart, total, out=share, where=images > 0)
    there = np.zeros((units.count, values.shape[1]), bool)
    np.logical_or.at(there, units.index, defined)
    columns = images > 0
    number = max(int(columns.sum()), 1)
    mean = np.append(mean, mean[columns].mean() if columns.any() else np.nan)
    share = np.column_stack([share, share.sum(1) / number])
    there = np.column_stack([there, there.any(1)])
    error = _errors(share, there)
    if (there.sum(0) == 1)[:-1].any():
        error[-1] = np.nan  # how far a column varies that one unit has is unknown, and so is the mean's error
    low, high = _ends(mean, error, there.sum(0), scale, level)
    return MeanWithInterval(mean, low, high, np.append(images, defined.any(1).sum()), there.sum(0), error)


def _errors(share: Floats, there: NDArray[np.bool_]) -> Floats:
    """Standard errors of means from what each unit adds to them; NaN with fewer than two units."""
    count = there.sum(0)
    errors = np.full(share.shape[1], np.nan)
    several = count >= 2
    squares = (share**2).sum(0)
    errors[several] = np.sqrt(squares[several] * count[several] / (count[several] - 1))
    return errors


def _ends(mean: Floats, error: Floats, count: NDArray[np.int64], scale: Scale, level: float) -> tuple[Floats, Floats]:
    """Both ends; NaN with fewer than `LEAST_UNITS`."""
    low, high = np.full(len(mean), np.nan), np.full(len(mean), np.nan)
    for place in np.flatnonzero(count >= LEAST_UNITS).tolist():
        reach = float(stdtrit(float(count[place] - 1), (1 + level) / 2)) * float(error[place])
        low[place], high[place] = interval_ends(float(mean[place]), reach, scale)
    return low, high


def interval_ends(mean: float, reach: float, scale: Scale) -> tuple[float, float]:
    """Both ends of an interval that reaches so far on the plain scale.

    >>> [round(end, 3) for end in interval_ends(0.97, 0.04, Scale.SHARE)]
    [0.891, 0.992]
    >>> [round(end, 1) for end in interval_ends(100.0, 50.0, Scale.POSITIVE)]
    [60.7, 164.9]
    >>> interval_ends(0.0, 0.5, Scale.SIGNED)
    (-0.5, 0.5)
    """
    if scale is Scale.SHARE and 0 < mean < 1:
        middle, wide = float(logit(mean)), reach / (mean * (1 - mean))
        return float(expit(middle - wide)), float(expit(middle + wide))
    if scale is Scale.POSITIVE and mean > 0:
        factor = float(np.exp(min(reach / mean, 700.0)))
        return mean / factor, mean * factor
    return mean - reach, mean + reach


def p_values(found: MeanWithInterval) -> Floats:
    """Two-sided p of each column's mean being 0; NaN with fewer than `LEAST_UNITS`, 0 without any spread."""
    p = np.full(len(found.mean), np.nan)
    for place in np.flatnonzero(found.units >= LEAST_UNITS).tolist():
        mean, error = abs(float(found.mean[place])), float(found.error[place])
        if error != error:
            continue
        ratio = mean / error if error > 0 else np.inf if mean > 0 else 0.0
        p[place] = 2 * float(stdtr(float(found.units[place] - 1), -ratio))
    return p


def holm(p: Sequence[float]) -> list[float]:
    """P values adjusted for their number; NaN ones are no comparisons and stay NaN. Holm 1979, Scandinavian Journal of
    Statistics 6:65-70.

    >>> [round(each, 3) for each in holm([0.01, 0.04, 0.03, float("nan")])]
    [0.03, 0.06, 0.06, nan]
    """
    values = np.asarray(p, np.float64)
    adjusted = np.full(len(values), np.nan)
    order = np.argsort(values)[: np.count_nonzero(np.isfinite(values))]  # NaN sorts last
    steps = values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0) if len(order) else steps
    return [float(each) for each in adjusted]


def caution(units: int, kind: str) -> str:
    """What so few specimens or images can and cannot show, in a sentence; "" for ten and more.

    >>> caution(1, "images")
    'With 1 image no interval can be given: how far another image would differ is unknown.'
    >>> caution(12, "images")
    ''
    """
    one = kind.removesuffix("s")
    if units < LEAST_UNITS:
        return (
            f"With {units} {one if units == 1 else kind} no interval can be given: how far another {one} would differ "
            "is unknown."
        )
    if units < FEW_UNITS:
        return f"With {counted(units, one)} the interval can show large differences, but not small ones."
    return ""
