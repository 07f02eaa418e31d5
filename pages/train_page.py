"""Train: choose images with reference labels, press the button, watch it learn."""

import streamlit as st

from ui.panels.project import project_picker
from ui.panels.train_run import training_panel, trainings
from ui.panels.train_setup import setup_panel
from ui.state import Query, query, set_query

SHOWN = 20

title, place = st.columns([3, 1], vertical_alignment="bottom")
title.title("Train a model", anchor=False)
with place:
    project = project_picker(key="train")

if project is None:
    with st.container(border=True):
        st.subheader("No project yet", anchor=False)
        st.markdown("Make a project on the Data page and import images with their label maps.")
else:
    rows = trainings(project.id)
    running = next((row for row in rows if not row.finished), None)
    if running and query(Query.JOB) not in {row.id for row in rows}:
        set_query(Query.JOB, running.id)  # so that it stays on the page when it ends
    asked = query(Query.JOB)
    open_rows = [row for row in rows if not row.finished or row.id == asked]
    for row in open_rows:
        training_panel(row)
    if open_rows:
        with st.expander("Train another model", icon=":material/add:"):
            setup_panel(project)
    else:
        setup_panel(project)
    earlier = [row for row in rows if row not in open_rows][:SHOWN]
    if earlier:
        st.subheader("Earlier trainings", anchor=False)
    for row in earlier:
        if st.toggle(f"{row.params.get('name')} · {row.created_at:%Y-%m-%d %H:%M} UTC · {row.state}", key=row.id):
            training_panel(row)
