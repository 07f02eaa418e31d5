"""Which evaluation is looked at, how far it is, and what its figures can and cannot say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from core.access.roles import Permission
from core.errors import NotFoundError
from core.evaluation.report import EvaluationReport
from core.evaluations.read import delete_evaluation, evaluation, evaluation_report
from core.jobs.rows import job, retry
from core.store.records import EvaluationRecord, EvaluationState, JobRecord, JobState
from core.wording import counted
from ui import context
from ui.access import allowed, may_run_again
from ui.address import kept_in_address
from ui.errors import explaining, plain, show_error
from ui.parts.job_bars import job_bar
from ui.parts.options import choice
from ui.parts.scores import evaluation_texts, sample_words
from ui.person import person
from ui.state import Query, query, set_query

LIVE_S: Final = 1.5
"""How often a running evaluation is looked at."""

_UNSCORED_SHOWN: Final = 200


def evaluation_picker(rows: Sequence[EvaluationRecord]) -> EvaluationRecord:
    """A list of the project's evaluations; the choice is kept in the address.

    Parameters
    ----------
    rows
        One or more, newest first.
    """
    by_id = {row.id: row for row in rows}
    asked = query(Query.EVALUATION)
    if asked and asked not in by_id:
        st.warning(
            "This link points to an evaluation that is no longer in this project. The newest evaluation is shown.",
            icon=":material/link_off:",
        )
    chosen = choice(
        "Evaluation",
        evaluation_texts(rows),
        key="results-evaluation",
        on_change=kept_in_address(Query.EVALUATION, "results-evaluation", by_id, rows[0].id),
    )
    if asked != chosen:
        set_query(Query.EVALUATION, chosen)
    return by_id[chosen]


def report_of(row: EvaluationRecord) -> EvaluationReport | None:
    """Its figures; None before the first image is scored."""
    return evaluation_report(context.store(), row.id) if row.scored_count else None


def state_panel(row: EvaluationRecord, *, fills_in: bool) -> None:
    """Progress while it runs; what is missing where it did not come to its end.

    Parameters
    ----------
    row
        The evaluation.
    fills_in
        Whether the page is drawn anew with every image that is scored, not just at the end.
    """
    work = _job(row)
    if row.state is EvaluationState.RUNNING and work is not None and not work.finished:
        _live(row.id, work.id, row.scored_count, fills_in)
    elif row.state is not EvaluationState.COMPLETE:
        _unfinished(row, work)


def honest_words(row: EvaluationRecord, report: EvaluationReport) -> None:
    """How many images of how many specimens, and what that means."""
    st.markdown(f":material/groups: {plain(sample_words(report))}")
    if not report.partial:
        return
    with st.expander(
        f"Partial: {counted(len(report.unscored), 'image')} without scores", icon=":material/incomplete_circle:"
    ):
        st.caption("They are excluded from all scores on this page.")
        shown = list(report.unscored.items())[:_UNSCORED_SHOWN]
        st.dataframe(
            [{"Image": name, "Reason": reason} for name, reason in shown],
            hide_index=True, placeholder="–", width="stretch", key=f"results-unscored-{row.id}",
        )  # fmt: skip


def delete_popover(row: EvaluationRecord) -> None:
    """Ask, then delete; only for those who may evaluate."""
    if not allowed(Permission.TRAIN, row.project_id):
        return
    with st.popover("Delete evaluation", icon=":material/delete:", type="tertiary"):
        st.markdown("The scores are deleted. Images, references and predictions are kept.")
        if st.button("Delete evaluation", type="primary", key=f"results-delete-{row.id}"):
            delete_evaluation(context.store(), row.id, by=person())
            set_query(Query.EVALUATION, None)
            st.rerun()


def _job(row: EvaluationRecord) -> JobRecord | None:
    """The job that scores it, None where it has gone."""
    if row.job_id is None:
        return None
    try:
        return job(row.job_id)
    except NotFoundError:
        return None


@st.fragment(run_every=LIVE_S)
@explaining
def _live(evaluation_id: str, job_id: str, drawn: int, fills_in: bool) -> None:
    """A bar; the page follows with the images that are scored."""
    row, work = evaluation(context.store(), evaluation_id), job(job_id)
    if work.finished or (fills_in and row.scored_count != drawn):
        st.rerun()
    job_bar(work, key="results")
    st.caption(f"{row.scored_count} of {counted(row.image_count, 'image')} scored; this page updates automatically.")


def _unfinished(row: EvaluationRecord, work: JobRecord | None) -> None:
    """An evaluation that was cut off, with the way to go on."""
    done = f"{row.scored_count} of {counted(row.image_count, 'image')} scored"
    if work is not None and work.state is JobState.FAILED:
        show_error(work.error_cause or "The evaluation failed.", work.error_remedy)
    if work is None or work.state is JobState.SUCCEEDED:
        st.warning(f"**Partial:** {done}.", icon=":material/incomplete_circle:")
        return
    text, action = st.columns([4, 1], vertical_alignment="center")
    text.warning(
        f"**Partial:** {done}. It was interrupted; existing scores are shown.",
        icon=":material/incomplete_circle:",
    )
    if may_run_again(work) and action.button(
        "Resume", icon=":material/play_arrow:", type="primary", key=f"results-go-on-{row.id}"
    ):
        retry(work.id, by=person())
        st.rerun()
