"""Display windows: by hand, and the same by table and by arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import ImageError
from core.imaging.display import percentile_window, to_display


def test_window_leaves_out_outliers() -> None:
    image = np.full((100, 100), 50, np.uint16)
    image[:, 50:] = 150
    image[0, 0], image[0, 99] = 0, 65535
    assert percentile_window(image) == (50.0, 150.0)


@pytest.mark.parametrize(
    ("image", "window"),
    [
        (np.full((4, 4), 7, np.uint8), (7.0, 8.0)),
        (np.pad(np.full((1, 1), 9, np.uint8), ((0, 60), (0, 60))), (0.0, 9.0)),
        (np.array([[2.5]], np.float32), (2.5, 3.5)),
    ],
    ids=["constant", "nearly-constant", "1-pixel"],
)
def test_window_is_never_empty(image: np.ndarray, window: tuple[float, float]) -> None:
    assert percentile_window(image) == window


def test_window_of_a_large_constant_float() -> None:
    low, high = percentile_window(np.full((3, 3), 3e38, np.float32))
    assert low < high


def test_window_of_a_large_image_is_that_of_all_its_pixels() -> None:
    image = np.random.default_rng(0).normal(1000, 100, (3000, 3000)).astype(np.float32)
    exact = np.percentile(image, [0.5, 99.5])
    np.testing.assert_allclose(percentile_window(image), exact, atol=3)


def test_no_pixels() -> None:
    with pytest.raises(ImageError, match="without pixels"):
        percentile_window(np.zeros((0, 3), np.uint8))


def test_stretch_by_hand() -> None:
    shown = to_display(np.array([[0, 100, 101, 110, 111, 300]], np.uint16), 100, 110)
    assert shown.tolist() == [[0, 0, 26, 255, 255, 255]]  # 1 / 10 of 255 is 25.5
    assert shown.dtype == np.uint8
    assert to_display(np.array([4, 5, 6], np.uint8), 5, 5).tolist() == [0, 0, 255]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tables_and_arithmetic_agree(dtype: type[np.generic]) -> None:
    block = np.random.default_rng(1).integers(0, np.iinfo(dtype).max, (300, 300), endpoint=True).astype(dtype)
    np.testing.assert_array_equal(to_display(block, 13.7, 190.2), to_display(block.astype(np.float32), 13.7, 190.2))
