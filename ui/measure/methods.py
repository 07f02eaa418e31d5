"""Text for a paper: how objects were measured and compared, and the legend of the figure."""

from __future__ import annotations

import streamlit as st

from core.morphometry.methods import Study, legend_text, methods_text
from ui.errors import plain


def methods_panel(study: Study) -> None:
    """The text for the shown figure, to be copied."""
    with st.expander("Methods text and figure legend", icon=":material/article:", key="measure-methods"):
        st.caption(
            "Describes exactly what this page shows, with the settings above. Read it before you publish it, and add "
            f"how images were taken and who labelled {plain(study.scheme.name_of(study.selection.class_id))}."
        )
        st.markdown("**Methods**")
        st.code(methods_text(study), language=None, wrap_lines=True)
        st.markdown("**Figure legend**")
        st.code(legend_text(study), language=None, wrap_lines=True)
