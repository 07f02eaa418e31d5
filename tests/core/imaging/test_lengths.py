"""Lengths are understood as people type them, and refused in plain words."""

from __future__ import annotations

import math

import pytest

from core.errors import ImageError
from core.imaging.lengths import ScaleMeasurement, length_text, parse_length_nm, parse_pixel_size_nm


@pytest.mark.parametrize(
    ("typed", "nm"),
    [
        ("8", 8), ("8 nm", 8), ("8nm/px", 8), ("0.008 µm", 8), ("0,008 um per pixel", 8), ("80 Å", 8),
        ("80 A\u030a", 8), ("8e-6 mm", 8), (".5", 0.5), ("5 \u03bcm", 5000), ("2 Angstrom", 0.2), ("1024.5", 1024.5),
        ("1,5", 1.5), ("7.5 nanometers", 7.5), ("  4.  ", 4),
    ],
)  # fmt: skip
def test_a_pixel_size_is_understood_in_any_unit(typed: str, nm: float) -> None:
    assert parse_pixel_size_nm(typed) == pytest.approx(nm, rel=1e-9)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("0", "0 is not a positive length"),
        ("-8", "-8 is not a positive length"),
        ("\u22128 nm", "not a positive length"),
        ("1e9", "1 m per pixel is not plausible"),
        ("8 mm", "8 mm per pixel is not plausible"),
        ("0.001", "0.001 nm per pixel is not plausible"),
        ("8 kg", "'kg' is not a unit of length"),
        ("8 px", "'px' is not a unit of length"),
        ("1,024", "1,024 is ambiguous"),
        ("1.2.3", "not a length"),
        ("nan", "not a length"),
        ("eight", "not a length"),
        ("", "The length is missing"),
        ("1e999", "not a positive length"),
    ],
)
def test_nonsense_is_refused_with_its_value(typed: str, words: str) -> None:
    with pytest.raises(ImageError) as refused:
        parse_pixel_size_nm(typed)
    assert words in refused.value.cause
    assert refused.value.remedy


def test_a_bar_needs_a_unit() -> None:
    assert parse_length_nm("0.5 µm") == 500
    with pytest.raises(ImageError, match="500 has no unit"):
        parse_length_nm("500")


def test_a_line_over_a_bar_tells_the_pixel_size_and_its_uncertainty() -> None:
    measured = ScaleMeasurement(500, 200)
    assert measured.pixel_size_nm == 2.5
    ends = [500 / (200 + a + b) for a in (-1, 1) for b in (-1, 1)]  # each end off by a pixel, on its own
    spread = math.sqrt(sum((end - 2.5) ** 2 for end in ends) / 4)
    assert measured.uncertainty_nm == pytest.approx(spread, rel=0.01)
    assert ScaleMeasurement(500, 400).uncertainty_nm < measured.uncertainty_nm


@pytest.mark.parametrize(("nm", "px", "words"), [(500, 3, "3.0 pixels long"), (1e9, 10, "is not plausible")])
def test_a_line_that_tells_nothing_is_refused(nm: float, px: float, words: str) -> None:
    with pytest.raises(ImageError, match=words):
        ScaleMeasurement(nm, px)


def test_lengths_are_written_in_the_unit_that_reads_best() -> None:
    assert [length_text(nm) for nm in (0.5, 999, 1000, 2.5e6)] == ["0.5 nm", "999 nm", "1 µm", "2.5 mm"]
