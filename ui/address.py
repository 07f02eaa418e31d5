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


def number_in_address(name: Query, key: str, default: float, low: float, high: float) -> Callable[[], None]:
    """`kept_in_address` for a field of numbers; the default stays out of the address.

    Parameters
    ----------
    name, key
        The parameter, and the key of the widget.
    default
        Shown where the address says nothing, or something outside ``low`` to ``high``.
    low, high
        What the field takes.

    Returns
    -------
    callable
        For the widget's ``on_change``.
    """
    try:
        wanted = float(query(name) or default)
    except ValueError:
        wanted = default
    st.session_state[key] = wanted if low <= wanted <= high else default

    def changed() -> None:
        value = st.session_state[key]
        set_query(name, None if value == default else f"{value:g}")

    return changed


def switch_in_address(name: Query, key: str, *, default: bool) -> Callable[[], None]:
    """`kept_in_address` for a switch; the default stays out of the address. Returns the widget's ``on_change``."""
    words = {True: "yes", False: "no"}
    asked = query(name)
    st.session_state[key] = asked == words[True] if asked in words.values() else default

    def changed() -> None:
        value = bool(st.session_state[key])
        set_query(name, None if value == default else words[value])

    return changed


def address_list(name: Query) -> list[str]:
    """A parameter that holds several ids, separated by commas."""
    return [item for item in (query(name) or "").split(",") if item]


def set_address_list(name: Query, values: Collection[str]) -> None:
    """Put several ids into the address."""
    set_query(name, ",".join(values))
