"""Imports of a project on screen: live progress, then what became of each file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import streamlit as st

from core.errors import Refusal
from core.jobs.kinds import FileOutcome, ImportCasesResult, JobKind, LabelOutcome, Outcome
from core.jobs.rows import active_jobs, jobs
from core.jobs.states import ACTIVE
from core.store.base import now
from core.store.records import JobRecord, JobState
from core.wording import counted, some_of
from ui.errors import plain
from ui.pages import CORRECT_PAGE, TRAIN_PAGE
from ui.parts.job_bars import job_problem, live_jobs
from ui.parts.refusals import notices_panel, refusals_panel
from ui.parts.segment_again import segment_again_button
from ui.state import Query, StateKey

_SHOWN_FOR: Final = timedelta(hours=12)
"""How long an outcome is shown that nobody dismisses."""


def imports_panel(project_id: str) -> None:
    """Running imports, and the outcome of the last one."""
    if active_jobs(kinds=[JobKind.IMPORT_CASES], project_id=project_id):
        live_jobs(JobKind.IMPORT_CASES, project_id, key="import", remark=_summary_so_far)
        return
    seen: list[str] = st.session_state.setdefault(StateKey.SEEN_IMPORTS, [])
    ended = set(JobState) - ACTIVE
    last = next(iter(jobs(kinds=[JobKind.IMPORT_CASES], states=ended, project_id=project_id, limit=1)), None)
    if last is None or last.id in seen or (last.finished_at or now()) < now() - _SHOWN_FOR:
        return
    with st.container(border=True):
        _outcome(last)
        if st.button("Close", key=f"import-close-{last.id}", type="tertiary", icon=":material/close:"):
            seen.append(last.id)
            st.rerun()


def summary(outcomes: Sequence[FileOutcome]) -> str:
    """One line about all files.

    >>> added = FileOutcome(name="a.tif", outcome=Outcome.IMPORTED, labels=LabelOutcome.ADDED)
    >>> summary([added, FileOutcome(name="b.tif", outcome=Outcome.REFUSED)])
    '1 imported · 0 already imported · 1 rejected · 1 label map added'
    """
    count = Counter(outcome.outcome for outcome in outcomes)
    added = sum(outcome.labels is LabelOutcome.ADDED for outcome in outcomes)
    return (
        f"{count[Outcome.IMPORTED]} imported · {count[Outcome.DUPLICATE]} already imported · "
        f"{count[Outcome.REFUSED]} rejected · {counted(added, 'label map')} added"
    )


def there_before(outcomes: Sequence[FileOutcome]) -> str:
    """Which files have the pixels of images that were there; "" where none has.

    >>> there_before(
    ...     [FileOutcome(name="b.tif", outcome=Outcome.DUPLICATE, of="a.tif", labels=LabelOutcome.ADDED)]
    ... )
    '1 file was skipped because an existing image has the same pixels: b.tif (as a.tif). Labels went to that image.'
    """
    known = [outcome for outcome in outcomes if outcome.outcome is Outcome.DUPLICATE]
    if not known:
        return ""
    names = some_of([f"{each.name} (as {each.of})" for each in known])
    was = "was" if len(known) == 1 else "were"
    labels = "Labels went to that image." if len(known) == 1 else "Labels went to those images."
    said = f"{counted(len(known), 'file')} {was} skipped because an existing image has the same pixels: {names}."
    return f"{said} {labels}" if any(each.labels is LabelOutcome.ADDED for each in known) else said


def _tell_there_before(outcomes: Sequence[FileOutcome]) -> None:
    """In plain words, by name."""
    said = there_before(outcomes)
    if said:
        st.markdown(f":material/content_copy: {plain(said)}")


def _summary_so_far(row: JobRecord) -> str:
    """What became of the files that are done."""
    outcomes = ImportCasesResult.of(row).outcomes
    return summary(outcomes) if outcomes else ""


def _outcome(row: JobRecord) -> None:
    """What became of each file."""
    outcomes = ImportCasesResult.of(row).outcomes
    refused = [
        Refusal(outcome.cause, outcome.remedy, where=outcome.name)
        for outcome in outcomes
        if outcome.outcome is Outcome.REFUSED
    ]
    if row.state is not JobState.SUCCEEDED:
        st.markdown("**The import stopped early.** Images imported before it stopped are listed below.")
        refusals_panel(refused, "file", others=len(outcomes) - len(refused), past=True)
        if job_problem(row, key="import"):
            st.rerun()
        return
    st.markdown(f"**Import finished:** {summary(outcomes)}")
    _onward(str(row.project_id), outcomes)
    refusals_panel(refused, "file", others=len(outcomes) - len(refused), past=True)
    _tell_there_before(outcomes)
    with st.expander("Details by file", icon=":material/list:"):
        order = {Outcome.REFUSED: 0, Outcome.DUPLICATE: 1, Outcome.IMPORTED: 2}
        st.dataframe(
            [
                {
                    "File": outcome.name,
                    "Outcome": f"same as {outcome.of}"
                    if outcome.outcome is Outcome.DUPLICATE
                    else outcome.outcome.value,
                    "Labels": {LabelOutcome.ADDED: "added", LabelOutcome.SAME: "already imported"}.get(
                        outcome.labels, ""
                    ),
                }
                for outcome in sorted(outcomes, key=lambda outcome: order[outcome.outcome])
            ],
            hide_index=True,
            placeholder="–",
            width="stretch",
        )
    notices_panel([(outcome.name, note) for outcome in outcomes for note in outcome.notes])


def _onward(project_id: str, outcomes: Sequence[FileOutcome]) -> None:
    """What comes after an import: images are segmented, labels are trained on or drawn."""
    ids = tuple(outcome.image_id for outcome in outcomes if outcome.image_id and outcome.outcome != "refused")
    if not ids:
        return
    labelled = any(outcome.labels is LabelOutcome.ADDED for outcome in outcomes)
    with st.container(horizontal=True, vertical_alignment="center"):
        segment_again_button(ids, key="import-segment", label=f"Segment {counted(len(ids), 'image')}")
        st.page_link(
            TRAIN_PAGE if labelled else CORRECT_PAGE,
            label="Train a model" if labelled else "Draw labels",
            icon=":material/model_training:" if labelled else ":material/brush:",
            query_params={Query.PROJECT.value: project_id},
        )
