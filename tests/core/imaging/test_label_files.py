"""Label maps written for other programs hold the ids exactly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image as PilImage

from core.imaging.label_files import write_label_png, write_label_tiff
from core.label_scheme import DEFAULT_SCHEME

LABELS = np.array([[0, 1, 2], [5, 255, 3]], np.uint8)


@pytest.mark.parametrize("pixel_size_nm", [8.0, None], ids=["known", "unknown"])
def test_tiff_keeps_ids_and_pixel_size(tmp_path: Path, pixel_size_nm: float | None) -> None:
    path = tmp_path / "labels.tif"
    write_label_tiff(path, LABELS, pixel_size_nm)
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        assert np.array_equal(page.asarray(), LABELS)
        unit = page.tags["ResolutionUnit"].value
        if pixel_size_nm is None:
            assert unit == 1  # none
        else:
            numerator, denominator = page.tags["XResolution"].value
            assert unit == 3  # centimetre
            assert numerator / denominator == pytest.approx(1e7 / pixel_size_nm)
    assert [entry.name for entry in tmp_path.iterdir()] == ["labels.tif"]


def test_png_keeps_ids_and_shows_colours(tmp_path: Path) -> None:
    path = tmp_path / "labels.png"
    write_label_png(path, LABELS, DEFAULT_SCHEME)
    with PilImage.open(path) as picture:
        assert np.array_equal(np.asarray(picture), LABELS)
        assert picture.convert("RGB").getpixel((1, 0)) == (255, 0, 0)
