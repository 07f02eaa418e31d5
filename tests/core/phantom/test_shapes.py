"""Distances to shapes."""

from __future__ import annotations

import numpy as np
import pytest

from core.phantom.fields import Frame
from core.phantom.shapes import Blob, disc, sausage

NO_WAVES = np.zeros((0, 4))


def test_a_disc_has_exact_distances() -> None:
    blob = Blob(np.array([[10.0, 20.0]]), np.array([5.0]), NO_WAVES)
    where = blob.coordinates(np.array([10.0, 14.0]), np.array([20.0, 23.0]))
    np.testing.assert_allclose(where.distance, [[-5, -2], [-1, 0]], atol=1e-6)


def test_a_rod_has_exact_distances_and_coordinates() -> None:
    blob = Blob(np.array([[0.0, 0.0], [0.0, 30.0], [0.0, 60.0]]), np.array([10.0, 10.0, 10.0]), NO_WAVES)
    where = blob.coordinates(np.array([4.0]), np.array([15.0, 45.0, 63.0]))
    np.testing.assert_allclose(where.distance, [[-6, -6, -5]], atol=1e-5)
    np.testing.assert_allclose(where.along, [[15, 45, 63]], atol=1e-5)
    np.testing.assert_allclose(np.abs(where.across), [[4, 4, 4]], atol=1e-5)


def test_bounds_hold_the_whole_shape() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        blob = sausage(rng, np.array([5000.0, 5000.0]), 300.0, 1500.0, rng.normal())
        low, high = blob.bounds()
        y = np.arange(0.0, 10_000, 40)
        rows, cols = np.nonzero(blob.coordinates(y, y).distance < 0)
        assert len(rows) > 0
        assert low[0] <= y[rows.min()] and y[rows.max()] <= high[0]
        assert low[1] <= y[cols.min()] and y[cols.max()] <= high[1]


def test_a_shape_outside_the_frame_has_no_window() -> None:
    blob = disc(np.random.default_rng(0), np.array([9000.0, 0.0]), 100.0)
    assert blob.window(Frame((100, 100), 8.0)) is None


def test_a_disc_is_about_as_large_as_asked() -> None:
    y = np.arange(0.0, 2000, 10)
    blob = disc(np.random.default_rng(0), np.array([1000.0, 1000.0]), 500.0)
    area = (blob.coordinates(y, y).distance < 0).sum() * 100
    assert area == pytest.approx(np.pi * 500**2, rel=0.05)
