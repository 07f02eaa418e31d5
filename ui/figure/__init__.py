"""`figure`: a Plotly figure in the page's theme, with its PNG, its SVG and its numbers to take away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import streamlit as st

from core.cache import MB, remembered
from core.figures.drawn import DrawnFigure
from core.spreadsheets import frame_csv
from ui.viewer.assets import BUNDLES, asset_url, module_shim

DEFAULT_HEIGHT_PX: Final = 380


@dataclass(frozen=True, slots=True)
class FigureState:
    """What happened in the figure since the last run.

    Parameters
    ----------
    clicked
        The ``customdata`` of the point that was clicked, for example an image's name; None in a run with another cause.
    """

    clicked: str | None = None


def figure(drawn: DrawnFigure, *, name: str, key: str, height: int = DEFAULT_HEIGHT_PX) -> FigureState:
    """Show a figure, with buttons for PNG, SVG and CSV.

    The picture files have dark text on white, whatever theme the page has; the PNG has three pixels for each on screen.

    Parameters
    ----------
    drawn
        Transparent, as `core.figures` makes them, with the numbers for the CSV. Written out once as long as it is the
        same object, so a page that reruns often should keep it.
    name
        Of the files, without ending.
    key
        Names the figure on its page.
    height
        In CSS pixels, without the buttons.

    Returns
    -------
    FigureState
        What the user did since the last run.
    """
    result = _component()(
        key=key,
        data={
            **_written(drawn),
            "name": name,
            "height": height,
            "plotly": asset_url("plotly", "plotly.min.js"),
        },
        on_clicked_change=_nothing,
    )
    clicked = result.get("clicked")
    return FigureState(str(clicked) if clicked is not None else None)


@remembered("written figures", "figures as the browser takes them", limit_bytes=64 * MB)
def _written(drawn: DrawnFigure) -> dict[str, str]:
    """A figure as the browser takes it, and its numbers."""
    return {"figure": drawn.figure.to_json(), "csv": frame_csv(drawn.table)}


@lru_cache(maxsize=1)
def _component() -> Callable[..., Any]:
    """The component, registered once per process."""
    return st.components.v2.component(
        "cristae_figure",
        html='<div class="figure-host"></div>',
        css=(BUNDLES["figure"] / "figure.css").read_text(encoding="utf-8"),
        js=module_shim("figure", "entry.js"),
        isolate_styles=False,
    )


def _nothing() -> None:
    """Declare a trigger that nobody listens to before the rerun."""
