"""The sections of the Results page: one is drawn at a time."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.store.records import EvaluationRecord, EvaluationState
from ui.results.choices import Section
from ui.results.compare import compare_panel
from ui.results.evaluation_choice import honest_words, report_of
from ui.results.image import image_panel
from ui.results.images import images_panel
from ui.results.overview import overview_panel
from ui.results.report import report_panel


def section_panel(section: Section, row: EvaluationRecord, rows: Sequence[EvaluationRecord]) -> None:
    """What an evaluation shows in a section.

    Parameters
    ----------
    section
        Which.
    row
        The evaluation.
    rows
        All of the project, for comparing.
    """
    report = report_of(row)
    if report is None:
        if row.state is EvaluationState.RUNNING:
            st.info("Scores appear here as soon as the first image is scored.", icon=":material/hourglass_empty:")
        else:
            st.info("No image was scored.", icon=":material/block:")
        return
    if section in (Section.OVERVIEW, Section.IMAGES, Section.REPORT):
        honest_words(row, report)
    match section:
        case Section.IMAGES:
            images_panel(row, report)
        case Section.IMAGE:
            image_panel(row, report)
        case Section.COMPARE:
            compare_panel(row, report, rows)
        case Section.REPORT:
            report_panel(row, rows)
        case _:
            overview_panel(row, report)
