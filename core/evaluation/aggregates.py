"""From images to a test set: macro with intervals, micro from pooled counts, and the number of images behind each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.evaluation.counts import figure, plain
from core.evaluation.image_scores import ALL, ImageScores, figures_of
from core.evaluation.intervals import MeanWithInterval, mean_with_interval, units_of
from core.evaluation.metric import Metric
from core.evaluation.metric_table import FAMILIES, METRICS
from core.evaluation.settings import EvaluationSettings
from core.label_scheme import LabelScheme


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One metric of one class over all images.

    Parameters
    ----------
    macro
        Mean over the images where it is defined; NaN if it is defined nowhere.
    low, high
        Its interval; NaN with fewer than three specimens (or images).
    micro
        From counts pooled over all images; NaN where the metric cannot be pooled, and for the mean over classes.
    images, units
        How many images have a figure, and from how many specimens (or images) they are.
    """

    macro: float
    low: float
    high: float
    micro: float
    images: int
    units: int

    def to_json(self) -> dict[str, Any]:
        """Plain values, None for undefined."""
        shares = {name: plain(getattr(self, name)) for name in ("macro", "low", "high", "micro")}
        return {**shares, "images": self.images, "units": self.units}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Aggregate:
        """The inverse of `to_json`."""
        shares = {name: figure(values[name]) for name in ("macro", "low", "high", "micro")}
        return cls(**shares, images=values["images"], units=values["units"])


def values_of(images: Sequence[ImageScores], metric: str, class_ids: tuple[int, ...]) -> NDArray[np.float64]:
    """Figures of one metric, shape (images, classes); NaN for undefined and not measured. Read-only."""
    rows = [[image.value(metric, i) for i in class_ids] for image in images]
    values = np.array(rows, np.float64).reshape(len(images), len(class_ids))
    values.setflags(write=False)
    return values


def pooled_counts(images: Sequence[ImageScores]) -> dict[str, dict[int, Any]]:
    """Counts summed over images: family name to class id to counts."""
    pooled: dict[str, dict[int, Any]] = {}
    for family in FAMILIES:
        classes = {class_id for image in images for class_id in image.counts.get(family.name, {})}
        if classes:
            pooled[family.name] = {
                i: reduce(add, (im.counts[family.name][i] for im in images if i in im.counts.get(family.name, {})))
                for i in sorted(classes)
            }
    return pooled


def aggregate(
    images: Sequence[ImageScores], scheme: LabelScheme, settings: EvaluationSettings
) -> dict[str, dict[int, Aggregate]]:
    """Every metric that was measured, of every class.

    Parameters
    ----------
    images
        One or more.
    scheme, settings
        Of the evaluation.

    Returns
    -------
    dict
        Metric name to class id to aggregate. Under `ALL` (0) stands the mean over the classes that have a figure; for
        calibration, all pixels of the images.
    """
    units = units_of([image.membership for image in images], settings.intervals_over)

    def means(values: NDArray[np.float64], metric: Metric) -> MeanWithInterval:
        return mean_with_interval(values, units, metric.scale, settings.confidence_level)

    micro: Mapping[int, Mapping[str, float]] = figures_of(pooled_counts(images), scheme, pooled=True)
    result: dict[str, dict[int, Aggregate]] = {}
    for metric in METRICS:
        measured = any(metric.family.name in image.counts for image in images)
        if not measured:
            continue
        by_class = means(values_of(images, metric.name, scheme.ids), metric)
        rows = {i: _row(by_class, position) for position, i in enumerate(scheme.ids)}
        whole = values_of(images, metric.name, (ALL,))
        over_all = _row(by_class, len(scheme.ids))
        if np.isfinite(whole).any():
            over_all = _row(means(whole, metric), 0)
        pooled = {i: micro.get(i, {}).get(metric.name, float("nan")) for i in (ALL, *scheme.ids)}
        result[metric.name] = {
            i: Aggregate(*row[:3], pooled[i], *row[3:]) for i, row in {ALL: over_all, **rows}.items()
        }
    return result


def _row(columns: MeanWithInterval, position: int) -> tuple[float, float, float, int, int]:
    """One column as plain numbers: mean, low, high, images, units."""
    return (
        float(columns.mean[position]),
        float(columns.low[position]),
        float(columns.high[position]),
        int(columns.images[position]),
        int(columns.units[position]),
    )
