"""The table of a project's images: filtered, edited in place, deleted and restored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd
import streamlit as st

from core.curation.images import change_image, trash_images
from core.datasets.image_facts import FACTS, facts_of
from core.datasets.leakage import straddling
from core.store.records import ImageRecord, ProjectRecord, RevisionKind, Split
from core.store.store import Store
from core.wording import counted
from ui import context
from ui.data.sheet import sheet_button
from ui.data.splits import straddle_warning
from ui.errors import show_error
from ui.pages import SEGMENT_PAGE
from ui.parts.gallery import thumbnail_address
from ui.parts.image_actions import image_actions
from ui.parts.image_split import split_popover
from ui.parts.pixel_size_change import use_pixel_sizes
from ui.parts.pixel_size_field import UNITS, size_cell, sortable_size_cell, typed_size
from ui.parts.scale_of_images import scale_of_images
from ui.parts.takeaway import takeaway_button
from ui.parts.trash import trash_popover, undo_bar
from ui.parts.units import shape_cell
from ui.person import person
from ui.state import Query, StateKey
from ui.viewer.assets import app_root

PAGE_ROWS: Final = 100
"""Images on one page of the table; a browser draws as many thumbnails at once."""

_KINDS: Final = {
    RevisionKind.REFERENCE: "reference",
    RevisionKind.CORRECTION: "correction",
    RevisionKind.PREDICTION: "prediction",
}
_FACT_COLUMNS: Final = {name: fact.title for name, fact in FACTS.items()}
_EDITED: Final = ("Name", "Pixel size", *_FACT_COLUMNS.values(), "Stack", "Split")


def table_panel(project: ProjectRecord, *, may_change: bool = True) -> None:
    """Filters, warnings, table, and what can be done with the selected images."""
    store = context.store()
    images = store.images.all(project.id)
    if may_change:
        undo_bar()
    if not images:
        st.info("No images yet. Add some above: drop files, or enter a folder.", icon=":material/add_photo_alternate:")
        if may_change:
            trash_popover(project.id)
        return
    straddle_warning(straddling(images))
    fitting = _filtered(images, project.id, may_change)
    shown = _one_page(fitting)
    table = rows(shown, store.revisions.kinds_of_project(project.id))
    version = st.session_state.get(StateKey.TABLE_VERSION, 0)
    edited = st.data_editor(
        table,
        key=f"data-table-{version}-{abs(hash(tuple(image.id for image in shown)))}",
        hide_index=True,
        placeholder="–",
        width="stretch",
        height=min(38 + 56 * max(len(shown), 1), 680),
        row_height=56,
        column_order=[name for name in table.columns if name != "z" or table["z"].notna().any()],
        disabled=[name for name in table.columns if name not in (*_EDITED, "Select")] if may_change else True,
        column_config={
            "Select": st.column_config.CheckboxColumn("", width="small", pinned=True),
            "Picture": st.column_config.ImageColumn("", width="small"),
            "Name": st.column_config.TextColumn(required=True),
            "Size": st.column_config.TextColumn(alignment="right"),
            "Pixel size": st.column_config.TextColumn("Pixel size (nm)", alignment="right", help=UNITS),
            **{fact.title: st.column_config.TextColumn(help=fact.help or None) for fact in FACTS.values()},
            "z": st.column_config.NumberColumn(help="Position in the stack, counted from 0."),
            "Split": st.column_config.SelectboxColumn(options=list(Split), required=True),
        },
    )
    if not may_change:
        takeaway_button(_takeaway_label(fitting), project.id, [image.id for image in fitting], key="data-takeaway")
        st.caption("Only admins of the project can change names, splits and pixel sizes, and delete images.")
        return
    records = [{str(name): value for name, value in row.items()} for row in edited.to_dict("records")]
    saved, (sizes, refused) = save_edits(store, shown, records, by=person()), typed_sizes(shown, records)
    for cause, remedy in refused:
        show_error(cause, remedy)
    if not refused and (saved or sizes):
        st.session_state[StateKey.TABLE_VERSION] = version + 1
        if sizes:
            use_pixel_sizes(sizes, model_id=None)
        st.rerun()
    _actions(project, [image for image, row in zip(shown, records, strict=True) if row["Select"]], fitting)


def rows(images: Sequence[ImageRecord], kinds: Mapping[str, frozenset[RevisionKind]]) -> pd.DataFrame:
    """The table as shown.

    Parameters
    ----------
    images
        One row each.
    kinds
        Which label maps each has, by id.
    """
    columns = [
        "Select",
        "Picture",
        "Name",
        "Size",
        "Pixel size",
        "From",
        *_FACT_COLUMNS.values(),
        "Stack",
        "z",
        "Split",
        "Labels",
    ]
    values = [
        {
            "Select": False,
            "Picture": f"{app_root()}{thumbnail_address(image)}",
            "Name": image.name,
            "Size": shape_cell(image.shape_yx),
            "Pixel size": sortable_size_cell(image.pixel_size.nm),
            "From": image.pixel_size.detail if image.pixel_size.nm is not None else "unknown",
            **{_FACT_COLUMNS[name]: text for name, text in facts_of(image).items()},
            "Stack": image.stack,
            "z": image.z_index,
            "Split": str(image.split),
            "Labels": ", ".join(word for kind, word in _KINDS.items() if kind in kinds.get(image.id, ())) or "none",
        }
        for image in images
    ]
    return pd.DataFrame(values, columns=columns).astype({"z": "Int64"})


def save_edits(store: Store, images: Sequence[ImageRecord], records: Sequence[Mapping[str, Any]], *, by: str) -> int:
    """Write what differs from the images, but for pixel sizes (`typed_sizes`). Returns how many images were changed.

    Parameters
    ----------
    store
        Where they are.
    images, records
        In the same order; records as edited.
    by
        Who edits.
    """
    changed = 0
    for image, row in zip(images, records, strict=True):
        changes: dict[str, Any] = {}
        texts = {"name": image.name, **facts_of(image), "stack": image.stack, "split": str(image.split)}
        for field, old in texts.items():
            value = row[_FACT_COLUMNS.get(field, field.capitalize())]
            new = "" if value is None or pd.isna(value) else str(value).strip()
            if new != old and (new or field in (*FACTS, "stack")):
                changes[field] = new
        if "stack" in changes:
            changes["z_index"] = image.z_index
        if changes:
            change_image(store, image.id, by=by, **changes)
            changed += 1
    return changed


def typed_sizes(
    images: Sequence[ImageRecord], records: Sequence[Mapping[str, Any]]
) -> tuple[dict[float, list[str]], list[tuple[str, str]]]:
    """Pixel sizes that somebody typed into the table, and cells that hold no size.

    Parameters
    ----------
    images, records
        As of `save_edits`.

    Returns
    -------
    dict, list
        Sizes in nm that differ from the images', each with the ids of the images that get it; cause and remedy of each
        cell that is refused.
    """
    sizes: dict[float, list[str]] = {}
    refused = []
    for image, row in zip(images, records, strict=True):
        size = typed_size(row["Pixel size"])
        if size.refused:
            refused.append((f"{image.name}: {size.cause}", size.remedy))
        elif size.nm is not None and size_cell(size.nm) != size_cell(image.pixel_size.nm):
            sizes.setdefault(size.nm, []).append(image.id)
    return sizes, refused


def matching(
    images: Sequence[ImageRecord], *, text: str = "", splits: Sequence[str] = (), specimens: Sequence[str] = ()
) -> list[ImageRecord]:
    """The images that fit all filters; an empty filter lets everything through."""
    wanted = text.casefold().strip()
    return [
        image
        for image in images
        if (not wanted or wanted in " ".join((image.name, *facts_of(image).values(), image.stack)).casefold())
        and (not splits or image.split in splits)
        and (not specimens or image.specimen in specimens)
    ]


def _filtered(images: Sequence[ImageRecord], project_id: str, may_change: bool) -> list[ImageRecord]:
    """The filters, and what they leave."""
    with st.container(key="data-filters"):
        text, split, specimen, trash = st.columns([3, 2, 2, 1], vertical_alignment="bottom")
    words = text.text_input(
        "Search", placeholder=f"name, {_facts_in_words()} or stack", key="data-find", icon=":material/search:"
    )
    splits = split.pills("Split", list(Split), selection_mode="multi", key="data-filter-split")
    specimens = sorted({image.specimen for image in images if image.specimen})
    chosen = specimen.multiselect("Specimen", specimens, placeholder="all", key=f"data-filter-specimen-{project_id}")
    if may_change:
        with trash:
            trash_popover(project_id)
    shown = matching(images, text=words, splits=splits, specimens=chosen)
    what = counted(len(images), "image") if len(shown) == len(images) else f"{len(shown)} of {len(images)} images"
    how = (
        f" Double-click a name, pixel size, {_facts_in_words()}, stack or split to edit it. Changes are saved "
        "immediately."
    )
    st.caption(f"{what}.{how if may_change else ''}")
    return shown


def _facts_in_words() -> str:
    return ", ".join(title.lower() for title in _FACT_COLUMNS.values())


def _one_page(images: list[ImageRecord]) -> list[ImageRecord]:
    """One page of many images."""
    if len(images) <= PAGE_ROWS:
        return images
    pages = -(-len(images) // PAGE_ROWS)
    page = st.pagination(pages, key=f"data-page-{pages}")
    return images[(page - 1) * PAGE_ROWS : page * PAGE_ROWS]


def _takeaway_label(images: Sequence[ImageRecord]) -> str:
    return f"Export {counted(len(images), 'image')}"


def _actions(project: ProjectRecord, selected: Sequence[ImageRecord], fitting: Sequence[ImageRecord]) -> None:
    """Buttons for the selected images; with none selected all that fit the filters, on every page, are taken away."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Open in Segment", icon=":material/blur_on:", disabled=len(selected) != 1):
            st.switch_page(SEGMENT_PAGE, query_params={Query.IMAGE.value: selected[0].id})
        if st.button(
            f"Delete {counted(len(selected), 'image')}" if selected else "Delete",
            icon=":material/delete:",
            disabled=not selected,
        ):
            ids = [image.id for image in selected]
            trash_images(context.store(), ids, by=person())
            st.session_state[StateKey.LAST_TRASHED] = ids
            st.session_state[StateKey.TABLE_VERSION] = st.session_state.get(StateKey.TABLE_VERSION, 0) + 1
            st.rerun()
        image_actions(selected, key="data")
        split_popover(selected, key="data-split")
        taken = selected or fitting
        takeaway_button(_takeaway_label(taken), project.id, [image.id for image in taken], key="data-takeaway")
        if st.button("Set pixel size", icon=":material/straighten:", disabled=not selected):
            scale_of_images(tuple(image.id for image in selected))
        sheet_button(project.id)
        if not selected:
            st.caption("Select images to edit, delete or export them.")
