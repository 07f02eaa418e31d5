"""The overview of an evaluation: bars with every image's point, heatmap, confusion matrix, the figures as a table."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.cache import MB, remembered
from core.evaluation.image_scores import ALL
from core.evaluation.metric import Metric
from core.evaluation.report import EvaluationReport
from core.evaluation.words import bare_figure, with_interval
from core.evaluations.read import evaluated_images
from core.figures.bars import dice_bars
from core.figures.drawn import DrawnFigure
from core.figures.heatmaps import confusion_heatmap, metric_heatmap
from core.store.records import EvaluationRecord
from ui import context
from ui.errors import plain
from ui.figure import figure
from ui.parts.scores import figure_text, metric_help
from ui.parts.side_by_side import side_by_side
from ui.results.choices import metric_choice, open_image
from ui.results.poor_scores import poor_scores_panel


def overview_panel(row: EvaluationRecord, report: EvaluationReport) -> None:
    """Everything at a glance."""
    poor_scores_panel(row, report)
    with st.container(border=True):
        place, caption = st.columns([1, 3], vertical_alignment="bottom")
        with place:
            metric = metric_choice(report, key="results-bars-metric")
        caption.caption(plain(f"{metric.title}: {metric_help(metric)}"))
        _bars(row, report, metric)
    left, right = side_by_side([1.7, 1], key="results-metrics")
    with left.container(border=True, height="stretch", key="results-metrics"):
        st.markdown("**Scores by class**")
        drawn = _heatmap(report)
        figure(drawn, name="metrics", key=f"results-heatmap-{row.id}", height=420)
    with right.container(border=True, height="stretch", key="results-confused"):
        st.markdown("**Confusion matrix**")
        drawn = _confusion(report)
        figure(drawn, name="confusion", key=f"results-confusion-{row.id}", height=420)
    with st.expander("Table of scores", icon=":material/table:"):
        st.dataframe(
            _figures_table(report),
            hide_index=True,
            placeholder="–",
            width="stretch",
            key=f"results-aggregates-{row.id}",
        )
        st.caption(
            f"Mean over images where the metric is defined, with its {report.settings.confidence_level:.0%} "
            f"interval over {report.unit_kind}, and the number of images n. Definitions: docs/metrics.md."
        )


def figures_table(report: EvaluationReport) -> pd.DataFrame:
    """One row per class, one column per metric: mean, interval, n."""
    names = {**{item.id: item.name for item in report.scheme.classes}, ALL: "all classes"}
    return pd.DataFrame(
        {
            "Class": list(names.values()),
            **{metric.title: [_told(report, metric, i) for i in names] for metric in report.metrics},
        }
    )


def _told(report: EvaluationReport, metric: Metric, class_id: int) -> str:
    """One figure with its interval and n."""
    found = report.figure(metric.name, class_id)
    if found.images == 0:
        return "–"
    mean = figure_text(metric, found.macro)
    if found.low == found.low:
        mean = with_interval(mean, bare_figure(metric, found.low), bare_figure(metric, found.high))
    return f"{mean}, n = {found.images}"


def _bars(row: EvaluationRecord, report: EvaluationReport, metric: Metric) -> None:
    """Bars per organelle; a click on an image's point opens it."""
    drawn = _drawn_bars(report, metric)
    state = figure(drawn, name=metric.name, key=f"results-bars-{row.id}-{metric.name}", height=380)
    st.caption("Bar: mean over images. Line: interval. Dot: one image; click it to open the image.")
    if state.clicked:
        name = str(state.clicked)
        found = next((i for i in evaluated_images(context.store(), row.id) if name in (i.name, i.image_id)), None)
        if found:
            open_image(found.image_id)


# A report does not change and is the same object as long as its evaluation does not: drawn once, shown at every rerun.
_drawn_bars = remembered("bars of an evaluation", "drawn figures", limit_bytes=32 * MB)(dice_bars)
_confusion = remembered("confusion of an evaluation", "drawn figures", limit_bytes=16 * MB)(confusion_heatmap)
_figures_table = remembered("table of an evaluation", "figures of an evaluation", limit_bytes=8 * MB)(figures_table)


@remembered("metrics of an evaluation", "drawn figures", limit_bytes=16 * MB)
def _heatmap(report: EvaluationReport) -> DrawnFigure:
    return metric_heatmap(report, report.metrics)
