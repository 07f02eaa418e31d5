"""The two ways of the Train page: rounds on what was corrected, and a single training by hand."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import streamlit as st

from core.access import Permission
from core.store.records import ProjectRecord
from ui.access import allowed, gate
from ui.address import kept_in_address
from ui.panels.train_run import training_panel, trainings
from ui.panels.train_setup import setup_panel
from ui.parts.new_model import new_model_question
from ui.parts.options import titled
from ui.state import Query, query, set_query

SHOWN: Final = 20
"""Earlier trainings that are listed."""


class Section(StrEnum):
    """The parts of the page, as named in its address."""

    TRAINING = "training"
    ROUNDS = "rounds"


_TITLES: Final = {
    Section.TRAINING: ":material/model_training: Single training",
    Section.ROUNDS: ":material/cycle: Rounds",
}


def section_choice() -> Section:
    """Which part is shown."""
    key = "train-section"
    changed = kept_in_address(Query.SECTION, key, list(Section), Section.TRAINING)
    chosen = st.segmented_control(
        "Section", list(Section), format_func=titled(_TITLES), key=key, on_change=changed,
        required=True, label_visibility="collapsed",
    )  # fmt: skip
    return Section(chosen or Section.TRAINING)


def trainings_panel(project: ProjectRecord) -> None:
    """The training that runs, one to begin, and those before."""
    may_train = allowed(Permission.TRAIN, project.id)
    new_model_question(project, key="train")
    rows = trainings(project.id)
    running = next((row for row in rows if not row.finished), None)
    if running and query(Query.JOB) not in {row.id for row in rows}:
        set_query(Query.JOB, running.id)  # so that it stays on the page when it ends
    asked = query(Query.JOB)
    open_rows = [row for row in rows if not row.finished or row.id == asked]
    for row in open_rows:
        training_panel(row, may_change=may_train)
    if not may_train:
        gate(Permission.TRAIN, project.id)
    elif open_rows:
        with st.expander("Train another model", icon=":material/add:"):
            setup_panel(project)
    else:
        setup_panel(project)
    earlier = [row for row in rows if row not in open_rows][:SHOWN]
    if earlier:
        st.subheader("Earlier trainings", anchor=False)
    for row in earlier:
        if st.toggle(f"{row.params.get('name')} · {row.created_at:%Y-%m-%d %H:%M} UTC · {row.state}", key=row.id):
            training_panel(row, may_change=may_train)
