"""Widgets whose choice stands in the page's address, so that a copied link opens the same view."""

from __future__ import annotations

from collections.abc import Callable, Collection

import streamlit as st

from ui.state import Query, query, set_query


def kept_in_address(name: Query, key: str, options: Collection[str], default: str) -> Callable[[], None]:
    """Let a widget show what the address says; call it right before the widget is made.

    Parameters
    ----------
    name
        The parameter.
    key
        Of the widget.
    options
        What may be chosen; anything else in the address counts as the default.
    default
        Chosen where the address says nothing.

    Returns
    -------
    callable
        For the widget's ``on_change``: puts the choice into the address.
    """
    wanted = query(name)
    st.session_state[key] = wanted if wanted in options else default

    def changed() -> None:
        set_query(name, st.session_state[key])

    return changed


def address_list(name: Query) -> list[str]:
    """A parameter that holds several ids, separated by commas."""
    return [item for item in (query(name) or "").split(",") if item]


def set_address_list(name: Query, values: Collection[str]) -> None:
    """Put several ids into the address."""
    set_query(name, ",".join(values))
