"""Models: what is in the store, where it comes from, how good it is, and what can be done with it."""

import streamlit as st

from core.access.models import may_manage_store, visible_trash
from core.access.roles import Permission
from ui import context
from ui.access import allowed
from ui.errors import explained
from ui.models.get_model import get_model_panel
from ui.models.model_import import import_panel
from ui.models.models import broken_models, model_cards, store_log, trash_list, undo_bar
from ui.models.sections import SECTIONS, Section
from ui.parts.help import page_title
from ui.parts.no_model import no_model
from ui.parts.sections import section_choice
from ui.person import person
from ui.state import Query, query

page_title("Models", "guide/models-and-jobs#models")
if section_choice(SECTIONS, Section.STORE, key="models-section") is Section.GET:
    with explained():
        get_model_panel()
    st.stop()
broken = context.models().scan()[1]
models = context.seen_models()
changing = allowed(Permission.TRAIN)
if changing:
    with explained():
        undo_bar()
    import_panel(expanded=not models)
if not models and not allowed(Permission.VIEW):
    st.info("You have no role in any project. Ask an admin for one.", icon=":material/lock:")
elif not models:
    with explained():
        no_model(key="models", link=False)
model_cards(models, open_id=query(Query.MODEL))
if may_manage_store(context.store(), person()):
    with explained():
        broken_models(broken)
    with explained():
        store_log()
if changing:
    with explained():
        trash_list(visible_trash(context.store(), context.models(), person()))
