"""Burnt-in scale bars are found where they are, and nowhere else."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray

from core.imaging.scale_bar import ScaleBarLine, find_scale_bar


def _tissue(seed: int = 0) -> NDArray[np.uint8]:
    """Grey noise with soft dark and bright patches."""
    noise = np.random.default_rng(seed).normal(128, 30, (300, 800))
    return np.clip(noise, 10, 240).astype(np.uint8)


def _strip(bar: int, ground: int) -> NDArray[np.uint8]:
    image = _tissue()
    image[240:] = ground
    image[260:266, 500:700] = bar
    image[275:285, 560:640:3] = bar  # its label
    image[255:270, 20:90:4] = bar
    return image


def _as_jpeg(image: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    file = io.BytesIO()
    PIL.Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(PIL.Image.open(file))


@pytest.mark.parametrize("value", [0, 255], ids=["black", "white"])
@pytest.mark.parametrize("where", ["tissue", "strip"])
@pytest.mark.parametrize("quality", [None, 80])
def test_a_bar_is_found_from_edge_to_edge(value: int, where: str, quality: int | None) -> None:
    if where == "strip":
        image, found = _strip(value, 255 - value), ScaleBarLine(263.0, 500.0, 700.0)
    else:
        image, found = _tissue(), ScaleBarLine(283.0, 100.0, 220.0)
        image[280:286, 100:220] = value
    bar = find_scale_bar(image if quality is None else _as_jpeg(image, quality))
    assert bar is not None
    assert bar.row == pytest.approx(found.row, abs=1)
    assert bar.column_start == pytest.approx(found.column_start, abs=1)
    assert bar.column_end == pytest.approx(found.column_end, abs=1)


def test_a_bar_of_16_bits_with_ticks_at_its_ends_is_found() -> None:
    image = _tissue().astype(np.uint16) * 100
    image[270:273, 300:501] = 65535
    image[262:281, 300:302] = image[262:281, 499:501] = 65535
    assert find_scale_bar(image, row_offset=700) == ScaleBarLine(971.5, 300.0, 501.0)


def _frame() -> NDArray[np.uint8]:
    image = _tissue()
    image[:3], image[-3:], image[:, :3], image[:, -3:] = 255, 255, 255, 255
    return image


def _nucleus() -> NDArray[np.uint8]:
    image, (y, x) = _tissue(), np.mgrid[:300, :800]
    image[(y - 250) ** 2 + (x - 400) ** 2 < 90**2] = 255
    return image


@pytest.mark.parametrize(
    "image",
    [_tissue(), _frame(), _nucleus(), np.full((50, 50), 7, np.uint8), np.zeros((1, 1)), np.full((40, 90), np.nan)],
    ids=["tissue", "frame", "bright round body", "flat", "one pixel", "no numbers"],
)
def test_what_is_no_bar_is_not_proposed(image: NDArray[np.uint8]) -> None:
    assert find_scale_bar(image) is None


def test_real_tissue_has_no_bar(shared_data: Path) -> None:
    paths = sorted((shared_data / "vnc" / "images").iterdir())
    for path in paths:
        pixels = np.asarray(PIL.Image.open(path))
        assert find_scale_bar(pixels[-300:]) is None, path.name
