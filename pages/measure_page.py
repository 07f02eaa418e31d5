"""Measure: how many profiles of organelles, how large, of what shape, how close to each other."""

import streamlit as st

from core.learning.object_sizes import project_rules
from core.measurements.smallest import smallest_of_maps
from core.measurements.sources import SourceKind, sources
from core.predictions.verdicts import distrusted_sentence
from ui import context
from ui.access import visible_projects
from ui.errors import plain
from ui.measure.figures import figures_panel
from ui.measure.objects import objects_panel
from ui.measure.run import contact_field, run_panel, source_picker
from ui.measure.smallest import neighbours_words
from ui.parts.first_labels import first_labels
from ui.parts.page_head import page_head
from ui.parts.project_picker import project_picker
from ui.person import person


def first_with_labels() -> str | None:
    """The newest project that has something to measure."""
    store = context.store()
    return next((project.id for project in reversed(visible_projects()) if sources(store, project.id)), None)


which, place = page_head("Measure", "guide/measure#measure-organelles", [1.1, 2, 1.5])
with place:
    project = project_picker(key="measure", first=first_with_labels)
if project is None:
    st.info("No project yet. Upload an image on the Segment page, or import images on the Data page.",
            icon=":material/folder_open:")  # fmt: skip
    first_labels(None, key="measure")
    st.stop()

there = sources(context.store(), project.id, person=person())
if not there:
    st.info(
        "No label maps in this project yet. Segment an image on the Segment page, or import label maps on the "
        "Data page.",
        icon=":material/label_off:",
    )
    first_labels(project, key="measure")
    st.stop()

with which:
    source = source_picker(there)
made_by = source.made_by if source.kind is SourceKind.MODEL else None
rules = project_rules(context.store(), context.models(), project.id, made_by)
smallest = smallest_of_maps(rules, project.scheme, there[source])
contact_nm = contact_field(neighbours_words(smallest, project.scheme))
found = run_panel(project, source, there[source], contact_nm, smallest)
distrusted = distrusted_sentence(context.store(), ((each.image, each.revision) for each in there[source]))
if distrusted:
    st.warning(plain(distrusted), icon=":material/report:")
if found.images:
    chosen = figures_panel(project.id, source, found, rules, contact_nm)
    objects_panel(found, chosen)
