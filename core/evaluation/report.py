"""A test set's evaluation: scores of every image, confusion matrix, aggregates, settings and versions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import metadata
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

import core
from core.errors import DatasetError
from core.evaluation.aggregates import Aggregate, aggregate, pooled_counts, values_of
from core.evaluation.counts import plain
from core.evaluation.image_scores import ALL, ImageScores, score_image
from core.evaluation.intervals import Units, caution, units_of
from core.evaluation.label_pair import LabelPair
from core.evaluation.metric import Metric
from core.evaluation.metric_table import METRICS, metric_named
from core.evaluation.overlap import OverlapCounts
from core.evaluation.settings import EvaluationSettings
from core.imaging.object_pyramid import ObjectIds
from core.label_scheme import LabelScheme
from core.wording import some_of

FORMAT: Final = "cristae-evaluation-report"
VERSION: Final = 2
"""1 was the overlap report; its keys are still where they were."""

_NOTHING: Final = Aggregate(float("nan"), float("nan"), float("nan"), float("nan"), 0, 0)


@dataclass(frozen=True, slots=True)
class TestImage:
    """One image to evaluate; its arrays are loaded when its turn comes.

    Parameters
    ----------
    name
        Unique in the test set.
    load_reference, load_prediction
        Label maps, uint8, class ids.
    group
        Specimen, "" where unknown.
    pixel_size_nm
        None where unknown: then there are no distances.
    load_confidence
        uint8, 255 times the probability of the predicted class; None: no calibration error.
    load_reference_ids, load_prediction_ids
        Ids of the objects of the label map that they are called with; None: its connected pieces are its objects.
    """

    __test__ = False  # not for pytest

    name: str
    load_reference: Callable[[], NDArray[np.uint8]]
    load_prediction: Callable[[], NDArray[np.uint8]]
    group: str = ""
    pixel_size_nm: float | None = None
    load_confidence: Callable[[], NDArray[np.uint8]] | None = None
    load_reference_ids: Callable[[NDArray[np.uint8]], ObjectIds | None] | None = None
    load_prediction_ids: Callable[[NDArray[np.uint8]], ObjectIds | None] | None = None
    specimen: str = ""


@dataclass(frozen=True, eq=False)
class EvaluationReport:
    """Everything an evaluation found; make it with `evaluate` or `build_report`.

    Parameters
    ----------
    scheme
        The classes.
    settings
        As used, nothing left to guess.
    images
        Scores of the images, in the order given.
    aggregates
        Metric name to class id (`ALL` for all classes) to figures over the test set.
    versions
        Of the programs that worked it out.
    unscored
        Images of the test set that have no scores, and why. Not empty: the report is partial.
    """

    scheme: LabelScheme
    settings: EvaluationSettings
    images: tuple[ImageScores, ...]
    aggregates: Mapping[str, Mapping[int, Aggregate]]
    versions: Mapping[str, str]
    unscored: Mapping[str, str] = field(default_factory=dict)

    @property
    def partial(self) -> bool:
        """Whether images of the test set are missing."""
        return bool(self.unscored)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The metrics that were measured, in the order of the table."""
        return tuple(metric for metric in METRICS if metric.name in self.aggregates)

    @property
    def matrix(self) -> NDArray[np.int64]:
        """Confusion matrix over all images: rows reference, columns prediction, background first."""
        total: NDArray[np.int64] = np.sum([image.matrix for image in self.images], axis=0, dtype=np.int64)
        return total

    @property
    def unit_kind(self) -> str:
        """What the intervals are over, a `UnitKind`."""
        return str(self._units.kind)

    @property
    def caution(self) -> str:
        """What so few specimens or images can and cannot show; "" for ten and more."""
        return caution(self._units.count, self.unit_kind)

    @cached_property
    def _units(self) -> Units:
        return units_of([image.membership for image in self.images], self.settings.intervals_over)

    def values(self, metric: str) -> NDArray[np.float64]:
        """Figures of one metric, shape (images, classes of the scheme), NaN for undefined. Read-only."""
        return self._table[metric_named(metric).name]

    @cached_property
    def _table(self) -> Mapping[str, NDArray[np.float64]]:
        return {metric.name: values_of(self.images, metric.name, self.scheme.ids) for metric in METRICS}

    def figure(self, metric: str, class_id: int = ALL) -> Aggregate:
        """One metric of one class over the test set; an empty aggregate where it was not measured."""
        return self.aggregates.get(metric_named(metric).name, {}).get(class_id, _NOTHING)

    def to_json(self) -> dict[str, Any]:
        """The whole report as plain values; undefined is null."""
        pooled = pooled_counts(self.images)
        return {
            "format": FORMAT,
            "version": VERSION,
            "conventions": {
                "both_empty": "null, excluded from means",
                "ignore": "255 in the reference is excluded",
                "macro": "mean over images where defined",
                "micro": "from counts pooled over images",
                "interval": f"{self.settings.confidence_level:.0%} t interval over {self.unit_kind}",
            },
            "metrics": [
                {name: str(getattr(metric, name)) for name in ("name", "title", "formula", "unit", "empty", "source")}
                | {"better": str(metric.better)}
                for metric in self.metrics
            ],
            "settings": self.settings.to_json(),
            "versions": dict(self.versions),
            "scheme": self.scheme.to_json(),
            "images_evaluated": len(self.images),
            "partial": self.partial,
            "unscored": dict(self.unscored),
            "caution": self.caution,
            "mean_macro": {name: plain(rows[ALL].macro) for name, rows in self.aggregates.items()},
            "all_classes": {name: rows[ALL].to_json() for name, rows in self.aggregates.items()},
            "matrix": self.matrix.tolist(),
            "classes": [self._class_json(item.id, pooled["overlap"][item.id]) for item in self.scheme.classes],
            "images": [image.to_json(self.scheme) for image in self.images],
        }

    def _class_json(self, class_id: int, pooled: OverlapCounts) -> dict[str, Any]:
        """One class: means, numbers of images, pooled figures, intervals."""
        rows = {name: by_class[class_id] for name, by_class in self.aggregates.items()}
        return {
            "id": class_id,
            "name": self.scheme.name_of(class_id),
            "macro": {name: plain(row.macro) for name, row in rows.items()},
            "defined_images": {name: row.images for name, row in rows.items()},
            "micro": pooled.to_json() | {name: plain(row.micro) for name, row in rows.items()},
            "figures": {name: row.to_json() for name, row in rows.items()},
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> EvaluationReport:
        """The inverse of `to_json`; figures are read, not worked out anew.

        Raises
        ------
        DatasetError
            Not such a report, or of another version.
        """
        if values.get("format") != FORMAT or values.get("version") != VERSION:
            raise DatasetError(
                f"This is not an evaluation report of version {VERSION} (format {values.get('format')!r}, version "
                f"{values.get('version')!r}).",
                "Evaluate again with this version of Cristae.",
            )
        by_class = {ALL: values["all_classes"]} | {item["id"]: item["figures"] for item in values["classes"]}
        return cls(
            LabelScheme.from_json(values["scheme"]),
            EvaluationSettings.from_json(values["settings"]),
            tuple(ImageScores.from_json(image) for image in values["images"]),
            {
                name: {class_id: Aggregate.from_json(rows[name]) for class_id, rows in by_class.items()}
                for name in values["all_classes"]
            },
            values["versions"],
            values["unscored"],
        )


def evaluate(
    images: Sequence[TestImage],
    scheme: LabelScheme,
    settings: EvaluationSettings | None = None,
    *,
    on_image: Callable[[str], None] | None = None,
) -> EvaluationReport:
    """Score the predictions of a test set, one image in memory at a time.

    Parameters
    ----------
    images
        The test set.
    scheme
        The classes.
    settings
        How to measure; None: the defaults.
    on_image
        Called with the name of each image that is done.

    Raises
    ------
    DatasetError
        No image to score.
    LabelMapError
        A pair of different sizes, or ids that are not in the scheme.
    """
    used = resolved_settings(images, scheme, settings or EvaluationSettings())
    scores = []
    for image in images:
        scores.append(score_test_image(image, scheme, used))
        if on_image:
            on_image(image.name)
    return build_report(scores, scheme, used)


def resolved_settings(
    images: Sequence[TestImage], scheme: LabelScheme, settings: EvaluationSettings
) -> EvaluationSettings:
    """The settings with the tolerance and the kinds of classes filled in for this test set."""
    return settings.resolved(scheme, [image.pixel_size_nm for image in images if image.pixel_size_nm is not None])


def score_test_image(image: TestImage, scheme: LabelScheme, settings: EvaluationSettings) -> ImageScores:
    """Load one image's arrays and score them; settings as from `resolved_settings`."""
    confidence = image.load_confidence() if image.load_confidence else None
    reference, prediction = image.load_reference(), image.load_prediction()
    pair = LabelPair(
        reference, prediction, scheme, settings, image.pixel_size_nm, confidence,
        image.load_reference_ids(reference) if image.load_reference_ids else None,
        image.load_prediction_ids(prediction) if image.load_prediction_ids else None,
    )  # fmt: skip
    return score_image(pair, image.name, group=image.group, specimen=image.specimen)


def build_report(
    images: Sequence[ImageScores],
    scheme: LabelScheme,
    settings: EvaluationSettings,
    *,
    unscored: Mapping[str, str] | None = None,
) -> EvaluationReport:
    """A report from scores of images, which may have been kept from an evaluation that was interrupted.

    Parameters
    ----------
    images
        Scores, all with these settings.
    scheme, settings
        As they were scored with.
    unscored
        Images of the test set without scores, and why.

    Raises
    ------
    DatasetError
        No image, or one twice.
    """
    if not images:
        raise DatasetError("There are no images to evaluate.", "Add at least one test image with a reference.")
    twice = sorted(name for name, times in Counter(image.name for image in images).items() if times > 1)
    if twice:
        raise DatasetError(f"The test set contains {some_of(twice)} more than once.", ("List every image only once."))
    return EvaluationReport(
        scheme, settings, tuple(images), aggregate(images, scheme, settings), versions(), dict(unscored or {})
    )


def versions() -> dict[str, str]:
    """Of Cristae and of the libraries that the figures rest on."""
    libraries = ("numpy", "scipy", "connected-components-3d")
    return {"cristae": core.__version__} | {name: metadata.version(name) for name in libraries}
