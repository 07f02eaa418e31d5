"""A figure and the numbers in it."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go


@dataclass(frozen=True, slots=True, eq=False)
class DrawnFigure:
    """What a figure function gives.

    Parameters
    ----------
    figure
        To be drawn by Plotly; transparent, dark text, so that it prints as it is. Where it has
        ``layout.meta["least_width_px"]``, its numbers run into each other below that width: scroll it instead.
    table
        One row per bar, cell or point: what the figure shows, in plain numbers with units in the column names.
    """

    figure: go.Figure
    table: pd.DataFrame
