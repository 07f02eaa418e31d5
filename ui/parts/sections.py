"""The sections of a page: which one is shown stands in the address."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

import streamlit as st

from ui.address import kept_in_address
from ui.parts.options import titled
from ui.state import Query

S = TypeVar("S", bound=StrEnum)


def section_choice(titles: Mapping[S, str], default: S, *, key: str) -> S:
    """Let a person choose a section of the page.

    Parameters
    ----------
    titles
        Section, as named in the address, to what is shown of it; in their order.
    default
        Shown where the address names none.
    key
        Of the widget.
    """
    changed = kept_in_address(Query.SECTION, key, list(titles), default)
    chosen = st.segmented_control(
        "Section",
        list(titles),
        format_func=titled(titles),
        key=key,
        on_change=changed,
        required=True,
        label_visibility="collapsed",
    )
    return type(default)(chosen or default)
