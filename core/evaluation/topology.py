"""clDice: whether thin things hang together as they should, judged on their skeletons.

Skeletons are those of core/evaluation/thinning.py: Zhang and Suen, 10.1145/357994.358023.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.evaluation.counts import Counts, ratio
from core.evaluation.label_pair import LabelPair
from core.evaluation.metric import Family
from core.evaluation.thinning import skeleton_positions


@dataclass(frozen=True, slots=True)
class TopologyCounts(Counts):
    """Skeleton pixels of one class.

    Parameters
    ----------
    prediction_px, prediction_inside_px
        Skeleton of the prediction: all, and those inside the reference.
    reference_px, reference_inside_px
        Skeleton of the reference: all, and those inside the prediction.
    """

    prediction_px: int
    prediction_inside_px: int
    reference_px: int
    reference_inside_px: int

    def __add__(self, other: Self) -> Self:
        return type(self)(
            self.prediction_px + other.prediction_px,
            self.prediction_inside_px + other.prediction_inside_px,
            self.reference_px + other.reference_px,
            self.reference_inside_px + other.reference_inside_px,
        )

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        return cls(**values)


def topology_precision(counts: TopologyCounts) -> float:
    """Share of the prediction's skeleton that lies in the reference. NaN if both are empty, 0 if one is."""
    return _share(counts.prediction_inside_px, counts.prediction_px, counts.reference_px)


def topology_sensitivity(counts: TopologyCounts) -> float:
    """Share of the reference's skeleton that lies in the prediction. NaN if both are empty, 0 if one is."""
    return _share(counts.reference_inside_px, counts.reference_px, counts.prediction_px)


def cldice(counts: TopologyCounts) -> float:
    """Harmonic mean of topology precision and sensitivity."""
    precision, sensitivity = topology_precision(counts), topology_sensitivity(counts)
    total = precision + sensitivity
    return 2 * precision * sensitivity / total if total else total  # 0 stays 0, NaN is true and stays NaN


def measure_topology(pair: LabelPair, class_ids: tuple[int, ...]) -> dict[int, TopologyCounts]:
    """Skeleton counts of the classes; an empty map has an empty skeleton."""
    return {class_id: _measure(pair, class_id) for class_id in class_ids}


def _measure(pair: LabelPair, class_id: int) -> TopologyCounts:
    """Skeleton counts of one class."""
    reference, prediction = pair.reference_yx == class_id, pair.prediction_covered_yx == class_id
    of_prediction, inside_reference = _skeleton_in(prediction, reference)
    of_reference, inside_prediction = _skeleton_in(reference, prediction)
    return TopologyCounts(of_prediction, inside_reference, of_reference, inside_prediction)


def _skeleton_in(mask_yx: NDArray[np.bool_], other_yx: NDArray[np.bool_]) -> tuple[int, int]:
    """Pixels of a mask's skeleton, and how many of them are in the other mask."""
    positions = skeleton_positions(mask_yx)
    return len(positions), int(np.count_nonzero(other_yx.ravel()[positions]))


def _share(inside: int, whole: int, other: int) -> float:
    """inside / whole, with the rule for empty sides."""
    return ratio(inside, whole) if whole else (0.0 if other else float("nan"))


def _classes(pair: LabelPair) -> tuple[int, ...]:
    """The thin classes that are there."""
    return tuple(i for i in pair.settings.thin(pair.scheme) if not pair.empty_in_both(i))


TOPOLOGY = Family("topology", _classes, measure_topology, TopologyCounts)
