"""Objects of a class: every object a dot, every image's (or specimen's) mean a mark, a line their mean.

Lord et al. 2020, 10.1083/jcb.202001064, call it a SuperPlot: what is spread among objects and what is spread among
images can be told apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import plotly.graph_objects as go

from core.figures.drawn import DrawnFigure
from core.figures.style import MUTED, SERIES, SYMBOLS, as_text, styled, translucent
from core.morphometry.condition_names import conditions
from core.morphometry.conditions import ComparedBy, UnitMean, kind_of_units, measure_difference, scale_of, unit_means
from core.morphometry.frames import images_frame
from core.morphometry.measures import Measure
from core.morphometry.summary import ImageSummary, overall, some_evenly
from core.morphometry.words import p_words, test_name, three_digits
from core.wording import counted

DRAWN: Final = 3000
"""Dots of a figure; of more objects so many are drawn, evenly over their order of size."""

_COLUMNS: Final = 12
"""Columns of images beside each other; more become one column."""

BRACKETED: Final = 4
"""Conditions beside the reference whose p stands in the figure; more brackets would hide the dots."""

_HEIGHT_PX: Final = 400
_BRACKET_PX: Final = 28
_PLOT_PX: Final = 300
"""About what the axes leave of the height."""

_WIDTH: Final = 0.7
_GOLDEN: Final = 0.6180339887498949


def object_dots(
    rows: Sequence[ImageSummary],
    measure: Measure,
    color: str,
    *,
    physical: bool,
    logarithmic: bool = False,
    reference: str | None = None,
    by: ComparedBy = ComparedBy.DIFFERENCE,
) -> DrawnFigure:
    """A column per specimen, or per image where there is no more than one specimen; or a column per condition.

    Parameters
    ----------
    rows
        Of the images, for this measure.
    measure
        Shown.
    color
        Of the class, hex.
    physical
        Units.
    logarithmic
        Whether the axis is: for figures over several magnitudes. What is not positive is left out then.
    reference
        A condition: columns are conditions, this one first, marks are specimens, lines are means of specimens with
        their standard deviation, and brackets carry tests and p values. Images without a condition are left out.
    by
        On which scale conditions are compared.

    Returns
    -------
    DrawnFigure
        Marks carry an image's id as ``customdata``. The table has a row per image.
    """
    shown = [row for row in rows if len(row.values) and (reference is None or row.image.condition)]
    columns = _columns(shown) if reference is None else _by_condition(shown, reference)
    share = min(1.0, DRAWN / max(sum(len(row.values) for row in shown), 1))
    unit = measure.unit(physical=physical)
    figure = go.Figure()
    for place, members in enumerate(columns.values()):
        figure.add_trace(_dots(members, place, color, share, logarithmic=logarithmic))
    if reference is None:
        for place, members in enumerate(columns.values()):
            figure.add_trace(_marks(_images(members, unit), place))
            figure.add_trace(_mean(members, place, unit))
    else:
        _add_units(figure, [unit_means(members) for members in columns.values()], unit)
    ticks = [_tick(name, members, specimens=reference is not None) for name, members in columns.items()]
    figure.update_xaxes(tickvals=list(range(len(ticks))), ticktext=ticks, range=[-0.6, max(len(ticks), 1) - 0.4])
    styled(figure, showlegend=False, height=_HEIGHT_PX)
    figure.update_xaxes(showgrid=False)
    figure.update_yaxes(title=as_text(measure.heading(physical=physical)))
    figure.update_yaxes(**({"type": "log", "exponentformat": "power"} if logarithmic else {"rangemode": "tozero"}))
    if reference in columns:
        _brackets(figure, rows, list(columns), scale_of(measure.quantity, by))
    return DrawnFigure(figure, images_frame(rows, measure, physical=physical))


@dataclass(frozen=True, slots=True)
class _Mark:
    """A mean that is drawn, of an image or a specimen: a click opens the image, the same look is the same one."""

    image_id: str
    value: float
    told: str
    look: int


def _columns(rows: Sequence[ImageSummary]) -> dict[str, list[ImageSummary]]:
    """What stands beside each other: specimens, else images, else everything."""
    units = {row.image.unit for row in rows}
    columns: dict[str, list[ImageSummary]] = {}
    for row in rows:
        if len(units) > 1:
            name = row.image.unit or "specimen not recorded"
        else:
            name = row.image.name if len(rows) <= _COLUMNS else "all images"
        columns.setdefault(name, []).append(row)
    return columns


def _by_condition(rows: Sequence[ImageSummary], reference: str) -> dict[str, list[ImageSummary]]:
    """A column per condition that has objects, the reference first."""
    names = conditions((row.image for row in rows), reference)
    return {name: [row for row in rows if row.image.condition == name] for name in names}


def _tick(name: str, rows: Sequence[ImageSummary], *, specimens: bool) -> str:
    objects = sum(len(row.values) for row in rows)
    if specimens:
        units = counted(len(unit_means(rows)), kind_of_units(row.image for row in rows))
        return f"{as_text(name)}<br>n = {units}<br>{counted(objects, 'object')}"
    images = f" in {len(rows)} images" if len(rows) > 1 else ""
    return f"{as_text(name)}<br>n = {objects:,}{images}"


def _dots(rows: Sequence[ImageSummary], place: int, color: str, share: float, *, logarithmic: bool) -> go.Scatter:
    """The objects, spread sideways the same way every time."""
    values = np.sort(np.concatenate([row.values for row in rows]))
    if logarithmic:
        values = values[values > 0]
    values = some_evenly(values, share)
    aside = (np.arange(len(values)) * _GOLDEN % 1 - 0.5) * _WIDTH
    return go.Scatter(
        x=(place + aside).tolist(),
        y=values.tolist(),
        mode="markers",
        marker={"size": 5, "color": translucent(color, 0.6)},
        hoverinfo="skip",
    )


def _images(rows: Sequence[ImageSummary], unit: str) -> list[_Mark]:
    """The mean of each image."""
    return [
        _Mark(
            row.image.image_id,
            row.mean,
            f"{as_text(row.image.name)}<br>mean {three_digits(row.mean, unit)}, median {three_digits(row.median, unit)}"
            f"<br>n = {len(row.values):,}",
            number,
        )
        for number, row in enumerate(rows)
    ]


def _add_units(figure: go.Figure, columns: Sequence[Sequence[UnitMean]], unit: str) -> None:
    """The mean of each specimen, the same sign in every column; a line joins those of one in several columns."""
    looks: dict[str, int] = {}
    places: dict[str, list[tuple[float, float]]] = {}
    traces = []
    for place, units in enumerate(columns):
        marks = [
            _Mark(each.image_ids[0], each.mean, _unit_words(each, unit), looks.setdefault(each.key, len(looks)))
            for each in units
        ]
        traces += [_marks(marks, place), _unit_mean(marks, place, unit)]
        for each, x in zip(units, traces[-2].x, strict=True):
            places.setdefault(each.key, []).append((x, each.mean))
    for of_one in places.values():
        if len(of_one) > 1:
            figure.add_trace(_joined(of_one))
    figure.add_traces(traces)


def _joined(places: Sequence[tuple[float, float]]) -> go.Scatter:
    """A thin line through the marks of one specimen."""
    return go.Scatter(
        x=[x for x, _ in places],
        y=[y for _, y in places],
        mode="lines",
        line={"color": MUTED, "width": 1, "dash": "dot"},
        hoverinfo="none",
    )


def _unit_words(each: UnitMean, unit: str) -> str:
    images = counted(len(each.image_ids), "image")
    mean, objects = three_digits(each.mean, unit), counted(each.objects, "object")
    return f"{as_text(each.name)}<br>mean of {images}: {mean}<br>n = {objects}"


def _marks(marks: Sequence[_Mark], place: int) -> go.Scatter:
    """Means beside each other."""
    width = _WIDTH * 0.55
    aside = np.linspace(-width / 2, width / 2, len(marks)) if len(marks) > 1 else np.zeros(1)
    return go.Scatter(
        x=(place + aside).tolist(),
        y=[mark.value for mark in marks],
        mode="markers",
        marker={
            "size": 11,
            "color": [SERIES[(mark.look + mark.look // len(SERIES)) % len(SERIES)] for mark in marks],
            "symbol": [SYMBOLS[mark.look % len(SYMBOLS)] for mark in marks],
            "line": {"color": "white", "width": 1.4},
        },
        customdata=[mark.image_id for mark in marks],
        hovertext=[mark.told for mark in marks],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _mean(rows: Sequence[ImageSummary], place: int, unit: str) -> go.Scatter:
    """The mean of the images' means, with its interval where there is one."""
    found = overall(rows)
    both = not (math.isnan(found.low) or math.isnan(found.high))
    interval = f"<br>95% interval {three_digits(found.low, unit)} to {three_digits(found.high, unit)}" if both else ""
    text = f"mean over {found.images} image{'s' if found.images != 1 else ''}: {three_digits(found.mean, unit)}"
    above, below = (found.high - found.mean, found.mean - found.low) if both else (0.0, 0.0)
    return _line(place, found.mean, above, below, text + interval)


def _unit_mean(marks: Sequence[_Mark], place: int, unit: str) -> go.Scatter:
    """The mean of the specimens' means, with their standard deviation where there are two or more."""
    values = np.array([mark.value for mark in marks])
    mean, deviation = float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else 0.0
    text = f"mean of {len(values)}: {three_digits(mean, unit)}"
    if deviation:
        text += f"<br>standard deviation {three_digits(deviation, unit)}"
    return _line(place, mean, deviation, deviation, text)


def _line(place: int, value: float, above: float, below: float, told: str) -> go.Scatter:
    """A line across a column, with a bar up and down from its middle."""
    return go.Scatter(
        x=[place - _WIDTH / 2, place, place + _WIDTH / 2],
        y=[value] * 3,
        mode="lines",
        line={"color": MUTED, "width": 3},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [0.0, above, 0.0],
            "arrayminus": [0.0, below, 0.0],
            "color": MUTED,
            "thickness": 2,
            "width": 7,
        },
        hovertext=[told] * 3,
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _brackets(figure: go.Figure, rows: Sequence[ImageSummary], names: Sequence[str], by: ComparedBy) -> None:
    """From the reference to every other column, with test and p, each above the last; none where many."""
    reference, *others = names
    tested = [(place, measure_difference(rows, reference, other, by)) for place, other in enumerate(others, start=1)]
    known = [(place, found) for place, found in tested if not math.isnan(found.p)]
    if len(known) > BRACKETED:
        return
    step_height = _BRACKET_PX / _PLOT_PX
    for step, (place, found) in enumerate(known):
        height = 1.02 + step * step_height
        line = {"color": MUTED, "width": 1.2}
        figure.add_shape(type="line", xref="x", yref="paper", x0=0, x1=place, y0=height, y1=height, line=line)
        for end in (0, place):
            figure.add_shape(
                type="line", xref="x", yref="paper", x0=end, x1=end, y0=height - 0.02, y1=height, line=line
            )
        figure.add_annotation(
            x=place / 2,
            y=height,
            xref="x",
            yref="paper",
            yanchor="bottom",
            showarrow=False,
            text=f"{test_name(found.design)}, {p_words(found.p)}",
        )
    if known:
        room = _BRACKET_PX * len(known)
        figure.update_layout(margin_t=24 + room, height=_HEIGHT_PX + room)
