"""Editing the classes of a project in a table."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.errors import LabelMapError
from core.label_scheme import COLOR_BLIND_SAFE, LabelClass, LabelScheme


def scheme_editor(scheme: LabelScheme | None, *, key: str) -> list[dict[str, Any]]:
    """A table of classes with room for more.

    Parameters
    ----------
    scheme
        What to begin with; None for an empty table.
    key
        Names the table on its page.

    Returns
    -------
    list of dict
        Rows as they stand, possibly incomplete: `scheme_of_rows` checks them.
    """
    rows = scheme.to_json() if scheme else []
    table = pd.DataFrame(rows, columns=["id", "name", "color", "key"]).astype(
        {"id": "Int64", "name": "string", "color": "string", "key": "string"}
    )
    edited = st.data_editor(
        table,
        key=key,
        num_rows="dynamic",
        hide_index=True,
        width="stretch",
        column_config={
            "id": st.column_config.NumberColumn(
                "Number", min_value=1, max_value=253, step=1, help="The value in label maps; empty: the next free one."
            ),
            "name": st.column_config.TextColumn("Class", required=True),
            "color": st.column_config.TextColumn(
                "Colour", validate="^#[0-9a-fA-F]{6}$", help="As #rrggbb; empty: one is chosen."
            ),
            "key": st.column_config.TextColumn(
                "Key", max_chars=1, validate="^[1-9]?$", help="1 to 9, picks the class."
            ),
        },
    )
    return [{str(name): value for name, value in row.items()} for row in edited.to_dict("records")]


def scheme_of_rows(rows: Iterable[Mapping[str, Any]], old: LabelScheme | None = None) -> LabelScheme:
    """The scheme that a table shows; what is left empty is filled in.

    Parameters
    ----------
    rows
        With ``id``, ``name``, ``color``, ``key``; wholly empty rows are left out.
    old
        Whose colour-blind-safe colours are kept.

    Raises
    ------
    LabelMapError
        No class, an empty name, something used twice, a colour or number that cannot be.
    """
    filled = [row for row in ({k: _value(v) for k, v in row.items()} for row in rows) if any(row.values())]
    if not filled:
        raise LabelMapError("The project has no class.", "Add at least one organelle to the table.")
    taken = {int(row["id"]) for row in filled if row.get("id")}
    safe = {item.id: item.safe_color for item in old.classes} if old else {}
    names: dict[str, int] = {}
    for row in filled:
        if not row.get("id"):
            row["id"] = next(number for number in range(1, 255) if number not in taken)
            taken.add(row["id"])
        names.setdefault(row.get("name") or "", int(row["id"]))
    chosen = {item.id: item.color for item in LabelScheme.from_names({n: i for n, i in names.items() if n}).classes}
    classes = [
        LabelClass(
            id=int(row["id"]),
            name=str(row.get("name") or ""),
            color=str(row.get("color") or chosen.get(int(row["id"]), "#999999")).lower(),
            safe_color=safe.get(int(row["id"]), COLOR_BLIND_SAFE[position % len(COLOR_BLIND_SAFE)]),
            key=str(row.get("key") or ""),
        )
        for position, row in enumerate(filled)
    ]
    return LabelScheme(tuple(sorted(classes, key=lambda item: item.id)))


def scheme_chips(scheme: LabelScheme) -> None:
    """The classes as they will look, in one line."""
    chips = "".join(
        f'<span style="display:inline-flex;align-items:center;gap:.35rem;margin-right:1rem">'
        f'<span style="width:.9rem;height:.9rem;border-radius:.2rem;background:{item.color};'
        f'border:1px solid rgba(128,128,128,.6)"></span>{html.escape(item.name)}</span>'
        for item in scheme.classes
    )
    st.html(f'<div style="font-size:.9rem;line-height:1.8">{chips}</div>')


def _value(value: Any) -> Any:
    """None for what a table has in empty cells; text without spaces around it."""
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return None
    return value.strip() or None if isinstance(value, str) else value
