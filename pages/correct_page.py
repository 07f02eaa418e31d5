"""Correct: mend what the model got wrong, with a brush, where it matters most."""

import streamlit as st

from core.access.roles import Permission
from core.annotation.progress import progress
from ui import context
from ui.access import gate
from ui.correct.alone import asked_line
from ui.correct.history import history_panel
from ui.correct.like_places import like_places_panel, test_image_panel
from ui.correct.start import draft_panel, entries_of, image_picker, my_draft, others, revision_notice, start_panel
from ui.correct.work import submitted_panel, work_panel
from ui.parts.first_labels import first_labels
from ui.parts.page_head import page_head
from ui.parts.project_picker import project_picker
from ui.person import person_field

which, place, who = page_head("Correct", "guide/correct#correct-a-prediction", [1, 2, 1.6, 0.6], person=True)
with place:
    project = project_picker(key="correct")
if project is None:
    st.info(
        "No project yet. Create one on the Data page, or drop a micrograph on the Segment page.",
        icon=":material/folder_open:",
    )
    first_labels(None, key="correct")
    st.stop()
person = person_field(key="correct", place=who)
known = progress(context.store(), project.id, person)
with which:
    image = image_picker(project, known)
if image is None or not person:
    st.stop()

asked_line(project, image, known)
entries = entries_of(project, image, person)
submitted_panel(project, image, known)
like_room = test_image_panel(image)
revision_notice(entries)
may_paint = gate(Permission.PAINT, project.id)
draft = my_draft(image, person) if may_paint else None
if draft is None and may_paint:
    start_panel(project, image, person, entries)
elif draft is not None:
    others(image, person)
    work_panel(project, image, draft, person)
    draft_panel(draft, entries)
history_panel(project, image, person, entries, may_restore=may_paint and draft is None)
if like_room is not None:
    like_places_panel(like_room, project, person, known)  # last: the image does not wait for it
