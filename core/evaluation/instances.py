"""Objects found, missed, invented, merged and split. Objects are as `core.labels.numbering` says, in either label map.

A predicted and a reference object match where their IoU is above .5; then no object can match two.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from core.evaluation.counts import Counts, ratio
from core.evaluation.label_pair import LabelPair
from core.evaluation.metric import Family
from core.labels.numbering import runs

MATCH_IOU: Final = 0.5
"""Above this, matches are unique: Kirillov et al. 2019, 10.1109/CVPR.2019.00963."""

_BAND_PX: Final = 4_000_000
"""Pixels handled at a time: NumPy makes 8-byte integers of them on the way."""


@dataclass(frozen=True, slots=True)
class InstanceCounts(Counts):
    """Objects of one class.

    Parameters
    ----------
    tp, fp, fn
        Matched pairs, predicted objects without a match, reference objects without a match.
    iou_sum
        Sum of the IoU of the matched pairs.
    merges
        Predicted objects that hold two or more of the reference; None where an earlier version counted.
    splits
        Reference objects that hold two or more predicted ones; None as there.
    """

    tp: int
    fp: int
    fn: int
    iou_sum: float
    merges: int | None = None
    splits: int | None = None

    def __add__(self, other: Self) -> Self:
        return type(self)(
            self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.iou_sum + other.iou_sum,
            _sum(self.merges, other.merges), _sum(self.splits, other.splits),
        )  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        return cls(**values)


def instance_f1(counts: InstanceCounts) -> float:
    """2 TP / (2 TP + FP + FN) of objects; also called recognition quality. NaN without any object."""
    return ratio(2 * counts.tp, 2 * counts.tp + counts.fp + counts.fn)


def segmentation_quality(counts: InstanceCounts) -> float:
    """Mean IoU of the matched pairs. NaN without a match."""
    return counts.iou_sum / counts.tp if counts.tp else float("nan")


def panoptic_quality(counts: InstanceCounts) -> float:
    """Sum of IoU over (TP + FP/2 + FN/2). NaN without any object."""
    whole = counts.tp + (counts.fp + counts.fn) / 2
    return counts.iou_sum / whole if whole else float("nan")


def count_error(counts: InstanceCounts) -> float:
    """Predicted minus reference objects. NaN without any object."""
    return float(counts.fp - counts.fn) if counts.tp + counts.fp + counts.fn else float("nan")


def absolute_count_error(counts: InstanceCounts) -> float:
    """Difference of the numbers of objects, without its sign: images with too many and too few do not cancel."""
    return abs(count_error(counts))


def merge_count(counts: InstanceCounts) -> float:
    """Predicted objects that hold two or more of the reference. NaN without any object, and where nobody counted."""
    return _number(counts, counts.merges)


def split_count(counts: InstanceCounts) -> float:
    """Reference objects that hold two or more predicted ones. NaN as for `merge_count`."""
    return _number(counts, counts.splits)


def _number(counts: InstanceCounts, number: int | None) -> float:
    return float(number) if number is not None and counts.tp + counts.fp + counts.fn else float("nan")


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def measure_instances(pair: LabelPair, class_ids: tuple[int, ...]) -> dict[int, InstanceCounts]:
    """Object counts of the classes, all in one pass over the pair."""
    reference, prediction = pair.reference_objects, pair.prediction_objects
    at, found, shared_px = overlaps(reference.numbers_yx, prediction.numbers_yx)
    iou = shared_px / (reference.area_px[at] + prediction.area_px[found] - shared_px)
    reference_class, prediction_class = large_classes(pair)
    match = (iou > MATCH_IOU) & (reference_class[at] == prediction_class[found])
    merged, split = merged_and_split(pair)
    results = {}
    for class_id in class_ids:
        matched = iou[match & (reference_class[at] == class_id)]
        in_reference = int(np.count_nonzero(reference_class == class_id))
        in_prediction = int(np.count_nonzero(prediction_class == class_id))
        tp = len(matched)
        results[class_id] = InstanceCounts(
            tp, in_prediction - tp, in_reference - tp, float(matched.sum()),
            merges=sum(int(prediction_class[number]) == class_id for number in merged),
            splits=sum(int(reference_class[number]) == class_id for number in split),
        )  # fmt: skip
    return results


def large_classes(pair: LabelPair) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Class of each object of reference and prediction; 0 where it is smaller than objects are."""
    both = (pair.reference_objects, pair.prediction_objects)
    one, other = (np.where(found.area_px >= pair.settings.min_object_px, found.class_of, np.uint8(0)) for found in both)
    return one, other


def merged_and_split(pair: LabelPair) -> tuple[dict[int, tuple[int, ...]], dict[int, tuple[int, ...]]]:
    """Objects that hold several of the other map's: each has more than half of its pixels there.

    Returns
    -------
    dict, dict
        Number of a predicted object, and the numbers of the two or more reference objects of its class in it: merged.
        Number of a reference object, and those of the predicted ones in it: split.
    """
    reference, prediction = pair.reference_objects, pair.prediction_objects
    at, found, shared_px = overlaps(reference.numbers_yx, prediction.numbers_yx)
    reference_class, prediction_class = large_classes(pair)
    same = (reference_class[at] == prediction_class[found]) & (reference_class[at] != 0)
    at, found, shared_px = at[same], found[same], shared_px[same]
    inside = shared_px * 2 > reference.area_px[at]
    holds = shared_px * 2 > prediction.area_px[found]
    return _several(found[inside], at[inside]), _several(at[holds], found[holds])


def _several(whole: NDArray[np.int64], part: NDArray[np.int64]) -> dict[int, tuple[int, ...]]:
    """The parts of every whole that has two or more."""
    order = np.lexsort((part, whole))
    whole, part = whole[order], part[order]
    starts = np.flatnonzero(np.append(True, whole[1:] != whole[:-1])[: len(whole)])
    groups = zip(whole[starts].tolist(), np.split(part, starts[1:]), strict=False)
    return {number: tuple(parts.tolist()) for number, parts in groups if len(parts) > 1}


def overlaps(one_yx: NDArray[Any], other_yx: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]:
    """Pairs of objects that share pixels: number in the one map, number in the other, pixels shared."""
    starts, lengths = runs(one_yx, other_yx)
    one, other = one_yx.ravel()[starts], other_yx.ravel()[starts]
    both = (one != 0) & (other != 0)
    key = one[both].astype(np.int64) << 32 | other[both]
    found, place = np.unique(key, return_inverse=True)
    shared = np.bincount(place, lengths[both], minlength=len(found)).astype(np.int64)
    return found >> 32, found & 0xFFFFFFFF, shared


def bands(shape_yx: tuple[int, ...]) -> list[slice]:
    """Slices of rows that together are the whole image; one for an empty image."""
    height = max(_BAND_PX // max(shape_yx[1], 1), 1)
    return [slice(row, row + height) for row in range(0, max(shape_yx[0], 1), height)]


def _classes(pair: LabelPair) -> tuple[int, ...]:
    """The classes with objects that are there."""
    return tuple(i for i in pair.settings.objects(pair.scheme) if not pair.empty_in_both(i))


INSTANCES = Family("instances", _classes, measure_instances, InstanceCounts)
