"""The gate on models whose true difference is known: it takes no seed for progress and lets no real loss pass."""

from __future__ import annotations

import pytest

from benchmarks.gate import World, outcomes
from core.rounds.gate import Outcome

REPEATS = 60


@pytest.mark.parametrize(
    ("change", "passed", "failed"),
    [
        pytest.param((0.0, 0.0), (0.75, 1.0), (0.0, 0.04), id="no change"),
        pytest.param((0.02, 0.02), (0.93, 1.0), (0.0, 0.0), id="better"),
        pytest.param((-0.05, 0.0), (0.0, 0.04), (0.3, 1.0), id="one class worse"),
        pytest.param((-0.02, -0.02), (0.0, 0.15), (0.0, 1.0), id="a little worse in all"),
    ],
)
def test_ten_images(change: tuple[float, float], passed: tuple[float, float], failed: tuple[float, float]) -> None:
    found = outcomes(change, 10, World(classes=4, seed_sd=0.01, image_sd=0.015), REPEATS)
    assert passed[0] <= found[Outcome.PASSED] / REPEATS <= passed[1]
    assert failed[0] <= found[Outcome.FAILED] / REPEATS <= failed[1]
