"""The tables of specimens and conditions: what a mean and a test count as one, with n, SD and SEM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from core.morphometry.measures import Measure
from core.morphometry.specimens import conditions_frame, specimens_frame
from core.morphometry.summary import ImageSummary, Selection
from core.spreadsheets import CSV_TYPE, spreadsheet
from ui.address import kept_in_address
from ui.parts.units import AREA_FORMAT
from ui.state import Query

IMAGES: Final = "Images"
_SPECIMENS: Final = "Specimens"
_CONDITIONS: Final = "Conditions"


def rows_choice() -> str:
    """What a row of the table is; the choice is kept in the address."""
    names = (IMAGES, _SPECIMENS, _CONDITIONS)
    changed = kept_in_address(Query.ROWS, "measure-rows", names, IMAGES)
    chosen = st.segmented_control(
        "Table of", names, key="measure-rows", on_change=changed, required=True, label_visibility="collapsed"
    )
    return str(chosen or IMAGES)


def units_table(rows: Sequence[ImageSummary], measure: Measure, selection: Selection, shown: str) -> None:
    """A row per specimen (else stack, else image), or per condition, and the file of them."""
    make = conditions_frame if shown == _CONDITIONS else specimens_frame
    frame = make(rows, measure, physical=selection.physical)
    st.dataframe(
        frame,
        key=f"measure-{shown.lower()}",
        hide_index=True,
        placeholder="–",
        width="stretch",
        height=min(38 + 35 * len(frame), 320),
        column_config=_columns(frame, measure, selection),
    )
    st.download_button(
        f"These {shown.lower()}, CSV",
        lambda: spreadsheet(frame),
        file_name=f"{shown.lower()}_{measure.name}.csv",
        mime=CSV_TYPE,
        icon=":material/download:",
        key=f"measure-{shown.lower()}-csv",
        on_click="ignore",
    )


def _columns(frame: pd.DataFrame, measure: Measure, selection: Selection) -> dict[str, ColumnConfig | None]:
    """Heads, units and what they mean."""
    name, unit = measure.column(physical=selection.physical), measure.unit(physical=selection.physical)
    suffix = f", {unit}" if unit else ""
    numbers, text = st.column_config.NumberColumn, st.column_config.TextColumn
    one = "specimen" not in frame
    return {
        "condition": text("Condition") if any(frame["condition"]) else None,
        "specimen": text("Specimen", width="medium"),
        "counts_as": text("Counts as", help="What a mean is over: specimens where they are recorded"),
        "units": numbers("n", format="localized", help="Specimens (or stacks or images) with a mean"),
        "images": numbers("Images", format="localized"),
        "objects": numbers("Objects", format="localized", help="Of the smallest size or larger, also cut-off ones"),
        "measured": numbers("Measured", format="localized", help="Objects behind the mean"),
        f"{name}_mean": numbers(f"Mean{suffix}", format=AREA_FORMAT),
        f"{name}_sd": numbers(
            f"SD{suffix}", format=AREA_FORMAT,
            help="Standard deviation of the specimens' means" if one else "Standard deviation of the images' means",
        ),
        f"{name}_sem": numbers(f"SEM{suffix}", format=AREA_FORMAT, help="Standard error of the mean: SD / √n"),
        f"{name}_low": numbers("95 % from", format=AREA_FORMAT, help="t interval over specimens, on the log scale"),
        f"{name}_high": numbers("to", format=AREA_FORMAT),
        "objects_per_100_um2": numbers("Per 100 µm²", format=AREA_FORMAT) if selection.physical else None,
        "area_percent": numbers("% of area", format="%.2f"),
    }  # fmt: skip
