"""The head of a page: its title with the way to the guide, and beside it what the page is about."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui.parts.help import page_title


def page_head(title: str, section: str, shares: Sequence[float], *, person: bool = False) -> tuple[DeltaGenerator, ...]:
    """The title, and places beside it; the places stand below it where the window is too narrow for their names.

    Parameters
    ----------
    title, section
        As `page_title` takes them.
    shares
        Widths of the title and of each place, as `streamlit.columns` takes them.
    person
        The last place holds who works here: it stays beside the title.

    Returns
    -------
    tuple of DeltaGenerator
        The places, from left to right.
    """
    with st.container(key="page-head"):
        first, *places = st.columns(shares, vertical_alignment="bottom")
    page_title(title, section, place=first)
    if person:
        places[-1] = places[-1].container(key="page-head-person")
    return tuple(places)
