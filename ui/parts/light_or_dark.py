"""Asking which part of a doubtful mask is the object: for each mask, or the same for all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import pandas as pd
import streamlit as st

from core.labels.polarity import Foreground
from core.wording import some_of
from ui.errors import plain

_NAMED: Final = 3
"""Files that a question names."""

_ROWS: Final = 8
"""So many files have a row of buttons each; more are a table."""

_AS_FOUND: Final = "As detected"
_FOREGROUNDS: Final = {"Light on dark": Foreground.LIGHT, "Dark on light": Foreground.DARK}
_ANSWERS: Final = [_AS_FOUND, *_FOREGROUNDS]


def named_apart(paths: Iterable[Path]) -> dict[Path, str]:
    """What files are called on the screen: with their folder where two have one name.

    >>> list(named_apart([Path("er/a.png"), Path("nucleus/a.png"), Path("er/b.png")]).values())
    ['er/a.png', 'nucleus/a.png', 'b.png']
    """
    listed = list(paths)
    names = [path.name for path in listed]
    return {path: f"{path.parent.name}/{path.name}" if names.count(path.name) > 1 else path.name for path in listed}


def asked_foreground(paths: Iterable[Path], *, key: str, refused: bool = True) -> dict[Path, Foreground]:
    """Ask which part of doubtful masks is the object.

    Parameters
    ----------
    paths
        The masks; nothing is asked without any.
    key
        Of the widgets.
    refused
        Whether they are refused until somebody says it; otherwise they were read as usual.

    Returns
    -------
    dict
        The masks that somebody gave an answer for; the others are left as they are found.
    """
    names = named_apart(paths)
    if not names:
        return {}
    with st.container(border=True):
        _ask(list(names.values()), refused=refused)
        many = len(names) > 1
        if many and not st.toggle("Same for all", value=len(names) > _ROWS, key=f"{key}-same"):
            return _each(names, key)
        chosen = _buttons("The object is shown", key)
    answer = _FOREGROUNDS.get(chosen)
    return {} if answer is None else dict.fromkeys(names, answer)


def _ask(names: list[str], *, refused: bool) -> None:
    """The question."""
    shown = plain(some_of(names, _NAMED))
    st.markdown(
        f":material/contrast: **Light or dark?** In {shown}, either the light or the dark part may be the object. "
        "How is the object shown in viewers such as Fiji?"
        if refused
        else f":material/contrast: **Detected automatically.** {shown}: the remarks say which part was read as the "
        "object. Change it where viewers such as Fiji show the object differently."
    )


def _each(names: Mapping[Path, str], key: str) -> dict[Path, Foreground]:
    """An answer for each file."""
    if len(names) > _ROWS:
        table = pd.DataFrame({"Mask": list(names.values()), "The object is shown": _AS_FOUND})
        edited = st.data_editor(
            table,
            key=f"{key}-table-{len(names)}",
            hide_index=True,
            disabled=["Mask"],
            width="stretch",
            height=min(38 + 35 * len(table), 320),
            column_config={"The object is shown": st.column_config.SelectboxColumn(options=_ANSWERS, required=True)},
        )
        chosen = [str(answer) for answer in edited["The object is shown"]]
    else:
        chosen = []
        for path, name in names.items():
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"**{plain(name)}**", width="stretch")
                chosen.append(_buttons(f"The object of {name} is shown", f"{key}-{path}"))
    return {path: _FOREGROUNDS[answer] for path, answer in zip(names, chosen, strict=True) if answer in _FOREGROUNDS}


def _buttons(label: str, key: str) -> str:
    """One answer."""
    chosen = st.segmented_control(label, _ANSWERS, default=_AS_FOUND, key=key, label_visibility="collapsed")
    return chosen or _AS_FOUND
