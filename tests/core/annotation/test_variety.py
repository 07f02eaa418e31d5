"""Places chosen by texture: rare kinds soon, whatever the contrast, in images of any shape."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from core.annotation.variety import varied_places

WINDOW = 128


def tissue(seed: int = 0) -> NDArray[np.uint8]:
    """Grain everywhere; in one corner a dark disc, in another a striped patch, 1 % of the image each."""
    rng = np.random.default_rng(seed)
    image = 128 + 10 * gaussian_filter(rng.standard_normal((768, 768)), 1.0) / 0.28
    rows, columns = np.indices(image.shape)
    image[(rows - 620) ** 2 + (columns - 130) ** 2 < 45**2] -= 60
    stripes = (abs(rows - 150) < 40) & (abs(columns - 600) < 40)
    image[stripes] += 40 * np.sign(np.sin(columns[stripes] / 2))
    return np.clip(image, 0, 255).astype(np.uint8)


def shows(places: tuple[tuple[int, int], ...], row: int, column: int) -> bool:
    """Whether any of the windows shows most of an object there."""
    middle = WINDOW // 2
    return any(abs(top + middle - row) < middle and abs(left + middle - column) < middle for top, left in places)


@pytest.mark.parametrize("seed", range(4))
def test_rare_kinds_are_among_the_first_places(seed: int) -> None:
    """Two of 36 windows show something; chance would need a dozen places or more."""
    first = varied_places(tissue(seed), window=WINDOW, seed=seed)[:3]
    assert shows(first, 620, 130)
    assert shows(first, 150, 600)


def test_brightness_contrast_and_data_type_change_nothing() -> None:
    image = tissue()
    wanted = varied_places(image, window=WINDOW)[:3]
    assert varied_places(image.astype(np.uint16) * 100 + 3000, window=WINDOW)[:3] == wanted
    assert varied_places(image.astype(np.float32) / 255 - 7, window=WINDOW)[:3] == wanted


def test_places_lie_inside_and_overlap_by_a_quarter_at_most() -> None:
    found = varied_places(tissue()[:500, :700], window=WINDOW, most=60)
    assert len(found) > 10
    for number, (row, column) in enumerate(found):
        assert 0 <= row <= 500 - WINDOW
        assert 0 <= column <= 700 - WINDOW
        others = found[:number]
        assert all(max(abs(row - r), abs(column - c)) >= 0.75 * WINDOW for r, c in others)


def test_the_same_seed_gives_the_same_places() -> None:
    assert varied_places(tissue(), window=WINDOW, seed=3) == varied_places(tissue(), window=WINDOW, seed=3)


@pytest.mark.parametrize(
    ("pixels", "window"),
    [
        (np.zeros((300, 400), np.uint8), 256),
        (np.full((5, 5), 3, np.uint16), 5),
        (np.eye(40, dtype=np.float32), 1),
        (np.array([[7]], np.uint8), 1),
        (np.linspace(-3e38, 3e38, 256 * 256, dtype=np.float32).reshape(256, 256), 256),
    ],
    ids=["blank", "smaller than a window", "windows of a pixel", "one pixel", "huge numbers"],
)
def test_odd_images_have_a_place_too(pixels: NDArray[np.generic], window: int) -> None:
    found = varied_places(pixels, window=window, most=5)
    assert 1 <= len(found) <= 5
    assert all(row + window <= pixels.shape[0] and column + window <= pixels.shape[1] for row, column in found)
