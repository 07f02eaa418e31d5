"""Overview: what is here, what is going on, where to begin."""

import streamlit as st

from core.access.roles import Permission
from core.demo.project import DEMO_PROJECT
from ui import context
from ui.access import gate, visible_images
from ui.overview.overview import begin, begun_project, model_card
from ui.pages import SEGMENT_PAGE
from ui.parts.first_labels import first_labels
from ui.parts.help import page_title
from ui.parts.image_galleries import example_images, own_and_examples, own_images
from ui.parts.job_bars import running_jobs

own, examples = own_and_examples()

with page_title("Overview", "guide/first-steps#a-first-look"):
    if st.button("Segment a micrograph", icon=":material/upload:", type="primary"):
        st.switch_page(SEGMENT_PAGE)

if not context.store().images.all():
    if gate(Permission.MANAGE):
        begin()
        first_labels(begun_project(), key="overview")
elif not visible_images():
    st.info("You have no role in any project. Ask an admin for one.", icon=":material/lock:")
running_jobs()
own_images(own)
example_images(
    examples,
    DEMO_PROJECT,
    "Synthetic images with exact labels for trying all features; not real micrographs.",
)
model_card(context.current_model(None))
