"""Navigation: what every page has in common."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ui.carried import carried
from ui.errors import explained
from ui.frame.history import one_entry_per_gesture
from ui.frame.indicator import indicator
from ui.frame.stale_reruns import ignore_stale_reruns
from ui.pages import PAGES_FOLDER
from ui.parts.kept_dialog import draw_dialog
from ui.state import StateKey
from ui.viewer.component import forget_drawn_sizes

_STATIC = Path(__file__).parent / "static"

PAGES = (
    ("overview_page.py", "Overview", ":material/dashboard:", ""),
    ("segment_page.py", "Segment", ":material/blur_on:", "segment"),
    ("results_page.py", "Results", ":material/analytics:", "results"),
    ("measure_page.py", "Measure", ":material/straighten:", "measure"),
    ("correct_page.py", "Correct", ":material/brush:", "correct"),
    ("review_page.py", "Review", ":material/rate_review:", "review"),
    ("data_page.py", "Data", ":material/photo_library:", "data"),
    ("train_page.py", "Train", ":material/model_training:", "train"),
    ("models_page.py", "Models", ":material/inventory_2:", "models"),
    ("jobs_page.py", "Jobs", ":material/list_alt:", "jobs"),
    ("guide_page.py", "Guide", ":material/menu_book:", "guide"),
)
"""Script, title, icon, address. The first one is the default."""


def main() -> None:
    """Draw the frame and run the chosen page."""
    st.set_page_config(page_title="Cristae", page_icon=str(_STATIC / "icon.svg"), layout="wide")
    st.logo(str(_STATIC / "logo.svg"), size="large")
    st.html(_STATIC / "app.css")
    pages = [
        st.Page(PAGES_FOLDER / script, title=title, icon=icon, url_path=path or None, default=not path)
        for script, title, icon, path in PAGES
    ]
    page = st.navigation(pages, position="top")
    if page.url_path != "train":
        st.session_state.pop(StateKey.TRAINING_FORM, None)  # who comes back sees what runs, not the form
    forget_drawn_sizes()
    indicator()
    one_entry_per_gesture()
    ignore_stale_reruns()
    with explained(), carried(page.url_path):
        draw_dialog(page.url_path)  # before the page, which may stop
        page.run()


main()
