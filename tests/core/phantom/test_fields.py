"""Sampling, noise and coverage against answers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from core.phantom.fields import MARGIN_NM, Field, Frame, band, blend, inside, noise, ramp, texture


def test_a_band_covers_exact_shares_of_pixels() -> None:
    # pixels of 8 nm at -16, -8, 0, 8, 16 nm; a band of 6 nm to both sides covers [-6, 6]
    distance = np.array([[-16, -8, 0, 8, 16]], np.float32)
    np.testing.assert_allclose(band(distance, 6.0, 8.0), [[0, 0.25, 1, 0.25, 0]])


@pytest.mark.parametrize("pixel_nm", [2.0, 8.0, 16.0], ids=lambda v: f"{v:g}nm")
def test_a_membrane_holds_the_same_stain_at_every_pixel_size(pixel_nm: float) -> None:
    distance = ((np.arange(-200, 200) + 0.3) * pixel_nm).astype(np.float32)[None]
    assert band(distance, 5.0, pixel_nm).sum() * pixel_nm == pytest.approx(10.0, rel=1e-3)


def test_inside_is_half_on_the_edge() -> None:
    np.testing.assert_allclose(inside(np.array([[-8, -2, 0, 2, 8]], np.float32), 8.0), [[1, 0.75, 0.5, 0.25, 0]])


def test_ramp_is_flat_outside_and_half_in_the_middle() -> None:
    np.testing.assert_allclose(ramp(np.array([[-1, 0, 1, 2, 3]], np.float32), 0, 2), [[0, 0, 0.5, 1, 1]])


def test_blend_moves_in_place() -> None:
    canvas = np.array([[0.0, 1.0]], np.float32)
    blend(canvas, 0.5, np.array([[0.5, 1.0]], np.float32))
    np.testing.assert_allclose(canvas, [[0.25, 0.5]])


def test_a_field_passes_through_its_nodes_and_keeps_a_slope() -> None:
    rows, cols = np.mgrid[0:40, 0:60].astype(np.float32)
    field = Field(3 * rows - 2 * cols, 100.0)
    y = np.array([0.0, 130.0, 777.0])
    x = np.array([50.0, 400.0])
    expected = 3 * (y[:, None] + MARGIN_NM) / 100 - 2 * (x[None, :] + MARGIN_NM) / 100
    np.testing.assert_allclose(field.at(y, x), expected, rtol=1e-5)


def test_noise_has_zero_mean_and_unit_variance() -> None:
    frame = Frame((400, 300), 8.0)
    whole = frame.whole()
    values = noise(np.random.default_rng(0), frame, 24.0).at(whole.y, whole.x)
    assert abs(values.mean()) < 0.03
    assert values.std() == pytest.approx(1, abs=0.05)


def test_texture_averages_over_large_pixels() -> None:
    fine = texture(np.random.default_rng(1), Frame((256, 256), 8.0), 16.0)
    coarse = texture(np.random.default_rng(1), Frame((64, 64), 32.0), 16.0)
    averaged = fine.reshape(64, 4, 64, 4).mean(axis=(1, 3))
    assert np.corrcoef(averaged.ravel(), coarse.ravel())[0, 1] > 0.98


def test_a_window_is_cut_at_the_frame() -> None:
    frame = Frame((10, 20), 8.0)
    window = frame.window(np.array([-50.0, 24.0]), np.array([17.0, 41.0]))
    assert window is not None
    assert (window.rows, window.cols) == (slice(0, 3), slice(3, 6))
    np.testing.assert_allclose(window.y, [4, 12, 20])
    assert frame.window(np.array([90.0, 0.0]), np.array([99.0, 9.0])) is None


def test_blocks_tile_the_frame() -> None:
    frame = Frame((70, 45), 8.0)
    seen = np.zeros(frame.shape_px, int)
    for block in frame.blocks(160.0):
        seen[block.at] += 1
    assert (seen == 1).all()
