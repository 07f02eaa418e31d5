"""What people read: sizes, times, units, and text from outside that must not act as Markdown."""

from __future__ import annotations

import pytest

from core.imaging.image import UNKNOWN_PIXEL_SIZE, PixelSize, PixelSizeSource
from ui.errors import plain
from ui.parts.units import bytes_text, duration_text, field_text, pixel_size_text, shape_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (59.4, "59 s"), (60, "1 min"), (75, "1 min 15 s"), (660, "11 min"), (7300, "2 h 1 min")],
)
def test_durations_are_rounded_to_what_matters(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"), [(999, "999 B"), (1_540_000, "1.5 MB"), (4_294_967_296, "4.3 GB"), (5e12, "5000.0 GB")]
)
def test_bytes_are_decimal(size: float, text: str) -> None:
    assert bytes_text(size) == text


def test_shapes_are_given_as_width_times_height() -> None:
    assert shape_text((768, 1024)) == "1,024 × 768 px"
    assert field_text((500, 1000), PixelSize.from_user(8.0)) == "8 × 4 µm"
    assert field_text((500, 1000), UNKNOWN_PIXEL_SIZE) == ""


def test_a_pixel_size_says_where_it_comes_from() -> None:
    assert pixel_size_text(UNKNOWN_PIXEL_SIZE) == "pixel size unknown"
    assert pixel_size_text(PixelSize.from_user(4.6)) == "4.6 nm per pixel, entered"
    read = PixelSize(8.25, PixelSizeSource.FILE, "OME")
    assert pixel_size_text(read) == "8.25 nm per pixel, from the file"


@pytest.mark.parametrize("text", ["a*b*c", ":red[x]", ":material/home:", "[x](javascript:1)", "<b>x</b>", "$x$", "`x`"])
def test_names_from_outside_are_shown_not_obeyed(text: str) -> None:
    shown = plain(text)
    for sign in "`*_[]<>$~:":
        assert shown.count(sign) == shown.count(f"\\{sign}")
    assert shown.replace("\\", "") == text
