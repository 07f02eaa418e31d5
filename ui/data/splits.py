"""The warning about sections of one specimen on both sides of the test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from core.store.splits import Straddle
from ui.errors import plain

_SHOWN: Final = 5


def straddle_warning(found: Sequence[Straddle]) -> None:
    """Say which stacks and specimens straddle training and test; nothing where none does."""
    if not found:
        return
    lines = [
        f"- {each.what} **{plain(each.name)}**: {each.train} for training, {each.test} for the test"
        for each in found[:_SHOWN]
    ]
    more = [f"- and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    st.warning(
        "Training and test share tissue. Neighbouring sections look alike, so the test would make models look better "
        "than they are. Put all of a stack or specimen on one side.\n" + "\n".join(lines + more),
        icon=":material/call_split:",
    )
