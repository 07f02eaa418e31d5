"""The Models page: cards, what can be done with a model, the trash."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core.access.models import may_change_model, may_manage_store, may_take_model, owner_of
from core.curation.models import archive_model, rename_model, restore_model, set_default_model, trash_model_as
from core.exports.heavy import heavy_model
from core.exports.start import start_file
from core.models.store import STARTER_ID, TRASH_DAYS, BrokenModel, StoredModel, TrashedModel
from core.review.audit_log import audit_entries
from core.settings import Access, current_settings
from core.training.verdict import undertrained_warning
from core.wording import counted
from ui import context
from ui.access import origin_text, visible_projects
from ui.errors import explained, plain, show_error
from ui.models.model_facts import classes_figure, facts, lineage, separation_facts, training_table
from ui.parts.audit_log import SHOWN, log_table
from ui.parts.kept_files import prepare_button
from ui.parts.model_size_change import use_model_size
from ui.parts.pixel_size_field import pixel_size_field
from ui.parts.undertrained import undertrained_notice
from ui.person import person
from ui.state import Query, StateKey, query, set_query
from ui.viewer.assets import app_root


def model_cards(models: tuple[StoredModel, ...], *, open_id: str | None) -> None:
    """Every model with what can be done; the one of the address first.

    Parameters
    ----------
    models
        Those that this person may see, archived ones too; newest first.
    open_id
        The model that a link has led to.
    """
    default = context.models().default()
    put_aside = sum(model.archived for model in models)
    with_archived = st.toggle(f"Show {put_aside} archived", key="models-archived") if put_aside else False
    shown = [model for model in models if with_archived or not model.archived or model.id == open_id]
    shown.sort(key=lambda model: model.id != open_id)
    if open_id and open_id not in {model.id for model in models}:
        st.warning(plain(f"Model {open_id} does not exist or was deleted."), icon=":material/model_training:")
    for model in shown:
        with explained():  # what goes wrong with one leaves the others
            _card(model, models, is_default=default is not None and model.id == default.id)


def _card(model: StoredModel, models: tuple[StoredModel, ...], *, is_default: bool) -> None:
    """One model, with what this person may do with it."""
    card, store = model.card, context.store()
    may_change, mine = may_change_model(store, model, person()), may_take_model(store, model, person())
    with st.container(border=True, key=f"model-{model.id}"):
        head, buttons = st.columns([2.2, 2.4], vertical_alignment="center")
        badges = " :green-badge[:material/star: default]" if is_default else ""
        badges += " :gray-badge[archived]" if model.archived else ""
        head.markdown(f"#### {plain(card.name)}{badges}")
        with buttons, st.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
            if may_change:
                _actions(model, is_default=is_default)
            elif mine:
                _export(model)
        if card.description:
            st.markdown(plain(card.description))
        if card.warning:
            st.markdown(f":orange[:material/warning:] {plain(card.warning)}")
        if may_change:
            undertrained_notice(model, key="models")
        elif text := undertrained_warning(card):
            st.warning(plain(text), icon=":material/hourglass_bottom:")
        st.caption(" · ".join(plain(fact) for fact in facts(model)))
        if model.pixel_size_nm is None and may_change:
            _ask_pixel_size(model)
        left, right = st.columns([1.15, 1], gap="large")
        with left:
            classes_figure(model)
            separation_facts(model)
        with right:
            lineage(model, models, hidden=frozenset({m.id for m in context.models().list()} - {m.id for m in models}))
            st.caption(plain(f"Origin: {origin_text(card.origin) or 'unknown'}"))
            st.caption(plain(_owner_text(model)))
        if mine:  # it names the images that the model learned from
            with st.expander("Training", icon=":material/fitness_center:"):
                training_table(model)


def _owner_text(model: StoredModel) -> str:
    """Whose it is, as this person may know it."""
    owner = owner_of(model)
    if owner is None:
        return "Available in all projects."
    name = next((project.name for project in visible_projects() if project.id == owner), None)
    return f"Project: {name}." if name else ("Belongs to a project that you cannot access or that was deleted.")


def _actions(model: StoredModel, *, is_default: bool) -> None:
    """What can be done with a usable model."""
    store, models = context.store(), context.models()
    offered = not is_default and may_manage_store(store, person())
    if offered and st.button("Make default", key=f"default-{model.id}", icon=":material/star:"):
        set_default_model(store, models, model.id, by=person())
        st.rerun()
    with st.popover("Rename", icon=":material/edit:"), st.form(f"rename-{model.id}", border=False):
        name = st.text_input("Name", model.card.name, max_chars=120, key=f"name-{model.id}")
        if st.form_submit_button("Rename", type="primary"):
            rename_model(store, models, model.id, name, by=person())
            st.rerun()
    _export(model)
    label = "Unarchive" if model.archived else "Archive"
    if not is_default and st.button(label, key=f"archive-{model.id}", icon=":material/archive:"):
        archive_model(store, models, model.id, not model.archived, by=person())
        st.rerun()
    if model.id != STARTER_ID:
        with st.popover("Delete", icon=":material/delete:"):
            _confirm_delete(model, is_default=is_default)


def _export(model: StoredModel) -> None:
    """Links that the browser downloads; large models are prepared as jobs."""
    with st.popover("Export", icon=":material/download:"):
        _export_file(model, "nnunet.zip", "nnU-Net zip", ":material/folder_zip:")
        st.caption(
            "A zip for nnUNetv2_predict_from_modelfolder. Input images must already have the model's pixel size. "
            "Creating the file takes some seconds."
        )
        _export_file(model, "bundle", "Cristae bundle", ":material/inventory_2:")
        st.caption("Weights as safetensors, plans, card and learning history, with checksums.")


def _export_file(model: StoredModel, what: str, label: str, icon: str) -> None:
    if heavy_model(model):
        ask = partial(start_file, context.store(), "model", model.id, what, {}, by=person())
        prepare_button(f"Prepare: {label}", ask, slot=f"{model.id}-{what}")
    else:
        address = f"{app_root()}api/models/{model.id}/download/{what}"
        st.link_button(label, address, icon=icon, width="stretch")


def _confirm_delete(model: StoredModel, *, is_default: bool) -> None:
    """Say what happens, then do it."""
    st.markdown(f"Its label maps are kept. The model can be restored for {TRASH_DAYS} days.")
    if is_default:
        following = context.models().next_default(model.id)
        what = f"**{plain(following.card.name)}** becomes the default." if following else "No model remains."
        st.markdown(f":orange[:material/warning:] This is the default model. {what}")
    if st.button("Move to the trash", key=f"delete-{model.id}", type="primary"):
        move_to_trash(model.id)


def move_to_trash(model_id: str) -> None:
    """Take it out of the store, and offer to undo that."""
    item = trash_model_as(context.store(), context.models(), model_id, by=person())
    st.session_state[StateKey.TRASHED_MODEL] = (item.id, item.name)
    if query(Query.MODEL) == model_id:
        set_query(Query.MODEL, None)
    st.rerun()


def _ask_pixel_size(model: StoredModel) -> None:
    """A model from outside does not know at which pixel size it was trained."""
    st.warning(
        "The training pixel size is unknown: images are not rescaled, which is correct only if they have the same "
        "pixel size as the training images.",
        icon=":material/straighten:",
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        size = pixel_size_field("Trained at", key=f"size-{model.id}", width=240)
        wanted = st.button("Set size", key=f"use-size-{model.id}", disabled=size.nm is None)
    if wanted and size.nm:
        use_model_size(model.id, size.nm)


def undo_bar() -> None:
    """After a deletion: what was deleted, and the way back."""
    trashed = st.session_state.get(StateKey.TRASHED_MODEL)
    if trashed is None:
        return
    model_id, name = trashed
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="undo-bar"):
        st.markdown(f":material/delete: **{plain(name)}** is in the trash.")
        if st.button("Undo", icon=":material/undo:", type="primary", key="undo-trash"):
            st.session_state.pop(StateKey.TRASHED_MODEL)
            restore_model(context.store(), context.models(), model_id, by=person())
            st.rerun()
        if st.button("Dismiss", type="tertiary", key="undo-dismiss"):
            st.session_state.pop(StateKey.TRASHED_MODEL)
            st.rerun()


def store_log() -> None:
    """The lines of the audit log about models of all; those of a project's models stand in the project's log."""
    if not person() or current_settings().access is Access.OPEN:
        return
    entries = list(audit_entries(context.store(), "", by=person()))
    if entries:
        with st.expander("Changes to models of all projects", icon=":material/history_edu:"):
            st.dataframe(log_table(list(reversed(entries))[:SHOWN]), hide_index=True, width="stretch", key="models-log")


def broken_models(broken: tuple[BrokenModel, ...]) -> None:
    """Folders of the store that cannot be used, and why."""
    for item in broken:
        with st.container(border=True, key=f"broken-{item.id}"):
            show_error(f"{item.id} cannot be used. {item.reason}", f"Its folder is {item.path}.")
            if st.button("Move to the trash", key=f"trash-broken-{item.id}", icon=":material/delete:"):
                move_to_trash(item.id)


def trash_list(items: tuple[TrashedModel, ...]) -> None:
    """What can be brought back."""
    if not items:
        return
    with st.expander(f"Trash ({len(items)})", icon=":material/delete:"):
        for number, item in enumerate(items):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(
                    f"**{plain(item.name)}** · {plain(item.id)} · "
                    f"permanently deleted in {counted(item.days_left, 'day')}"
                )
                if st.button("Restore", key=f"restore-{number}-{item.id}", icon=":material/undo:"):
                    restore_model(context.store(), context.models(), item.id, by=person())
                    st.session_state.pop(StateKey.TRASHED_MODEL, None)
                    st.rerun()
