"""Label maps written for other programs hold the ids exactly, their scale, and what the values mean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image as PilImage

from core.imaging.png_writing import write_png
from core.imaging.reader import open_micrograph
from core.label_scheme import DEFAULT_SCHEME, LabelScheme
from core.labels.files import (
    STRIP_ROWS,
    FileFacts,
    write_image_tiff_by_rows,
    write_label_png,
    write_label_tiff,
    write_label_tiff_by_rows,
)
from core.labels.importing import read_label_image

LABELS = np.array([[0, 1, 2], [5, 255, 3]], np.uint8)

SIZES_NM = (0.5, 0.731, 3.7, 8.0, 10.1234, 60.0, 500.0)


def facts(pixel_size_nm: float | None, scheme: LabelScheme = DEFAULT_SCHEME) -> FileFacts:
    return FileFacts(
        pixel_size_nm=pixel_size_nm, scheme=scheme, image="Leber µ.tif", made_by="prediction of the model x"
    )


def read_back(path: Path) -> tuple[float | None, NDArray[np.uint8]]:
    """As an import reads it: pixel size and ids."""
    with open_micrograph(path) as file:
        size = file.pixel_size.nm
    return size, read_label_image(path, DEFAULT_SCHEME, LABELS.shape).labels_yx


@pytest.mark.parametrize("pixel_size_nm", SIZES_NM)
def test_a_tiff_opens_in_imagej_with_micrometres_and_colours(tmp_path: Path, pixel_size_nm: float) -> None:
    path = tmp_path / "labels.tif"
    write_label_tiff(path, LABELS, facts(pixel_size_nm))
    with tifffile.TiffFile(path) as file:
        assert file.imagej_metadata is not None
        assert file.imagej_metadata["unit"] == "um"
        page = file.pages.first
        numerator, denominator = page.tags["XResolution"].value
        assert denominator / numerator * 1000 == pytest.approx(pixel_size_nm, rel=1e-6)  # µm per pixel, as ImageJ asks
        assert page.tags["YResolution"].value == page.tags["XResolution"].value
        assert page.tags["ResolutionUnit"].value == 1  # none: ImageJ's own unit counts
        assert (page.photometric, page.compression, page.bitspersample) == (3, 8, 8)  # palette, deflate
        assert page.colormap is not None
        assert [c // 257 for c in page.colormap[:, 1]] == [255, 0, 0]
        assert [c // 257 for c in page.colormap[:, 255]] == [128, 128, 128]
        assert np.array_equal(page.asarray(), LABELS)
    with PilImage.open(path) as picture:
        assert np.array_equal(np.asarray(picture), LABELS)
        assert picture.convert("RGB").getpixel((1, 0)) == (255, 0, 0)
    size, labels = read_back(path)
    assert size == pytest.approx(pixel_size_nm, rel=1e-5)
    assert np.array_equal(labels, LABELS)
    assert [entry.name for entry in tmp_path.iterdir()] == ["labels.tif"]


def test_a_tiff_says_what_its_values_mean(tmp_path: Path) -> None:
    write_label_tiff(tmp_path / "labels.tif", LABELS, facts(8.0))
    with tifffile.TiffFile(tmp_path / "labels.tif") as file:
        info = (file.imagej_metadata or {})["Info"]
    assert "Title: Leber µ.tif" in info
    assert "Source: prediction of the model x" in info
    assert "Pixel size: 8 nm" in info
    assert "\n4 lipid droplets #ffff00\n" in info
    assert info.endswith("255 not annotated (ignore)")


@pytest.mark.parametrize("ending", ["tif", "png"])
def test_an_unknown_pixel_size_stays_unknown(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"labels.{ending}"
    (write_label_tiff if ending == "tif" else write_label_png)(path, LABELS, facts(None))
    size, labels = read_back(path)
    assert size is None
    assert np.array_equal(labels, LABELS)
    if ending == "tif":
        with tifffile.TiffFile(path) as file:
            assert "unit" not in (file.imagej_metadata or {})
    else:
        with PilImage.open(path) as picture:
            assert "dpi" not in picture.info


@pytest.mark.parametrize("pixel_size_nm", SIZES_NM)
def test_a_png_carries_its_scale_and_words(tmp_path: Path, pixel_size_nm: float) -> None:
    path = tmp_path / "labels.png"
    write_label_png(path, LABELS, facts(pixel_size_nm))
    with PilImage.open(path) as picture:
        assert np.array_equal(np.asarray(picture), LABELS)
        assert picture.convert("RGB").getpixel((1, 0)) == (255, 0, 0)
        per_inch = picture.info["dpi"][0]
        assert 25.4e6 / per_inch == pytest.approx(pixel_size_nm, rel=1e-6)
        assert picture.info["Title"] == "Leber µ.tif"
        assert picture.info["Pixel size"] == f"{pixel_size_nm:.6g} nm"
        assert picture.info["Software"].startswith("Cristae ")
        assert "4 lipid droplets #ffff00" in picture.info["Classes"]
    size, labels = read_back(path)
    assert size == pytest.approx(pixel_size_nm, rel=1e-5)
    assert np.array_equal(labels, LABELS)


def test_a_png_holds_letters_of_every_alphabet_and_253_classes(tmp_path: Path) -> None:
    scheme = LabelScheme.from_names({f"细胞 {number}": number for number in range(1, 254)})
    write_label_png(tmp_path / "labels.png", LABELS, facts(8.0, scheme))
    with PilImage.open(tmp_path / "labels.png") as picture:
        picture.load()
        assert "253 细胞 253 " in picture.info["Classes"]
    with open_micrograph(tmp_path / "labels.png") as file:
        assert file.pixel_size.nm == 8.0
    write_label_tiff(tmp_path / "labels.tif", LABELS, facts(8.0, scheme))
    with tifffile.TiffFile(tmp_path / "labels.tif") as file:
        assert "253 细胞 253 " in (file.imagej_metadata or {})["Info"]


def test_what_a_png_cannot_hold_is_left_to_its_words(tmp_path: Path) -> None:
    write_label_png(tmp_path / "labels.png", LABELS, facts(0.2))  # 5e9 pixels a metre; the format ends at 2.1e9
    with PilImage.open(tmp_path / "labels.png") as picture:
        assert "dpi" not in picture.info
        assert picture.info["Pixel size"] == "0.2 nm"


@pytest.mark.parametrize("shape", [(STRIP_ROWS, 40), (STRIP_ROWS + 1, 40), (1, 1)], ids=str)
def test_a_label_map_written_by_strips_is_the_same(tmp_path: Path, shape: tuple[int, int]) -> None:
    labels = np.random.default_rng(1).choice([0, 1, 4, 255], shape).astype(np.uint8)
    asked: list[tuple[int, int]] = []

    def rows(top: int, bottom: int) -> NDArray[np.uint8]:
        asked.append((top, bottom))
        return labels[top:bottom]

    write_label_tiff_by_rows(tmp_path / "a.tif", shape, rows, facts(8.0))
    assert np.array_equal(tifffile.imread(tmp_path / "a.tif"), labels)
    assert max(bottom - top for top, bottom in asked) <= STRIP_ROWS


def test_a_label_map_beyond_4_gib_becomes_a_bigtiff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.labels.files._CLASSIC_BYTES", 1)
    write_label_tiff(tmp_path / "a.tif", LABELS, facts(8.0))
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.is_bigtiff
        assert "4 lipid droplets" in file.pages.first.description
    size, labels = read_back(tmp_path / "a.tif")
    assert size == 8.0
    assert np.array_equal(labels, LABELS)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_micrograph_keeps_pixels_dtype_and_scale(tmp_path: Path, dtype: type) -> None:
    pixels = (np.random.default_rng(0).random((1030, 33)) * 200).astype(dtype)
    write_image_tiff_by_rows(
        tmp_path / "a.tif",
        (1030, 33),
        np.dtype(dtype),
        lambda top, bottom: pixels[top:bottom],
        FileFacts(pixel_size_nm=3.7),
    )
    with open_micrograph(tmp_path / "a.tif") as file:
        image = file.read()
        assert file.pixel_size.nm == pytest.approx(3.7, rel=1e-5)
    assert image.pixels_yx.dtype == dtype
    assert np.array_equal(image.pixels_yx, pixels)


@pytest.mark.parametrize("grain", [False, True])
@pytest.mark.parametrize(("dtype", "samples"), [(np.uint8, 1), (np.uint16, 1), (np.uint8, 3)], ids=str)
def test_png_of_every_kind_is_read_back_by_another_reader(
    tmp_path: Path, dtype: type, samples: int, grain: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.imaging.png_writing._BAND_BYTES", 500)  # several bands
    shape = (37, 21, samples) if samples == 3 else (37, 21)
    pixels = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape).astype(dtype)
    write_png(
        tmp_path / "a.png",
        (37, 21),
        lambda top, bottom: pixels[top:bottom],
        dtype=dtype,
        samples=samples,
        grain=grain,
    )
    with PilImage.open(tmp_path / "a.png") as picture:
        assert np.array_equal(np.asarray(picture), pixels)
