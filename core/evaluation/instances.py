"""Objects found, missed and invented. Objects are the 8-connected pieces of a class in either label map.

A predicted and a reference object match where their IoU is above .5; then no object can match two.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from core.evaluation.counts import Counts, ratio
from core.evaluation.label_pair import LabelPair, connected_pieces, of_class
from core.evaluation.metric import Family

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
    """

    tp: int
    fp: int
    fn: int
    iou_sum: float

    def __add__(self, other: Self) -> Self:
        return type(self)(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.iou_sum + other.iou_sum)

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


def measure_instances(pair: LabelPair, class_ids: tuple[int, ...]) -> dict[int, InstanceCounts]:
    """Object counts of the classes, all in one pass over the pair."""
    reference_yx, reference_class, reference_px = objects_of(pair.reference_yx, class_ids)
    prediction_yx, prediction_class, prediction_px = objects_of(pair.prediction_covered_yx, class_ids)
    at, found, shared_px = overlaps(reference_yx, prediction_yx)
    iou = shared_px / (reference_px[at] + prediction_px[found] - shared_px)
    large = pair.settings.min_object_px
    reference_class = np.where(reference_px >= large, reference_class, 0)
    prediction_class = np.where(prediction_px >= large, prediction_class, 0)
    match = (iou > MATCH_IOU) & (reference_class[at] == prediction_class[found])
    results = {}
    for class_id in class_ids:
        matched = iou[match & (reference_class[at] == class_id)]
        in_reference = int(np.count_nonzero(reference_class == class_id))
        in_prediction = int(np.count_nonzero(prediction_class == class_id))
        tp = len(matched)
        results[class_id] = InstanceCounts(tp, in_prediction - tp, in_reference - tp, float(matched.sum()))
    return results


def objects_of(
    labels_yx: NDArray[np.uint8], class_ids: tuple[int, ...]
) -> tuple[NDArray[Any], NDArray[np.uint8], NDArray[np.int64]]:
    """Objects of some classes.

    Returns
    -------
    ndarray, ndarray, ndarray
        Number of the object per pixel (0: none); class of each number, uint8, 0 for number 0; pixels of each number,
        int64.
    """
    wanted = of_class(labels_yx, class_ids)
    pieces, count = connected_pieces(wanted)
    starts, lengths = _runs(pieces)
    numbers = pieces.ravel()[starts]
    classes = np.zeros(count + 1, np.uint8)
    classes[numbers] = wanted.ravel()[starts]
    return pieces, classes, np.bincount(numbers, lengths, count + 1).astype(np.int64)


def overlaps(one_yx: NDArray[Any], other_yx: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]:
    """Pairs of objects that share pixels: number in the one map, number in the other, pixels shared."""
    starts, lengths = _runs(one_yx, other_yx)
    one, other = one_yx.ravel()[starts], other_yx.ravel()[starts]
    both = (one != 0) & (other != 0)
    key = one[both].astype(np.int64) << 32 | other[both]
    found, place = np.unique(key, return_inverse=True)
    shared = np.bincount(place, lengths[both], minlength=len(found)).astype(np.int64)
    return found >> 32, found & 0xFFFFFFFF, shared


def _runs(*maps_yx: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Starts and lengths of the stretches, in reading order, in which none of the maps changes."""
    size = maps_yx[0].size
    changes = np.zeros(size, bool)
    changes[:1] = True
    for flat in (item.ravel() for item in maps_yx):
        changes[1:] |= flat[1:] != flat[:-1]
    starts = np.flatnonzero(changes)
    return starts, np.diff(starts, append=size)


def bands(shape_yx: tuple[int, ...]) -> list[slice]:
    """Slices of rows that together are the whole image; one for an empty image."""
    height = max(_BAND_PX // max(shape_yx[1], 1), 1)
    return [slice(row, row + height) for row in range(0, max(shape_yx[0], 1), height)]


def _classes(pair: LabelPair) -> tuple[int, ...]:
    """The classes with objects that are there."""
    return tuple(i for i in pair.settings.objects(pair.scheme) if not pair.empty_in_both(i))


INSTANCES = Family("instances", _classes, measure_instances, InstanceCounts)
