"""Rounds over time: how good their models are, and the work that people put into them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import pandas as pd
import plotly.graph_objects as go

from core.evaluation.image_scores import ALL
from core.figures.drawn import DrawnFigure
from core.figures.style import MUTED, SERIES, as_text, error_bar, styled, translucent
from core.label_scheme import LabelClass
from core.rounds.gate import Figure
from core.rounds.timeline import TimelineRound
from core.store.round_records import RoundDecision

_SHIFT: Final = 0.035
"""Classes of one round stand so far apart, in rounds, that their intervals do not hide each other."""

_DECISIONS: Final = {
    RoundDecision.PROMOTED: "promoted",
    RoundDecision.OVERRIDDEN: "promoted although worse",
    RoundDecision.KEPT: "not promoted",
    None: "not decided",
}


def dice_over_rounds(rounds: Sequence[TimelineRound]) -> DrawnFigure:
    """A line per class and one for their mean: Dice on the test set with its interval; open marks were not promoted.

    Parameters
    ----------
    rounds
        The first one first. Those that were never scored have no mark.

    Returns
    -------
    DrawnFigure
        The table has a row per round and class.
    """
    classes = _classes(rounds)
    figure = go.Figure()
    for place, item in enumerate(classes):
        shift = (place - len(classes) / 2) * _SHIFT
        figure.add_trace(_line(rounds, item.id, item.name, item.color, shift, width=1.8))
    if len(classes) != 1:
        figure.add_trace(_line(rounds, ALL, "mean of classes", SERIES[0], len(classes) / 2 * _SHIFT, width=3.0))
    styled(figure, showlegend=True, margin={"l": 56, "r": 12, "t": 44, "b": 56})
    _rounds_axis(figure, rounds)
    figure.update_yaxes(title="Dice on the test set", range=[0, 1.02], tick0=0, dtick=0.2)
    return DrawnFigure(figure, _dice_table(rounds, classes))


def work_over_rounds(rounds: Sequence[TimelineRound]) -> DrawnFigure:
    """What people corrected for each round: pixels by the class that they became, and the minutes of painting.

    Parameters
    ----------
    rounds
        The first one first.
    """
    figure = go.Figure()
    classes = _classes(rounds)
    for class_id, name, color in ((0, "background", MUTED), *((each.id, each.name, each.color) for each in classes)):
        pixels = [each.corrected.get(class_id, 0) for each in rounds]
        if not any(pixels):
            continue
        figure.add_trace(
            go.Bar(
                x=list(range(len(rounds))), y=pixels, name=as_text(name), width=0.5,
                marker={"color": translucent(color, 0.55), "line": {"color": color, "width": 1}},
                hovertext=[f"{as_text(name)}: {count:,} px corrected" for count in pixels],
                hovertemplate="%{hovertext}<extra></extra>",
            )
        )  # fmt: skip
    for place, each in enumerate(rounds):
        if each.annotation_minutes > 0:
            figure.add_annotation(
                x=place, y=sum(each.corrected.values()), text=_minutes(each.annotation_minutes), showarrow=False,
                yshift=11, font={"size": 12},
            )  # fmt: skip
    styled(figure, barmode="stack", showlegend=True, margin={"l": 64, "r": 12, "t": 44, "b": 56})
    _rounds_axis(figure, rounds)
    figure.update_yaxes(title="corrected pixels", rangemode="tozero")
    return DrawnFigure(figure, _work_table(rounds, classes))


def _classes(rounds: Sequence[TimelineRound]) -> tuple[LabelClass, ...]:
    """Every class of any round, as the last one that had it calls and colours it."""
    found: dict[int, LabelClass] = {}
    for each in rounds:
        found |= {item.id: item for item in each.scheme.classes}
    return tuple(found[class_id] for class_id in sorted(found))


def _rounds_axis(figure: go.Figure, rounds: Sequence[TimelineRound]) -> None:
    ticks = [f"round {each.number}{'<br>current' if each.promoted else ''}" for each in rounds]
    span = [-0.5, max(len(rounds), 1) - 0.5]
    figure.update_xaxes(tickvals=list(range(len(ticks))), ticktext=ticks, range=span, showgrid=False)


def _line(
    rounds: Sequence[TimelineRound], class_id: int, name: str, color: str, shift: float, *, width: float
) -> go.Scatter:
    measured = [
        (place, each, found)
        for place, each in enumerate(rounds)
        if (found := each.dice(class_id)) is not None and found.mean is not None
    ]
    means = [_number(found.mean) for _, _, found in measured]
    lows, highs = ([_number(getattr(found, end)) for _, _, found in measured] for end in ("low", "high"))
    taken = (RoundDecision.PROMOTED, RoundDecision.OVERRIDDEN)
    return go.Scatter(
        x=[place + shift for place, _, _ in measured],
        y=means,
        name=as_text(name),
        mode="lines+markers",
        line={"color": color, "width": width, "dash": "solid"},
        marker={
            "size": 9,
            "color": color,
            "symbol": ["circle" if each.decision in taken else "circle-open" for _, each, _ in measured],
            "line": {"color": color, "width": 2},
        },
        error_y=error_bar(means, lows, highs) | {"color": translucent(color, 0.6), "width": 4, "thickness": 1.6},
        hovertext=[
            f"{as_text(name)}, round {each.number}: {_dice_text(found)}<br>{as_text(each.model_name)}, "
            f"{_DECISIONS[each.decision]}"
            for _, each, found in measured
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _dice_text(found: Figure) -> str:
    interval = "no interval" if found.low is None else f"interval {found.low:.3f} to {found.high:.3f}"
    return f"{found.mean:.3f}<br>{interval}, n = {found.images}"


def _minutes(minutes: float) -> str:
    """Time of painting beside a bar.

    >>> _minutes(0.4), _minutes(12.3)
    ('under 1 min', '12 min')
    """
    return "under 1 min" if minutes < 1 else f"{minutes:.0f} min"


def _dice_table(rounds: Sequence[TimelineRound], classes: Sequence[LabelClass]) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for each in rounds:
        for class_id, name in [*((item.id, item.name) for item in classes), (ALL, "mean of classes")]:
            found, gain = each.dice(class_id), each.gain(class_id)
            rows.append(
                {
                    "round": each.number, "model": each.model_name, "decision": _DECISIONS[each.decision],
                    "class": name, "dice": found.mean if found else None, "low": found.low if found else None,
                    "high": found.high if found else None, "n": found.images if found else 0,
                    "difference": gain.mean if gain else None, "difference_low": gain.low if gain else None,
                    "difference_high": gain.high if gain else None,
                }
            )  # fmt: skip
    columns = ["round", "model", "decision", "class", "dice", "low", "high", "n"]
    return pd.DataFrame(rows, columns=[*columns, "difference", "difference_low", "difference_high"])


def _work_table(rounds: Sequence[TimelineRound], classes: Sequence[LabelClass]) -> pd.DataFrame:
    names = {0: "background", **{item.id: item.name for item in classes}}
    return pd.DataFrame(
        [
            {
                "round": each.number, "class": name, "corrected_px": each.corrected.get(class_id, 0),
                "vouched_for_px": each.covered.get(class_id, 0), "annotation_min": round(each.annotation_minutes, 2),
            }
            for each in rounds
            for class_id, name in names.items()
        ],
        columns=["round", "class", "corrected_px", "vouched_for_px", "annotation_min"],
    )  # fmt: skip
