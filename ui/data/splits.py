"""The warning about sections of one specimen on both sides of the test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from core.datasets.leakage import Straddle
from ui.errors import plain

_SHOWN: Final = 5


def straddle_warning(found: Sequence[Straddle]) -> None:
    """Say which stacks and specimens straddle training and test; nothing where none does."""
    if not found:
        return
    lines = [
        f"- {each.what} **{plain(each.name)}**: {each.train} in the training set, {each.test} in the test set"
        for each in found[:_SHOWN]
    ]
    more = [f"- and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    st.warning(
        "Training and test set share tissue. Neighbouring sections look alike, so test scores would be too high. "
        "Assign each stack or specimen to one set only.\n" + "\n".join(lines + more),
        icon=":material/call_split:",
    )
