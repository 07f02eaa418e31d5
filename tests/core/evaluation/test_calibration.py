"""Calibration error worked out by hand and over all pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.evaluation.calibration import CALIBRATION, CalibrationCounts, expected_calibration_error, measure_calibration
from core.evaluation.label_pair import LabelPair
from core.evaluation.settings import EvaluationSettings
from core.label_scheme import DEFAULT_SCHEME


def pair_of(reference: np.ndarray, prediction: np.ndarray, confidence: np.ndarray | None, bins: int = 15) -> LabelPair:
    settings = EvaluationSettings(calibration_bins=bins)
    return LabelPair(reference, prediction, DEFAULT_SCHEME, settings, None, confidence)


def test_four_pixels_and_one_that_nobody_reviewed() -> None:
    reference = np.array([[1, 1, 0, 0, 255]], np.uint8)
    prediction = np.array([[1, 0, 0, 0, 1]], np.uint8)
    confidence = np.array([[255, 51, 51, 51, 0]], np.uint8)  # 1, .2, .2, .2
    counts = measure_calibration(pair_of(reference, prediction, confidence, bins=2), (0, 1, 2))
    assert counts[0].pixels == (3, 1)
    assert counts[0].correct == (2, 1)
    assert counts[0].confidence_sum == pytest.approx((0.6, 1.0))
    assert expected_calibration_error(counts[0]) == pytest.approx(3 / 4 * (2 / 3 - 0.2))
    assert expected_calibration_error(counts[1]) == 0, "one pixel, sure and right"
    assert math.isnan(expected_calibration_error(counts[2]))


@pytest.mark.parametrize("bins", [1, 7, 15, 255])
def test_agrees_with_bins_made_pixel_by_pixel(bins: int) -> None:
    rng = np.random.default_rng(bins)
    reference, prediction = rng.integers(0, 3, (40, 30)).astype(np.uint8), rng.integers(0, 3, (40, 30)).astype(np.uint8)
    confidence = rng.integers(0, 256, (40, 30)).astype(np.uint8)
    expected = 0.0
    place = np.minimum(confidence.astype(int) * bins // 255, bins - 1)
    for number in range(bins):
        inside = place == number
        if inside.any():
            accuracy = (reference == prediction)[inside].mean()
            expected += inside.mean() * abs(accuracy - (confidence[inside] / 255).mean())
    found = measure_calibration(pair_of(reference, prediction, confidence, bins), (0,))[0]
    assert expected_calibration_error(found) == pytest.approx(expected)


def test_bins_add_up_over_images() -> None:
    one = CalibrationCounts((1, 2), (0, 1), (0.5, 1.5))
    assert one + one == CalibrationCounts((2, 4), (0, 2), (1.0, 3.0))


def test_without_confidence_there_is_nothing_to_say() -> None:
    labels = np.ones((2, 2), np.uint8)
    assert CALIBRATION.classes(pair_of(labels, labels, None)) == ()
