"""Overlay figures: colours, bar lengths, what is left out."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from core.errors import LabelMapError
from core.imaging.overlay import OverlayStyle, boundaries, color_table, render_overlay, scale_bar
from core.label_scheme import DEFAULT_SCHEME

BARE = OverlayStyle(opacity=0.5, legend=False, scale_bar=False)


@pytest.mark.parametrize(
    ("width_px", "pixel_size_nm", "text", "length_px"),
    [
        pytest.param(1000, 8.0, "1 µm", 125, id="poster scale"),
        pytest.param(1000, 4.6, "500 nm", 500 / 4.6, id="fine"),
        pytest.param(500, 100.0, "10 µm", 100, id="exactly a fifth"),
        pytest.param(40, 0.5, "2 nm", 4, id="tiny"),
    ],
)
def test_scale_bar_is_the_longest_round_length(
    width_px: int, pixel_size_nm: float, text: str, length_px: float
) -> None:
    bar = scale_bar(width_px, pixel_size_nm)
    assert bar.text == text
    assert bar.length_px == pytest.approx(length_px)


def test_classes_are_mixed_in_and_background_stays_grey() -> None:
    display = np.full((2, 2), 100, np.uint8)
    labels = np.array([[0, 1], [2, 255]], np.uint8)
    rgb = np.asarray(render_overlay(display, labels, DEFAULT_SCHEME, None, BARE))
    assert rgb[0, 0].tolist() == [100, 100, 100]
    assert rgb[0, 1].tolist() == [178, 50, 50]
    assert rgb[1, 0].tolist() == [50, 50, 178]
    assert rgb[1, 1].tolist() == [100, 100, 100]


def test_a_hidden_class_is_not_drawn() -> None:
    style = OverlayStyle(opacity=1, legend=False, scale_bar=False, class_ids=frozenset({2}))
    rgb = np.asarray(render_overlay(np.zeros((1, 2), np.uint8), np.array([[1, 2]], np.uint8), DEFAULT_SCHEME, 8, style))
    assert rgb.tolist() == [[[0, 0, 0], [0, 0, 255]]]


@pytest.mark.parametrize("outline", [False, True], ids=["filled", "outline"])
@pytest.mark.parametrize("shape", [(50, 7), (2600, 3), (1, 9)], ids=lambda shape: f"{shape[0]} x {shape[1]}")
def test_bands_and_tables_do_not_show(monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int], outline: bool) -> None:
    """The picture is that of the whole array at once in floating point."""
    monkeypatch.setattr("core.imaging.row_bands.BAND_PX", 60)
    rng = np.random.default_rng(0)
    display = rng.integers(0, 256, shape, np.uint8)
    labels = rng.choice(np.array([0, 1, 2, 5, 255], np.uint8), (-(-shape[0] // 3), shape[1])).repeat(3, 0)[: shape[0]]
    style = OverlayStyle(opacity=0.37, outline=outline, legend=False, scale_bar=False, class_ids=frozenset({1, 5}))
    share = np.isin(labels, [1, 5]) * np.float32(1 if outline else 0.37)
    if outline:
        share *= boundaries(labels, max(1, round(max(shape) / 1000)))
    colors = color_table(DEFAULT_SCHEME)[labels].astype(np.float32)
    expected = np.rint(display[..., None] * (1 - share[..., None]) + colors * share[..., None])
    figure = render_overlay(display, labels, DEFAULT_SCHEME, None, style)
    np.testing.assert_array_equal(np.asarray(figure), expected)


def test_an_overlay_takes_few_bytes_a_pixel(monkeypatch: pytest.MonkeyPatch) -> None:
    """It took 36 beside the picture itself, which Pillow holds and nobody traces."""
    monkeypatch.setattr("core.imaging.row_bands.BAND_PX", 10_000)
    display, labels = np.full((1200, 1000), 90, np.uint8), np.ones((1200, 1000), np.uint8)
    tracemalloc.start()
    try:
        render_overlay(display, labels, DEFAULT_SCHEME, 8.0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * labels.size


def test_boundaries_are_inside_the_class() -> None:
    labels = np.zeros((5, 5), np.uint8)
    labels[1:4, 1:4] = 3
    edge = boundaries(labels)
    assert edge.sum() == 8
    assert not edge[2, 2]


def test_legend_and_scale_bar_are_added_below_and_inside() -> None:
    labels = np.zeros((300, 400), np.uint8)
    labels[:50] = 4
    figure = render_overlay(np.zeros((300, 400), np.uint8), labels, DEFAULT_SCHEME, 8.0)
    assert figure.width == 400
    assert figure.height > 300
    corner = np.asarray(figure)[250:300, 250:400]
    assert (corner == 255).all(axis=2).sum() > 100


def test_colorize_leaves_ignore_black() -> None:
    assert color_table(DEFAULT_SCHEME)[[[5, 255]]].tolist() == [[[255, 0, 255], [0, 0, 0]]]


def test_different_sizes_are_refused() -> None:
    with pytest.raises(LabelMapError, match="same size"):
        render_overlay(np.zeros((2, 2), np.uint8), np.zeros((3, 2), np.uint8), DEFAULT_SCHEME, None)
