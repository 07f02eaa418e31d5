"""Plotly figures in the project's colours; transparent, so that they read well in both themes and on paper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import plotly.graph_objects as go

from core.label_scheme import LabelScheme
from core.learning.checks import ClassBalance
from core.training.request import EpochReport

_HEIGHT_PX: Final = 280
_GREY: Final = "rgba(128,128,128,0.35)"
_TRAIN: Final = "#7a8c8e"
_VALIDATION: Final = "#0b9088"


def loss_curves(epochs: Sequence[EpochReport]) -> go.Figure:
    """Training and validation loss over the epochs."""
    numbers = [report.epoch for report in epochs]
    figure = go.Figure()
    for name, values, color in (
        ("training", [report.train_loss for report in epochs], _TRAIN),
        ("validation", [report.val_loss for report in epochs], _VALIDATION),
    ):
        figure.add_scatter(
            x=numbers, y=values, name=name, mode="lines+markers", line={"color": color, "width": 2},
            marker={"size": 4}, hovertemplate="epoch %{x}: %{y:.3f}",
        )  # fmt: skip
    return _over_epochs(_styled(figure, "Loss (Dice + cross-entropy) by epoch"), len(numbers))


def dice_curves(epochs: Sequence[EpochReport], scheme: LabelScheme) -> go.Figure:
    """Dice per class on the fixed validation patches over the epochs."""
    colors = {item.name: item.color for item in scheme.classes}
    numbers = [report.epoch for report in epochs]
    figure = go.Figure()
    for name in epochs[-1].dice if epochs else ():
        figure.add_scatter(
            x=numbers, y=[report.dice.get(name) for report in epochs], name=name, mode="lines+markers",
            line={"color": colors.get(name, _VALIDATION), "width": 2}, marker={"size": 4},
            hovertemplate="epoch %{x}: %{y:.3f}", connectgaps=False,
        )  # fmt: skip
    figure.update_yaxes(range=[0, 1])
    return _over_epochs(_styled(figure, "Dice on validation patches by epoch"), len(numbers))


def balance_bars(rows: Sequence[ClassBalance]) -> go.Figure:
    """Share of the labelled pixels per class, with its number: rare classes are too small to see."""
    shown = [row for row in rows if row.pixels]
    figure = go.Figure(
        go.Bar(
            x=[100 * row.fraction for row in shown],
            y=[row.label.name for row in shown],
            orientation="h",
            marker={"color": [row.label.color for row in shown]},
            text=[f"{100 * row.fraction:.2g} % · {row.images} image{'s' if row.images != 1 else ''}" for row in shown],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.3g} % of the labelled pixels<extra></extra>",
        )
    )
    figure = _styled(figure, "")
    figure.update_xaxes(visible=False)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_layout(height=30 + 34 * max(len(shown), 2), hovermode="closest", margin={"r": 120})
    return figure


def _over_epochs(figure: go.Figure, count: int) -> go.Figure:
    """Whole numbers on the axis, also while there are few."""
    return figure.update_xaxes(dtick=1 if count <= 12 else None, range=[0.5, max(count, 4) + 0.5])


def _styled(figure: go.Figure, title: str) -> go.Figure:
    """The common look. The title names the x axis too: below that stands the legend, in as many rows as it needs."""
    figure.update_layout(
        title={"text": title, "font": {"size": 14}, "x": 0},
        height=_HEIGHT_PX,
        margin={"l": 8, "r": 8, "t": 36 if title else 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hovermode="x unified",
        legend={"orientation": "h", "yanchor": "top", "y": -0.15},
    )
    figure.update_xaxes(gridcolor=_GREY, zeroline=False)
    figure.update_yaxes(gridcolor=_GREY, zeroline=False)
    return figure
