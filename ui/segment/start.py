"""The Segment page without an image: choose project and model, drop files, or pick an image."""

from __future__ import annotations

import streamlit as st

from core.access.roles import Permission
from ui.access import gate
from ui.parts.arrivals import arrival_notes
from ui.parts.batches import batches_panel
from ui.parts.help import page_title
from ui.parts.image_galleries import example_images, own_and_examples
from ui.parts.transfer import transfers_panel
from ui.segment.choice import Choice, choice_panel, chosen_project
from ui.segment.images import project_images
from ui.state import StateKey
from ui.uploader import uploader


def start_panel() -> None:
    """What is dropped where, the drop zone, batches under way, images."""
    page_title("Segment a micrograph", "guide/segment#segment-micrographs")
    choice = choice_panel(key="segment") if gate(Permission.ADD_IMAGES) else None
    if choice is not None:
        _drop_zone(choice)
    batches_panel()
    arrival_notes()
    own, examples = own_and_examples()
    project = choice.project if choice else chosen_project()
    if project is not None:
        transfers_panel(project.id)
    project_images(project, own)
    example_images(examples, "Examples", "Synthetic tissue, drawn by a program.")


def _drop_zone(choice: Choice) -> None:
    """Files are read and segmented by the server from the moment in which they have arrived."""
    project_id = choice.project.id if choice.project else ""
    drop = {"project": project_id, "plan": choice.plan.to_json()}
    for upload in uploader(key="segment-upload", drop=drop):
        if upload.files == 1:
            st.session_state[StateKey.OPEN_WHEN_READ] = upload.batch_id
