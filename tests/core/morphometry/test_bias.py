"""A model's bias against people's labels, and means without it: by hand and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.evaluation.intervals import Scale, UnitKind, Units, mean_with_interval
from core.morphometry.bias import Bias, bias, without_bias
from core.morphometry.conditions import UnitMean
from core.morphometry.summary import Overall


def units(*means: float) -> list[UnitMean]:
    return [UnitMean(f"m{place}", "", (f"i{place}",), mean, 1) for place, mean in enumerate(means)]


def overall(values: np.ndarray) -> Overall:
    count = len(values)
    found = mean_with_interval(values[:, None], Units(UnitKind.SPECIMENS, np.arange(count), count), Scale.POSITIVE)
    return Overall(float(found.mean[0]), float(found.low[0]), float(found.high[0]), count, count, UnitKind.SPECIMENS)


def test_a_bias_is_the_ratio_of_means_of_the_same_units() -> None:
    found = bias(units(12, 24, math.nan, 99), units(10, 20, 30, math.nan), UnitKind.SPECIMENS)
    assert (found.ratio, found.units, found.images) == (pytest.approx(1.2), 2, 2)
    assert math.isnan(found.low), "two say next to nothing about a third"
    same = bias(units(2, 4, 8), units(1, 2, 4), UnitKind.IMAGES)
    assert (same.ratio, same.low, same.high) == pytest.approx((2, 2, 2))


def test_there_is_no_bias_of_nothing() -> None:
    assert not bias([], [], UnitKind.IMAGES).known
    assert not bias(units(1, 2), units(0, 0), UnitKind.IMAGES).known
    found = Overall(5, 4, 6, 3, 3, UnitKind.SPECIMENS)
    assert without_bias(found, bias([], [], UnitKind.IMAGES)) == found


def test_a_corrected_mean_without_an_interval_of_the_bias_has_none() -> None:
    found = without_bias(
        Overall(6, 5, 7.2, 4, 4, UnitKind.SPECIMENS), bias(units(12, 24), units(10, 20), UnitKind.IMAGES)
    )
    assert found.mean == pytest.approx(5)
    assert math.isnan(found.low)


def test_a_corrected_mean_is_less_sure_than_either() -> None:
    before = overall(np.array([5.0, 6.0, 7.0, 6.5]))
    of = bias(units(12, 24, 31), units(10, 20, 28), UnitKind.SPECIMENS)
    after = without_bias(before, of)
    assert after.mean == pytest.approx(before.mean / of.ratio)
    assert math.log(after.high / after.low) > math.log(before.high / before.low)
    exact = Bias(1.0, 1.0, 1.0, 9, 9, UnitKind.SPECIMENS, 0.0)
    assert without_bias(before, exact).low == pytest.approx(before.low)


@pytest.mark.parametrize(
    ("measured", "tested", "spread", "noise"), [(4, 3, 0.3, 0.1), (6, 6, 0.3, 0.15), (10, 4, 0.2, 0.3)]
)
def test_intervals_hold_the_true_mean(measured: int, tested: int, spread: float, noise: float) -> None:
    rng = np.random.default_rng(measured)
    held = 0
    for _ in range(800):
        people = rng.lognormal(0, spread, tested)
        of = bias(units(*people * 1.3 * rng.lognormal(0, noise, tested)), units(*people), UnitKind.SPECIMENS)
        seen = overall(rng.lognormal(0, spread, measured) * 1.3 * math.exp(noise**2 / 2))
        found = without_bias(seen, of)
        held += found.low <= math.exp(spread**2 / 2) <= found.high
    assert 0.92 <= held / 800 <= 0.99
