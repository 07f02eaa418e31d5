"""Files for an import: dropped ones wait, named in the page's address so that they survive a reload; or a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import streamlit as st

from core.errors import NotFoundError
from core.imaging.reader import SUFFIXES
from core.labels.reading import LabelSource
from core.settings import current_settings
from core.store.import_batch import ImportBatch, discard_batch, own_batch
from core.wording import some_of
from ui.access import may_name_folders
from ui.errors import plain
from ui.person import person
from ui.state import Query, query, set_query

_DROP: Final = "Drop files"
_SERVER: Final = "Folder on the server"

FIND_OUT: Final = "Detect"
"""The way to give labels that is chosen at first."""

LABEL_SOURCES: Final[dict[str, LabelSource | None]] = {
    FIND_OUT: None,
    "One label image per image": LabelSource.IMAGE,
    "One mask per organelle": LabelSource.MASKS,
    "One colour per organelle": LabelSource.RGB,
    "Object ids": LabelSource.OBJECTS,
}
"""Ways to give labels."""


def on_server(project_id: str, *, key: str) -> bool:
    """Whether a folder of the server is imported, for those who may name one; else files are dropped."""
    ways = [_DROP, _SERVER] if may_name_folders(project_id) else [_DROP]
    way = st.segmented_control(
        "Where are the files?", ways, default=_DROP, required=True, key=key, label_visibility="collapsed"
    )
    return way == _SERVER


def usable_files(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Those whose names end as an image's do; the others are named on the page."""
    odd = [path for path in paths if not path.name.lower().endswith(SUFFIXES)]
    if odd:
        names = some_of(path.name for path in odd)
        st.warning(
            f"Skipped (unsupported file extension): {plain(names)}. Export them as TIFF or PNG.",
            icon=":material/block:",
        )
    return tuple(path for path in paths if path not in odd)


def forget_button(batch: ImportBatch) -> None:
    """Deletes the files that wait, and begins again."""
    if st.button("Discard files", type="tertiary", icon=":material/close:"):
        discard_batch(current_settings(), batch.id)
        set_query(Query.BATCH, None)
        st.rerun()


def waiting_files() -> ImportBatch | None:
    """The batch of the address; None where there is none, or it is of somebody else, which is said."""
    batch_id = query(Query.BATCH)
    if not batch_id:
        return None
    try:
        return own_batch(current_settings(), batch_id, by=person())
    except NotFoundError as error:
        st.warning(plain(f"{error.cause} {error.remedy}"), icon=":material/link_off:")
        set_query(Query.BATCH, None)
        return None
