"""Two parts of a page beside each other, below each other where a narrow window would cut them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


def side_by_side(
    shares: Sequence[float], *, key: str, gap: Literal["medium", "large"] = "medium"
) -> list[DeltaGenerator]:
    """Columns that stand below each other in windows up to 1100 px or more; `ui/static/app.css` sees to it.

    Parameters
    ----------
    shares, gap
        As `streamlit.columns` takes them.
    key
        Names them on their page.
    """
    with st.container(key=f"side-by-side-{key}"):
        return st.columns(shares, gap=gap)
