"""A training while it runs and after: curves, a picture, time left, pause, finish, cancel; what came of it."""

from __future__ import annotations

from typing import Final

import streamlit as st

from core.jobs.kinds import JobKind, TrainParams, TrainResult
from core.jobs.rows import job, jobs, request_cancel, request_finish, request_pause, retry
from core.label_scheme import LabelScheme
from core.learning.progress import Preview, TrainingHistory, hides_labels, training_history
from core.learning.snapshot import Snapshot
from core.store.records import JobControl, JobRecord, JobState
from core.training.verdict import Verdict, training_words, verdict_of
from core.wording import counted
from ui import context
from ui.errors import explaining, plain, show_error
from ui.pages import SEGMENT_PAGE
from ui.parts.charts import dice_curves, loss_curves
from ui.parts.undertrained import longer_buttons
from ui.parts.units import duration_text, waiting_text
from ui.person import person
from ui.state import Query

LIVE_S: Final = 2.0
"""How often curves are drawn anew while a training runs."""


def trainings(project_id: str) -> tuple[JobRecord, ...]:
    """Trainings of a project, newest first."""
    return jobs(kinds=[JobKind.TRAIN], project_id=project_id)


def training_panel(row: JobRecord, *, may_change: bool = True) -> None:
    """One training; live while it runs."""
    with st.container(border=True):
        if row.finished:
            _drawn(row, may_change)
        else:
            _live(row.id, row.state.value, may_change)


@st.fragment(run_every=LIVE_S)
@explaining
def _live(job_id: str, state: str, may_change: bool) -> None:
    row = job(job_id)
    if row.finished or row.state.value != state:
        st.rerun()
    _drawn(row, may_change)


def _drawn(row: JobRecord, may_change: bool) -> None:
    name = row.title or "Training"
    left, right = st.columns([3, 2], vertical_alignment="center")
    left.subheader(plain(name), anchor=False)
    with right.container(horizontal=True, horizontal_alignment="right"):
        if may_change:
            _buttons(row)
    _state(row)
    params = TrainParams.from_json(row.params)
    snapshot = Snapshot.from_json(dict(params.snapshot))
    scheme = LabelScheme.from_json(snapshot.scheme)
    history = training_history(context.store(), row.id)
    if history.epochs:
        one, two = st.columns(2, gap="medium")
        one.plotly_chart(loss_curves(history.epochs), config={"displayModeBar": False}, key=f"loss-{row.id}")
        two.plotly_chart(dice_curves(history.epochs, scheme), config={"displayModeBar": False}, key=f"dice-{row.id}")
        if params.validation_fraction == 0:
            st.caption(
                "No images are held out: these curves show the fit to the training images, not performance "
                "on new images."
            )
    if history.preview:
        _picture(row, history.preview, hidden=hides_labels(context.store(), snapshot, person()))
    for text in history.notices:
        st.caption(f":material/info: {plain(text)}")
    _facts(row, params, snapshot, history)


def _buttons(row: JobRecord) -> None:
    """What can be asked of a training now."""
    if row.state is JobState.RUNNING and not row.cancel_requested and row.control is JobControl.NONE:
        if st.button("Pause", icon=":material/pause:", key=f"pause-{row.id}"):
            request_pause(row.id, by=person())
            st.rerun(scope="fragment")
        if st.button(
            "Finish now", icon=":material/flag:", key=f"finish-{row.id}",
            help="Ends the training after the current iteration and saves the best model so far.",
        ):  # fmt: skip
            request_finish(row.id, by=person())
            st.rerun(scope="fragment")
    if row.state not in (JobState.SUCCEEDED, JobState.CANCELLED) and not row.cancel_requested:
        with st.popover("Discard" if row.finished else "Cancel", icon=":material/close:"):
            st.markdown("The training progress will be lost.")
            if st.button("Discard training", key=f"cancel-{row.id}", type="primary"):
                request_cancel(row.id, by=person())
                st.rerun(scope="app" if row.finished else "fragment")
    if row.state in (JobState.INTERRUPTED, JobState.PAUSED, JobState.FAILED, JobState.CANCELLED):
        label = "Restart" if row.state is JobState.CANCELLED else "Resume"
        if st.button(label, icon=":material/play_arrow:", type="primary", key=f"resume-{row.id}"):
            retry(row.id, by=person())
            st.rerun()


def _state(row: JobRecord) -> None:
    """Where it stands, in words."""
    if row.state is JobState.RUNNING:
        left = f" · {duration_text(row.eta_s)} left" if row.eta_s is not None else ""
        st.progress(min(max(row.progress, 0.0), 1.0), text=plain(row.message) + left)
    elif row.state is JobState.QUEUED:
        text = plain(row.message) or "Queued: one training runs at a time."
        st.info(text, icon=":material/hourglass_empty:")
    elif row.state is JobState.SUCCEEDED:
        _succeeded(row)
    elif row.state is JobState.CANCELLED:
        st.info("Cancelled; no model was kept.", icon=":material/cancel:")
    elif row.state is JobState.FAILED:
        show_error(row.error_cause or "The training failed.", row.error_remedy)
    elif row.state is JobState.PAUSED:
        st.info("Paused. Resume continues after the last finished epoch.", icon=":material/pause_circle:")
    else:
        st.warning("The machine or the engine stopped. Resume continues the training.", icon=":material/power:")


def _succeeded(row: JobRecord) -> None:
    result = TrainResult.of(row)
    model_id, dice, seconds = result.model_id, result.mean_dice, result.seconds
    text = f"{counted(result.epochs, 'epoch')} in {duration_text(seconds)}"
    text += f"{waiting_text(result.waiting_s, seconds)}."
    if dice is not None:
        text += f" Mean validation Dice {dice:.3f} (patches of held-out regions or images, not a test set)."
    model = next((model for model in context.models().list() if model.id == model_id), None)
    if model is None:
        st.info(plain(f"{text} The model has been removed."), icon=":material/model_training:")
        return
    found, words = verdict_of(model.card), training_words(model.card)
    if found.undertrained:
        st.warning(plain(f"{words} {text}"), icon=":material/hourglass_bottom:")
    elif found is Verdict.STILL_FALLING:
        st.info(plain(f"{words} {text}"), icon=":material/trending_down:")
    else:
        st.success(plain(f"Done. {words} {text}"), icon=":material/check_circle:")
    row_of_buttons = st.container(horizontal=True, gap="small")
    if row_of_buttons.button(
        "Segment images", icon=":material/blur_on:", type="secondary" if found.undertrained else "primary",
        key=f"use-{row.id}",
    ):  # fmt: skip
        st.switch_page(SEGMENT_PAGE, query_params={Query.MODEL.value: model_id})
    with row_of_buttons:
        longer_buttons(model, key=f"train-{row.id}")


def _facts(row: JobRecord, params: TrainParams, snapshot: Snapshot, history: TrainingHistory) -> None:
    length = f"{params.minutes:g} min" if params.minutes else f"{params.epochs or 'default'} epochs"
    parts = [
        counted(len(snapshot.cases), "image"),
        f"preset {params.preset}",
        length,
        f"from {context.model_name(params.parent_id)}" if params.parent_id else "from scratch",
        f"seed {params.seed}",
    ]
    if history.epochs:
        parts.append(f"{history.epochs[-1].seconds_per_iteration:.2f} s an iteration")
    if row.attempts > 1:
        parts.append(f"started {row.attempts} times")
    if row.author:
        parts.append(f"requested by {row.author}")
    st.caption(plain(" · ".join(parts)))


def _picture(row: JobRecord, preview: Preview, *, hidden: bool) -> None:
    """Image, reference and prediction of the fixed crop, side by side; pictures of our own route, so never stale.

    Parameters
    ----------
    hidden
        Whether the reference may show what a blind assignment hides from the person, and is left out.
    """
    shown = (
        ("image", "Image: one fixed validation patch"),
        ("reference", "Reference"),
        ("prediction", f"Model after epoch {preview.epoch}"),
    )
    figures = "".join(
        f'<figure style="margin:0;flex:1"><img src="api/trainings/{row.id}/preview/{what}?epoch={preview.epoch}" '
        f'alt="{caption}" style="width:100%;border-radius:0.5rem;image-rendering:pixelated">'
        f'<figcaption style="opacity:.7;font-size:.875rem;padding-top:.25rem">{caption}</figcaption></figure>'
        for what, caption in shown
        if not (hidden and what == "reference")
    )
    st.html(f'<div style="display:flex;gap:0.75rem;max-width:1100px">{figures}</div>')
    if hidden:
        st.caption(
            "The reference is hidden: it may show another annotator's correction of an image that you annotate "
            "without seeing others' work."
        )
