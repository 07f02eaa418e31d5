"""Editing the classes of a project, a row of fields each."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import pandas as pd
import streamlit as st

from core.errors import LabelMapError
from core.label_scheme import LabelClass, LabelScheme, colors_of, next_color

_FIELDS: Final = ("id", "name", "color", "key")
_WIDTHS: Final = (0.7, 4.0, 1.2, 1.2, 0.7)
"""Of colour, name, number, key and the button that takes the class away."""

_MANY: Final = 10
"""With more classes the rows scroll in a box, so that the button below them stays in sight."""


def scheme_editor(scheme: LabelScheme | None, *, key: str) -> list[dict[str, Any]]:
    """A row of fields for each class, and an empty one for the next.

    What was typed is kept as long as the key is the same, however often the page is drawn anew.

    Parameters
    ----------
    scheme
        What to begin with; None for no classes.
    key
        Names the editor on its page; another key begins anew.

    Returns
    -------
    list of dict
        Rows as they stand, possibly incomplete: `scheme_of_rows` checks them.
    """
    rows: list[dict[str, Any]] = st.session_state.setdefault(f"{key}-rows", _begin(scheme))
    for row in rows:
        _take_what_was_typed(row, f"{key}-{row['number']}")
    if not rows or rows[-1]["name"]:
        rows.append(_empty_row(rows))
    with st.container(height=420 if len(rows) > _MANY else "content", border=False):
        _header()
        wanted = filled_in(rows, scheme)
        free = next_color(full["color"] for full in wanted if full["color"])
        for row, full in zip(rows, wanted, strict=True):
            _row(rows, row, {**full, "color": full["color"] or free}, f"{key}-{row['number']}")
    return [{name: row[name] for name in _FIELDS} for row in rows]


def filled_in(rows: Sequence[Mapping[str, Any]], old: LabelScheme | None = None) -> list[dict[str, Any]]:
    """Each row with the number, colour and key that will be used; what makes no scheme stays as it was typed."""
    same = [{name: _value(row.get(name)) for name in _FIELDS} for row in rows]
    try:
        found = {item.name: item for item in scheme_of_rows(same, old).classes}
    except LabelMapError:
        return same
    return [
        {"id": item.id, "name": item.name, "color": item.color, "key": item.key}
        if (item := found.get(str(row["name"]))) is not None
        else row
        for row in same
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
        raise LabelMapError("The project has no classes.", "Add at least one organelle to the table.")
    for row in filled:
        _check(row)
    # a class in a removed row is another class: with its number, label maps would be read as the new one
    taken = {int(row["id"]) for row in filled if row.get("id")} | set(old.ids if old else ())
    safe = {item.id: item.safe_color for item in old.classes} if old else {}
    for row in filled:
        if not row.get("id"):
            row["id"] = next(number for number in range(1, 255) if number not in taken)
            taken.add(row["id"])
    keys = _keys(filled)
    names = [str(row.get("name") or "") for row in filled]
    given = [(str(row["color"]).lower() if row.get("color") else None, safe.get(int(row["id"]))) for row in filled]
    _refuse_one_color_for_two(names, [color for color, _ in given])
    classes = [
        LabelClass(id=int(row["id"]), name=name, color=color, safe_color=safe_color, key=key)
        for row, name, key, (color, safe_color) in zip(filled, names, keys, colors_of(names, given), strict=True)
    ]
    return LabelScheme(tuple(sorted(classes, key=lambda item: item.id)))


def _check(row: Mapping[str, Any]) -> None:
    """Raise for a number or a key that is none."""
    name, number, key = row.get("name") or "", str(row.get("id") or ""), str(row.get("key") or "")
    if number and not re.fullmatch(r"[0-9]{1,9}", number):
        raise LabelMapError(f"The number of {name!r} is {number!r}.", "Use 1 to 253, or leave it empty.")
    if key and not re.fullmatch("[1-9]", key):
        raise LabelMapError(f"The key of {name!r} is {key!r}.", "Use one of 1 to 9, or leave it empty.")


def _refuse_one_color_for_two(names: Sequence[str], colors: Sequence[str | None]) -> None:
    """Raise where two classes were given one colour: nobody could tell them apart in the image."""
    owners: dict[str, str] = {}
    for name, color in zip(names, colors, strict=True):
        if color is None:
            continue
        if color in owners:
            free = next_color(other for other in colors if other)
            raise LabelMapError(
                f"{owners[color]} and {name} have the same colour, {color}.",
                f"Give {name} another colour, for example {free}, or leave it empty.",
            )
        owners[color] = name


def _keys(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The key of each row: as given, else the row's place by number where that is free, else the next free one."""
    keys = [str(row.get("key") or "") for row in rows]
    free = [key for key in "123456789" if key not in keys]
    for place, position in enumerate(sorted(range(len(rows)), key=lambda each: int(rows[each]["id"]))):
        if not keys[position] and free:
            keys[position] = free.pop(free.index(str(place + 1)) if str(place + 1) in free else 0)
    return keys


def _begin(scheme: LabelScheme | None) -> list[dict[str, Any]]:
    """The rows of a scheme. ``number`` names a row's fields for good, whichever rows go."""
    values = scheme.to_json() if scheme else []
    return [{"number": number, **{name: value[name] for name in _FIELDS}} for number, value in enumerate(values)]


def _empty_row(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    number = max((int(row["number"]) for row in rows), default=-1) + 1
    return {"number": number, **dict.fromkeys(_FIELDS)}


def _header() -> None:
    """Names of the columns."""
    titles = (
        ("", None), ("Class", None), ("Number", "The value in label maps. Empty: the next free number."),
        ("Key", "1 to 9; selects the class while you paint. Empty: the next free key."), ("", None),
    )  # fmt: skip
    for column, (title, help_text) in zip(st.columns(_WIDTHS, gap="small"), titles, strict=True):
        if title:
            column.caption(title, help=help_text)


def _take_what_was_typed(row: dict[str, Any], key: str) -> None:
    for field in ("name", "id", "key"):
        if f"{key}-{field}" in st.session_state:
            row[field] = _value(st.session_state[f"{key}-{field}"])


def _row(rows: list[dict[str, Any]], row: dict[str, Any], full: Mapping[str, Any], key: str) -> None:
    """The fields of one class."""
    new = row is rows[-1] and not row["name"]
    color, *texts, away = st.columns(_WIDTHS, gap="small", vertical_alignment="center")
    label = f"class {rows.index(row) + 1}"
    with color:
        _color(row, str(full["color"]), label, key)
    for column, field, title, placeholder in zip(
        texts,
        ("name", "id", "key"),
        ("Name", "Number", "Key"),
        ("Add a class, for example vesicles" if new else "Name", str(full["id"] or "auto"), str(full["key"] or "auto")),
        strict=True,
    ):
        widget = f"{key}-{field}"
        if widget not in st.session_state:
            st.session_state[widget] = "" if row[field] is None else str(row[field])
        column.text_input(
            f"{title} of {label}", key=widget, placeholder=placeholder, label_visibility="collapsed",
            disabled=new and field != "name",
        )  # fmt: skip
    if not new:
        away.button(
            "", icon=":material/delete:", key=f"{key}-away", type="tertiary", help=f"Remove {row['name'] or label}",
            on_click=rows.remove, args=(row,),
        )  # fmt: skip


def _color(row: dict[str, Any], shown: str, label: str, key: str) -> None:
    """The colour of a class: by the rule until a person picks one."""
    widget = f"{key}-color-{shown.lower()}"

    def picked() -> None:
        row["color"] = st.session_state[widget]

    st.color_picker(
        f"Colour of {label}", value=shown.lower(), key=widget, on_change=picked, label_visibility="collapsed",
        disabled=not row["name"],
    )  # fmt: skip


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
