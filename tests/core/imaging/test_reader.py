"""Reading micrographs: every format, every kind of pixel, every notice."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image as PilImage

from core.errors import ImageError
from core.imaging.reader import open_micrograph, read_image
from tests.core.imaging.files import GREY, mrc, nifti, pil, png, tiff

RGB = np.random.default_rng(1).integers(0, 256, (60, 90, 3), np.uint8)
RGB16 = np.random.default_rng(2).integers(0, 65536, (60, 90, 3)).astype(np.uint16)
STACK = np.random.default_rng(3).integers(0, 256, (4, 60, 90), np.uint8)


def _luma(rgb: np.ndarray) -> np.ndarray:
    """BT.601, worked out in double precision."""
    return rgb[..., 0] * 0.299 + rgb[..., 1] * 0.587 + rgb[..., 2] * 0.114


def _saved(folder: Path, content: bytes, name: str = "image") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (png(GREY), "PNG"),
        (pil(GREY, "TIFF"), "TIFF"),
        (pil(GREY, "TIFF", compression="tiff_lzw"), "TIFF"),
        (tiff(GREY, compression="zlib", predictor=True), "TIFF"),
        (tiff(GREY, tile=(16, 32), compression="zstd"), "TIFF"),
        (tiff(GREY, byteorder=">"), "TIFF"),
        (tiff(GREY, bigtiff=True), "BigTIFF"),
        (tiff(GREY, ome=True), "OME-TIFF"),
        (tiff(GREY, imagej=True), "TIFF"),
        (nifti(GREY.T), "NIfTI"),
        (gzip.compress(nifti(GREY.T[..., None])), "NIfTI"),
    ],
    ids=["png", "tiff", "lzw", "predictor", "tiles", "big-endian", "bigtiff", "ome", "imagej", "nifti", "nifti-gz"],
)
def test_lossless_formats_give_back_the_pixels(tmp_path: Path, content: bytes, kind: str) -> None:
    with open_micrograph(_saved(tmp_path, content)) as micrograph:
        assert (micrograph.format, micrograph.pages, micrograph.shape_yx) == (kind, 1, (60, 90))
        assert micrograph.dtype == np.uint8
        image = micrograph.read()
    np.testing.assert_array_equal(image.pixels_yx, GREY)
    assert image.notices == ()
    assert image.pixel_size.nm is None


@pytest.mark.parametrize(
    ("stored", "expected", "notice"),
    [
        (GREY.astype(np.uint16) * 257, GREY.astype(np.uint16) * 257, ""),
        (GREY.astype(np.int16), GREY.astype(np.uint16), "int16 became uint16; no value changed."),
        (
            -GREY.astype(np.int16),
            -GREY.astype(np.float32),
            "int16 (values -255 to 0) became float32; no value changed.",
        ),
        (GREY.astype(np.int8), GREY.astype(np.int8).astype(np.float32), "int8 (values -128 to 127) became float32"),
        (GREY.astype(np.uint32), GREY.astype(np.uint16), "uint32 became uint16; no value changed."),
        (GREY.astype(np.uint32) << 20, (GREY.astype(np.uint32) << 20).astype(np.float32), "large values were rounded"),
        (GREY.astype(np.float32) / 7, GREY.astype(np.float32) / 7, ""),
        (GREY.astype(np.float64) / 7, (GREY.astype(np.float64) / 7).astype(np.float32), "rounded to float32"),
        (GREY.astype(np.float16), GREY.astype(np.float32), ""),
        (GREY > 100, (GREY > 100) * np.uint8(255), "1 bit per pixel"),
    ],
    ids=["uint16", "int16", "int16-negative", "int8", "uint32", "uint32-wide", "float32", "float64", "float16", "bool"],
)
def test_data_types(tmp_path: Path, stored: np.ndarray, expected: np.ndarray, notice: str) -> None:
    image = read_image(_saved(tmp_path, tiff(stored)))
    assert image.pixels_yx.dtype == expected.dtype
    np.testing.assert_array_equal(image.pixels_yx, expected)
    assert notice in " ".join(image.notices)
    assert bool(image.notices) == bool(notice)


@pytest.mark.parametrize("make", [png, lambda p: tiff(p, photometric="rgb")], ids=["png", "tiff"])
@pytest.mark.parametrize("rgb", [RGB, RGB16], ids=["8-bit", "16-bit"])
def test_colour_becomes_luminance_in_its_own_depth(tmp_path: Path, make: Any, rgb: np.ndarray) -> None:
    image = read_image(_saved(tmp_path, make(rgb)))
    assert image.pixels_yx.dtype == rgb.dtype
    np.testing.assert_allclose(image.pixels_yx, _luma(rgb), atol=0.51)
    assert image.notices == ("RGB was converted to luminance.",)


def test_planar_colour_is_the_same_as_interleaved(tmp_path: Path) -> None:
    planar = tiff(np.moveaxis(RGB, -1, 0), photometric="rgb", planarconfig="separate")
    interleaved = tiff(RGB, photometric="rgb")
    images = [read_image(_saved(tmp_path, content)).pixels_yx for content in (planar, interleaved)]
    np.testing.assert_array_equal(*images)


def test_grey_saved_as_colour_stays_exact(tmp_path: Path) -> None:
    image = read_image(_saved(tmp_path, png(np.stack([GREY] * 3, axis=-1))))
    np.testing.assert_array_equal(image.pixels_yx, GREY)
    assert image.notices == ("RGB with three equal channels was read as grey.",)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_alpha_is_left_out_and_told(tmp_path: Path, kind: str) -> None:
    alpha = np.full_like(GREY, 255)
    alpha[0, :7] = 3
    content = png(np.stack([GREY, alpha], axis=-1)) if kind == "PNG" else pil(np.stack([GREY, alpha], -1), "TIFF")
    image = read_image(_saved(tmp_path, content))
    np.testing.assert_array_equal(image.pixels_yx, GREY)
    assert image.notices == ("The alpha channel was ignored (7 pixels are not opaque).",)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_palettes_are_looked_up(tmp_path: Path, kind: str) -> None:
    picture = PilImage.fromarray(GREY % 3).convert("P")
    picture.putpalette([10, 10, 10, 200, 200, 200, 255, 0, 0])
    picture.save(tmp_path / "image", kind)
    image = read_image(tmp_path / "image")
    np.testing.assert_array_equal(image.pixels_yx, np.array([10, 200, 76], np.uint8)[GREY % 3])  # 255 * 0.299 = 76.2
    assert "Palette colours were converted to luminance." in image.notices


def test_white_is_zero_is_turned_over(tmp_path: Path) -> None:
    image = read_image(_saved(tmp_path, tiff(GREY, photometric="miniswhite")))
    np.testing.assert_array_equal(image.pixels_yx, 255 - GREY)
    assert "inverted" in image.notices[0]


def test_one_bit_png_and_fax_tiff(tmp_path: Path) -> None:
    for kind, options in (("PNG", {}), ("TIFF", {"compression": "group4"})):
        image = read_image(_saved(tmp_path, pil(GREY > 99, kind, "1", **options)))
        np.testing.assert_array_equal(image.pixels_yx, (GREY > 99) * np.uint8(255))


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpeg_is_read_and_called_lossy(tmp_path: Path, mode: str) -> None:
    smooth = np.tile(np.arange(90, dtype=np.uint8) * 2, (60, 1))
    image = read_image(_saved(tmp_path, pil(smooth, "JPEG", mode, quality=95)))
    assert np.abs(image.pixels_yx.astype(int) - smooth).mean() < 3
    assert any("lossy" in notice for notice in image.notices)


@pytest.mark.parametrize(
    ("content", "last"),
    [
        (tiff(STACK), "page 4"),
        (tiff(STACK, compression="zlib"), "page 4"),
        (tiff(STACK, truncate=True), "page 4"),
        (tiff(STACK.astype(np.uint16), imagej=True, metadata={"axes": "ZYX"}), "z 4"),
        (tiff(STACK.astype(np.uint16), byteorder=">", truncate=True), "page 4"),
        (tiff(STACK, ome=True, metadata={"axes": "ZYX"}), "z 4"),
        (nifti(STACK.T), "slice 4"),
    ],
    ids=["pages", "packed", "contiguous", "imagej", "contiguous-big-endian", "ome", "nifti"],
)
def test_stacks_page_by_page(tmp_path: Path, content: bytes, last: str) -> None:
    with open_micrograph(_saved(tmp_path, content), name="stack.tif") as micrograph:
        assert micrograph.pages == 4
        for page in (3, 0, 2, 1):
            np.testing.assert_array_equal(micrograph.read(page).pixels_yx, STACK[page])
        assert micrograph.read(3).name == f"stack.tif ({last})"
        with pytest.raises(ImageError, match="no page 5"):
            micrograph.read(4)
    with pytest.raises(ImageError, match="stack of 4 pages where one 2D image is expected"):
        read_image(tmp_path / "image")


def test_channels_and_sections_are_pages(tmp_path: Path) -> None:
    hyperstack = np.random.default_rng(4).integers(0, 256, (3, 2, 60, 90), np.uint8)
    path = _saved(tmp_path, tiff(hyperstack, ome=True, metadata={"axes": "ZCYX"}))
    with open_micrograph(path) as micrograph:
        assert micrograph.pages == 6
        assert micrograph.page_name(3) == "image (z 2, channel 2)"
        np.testing.assert_array_equal(micrograph.read(3).pixels_yx, hyperstack[1, 1])
        assert "2 channels" in micrograph.notices[0]


def test_a_stack_of_colour_pages(tmp_path: Path) -> None:
    colors = np.random.default_rng(5).integers(0, 256, (3, 60, 90, 3), np.uint8)
    with open_micrograph(_saved(tmp_path, tiff(colors, photometric="rgb"))) as micrograph:
        assert micrograph.pages == 3
        np.testing.assert_allclose(micrograph.read(2).pixels_yx, _luma(colors[2]), atol=0.51)


def test_a_thumbnail_beside_the_image_is_left_out(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "image") as writer:
        writer.write(GREY[:10, :10], photometric="minisblack")
        writer.write(GREY, photometric="minisblack")
    image = read_image(tmp_path / "image")
    np.testing.assert_array_equal(image.pixels_yx, GREY)
    assert "10 x 10" in image.notices[0]


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.uint16, np.float32])
def test_mrc_modes(tmp_path: Path, dtype: Any) -> None:
    volume = np.random.default_rng(6).integers(0, 127, (3, 60, 90)).astype(dtype)
    with open_micrograph(_saved(tmp_path, mrc(tmp_path, volume))) as micrograph:
        assert (micrograph.format, micrograph.pages, micrograph.dtype) == ("MRC", 3, np.dtype(dtype))
        np.testing.assert_array_equal(micrograph.read(2).pixels_yx, volume[2])


def test_mrc_of_imod_with_unsigned_bytes_and_no_magic(tmp_path: Path) -> None:
    content = bytearray(mrc(tmp_path, GREY.view(np.int8)))
    content[208:212] = bytes(4)
    content[152:160] = np.array([1146047817, 0], "<i4").tobytes()
    image = read_image(_saved(tmp_path, bytes(content)))
    np.testing.assert_array_equal(image.pixels_yx, GREY)


def test_nifti_scaling_is_applied(tmp_path: Path) -> None:
    content = bytearray(nifti(GREY.T))
    content[112:120] = np.array([0.5, 10], "<f4").tobytes()  # scl_slope, scl_inter
    image = read_image(_saved(tmp_path, bytes(content)))
    np.testing.assert_allclose(image.pixels_yx, GREY * 0.5 + 10)


@pytest.mark.parametrize(
    ("name", "notice"),
    [("a.tif", "The file is PNG, although its extension is .tif."), ("a.PNG", ""), ("a", ""), ("a.bin", "")],
    ids=["wrong", "upper-case", "none", "unknown"],
)
def test_the_content_counts_not_the_name(tmp_path: Path, name: str, notice: str) -> None:
    image = read_image(_saved(tmp_path, png(GREY), name))
    np.testing.assert_array_equal(image.pixels_yx, GREY)
    assert " ".join(image.notices) == notice


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd.tif", "passwd.tif"),
        ("C:\\data\\Leber ö 肝.tif", "Leber ö 肝.tif"),
        ("a\u202efdp.tif\x00\n", "afdp.tif"),
        ("..", "unnamed"),
        ("", "unnamed"),
        ("x" * 300 + ".tif", "x" * 59 + "…" + "x" * 55 + ".tif"),
    ],
    ids=["traversal", "windows-unicode", "direction", "dots", "empty", "long"],
)
def test_names_are_labels(tmp_path: Path, name: str, shown: str) -> None:
    assert read_image(_saved(tmp_path, png(GREY)), name=name).name == shown


def test_40000_px_wide(tmp_path: Path) -> None:
    wide = np.random.default_rng(7).integers(0, 256, (200, 40_000), np.uint8)
    for content in (png(wide), tiff(wide, compression="zlib"), pil(wide, "JPEG")):
        image = read_image(_saved(tmp_path, content))
        assert image.shape == (200, 40_000)


def test_pages_can_be_read_from_several_threads(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    stack = np.random.default_rng(8).integers(0, 256, (20, 60, 90), np.uint8)
    for content in (tiff(stack, compression="zlib"), nifti(stack.T)):
        with open_micrograph(_saved(tmp_path, content)) as micrograph, ThreadPoolExecutor(4) as pool:
            for page, image in enumerate(pool.map(micrograph.read, range(20))):
                np.testing.assert_array_equal(image.pixels_yx, stack[page])


def test_every_real_micrograph_is_read(shared_data: Path) -> None:
    for path in sorted(shared_data.glob("*/images/*.png")):
        with PilImage.open(path) as picture:
            expected = np.asarray(picture)
        np.testing.assert_array_equal(read_image(path).pixels_yx, expected)


def test_reading_needs_neither_torch_nor_streamlit_nor_dask() -> None:
    code = (
        "import sys, core.imaging.reader, core.imaging.pyramid, core.datasets.folder, core.imaging.display;"
        "sys.exit(', '.join({'torch', 'streamlit', 'dask', 'nibabel'} & set(sys.modules)) or 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
