"""The sample sheet: what a spreadsheet knows of many images, looked at before it is taken over."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.access.roles import Permission
from core.curation.sample_sheet import SheetPlan, apply_sheet, plan_sheet, sheet_of
from core.datasets.image_facts import FACTS
from core.datasets.sample_sheet import COLUMNS
from core.errors import CristaeError
from core.imaging.image import PixelSize
from core.spreadsheets import CSV_TYPE, spreadsheet
from core.wording import counted, some_of
from ui import context
from ui.errors import plain, show_cristae_error
from ui.parts.dialog_rights import asks
from ui.parts.kept_dialog import close_dialog, forget_dialog, kept_dialog, opening
from ui.parts.pixel_size_change import plan_sizes, show_consequences
from ui.person import person
from ui.state import StateKey

_EXAMPLE = "image\tspecimen\tcondition\nliver_01.tif\tmouse 1\tcontrol\nliver_02.tif\tmouse 2\ttreated"
_TITLES = {
    **{name: fact.title for name, fact in FACTS.items()},
    "stack": "Stack",
    "split": "Split",
    "pixel_size": "Pixel size (nm)",
}


@kept_dialog("sample sheet")
@st.dialog("Sample sheet", width="large", on_dismiss=forget_dialog)
@asks(Permission.MANAGE, lambda project_id: [project_id])
def sample_sheet(project_id: str) -> None:
    """`sheet_panel` on top of the page; what was pasted stays when a job ends behind it."""
    sheet_panel(project_id)


def sheet_panel(project_id: str) -> None:
    """Paste or drop the sheet, see what it would change, change it."""
    images = context.store().images.all(project_id)
    st.markdown(
        f"Set {', '.join(fact.title.lower() for fact in FACTS.values())}, split, stack and pixel size of many images "
        f"at once from a spreadsheet. The first row contains the column names: **image**, and any of {_columns()}. "
        "With **specimen** and **condition** alone, the sheet sets the condition of "
        "every specimen. Empty cells change nothing."
    )
    st.download_button(
        "Download current values, CSV",
        lambda: spreadsheet(sheet_of(images)),
        file_name="sample_sheet.csv",
        mime=CSV_TYPE,
        icon=":material/download:",
        key="data-sheet-now",
        on_click="ignore",
        help="Edit the file and drop it below.",
    )
    pasted = st.text_area(
        "Paste cells from a spreadsheet", placeholder=_EXAMPLE, key=f"data-sheet-text-{opening()}", height=140
    )
    dropped = st.file_uploader(
        "Or drop a file: CSV or tab-separated text", ["csv", "tsv", "txt"], key=f"data-sheet-{opening()}"
    )
    content = dropped.getvalue() if dropped is not None else pasted
    if not content.strip():
        return
    try:
        plan = plan_sheet(content, images)
    except CristaeError as error:
        show_cristae_error(error)
        return
    _told(plan)
    show_consequences(plan_sizes(plan.sizes))
    if plan.changes and st.button(
        f"Change {counted(len(plan.changes), 'image')}", type="primary", icon=":material/check:", key="data-sheet-apply"
    ):
        try:
            apply_sheet(context.store(), plan, by=person())
        except CristaeError as error:
            show_cristae_error(error)
            return
        st.session_state.pop(StateKey.TRIALS, None)
        st.session_state[StateKey.TABLE_VERSION] = st.session_state.get(StateKey.TABLE_VERSION, 0) + 1
        close_dialog()


def _columns() -> str:
    """The columns that say something of an image, in bold."""
    return ", ".join(f"**{name}**" for name in COLUMNS if name not in ("image", "image_id"))


def changes_table(plan: SheetPlan) -> pd.DataFrame:
    """A row per image and field: what is there and what would be."""
    rows = [
        (change.image.name, _TITLES[name], _plain(getattr(change.image, name)), _plain(value))
        for change in plan.changes
        for name, value in change.fields.items()
        if name in _TITLES
    ]
    return pd.DataFrame(rows, columns=["Image", "Field", "Current", "New"])


def _told(plan: SheetPlan) -> None:
    """What would change, and what in the sheet means nothing here."""
    if plan.strays:
        text = f"{counted(len(plan.strays), 'name')} of the sheet not found in this project: {some_of(plan.strays)}."
        st.warning(plain(text), icon=":material/link_off:")
    if plan.unclear:
        text = f"Several images are named {some_of(plan.unclear)} and are not changed. "
        st.warning(
            plain(text) + "Rename the images in the table, or edit the downloaded sheet, which identifies images "
            "by id.",
            icon=":material/file_copy:",
        )
    if plan.ignored:
        st.caption(plain(f"Ignored columns: {some_of(plan.ignored)}."))
    if plan.same:
        st.caption(f"{counted(plan.same, 'image')} already up to date.")
    if not plan.changes:
        st.info("No changes.", icon=":material/done_all:")
        return
    frame = changes_table(plan)
    st.dataframe(frame, hide_index=True, placeholder="–", width="stretch", height=min(38 + 35 * len(frame), 300))


def _plain(value: Any) -> str:
    """A field as text; "" for nothing."""
    if isinstance(value, PixelSize):
        return "" if value.nm is None else f"{value.nm:.8g}"
    return str(value)


def sheet_button(project_id: str) -> None:
    """Opens it."""
    if st.button(
        "Sample sheet",
        icon=":material/table_view:",
        key="data-sheet-open",
        help="Set specimens, conditions and pixel sizes of many images from a spreadsheet.",
    ):
        sample_sheet(project_id)
