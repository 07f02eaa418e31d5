"""Pixel sizes: from every header that states one, and from none that only seems to."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from core.errors import ImageError
from core.imaging.image import PixelSizeSource
from core.imaging.pixel_size import nm_per_unit, pixel_size_from_file
from core.imaging.reader import open_micrograph
from tests.core.imaging.files import GREY, mrc, nifti, pil, png, tiff

FEI = "[User]\r\nDate=01/02/2024\r\n[Scan]\r\nPixelWidth=8.5e-009\r\nPixelHeight=8.5e-009\r\n"
ZEISS = "0\r\n0\r\n0\r\n1.1e-008\r\nAP_IMAGE_PIXEL_SIZE\r\nImage Pixel Size = 11.00 nm\r\nAP_WD\r\nWD = 4.5 mm\r\n"
ZEISS_UNNAMED = "0\r\n0\r\n0\r\n1.2e-008\r\nAP_WD\r\nWD = 4.5 mm\r\n"


def _ascii_tag(code: int, text: str) -> dict[str, object]:
    return {"extratags": [(code, 2, None, text, True)]}


def _ome(unit: str | None, size: float) -> bytes:
    units = {} if unit is None else {"PhysicalSizeXUnit": unit, "PhysicalSizeYUnit": unit}
    return tiff(GREY, ome=True, metadata={"axes": "YX", "PhysicalSizeX": size, "PhysicalSizeY": size, **units})


def _imagej(unit: str, per_unit: float) -> bytes:
    return tiff(GREY, imagej=True, resolution=(per_unit, per_unit), metadata={"unit": unit})


def _png_with(per_metre: int) -> bytes:
    data = b"pHYs" + struct.pack(">IIB", per_metre, per_metre, 1)
    plain = png(GREY)
    return plain[:33] + struct.pack(">I", 9) + data + struct.pack(">I", zlib.crc32(data)) + plain[33:]


@pytest.mark.parametrize(
    ("content", "nm", "detail"),
    [
        (_ome("nm", 4.6), 4.6, "OME PhysicalSizeX"),
        (_ome(None, 0.008), 8.0, "OME PhysicalSizeX"),
        (_ome("Å", 46), 4.6, "OME PhysicalSizeX"),
        (_imagej("um", 125), 8.0, "ImageJ resolution"),
        (_imagej("\\u00B5m", 125), 8.0, "ImageJ resolution"),
        (_imagej("micron", 125), 8.0, "ImageJ resolution"),
        (_imagej("nm", 0.125), 8.0, "ImageJ resolution"),
        (tiff(GREY, **_ascii_tag(34682, FEI)), 8.5, "Thermo/FEI Scan PixelWidth"),
        (tiff(GREY, **_ascii_tag(34680, FEI)), 8.5, "Thermo/FEI Scan PixelWidth"),
        (tiff(GREY, **_ascii_tag(34118, ZEISS)), 11.0, "Zeiss Image Pixel Size"),
        (tiff(np.zeros((9, 1024), "u1"), **_ascii_tag(34118, ZEISS_UNNAMED)), 12.0, "Zeiss pixel size"),
        (tiff(GREY, resolution=(1.25e6, 1.25e6), resolutionunit="CENTIMETER"), 8.0, "TIFF resolution tags"),
        (tiff(GREY, resolution=(2.54e6, 2.54e6), resolutionunit="INCH"), 10.0, "TIFF resolution tags"),
        (_png_with(10**8), 10.0, "PNG pHYs"),
        (nifti(GREY.T[..., None], (8e-6, 8e-6, 3e-5), "mm"), 8.0, "NIfTI header"),
        (nifti(GREY.T[..., None], (8e-3, 8e-3, 3e-2), "micron"), 8.0, "NIfTI header"),
    ],
    ids=[
        "ome-nm", "ome-default", "ome-angstrom", "imagej-um", "imagej-escaped", "imagej-micron", "imagej-nm",
        "fei-helios", "fei-sfeg", "zeiss", "zeiss-unnamed", "per-cm", "per-inch", "png", "nifti-mm", "nifti-micron",
    ],
)  # fmt: skip
def test_stated_sizes(tmp_path: Path, content: bytes, nm: float, detail: str) -> None:
    (tmp_path / "a").write_bytes(content)
    with open_micrograph(tmp_path / "a") as micrograph:
        size = micrograph.pixel_size
        assert size.nm == pytest.approx(nm, rel=1e-5)
        assert (size.source, size.detail) == (PixelSizeSource.FILE, detail)
        assert micrograph.read().pixel_size == size


@pytest.mark.parametrize(
    ("content", "notice"),
    [
        (pil(GREY, "PNG", dpi=(72, 72)), ""),
        (pil(GREY, "PNG", dpi=(96, 96)), ""),
        (pil(GREY, "JPEG", dpi=(300, 300)), "lossy"),
        (tiff(GREY, resolution=(2400, 2400), resolutionunit="INCH"), ""),
        (tiff(GREY, resolution=(1, 1)), ""),
        (_imagej("pixel", 1), ""),
        (_imagej("", 125), ""),
        (_imagej("inch", 72), "not plausible"),
        (_ome("mm", 1), "not plausible"),
        (_ome("pixel", 1), ""),
        (tiff(GREY, **_ascii_tag(34682, "[Scan]\r\nPixelWidth=\r\n")), ""),
        (nifti(GREY.T), ""),
        (nifti(GREY.T, unit="mm"), "not plausible"),
    ],
    ids=[
        "72-dpi", "96-dpi", "300-dpi", "2400-dpi", "no-unit", "imagej-pixel", "imagej-no-unit", "imagej-72-dpi",
        "ome-1-mm", "ome-pixel", "fei-empty", "nifti-no-unit", "nifti-1-mm",
    ],
)  # fmt: skip
def test_what_is_no_pixel_size(tmp_path: Path, content: bytes, notice: str) -> None:
    (tmp_path / "a").write_bytes(content)
    with open_micrograph(tmp_path / "a") as micrograph:
        assert micrograph.pixel_size.nm is None
        assert notice in " ".join(micrograph.notices)
        assert bool(notice) == bool(micrograph.notices)


@pytest.mark.parametrize(
    ("angstrom", "nm", "notice"), [(46.0, 4.6, ""), (None, None, ""), (1.0, None, "1 angstrom")], ids=["set", "0", "1"]
)
def test_mrc(tmp_path: Path, angstrom: float | None, nm: float | None, notice: str) -> None:
    (tmp_path / "a").write_bytes(mrc(tmp_path, GREY.astype("i2"), angstrom))
    with open_micrograph(tmp_path / "a") as micrograph:
        assert micrograph.pixel_size.nm == (None if nm is None else pytest.approx(nm))
        assert notice in " ".join(micrograph.notices)


def test_pixels_that_are_not_square_keep_areas() -> None:
    size, notices = pixel_size_from_file(8.0, 2.0, "header")
    assert size.nm == 4.0
    assert "not square" in notices[0]


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
def test_senseless_sizes_are_unknown(bad: float) -> None:
    assert pixel_size_from_file(bad, bad, "header")[0].nm is None


def _chunk(kind: bytes, data: bytes, *, crc: int | None = None) -> bytes:
    checksum = zlib.crc32(kind + data) if crc is None else crc
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


_PHYS = struct.pack(">IIB", 10**8, 10**8, 1)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (_chunk(b"tEXt", b"Comment\0\0\0\0\x09pHYs" + _PHYS), b""),
        (_chunk(b"pHYs", _PHYS, crc=0), b""),
        (_chunk(b"pHYs", _PHYS[:8]), b""),
        (b"", _chunk(b"pHYs", _PHYS)),
    ],
    ids=["in-a-text", "damaged", "too-short", "behind-the-pixels"],
)
def test_only_a_chunk_in_its_place_states_the_size_of_a_png(tmp_path: Path, before: bytes, after: bytes) -> None:
    plain = png(GREY)
    (tmp_path / "a").write_bytes(plain[:33] + before + plain[33:-12] + after + plain[-12:])
    with open_micrograph(tmp_path / "a") as micrograph:
        assert micrograph.pixel_size.nm is None


def test_the_pixels_of_a_png_state_nothing(tmp_path: Path) -> None:
    """Stored without compression, the pixels are the very bytes of a chunk."""
    chunk = _chunk(b"pHYs", _PHYS)
    pixels = np.frombuffer(chunk + bytes(3), np.uint8).reshape(1, -1)
    head = struct.pack(">IIBBBBB", pixels.shape[1], 1, 8, 0, 0, 0, 0)
    stored = zlib.compress(b"\0" + pixels.tobytes(), 0)
    assert chunk in stored
    parts = [_chunk(b"IHDR", head), _chunk(b"IDAT", stored), _chunk(b"IEND", b"")]
    (tmp_path / "a").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    with open_micrograph(tmp_path / "a") as micrograph:
        assert micrograph.pixel_size.nm is None
        assert np.array_equal(micrograph.read().pixels_yx, pixels)


def test_units() -> None:
    assert [nm_per_unit(u) for u in ("µm", "μm", "um", "Å", "NM", "pixel", "")] == [1e3, 1e3, 1e3, 0.1, 1.0, None, None]


def test_a_damaged_statement_does_not_hide_the_image(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(tiff(GREY, **_ascii_tag(34118, "\0\0=== nothing")))
    try:
        with open_micrograph(tmp_path / "a") as micrograph:
            assert micrograph.pixel_size.nm is None
    except ImageError:
        pytest.fail("an unreadable pixel size must not make the image unreadable")
