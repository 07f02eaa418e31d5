"""Paired differences between two evaluations, per class."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.evaluation.comparison import Comparison, PairedDifference, Verdict
from core.evaluation.image_scores import ALL
from core.evaluation.metric import Better, Metric
from core.evaluation.words import VERDICTS, change_text, digits_of
from core.figures.drawn import DrawnFigure
from core.figures.style import MUTED, as_text, error_bar, spread, styled
from core.label_scheme import LabelScheme

_COLORS: Final = {Verdict.BETTER: "#0b9088", Verdict.WORSE: "#d55e00", Verdict.UNCLEAR: MUTED, Verdict.SAME: MUTED}
_SYMBOLS: Final = {
    Verdict.BETTER: "triangle-up",
    Verdict.WORSE: "triangle-down",
    Verdict.UNCLEAR: "diamond",
    Verdict.SAME: "circle",
}


def paired_differences(comparison: Comparison, scheme: LabelScheme, metric: Metric) -> DrawnFigure:
    """After minus before, per class: every image's difference, their mean and its interval, and the line of none.

    Parameters
    ----------
    comparison
        From `core.evaluation.comparison.compare`.
    scheme
        Of both.
    metric
        One that both measured, else there is nothing in the figure.

    Returns
    -------
    DrawnFigure
        Points carry the image's name as ``customdata``.
    """
    found = comparison.differences.get(metric.name, {})
    names = {**{item.id: item.name for item in scheme.classes}, ALL: "mean of classes"}
    ids = [i for i in names if i in found and found[i].images]
    figure = go.Figure()
    columns = _columns(comparison, scheme, metric)
    for place, class_id in enumerate(ids):
        figure.add_trace(_points(comparison.names, columns[class_id], place, metric))
    for verdict in Verdict:
        places = [place for place, class_id in enumerate(ids) if found[class_id].verdict is verdict]
        rows, called = [found[ids[p]] for p in places], [names[ids[p]] for p in places]
        figure.add_trace(_means(rows, called, places, verdict, metric))
    figure.add_hline(y=0, line={"color": MUTED, "width": 1.4})
    unit = f" ({metric.unit})" if metric.unit else ""
    size = "|" if metric.better is Better.NEAREST_ZERO else ""
    ticks = [f"{as_text(names[i])}<br>n = {found[i].images}" for i in ids]
    styled(figure, showlegend=True, margin={"l": 60, "r": 12, "t": 40, "b": 44})
    figure.update_xaxes(
        tickvals=list(range(len(ids))), ticktext=ticks, range=[-0.6, max(len(ids), 1) - 0.4], showgrid=False
    )
    figure.update_yaxes(title=f"change of {size}{metric.title}{size}{unit}")
    return DrawnFigure(figure, _table(comparison, {i: names[i] for i in ids}, columns, metric))


def _columns(comparison: Comparison, scheme: LabelScheme, metric: Metric) -> dict[int, np.ndarray]:
    """Differences per image: of each class, and their mean."""
    found = comparison.by_image.get(metric.name)
    if found is None:
        return {}
    defined = np.isfinite(found)
    counts = defined.sum(1)
    means = np.divide(np.where(defined, found, 0).sum(1), counts, out=np.full(len(found), math.nan), where=counts > 0)
    return {**{item.id: found[:, column] for column, item in enumerate(scheme.classes)}, ALL: means}


def _points(names: tuple[str, ...], values: np.ndarray, place: int, metric: Metric) -> go.Scatter:
    """Every image that has a difference."""
    shown = [(name, float(value)) for name, value in zip(names, values, strict=True) if np.isfinite(value)]
    return go.Scatter(
        x=[place + spread(index, len(shown), 0.36) for index in range(len(shown))],
        y=[value for _, value in shown],
        mode="markers",
        marker={"size": 7, "color": "rgba(128,140,142,0.75)", "line": {"color": "#ffffff", "width": 1}},
        customdata=[name for name, _ in shown],
        hovertext=[f"{as_text(name)}: {_changed(metric, value)}" for name, value in shown],
        hovertemplate="%{hovertext}<extra></extra>",
        showlegend=False,
    )


def _changed(metric: Metric, value: float) -> str:
    return change_text(value, digits_of(metric), metric.unit)


def _means(
    rows: list[PairedDifference], names: list[str], places: list[int], verdict: Verdict, metric: Metric
) -> go.Scatter:
    """Means with intervals of the classes that got one verdict."""
    bar = error_bar([row.mean for row in rows], [row.low for row in rows], [row.high for row in rows])
    return go.Scatter(
        x=places,
        y=[row.mean for row in rows],
        mode="markers",
        name=VERDICTS[verdict],
        marker={"size": 13, "symbol": _SYMBOLS[verdict], "color": _COLORS[verdict]},
        error_y=bar | {"color": _COLORS[verdict], "thickness": 2.2},
        hovertext=[
            f"{as_text(name)}: {_changed(metric, row.mean)}, {VERDICTS[verdict]}"
            for name, row in zip(names, rows, strict=True)
        ],
        hovertemplate="%{hovertext}<extra></extra>",
        showlegend=bool(rows),
    )


def _table(
    comparison: Comparison, names: dict[int, str], columns: dict[int, np.ndarray], metric: Metric
) -> pd.DataFrame:
    """A row per class, then one per image."""
    value = f"{metric.name}_difference" + (f"_{metric.unit}" if metric.unit else "")
    rows: list[dict[str, Any]] = []
    for class_id, name in names.items():
        found = comparison.differences[metric.name][class_id]
        rows.append({"class": name, "image": "", value: found.mean, "low": found.low, "high": found.high,
                     "n": found.images, "verdict": str(found.verdict)})  # fmt: skip
        rows.extend(
            {"class": name, "image": image, value: float(difference), "low": math.nan, "high": math.nan, "n": None,
             "verdict": ""}
            for image, difference in zip(comparison.names, columns[class_id], strict=True)
        )  # fmt: skip
    table = pd.DataFrame(rows, columns=["class", "image", value, "low", "high", "n", "verdict"])
    table["n"] = table["n"].astype("Int64")
    return table
