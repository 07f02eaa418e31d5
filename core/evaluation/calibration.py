"""Expected calibration error: how far stated confidence and real accuracy are apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from core.evaluation.counts import Counts
from core.evaluation.instances import bands
from core.evaluation.label_pair import LabelPair
from core.evaluation.metric import Family
from core.label_scheme import IGNORE_ID

_LEVELS = 256
"""Of an 8-bit confidence map: 255 is sure."""


@dataclass(frozen=True, slots=True)
class CalibrationCounts(Counts):
    """Pixels predicted as one class, by confidence. The class 0 stands for all pixels of the image.

    Parameters
    ----------
    pixels, correct
        Of each bin, from unsure to sure.
    confidence_sum
        Sum of the confidences (0 to 1) in each bin.
    """

    pixels: tuple[int, ...]
    correct: tuple[int, ...]
    confidence_sum: tuple[float, ...]

    def __add__(self, other: Self) -> Self:
        return type(self)(
            tuple(a + b for a, b in zip(self.pixels, other.pixels, strict=True)),
            tuple(a + b for a, b in zip(self.correct, other.correct, strict=True)),
            tuple(a + b for a, b in zip(self.confidence_sum, other.confidence_sum, strict=True)),
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "pixels": list(self.pixels),
            "correct": list(self.correct),
            "confidence_sum": list(self.confidence_sum),
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        return cls(tuple(values["pixels"]), tuple(values["correct"]), tuple(values["confidence_sum"]))


def expected_calibration_error(counts: CalibrationCounts) -> float:
    """Mean over pixels of | accuracy - confidence | of their bin. NaN where nothing was predicted as the class."""
    total = sum(counts.pixels)
    apart = sum(abs(right - sure) for right, sure in zip(counts.correct, counts.confidence_sum, strict=True))
    return apart / total if total else float("nan")


def measure_calibration(pair: LabelPair, class_ids: tuple[int, ...]) -> dict[int, CalibrationCounts]:
    """Counts by confidence of the pixels predicted as each class, and of all pixels under class 0.

    Bins are equally wide over 0 to 1; uncovered pixels count nowhere.
    """
    table = np.zeros(IGNORE_ID + 1, np.uint16)
    order = pair.class_ids
    table[list(order)] = range(len(order))
    counted = np.zeros(len(order) * 2 * _LEVELS, np.int64)
    if pair.confidence_yx is not None:
        for rows in bands(pair.reference_yx.shape):
            predicted, reference = pair.prediction_yx[rows], pair.reference_yx[rows]
            key = table[predicted].astype(np.int64) << 9 | (predicted == reference).astype(np.int64) << 8
            key |= pair.confidence_yx[rows]
            counted += np.bincount(key[reference != IGNORE_ID], minlength=len(counted))
    by_class = counted.reshape(len(order), 2, _LEVELS)
    return {
        i: _binned(by_class.sum(0) if i == 0 else by_class[order.index(i)], pair.settings.calibration_bins)
        for i in class_ids
    }


def _binned(wrong_right: np.ndarray[Any, Any], bins: int) -> CalibrationCounts:
    """From (wrong or right, level) to bins."""
    levels = np.arange(_LEVELS)
    place = np.minimum(levels * bins // (_LEVELS - 1), bins - 1)
    pixels = wrong_right.sum(0)
    return CalibrationCounts(
        tuple(np.bincount(place, pixels, bins).astype(int).tolist()),
        tuple(np.bincount(place, wrong_right[1], bins).astype(int).tolist()),
        tuple(np.bincount(place, pixels * levels / (_LEVELS - 1), bins).tolist()),
    )


def _classes(pair: LabelPair) -> tuple[int, ...]:
    """All pixels and every class, where there is a confidence map."""
    return () if pair.confidence_yx is None else pair.class_ids


CALIBRATION = Family("calibration", _classes, measure_calibration, CalibrationCounts)
