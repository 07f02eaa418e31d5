"""One temperature makes stated and real accuracy agree, and never changes a label."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.evaluation.temperature import Calibration, calibration_error, fitted


def _windows(sharpness: float, count: int = 6) -> list[tuple[NDArray[np.float32], NDArray[np.int64]]]:
    """Scores whose softmax is right at temperature ``sharpness``."""
    rng = np.random.default_rng(0)
    pairs = []
    for _ in range(count):
        scores = rng.normal(0, 2, (1500, 3))
        odds = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        truth = (rng.random(1500)[:, None] > odds.cumsum(axis=1)).sum(axis=1)
        pairs.append(((scores * sharpness).astype(np.float32), truth))
    return pairs


@pytest.mark.parametrize("sharpness", [0.5, 3.0])
def test_the_temperature_that_made_scores_too_sharp_is_found(sharpness: float) -> None:
    found = fitted(_windows(sharpness))
    assert found.temperature == pytest.approx(sharpness, rel=0.05)
    assert found.error_before is not None and found.error_after is not None
    assert found.error_after < 0.03 < found.error_before
    assert found.pixels == 9000


def test_calibrated_scores_stay() -> None:
    assert fitted(_windows(1.0)).temperature == pytest.approx(1.0, abs=0.05)


def test_few_pixels_fit_nothing() -> None:
    assert fitted([]) == fitted(_windows(3.0, count=1)) == Calibration()
    assert "not calibrated" in Calibration().sentence


def test_error_of_scores_worked_out_by_hand() -> None:
    scores = np.log(np.array([[0.9, 0.1]] * 10, np.float32))
    truth = np.array([0] * 6 + [1] * 4)
    assert calibration_error(scores, truth, 1.0) == pytest.approx(0.3, abs=1e-6)


def test_a_temperature_is_above_zero() -> None:
    with pytest.raises(ValueError, match="above 0"):
        Calibration(0.0)
