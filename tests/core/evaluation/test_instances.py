"""Objects counted by hand, and against every pair tried."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from core.evaluation.instances import (
    InstanceCounts,
    count_error,
    instance_f1,
    measure_instances,
    panoptic_quality,
    segmentation_quality,
)
from core.evaluation.label_pair import LabelPair
from core.evaluation.settings import EvaluationSettings
from core.label_scheme import DEFAULT_SCHEME

MAPS = arrays(np.uint8, (9, 9), elements=st.sampled_from([0, 0, 0, 1, 2]))


def pair_of(reference: np.ndarray, prediction: np.ndarray, min_object_px: int = 1) -> LabelPair:
    return LabelPair(reference, prediction, DEFAULT_SCHEME, EvaluationSettings(min_object_px=min_object_px))


def test_one_found_one_missed_two_invented() -> None:
    reference = np.array([[1, 1, 1, 0, 1, 0, 0], [0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0]], np.uint8)
    prediction = np.array([[1, 1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0], [1, 0, 1, 1, 0, 2, 0]], np.uint8)
    counts = measure_instances(pair_of(reference, prediction), (1, 2))
    assert counts[1] == InstanceCounts(tp=1, fp=2, fn=1, iou_sum=pytest.approx(2 / 3))
    assert instance_f1(counts[1]) == pytest.approx(2 / 5)
    assert panoptic_quality(counts[1]) == pytest.approx((2 / 3) / 2.5)
    assert panoptic_quality(counts[1]) == pytest.approx(instance_f1(counts[1]) * segmentation_quality(counts[1]))
    assert count_error(counts[1]) == 1
    assert counts[2] == InstanceCounts(0, 1, 0, 0)
    assert measure_instances(pair_of(reference, prediction, 2), (1,))[1] == InstanceCounts(
        1, 1, 0, pytest.approx(2 / 3)
    )


def test_an_iou_of_a_half_is_no_match() -> None:
    reference, prediction = np.array([[1, 1, 0]], np.uint8), np.array([[1, 0, 0]], np.uint8)
    assert measure_instances(pair_of(reference, prediction), (1,))[1] == InstanceCounts(0, 1, 1, 0)


def test_no_object_at_all_is_undefined() -> None:
    nothing = InstanceCounts(0, 0, 0, 0.0)
    assert all(math.isnan(f(nothing)) for f in (instance_f1, panoptic_quality, segmentation_quality, count_error))


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
