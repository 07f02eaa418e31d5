"""Resampling: an independent reference, no aliasing, both grids over the same field."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core.errors import PredictionError
from core.segmentation.resampling import resample_image, resample_labels, resampled_shape, scale_factor


@pytest.mark.parametrize("factor", [0.25, 0.37, 0.5, 0.99, 1.7, 2.0, 4.0])
def test_equals_pillows_bicubic_away_from_the_edges(factor: float) -> None:
    image = np.random.default_rng(0).normal(size=(120, 160)).astype(np.float32)
    ours = resample_image(image, factor)
    reference = np.asarray(Image.fromarray(image).resize(ours.shape[::-1], Image.Resampling.BICUBIC))
    edge = int(np.ceil(3 * max(factor, 1)))
    inner = np.s_[edge:-edge, edge:-edge]
    np.testing.assert_allclose(ours[inner], reference[inner], atol=2e-5)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@given(shape=st.tuples(st.integers(1, 40), st.integers(1, 40)), factor=st.floats(0.05, 8))
def test_a_constant_stays_constant_and_keeps_its_type(dtype: type, shape: tuple[int, int], factor: float) -> None:
    result = resample_image(np.full(shape, 201, dtype=dtype), factor)
    assert result.dtype == dtype and result.shape == resampled_shape(shape, factor)
    np.testing.assert_allclose(result, 201, rtol=1e-5)


def test_detail_too_fine_for_the_new_grid_is_averaged() -> None:
    stripes = np.tile(np.array([0, 200], dtype=np.uint8), (64, 64))
    small = resample_image(stripes, 0.26)
    assert np.abs(small[4:-4, 4:-4].astype(int) - 100).max() <= 6
    picked = stripes[::4, ::4]
    assert picked.std() == 0 and picked.mean() == 0  # what taking every fourth pixel would give


def test_integers_are_clipped_where_the_kernel_overshoots() -> None:
    edge = np.repeat(np.array([[0, 255]], dtype=np.uint8), 10, axis=1).repeat(20, axis=0)
    large = resample_image(edge, 3.0)
    assert large[:, :20].max() < 40 and large[:, -20:].min() > 215


def test_bands_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.random.default_rng(0).integers(0, 60_000, (97, 61)).astype(np.uint16)
    for factor in (0.4, 1.9):
        whole = resample_image(image, factor)
        with monkeypatch.context() as patch:
            patch.setattr("core.segmentation.resampling.BAND_PX", 1)
            np.testing.assert_array_equal(resample_image(image, factor), whole)


def test_positions_are_kept() -> None:
    rows, columns = np.mgrid[:90, :120]
    image = np.exp(-((rows - 29.5) ** 2 + (columns - 89.5) ** 2) / 50).astype(np.float32)
    for factor in (0.5, 2.0, 0.71):
        result = resample_image(image, factor)
        mass = [(axis * result).sum() / result.sum() for axis in np.indices(result.shape)]
        scale = [n / m for n, m in zip(image.shape, result.shape, strict=True)]
        back = [(center + 0.5) * s - 0.5 for center, s in zip(mass, scale, strict=True)]
        assert back == pytest.approx([29.5, 89.5], abs=0.1)


@given(shape=st.tuples(st.integers(1, 30), st.integers(1, 30)), factor=st.floats(0.05, 6))
def test_labels_never_mix(shape: tuple[int, int], factor: float) -> None:
    labels = np.random.default_rng(0).choice([0, 3, 254], size=shape).astype(np.uint8)
    result = resample_labels(labels, factor)
    assert result.shape == resampled_shape(shape, factor) and result.dtype == np.uint8
    assert set(np.unique(result)) <= set(np.unique(labels))


def test_labels_by_hand() -> None:
    labels = np.array([[1, 2], [3, 4]], dtype=np.uint8)
    assert resample_labels(labels, 2).tolist() == [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    np.testing.assert_array_equal(resample_labels(resample_labels(labels, 3), 1 / 3), labels)


def test_scale_factor() -> None:
    assert scale_factor(4, 8) == 0.5
    assert scale_factor(16, 8) == 2
    assert scale_factor(8.05, 8) == 1  # no work for half a percent
    assert scale_factor(None, 8) == 1 and scale_factor(8, None) == 1
    with pytest.raises(PredictionError, match="factor of 125"):
        scale_factor(1000, 8)
    with pytest.raises(PredictionError, match="-1"):
        scale_factor(-1, 8)
