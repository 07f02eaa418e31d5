"""The browser's Back button: one entry in its history for each thing that a person did."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import streamlit as st

from ui.viewer.assets import module_shim


def one_entry_per_gesture() -> None:
    """Nothing to see: from now on the tab keeps no entries that only the script made."""
    with st.container(key="frame-history"):
        _component()(key="frame-history-component")


@lru_cache(maxsize=1)
def _component() -> Callable[..., Any]:
    """The component, registered once per process."""
    return st.components.v2.component("cristae_history", js=module_shim("frame", "history.js"))
