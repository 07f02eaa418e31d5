"""Choices that several sections of the Results page share: the metric, the section, the image that is open."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import streamlit as st

from core.evaluation.metric import Metric
from core.evaluation.metric_table import metric_named
from core.evaluation.report import EvaluationReport
from ui.address import kept_in_address
from ui.parts.options import choice
from ui.parts.scores import metric_help
from ui.state import Query, query, set_query


class Section(StrEnum):
    """The parts of the page, as named in its address."""

    OVERVIEW = "overview"
    IMAGES = "images"
    IMAGE = "image"
    COMPARE = "compare"
    REPORT = "report"
    NEW = "new"


SECTIONS: Final = {
    Section.OVERVIEW: ":material/bar_chart: Overview",
    Section.IMAGES: ":material/table_rows: Images",
    Section.IMAGE: ":material/image_search: Image",
    Section.COMPARE: ":material/compare_arrows: Compare",
    Section.REPORT: ":material/description: Report",
    Section.NEW: ":material/add: New evaluation",
}

DEFAULT_METRIC: Final = "dice"
"""Shown until another is asked for."""


def first_metric(report: EvaluationReport) -> Metric:
    """The metric that is shown before one is chosen: Dice where it was measured."""
    return next((metric for metric in report.metrics if metric.name == DEFAULT_METRIC), report.metrics[0])


def metric_choice(report: EvaluationReport, *, key: str) -> Metric:
    """One of the metrics that were measured."""
    by_name = {metric.name: metric for metric in report.metrics}
    first = first_metric(report).name
    changed = kept_in_address(Query.METRIC, key, by_name, first)
    asked = query(Query.METRIC)
    shown = by_name[asked if asked in by_name else first]
    chosen = choice(
        "Metric",
        {name: metric.title for name, metric in by_name.items()},
        key=key,
        on_change=changed,
        help=metric_help(shown),
    )
    return metric_named(chosen)


def open_image(image_id: str) -> None:
    """Go to the image's view."""
    set_query(Query.IMAGE, image_id)
    set_query(Query.SECTION, Section.IMAGE)
    st.rerun()
