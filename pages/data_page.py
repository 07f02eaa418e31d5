"""Data: projects, their images and labels, brought in and kept in order."""

import streamlit as st

from core.access.roles import Permission
from ui import context
from ui.access import allowed, gate
from ui.data.importing import import_panel
from ui.data.outcome import imports_panel
from ui.data.table import table_panel
from ui.parts.batches import batches_panel
from ui.parts.first_labels import first_labels
from ui.parts.help import page_title
from ui.parts.new_project import edit_project
from ui.parts.project_picker import project_picker
from ui.parts.scheme import scheme_chips
from ui.parts.transfer import transfers_panel

page_title("Data", "guide/data#data-and-import")
project = project_picker(key="data", with_new=True)
if project is None:
    st.info(
        "A project contains images and the classes (organelles) to segment in them. Create a project to start.",
        icon=":material/folder_open:",
    )
    first_labels(None, key="data")
    st.stop()

with st.container(horizontal=True, vertical_alignment="center"):
    scheme_chips(project.scheme)
    managing = allowed(Permission.MANAGE, project.id)
    if managing and st.button("Project settings", icon=":material/settings:", type="tertiary"):
        edit_project(project)
imports_panel(project.id)
batches_panel(project.id)
transfers_panel(project.id)
empty = not context.store().images.all(project.id)
with st.expander("Add images and labels", icon=":material/add_photo_alternate:", expanded=empty):
    if gate(Permission.ADD_IMAGES, project.id):
        import_panel(project)
table_panel(project, may_change=managing)
