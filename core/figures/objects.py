"""Objects of a class: every object a dot, every image's mean a mark, the mean of the images with its interval.

Lord et al. 2020, 10.1083/jcb.202001064, call it a SuperPlot: what is spread among objects and what is spread among
images can be told apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.figures.drawn import DrawnFigure
from core.figures.style import MUTED, SERIES, as_text, styled, translucent
from core.morphometry.frames import images_frame
from core.morphometry.measures import Measure
from core.morphometry.summary import ImageSummary, overall
from core.morphometry.words import three_digits

DRAWN: Final = 3000
"""Dots of a figure; of more objects so many are drawn, evenly over their order of size."""

_COLUMNS: Final = 12
"""Columns of images beside each other; more become one column."""

_WIDTH: Final = 0.7
_GOLDEN: Final = 0.6180339887498949
_SYMBOLS: Final = ("circle", "square", "diamond", "triangle-up", "x")


def object_dots(
    rows: Sequence[ImageSummary], measure: Measure, color: str, *, physical: bool, logarithmic: bool = False
) -> DrawnFigure:
    """A column per specimen, or per image where there is no more than one specimen.

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

    Returns
    -------
    DrawnFigure
        Marks of images carry the image's id as ``customdata``. The table has a row per image.
    """
    columns = _columns([row for row in rows if len(row.values)])
    share = min(1.0, DRAWN / max(sum(len(row.values) for row in rows), 1))
    unit = measure.unit(physical=physical)
    figure = go.Figure()
    for place, members in enumerate(columns.values()):
        figure.add_trace(_dots(members, place, color, share, logarithmic=logarithmic))
    for place, members in enumerate(columns.values()):
        figure.add_trace(_marks(members, place, unit))
        figure.add_trace(_mean(members, place, unit))
    ticks = [_tick(name, members) for name, members in columns.items()]
    figure.update_xaxes(tickvals=list(range(len(ticks))), ticktext=ticks, range=[-0.6, max(len(ticks), 1) - 0.4])
    styled(figure, showlegend=False)
    figure.update_xaxes(showgrid=False)
    figure.update_yaxes(title=as_text(measure.heading(physical=physical)))
    figure.update_yaxes(**({"type": "log", "exponentformat": "power"} if logarithmic else {"rangemode": "tozero"}))
    return DrawnFigure(figure, images_frame(rows, measure, physical=physical))


def _columns(rows: Sequence[ImageSummary]) -> dict[str, list[ImageSummary]]:
    """What stands beside each other: specimens, else images, else everything."""
    specimens = {row.image.specimen for row in rows}
    columns: dict[str, list[ImageSummary]] = {}
    for row in rows:
        if len(specimens) > 1:
            name = row.image.specimen or "specimen not recorded"
        else:
            name = row.image.name if len(rows) <= _COLUMNS else "all images"
        columns.setdefault(name, []).append(row)
    return columns


def _tick(name: str, rows: Sequence[ImageSummary]) -> str:
    objects = sum(len(row.values) for row in rows)
    images = f" in {len(rows)} images" if len(rows) > 1 else ""
    return f"{as_text(name)}<br>n = {objects:,}{images}"


def _dots(rows: Sequence[ImageSummary], place: int, color: str, share: float, *, logarithmic: bool) -> go.Scatter:
    """The objects, spread sideways the same way every time."""
    values = np.sort(np.concatenate([row.values for row in rows]))
    if logarithmic:
        values = values[values > 0]
    values = _thinned(values, share)
    aside = (np.arange(len(values)) * _GOLDEN % 1 - 0.5) * _WIDTH
    return go.Scatter(
        x=(place + aside).tolist(),
        y=values.tolist(),
        mode="markers",
        marker={"size": 5, "color": translucent(color, 0.6)},
        hoverinfo="skip",
    )


def _thinned(values: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """A share of sorted values, evenly over them, the least and the greatest among them."""
    if share >= 1 or len(values) < 3:
        return values
    count = max(round(len(values) * share), 2)
    return np.asarray(values[np.linspace(0, len(values) - 1, count).round().astype(int)])


def _marks(rows: Sequence[ImageSummary], place: int, unit: str) -> go.Scatter:
    """The mean of each image."""
    width = _WIDTH * 0.55
    aside = np.linspace(-width / 2, width / 2, len(rows)) if len(rows) > 1 else np.zeros(1)
    return go.Scatter(
        x=(place + aside).tolist(),
        y=[row.mean for row in rows],
        mode="markers",
        marker={
            "size": 11,
            "color": [SERIES[number % len(SERIES)] for number in range(len(rows))],
            "symbol": [_SYMBOLS[number % len(_SYMBOLS)] for number in range(len(rows))],
            "line": {"color": "white", "width": 1.4},
        },
        customdata=[row.image.image_id for row in rows],
        hovertext=[
            f"{as_text(row.image.name)}<br>mean {three_digits(row.mean, unit)}, median {three_digits(row.median, unit)}"
            f"<br>n = {len(row.values):,}"
            for row in rows
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _mean(rows: Sequence[ImageSummary], place: int, unit: str) -> go.Scatter:
    """The mean of the images' means, with its interval where there is one."""
    found = overall(rows)
    both = not (math.isnan(found.low) or math.isnan(found.high))
    interval = f"<br>95% interval {three_digits(found.low, unit)} to {three_digits(found.high, unit)}" if both else ""
    told = f"mean over {found.images} image{'s' if found.images != 1 else ''}: {three_digits(found.mean, unit)}"
    return go.Scatter(
        x=[place - _WIDTH / 2, place, place + _WIDTH / 2],
        y=[found.mean] * 3,
        mode="lines",
        line={"color": MUTED, "width": 3},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [0.0, found.high - found.mean if both else 0.0, 0.0],
            "arrayminus": [0.0, found.mean - found.low if both else 0.0, 0.0],
            "color": MUTED,
            "thickness": 2,
            "width": 7,
        },
        hovertext=[told + interval] * 3,
        hovertemplate="%{hovertext}<extra></extra>",
    )
