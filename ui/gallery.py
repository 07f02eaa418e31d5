"""Cards of images: thumbnail, name, what is known, a way in."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

import streamlit as st

from core.imaging.pyramid_layout import level_shapes
from core.settings import ROOT
from core.store.records import ImageRecord
from ui.errors import plain
from ui.state import Query, query
from ui.units import field_text, pixel_size_text, shape_text

SEGMENT_PAGE: Final = str(ROOT / "pages" / "segment_page.py")

_COLUMNS: Final = 4


def gallery(images: Sequence[ImageRecord], notes: dict[str, str], *, key: str) -> None:
    """Draw the cards, four in a row.

    Parameters
    ----------
    images
        In the order shown.
    notes
        Image id to one short line, for example "segmented by starter".
    key
        Distinguishes several galleries on a page.
    """
    for start in range(0, len(images), _COLUMNS):
        for column, image in zip(st.columns(_COLUMNS, gap="medium"), images[start : start + _COLUMNS], strict=False):
            with column, st.container(border=True, key=f"{key}-{image.id}"):
                _card(image, notes.get(image.id, ""), key)


def thumbnail_address(image: ImageRecord) -> str:
    """Address of a JPEG of at most 512 px, from our own route."""
    return f"api/images/{image.id}/tiles/{len(level_shapes(image.shape_yx)) - 1}/0/0"


def _card(image: ImageRecord, note: str, key: str) -> None:
    """One card; the model that the address names goes along."""
    model = query(Query.MODEL)
    target = {Query.IMAGE.value: image.id} | ({Query.MODEL.value: model} if model else {})
    st.html(
        f'<a href="segment?{html.escape(urlencode(target))}" target="_self" '
        f'title="Open {html.escape(image.name, quote=True)}">'
        f'<img src="{thumbnail_address(image)}" alt="" loading="lazy" style="width:100%;aspect-ratio:4/3;'
        'object-fit:cover;border-radius:0.35rem;display:block;background:rgba(128,128,128,.15)"></a>'
    )
    size = " · ".join(
        part for part in (shape_text(image.shape_yx), field_text(image.shape_yx, image.pixel_size)) if part
    )
    with st.container(gap=None):
        if st.button(
            _short(image.name), key=f"open-{key}-{image.id}", type="tertiary", icon=":material/arrow_forward:"
        ):
            st.switch_page(SEGMENT_PAGE, query_params=target)
        st.caption(f"{size}  \n{pixel_size_text(image.pixel_size)}" + (f"  \n{note}" if note else ""))


def _short(name: str) -> str:
    """A name that fits on a card; Markdown signs shown as they are."""
    return plain(name if len(name) <= 28 else f"{name[:14]}…{name[-12:]}")
