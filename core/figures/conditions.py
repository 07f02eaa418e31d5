"""Conditions beside the reference: by how many per cent each figure differs, with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import plotly.graph_objects as go

from core.figures.drawn import DrawnFigure
from core.figures.style import MUTED, SERIES, SYMBOLS, as_text, styled
from core.morphometry.conditions import Compared
from core.morphometry.frames import differences_frame
from core.morphometry.words import p_words, three_digits

_ROW_PX: Final = 30
_MARK_PX: Final = 12
_APART: Final = 0.5
_LEAST_RANGE: Final = 100.0
"""The axis may always reach as far to both sides, in per cent."""


def differences(compared: Sequence[Compared], reference: str) -> DrawnFigure:
    """A row per figure, a mark per condition with its 95 % interval; filled where p, adjusted, is below 0.05.

    Parameters
    ----------
    compared
        As `core.morphometry.conditions.compare` gives them. Differences in per cent of the reference's mean; where that
        is 0 there is no mark.
    reference
        What the others are beside.
    """
    names = list(dict.fromkeys(comparison.name for comparison in compared))
    titles = {comparison.name: comparison.title for comparison in compared}
    others = list(dict.fromkeys(comparison.condition for comparison in compared))
    figure = go.Figure()
    for number, condition in enumerate(others):
        rows = [
            comparison
            for comparison in compared
            if comparison.condition == condition and not math.isnan(comparison.percent)
        ]
        aside = (number - (len(others) - 1) / 2) * _APART / max(len(others), 1)
        color = SERIES[number % len(SERIES)]
        figure.add_trace(
            go.Scatter(
                x=[row.percent for row in rows],
                y=[names.index(row.name) + aside for row in rows],
                mode="markers",
                name=as_text(condition),
                marker={
                    "size": 10,
                    "symbol": [_symbol(row, number) for row in rows],
                    "color": color,
                    "line": {"color": color, "width": 2},
                },
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": [_reach(row, row.difference.high) for row in rows],
                    "arrayminus": [_reach(row, row.difference.low) for row in rows],
                    "color": color,
                    "thickness": 1.6,
                    "width": 4,
                },
                hovertext=[_told(row, reference) for row in rows],
                hovertemplate="%{hovertext}<extra></extra>",
            )
        )
    figure.add_vline(x=0, line={"color": MUTED, "width": 1.4})
    styled(figure, showlegend=len(others) > 1, height=max(_ROW_PX, _MARK_PX * (len(others) + 1)) * (len(names) + 3))
    figure.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=[as_text(titles[name]) for name in names],
        range=[len(names) - 0.4, -0.6],
    )
    figure.update_xaxes(title=f"difference from {as_text(reference)} (%)", autotickangles=[0], range=_range(compared))
    return DrawnFigure(figure, differences_frame(compared, reference))


def _range(compared: Sequence[Compared]) -> list[float]:
    """From the lowest to the highest end, but not so far that wide intervals hide the marks: they leave the figure."""
    marks = [comparison.percent for comparison in compared if not math.isnan(comparison.percent)]
    farthest = max(_LEAST_RANGE, 1.4 * max((abs(mark) for mark in marks), default=0.0))
    ends = [
        comparison.difference.percent(end)
        for comparison in compared
        for end in (comparison.difference.low, comparison.difference.high)
    ]
    known = [0.0, *marks, *(end for end in ends if not math.isnan(end))]
    low, high = max(min(known), -farthest), min(max(known), farthest)
    margin = max(0.04 * (high - low), 1.0)
    return [low - margin, high + margin]


def _reach(each: Compared, end: float) -> float | None:
    """How far an end of the interval is from the mark, in per cent; None without an interval."""
    found = abs(each.difference.percent(end) - each.percent)
    return None if math.isnan(found) else found


def _symbol(each: Compared, number: int) -> str:
    """Filled where the difference is unlikely to be chance."""
    name = SYMBOLS[number % len(SYMBOLS)]
    return name if each.p_adjusted < 0.05 else f"{name}-open"


def _told(each: Compared, reference: str) -> str:
    found, unit = each.difference, each.unit
    lines = [
        f"{as_text(each.title)}: {as_text(each.condition)} {three_digits(found.mean, unit)}, "
        f"{as_text(reference)} {three_digits(found.reference, unit)}",
        f"n = {found.units} and {found.reference_units}",
    ]
    if not math.isnan(found.p):
        ends = f"{three_digits(found.low)} to {three_digits(found.high, unit)}"
        lines.insert(1, f"difference {three_digits(found.value, unit)} (95% interval {ends})")
        lines.append(f"{p_words(found.p)}, adjusted {p_words(each.p_adjusted)}")
    return "<br>".join(lines)
