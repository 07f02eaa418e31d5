"""Editing the classes of a project in a table."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import pandas as pd
import streamlit as st

from core.errors import LabelMapError
from core.label_scheme import COLOR_BLIND_SAFE, LabelClass, LabelScheme

_COLUMNS: Final = {"id": "Int64", "name": "string", "color": "string", "key": "string"}
"""Of the table, with their types."""


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
    number, rows = _kept(scheme, key)
    table = pd.DataFrame(rows, columns=list(_COLUMNS)).astype(_COLUMNS)
    widget = f"{key}-{number}"

    def changed() -> None:
        """What was typed, with what is left empty filled in: the table shows what will be used."""
        typed = with_edits(rows, st.session_state[widget])
        full = filled_in(typed, scheme)
        if full != typed:
            _keep(key, number + 1, full)

    edited = st.data_editor(
        table,
        key=widget,
        num_rows="dynamic",
        hide_index=True,
        placeholder="–",
        width="stretch",
        on_change=changed,
        column_config={
            "id": st.column_config.NumberColumn(
                "Number", min_value=1, max_value=253, step=1, help="The value in label maps; empty: the next free one."
            ),
            "name": st.column_config.TextColumn("Class", required=True),
            "color": st.column_config.TextColumn(
                "Colour", validate="^#[0-9a-fA-F]{6}$", help="As #rrggbb; empty: one is chosen."
            ),
            "key": st.column_config.TextColumn(
                "Key", max_chars=1, validate="^[1-9]?$", help="1 to 9, picks the class; empty: the next free one."
            ),
        },
    )
    now = [{str(name): _value(value) for name, value in row.items()} for row in edited.to_dict("records")]
    _color_choice(now, key, number)
    return now


def with_edits(rows: Sequence[Mapping[str, Any]], edits: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows after what a `st.data_editor` says was edited, added and deleted.

    >>> with_edits([{"name": "a"}, {"name": "b"}], {"edited_rows": {1: {"name": "c"}}, "deleted_rows": [0]})
    [{'name': 'c'}]
    """
    changed = {int(place): values for place, values in edits.get("edited_rows", {}).items()}
    gone = set(edits.get("deleted_rows", ()))
    kept = [{**row, **changed.get(place, {})} for place, row in enumerate(rows) if place not in gone]
    return [*kept, *(dict(row) for row in edits.get("added_rows", ()))]


def filled_in(rows: Sequence[Mapping[str, Any]], old: LabelScheme | None = None) -> list[dict[str, Any]]:
    """The rows with the numbers, colours and keys that will be used; as they are while they make no scheme."""
    same = [{name: _value(row.get(name)) for name in _COLUMNS} for row in rows]
    try:
        found = {item.name: item for item in scheme_of_rows(rows, old).classes}
    except LabelMapError:
        return [dict(row) for row in rows]
    return [
        {"id": item.id, "name": item.name, "color": item.color, "key": item.key}
        for row in same
        if (item := found.get(str(row["name"]))) is not None
    ]


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
    keys = _keys(filled)
    chosen = {item.id: item.color for item in LabelScheme.from_names({n: i for n, i in names.items() if n}).classes}
    classes = [
        LabelClass(
            id=int(row["id"]),
            name=str(row.get("name") or ""),
            color=str(row.get("color") or chosen.get(int(row["id"]), "#999999")).lower(),
            safe_color=safe.get(int(row["id"]), COLOR_BLIND_SAFE[position % len(COLOR_BLIND_SAFE)]),
            key=keys[position],
        )
        for position, row in enumerate(filled)
    ]
    return LabelScheme(tuple(sorted(classes, key=lambda item: item.id)))


def _keys(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The key of each row: as given, else the row's place by number where that is free, else the next free one."""
    keys = [str(row.get("key") or "") for row in rows]
    free = [key for key in "123456789" if key not in keys]
    for place, position in enumerate(sorted(range(len(rows)), key=lambda each: int(rows[each]["id"]))):
        if not keys[position] and free:
            keys[position] = free.pop(free.index(str(place + 1)) if str(place + 1) in free else 0)
    return keys


def _kept(scheme: LabelScheme | None, key: str) -> tuple[int, list[dict[str, Any]]]:
    """How often the table was filled in, and its rows; as the scheme has them when the table is opened."""
    number, rows, new = st.session_state.get(f"{key}-rows", (0, None, False))
    if rows is None or not (new or f"{key}-{number}" in st.session_state):
        number, rows = 0, filled_in(scheme.to_json(), scheme) if scheme else []
    st.session_state[f"{key}-rows"] = (number, rows, False)
    return number, rows


def _keep(key: str, number: int, rows: list[dict[str, Any]]) -> None:
    st.session_state[f"{key}-rows"] = (number, rows, True)


def _color_choice(rows: list[dict[str, Any]], key: str, number: int) -> None:
    """Another colour for a class, without writing #rrggbb."""
    named = [place for place, row in enumerate(rows) if row["name"] and row["color"]]
    if not named:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        place = st.selectbox(
            "Colour of", named, format_func=lambda each: rows[each]["name"], key=f"{key}-colour-of", width=240
        )
        color = str(rows[place]["color"]).lower()
        widget = f"{key}-colour-{place}-{color}"

        def chosen() -> None:
            picked = {"edited_rows": {place: {"color": st.session_state[widget]}}}
            _keep(key, number + 1, with_edits(rows, picked))

        st.color_picker("Colour", value=color, key=widget, on_change=chosen, label_visibility="collapsed")


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
