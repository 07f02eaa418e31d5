"""What an import refuses, as a list inside the window: the file, why, and what to do; the long rest behind a click."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from core.errors import Refusal
from core.wording import counted
from ui.errors import plain

_SHOWN: Final = 5
"""Refusals that are listed at once."""


def refusals_panel(refusals: Sequence[Refusal], what: str, *, others: int, past: bool = False) -> None:
    """The refusals: cause and remedy of each.

    Parameters
    ----------
    refusals
        In the order of the files; nothing is drawn without any.
    what
        What is refused, singular: "file".
    others
        How many are not refused.
    past
        Whether the import is over.
    """
    if not refusals:
        return
    with st.container(border=True):
        title, rest = refusal_words(len(refusals), what, others, past=past)
        st.markdown(f":red[:material/block:] **{title}** {rest}".rstrip())
        for refusal in refusals[:_SHOWN]:
            _line(refusal)
        if len(refusals) > _SHOWN:
            with st.expander(f"{len(refusals) - _SHOWN:,} more"), st.container(height=320, border=False):
                for refusal in refusals[_SHOWN:]:
                    _line(refusal)


def refusal_words(refused: int, what: str, others: int, *, past: bool = False) -> tuple[str, str]:
    """How many are refused, and what becomes of the others.

    >>> refusal_words(2, "file", 1)
    ('2 files cannot be imported.', 'The other one can.')
    >>> refusal_words(1, "file", 0, past=True)
    ('1 file was not imported.', '')
    """
    was, were = ("was not", "were not") if past else ("cannot be", "cannot be")
    title = f"{counted(refused, what)} {was if refused == 1 else were} imported."
    if not others:
        return title, ""
    if others == 1:
        return title, f"The other one {'was' if past else 'can'}."
    return title, f"The other {others:,} {'were' if past else 'can'}."


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
