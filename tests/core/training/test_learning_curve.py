"""Trends of made-up curves whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.training.learning_curve import still_falling


def exponential(epochs: int, constant: float) -> np.ndarray:
    """Falls from 1 towards 0; ``constant`` is the share of the training that a fall by e takes."""
    return np.exp(-np.arange(epochs) / (constant * epochs))


@pytest.mark.parametrize("epochs", [6, 20, 200])
@pytest.mark.parametrize(("constant", "falling"), [(0.1, False), (0.15, False), (0.4, True), (1.0, True)])
def test_an_exponential_has_settled_once_its_time_constant_is_short(
    epochs: int, constant: float, falling: bool
) -> None:
    assert still_falling(exponential(epochs, constant).tolist()) is falling


@pytest.mark.parametrize(
    ("losses", "falling"),
    [
        pytest.param([], None, id="none"),
        pytest.param([1.0, 0.5, 0.2], None, id="too-few"),
        pytest.param([1.0, None, math.nan, 0.5, 0.2], None, id="too-few-numbers"),
        pytest.param([1.0, 0.8, 0.6, 0.4], True, id="straight"),
        pytest.param([0.5] * 20, False, id="flat"),
        pytest.param([1.0] + [0.2] * 19, False, id="settled-at-once"),
        pytest.param([1.0, 0.8, 0.6, 0.5, 0.55, 0.6, 0.65, 0.7], False, id="rising-again"),
        pytest.param([-0.1 * number for number in range(12)], True, id="negative-loss"),
        pytest.param([*np.linspace(1, 0, 38).tolist(), 5.0, 0.0], True, id="one-outlier"),
    ],
)
def test_curves_worked_out_by_hand(losses: list[float | None], falling: bool | None) -> None:
    assert still_falling(losses) is falling


def test_noise_alone_is_seldom_a_trend_and_a_trend_is_found_in_noise() -> None:
    rng = np.random.default_rng(0)
    alone = sum(bool(still_falling(rng.normal(0, 1, 20).tolist())) for _ in range(400))
    assert alone <= 0.08 * 400
    found = sum(bool(still_falling((np.linspace(1, 0, 20) + rng.normal(0, 0.03, 20)).tolist())) for _ in range(100))
    assert found >= 95
