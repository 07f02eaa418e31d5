"""Models: what is in the store, where it comes from, how good it is, and what can be done with it."""

import streamlit as st

from core.access import Permission
from ui import context
from ui.access import allowed
from ui.errors import explained
from ui.panels.model_import import import_panel
from ui.panels.models import broken_models, model_cards, trash_list, undo_bar
from ui.panels.no_model import no_model
from ui.state import Query, query

st.title("Models", anchor=False)
models, broken = context.models().scan()
changing = allowed(Permission.TRAIN)
if changing:
    with explained():
        undo_bar()
    import_panel(expanded=not models)
if not models:
    with explained():
        no_model(key="models", link=False)
model_cards(models, open_id=query(Query.MODEL), may_change=changing)
with explained():
    broken_models(broken)
if changing:
    with explained():
        trash_list(context.models().trashed())
