"""Chains of TIFF pages that would keep a library busy for ever are refused in milliseconds, from a few bytes."""

from __future__ import annotations

import struct
import time
from pathlib import Path

import numpy as np
import pytest

from core.errors import ImageError
from core.imaging.formats import tiff_directories
from core.imaging.formats.source import Request
from core.imaging.reader import open_micrograph
from tests.core.imaging.files import GREY, tiff

_TAGS = {256: 4, 257: 4, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 4, 279: 16}


def _directory(next_at: int, *, big: bool, tags: dict[int, int] | None = None) -> bytes:
    tags = tags or _TAGS
    if big:
        fields = b"".join(struct.pack("<HHQQ", code, 4, 1, value) for code, value in tags.items())
        return struct.pack("<Q", len(tags)) + fields + struct.pack("<Q", next_at)
    fields = b"".join(struct.pack("<HHII", code, 4, 1, value) for code, value in tags.items())
    return struct.pack("<H", len(tags)) + fields + struct.pack("<I", next_at)


def _chain(pages: int, last_leads_to: int | None, *, big: bool = False) -> bytes:
    """So many pages one behind the other; the last one leads to another page, counted from 0, or nowhere."""
    head_bytes = 16 + 16 if big else 8 + 16
    size = len(_directory(0, big=big))
    places = [head_bytes + number * size for number in range(pages)]
    last = 0 if last_leads_to is None else places[last_leads_to]
    head = struct.pack("<2sHHHQ", b"II", 43, 8, 0, places[0]) if big else struct.pack("<2sHI", b"II", 42, places[0])
    return head + bytes(16) + b"".join(_directory(at, big=big) for at in (*places[1:], last))


@pytest.mark.parametrize("big", [False, True], ids=["tiff", "bigtiff"])
@pytest.mark.parametrize(("pages", "back_to"), [(1, 0), (101, 0), (101, 57), (2, 1)])
def test_a_loop_of_pages_is_refused_at_once(tmp_path: Path, pages: int, back_to: int, big: bool) -> None:
    (tmp_path / "a.tif").write_bytes(_chain(pages, back_to, big=big))
    start = time.perf_counter()
    with pytest.raises(ImageError, match=f"form a loop: page {pages:,} leads back to an earlier one"):
        open_micrograph(tmp_path / "a.tif")
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize("big", [False, True], ids=["tiff", "bigtiff"])
def test_a_chain_that_ends_is_read(tmp_path: Path, big: bool) -> None:
    (tmp_path / "a.tif").write_bytes(_chain(3, None, big=big))
    with open_micrograph(tmp_path / "a.tif") as file:
        assert (file.pages, file.shape_yx) == (3, (4, 4))
        assert file.read(2).shape == (4, 4)


def test_more_pages_than_any_stack_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiff_directories, "MAX_PAGES", 20)
    (tmp_path / "a.tif").write_bytes(_chain(21, None))
    with pytest.raises(ImageError, match="more than 20 pages"):
        open_micrograph(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (_chain(2, None)[:-200], "truncated"),
        (_chain(1, None)[:-4] + struct.pack("<I", 2**32 - 1), "truncated"),
        (b"II*\0" + struct.pack("<IH", 8, 65_000) + bytes(70_000), "declares 65,000 fields"),
        (b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 2**60) + bytes(99), "fields"),
        (b"II+\0\x08\0\0\0" + struct.pack("<Q", 2**63), "truncated"),
        (tiff(GREY)[:8], "truncated"),
    ],
    ids=["cut", "leads-out", "fields", "big-fields", "big-offset", "head-only"],
)
def test_senseless_directories(tmp_path: Path, content: bytes, cause: str) -> None:
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(ImageError, match=cause):
        open_micrograph(tmp_path / "a.tif")


def test_strips_without_number_are_refused_before_they_are_listed(tmp_path: Path) -> None:
    content = bytearray(_chain(1, None))
    at = content.index(struct.pack("<HH", 273, 4)) + 4
    content[at : at + 4] = struct.pack("<I", 2**31)
    (tmp_path / "a.tif").write_bytes(bytes(content))
    with pytest.raises(ImageError, match=r"2,147,483,648 strips"):
        open_micrograph(tmp_path / "a.tif")


def test_the_outline_of_a_good_file(tmp_path: Path) -> None:
    stack = np.stack([GREY] * 4)
    for options in ({"ome": True}, {"ome": True, "bigtiff": True}, {"ome": True, "byteorder": ">"}):
        (tmp_path / "a.tif").write_bytes(tiff(stack, metadata={"axes": "ZYX"}, **options))
        outline = tiff_directories.walk_directories(Request(tmp_path / "a.tif", "a.tif", 10**6))
        assert outline.pages == 4
        assert outline.description.endswith("OME>")


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (('SizeZ="4"', 'SizeZ="100000000"'), "SizeZ 100000000"),
        (('SizeT="1"', 'SizeT="99999"'), "more than any file has"),
        (('SizeC="1"', 'SizeC="-1"'), "SizeC='-1'"),
        (('SizeZ="4"', 'SizeZ="x"'), "SizeZ='x'"),
        (('IFD="0"', 'IFD="99999999"'), "names plane or page 99,999,999"),
        (('PlaneCount="4"', 'PlaneCount="99999999"'), "names plane or page"),
    ],
    ids=["size-z", "size-t", "negative", "no-number", "page", "planes"],
)
def test_ome_that_declares_what_no_file_has(tmp_path: Path, change: tuple[str, str], cause: str) -> None:
    xml = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">'
        '<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" SizeX="90" SizeY="60" SizeZ="4" SizeC="1" SizeT="1">'
        '<Channel ID="Channel:0:0" SamplesPerPixel="1"/><TiffData IFD="0" PlaneCount="4"/></Pixels></Image></OME>'
    )
    assert change[0] in xml
    path = tmp_path / "a.ome.tif"
    path.write_bytes(tiff(np.stack([GREY] * 4), description=xml.replace(*change), metadata=None))
    start = time.perf_counter()
    with pytest.raises(ImageError, match=cause):
        open_micrograph(path)
    assert time.perf_counter() - start < 2
    path.write_bytes(tiff(np.stack([GREY] * 4), description=xml, metadata=None))
    with open_micrograph(path) as file:
        assert file.pages == 4


def test_xml_with_entities_of_its_own_is_not_followed(tmp_path: Path) -> None:
    """Some hundred bytes of nested entities would be gigabytes of text."""
    bomb = '<!DOCTYPE OME [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    xml = f'<?xml version="1.0"?>{bomb}<OME><Image><Pixels SizeX="90" SizeY="60">&b;</Pixels></Image></OME>'
    (tmp_path / "a.tif").write_bytes(tiff(GREY, description=xml, metadata=None))
    try:
        with open_micrograph(tmp_path / "a.tif") as file:
            assert file.pixel_size.nm is None
    except ImageError as error:
        assert error.remedy
