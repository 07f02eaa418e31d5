"""Label files read band by band: the same label map as at once, whatever the size of the bands."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import nibabel
import numpy as np
import pytest
import tifffile
from scipy import ndimage

from core.datasets.import_check import guessed_source
from core.errors import LabelMapError
from core.imaging import row_bands as bands_of_rows
from core.imaging.formats import mrc, nifti, tiff_bands
from core.imaging.reader import open_micrograph
from core.label_scheme import DEFAULT_SCHEME, IGNORE_ID
from core.labels import bands
from core.labels.coded_picture import CLEAR, PictureCoder
from core.labels.colors import find_colors, read_rgb_labels
from core.labels.importing import read_label_image
from core.labels.reading import LabelSource

SHAPE = (61, 47)

Writer = Callable[[Path, np.ndarray], object]


def _labels() -> np.ndarray:
    labels = np.zeros(SHAPE, np.uint8)
    labels[3:22, 5:30], labels[25:55, 8:40], labels[50:, :5] = 1, 3, IGNORE_ID
    return labels


def _tiff(**options: Any) -> Writer:
    return lambda path, pixels: tifffile.imwrite(path, pixels, **options)


def _nifti(path: Path, pixels: np.ndarray) -> None:
    content = nibabel.Nifti1Image(pixels.T[..., None], np.eye(4)).to_bytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def _mrc(path: Path, pixels: np.ndarray) -> None:
    head = bytearray(1024)
    head[:16] = np.array([SHAPE[1], SHAPE[0], 1, 6], "<i4").tobytes()
    head[64:76] = np.array([1, 2, 3], "<i4").tobytes()
    head[208:216] = b"MAP DD\0\0"
    path.write_bytes(bytes(head) + pixels.astype("<u2").tobytes())


WAYS: dict[str, tuple[str, type, Writer]] = {
    "strips": ("a.tif", np.uint8, _tiff(compression="zlib", rowsperstrip=7)),
    "rows": ("a.tif", np.uint8, _tiff(compression="lzw", rowsperstrip=1)),
    "tiles": ("a.tif", np.uint16, _tiff(compression="zlib", tile=(16, 32))),
    "predictor": ("a.tif", np.int32, _tiff(compression="zlib", tile=(16, 16), predictor=True)),
    "plain": ("a.tif", np.uint16, _tiff()),
    "other byte order": ("a.tif", np.int16, _tiff(byteorder=">")),
    "floats": ("a.tif", np.float32, _tiff(compression="zstd", rowsperstrip=9)),
    "turned": ("a.tif", np.uint8, _tiff(rowsperstrip=9, extratags=[(274, 3, 1, 1, True)])),
    "bigtiff": ("a.tif", np.uint8, _tiff(bigtiff=True, compression="zlib", rowsperstrip=11)),
    "png": ("a.png", np.uint8, lambda path, pixels: path.write_bytes(imagecodecs.png_encode(pixels))),
    "nifti": ("a.nii", np.int16, _nifti),
    "nifti, packed": ("a.nii.gz", np.uint8, _nifti),
    "mrc": ("a.mrc", np.uint16, _mrc),
}


@pytest.fixture
def small_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiff_bands, "BAND_BYTES", 300)
    monkeypatch.setattr(nifti, "_BAND_PX", 300)
    monkeypatch.setattr(mrc, "_BAND_BYTES", 300)
    monkeypatch.setattr(bands_of_rows, "BAND_PX", 300)


@pytest.mark.usefixtures("small_bands")
@pytest.mark.parametrize("way", WAYS)
def test_bands_are_the_whole(tmp_path: Path, way: str) -> None:
    name, dtype, write = WAYS[way]
    path = tmp_path / name
    write(path, _labels().astype(dtype))
    with open_micrograph(path) as file:
        pieces = list(file.bands())
        whole = file.read_plane().pixels
    assert len(pieces) > 3
    assert [top for top, _ in pieces] == np.cumsum([0, *(len(plane.pixels) for _, plane in pieces[:-1])]).tolist()
    assert np.array_equal(np.concatenate([plane.pixels for _, plane in pieces]), whole)
    assert pieces[0][1].pixels.dtype == whole.dtype
    read = read_label_image(path, DEFAULT_SCHEME, SHAPE)
    assert np.array_equal(read.labels_yx, _labels())
    assert dict(read.report.class_pixels) == {
        int(i): int(n) for i, n in zip(*np.unique(_labels(), return_counts=True), strict=True)
    }
    assert guessed_source([path], DEFAULT_SCHEME) is LabelSource.IMAGE


@pytest.mark.usefixtures("small_bands")
def test_tiles_that_are_absent_are_background(tmp_path: Path) -> None:
    path = tmp_path / "sparse.tif"
    tiles = [np.full((16, 16), 1, np.uint8), None, None, np.full((16, 16), 3, np.uint8)]
    tifffile.imwrite(path, iter(tiles), shape=(32, 32), dtype=np.uint8, tile=(16, 16), compression="zlib")
    labels = read_label_image(path, DEFAULT_SCHEME, (32, 32)).labels_yx
    assert labels[:16, :16].all()
    assert not labels[:16, 16:].any()
    assert (labels[16:, 16:] == 3).all()


def _painted(*, soft: bool, alpha: bool) -> np.ndarray:
    colors = np.array([(0, 0, 0), *(item.rgb() for item in DEFAULT_SCHEME.classes)], np.uint8)
    labels = np.where(_labels() == IGNORE_ID, 0, _labels())
    rgb = colors[labels]
    if soft:
        rgb = ndimage.uniform_filter(rgb, (2, 2, 1))
    return np.dstack([rgb, np.where(labels[..., None] > 0, 255, 40).astype(np.uint8)]) if alpha else rgb


@pytest.mark.parametrize("alpha", [False, True], ids=["opaque", "alpha"])
@pytest.mark.parametrize("soft", [False, True], ids=["hard", "soft"])
def test_colours_in_bands_are_the_colours_of_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, soft: bool, alpha: bool
) -> None:
    """Blends lie across the edges of bands, and what is a blend depends on the rows beside."""
    path = tmp_path / "c.tif"
    options: dict[str, Any] = {"extrasamples": ["unassalpha"]} if alpha else {}
    tifffile.imwrite(
        path, _painted(soft=soft, alpha=alpha), photometric="rgb", rowsperstrip=5, compression="zlib", **options
    )
    at_once = read_rgb_labels(path, DEFAULT_SCHEME, SHAPE)
    colors = find_colors(path)
    for band_px in (47, 100, 300):  # bands of one, two and six rows
        monkeypatch.setattr(tiff_bands, "BAND_BYTES", band_px)
        monkeypatch.setattr(bands_of_rows, "BAND_PX", band_px)
        in_bands = read_rgb_labels(path, DEFAULT_SCHEME, SHAPE)
        assert np.array_equal(in_bands.labels_yx, at_once.labels_yx)
        assert in_bands.report == at_once.report
        assert find_colors(path) == colors
    assert guessed_source([path], DEFAULT_SCHEME) is LabelSource.RGB
    if soft:
        assert at_once.report.counts


@pytest.mark.usefixtures("small_bands")
def test_more_values_than_a_byte_can_number(tmp_path: Path) -> None:
    """The file is read twice then: here every pixel of a slope, of which only the edge is allowed."""
    path = tmp_path / "many.tif"
    values = np.where(_labels() == 1, 5000, 0).astype(np.uint16)
    values[0, :40] = np.arange(4000, 4040)
    values[1:8, 40:] = 3000 + np.arange(49).reshape(7, 7)
    values = np.tile(values, (8, 8))
    values[::61, :] += np.arange(values.shape[1], dtype=np.uint16)[None, :] * (values[::61, :] > 0)
    tifffile.imwrite(path, values, rowsperstrip=8, compression="zlib")
    assert len(np.unique(values)) > 256
    read = read_label_image(path, DEFAULT_SCHEME, values.shape, value_map={5000: 2}, stray_share=0.5)
    nearest = np.where(np.abs(values.astype(int) - 5000) < values, 2, 0)
    assert np.array_equal(read.labels_yx, nearest)


def test_more_colours_than_two_bytes_can_number() -> None:
    colors = np.arange(70_000, dtype=np.uint32).reshape(7, 10_000)
    coder = PictureCoder((14, 10_000))
    coder.add(0, colors, None)
    coder.add(7, colors, np.ones(colors.shape, bool))
    picture = coder.picture()
    assert np.array_equal(picture[0:7], colors)
    assert not picture[7:14].any()
    assert picture.clear_pixels == 70_000
    assert (picture.colors == CLEAR).sum() == 1
    found, pixels = picture.counted()
    assert np.array_equal(found, np.arange(70_000))
    assert pixels.tolist() == [70_001] + [1] * 69_999


def test_what_must_be_decoded_at_once_and_is_too_large_is_refused_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "one_strip.tif"
    tifffile.imwrite(path, np.zeros((64, 64), np.float64), compression="zlib", rowsperstrip=64)
    monkeypatch.setattr(bands.psutil, "virtual_memory", lambda: type("Memory", (), {"total": 100_000})())
    with pytest.raises(LabelMapError, match=r"requires about 0\.0 GB of memory") as caught:
        read_label_image(path, DEFAULT_SCHEME, (64, 64))
    assert "strips or tiles" in caught.value.remedy
