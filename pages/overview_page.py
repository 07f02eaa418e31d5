"""Overview: what is here, what is going on, where to begin."""

import streamlit as st

from core.access import Permission
from core.demo import DEMO_PROJECT, demo_project
from ui import context
from ui.access import gate, visible_images
from ui.gallery import SEGMENT_PAGE, gallery
from ui.panels.jobs import running_jobs
from ui.panels.overview import begin, image_notes, model_card

store = context.store()
images = context.newest_first(visible_images())
demo = demo_project(store)
own = [image for image in images if demo is None or image.project_id != demo.id]
examples = sorted((image for image in images if demo and image.project_id == demo.id), key=lambda image: image.name)

title, action = st.columns([4, 1], vertical_alignment="bottom")
title.title("Overview", anchor=False)
if action.button("Segment a micrograph", icon=":material/upload:", type="primary", width="stretch"):
    st.switch_page(SEGMENT_PAGE)

if not store.images():
    if gate(Permission.MANAGE):
        begin()
elif not images:
    st.info("You have no role in any project. Ask an admin for one.", icon=":material/lock:")
running_jobs()
if own:
    st.subheader("Your images", anchor=False)
    gallery(own[: context.RECENT], image_notes(own[: context.RECENT]), key="own")
if examples:
    st.subheader(DEMO_PROJECT, anchor=False)
    st.caption("Drawn by a program, with exact labels, to try everything on. Not taken with a microscope.")
    gallery(examples, image_notes(examples), key="demo")
model_card(context.models().default())
