"""Columns of tables, written the same way on every page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st


def count_columns(*names: str) -> dict[str, Any]:
    """Settings for columns of whole numbers, with separators between thousands as the reader's browser writes them."""
    return {name: st.column_config.NumberColumn(format="localized") for name in names}


def picked_row(selection: Mapping[str, Any]) -> int | None:
    """The row of the cell that was clicked, by its place in the data; None for none."""
    cells = selection.get("cells") or ()
    return int(cells[0][0]) if cells else None
