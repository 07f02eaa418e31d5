"""The images of the project that was chosen: opened, ticked, segmented again all together."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.store.records import ImageRecord, ProjectRecord
from core.wording import counted
from ui.errors import plain
from ui.parts.image_actions import image_actions
from ui.parts.image_galleries import own_images
from ui.parts.segment_again import segment_again_button
from ui.parts.takeaway import takeaway_button


def project_images(project: ProjectRecord | None, own: Sequence[ImageRecord]) -> None:
    """The newest images of a project, with what can be done with some or all of them; of all where it has none.

    Parameters
    ----------
    own
        All images that the person may see, without the examples.
    """
    images = [image for image in own if project is not None and image.project_id == project.id]
    if project is None or not images:
        own_images(own)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(f"Images in {plain(project.name)}", anchor=False, width="stretch")
        selecting = st.toggle("Select images", key="segment-selecting")
        ids = tuple(image.id for image in images)
        segment_again_button(ids, key="segment-all", label=f"Segment all {counted(len(ids), 'image')}")
        takeaway_button(f"Export {counted(len(ids), 'image')}", project.id, ids, key="segment-takeaway")
    ticked = own_images(images, title="", selecting=selecting)
    if selecting:
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            st.markdown(f"**{counted(len(ticked), 'image')}** selected")
            image_actions(ticked, key="segment-ticked")
            takeaway_button("Export", project.id, [image.id for image in ticked], key="segment-takeaway-ticked")
