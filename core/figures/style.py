"""How figures look: transparent, thin grey grid, text that prints; the app turns text and grid to its theme."""

from __future__ import annotations

import html
import math
from typing import Any, Final

import plotly.graph_objects as go

from core.evaluation.metric import Better, Metric
from core.evaluation.words import figure_text

INK: Final = "#1c2b2d"
GRID: Final = "rgba(128,128,128,0.28)"
MUTED: Final = "#6b7b7d"

SERIES: Final = ("#0b9088", "#d55e00", "#5a6acf", "#a6761d", "#b03a78")
"""Evaluations side by side: apart for the colour-blind (Okabe and Ito's order, in the app's accent)."""

SYMBOLS: Final = ("circle", "square", "diamond", "triangle-up", "x")
"""Marks beside each other, so that a print in grey can still be read."""

PATTERNS: Final = ("", "/", ".", "x", "-")
"""A second sign beside colour, so that a print in grey can still be read."""

SCALE: Final = ((0.0, "#f4f1e8"), (0.5, "#6fb8ab"), (1.0, "#0a5f5a"))
"""Light to dark with the value: order survives printing in grey and every kind of colour blindness."""


def styled(figure: go.Figure, **layout: Any) -> go.Figure:
    """The common look.

    Parameters
    ----------
    figure
        Changed and given back.
    layout
        Of Plotly, over the common one.
    """
    common: dict[str, Any] = {
        "template": "none",
        "font": {"family": "Source Sans, Source Sans 3, Helvetica, Arial, sans-serif", "size": 13, "color": INK},
        "margin": {"l": 56, "r": 12, "t": 12, "b": 44},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hovermode": "closest",
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
    }
    figure.update_layout(**(common | layout))
    figure.update_xaxes(gridcolor=GRID, zeroline=False, automargin=True, autotickangles=[0, -40, -90])
    figure.update_yaxes(gridcolor=GRID, zeroline=False, automargin=True)
    return figure


def as_text(name: str) -> str:
    """A name as Plotly shows it letter by letter, which else reads tags in it.

    >>> as_text("control <b> & drug")
    'control &lt;b&gt; &amp; drug'
    """
    return html.escape(name, quote=False)


def value_axis(figure: go.Figure, metric: Metric) -> go.Figure:
    """The axis of a metric: shares from 0 to 1, everything else from zero in its unit."""
    unit = f" ({metric.unit})" if metric.unit else ""
    figure.update_yaxes(title=f"{metric.title}{unit}")
    if metric.better is Better.NEAREST_ZERO:
        return figure.update_yaxes(zeroline=True, zerolinecolor=MUTED)
    if metric.unit:
        return figure.update_yaxes(rangemode="tozero")
    return figure.update_yaxes(range=[0, 1.02], tick0=0, dtick=0.2)


def interval_words(metric: Metric, low: float, high: float, level: float) -> str:
    """An interval in a tooltip; says why where there is none.

    >>> from core.evaluation.metric_table import metric_named
    >>> interval_words(metric_named("dice"), 0.5, 0.75, 0.95)
    '95% interval 0.500 to 0.750'
    """
    if math.isnan(low) or math.isnan(high):
        return "no interval from one alone"
    return f"{level:.0%} interval {figure_text(metric, low)} to {figure_text(metric, high)}"


def error_bar(means: list[float], lows: list[float], highs: list[float]) -> dict[str, Any]:
    """Plotly's asymmetric error bars; none where there is no interval."""
    upper = [0.0 if math.isnan(high) else max(high - mean, 0.0) for mean, high in zip(means, highs, strict=True)]
    lower = [0.0 if math.isnan(low) else max(mean - low, 0.0) for mean, low in zip(means, lows, strict=True)]
    return {
        "type": "data",
        "symmetric": False,
        "array": upper,
        "arrayminus": lower,
        "color": MUTED,
        "thickness": 2,
        "width": 5,
    }


def spread(index: int, count: int, width: float) -> float:
    """Where the point ``index`` of ``count`` stands beside the middle of its bar; the same every time.

    >>> [round(spread(i, 3, 0.4), 2) for i in range(3)]
    [-0.2, 0.0, 0.2]
    >>> spread(0, 1, 0.4)
    0.0
    """
    return 0.0 if count < 2 else (index / (count - 1) - 0.5) * width


def translucent(color: str, alpha: float) -> str:
    """A hex colour with an alpha.

    >>> translucent("#ff0000", 0.5)
    'rgba(255,0,0,0.5)'
    """
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"
