"""Results: how good a model is on images that it has not seen, and where it fails."""

import streamlit as st

from core.evaluations.read import evaluations
from ui import context
from ui.access import visible_projects
from ui.parts.first_labels import first_labels
from ui.parts.page_head import page_head
from ui.parts.project_picker import project_picker
from ui.parts.sections import section_choice
from ui.results.choices import SECTIONS, Section
from ui.results.compare import compare_ahead
from ui.results.evaluation_choice import evaluation_picker, state_panel
from ui.results.importing import imports_panel
from ui.results.new_evaluation import begin_panel
from ui.results.sections import section_panel


def newest_with_results() -> str | None:
    """The newest project that has an evaluation."""
    store = context.store()
    return next(
        (project.id for project in reversed(visible_projects()) if store.evaluations.of_project(project.id)), None
    )


which, place = page_head("Results", "guide/results#results-how-good-a-model-is-and-where-it-fails", [1.1, 2, 1.5])
with place:
    project = project_picker(key="results", first=newest_with_results)
if project is None:
    st.info(
        "No project yet. Create one on the Data page, and import images with their label maps.",
        icon=":material/folder_open:",
    )
    first_labels(None, key="results")
    st.stop()

rows = evaluations(context.store(), project.id)
if not rows:
    imports_panel(project.id)
    with st.container(border=True):
        st.subheader("No evaluation yet", anchor=False)
        st.markdown(
            "An evaluation compares predictions with reference labels for each image and class, and shows how "
            "good they are and where the errors are."
        )
        begin_panel(project)
    st.stop()

with which:
    row = evaluation_picker(rows)
imports_panel(project.id)
section = section_choice(SECTIONS, Section.OVERVIEW, key="results-section")
if section is Section.NEW:
    with st.container(border=True):
        begin_panel(project)
    st.stop()
state_panel(row, fills_in=section in (Section.OVERVIEW, Section.IMAGES))
section_panel(section, row, rows)
if section is not Section.COMPARE:
    compare_ahead(row, rows)
