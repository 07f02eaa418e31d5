"""The coverage table beside the viewer, and what can be taken away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from core.exports.heavy import heavy_label_map
from core.exports.label_maps import DEFAULT_OVERLAY_PX, MAX_OVERLAY_PX
from core.exports.start import start_file
from core.labels.numbering import CountedBy
from core.morphometry.coverage import SMALL_PX, area_um2
from core.morphometry.doubts import interval_of
from core.predictions.cleaning import cleaning_of
from core.predictions.verdicts import verdict_on
from core.store.label_maps import coverage_of, label_classes
from core.store.records import ImageRecord, RevisionRecord
from ui import context
from ui.errors import plain
from ui.parts.familiarity import struck
from ui.parts.kept_files import prepare_button
from ui.parts.units import AREA_FORMAT
from ui.person import person
from ui.state import StateKey

_DOWNLOADS: Final = (
    ("labels.tif", "Label map, TIFF", ":material/layers:"),
    ("labels.png", "Label map, PNG", ":material/image:"),
    ("objects.tif", "Object ids, TIFF", ":material/tag:"),
    ("overlay.png", "Overlay image", ":material/photo_library:"),
    ("coverage.csv", "Table, CSV", ":material/table:"),
    ("ome-zarr.zip", "OME-Zarr, zip", ":material/folder_zip:"),
)


def coverage_panel(image: ImageRecord, revision: RevisionRecord) -> None:
    """Table of classes; choosing a row draws that class alone."""
    scheme, rows = label_classes(context.store(), revision), coverage_of(context.store(), revision)
    known = image.pixel_size.nm is not None
    table = pd.DataFrame(
        {
            "swatch": ["" if row["class_id"] == 0 else "\u25a0" for row in rows],
            "class": [row["name"] for row in rows],
            "share": [None if row["fraction"] is None else 100 * row["fraction"] for row in rows],
            "area": [area_um2(row["pixels"], image.pixel_size.nm) for row in rows],
            "objects": pd.array([row["objects"] for row in rows], dtype="Int64"),
            "interval": [_interval(row) for row in rows],
            "pixels": [row["pixels"] for row in rows],
        }
    )
    distrusted = verdict_on(context.store(), revision).distrusted
    if distrusted:
        table = _struck(table)
    columns: dict[str, Any] = {
        "swatch": st.column_config.TextColumn("", width=24),
        "class": st.column_config.TextColumn("Class", width=112),
        "share": st.column_config.NumberColumn("%", format="%.2f", width=58, help="Share of the image pixels"),
        "area": st.column_config.NumberColumn("µm²", format=AREA_FORMAT, width=72) if known else None,
        "objects": st.column_config.NumberColumn(
            "Objects",
            format="localized",
            width=66,
            help=f"Connected regions of the masks (corners connect){_by_id_words(rows)}",
        ),
        "interval": st.column_config.TextColumn(
            "Interval",
            width=76,
            help="95 % interval of the number of objects, from questions “one or two?” that nobody has answered. "
            "Answer them on the Correct page.",
        )
        if any(table["interval"])
        else None,
        # Beside the viewer there is room for one of the two; the table that is downloaded has the pixels.
        "pixels": st.column_config.NumberColumn("Pixels", format="localized", width=96)
        if not (known and any(table["interval"]))
        else None,
    }
    if distrusted:
        reason = "Struck through: the model has probably never seen tissue like this"
        for name, title, width in (
            ("share", "%", 58),
            ("area", "µm²", 72),
            ("objects", "Objects", 66),
            ("pixels", "Pixels", 96),
        ):
            if columns[name] is not None:
                columns[name] = st.column_config.TextColumn(title, width=width, help=reason)
    colors = [f"color: {scheme[row['class_id']].color}" if row["class_id"] else "" for row in rows]
    chosen = st.dataframe(
        table.style.apply(lambda _: colors, subset=["swatch"]),
        column_config=columns,
        hide_index=True,
        placeholder="–",
        on_select="rerun",
        selection_mode="single-row",
        key=f"coverage-{revision.id}",
    )
    picked = [rows[index]["class_id"] for index in chosen["selection"]["rows"] if rows[index]["class_id"] != 0]
    st.session_state[StateKey.ISOLATED_CLASS] = picked[0] if picked else None
    st.caption("Select a row to show only that class." + ("" if known else " Areas need a pixel size."))
    by_id = [row["name"] for row in rows if row.get("counted_by") == CountedBy.IDS]
    if by_id:
        st.caption(plain(f"Objects separated by ids: {', '.join(by_id)}."))
    if not any(row.smallest_px for row in cleaning_of(revision)):
        pieces = "other connected region" if by_id else "connected region"
        st.caption(f"Every {pieces} counts as an object{_small_words(rows)}.")


def _struck(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its figures struck through, for an image that the model does not know."""
    formats = {"share": "{:.2f}", "area": "{:.3g}", "objects": "{:,.0f}", "pixels": "{:,.0f}"}
    shown = table.copy()
    for name, form in formats.items():
        shown[name] = [None if pd.isna(value) else struck(form.format(value)) for value in table[name]]
    return shown


def _interval(row: Mapping[str, Any]) -> str:
    """The interval of a number of objects, "" where nothing is in doubt."""
    interval = interval_of(row)
    return "" if interval is None else f"[{interval.low:,}, {interval.high:,}]"


def _by_id_words(rows: Sequence[Mapping[str, Any]]) -> str:
    """What else an object can be, where ids tell some apart."""
    return ", or objects separated by ids" if any(row.get("counted_by") == CountedBy.IDS for row in rows) else ""


def _small_words(rows: Sequence[Mapping[str, Any]]) -> str:
    """How many pieces are specks; nothing where it was not measured."""
    small = sum(row.get("small_objects") or 0 for row in rows)
    return f": {small:,} of {sum(row['objects'] or 0 for row in rows):,} have fewer than {SMALL_PX} px" if small else ""


def downloads_panel(image: ImageRecord, revision: RevisionRecord) -> None:
    """Links to the files, made on demand by our own route; of a large image as a job."""
    with st.popover("Downloads", icon=":material/download:", width="stretch"):
        has_ids = any(row.get("counted_by") == CountedBy.IDS for row in revision.coverage)
        for what, label, icon in _DOWNLOADS:
            if what == "objects.tif" and not has_ids:
                continue
            if heavy_label_map(image, what, {}):
                ask = partial(start_file, context.store(), "revision", revision.id, what, {}, by=person())
                prepare_button(f"Prepare: {label}", ask, slot=f"{revision.id}-{what}")
            else:
                st.link_button(label, download_address(revision.id, what), icon=icon, width="stretch", type="tertiary")
        full: dict[str, str] = {"max_px": str(MAX_OVERLAY_PX)}
        if max(image.shape_yx) > DEFAULT_OVERLAY_PX:
            ask = partial(start_file, context.store(), "revision", revision.id, "overlay.png", full, by=person())
            prepare_button("Prepare: Overlay at full size", ask, slot=f"{revision.id}-full")


def download_address(revision_id: str, what: str, **options: str) -> str:
    """Address of a download on our own server."""
    query = f"?{urlencode(options)}" if options else ""
    return f"api/revisions/{revision_id}/download/{what}{query}"
