"""Review: look at what was corrected, decide, and say why."""

import streamlit as st

from ui.parts.audit_log import log_panel
from ui.parts.first_labels import first_labels
from ui.parts.page_head import page_head
from ui.parts.project_picker import project_picker
from ui.parts.sections import section_choice
from ui.person import person_field
from ui.review.agreement import agreement_panel
from ui.review.people import people_panel
from ui.review.queue import queue_panel
from ui.review.sections import SECTIONS, Section
from ui.review.view import review_panel
from ui.state import Query, query

place, who = page_head("Review", "guide/review#review-corrections", [2.4, 1.8, 0.8], person=True)
with place:
    project = project_picker(key="review")
if project is None:
    st.info("No project yet. Create one on the Data page.", icon=":material/folder_open:")
    first_labels(None, key="review")
    st.stop()
person = person_field(key="review", place=who)
if not person:
    st.stop()

revision_id = query(Query.REVISION)
if revision_id:
    review_panel(project, revision_id, person)
    st.stop()
match section_choice(SECTIONS, Section.QUEUE, key="review-section"):
    case Section.AGREEMENT:
        agreement_panel(project, person)
    case Section.PEOPLE:
        people_panel(project, person)
    case Section.LOG:
        log_panel(project, person)
    case _:
        queue_panel(project, person)
