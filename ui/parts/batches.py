"""What was dropped or asked for together, as one line: how far it is, what failed, what waits for an answer."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Final

import streamlit as st

from core.batches.rows import (
    BatchProgress,
    answer_assume,
    batch_progress,
    can_be_retried,
    cancel_batch,
    dismiss_batch,
    open_batches,
    retry_failed,
)
from core.errors import NotFoundError
from core.jobs.history import subjects
from core.jobs.kinds import JobKind
from core.jobs.rows import jobs
from core.predictions.shown import made_revision
from core.predictions.verdicts import distrusted_sentence
from core.store.records import JobRecord, JobState
from core.wording import counted
from ui import context
from ui.errors import explained, explaining, plain, show_error
from ui.pages import SEGMENT_PAGE
from ui.parts.arrivals import arrival_text, known_before
from ui.parts.job_bars import POLL_S
from ui.parts.pixel_size_change import use_pixel_size
from ui.parts.pixel_size_field import pixel_size_field
from ui.parts.units import duration_text
from ui.person import person
from ui.state import Query, StateKey

SHOWN: Final = 5
"""Batches of the last day that are drawn; older ones are on the Jobs page."""

_LISTED: Final = 200
"""Failures that are listed."""

_FEW: Final = 3
"""So many failures are shown at once; more are a list to open."""


def batches_panel(project_id: str | None = None) -> None:
    """The person's batches; drawn anew by itself while one of them is under way.

    Parameters
    ----------
    project_id
        Only those of a project; None: all.
    """
    mine = open_batches(context.store(), person())
    batches = [batch for batch in mine if project_id is None or batch.project_id == project_id][:SHOWN]
    if not batches:
        return
    ids = tuple(batch.id for batch in batches)
    busy = any(batch_progress(context.store(), batch_id).under_way for batch_id in ids)
    st.fragment(run_every=POLL_S if busy else None)(_batches)(ids, busy)


@explaining
def _batches(batch_ids: tuple[str, ...], was_busy: bool) -> None:
    """One line each; the page is drawn anew once nothing is under way any more."""
    busy = False
    for batch_id in batch_ids:
        progress = batch_progress(context.store(), batch_id)
        _open_if_alone(progress)
        busy = busy or progress.under_way
        with st.container(border=True, key=f"batch-{batch_id}"):
            _line(progress)
            _held(progress)
            _failed(progress)
            _distrusted(progress)
            _known(progress)
    if was_busy and not busy:
        st.rerun()


def _open_if_alone(progress: BatchProgress) -> None:
    """A file that this tab has dropped alone is opened as soon as it has become an image."""
    if st.session_state.get(StateKey.OPEN_WHEN_READ) != progress.batch.id or not progress.image_ids:
        return
    st.session_state.pop(StateKey.OPEN_WHEN_READ)
    for row in _files(progress):
        if known_before(row):
            st.session_state.setdefault(StateKey.ARRIVALS, []).append(row.id)
    dismiss_batch(context.store(), progress.batch.id, by=person())
    st.query_params[Query.IMAGE.value] = progress.image_ids[0]
    st.query_params[Query.MODEL.value] = progress.batch.model_id
    st.rerun()


def _line(progress: BatchProgress) -> None:
    """How far it is, and a button to cancel all of it or to close the line."""
    left, right = st.columns([5, 1.2], vertical_alignment="center")
    left.progress(progress.fraction, text=line_text(progress))
    key = f"batch-{progress.batch.id}"
    if progress.over:
        if right.button("Close", key=f"{key}-close", icon=":material/close:", type="tertiary", width="stretch"):
            dismiss_batch(context.store(), progress.batch.id, by=person())
            st.rerun()
    elif right.button("Cancel all", key=f"{key}-cancel", width="stretch"):
        with explained():
            cancel_batch(context.store(), progress.batch.id, by=person())
        st.rerun()
    if progress.missing:
        missing = counted(progress.missing, "file")
        st.caption(
            f":orange[:material/warning:] {missing} not uploaded: the tab was closed or the connection was lost. "
            "Drop them again."
        )


def line_text(progress: BatchProgress) -> str:
    """One line about a batch."""
    parts = [f"**{progress.segmented} of {counted(progress.images, 'image')} segmented**{_with_model(progress)}"]
    if progress.files > progress.read and not progress.over:
        parts.append(f"{progress.read} of {progress.files} files read")
    if progress.batch.already:
        parts.append(f"{progress.batch.already} already imported")
    if progress.held:
        parts.append(f"{len(progress.held)} waiting for a pixel size")
    if progress.failed:
        parts.append(f"{len(progress.failed)} failed")
    if progress.cancelled:
        parts.append(f"{progress.cancelled} cancelled")
    if progress.left_s is not None and progress.under_way:
        parts.append(f"about {duration_text(progress.left_s)} left")
    return " · ".join(parts)


def _with_model(progress: BatchProgress) -> str:
    """By which model, into which project."""
    words = f" with {plain(context.model_name(progress.batch.model_id))}"
    if progress.batch.project_id is None:
        return words
    try:
        return f"{words} in {plain(context.store().projects.get(progress.batch.project_id).name)}"
    except NotFoundError:
        return words


def _held(progress: BatchProgress) -> None:
    """The question that images wait for, once for all of them."""
    if not progress.held:
        return
    key = f"batch-{progress.batch.id}"
    images = [row.image_id for row in progress.held if row.image_id]
    first, *others = [context.store().images.get(image_id) for image_id in images]
    if others:
        what = (
            f"{counted(len(images), 'image')} ({plain(first.name)} and others) are waiting: their files do not "
            "contain it."
        )
    else:
        what = f"{plain(first.name)} is waiting: the file does not contain it."
    st.warning(f"**Pixel size?** {what}", icon=":material/straighten:")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        with (
            st.form(key=f"{key}-sizes", border=False, width="content"),
            st.container(horizontal=True, vertical_alignment="bottom"),
        ):
            size = pixel_size_field("Pixel size", key=f"{key}-size", width=240)
            given = st.form_submit_button("Use for all" if others else "Use this size", type="primary")
        if st.button("Try sizes on the first image", key=f"{key}-try", icon=":material/grid_view:"):
            target = {Query.IMAGE.value: first.id, Query.MODEL.value: progress.batch.model_id}
            st.switch_page(SEGMENT_PAGE, query_params=target)
        if st.button("Use model's size", key=f"{key}-assume", type="tertiary"):
            with explained():
                answer_assume(context.store(), progress.batch.id, by=person())
            st.rerun()
    nm = size.submitted(given)
    if nm is not None:
        use_pixel_size(images, nm, model_id=progress.batch.model_id)


def _failed(progress: BatchProgress) -> None:
    """What failed and why, by name."""
    if not progress.failed:
        return
    key = f"batch-{progress.batch.id}"
    about = subjects(context.store(), progress.failed[:_LISTED])
    few = len(progress.failed) <= _FEW
    listed = nullcontext() if few else st.expander(f"{len(progress.failed)} failed", icon=":material/error:")
    with listed:
        for row in progress.failed[:_LISTED]:
            name = about[row.id] or row.id
            cause = row.error_cause if name in row.error_cause else f"{name}: {row.error_cause}"
            if few:
                show_error(cause, row.error_remedy)
            else:
                st.markdown(f"**{plain(cause)}** {plain(row.error_remedy)}")
        if any(can_be_retried(context.store(), row) for row in progress.failed) and st.button(
            "Try again", key=f"{key}-retry", icon=":material/replay:"
        ):
            with explained():
                retry_failed(context.store(), progress.batch.id, by=person())
            st.rerun()


def _known(progress: BatchProgress) -> None:
    """What is to be said of files that were here before."""
    known = [row for row in _files(progress) if _was_known(row)] if progress.batch.already or progress.over else []
    if known:
        with st.expander(f"{counted(len(known), 'file')} already imported", icon=":material/content_copy:"):
            for row in known:
                st.markdown(arrival_text(row))


def _distrusted(progress: BatchProgress) -> None:
    """Which images the model does not know: their masks are not to be relied upon."""
    if not progress.over:
        return
    done = jobs(states=[JobState.SUCCEEDED], kinds=[JobKind.PREDICT], batch_id=progress.batch.id, limit=1000)
    made = context.store().revisions
    pairs = []
    for row in done:
        try:
            revision = made.get(made_revision(row))
            pairs.append((context.store().images.get(revision.image_id), revision))
        except NotFoundError:  # deleted since
            continue
    text = distrusted_sentence(context.store(), pairs)
    if text:
        st.warning(plain(text), icon=":material/report:")


def _files(progress: BatchProgress) -> list[JobRecord]:
    """The jobs of the batch that have read a file."""
    read = jobs(states=[JobState.SUCCEEDED], kinds=[JobKind.INGEST], batch_id=progress.batch.id, limit=1000)
    return list(reversed(read))


def _was_known(row: JobRecord) -> bool:
    """Whether an image of the file was here before; not where it has been deleted since."""
    try:
        return bool(known_before(row))
    except NotFoundError:
        return False
