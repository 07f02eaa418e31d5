"""Whether compressed pixels may have changed is read from their headers, never from bytes that look like one."""

from __future__ import annotations

import struct

import imagecodecs
import numpy as np
import pytest

from core.imaging.formats.lossy import lossy_name

JPEG_2000, WEBP = 34712, 50001
TISSUE = np.random.default_rng(0).integers(0, 256, (16, 16), dtype=np.uint8)


@pytest.mark.parametrize("codec", ["j2k", "jp2"])
@pytest.mark.parametrize(("reversible", "name"), [(True, ""), (False, "JPEG 2000")])
def test_jpeg_2000_says_whether_it_can_be_undone(codec: str, reversible: bool, name: str) -> None:
    data = imagecodecs.jpeg2k_encode(TISSUE, level=0 if reversible else 40, codecformat=codec, reversible=reversible)
    assert lossy_name(JPEG_2000, data, integers=True) == name


def test_a_width_that_looks_like_a_marker_is_none() -> None:
    wide = np.zeros((1, 0xFF52), np.uint8)
    data = imagecodecs.jpeg2k_encode(wide, level=0, codecformat="j2k", reversible=True)
    assert data.index(b"\xff\x52") < 40  # in the size segment
    assert lossy_name(JPEG_2000, data, integers=True) == ""


@pytest.mark.parametrize("data", [b"", b"\xff\x4f", b"\xff\x4f\xff\x52\x00", b"\x00" * 40, b"\xff\x4f" + b"\xff" * 40])
def test_what_is_damaged_may_have_changed(data: bytes) -> None:
    assert lossy_name(JPEG_2000, data, integers=True) == "JPEG 2000"
    assert lossy_name(WEBP, data, integers=True) == "WebP"


@pytest.mark.parametrize(("lossless", "name"), [(True, ""), (False, "WebP")])
def test_webp_says_it_by_its_chunks(lossless: bool, name: str) -> None:
    rgb = np.stack([TISSUE] * 3, axis=-1)
    data = bytes(imagecodecs.webp_encode(rgb, level=80, lossless=lossless))
    assert lossy_name(WEBP, data, integers=True) == name
    note = b"EXIF" + struct.pack("<I", 8) + b"VP8L"[::1] + b"VP8 "
    assert lossy_name(WEBP, data[:12] + note + data[12:], integers=True) == name
