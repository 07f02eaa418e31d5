"""Bars of a metric per class, with every image's point and the interval."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import pandas as pd
import plotly.graph_objects as go

from core.evaluation.metric import Metric
from core.evaluation.report import EvaluationReport
from core.evaluation.words import figure_text
from core.figures.drawn import DrawnFigure
from core.figures.style import (
    MUTED,
    PATTERNS,
    SERIES,
    as_text,
    error_bar,
    interval_words,
    spread,
    styled,
    translucent,
    value_axis,
)
from core.label_scheme import LabelClass, LabelScheme

_BAR_WIDTH: Final = 0.62
_POINT_SPREAD: Final = 0.36
_GROUP_WIDTH: Final = 0.82


def dice_bars(report: EvaluationReport, metric: Metric) -> DrawnFigure:
    """One bar per class: mean over images, interval, and every image as a point.

    Parameters
    ----------
    report
        Of an evaluation.
    metric
        Any metric of the table; Dice is the usual one.

    Returns
    -------
    DrawnFigure
        Points carry the image's name as ``customdata``. The table has a row per class (``image`` empty) and per image.
    """
    figure = go.Figure()
    figure.add_trace(_bar(report, metric, list(range(len(report.scheme.ids))), _BAR_WIDTH))
    for position, item in enumerate(report.scheme.classes):
        figure.add_trace(_points(report, metric, position, item))
    ticks = [
        f"{as_text(item.name)}<br>n = {report.figure(metric.name, item.id).images}" for item in report.scheme.classes
    ]
    figure.update_xaxes(tickvals=list(range(len(ticks))), ticktext=ticks, range=[-0.6, len(ticks) - 0.4])
    styled(figure, showlegend=False, bargap=0)
    figure.update_xaxes(showgrid=False)
    return DrawnFigure(value_axis(figure, metric), bars_table({"": report}, metric))


def metric_bars_of(reports: Mapping[str, EvaluationReport], metric: Metric) -> DrawnFigure:
    """Several evaluations side by side, a group of bars per class.

    Parameters
    ----------
    reports
        By the label that each is shown under, in their order; of one label scheme.
    metric
        Of the table. A report that did not measure it has no bars.
    """
    scheme = next(iter(reports.values())).scheme
    figure = go.Figure()
    width = _GROUP_WIDTH / len(reports)
    for number, (label, report) in enumerate(reports.items()):
        middle = (number - (len(reports) - 1) / 2) * width
        places = [position + middle for position in range(len(scheme.ids))]
        color, pattern = SERIES[number % len(SERIES)], PATTERNS[number % len(PATTERNS)]
        bar = _bar(report, metric, places, width * 0.92, scheme)
        bar.update(
            name=as_text(label),
            hovertext=[f"{as_text(label)}<br>{told}" for told in bar.hovertext],
            marker={"color": translucent(color, 0.72), "line": {"color": color, "width": 1.2},
                    "pattern": {"shape": pattern, "fgcolor": color, "bgcolor": translucent(color, 0.3), "size": 7}},
        )  # fmt: skip
        figure.add_trace(bar)
    names = [as_text(item.name) for item in scheme.classes]
    figure.update_xaxes(tickvals=list(range(len(names))), ticktext=names, range=[-0.6, len(names) - 0.4])
    styled(figure, showlegend=True, bargap=0, barmode="overlay", margin={"l": 56, "r": 12, "t": 44, "b": 44})
    figure.update_xaxes(showgrid=False)
    return DrawnFigure(value_axis(figure, metric), bars_table(reports, metric))


def bars_table(reports: Mapping[str, EvaluationReport], metric: Metric) -> pd.DataFrame:
    """What the bars show: a row per evaluation and class, then one per image.

    Parameters
    ----------
    reports
        By label.
    metric
        Shown.
    """
    unit = f"_{metric.unit}" if metric.unit else ""
    rows: list[dict[str, Any]] = []
    for label, report in reports.items():
        for item in report.scheme.classes:
            found = report.figure(metric.name, item.id)
            rows.append(_row(label, item.name, "", metric.name + unit, found.macro)
                        | {"low": found.low, "high": found.high, "n": found.images})  # fmt: skip
            rows.extend(
                _row(label, item.name, image.name, metric.name + unit, image.value(metric.name, item.id))
                for image in report.images
            )
    table = pd.DataFrame(rows)
    table["n"] = table["n"].astype("Int64")
    return table if len(reports) > 1 else table.drop(columns="evaluation")


def _row(label: str, class_name: str, image: str, name: str, value: float) -> dict[str, Any]:
    """One row; a mean where no image is named."""
    return {
        "evaluation": label, "class": class_name, "image": image, name: value,
        "low": math.nan, "high": math.nan, "n": None,
    }  # fmt: skip


def _bar(
    report: EvaluationReport, metric: Metric, places: list[int] | list[float], width: float,
    scheme: LabelScheme | None = None,
) -> go.Bar:  # fmt: skip
    """The means, in the classes' colours."""
    classes = (scheme or report.scheme).classes
    found = [report.figure(metric.name, item.id) for item in classes]
    means = [row.macro for row in found]
    level = report.settings.confidence_level
    sentences = [
        f"{as_text(item.name)}: mean {figure_text(metric, row.macro)}"
        f"<br>{interval_words(metric, row.low, row.high, level)}"
        f"<br>n = {row.images} image{'s' if row.images != 1 else ''}"
        for item, row in zip(classes, found, strict=True)
    ]
    return go.Bar(
        x=places,
        y=[None if math.isnan(mean) else mean for mean in means],
        width=width,
        marker={
            "color": [translucent(item.color, 0.45) for item in classes],
            "line": {"color": MUTED, "width": 1},
        },
        error_y=error_bar(
            [0.0 if math.isnan(mean) else mean for mean in means], [r.low for r in found], [r.high for r in found]
        ),
        hovertext=sentences,
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _points(report: EvaluationReport, metric: Metric, position: int, item: LabelClass) -> go.Scatter:
    """Every image that has a figure of this class."""
    images = [image for image in report.images if not math.isnan(image.value(metric.name, item.id))]
    values = [image.value(metric.name, item.id) for image in images]
    return go.Scatter(
        x=[position + spread(index, len(images), _POINT_SPREAD) for index in range(len(images))],
        y=values,
        mode="markers",
        marker={"size": 8, "color": item.color, "line": {"color": MUTED, "width": 1.2}},
        customdata=[image.name for image in images],
        hovertext=[
            f"{as_text(image.name)}<br>{as_text(item.name)}: {figure_text(metric, value)}"
            for image, value in zip(images, values, strict=True)
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )
