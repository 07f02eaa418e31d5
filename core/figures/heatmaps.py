"""Heatmaps: organelle by metric, and what was taken for what."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.evaluation.image_scores import ALL
from core.evaluation.metric import Metric
from core.evaluation.report import EvaluationReport
from core.evaluation.words import figure_text
from core.figures.drawn import DrawnFigure
from core.figures.style import INK, SCALE, as_text, styled

_DARK_FROM: Final = 0.74
"""From this share of the scale on, white text has more contrast than dark text."""

_LETTER_PX: Final = 7
_TITLE_PX: Final = 40
_METRIC_PX: Final = 35
_SHARE_PX: Final = 42
"""The least that a letter of a row's name, a title of the rows and a cell need before numbers run into each other."""

_DASH: Final = "–"

_NEUTRAL: Final = "rgba(128,128,128,0.12)"


def metric_heatmap(report: EvaluationReport, metrics: Sequence[Metric]) -> DrawnFigure:
    """Organelle by metric, mean over images, with the value in each cell.

    Shares between 0 and 1 are coloured, dark is good. Figures in nm or objects share no scale with them: they stand on
    grey. Undefined is a dash. The last row is the mean over classes; of the calibration error, all pixels.

    Parameters
    ----------
    report
        Of an evaluation.
    metrics
        Columns.
    """
    names = {**{item.id: item.name for item in report.scheme.classes}, ALL: "all classes"}
    ids = list(names)
    values = np.array([[report.figure(metric.name, i).macro for metric in metrics] for i in ids], dtype=np.float64)
    shown = np.array([[_bare(m, values[r, c]) for c, m in enumerate(metrics)] for r in range(len(ids))])
    good = np.array([[_goodness(m, values[r, c]) for c, m in enumerate(metrics)] for r in range(len(ids))])
    hover = [
        [f"{as_text(names[i])}, {m.title}: {figure_text(m, values[r, c])}<br>n = {report.figure(m.name, i).images}"
         for c, m in enumerate(metrics)]
        for r, i in enumerate(ids)
    ]  # fmt: skip
    figure = _heatmap(good, shown, hover, [_titled(metric) for metric in metrics], [names[i] for i in ids])
    figure.update_xaxes(tickangle=-40, side="bottom")
    figure.update_layout(meta={"least_width_px": _names_px(list(names.values())) + _METRIC_PX * len(metrics)})
    columns = {m.name + (f"_{m.unit}" if m.unit else ""): values[:, c] for c, m in enumerate(metrics)}
    return DrawnFigure(figure, pd.DataFrame({"class": [names[i] for i in ids], **columns}))


def confusion_heatmap(report: EvaluationReport) -> DrawnFigure:
    """Of each class in the reference, which share of its pixels was predicted as what.

    Parameters
    ----------
    report
        Of an evaluation. Pixels that are *ignore* in the reference are in no cell.

    Returns
    -------
    DrawnFigure
        The table holds the counts in pixels.
    """
    matrix = report.matrix
    names = ["background", *(item.name for item in report.scheme.classes)]
    totals = matrix.sum(1, keepdims=True)
    shares = np.divide(matrix, totals, out=np.full(matrix.shape, math.nan), where=totals > 0)
    shown = np.array([[_DASH if math.isnan(v) else _percent(v) for v in row] for row in shares])
    hover = [
        [f"{as_text(names[r])} in the reference, predicted as {as_text(names[c])}:"
         f"<br>{matrix[r, c]:,} of {totals[r, 0]:,} px"
         for c in range(len(names))]
        for r in range(len(names))
    ]  # fmt: skip
    figure = _heatmap(shares, shown, hover, names, names)
    figure.update_xaxes(title="predicted as", tickangle=-40)
    least_px = _TITLE_PX + _names_px(names) + _SHARE_PX * len(names)
    figure.update_layout(meta={"least_width_px": least_px})
    figure.update_yaxes(title={"text": "reference", "standoff": 12})
    table = pd.DataFrame(matrix, columns=[f"predicted_{name}_px" for name in names])
    table.insert(0, "reference", names)
    return DrawnFigure(figure, table)


def _names_px(names: Sequence[str]) -> int:
    """Room for the names of the rows."""
    return _LETTER_PX * max(map(len, names)) + _LETTER_PX


def _heatmap(
    shares: np.ndarray, shown: np.ndarray, hover: list[list[str]], columns: list[str], rows: list[str]
) -> go.Figure:
    """Cells by share, text in black or white, whichever reads better."""
    places = {"x": list(range(len(columns))), "y": list(range(len(rows)))}
    ground = np.zeros(shares.shape)
    figure = go.Figure(
        go.Heatmap(z=ground, **places, colorscale=[[0, _NEUTRAL], [1, _NEUTRAL]], showscale=False, hoverinfo="skip",
                   xgap=2, ygap=2)
    )  # fmt: skip
    figure.add_trace(
        go.Heatmap(
            z=[[None if math.isnan(v) else float(v) for v in row] for row in shares],
            **places, zmin=0, zmax=1, colorscale=[list(stop) for stop in SCALE], showscale=False, xgap=2, ygap=2,
            hovertext=hover, hovertemplate="%{hovertext}<extra></extra>", hoverongaps=True,
        )
    )  # fmt: skip
    notes = [
        {"x": c, "y": r, "text": str(shown[r, c]), "showarrow": False, "font": _font(float(shares[r, c]))}
        for r in range(len(rows))
        for c in range(len(columns))
    ]
    figure.update_layout(annotations=notes)  # one by one, Plotly checks all that are there each time
    styled(figure, margin={"l": 12, "r": 12, "t": 12, "b": 12})
    room = {"showgrid": False, "ticks": "outside", "ticklen": 6, "tickcolor": "rgba(0,0,0,0)"}
    figure.update_xaxes(**room, tickvals=places["x"], ticktext=[as_text(name) for name in columns], constrain="domain")
    figure.update_yaxes(**room, tickvals=places["y"], ticktext=[as_text(name) for name in rows], autorange="reversed")
    return figure


def _font(share: float) -> dict[str, int | str]:
    """Of the number in a cell."""
    if math.isnan(share):
        return {"size": 12}
    return {"size": 12, "color": "#ffffff" if share > _DARK_FROM else INK}


def _goodness(metric: Metric, value: float) -> float:
    """How good a share is, between 0 and 1; NaN for what is no share."""
    if metric.unit or math.isnan(value):
        return math.nan
    return min(max(metric.goodness(value), 0.0), 1.0) if metric.goodness(1.0) > 0 else 1.0 - min(max(value, 0.0), 1.0)


def _titled(metric: Metric) -> str:
    """A column's title, with its unit."""
    return f"{metric.title} ({metric.unit})" if metric.unit else metric.title


def _bare(metric: Metric, value: float) -> str:
    """A figure without its unit, which stands in the title."""
    return figure_text(metric, value).removesuffix(metric.unit).strip()


def _percent(share: float) -> str:
    """A share of pixels, short.

    >>> _percent(0.9234), _percent(0.0004), _percent(0.0), _percent(1.0)
    ('92.3 %', '<0.1 %', '0', '100 %')
    """
    if share == 0:
        return "0"
    if share < 0.001:
        return "<0.1 %"
    return "100 %" if share == 1 else f"{100 * share:.1f} %"
