"""Cards of images: thumbnail, name, what is known, a way in."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

import streamlit as st

from core.imaging.pyramid_layout import level_shapes
from core.store.records import ImageRecord
from ui.errors import plain
from ui.pages import SEGMENT_PAGE
from ui.parts.units import field_text, pixel_size_text, shape_text
from ui.state import Query, query

_CARD_PX: Final = 300
"""Width of a card: four in a row of 1440 px, three of 1024 px, two of 800 px."""


def grouped(images: Sequence[ImageRecord]) -> list[tuple[ImageRecord, ...]]:
    """What takes a card each: an image alone, or the planes of a stack from the first to the last.

    The order is that of the images; a stack stands where the first of its planes does.
    """
    groups: dict[tuple[str, str], list[ImageRecord]] = {}
    for image in images:
        groups.setdefault((image.project_id, f"stack {image.stack}" if image.stack else image.id), []).append(image)
    return [tuple(sorted(group, key=lambda image: image.z_index or 0)) for group in groups.values()]


def gallery(
    groups: Sequence[Sequence[ImageRecord]], notes: dict[str, str], *, key: str, selecting: bool = False
) -> list[ImageRecord]:
    """Draw the cards, as many in a row as there is room for.

    Parameters
    ----------
    groups
        As `grouped` makes them, in the order shown.
    notes
        Id of a group's first image to one short line, for example "segmented by starter".
    key
        Distinguishes several galleries on a page.
    selecting
        Whether cards can be ticked.

    Returns
    -------
    list of ImageRecord
        All images of the ticked cards.
    """
    ticked: list[ImageRecord] = []
    with st.container(horizontal=True, gap="medium"):
        for group in groups:
            first = group[0]
            with st.container(border=True, key=f"{key}-{first.id}", width=_CARD_PX):
                if selecting and st.checkbox(
                    f"Select {plain(first.stack or first.name)}", key=f"{key}-tick-{first.id}"
                ):
                    ticked += group
                _card(first, first.stack if len(group) > 1 else first.name, notes.get(first.id, ""), key)
    return ticked


def thumbnail_address(image: ImageRecord) -> str:
    """Address of a JPEG of at most 512 px, from our own route."""
    return f"api/images/{image.id}/tiles/{len(level_shapes(image.shape_yx)) - 1}/0/0"


def _card(image: ImageRecord, name: str, note: str, key: str) -> None:
    """One card; the model that the address names goes along."""
    model = query(Query.MODEL)
    target = {Query.IMAGE.value: image.id} | ({Query.MODEL.value: model} if model else {})
    st.html(
        f'<a href="segment?{html.escape(urlencode(target))}" target="_self" '
        f'title="Open {html.escape(name, quote=True)}">'
        f'<img src="{thumbnail_address(image)}" alt="" loading="lazy" style="width:100%;aspect-ratio:4/3;'
        'object-fit:cover;border-radius:0.35rem;display:block;background:rgba(128,128,128,.15)"></a>'
    )
    size = " · ".join(
        part for part in (shape_text(image.shape_yx), field_text(image.shape_yx, image.pixel_size)) if part
    )
    with st.container(gap=None):
        if st.button(_short(name), key=f"open-{key}-{image.id}", type="tertiary", icon=":material/arrow_forward:"):
            st.switch_page(SEGMENT_PAGE, query_params=target)
        st.caption(f"{size}  \n{pixel_size_text(image.pixel_size)}" + (f"  \n{note}" if note else ""))


def _short(name: str) -> str:
    """A name that fits on a card; Markdown signs shown as they are."""
    return plain(name if len(name) <= 28 else f"{name[:14]}…{name[-12:]}")
