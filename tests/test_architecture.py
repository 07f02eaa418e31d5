"""The picture of the layers shows the table of layers."""

from __future__ import annotations

import re

from tests.test_layers import LAYERS
from tools.draw_layers import PICTURE, TOP, bands_of, drawn


def test_the_picture_shows_every_folder_of_the_table_once() -> None:
    shown = re.findall(r'data-folder="([^"]+)"', PICTURE.read_text(encoding="utf-8"))
    above = [folder for column in TOP[1] for folder in column]
    assert sorted(shown) == sorted([*above, *(folder for layer in LAYERS for folder in layer)])


def test_the_picture_is_up_to_date() -> None:
    assert PICTURE.read_text(encoding="utf-8") == drawn(LAYERS), "Run: python tools/draw_layers.py"


def test_bands_keep_the_order_of_the_table() -> None:
    bands = bands_of(LAYERS)[1:]
    assert tuple(layer for _, layers in reversed(bands) for layer in layers) == LAYERS


def test_a_new_folder_appears_in_the_picture() -> None:
    assert 'data-folder="core.tilts"' in drawn((*LAYERS, ("core.tilts",)))


def test_the_page_shows_the_picture() -> None:
    assert "images/layers.svg" in (PICTURE.parent.parent / "architecture.md").read_text(encoding="utf-8")
