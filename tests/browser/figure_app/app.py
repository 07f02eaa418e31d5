"""One figure alone, for its browser test."""

from __future__ import annotations

import streamlit as st

from ui.viewer import asset_routes

app = st.App("main.py", routes=asset_routes())
