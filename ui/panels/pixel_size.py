"""Pixel size: asked for where it is unknown, correctable where it is wrong, tried out where nobody remembers."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.curation import change_pixel_size, stack_planes
from core.jobs.rows import Priority, job, submit
from core.segmentation.model_store import StoredModel
from core.store.records import ImageRecord, JobRecord, JobState
from ui import context
from ui.errors import explaining, plain
from ui.panels.jobs import POLL_S, job_bar, job_problem
from ui.person import person
from ui.state import StateKey

SMALLEST_NM, LARGEST_NM = 0.1, 10_000.0


def pixel_size_panel(image: ImageRecord, model: StoredModel, *, asked: bool) -> None:
    """Entry field and trial.

    Parameters
    ----------
    image, model
        What shall be segmented with what.
    asked
        The model needs a pixel size that the image does not have: shown open, with the reason.
    """
    if asked:
        st.warning(
            f"**Pixel size unknown.** The file does not say how large its pixels are. They are taken to be "
            f"{model.pixel_size_nm:g} nm, which is what the model knows; if they are not, it finds the wrong things.",
            icon=":material/straighten:",
        )
        _entry(image)
        _trial(image, model)
        return
    with st.expander("Pixel size", icon=":material/straighten:"):
        _entry(image)
        if model.pixel_size_nm is not None:
            _trial(image, model)


def _entry(image: ImageRecord) -> None:
    """A number and a button."""
    with (
        st.form(key=f"pixel-size-{image.id}", border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        value = st.number_input(
            "Pixel size (nm per pixel)",
            min_value=SMALLEST_NM,
            max_value=LARGEST_NM,
            value=image.pixel_size.nm,
            format="%.4g",
            placeholder="for example 8",
        )
        if st.form_submit_button("Use this size") and value is not None:
            use_pixel_size(image, value)
    if len(stack_planes(context.store(), image)) > 1:
        st.caption(f"It becomes that of all planes of {plain(image.stack)}.")


def use_pixel_size(image: ImageRecord, nm: float) -> None:
    """Store it as entered by the user, and segment with it at once."""
    change_pixel_size(context.store(), image.id, nm, by=person())
    st.session_state.pop(StateKey.TRIALS, None)
    st.session_state[StateKey.PREDICT_NEXT] = image.id
    st.rerun()


def _trial(image: ImageRecord, model: StoredModel) -> None:
    """Segment one crop at several pixel sizes, to choose by eye."""
    key = f"{image.id} {model.id}"
    trials: dict[str, str] = st.session_state.setdefault(StateKey.TRIALS, {})
    if key not in trials:
        help_text = "Segments a crop from the middle as if its pixels were of several sizes; choose what looks right."
        if st.button("Try several on a crop", icon=":material/grid_view:", help=help_text, width="stretch"):
            row = submit(
                "scale_trial",
                {"image_id": image.id, "model_id": model.id},
                by=person(),
                priority=Priority.INTERACTIVE,
            )
            trials[key] = row.id
            st.rerun()
        return
    row = job(trials[key])
    if not row.finished:
        _waiting(row.id)
    elif row.state is not JobState.SUCCEEDED:
        if job_problem(row, key="trial"):
            st.rerun()
    else:
        _choices(image, row)


@st.fragment(run_every=POLL_S)
@explaining
def _waiting(job_id: str) -> None:
    """Live bar of the trial."""
    row = job(job_id)
    if row.finished:
        st.rerun()
    job_bar(row, key="trial")


@st.dialog("Which one is right?", width="large")
def _compare(image: ImageRecord, row: JobRecord) -> None:
    """The crops side by side, each with a button."""
    st.caption("The middle of the image, segmented as if its pixels were of these sizes.")
    for start in range(0, len(row.result["trials"]), 3):
        for column, trial in zip(st.columns(3), row.result["trials"][start : start + 3], strict=False):
            picture = Path(trial["path"])
            if picture.is_file():
                column.image(picture.read_bytes(), width="stretch")
            label = f"{trial['pixel_size_nm']:g} nm per pixel"
            if column.button(label, key=f"trial-{row.id}-{trial['pixel_size_nm']}", width="stretch"):
                use_pixel_size(image, trial["pixel_size_nm"])


def _choices(image: ImageRecord, row: JobRecord) -> None:
    """Open the comparison; once by itself when it has just finished."""
    seen = f"trial-seen-{row.id}"
    wanted = st.button("Compare the trials", icon=":material/grid_view:", width="stretch")
    if wanted or not st.session_state.get(seen):
        st.session_state[seen] = True
        _compare(image, row)
