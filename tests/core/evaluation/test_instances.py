"""Objects counted by hand, and against every pair tried."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from core.errors import LabelMapError
from core.evaluation.error_objects import ConnectedError, ErrorKind, largest_errors
from core.evaluation.instances import (
    InstanceCounts,
    absolute_count_error,
    count_error,
    instance_f1,
    measure_instances,
    merge_count,
    panoptic_quality,
    segmentation_quality,
    split_count,
)
from core.evaluation.label_pair import LabelPair
from core.evaluation.settings import EvaluationSettings
from core.imaging.object_pyramid import ObjectIds
from core.label_scheme import DEFAULT_SCHEME

MAPS = arrays(np.uint8, (9, 9), elements=st.sampled_from([0, 0, 0, 1, 2]))


def pair_of(reference: np.ndarray, prediction: np.ndarray, min_object_px: int = 1) -> LabelPair:
    return LabelPair(reference, prediction, DEFAULT_SCHEME, EvaluationSettings(min_object_px=min_object_px))


def test_one_found_one_missed_two_invented() -> None:
    reference = np.array([[1, 1, 1, 0, 1, 0, 0], [0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0]], np.uint8)
    prediction = np.array([[1, 1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0], [1, 0, 1, 1, 0, 2, 0]], np.uint8)
    counts = measure_instances(pair_of(reference, prediction), (1, 2))
    assert counts[1] == InstanceCounts(tp=1, fp=2, fn=1, iou_sum=pytest.approx(2 / 3), merges=0, splits=0)
    assert instance_f1(counts[1]) == pytest.approx(2 / 5)
    assert panoptic_quality(counts[1]) == pytest.approx((2 / 3) / 2.5)
    assert panoptic_quality(counts[1]) == pytest.approx(instance_f1(counts[1]) * segmentation_quality(counts[1]))
    assert count_error(counts[1]) == 1
    assert absolute_count_error(counts[1]) == 1
    assert counts[2] == InstanceCounts(0, 1, 0, 0, 0, 0)
    assert measure_instances(pair_of(reference, prediction, 2), (1,))[1] == InstanceCounts(
        1, 1, 0, pytest.approx(2 / 3), 0, 0
    )


def test_an_iou_of_a_half_is_no_match() -> None:
    reference, prediction = np.array([[1, 1, 0]], np.uint8), np.array([[1, 0, 0]], np.uint8)
    assert measure_instances(pair_of(reference, prediction), (1,))[1] == InstanceCounts(0, 1, 1, 0, 0, 0)


def by_ids(reference: list[int], prediction: list[int]) -> LabelPair:
    """One row of class 1 where an id is not 0."""
    one, other = (np.array([ids], np.uint32) for ids in (reference, prediction))
    labels = ((one > 0).astype(np.uint8), (other > 0).astype(np.uint8))
    return LabelPair(
        *labels, DEFAULT_SCHEME, EvaluationSettings(), 10.0,
        reference_ids=ObjectIds(one, (1,)), prediction_ids=ObjectIds(other, (1,)),
    )  # fmt: skip


def test_objects_that_touch_are_matched_one_by_one() -> None:
    pair = by_ids([1, 1, 1, 2, 2, 2, 0, 0, 3, 3], [7, 7, 7, 9, 9, 9, 0, 0, 4, 5])
    counts = measure_instances(pair, (1,))[1]
    assert (counts.tp, counts.fp, counts.fn, counts.iou_sum) == (2, 2, 1, 2.0)
    assert (counts.merges, counts.splits) == (0, 1)
    pieces = LabelPair(pair.reference_yx, pair.prediction_yx, DEFAULT_SCHEME, EvaluationSettings())
    assert measure_instances(pieces, (1,))[1] == InstanceCounts(2, 0, 0, 2.0, 0, 0), "pieces hide it"


def test_merged_and_split_objects_are_counted_and_listed_without_a_wrong_pixel() -> None:
    pair = by_ids([1, 1, 2, 2, 0, 5, 5, 5, 5], [3, 3, 3, 3, 0, 8, 8, 6, 6])
    counts = measure_instances(pair, (1,))[1]
    assert (merge_count(counts), split_count(counts)) == (1, 1)
    assert (counts.tp, counts.fp, counts.fn) == (0, 3, 3)
    errors = largest_errors(pair)
    assert [(each.kind, each.objects, each.column, each.width, each.pixels) for each in errors] == [
        (ErrorKind.MERGED, (1, 2), 0, 4, 4),
        (ErrorKind.SPLIT, (8, 6), 5, 4, 4),
    ]
    assert [each.area_um2 for each in errors] == [4e-4, 4e-4]
    assert ConnectedError.from_json(errors[0].to_json()) == errors[0]
    assert ConnectedError.from_json({k: v for k, v in errors[0].to_json().items() if k != "objects"}).objects == ()


def test_counts_of_an_earlier_version_say_nothing_about_merged_objects() -> None:
    old = InstanceCounts.from_json({"tp": 1, "fp": 0, "fn": 0, "iou_sum": 1.0})
    assert math.isnan(merge_count(old + InstanceCounts(1, 0, 0, 1.0, 2, 0)))
    assert merge_count(InstanceCounts(1, 0, 0, 1.0, 1, 0) + InstanceCounts(1, 0, 0, 1.0, 2, 0)) == 3


def test_ids_are_judged_where_the_reference_covers_them() -> None:
    pair = by_ids([1, 1, 1, 1], [2, 2, 2, 2])
    reference = np.array([[1, 1, 255, 255]], np.uint8)
    covered = LabelPair(
        reference, pair.prediction_yx, DEFAULT_SCHEME, EvaluationSettings(),
        reference_ids=pair.reference_ids, prediction_ids=pair.prediction_ids,
    )  # fmt: skip
    assert measure_instances(covered, (1,))[1] == InstanceCounts(1, 0, 0, 1.0, 0, 0)


def test_ids_of_another_size_are_refused() -> None:
    pair = by_ids([1, 1], [1, 1])
    with pytest.raises(LabelMapError, match="object ids"):
        LabelPair(
            np.ones((1, 3), np.uint8), np.ones((1, 3), np.uint8), DEFAULT_SCHEME, EvaluationSettings(),
            reference_ids=pair.reference_ids,
        )  # fmt: skip


def test_no_object_at_all_is_undefined() -> None:
    nothing = InstanceCounts(0, 0, 0, 0.0)
    assert all(
        math.isnan(f(nothing))
        for f in (instance_f1, panoptic_quality, segmentation_quality, count_error, absolute_count_error)
    )


def every_pair(reference: np.ndarray, prediction: np.ndarray) -> tuple[int, int, int, float]:
    """TP, FP, FN and sum of IoU of two masks, every pair of pieces tried."""
    one, n = ndimage.label(reference, np.ones((3, 3)))
    other, m = ndimage.label(prediction, np.ones((3, 3)))
    ious = [
        np.sum((one == i) & (other == j)) / np.sum((one == i) | (other == j))
        for i in range(1, n + 1)
        for j in range(1, m + 1)
    ]
    matched = [iou for iou in ious if iou > 0.5]
    return len(matched), m - len(matched), n - len(matched), sum(matched)


@settings(max_examples=60, deadline=None)
@given(MAPS, MAPS)
def test_agrees_with_every_pair_tried(reference: np.ndarray, prediction: np.ndarray) -> None:
    prediction[:4] = reference[:4]  # so that something matches
    for class_id, counts in measure_instances(pair_of(reference, prediction), (1, 2)).items():
        expected = every_pair(reference == class_id, prediction == class_id)
        assert (counts.tp, counts.fp, counts.fn, counts.iou_sum) == pytest.approx(expected)


def test_too_many_and_too_few_do_not_cancel_in_the_absolute_error() -> None:
    many, few = InstanceCounts(tp=3, fp=4, fn=0, iou_sum=2.4), InstanceCounts(tp=3, fp=0, fn=4, iou_sum=2.4)
    assert count_error(many) + count_error(few) == 0
    assert absolute_count_error(many) + absolute_count_error(few) == 8
