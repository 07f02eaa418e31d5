"""What `inspect` says of files: every fact, and why a file cannot be read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.imaging import inspection
from core.imaging.inspection import Inspection, inspect_file, inspect_guarded
from tests.core.imaging.files import GREY, pil, tiff


def _inspect(folder: Path, content: bytes, name: str = "a.tif") -> Inspection:
    (folder / name).write_bytes(content)
    return inspect_file(folder / name, name, 10_000_000)


def test_the_facts_of_an_image(tmp_path: Path) -> None:
    content = tiff(GREY.astype(np.uint16) * 3, compression="zlib", resolution=(1.25e6, 1.25e6),
                   resolutionunit="CENTIMETER", extratags=[(274, 3, 1, 4, True)])  # fmt: skip
    found = _inspect(tmp_path, content)
    assert found.readable
    assert (found.format, found.pages, found.shape_yx) == ("TIFF", 1, (60, 90))
    assert (found.stored_as, found.read_as) == ("uint16", "uint16")
    assert found.values is not None
    assert (found.values.lowest, found.values.highest) == (int(GREY.min()) * 3, int(GREY.max()) * 3)
    assert (found.pixel_size.nm, found.pixel_size.detail) == (8.0, "TIFF resolution tags")
    assert "DEFLATE" in found.storage.compression.upper()
    facts = dict(found.rows)
    assert facts["size"] == "90 x 60 px (columns x rows)"
    assert facts["orientation"] == "mirrored top to bottom"
    assert json.loads(json.dumps(found.to_json()))["pixel_size_statements"][0]["taken"] is True


def test_values_that_were_not_taken_are_listed_with_the_reason(tmp_path: Path) -> None:
    found = _inspect(tmp_path, pil(GREY, "PNG", dpi=(72, 72)), "a.png")
    assert ("pixel size", "unknown") in found.rows
    assert any(name == "skipped" and "print or screen" in value for name, value in found.rows)


def test_the_range_of_a_stack_says_which_pages_were_looked_at(tmp_path: Path) -> None:
    stack = np.stack([np.full((40, 40), value, np.uint8) for value in (10, 99, 30, 40, 50)])
    found = _inspect(tmp_path, tiff(stack))
    assert found.values is not None
    assert (found.values.lowest, found.values.highest, found.values.pages) == (10, 50, (1, 3, 5))
    assert ("values", "10 to 50 (of pages 1, 3, 5)") in found.rows


def test_large_pages_are_not_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "LOOKED_AT_PX", 5_000)
    found = _inspect(tmp_path, tiff(GREY))
    assert (found.values, found.read_as) == (None, "")
    assert ("values", "not checked: the image is large") in found.rows


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    found = _inspect(tmp_path, pil(GREY, "GIF"))
    assert not found.readable
    assert "looks like a GIF" in found.cause
    assert found.rows[0][0] == "cannot be read"


def test_pixels_that_cannot_be_used_are_found_before_an_import(tmp_path: Path) -> None:
    pixels = GREY.astype(np.float32)
    pixels[3, 4] = np.nan
    found = _inspect(tmp_path, tiff(pixels))
    assert not found.readable
    assert found.shape_yx == GREY.shape
    assert "NaN" in found.cause


def test_the_guarded_one_gives_the_same(tmp_path: Path) -> None:
    for name, content in (("a.tif", tiff(GREY)), ("b.gif", pil(GREY, "GIF"))):
        plain = _inspect(tmp_path, content, name)
        assert inspect_guarded(tmp_path / name, max_px=10_000_000) == plain
    assert "no file gone.tif" in inspect_guarded(tmp_path / "gone.tif").cause
