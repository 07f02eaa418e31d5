"""Intervals against SciPy's t, and their laws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from core.errors import SettingsError
from core.evaluation.intervals import Membership, Scale, UnitKind, Units, caution, mean_with_interval, units_of
from core.evaluation.settings import EvaluationSettings, UnitChoice

VALUES = np.random.default_rng(5).normal(0.1, 0.3, 12)


def alone(count: int) -> Units:
    return units_of([Membership("", "")] * count)


def of(*specimens: str) -> list[Membership]:
    return [Membership(name, "") for name in specimens]


def test_agrees_with_scipy() -> None:
    found = mean_with_interval(VALUES[:, None], alone(12), Scale.SIGNED, 0.9)
    expected = stats.ttest_1samp(VALUES, 0).confidence_interval(0.9)
    assert found.mean[0] == pytest.approx(VALUES.mean())
    assert (found.low[0], found.high[0]) == pytest.approx((expected.low, expected.high))
    assert found.error[0] == pytest.approx(stats.sem(VALUES))


def test_ends_lie_where_values_can() -> None:
    shares = np.array([[0.999], [0.98], [0.91], [0.995]])
    found = mean_with_interval(shares, alone(4), Scale.SHARE)
    assert 0 < found.low[0] < found.mean[0] < found.high[0] < 1
    sizes = np.array([[1.0], [2.0], [30.0]])
    found = mean_with_interval(sizes, alone(3), Scale.POSITIVE)
    assert 0 < found.low[0] < found.mean[0] < found.high[0]


def test_images_of_one_specimen_count_together() -> None:
    """Of specimens with as many images each, it is the t interval over their means."""
    means = np.array([0.2, 0.5, 0.9])
    values = (means[:, None] + np.array([-0.05, 0.0, 0.05])).reshape(-1, 1)
    members = of(*np.repeat(["a", "b", "c"], 3).tolist())
    found = mean_with_interval(values, units_of(members), Scale.SIGNED)
    expected = stats.ttest_1samp(means, 0).confidence_interval(0.95)
    assert (found.low[0], found.high[0]) == pytest.approx((expected.low, expected.high))
    assert (found.images[0], found.units[0]) == (9, 3)
    by_image = mean_with_interval(values, units_of(members, UnitChoice.IMAGES), Scale.SIGNED)
    assert by_image.high[0] - by_image.low[0] < found.high[0] - found.low[0]


def test_a_specimen_is_what_somebody_recorded() -> None:
    stacks = [Membership("", name) for name in ("s1", "s1", "s2", "s2")]
    assert (units_of(stacks).kind, units_of(stacks).count) == (UnitKind.STACKS, 2)
    assert units_of(of("a", "a", "b")).kind is UnitKind.SPECIMENS
    assert units_of([*of("a", "b"), *stacks]).kind is UnitKind.UNITS
    assert units_of([*of("a", "a"), *of("", "")]).count == 3, "images without a specimen stand alone"
    assert units_of(of("a", "a")).kind is UnitKind.IMAGES, "one specimen: its images are what there is"
    assert units_of(of("a", "a"), UnitChoice.GROUPS).count == 1
    assert units_of([Membership("x", ""), Membership("", "x")]).count == 2, "a stack is no specimen of the same name"
    assert units_of([]).count == 0


def test_undefined_values_are_left_out_and_the_last_column_is_the_mean_of_the_columns() -> None:
    values = np.array([[0.5, np.nan, np.nan], [0.7, 0.2, np.nan], [0.9, np.nan, np.nan]])
    found = mean_with_interval(values, alone(3), Scale.SHARE)
    assert found.mean == pytest.approx([0.7, 0.2, np.nan, 0.45], nan_ok=True)
    assert found.images.tolist() == [3, 1, 0, 3]
    assert np.isnan(found.low[1]), "no interval from one image"
    assert found.low[0] < 0.7 < found.high[0]


def test_the_mean_over_classes_has_the_interval_of_the_images_means() -> None:
    values = np.random.default_rng(3).normal(0, 1, (6, 4))
    found = mean_with_interval(values, alone(6), Scale.SIGNED)
    expected = stats.ttest_1samp(values.mean(1), 0).confidence_interval(0.95)
    assert (found.low[-1], found.high[-1]) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("count", [0, 1, 2])
def test_two_values_give_no_interval(count: int) -> None:
    found = mean_with_interval(np.linspace(0.4, 0.6, count)[:, None], alone(count), Scale.SHARE)
    assert np.isnan(found.low).all()
    assert np.isnan(found.high).all()


@pytest.mark.parametrize("scale", list(Scale))
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_equal_values_have_an_interval_of_no_width(scale: Scale, value: float) -> None:
    found = mean_with_interval(np.full((5, 1), value), alone(5), scale)
    assert (found.low[0], found.high[0]) == pytest.approx((value, value))


def test_few_units_get_a_word_of_caution() -> None:
    assert "With 1 image no interval" in caution(1, "images")
    assert "With 2 specimens no interval" in caution(2, "specimens")
    assert "3 specimens" in caution(3, "specimens")
    assert caution(10, "images") == ""


def test_settings_of_earlier_versions_are_read() -> None:
    kept = EvaluationSettings().to_json() | {"interval": "bca", "resamples": 2000, "seed": 3, "resampling": "images"}
    del kept["intervals_over"]
    assert EvaluationSettings.from_json(kept) == EvaluationSettings(intervals_over=UnitChoice.IMAGES)


@pytest.mark.parametrize("values", [{"confidence_level": 95}, {"tolerance_nm": -1}, {"min_object_px": 0}])
def test_senseless_settings_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match=next(iter(values))):
        EvaluationSettings(**values)  # type: ignore[arg-type]
