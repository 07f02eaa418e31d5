"""The Rounds section of the Train page: the current model, the round under way, the next one, those before."""

from __future__ import annotations

import streamlit as st

from core.learning.training_labels import labels_to_learn_from
from core.rounds.timeline import timeline
from core.store.records import ProjectRecord
from core.store.round_records import RoundState
from ui import context
from ui.train.rounds_next import next_round_panel, nothing_yet
from ui.train.rounds_now import round_panel
from ui.train.rounds_past import current_model_panel, past_panel


def rounds_panel(project: ProjectRecord, person: str) -> None:
    """Everything of a project's rounds."""
    store = context.store()
    records = store.rounds.of_project(project.id)
    current_model_panel(project, person)
    busy = [record for record in records if record.state in (RoundState.RUNNING, RoundState.WAITING)]
    stopped = [record for record in records[-1:] if record.state in (RoundState.FAILED, RoundState.CANCELLED)]
    for each in [*busy, *stopped]:
        round_panel(each, person)
    if not busy:
        if stopped:
            with st.expander("Start another round", icon=":material/add:"):
                _next(project, person)
        else:
            _next(project, person)
    if records:
        past_panel(project, timeline(store, project.id))


def _next(project: ProjectRecord, person: str) -> None:
    if labels_to_learn_from(context.store(), project.id):
        next_round_panel(project, person)
    else:
        nothing_yet(project)
