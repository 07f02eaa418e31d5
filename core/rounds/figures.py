"""Rounds over time: how good their models are, and the work that people put into them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
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

_BEFORE: Final = -1
"""Place of the model before on the axis of rounds."""

_TAKEN: Final = (RoundDecision.PROMOTED, RoundDecision.OVERRIDDEN)

DECISIONS: Final = {
    RoundDecision.PROMOTED: "promoted",
    RoundDecision.OVERRIDDEN: "promoted despite failed check",
    RoundDecision.KEPT: "not promoted",
    None: "not decided",
}
"""What was decided of a round's model, in words."""


def dice_over_rounds(rounds: Sequence[TimelineRound]) -> DrawnFigure:
    """A line per class and one for their mean: Dice on the test set with its interval; open marks were not promoted.

    The lines begin at the model before: what the first round was compared with, on the same test set.

    Parameters
    ----------
    rounds
        The first one first. Those that were never scored have no mark.

    Returns
    -------
    DrawnFigure
        The table has a row per round and class, and one per class for the model before, as round 0.
    """
    classes = _classes(rounds)
    figure = go.Figure()
    for place, item in enumerate(classes):
        shift = (place - len(classes) / 2) * _SHIFT
        figure.add_trace(_line(rounds, item.id, item.name, item.color, shift, width=1.8))
    if len(classes) != 1:
        figure.add_trace(_line(rounds, ALL, "mean of classes", SERIES[0], len(classes) / 2 * _SHIFT, width=3.0))
    styled(figure, showlegend=True, margin={"l": 56, "r": 12, "t": 44, "b": 56})
    _rounds_axis(figure, rounds, before=_first(rounds) is not None)
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
    for class_id, name, color in ((0, "background", MUTED), *((item.id, item.name, item.color) for item in classes)):
        pixels = [round_.corrected.get(class_id, 0) for round_ in rounds]
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
    for round_ in rounds:
        found |= {item.id: item for item in round_.scheme.classes}
    return tuple(found[class_id] for class_id in sorted(found))


def _first(rounds: Sequence[TimelineRound]) -> TimelineRound | None:
    """The first round that was compared with a model before."""
    return next((round_ for round_ in rounds if any(round_.before(item) for item in (ALL, *round_.scheme.ids))), None)


def _rounds_axis(figure: go.Figure, rounds: Sequence[TimelineRound], *, before: bool = False) -> None:
    ticks = {place: f"round {each.number}{'<br>current' if each.promoted else ''}" for place, each in enumerate(rounds)}
    if before:
        ticks = {_BEFORE: "before"} | ticks
    span = [(_BEFORE if before else 0) - 0.5, max(len(rounds), 1) - 0.5]
    figure.update_xaxes(tickvals=list(ticks), ticktext=list(ticks.values()), range=span, showgrid=False)


@dataclass(frozen=True, slots=True)
class _Mark:
    """A point of a line."""

    place: int
    found: Figure
    filled: bool
    words: str


def _marks(rounds: Sequence[TimelineRound], class_id: int) -> list[_Mark]:
    """The model before, then those of the rounds; without those that were not measured."""
    marks, first = [], _first(rounds)
    if first is not None and (found := first.before(class_id)) is not None:
        marks.append(_Mark(_BEFORE, found, True, f"before round {first.number}|{first.base_model_name}"))
    for place, each in enumerate(rounds):
        if (found := each.dice(class_id)) is not None:
            words = f"round {each.number}|{each.model_name}, {DECISIONS[each.decision]}"
            marks.append(_Mark(place, found, each.decision in _TAKEN, words))
    return [mark for mark in marks if mark.found.mean is not None]


def _line(
    rounds: Sequence[TimelineRound], class_id: int, name: str, color: str, shift: float, *, width: float
) -> go.Scatter:
    marks = _marks(rounds, class_id)
    means = [_number(mark.found.mean) for mark in marks]
    lows, highs = ([_number(getattr(mark.found, end)) for mark in marks] for end in ("low", "high"))
    return go.Scatter(
        x=[mark.place + shift for mark in marks],
        y=means,
        name=as_text(name),
        mode="lines+markers",
        line={"color": color, "width": width, "dash": "solid"},
        marker={
            "size": 9,
            "color": color,
            "symbol": ["circle" if mark.filled else "circle-open" for mark in marks],
            "line": {"color": color, "width": 2},
        },
        error_y=error_bar(means, lows, highs) | {"color": translucent(color, 0.6), "width": 4, "thickness": 1.6},
        hovertext=[_hover(name, mark) for mark in marks],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _hover(name: str, mark: _Mark) -> str:
    where, _, model = mark.words.partition("|")
    return f"{as_text(name)}, {where}: {_dice_text(mark.found)}<br>{as_text(model)}"


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
    first = _first(rounds)
    if first is not None:
        for class_id, name in [*((item.id, item.name) for item in classes), (ALL, "mean of classes")]:
            found = first.before(class_id)
            rows.append(
                {
                    "round": 0, "model": first.base_model_name, "decision": "before", "class": name,
                    "dice": found.mean if found else None, "low": found.low if found else None,
                    "high": found.high if found else None, "n": found.images if found else 0,
                }
            )  # fmt: skip
    for round_ in rounds:
        for class_id, name in [*((item.id, item.name) for item in classes), (ALL, "mean of classes")]:
            found, gain = round_.dice(class_id), round_.gain(class_id)
            rows.append(
                {
                    "round": round_.number, "model": round_.model_name, "decision": DECISIONS[round_.decision],
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
                "round": round_.number, "class": name, "corrected_px": round_.corrected.get(class_id, 0),
                "confirmed_px": round_.covered.get(class_id, 0), "annotation_min": round(round_.annotation_minutes, 2),
            }
            for round_ in rounds
            for class_id, name in names.items()
        ],
        columns=["round", "class", "corrected_px", "confirmed_px", "annotation_min"],
    )  # fmt: skip
