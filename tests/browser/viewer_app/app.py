"""The viewer and the drop zone alone, for their browser tests."""

from __future__ import annotations

import streamlit as st

from core.settings import current_settings
from core.web.routes import routes
from ui.viewer import asset_routes

app = st.App("main.py", routes=[*routes(current_settings()), *asset_routes()])
