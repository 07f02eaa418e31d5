"""Two evaluations of the same test set side by side: differences of the same images, paired."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import DatasetError
from core.evaluation.counts import plain
from core.evaluation.image_scores import ALL
from core.evaluation.intervals import (
    MeanWithInterval,
    Scale,
    caution,
    holm,
    mean_with_interval,
    p_values,
    units_of,
)
from core.evaluation.metric import Better, Metric
from core.evaluation.report import EvaluationReport
from core.evaluation.settings import MEASURING
from core.wording import some_of

SMALLEST_SHARE: Final = 0.02
"""The smallest difference of a share (Dice and the like) that counts, whatever its interval. Two trainings that differ
in their seed only differ by .01 to .03 of a class's Dice, on every image alike, which no interval over images sees."""

SMALLEST_BY_UNIT: Final = {"": SMALLEST_SHARE, "nm": 1.0, "objects": 0.1}
"""The same for each unit of a metric: 1 nm is less than half a pixel of any usual section, 0.1 objects are one object
in ten images."""


class Verdict(StrEnum):
    """What a paired difference says of two models on these images; not of two ways of training."""

    BETTER = "better"
    WORSE = "worse"
    UNCLEAR = "unclear"
    """It may be chance (p adjusted for the number of classes), or too few images have a figure."""
    SAME = "same"
    """No difference that matters: clear or not, it is smaller than what counts."""


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """After minus before of one metric and class.

    Parameters
    ----------
    mean, low, high
        Mean over the images where both have a figure, with its interval. Of figures that are best near zero,
        the difference of their sizes.
    images, units
        How many images and specimens (or images) are behind it.
    verdict
        Whether it can be chance, adjusted for the number of classes, and whether it is large enough to count.
    """

    mean: float
    low: float
    high: float
    images: int
    units: int
    verdict: Verdict

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        shares = {name: plain(getattr(self, name)) for name in ("mean", "low", "high")}
        return {**shares, "images": self.images, "units": self.units, "verdict": str(self.verdict)}


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Differences between two reports.

    Parameters
    ----------
    names
        Images that both have, in the order of the later report.
    left_out
        Images that only one has.
    differences
        Metric name to class id (`ALL`: the mean over classes) to difference.
    by_image
        Metric name to differences per image, float64, shape (images, classes).
    unit_kind, caution
        What the intervals are over, and what so few of them can show.
    """

    names: tuple[str, ...]
    left_out: tuple[str, ...]
    differences: Mapping[str, Mapping[int, PairedDifference]]
    by_image: Mapping[str, NDArray[np.float64]]
    unit_kind: str
    caution: str


def compare(before: EvaluationReport, after: EvaluationReport) -> Comparison:
    """Paired differences, after minus before, over the images that both evaluated.

    Parameters
    ----------
    before, after
        Evaluations of two models or rounds against the same references. Settings of the intervals are those of
        ``after``.

    Raises
    ------
    DatasetError
        No image in common, other classes, other ways of measuring, or a reference or a pixel size that has changed in
        between.
    """
    first, second = ({image.name: image for image in report.images} for report in (before, after))
    names = tuple(name for name in second if name in first)
    _check(before, after, names)
    units = units_of([second[name].membership for name in names], after.settings.intervals_over)
    shared = [metric for metric in after.metrics if metric.name in before.aggregates]
    rows = _places(before, names), _places(after, names)
    by_image = {metric.name: _difference(metric, before, after, rows) for metric in shared}
    differences = {}
    for metric in shared:
        found = mean_with_interval(by_image[metric.name], units, Scale.SIGNED, after.settings.confidence_level)
        order = (*after.scheme.ids, ALL)
        p = p_values(found).tolist()
        clear = [each < 1 - after.settings.confidence_level for each in (*holm(p[:-1]), p[-1])]
        differences[metric.name] = {i: _paired(metric, found, place, clear[place]) for place, i in enumerate(order)}
    left_out = tuple(sorted(set(first) ^ set(second)))
    return Comparison(names, left_out, differences, by_image, str(units.kind), caution(units.count, str(units.kind)))


def _places(report: EvaluationReport, names: tuple[str, ...]) -> NDArray[np.int64]:
    """Where the images of these names stand in a report."""
    place = {image.name: position for position, image in enumerate(report.images)}
    return np.array([place[name] for name in names], np.int64)


def _difference(
    metric: Metric,
    before: EvaluationReport,
    after: EvaluationReport,
    rows: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> NDArray[np.float64]:
    """After minus before, per image of these rows and class."""
    one, other = before.values(metric.name)[rows[0]], after.values(metric.name)[rows[1]]
    if metric.better is Better.NEAREST_ZERO:
        one, other = np.abs(one), np.abs(other)
    difference: NDArray[np.float64] = other - one
    return difference


def _paired(metric: Metric, found: MeanWithInterval, position: int, clear: bool) -> PairedDifference:
    """One column with its verdict."""
    mean, low, high = (float(values[position]) for values in (found.mean, found.low, found.high))
    verdict = _verdict(metric, mean, low, high, clear)
    return PairedDifference(mean, low, high, int(found.images[position]), int(found.units[position]), verdict)


def smallest_that_counts(metric: Metric) -> float:
    """Below this size a mean difference of a metric is none that matters."""
    return SMALLEST_BY_UNIT.get(metric.unit, 0.0)


def _verdict(metric: Metric, mean: float, low: float, high: float, clear: bool) -> Verdict:
    """Of a mean difference and its interval (NaN: there is none), and whether it is no chance."""
    smallest = smallest_that_counts(metric)
    if (clear and abs(mean) < smallest) or max(abs(low), abs(high)) < smallest:
        return Verdict.SAME
    if not clear:
        return Verdict.UNCLEAR
    return Verdict.BETTER if (mean > 0) == (metric.better is Better.HIGHER) else Verdict.WORSE


def _check(before: EvaluationReport, after: EvaluationReport, names: tuple[str, ...]) -> None:
    """Refuse what cannot be compared."""
    if not names:
        raise DatasetError(
            "The two evaluations have no images in common.", ("Evaluate both models on the same test set.")
        )
    classes = [{(c.id, c.name) for c in report.scheme.classes} for report in (before, after)]
    if classes[0] != classes[1]:
        other = ", ".join(sorted(name for _, name in classes[0] ^ classes[1]))
        raise DatasetError(f"The two evaluations have different classes ({other}).", "Use one label scheme for both.")
    for name in MEASURING:
        one, two = getattr(before.settings, name), getattr(after.settings, name)
        if one != two:
            raise DatasetError(
                f"The two evaluations have different settings: {name} is {one} and {two}.",
                "Evaluate both with the same settings.",
            )
    first, second = ({image.name: image for image in report.images} for report in (before, after))
    changed = [name for name in names if not np.array_equal(first[name].matrix.sum(1), second[name].matrix.sum(1))]
    if changed:
        raise DatasetError(
            f"The reference of {some_of(changed)} changed between the two evaluations.",
            "Evaluate both models again with the current reference.",
        )
    for name in names:
        sizes = [images[name].pixel_size_nm for images in (first, second)]
        if sizes[0] != sizes[1]:
            words = " and ".join("unknown" if size is None else f"{size:g} nm" for size in sizes)
            raise DatasetError(
                f"The pixel size of {name} changed between the two evaluations ({words}).",
                "Evaluate both models again with the current pixel size.",
            )
