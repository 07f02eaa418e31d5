"""What would be read from the files of an import: the facts that `python -m core inspect` shows, one row a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pandas as pd
import streamlit as st

from core.cache import MB, remembered
from core.datasets.import_check import ImportCheck
from core.files import file_stamp
from core.imaging.inspection import Inspection, inspect_guarded
from core.settings import current_settings

_SHOWN_AT_ONCE: Final = 20
"""So many files are looked into without being asked for, some tenths of a second's worth."""

_SHOWN_AT_MOST: Final = 200

_FIRST: Final = ("File", "Cannot be read", "Pixel size", "Skipped", "Notice", "Read as", "Values")
"""Columns that are seen without scrolling."""


def facts_panel(checks: Sequence[ImportCheck]) -> None:
    """A table of facts under a heading that opens."""
    if not checks:
        return
    with st.expander("How the files will be read", icon=":material/fact_check:"):
        if len(checks) > _SHOWN_AT_ONCE and not st.toggle(
            f"Show {min(len(checks), _SHOWN_AT_MOST)} files", key="data-facts-wanted"
        ):
            return
        found = [
            _inspected(check.case.image_path, file_stamp(check.case.image_path)) for check in checks[:_SHOWN_AT_MOST]
        ]
        wide = {name: st.column_config.TextColumn(width="large") for name in ("Cannot be read", "Notice")}
        st.dataframe(facts_table(found), hide_index=True, width="stretch", placeholder="–", column_config=wide)
        if len(checks) > _SHOWN_AT_MOST:
            st.caption(f"The first {_SHOWN_AT_MOST} of {len(checks):,} files.")


def facts_table(found: Sequence[Inspection]) -> pd.DataFrame:
    """One row for each file, what needs a look first; columns that say nothing about any of them are left out."""
    rows = []
    for inspection in found:
        facts: dict[str, str] = {"File": inspection.name}
        for name, value in inspection.rows:
            heading = name.capitalize()
            facts[heading] = f"{facts[heading]}; {value}" if heading in facts else value
        rows.append(facts)
    table = pd.DataFrame(rows).fillna("")
    first = [heading for heading in _FIRST if heading in table]
    return table[[*first, *(heading for heading in table if heading not in first)]]


@remembered("facts of files", "what headers of files say", limit_bytes=16 * MB)
def _inspected(path: Path, stamp: tuple[int, int]) -> Inspection:
    """The facts of a file, remembered as long as it is the same."""
    return inspect_guarded(path, max_px=current_settings().max_image_px)
