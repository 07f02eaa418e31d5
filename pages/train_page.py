"""Train: choose images with reference labels and press the button; or run a round on what was corrected."""

import streamlit as st

from ui.parts.first_labels import first_labels
from ui.parts.page_head import page_head
from ui.parts.project_picker import project_picker
from ui.parts.sections import section_choice
from ui.person import person_field
from ui.train.rounds import rounds_panel
from ui.train.sections import SECTIONS, Section, trainings_panel

place, who = page_head("Train a model", "guide/train#train-a-model", [2.4, 1.8, 0.8], person=True)
with place:
    project = project_picker(key="train")

if project is None:
    with st.container(border=True):
        st.subheader("No project yet", anchor=False)
        st.markdown(
            "Create a project on the Data page and import images with their label maps, or draw the first ones here."
        )
    first_labels(None, key="train")
    st.stop()

if section_choice(SECTIONS, Section.TRAINING, key="train-section") is Section.TRAINING:
    trainings_panel(project)
else:
    rounds_panel(project, person_field(key="train", place=who))
