"""Bad input: each kind gets its own clear message; nothing crashes, warns or eats the memory."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import ImageError
from core.imaging.reader import open_micrograph, read_image
from tests.core.imaging.files import GREY, mrc, nifti, pil, png, png_declaring, tiff, tiff_declaring

FLOAT = GREY.astype(np.float32)
NIFTI = nifti(np.stack([FLOAT.T] * 3, axis=-1))


def _with(value: float) -> np.ndarray:
    pixels = FLOAT.copy()
    pixels[2, 5] = value
    return pixels


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", "is empty"),
        (b"row,column\n1,2\n", "looks like a text file"),
        ("Zellkern, Öltröpfchen\n".encode() * 400, "looks like a text file"),
        (bytes(range(7, 200)), "looks like an unknown format"),
        (pil(GREY, "GIF"), "looks like a GIF"),
        (pil(GREY, "BMP"), "looks like a BMP"),
        (b"PK\x03\x04" + bytes(40), "looks like a ZIP"),
        (b"\x89HDF\r\n\x1a\n" + bytes(40), "looks like an HDF5"),
        (gzip.compress(b"hello" * 99), "looks like a gzip"),
        (png(GREY)[:-3000], "truncated"),
        (png(GREY)[:20], "truncated"),
        (pil(GREY, "JPEG")[:-800], "truncated"),
        (pil(GREY, "JPEG")[:12], "truncated"),
        (tiff(GREY)[:-100], "truncated"),
        (tiff(GREY, compression="zlib")[:-100], "truncated"),
        (pil(GREY, "TIFF", compression="tiff_lzw")[:3000], "truncated"),
        (tiff(GREY)[:8], "truncated"),
        (NIFTI[:-1], "truncated"),
        (gzip.compress(NIFTI)[:-300], "truncated"),
        (png_declaring(0, 5, b""), "an image without pixels"),
        (tiff_declaring(0, 0), "an image without pixels"),
        (tiff_declaring(5, 0), "an image without pixels"),
        (NIFTI[:42] + struct.pack("<hh", 0, 9) + NIFTI[46:], "an image without pixels"),
        (png_declaring(2**31 - 1, 2**31 - 1, b""), "more than the limit"),
        (tiff_declaring(2**31, 2**31), "more than the limit"),
        (png_declaring(40_000, 40_000, zlib.compress(b"\0")), "too few for any such image"),
        (tiff_declaring(40_000, 40_000, compression=8), "too few for any such image"),
        (tiff_declaring(40_000, 40_000), "truncated"),
        (gzip.compress(NIFTI[:42] + struct.pack("<hh", 30_000, 30_000) + NIFTI[46:]), "too few for any such image"),
        (gzip.compress(NIFTI[:40] + struct.pack("<5h", 4, 90, 60, 30_000, 30_000) + NIFTI[50:]), "900,000,000 pages"),
        (tiff_declaring(5, 2, compression=12345), "unusual kind"),
        (b"\x89PNG\r\n\x1a\n" + b"nothing" * 50, r"unusual kind\. Copy"),
        (tiff_declaring(2, 1, photometric=8, samples=3), "CIELAB"),
        (tiff(_with(np.nan)), "1 of 5,400 pixels that are NaN"),
        (tiff(_with(np.inf)), "the first at row 2, column 5"),
        (tiff(_with(-np.inf)), "NaN, infinite or too large"),
        (tiff(GREY * 1e300), "too large"),
        (tiff(GREY.astype(np.complex64)), "complex"),
    ],
    ids=[
        "empty", "text", "unicode-text", "binary", "gif", "bmp", "zip", "hdf5", "gzip", "png-half", "png-head",
        "jpeg-half",
        "jpeg-head", "tiff-half", "tiff-zlib-half", "tiff-lzw-half", "tiff-head", "nifti-short", "nifti-gz-half",
        "png-zero", "tiff-zero", "tiff-no-rows", "nifti-zero", "png-huge", "tiff-huge", "png-big-in-small",
        "tiff-big-in-small", "tiff-big-uncompressed", "nifti-big-in-small", "nifti-pages", "tiff-compression",
        "png-senseless", "tiff-cielab", "nan", "inf", "minus-inf", "beyond-float32", "complex",
    ],
)  # fmt: skip
def test_each_has_its_message(tmp_path: Path, content: bytes, cause: str) -> None:
    path = tmp_path / "image.tif"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=cause) as caught, open_micrograph(path) as micrograph:
        micrograph.read(micrograph.pages - 1)
    assert caught.value.cause.count("image.tif") == 1
    assert caught.value.remedy


def test_bad_mrc(tmp_path: Path) -> None:
    good = mrc(tmp_path, np.stack([FLOAT] * 3))
    for content, cause in (
        (good[:-1], "truncated"),
        (good[:1024], "truncated"),
        (struct.pack("<4i", 2**30, 2**30, 1, 2) + good[16:], "more than the limit"),
        (struct.pack("<4i", 0, 4, 1, 2) + good[16:], "without pixels"),
        (struct.pack("<4i", 90, 60, 0, 2) + good[16:], "without pages"),
        (struct.pack("<4i", 90, 60, 3, 4) + good[16:], "mode 4"),
    ):
        (tmp_path / "a.mrc").write_bytes(content)
        with pytest.raises(ImageError, match=cause):
            open_micrograph(tmp_path / "a.mrc")


def test_chunks_without_end_are_refused(tmp_path: Path) -> None:
    chunk = struct.pack(">I", 0) + b"teXt" + struct.pack(">I", zlib.crc32(b"teXt"))
    content = png(GREY)
    (tmp_path / "a.png").write_bytes(content[:33] + chunk * 10_001 + content[33:])
    with pytest.raises(ImageError, match=r"a\.png has more than 10,000 chunks"):
        open_micrograph(tmp_path / "a.png")


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    rows = 12_000
    (tmp_path / "bomb.png").write_bytes(png_declaring(rows, rows, zlib.compress(bytes(rows * (rows + 1)), 9)))
    with pytest.raises(ImageError, match="limit of 1,000,000 pixels"):
        open_micrograph(tmp_path / "bomb.png", max_px=1_000_000)


@pytest.mark.parametrize("content", [png(GREY * 0 + 7), tiff(FLOAT * 0)], ids=["png", "float"])
def test_a_constant_image_is_read_with_a_notice(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    assert "no content to segment" in " ".join(read_image(tmp_path / "a").notices)


def test_a_single_pixel_is_read_with_a_notice(tmp_path: Path) -> None:
    for content in (png(GREY[:1, :1]), tiff(GREY[:1, :1]), nifti(GREY[:1, :1])):
        (tmp_path / "a").write_bytes(content)
        image = read_image(tmp_path / "a")
        assert image.shape == (1, 1)
        assert "only 1 x 1 px" in " ".join(image.notices)


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"no file gone\.tif"):
        open_micrograph(tmp_path / "gone.tif")
    with pytest.raises(ImageError, match="cannot be opened"):
        open_micrograph(tmp_path)


def test_a_file_may_not_name_other_files_to_be_read(tmp_path: Path) -> None:
    """An uploaded OME-TIFF could otherwise show another user's upload in the same folder."""
    secret = np.full((60, 90), 77, np.uint8)
    (tmp_path / "secret.ome.tif").write_bytes(tiff(secret, ome=True, metadata={"UUID": "urn:uuid:" + "1" * 8}))
    xml = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:2">'
        '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" SizeX="90" SizeY="60" SizeZ="2" '
        'SizeC="1" SizeT="1"><Channel ID="Channel:0:0" SamplesPerPixel="1"/>'
        '<TiffData FirstZ="0" IFD="0" PlaneCount="1"/>'
        '<TiffData FirstZ="1" IFD="0" PlaneCount="1"><UUID FileName="secret.ome.tif">urn:uuid:1</UUID></TiffData>'
        "</Pixels></Image></OME>"
    )
    (tmp_path / "upload.tif").write_bytes(tiff(GREY, description=xml, metadata=None))
    with open_micrograph(tmp_path / "upload.tif") as micrograph:
        for page in range(micrograph.pages):
            try:
                assert not np.array_equal(micrograph.read(page).pixels_yx, secret)
            except ImageError as error:
                assert "another file" in str(error)


_SEEDS = {
    "png": png(GREY[:20, :20]),
    "jpeg": pil(GREY[:20, :20], "JPEG"),
    "tiff": tiff(np.stack([GREY[:20, :20]] * 2), compression="zlib", ome=True),
    "imagej": tiff(np.stack([GREY[:20, :20]] * 2), imagej=True),
    "nifti": NIFTI[:500],
    "nifti-gz": gzip.compress(nifti(GREY[:20, :20])),
}


@pytest.mark.parametrize("kind", _SEEDS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files_never_crash(tmp_path: Path, kind: str, data: st.DataObject) -> None:
    """Bytes changed at random, also cut: an image, or an `ImageError`; pytest turns any warning into a failure."""
    content = bytearray(_SEEDS[kind])
    places = st.integers(0, len(content) - 1)
    for at, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=6)):
        content[at] = value
    path = tmp_path / "fuzz"
    path.write_bytes(bytes(content[: data.draw(st.integers(len(content) // 2, len(content)))]))
    try:
        with open_micrograph(path, max_px=1_000_000) as micrograph:
            micrograph.read(micrograph.pages - 1)
    except ImageError as error:
        assert error.cause
