"""The objects of one image: a table, and where each of them is."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
import streamlit as st

from core.measurements.start import Measured
from core.morphometry.measures import measures_of
from core.morphometry.objects import ObjectTable
from core.wording import counted
from ui.address import kept_in_address
from ui.errors import plain
from ui.measure.figures import Chosen
from ui.parts.columns import picked_row
from ui.parts.options import choice
from ui.parts.units import AREA_FORMAT
from ui.state import Query
from ui.viewer.compare import PaneKind, linked_panes
from ui.viewer.place import Place

HEIGHT_PX: Final = 560

PANEL_PX: Final = 370
"""The list of objects; below the panes where both do not fit beside each other."""

LISTED: Final = 2000
"""Rows of the table; of more objects the largest figures are listed."""

_ALSO: Final = ("area", "length", "aspect_ratio")
"""Listed beside the chosen measure."""

_AROUND_PX: Final = 3


def objects_panel(found: Measured, chosen: Chosen) -> None:
    """Choice of the image, its objects, the viewer."""
    by_id = {row.image.image_id: row for row in chosen.rows}
    first = max(chosen.rows, key=lambda row: len(row.values)).image.image_id
    words = {i: f"{row.image.name} · {counted(len(row.values), 'object')} measured" for i, row in by_id.items()}
    with st.container(border=True):
        changed = kept_in_address(Query.IMAGE, "measure-image", by_id, first)
        image_id = choice("Image", words, key="measure-image", on_change=changed)
        table = by_id[image_id].image.table
        kept = np.flatnonzero(chosen.selection.chosen(table))
        figures = chosen.measure.of(table, physical=chosen.selection.physical)[kept]
        order = kept[np.argsort(np.where(np.isfinite(figures), -figures, np.inf), kind="stable")][:LISTED]
        with st.container(horizontal=True, gap="medium"):
            picture, listed = (
                st.container(width="stretch", key="measure-picture"),
                st.container(width=PANEL_PX, key="measure-side"),
            )
        with listed:
            focus = _list(table, order, len(kept), found.revisions[image_id], chosen)
        with picture:
            linked_panes(
                image_id,
                reference_id=None,
                prediction_id=found.revisions[image_id],
                classes=chosen.scheme.classes,
                panes=(PaneKind.IMAGE, PaneKind.PREDICTION),
                focus=focus,
                key=f"measure-panes-{found.revisions[image_id]}",
                height=HEIGHT_PX,
                remember_as="measure",
                names=("Reference", "Labels"),
            )


def objects_table(table: ObjectTable, order: np.ndarray[Any, np.dtype[np.int64]], chosen: Chosen) -> pd.DataFrame:
    """A row per object in the given order: the chosen measure first, then what else one asks of an object.

    Parameters
    ----------
    table
        Of the image.
    order
        Places of the objects in it.
    chosen
        Class, measure and units.
    """
    physical = chosen.selection.physical
    class_id = chosen.selection.class_id
    measures = measures_of(chosen.scheme, class_id, by_id=class_id in table.classes_by_id)
    by_name = {measure.name: measure for measure in (chosen.measure, *measures)}
    shown = dict.fromkeys([chosen.measure.name, *_ALSO])
    frame = {
        by_name[name].heading(physical=physical): by_name[name].of(table, physical=physical)[order] for name in shown
    }
    return pd.DataFrame({**frame, "Cut off": table.cut[order]})


def _list(
    table: ObjectTable, order: np.ndarray[Any, np.dtype[np.int64]], count: int, revision_id: str, chosen: Chosen
) -> Place | None:
    """The table; the object that was clicked."""
    name = chosen.scheme.name_of(chosen.selection.class_id)
    if not count:
        st.info(plain(f"No {name} in this image with the settings above."), icon=":material/filter_alt_off:")
        return None
    frame = objects_table(table, order, chosen)
    numbers = [column for column in frame.columns if column != "Cut off"]
    config = {
        column: st.column_config.NumberColumn(format=AREA_FORMAT, width=78 if place else 112)
        for place, column in enumerate(numbers)
    }
    picked = st.dataframe(
        frame if not chosen.selection.whole_only else frame.drop(columns="Cut off"),
        key=f"measure-objects-{revision_id}-{chosen.selection}-{chosen.measure.name}",
        hide_index=True,
        placeholder="–",
        width="stretch",
        height=min(38 + 35 * len(frame), HEIGHT_PX - 44),
        column_config=config,
        on_select="rerun",
        selection_mode="single-cell",
    )
    more = f" The first {len(order):,} of {count:,} are listed; the CSV contains all." if count > len(order) else ""
    st.caption(
        f"{counted(count, 'object')}, largest {plain(chosen.measure.words)} first. Click one to jump to it.{more}"
    )
    index = picked_row(picked["selection"])
    if index is None or index >= len(order):
        return None
    return _place(table, int(order[index]), revision_id)


def _place(table: ObjectTable, index: int, revision_id: str) -> Place:
    """The object, with a little around it so that its outline is seen."""
    top, left, bottom, right = (int(side[index]) for side in (table.top, table.left, table.bottom, table.right))
    rows, columns = table.shape_yx
    first_row, first_column = max(top - _AROUND_PX, 0), max(left - _AROUND_PX, 0)
    height = min(bottom + _AROUND_PX, rows) - first_row
    width = min(right + _AROUND_PX, columns) - first_column
    return Place(first_row, first_column, height, width, f"{revision_id}-{index}-{top}-{left}")
