"""Overlap metrics: counts first, ratios derived from them.

Both empty is undefined (NaN), one empty is 0; pixels that are *ignore* in the reference count nowhere: docs/metrics.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.evaluation.confusion import confusion
from core.evaluation.counts import Counts, plain, ratio
from core.evaluation.label_pair import LabelPair
from core.evaluation.metric import Family

__all__ = ["OVERLAP", "OverlapCounts", "confusion", "counts_from_confusion"]


@dataclass(frozen=True, slots=True)
class OverlapCounts(Counts):
    """Pixels of one class in one image, or summed over several.

    Parameters
    ----------
    tp, fp, fn, tn
        True positives, false positives, false negatives, true negatives, in pixels.
    """

    tp: int
    fp: int
    fn: int
    tn: int

    def __add__(self, other: Self) -> Self:
        return type(self)(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.tn + other.tn)

    @property
    def dice(self) -> float:
        """2 TP / (2 TP + FP + FN), which is F1. NaN if the class is in neither map."""
        return ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def iou(self) -> float:
        """TP / (TP + FP + FN). NaN if the class is in neither map."""
        return ratio(self.tp, self.tp + self.fp + self.fn)

    @property
    def precision(self) -> float:
        """TP / (TP + FP). NaN if the class is in neither map, 0 if it was only missed."""
        return self._against(self.tp + self.fp)

    @property
    def recall(self) -> float:
        """TP / (TP + FN). NaN if the class is in neither map, 0 if it was only invented."""
        return self._against(self.tp + self.fn)

    @property
    def specificity(self) -> float:
        """TN / (TN + FP). NaN if the class fills the reference."""
        return ratio(self.tn, self.tn + self.fp)

    def _against(self, found: int) -> float:
        """TP over a marginal, with the rule for one empty side."""
        if self.tp + self.fp + self.fn == 0:
            return float("nan")
        return ratio(self.tp, found) if found else 0.0

    def to_json(self) -> dict[str, Any]:
        """Counts and ratios as plain values, None for undefined."""
        ratios = {name: getattr(self, name) for name in ("dice", "iou", "precision", "recall", "specificity")}
        return {"tp": self.tp, "fp": self.fp, "fn": self.fn, "tn": self.tn} | {n: plain(v) for n, v in ratios.items()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        return cls(values["tp"], values["fp"], values["fn"], values["tn"])


def counts_from_confusion(matrix: NDArray[np.int64]) -> tuple[OverlapCounts, ...]:
    """Counts of each class from a confusion matrix with the reference in its rows."""
    total = int(matrix.sum())
    results = []
    for position in range(len(matrix)):
        tp = int(matrix[position, position])
        fp = int(matrix[:, position].sum()) - tp
        fn = int(matrix[position].sum()) - tp
        results.append(OverlapCounts(tp, fp, fn, total - tp - fp - fn))
    return tuple(results)


def measure_overlap(pair: LabelPair, class_ids: tuple[int, ...]) -> dict[int, OverlapCounts]:
    """Pixel counts of the classes, read off the confusion matrix."""
    by_class = dict(zip(pair.class_ids, counts_from_confusion(pair.matrix), strict=True))
    return {class_id: by_class[class_id] for class_id in class_ids}


OVERLAP = Family("overlap", lambda pair: pair.scheme.ids, measure_overlap, OverlapCounts)
