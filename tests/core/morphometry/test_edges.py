"""Means of whole objects, against what the edge did not cut."""

from __future__ import annotations

import numpy as np
import pytest

from core.label_scheme import DEFAULT_SCHEME
from core.morphometry.edges import box_fits, edge_weights, weighted_quantiles
from core.morphometry.measures import MEASURES
from core.morphometry.objects import measure_objects
from core.morphometry.summary import ImageObjects, Selection, summarise

FRAME = (160, 200)


def test_whole_rods_and_blobs_of_many_frames_have_the_true_mean_and_median() -> None:
    """Long rods lying either way and blobs, thrown at random places of a plane through which a frame looks."""
    rng = np.random.default_rng(4)
    count = 400_000
    long = rng.integers(5, 120, count)
    kind = rng.integers(0, 3, count)
    height = np.where(kind == 0, long, np.where(kind == 1, 4, long // 3 + 1))
    width = np.where(kind == 0, 4, np.where(kind == 1, long, long // 3 + 1))
    area = (height * width).astype(np.float64)
    top = rng.integers(-130, FRAME[0] + 10, count)
    left = rng.integers(-130, FRAME[1] + 10, count)
    whole = (top > 0) & (left > 0) & (top + height < FRAME[0]) & (left + width < FRAME[1])
    weights = edge_weights(box_fits(height[whole], width[whole], FRAME))
    true, naive = area.mean(), area[whole].mean()
    assert naive < 0.93 * true, "the frame cuts enough to see it"
    assert np.average(area[whole], weights=weights) == pytest.approx(true, rel=0.02)
    assert weighted_quantiles(area[whole], weights, (0.5,))[0] == pytest.approx(np.median(area), rel=0.03)


def test_equal_weights_give_the_usual_quantiles() -> None:
    values = np.random.default_rng(1).normal(size=37)
    shares = (0.0, 0.25, 0.5, 0.9, 1.0)
    assert weighted_quantiles(values, np.ones(37), shares) == pytest.approx(np.quantile(values, shares))
    assert weighted_quantiles(np.array([7.0]), np.array([3.0]), (0.1, 0.5)).tolist() == [7.0, 7.0]


def test_only_whole_objects_are_weighted() -> None:
    labels = np.zeros((40, 40), np.uint8)
    labels[2:5, 2:5] = labels[10:38, 2:6] = labels[39, 20:24] = 1
    image = ImageObjects("i", "i", "", "1", measure_objects(labels, DEFAULT_SCHEME, 1000.0))
    (whole,) = summarise([image], MEASURES[0], Selection(1))
    (every,) = summarise([image], MEASURES[0], Selection(1, whole_only=False))
    weights = edge_weights(box_fits(np.array([3, 28]), np.array([3, 4]), (40, 40)))
    assert whole.mean == pytest.approx(np.average([9, 112], weights=weights))
    assert whole.mean > (9 + 112) / 2
    assert every.mean == pytest.approx((9 + 112 + 4) / 3)
    assert every.median == pytest.approx(9)
    assert every.deviation == pytest.approx(np.std([9, 112, 4], ddof=1))
