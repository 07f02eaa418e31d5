"""The two ways of the Train page: rounds on what was corrected, and a single training by hand."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import streamlit as st

from core.access.roles import Permission
from core.store.records import JobRecord, ProjectRecord
from ui.access import allowed, gate
from ui.address import kept_in_address
from ui.parts.names import JOB_STATES
from ui.parts.new_model import new_model_question
from ui.parts.options import choice
from ui.state import Query, StateKey, query, set_query
from ui.train.run import training_panel, trainings
from ui.train.setup import setup_panel

SHOWN: Final = 100
"""Trainings that are listed, the newest first."""

_ANOTHER: Final = "new"
"""In the address in place of a training: the form for another one, while one runs."""


class Section(StrEnum):
    """The parts of the page, as named in its address."""

    TRAINING = "training"
    ROUNDS = "rounds"


SECTIONS: Final = {
    Section.TRAINING: ":material/model_training: Single training",
    Section.ROUNDS: ":material/cycle: Rounds",
}


def trainings_panel(project: ProjectRecord) -> None:
    """The list of trainings and the way to another one; then the one that is open, or the form."""
    may_train = allowed(Permission.TRAIN, project.id)
    new_model_question(project, key="train")
    rows = {row.id: row for row in trainings(project.id)}
    if not may_train:
        gate(Permission.TRAIN, project.id)
    shown_before = st.session_state.pop(StateKey.TRAINING_FORM, None) == project.id
    if not rows:
        if may_train:
            _form(project)
        return
    if shown_before and query(Query.JOB) not in rows:
        set_query(Query.JOB, _ANOTHER)  # somebody else has begun one meanwhile: what is typed here stays
    another = _list(rows, may_train=may_train)
    asked = query(Query.JOB)
    running = [row for row in rows.values() if not row.finished]
    open_rows = [rows[asked]] if asked in rows else running
    for row in [] if another else open_rows:
        training_panel(row, may_change=may_train)
    if may_train and (another or not open_rows):
        _form(project)


def _form(project: ProjectRecord) -> None:
    """The form for a training; it is remembered that this tab shows it."""
    st.session_state[StateKey.TRAINING_FORM] = project.id
    setup_panel(project)


def _list(rows: Mapping[str, JobRecord], *, may_train: bool) -> bool:
    """Every training by name, date and state, to open one; and the button to begin another.

    Returns
    -------
    bool
        Whether the form for another one is wanted.
    """
    running = next((row.id for row in rows.values() if not row.finished), None)
    if running and query(Query.JOB) not in (*rows, _ANOTHER):
        set_query(Query.JOB, running)  # so that it stays on the page when it ends
    asked = query(Query.JOB)
    shown = list(rows)[:SHOWN]
    open_one = [asked] if asked is not None and asked in rows and asked not in shown else []
    listed = {i: rows[i] for i in (*shown, *open_one)}
    texts = {i: _text(row) for i, row in listed.items()}
    names = {_ANOTHER: f"New training ({len(rows)} so far)" if may_train else f"Choose one of {len(rows)}"} | texts
    key = f"train-list-{next(iter(rows.values())).project_id}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        choice("Trainings", names, key=key, on_change=kept_in_address(Query.JOB, key, names, _ANOTHER), width=520)
        pressed = (
            may_train
            and asked in rows
            and st.button("Train another model", icon=":material/add:", type="primary", key="train-another")
        )
    if pressed:
        set_query(Query.JOB, _ANOTHER)
        st.rerun()
    return asked not in rows and (asked == _ANOTHER or running is None)


def _text(row: JobRecord) -> str:
    """A training in the list."""
    return f"{row.title} · {row.created_at:%Y-%m-%d %H:%M} UTC · {JOB_STATES[row.state]}"
