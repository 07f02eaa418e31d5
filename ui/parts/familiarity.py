"""The verdict on an image, before any figure of its prediction: in full, or as one line."""

from __future__ import annotations

from typing import Final

import streamlit as st

from core.familiarity.verdict import TITLES, Level, Verdict
from ui.errors import plain

STRUCK: Final = "\u0336"
"""Combining stroke: behind every character of a figure that must not be relied upon."""


def verdict_line(verdict: Verdict) -> None:
    """One line where a prediction is used; nothing for an image that is like the training images or not judged."""
    if verdict.level is Level.UNSEEN:
        st.warning(plain(verdict.sentence), icon=":material/report:")
    elif verdict.level is Level.DIFFERENT:
        st.caption(f":material/help: {plain(verdict.sentence)}")


def verdict_reasons(verdict: Verdict) -> None:
    """Title, reasons and error rate."""
    title = TITLES[verdict.level]
    reasons = "".join(f"\n- {plain(reason[:1].upper() + reason[1:])}" for reason in verdict.reasons)
    if verdict.level is Level.UNSEEN:
        st.error(f"**{title}**\n{reasons}", icon=":material/report:")
    elif verdict.level is Level.DIFFERENT:
        st.warning(f"**{title}**\n{reasons}", icon=":material/help:")
    elif verdict.level is Level.LIKE:
        st.caption(f":material/check: {title}")
    if verdict.level in (Level.UNSEEN, Level.DIFFERENT) and verdict.error_sentence:
        st.caption(plain(verdict.error_sentence))


def struck(text: str) -> str:
    """A figure struck through."""
    return "".join(character + STRUCK for character in text)
