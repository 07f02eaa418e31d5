"""Intervals against SciPy's bootstrap, and their laws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from core.errors import SettingsError
from core.evaluation.bootstrap import caution, mean_with_interval, units_of
from core.evaluation.settings import EvaluationSettings, IntervalKind, Resampling

VALUES = np.random.default_rng(5).beta(8, 2, 40)


@pytest.mark.parametrize("kind", list(IntervalKind))
def test_agrees_with_scipy(kind: IntervalKind) -> None:
    found = mean_with_interval(
        VALUES[:, None], units_of([""] * 40, Resampling.AUTO), EvaluationSettings(interval=kind, resamples=20_000)
    )
    method = "BCa" if kind is IntervalKind.BCA else "percentile"
    expected = stats.bootstrap((VALUES,), np.mean, n_resamples=20_000, method=method, rng=1).confidence_interval
    assert found.mean[0] == pytest.approx(VALUES.mean())
    assert (found.low[0], found.high[0]) == pytest.approx((expected.low, expected.high), abs=2e-3)


def test_images_of_one_specimen_stay_together() -> None:
    values = np.repeat([0.2, 0.8], 10)[:, None]
    groups = ["a"] * 10 + ["b"] * 10
    by_group = mean_with_interval(values, units_of(groups, Resampling.AUTO), EvaluationSettings())
    assert (by_group.low[0], by_group.high[0]) == pytest.approx((0.2, 0.8)), "two specimens, three possible means"
    assert (by_group.images[0], by_group.units[0]) == (20, 2)
    by_image = mean_with_interval(values, units_of(groups, Resampling.IMAGES), EvaluationSettings())
    assert by_image.high[0] - by_image.low[0] < 0.4


def test_images_without_a_specimen_stand_alone() -> None:
    assert units_of(["a", "a", "", ""], Resampling.AUTO).count == 3
    assert units_of(["a", "a"], Resampling.AUTO).kind is Resampling.IMAGES, "one specimen: nothing to draw from"


def test_undefined_values_are_left_out_and_the_last_column_is_the_mean_of_the_columns() -> None:
    values = np.array([[0.5, np.nan, np.nan], [0.7, 0.2, np.nan], [0.9, np.nan, np.nan]])
    found = mean_with_interval(values, units_of(["", "", ""], Resampling.AUTO), EvaluationSettings())
    assert found.mean == pytest.approx([0.7, 0.2, np.nan, 0.45], nan_ok=True)
    assert found.images.tolist() == [3, 1, 0, 3]
    assert np.isnan(found.low[1]), "no interval from one image"
    assert 0.5 <= found.low[0] < 0.7 < found.high[0] <= 0.9


def test_the_seed_decides() -> None:
    units = units_of([""] * 40, Resampling.AUTO)
    results = [mean_with_interval(VALUES[:, None], units, EvaluationSettings(seed=seed)).low[0] for seed in (1, 1, 2)]
    assert results[0] == results[1] != results[2]


def test_equal_values_have_an_interval_of_no_width() -> None:
    for kind in IntervalKind:
        found = mean_with_interval(
            np.full((5, 1), 0.5), units_of([""] * 5, Resampling.AUTO), EvaluationSettings(interval=kind)
        )
        assert (found.low[0], found.high[0]) == (0.5, 0.5)


def test_few_units_get_a_word_of_caution() -> None:
    assert "no interval" in caution(1, "images")
    assert "3 specimens" in caution(3, "specimens")
    assert caution(10, "images") == ""


@pytest.mark.parametrize("values", [{"confidence_level": 95}, {"tolerance_nm": -1}, {"min_object_px": 0}])
def test_senseless_settings_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match=next(iter(values))):
        EvaluationSettings(**values)  # type: ignore[arg-type]
