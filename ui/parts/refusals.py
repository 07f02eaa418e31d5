"""What an import refuses, as a list inside the window: the file, why, and what to do; the long rest behind a click."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from core.datasets.plan import Refusal
from core.evaluation.words import counted
from ui.errors import plain

_SHOWN: Final = 5
"""Refusals that are listed at once."""


def refusals_panel(refusals: Sequence[Refusal], what: str) -> None:
    """The refusals: cause and remedy of each.

    Parameters
    ----------
    refusals
        In the order of the files; nothing is drawn without any.
    what
        What is refused, singular: "file".
    """
    if not refusals:
        return
    with st.container(border=True):
        st.markdown(f":red[:material/block:] **{counted(len(refusals), what)} cannot be imported.** The others can.")
        for refusal in refusals[:_SHOWN]:
            _line(refusal)
        if len(refusals) > _SHOWN:
            with st.expander(f"{len(refusals) - _SHOWN:,} more"), st.container(height=320, border=False):
                for refusal in refusals[_SHOWN:]:
                    _line(refusal)


def notices_panel(notices: Sequence[tuple[str, str]]) -> None:
    """What was noticed about files that can be imported.

    Parameters
    ----------
    notices
        File and sentence.
    """
    if not notices:
        return
    with (
        st.expander(f"{counted(len(notices), 'remark')} about the files", icon=":material/info:"),
        st.container(height=320 if len(notices) > 2 * _SHOWN else "content", border=False),
    ):
        for name, sentence in notices:
            st.markdown(f"**{plain(name)}** {plain(sentence)}")


def _line(refusal: Refusal) -> None:
    """File, cause, remedy; they wrap."""
    cause = refusal.cause if refusal.where in refusal.cause else f"{refusal.where}: {refusal.cause}"
    st.markdown(f"{plain(cause)}  \n:material/arrow_forward: {plain(refusal.remedy)}")
