"""Dialogs with fields in them: they stay open, with what was typed, when the page behind them is drawn anew."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec

import streamlit as st

from ui.state import StateKey

P = ParamSpec("P")

_DIALOGS: Final[dict[str, Callable[..., None]]] = {}
"""Those that are kept open, by name."""


def kept_dialog(name: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Decorate what draws a dialog, above ``@st.dialog``; its arguments are ids, never arrays.

    A page that polls for a job is drawn anew when the job ends, and Streamlit closes an open dialog then. A dialog that
    is kept is drawn by `draw_dialog` in every run, with the same fields, until `close_dialog` is called.
    It is never drawn within the page: Streamlit forgets the values of fields that move from a page to the frame.

    Parameters
    ----------
    name
        Of the dialog, used once.
    """

    def decorate(draw: Callable[P, None]) -> Callable[P, None]:
        _DIALOGS[name] = draw

        @wraps(draw)
        def opened(*args: P.args, **kwargs: P.kwargs) -> None:
            st.session_state[StateKey.DIALOG_OPENINGS] = opening() + 1
            st.session_state[StateKey.DIALOG] = {"name": name, "args": args, "kwargs": kwargs, "page": None}
            st.rerun()

        return opened

    return decorate


def opening() -> int:
    """How many dialogs this tab has opened: part of the keys of a dialog's fields, so that each begins anew."""
    return int(st.session_state.get(StateKey.DIALOG_OPENINGS, 0))


def close_dialog() -> None:
    """Close the open dialog for good, from a button in it."""
    forget_dialog()
    st.rerun()


def forget_dialog() -> None:
    """Do not open the dialog again; for ``on_dismiss``."""
    st.session_state.pop(StateKey.DIALOG, None)


def draw_dialog(page: str) -> None:
    """Draw the dialog that is open, beside the page.

    Parameters
    ----------
    page
        Its address. On another page than the one it was opened on, a dialog is over.
    """
    dialog = st.session_state.get(StateKey.DIALOG)
    if dialog is None:
        return
    if dialog["page"] is None:
        dialog["page"] = page
    if dialog["page"] != page:
        forget_dialog()
        return
    _DIALOGS[dialog["name"]](*dialog["args"], **dialog["kwargs"])
