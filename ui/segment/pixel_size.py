"""Pixel size: asked for where it is unknown, correctable where it is wrong, tried out where nobody remembers."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.access.roles import Permission
from core.curation.images import stack_planes
from core.jobs.kinds import ScaleTrialParams, ScaleTrialResult
from core.jobs.rows import Priority, job, submit
from core.models.store import StoredModel
from core.segmentation.scale_note import scale_note
from core.store.records import ImageRecord, JobRecord, JobState
from core.wording import counted, significant
from ui import context
from ui.errors import explaining, plain
from ui.parts.dialog_rights import asks
from ui.parts.first_labels import poor_result
from ui.parts.job_bars import POLL_S, job_bar, job_problem
from ui.parts.pixel_size_change import use_pixel_size
from ui.parts.pixel_size_field import pixel_size_field
from ui.person import person
from ui.state import StateKey


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
            f"**Pixel size unknown.** The file does not contain it. {model.pixel_size_nm:g} nm per pixel (the "
            "model's training resolution) is assumed. If that is wrong, so is the segmentation. Enter it, or "
            "measure it on the image's scale bar (ruler above the image).",
            icon=":material/straighten:",
        )
        _entry(image, model)
        _trial(image, model)
        return
    tried = f"{image.id} {model.id}" in st.session_state.get(StateKey.TRIALS, {})
    with st.expander("Pixel size", icon=":material/straighten:", expanded=tried):
        _entry(image, model)
        if model.pixel_size_nm is not None:
            _trial(image, model)


def _entry(image: ImageRecord, model: StoredModel) -> None:
    """A size as text, and a button."""
    others = [
        other.id for other in context.store().images.all(image.project_id)
        if other.pixel_size.nm is None and other.id != image.id and (not image.stack or other.stack != image.stack)
    ]  # fmt: skip
    with st.form(key=f"pixel-size-{image.id}", border=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            size = pixel_size_field("Pixel size", value_nm=image.pixel_size.nm)
            wanted = st.form_submit_button("Set size")
        also = bool(others) and st.checkbox(f"Also for {counted(len(others), 'other image')} without a pixel size")
    if len(stack_planes(context.store(), image)) > 1:
        st.caption(f"It applies to all planes of {plain(image.stack)}.")
    nm = size.submitted(wanted)
    if nm is not None:
        use_pixel_size([image.id, *(others if also else ())], nm, model_id=model.id, segment=image.id)


def start_trial(image: ImageRecord, model: StoredModel) -> None:
    """Queue a trial of several pixel sizes on a crop, unless there is one."""
    trials: dict[str, str] = st.session_state.setdefault(StateKey.TRIALS, {})
    key = f"{image.id} {model.id}"
    if key not in trials:
        row = submit(ScaleTrialParams(image_id=image.id, model_id=model.id), by=person(), priority=Priority.INTERACTIVE)
        trials[key] = row.id


def _trial(image: ImageRecord, model: StoredModel) -> None:
    """Segment one crop at several pixel sizes, to choose by eye."""
    key = f"{image.id} {model.id}"
    trials: dict[str, str] = st.session_state.setdefault(StateKey.TRIALS, {})
    if key not in trials:
        help_text = "Segments a central crop at several assumed pixel sizes; choose the best result."
        if st.button("Try sizes on a crop", icon=":material/grid_view:", help=help_text, width="stretch"):
            start_trial(image, model)
            st.rerun()
        return
    row = job(trials[key])
    if not row.finished:
        _waiting(row.id)
    elif row.state is not JobState.SUCCEEDED:
        if job_problem(row, key="trial"):
            st.rerun()
    else:
        _choices(image, model, row)


@st.fragment(run_every=POLL_S)
@explaining
def _waiting(job_id: str) -> None:
    """Live bar of the trial."""
    row = job(job_id)
    if row.finished:
        st.rerun()
    job_bar(row, key="trial")


@st.dialog("Best result", width="large")
@asks(Permission.PAINT, lambda image, model, row: [image.project_id])
def _compare(image: ImageRecord, model: StoredModel, row: JobRecord) -> None:
    """The crops side by side, each with a button."""
    st.caption("Central crop of the image, segmented at these assumed pixel sizes.")
    trials = ScaleTrialResult.of(row).trials
    for start in range(0, len(trials), 3):
        for column, trial in zip(st.columns(3), trials[start : start + 3], strict=False):
            picture = Path(trial.path)
            if picture.is_file():
                column.image(picture.read_bytes(), width="stretch")
            nm = trial.pixel_size_nm
            if column.button(f"{nm:g} nm per pixel", key=f"trial-{row.id}-{nm}", width="stretch"):
                detail = f"chosen by eye{f' by {person()}' if person() else ''}"
                use_pixel_size([image.id], nm, model_id=row.model_id or model.id, detail=detail, segment=image.id)
            factor = nm / model.pixel_size_nm if model.pixel_size_nm else 1.0
            if scale_note(nm, model.pixel_size_nm):
                how = "enlarged" if factor > 1 else "shrunk"
                words = f"{how} {significant(max(factor, 1 / factor), 3)} times"
                column.caption(f":orange[:material/warning:] {words}: fine detail is missing")
    key = _none_of_these(row)
    if st.button(
        "None of these", icon=":material/do_not_disturb_on:", key=f"{key}-button", on_click=_remember, args=(key,)
    ):
        st.rerun()


def _remember(key: str) -> None:
    """Keep an answer of this tab, before the page is drawn anew."""
    st.session_state[key] = True


def _none_of_these(row: JobRecord) -> str:
    """Key of the answer that no size of a trial looks right."""
    return f"trial-none-{row.id}"


def _choices(image: ImageRecord, model: StoredModel, row: JobRecord) -> None:
    """Open the comparison; once by itself when it has just finished."""
    seen = f"trial-seen-{row.id}"
    wanted = st.button("Compare the trials", icon=":material/grid_view:", width="stretch")
    if wanted or not st.session_state.get(seen):
        st.session_state[seen] = True
        _compare(image, model, row)
    if st.session_state.get(_none_of_these(row)):
        with st.container(border=True):
            poor_result(image, model, none_of_the_sizes=True)
