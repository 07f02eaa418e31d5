"""The scores of one image: what an evaluation works out, and what it keeps."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.evaluation.counts import Counts, figure, plain
from core.evaluation.intervals import Membership
from core.evaluation.label_pair import LabelPair
from core.evaluation.metric import Family
from core.evaluation.metric_table import FAMILIES, METRICS
from core.label_scheme import LabelScheme

ALL: Final = 0
"""In place of a class: the mean over classes; for calibration, all pixels of the image."""


_NOTHING: Final[Mapping[str, float]] = {}


@dataclass(frozen=True, slots=True, eq=False)
class ImageScores:
    """What was counted in one image, and the figures from it.

    Parameters
    ----------
    name, group, specimen
        The image, what it belongs to (its specimen, else its stack), and the specimen where somebody recorded it.
    pixel_size_nm
        None where unknown.
    matrix
        int64, confusion matrix, rows reference, columns prediction, background first. Read-only.
    ignored_px
        Pixels of the reference that are *ignore* and counted nowhere.
    counts
        Family name to class id to counts. A family leaves out classes that it has nothing to say about.
    values
        Class id to metric name to figure (NaN: undefined), of the metrics of these families.
    reference_by_id, prediction_by_id
        The classes whose objects ids tell apart in the reference and in the prediction; of the others pieces count.
    """

    name: str
    group: str
    pixel_size_nm: float | None
    matrix: NDArray[np.int64]
    ignored_px: int
    counts: Mapping[str, Mapping[int, Any]]
    values: Mapping[int, Mapping[str, float]]
    reference_by_id: tuple[int, ...] = ()
    prediction_by_id: tuple[int, ...] = ()
    specimen: str = ""

    @property
    def membership(self) -> Membership:
        """What intervals count the image to; a group that is only the image's own name is none."""
        return Membership(self.specimen, "" if self.group in (self.specimen, self.name) else self.group)

    def value(self, metric: str, class_id: int) -> float:
        """One figure, NaN for undefined and not measured."""
        return self.values.get(class_id, _NOTHING).get(metric, math.nan)

    def to_json(self, scheme: LabelScheme) -> dict[str, Any]:
        """Plain values: per class pixel counts and figures, and what the other families counted."""
        classes = {}
        for class_id in (ALL, *scheme.ids):
            others = {
                family.name: self.counts[family.name][class_id].to_json()
                for family in FAMILIES
                if class_id in self.counts.get(family.name, {})
            }
            entry = others.pop("overlap", {}) | {n: plain(v) for n, v in self.values.get(class_id, {}).items()}
            if entry or others:
                classes[scheme.name_of(class_id) if class_id else "all"] = entry | {"id": class_id, "counts": others}
        whole = classes.pop("all", None)
        return {
            "name": self.name,
            "group": self.group,
            "specimen": self.specimen,
            "pixel_size_nm": self.pixel_size_nm,
            "ignored_px": self.ignored_px,
            "matrix": self.matrix.tolist(),
            "classes": classes,
            "all_pixels": whole,
            "objects_by_id": {"reference": list(self.reference_by_id), "prediction": list(self.prediction_by_id)},
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> ImageScores:
        """The inverse of `to_json`."""
        entries = [*values["classes"].values(), *([values["all_pixels"]] if values["all_pixels"] else [])]
        counts: dict[str, dict[int, Counts]] = {}
        figures: dict[int, dict[str, float]] = {}
        for entry in entries:
            class_id = entry["id"]
            for family in FAMILIES:
                told = entry if family.name == "overlap" and "tp" in entry else entry["counts"].get(family.name)
                if told is not None:
                    counts.setdefault(family.name, {})[class_id] = family.counts.from_json(told)
            figures[class_id] = {m.name: figure(entry[m.name]) for m in METRICS if m.name in entry}
        matrix = np.array(values["matrix"], np.int64)
        matrix.setflags(write=False)
        by_id = values.get("objects_by_id", {})
        return cls(
            values["name"], values["group"], values["pixel_size_nm"], matrix, values["ignored_px"], counts, figures,
            tuple(by_id.get("reference", ())), tuple(by_id.get("prediction", ())), values.get("specimen", ""),
        )  # fmt: skip


def score_image(
    pair: LabelPair,
    name: str,
    *,
    group: str = "",
    specimen: str = "",
    threads: int = 2,
    check: Callable[[], None] = lambda: None,
) -> ImageScores:
    """Every metric of the table for one image.

    Parameters
    ----------
    pair
        Reference and prediction.
    name, group, specimen
        As in `ImageScores`.
    threads
        Families worked out at once; the order does not change the figures.
    check
        Called before each family; what it raises ends the scoring.
    """

    def measure(job: tuple[Family, tuple[int, ...]]) -> Mapping[int, Any]:
        check()
        return job[0].measure(pair, job[1])

    jobs = [(family, classes) for family in reversed(FAMILIES) if (classes := family.classes(pair))]
    with ThreadPoolExecutor(max_workers=threads) as pool:
        found = list(pool.map(measure, jobs))
    counts = {job[0].name: result for job, result in zip(reversed(jobs), reversed(found), strict=True)}
    reference_by_id, prediction_by_id = (
        () if ids is None else ids.class_ids for ids in (pair.reference_ids, pair.prediction_ids)
    )
    return ImageScores(
        name, group, pair.pixel_size_nm, pair.matrix, pair.ignored_px, counts, figures_of(counts, pair.scheme),
        reference_by_id, prediction_by_id, specimen,
    )  # fmt: skip


def figures_of(
    counts: Mapping[str, Mapping[int, Any]], scheme: LabelScheme, *, pooled: bool = False
) -> dict[int, dict[str, float]]:
    """Figures from counts: class id to metric name to figure.

    Parameters
    ----------
    counts
        Family name to class id to counts.
    scheme
        The classes.
    pooled
        Whether the counts are of several images: then metrics that cannot be pooled are left out.
    """
    figures: dict[int, dict[str, float]] = {}
    for metric in METRICS:
        if pooled and not metric.pools:
            continue
        by_class = counts.get(metric.family.name, {})
        for class_id in (ALL, *scheme.ids):
            if class_id in by_class:
                figures.setdefault(class_id, {})[metric.name] = metric.value(by_class[class_id])
    return figures
