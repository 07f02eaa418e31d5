"""The way to ready models, which other pages lead to: the section *Get a model* of the Models page."""

from __future__ import annotations

from typing import Final

import streamlit as st

from ui.pages import MODELS_PAGE
from ui.state import Query

GET_SECTION: Final = "get"
"""Of the Models page, as its address names it: ``?section=get``."""


def get_model_link(label: str = "Get a model", *, entry_id: str = "") -> None:
    """A link to the catalogue of ready models.

    Parameters
    ----------
    label
        What it says.
    entry_id
        The model of the catalogue that is opened; "": the list.
    """
    address = {Query.SECTION.value: GET_SECTION} | ({Query.ENTRY.value: entry_id} if entry_id else {})
    st.page_link(MODELS_PAGE, label=label, icon=":material/cloud_download:", query_params=address)
