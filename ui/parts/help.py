"""Help where one is: a link from a page's title to the section of the guide that is about it."""

from __future__ import annotations

from contextlib import nullcontext

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui.pages import GUIDE_PAGE
from ui.state import Query


def page_title(title: str, section: str, *, place: DeltaGenerator | None = None) -> DeltaGenerator:
    """The title of a page and beside it, on every page in the same place, the link to what the guide says about it.

    Parameters
    ----------
    section
        Page and section of the guide, for example "guide/pixel-size#pixel-size"; a test looks whether there is one.
    place
        Where it is drawn; None: here.

    Returns
    -------
    DeltaGenerator
        The right end of its row, for a button.
    """
    with place or nullcontext(), st.container(horizontal=True, vertical_alignment="center"):
        st.title(title, anchor=False, width="content")
        help_link(section)
        return st.container(horizontal=True, horizontal_alignment="right")


def help_link(section: str, *, label: str = "Help") -> None:
    """A link to a section of the guide, as `page_title` takes it."""
    name, _, slug = section.partition("#")
    st.page_link(
        GUIDE_PAGE,
        label=label,
        icon=":material/help:",
        width="content",
        query_params={Query.DOC.value: name, Query.SECTION.value: slug},
    )
