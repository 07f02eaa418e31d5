"""What only a person can say about the labels of an import: light or dark objects, and which colour is which class."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import streamlit as st

from core.datasets.guarded_labels import find_colors_guarded
from core.datasets.import_case import ImportCase, ImportCheck, Question
from core.errors import CristaeError
from core.label_scheme import IGNORE_ID
from core.labels.color_classes import with_class_of
from core.labels.found_colors import (
    Color,
    FoundColor,
    FoundColors,
    are_class_numbers,
    number_of,
    proposed_classes,
    together,
)
from core.labels.polarity import DOUBT, Foreground
from core.labels.reading import LabelSource
from core.projects.changes import change_project
from core.store.records import ProjectRecord
from ui.context import store
from ui.errors import explained, plain
from ui.person import person
from ui.state import StateKey

_LOOKED_INTO: Final = 40
"""Files whose colours are looked for; more seldom show further ones, and what is unknown is refused on import."""

_NAMED: Final = 3
"""Files that a question names."""

_AS_FOUND: Final = "As found"
_CHOOSE: Final = "Choose…"
_FOREGROUNDS: Final = {"Light on dark": Foreground.LIGHT, "Dark on light": Foreground.DARK}


def answered(project: ProjectRecord, checks: Sequence[ImportCheck]) -> dict[ImportCase, ImportCase]:
    """Ask what is open, and give the cases with the answers.

    Parameters
    ----------
    project
        Whose classes the colours get.
    checks
        Of the cases as planned.

    Returns
    -------
    dict
        Case as planned to the case as answered; only those that an answer changes.
    """
    unclear = asked_foreground(
        [check.case.label_paths[0].name for check in checks if check.question is Question.FOREGROUND],
        key=f"data-foreground-{_begun()}",
    )
    remarked = asked_foreground(
        [check.case.label_paths[0].name for check in checks if _is_remarked(check)],
        key=f"data-foreground-remarked-{_begun()}",
        refused=False,
    )
    colors = _asked_colors(project, checks)
    changed: dict[ImportCase, ImportCase] = {}
    for check in checks:
        case = check.case
        foreground = unclear if check.question is Question.FOREGROUND else remarked if _is_remarked(check) else None
        if foreground is not None:
            case = replace(case, foreground=foreground)
        if colors and _is_painted(project, check):
            case = replace(case, source=LabelSource.RGB, colors=colors)
        if case != check.case:
            changed[check.case] = case
    return changed


def _is_remarked(check: ImportCheck) -> bool:
    """Whether a mask of the case was read as usual, though its other part may be the object."""
    return check.refusal is None and any(DOUBT in note for note in check.notes)


def _is_painted(project: ProjectRecord, check: ImportCheck) -> bool:
    """Whether the labels of a case are painted in colours, not in class numbers that look like black."""
    if check.source is not LabelSource.RGB or len(check.case.label_paths) != 1:
        return False
    path = check.case.label_paths[0]
    found = _colors_of(path, _stamp(path))
    return found is None or not are_class_numbers(found, project.scheme)


def asked_foreground(names: Sequence[str], *, key: str, refused: bool = True) -> Foreground | None:
    """Ask which part of doubtful masks is the object.

    Parameters
    ----------
    names
        Of the files; nothing is asked without any.
    key
        Of the widget.
    refused
        Whether they are refused until somebody says it; otherwise they were read as usual.

    Returns
    -------
    Foreground or None
        None where nothing is asked, or the person leaves it to the files.
    """
    if not names:
        return None
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    with st.container(border=True):
        shown = f"{plain(', '.join(names[:_NAMED]))}{more}"
        st.markdown(
            f":material/contrast: **Light or dark?** Either part of {shown} may be the object. How do viewers such as "
            "Fiji show it?"
            if refused
            else f":material/contrast: **Read as usual.** {shown}: the remarks say which part was taken as the object. "
            "Change it where viewers such as Fiji show the object otherwise."
        )
        chosen = st.segmented_control(
            "The object is shown",
            [_AS_FOUND, *_FOREGROUNDS],
            default=_AS_FOUND,
            key=key,
            label_visibility="collapsed",
        )
    return _FOREGROUNDS.get(chosen or _AS_FOUND)


def _asked_colors(project: ProjectRecord, checks: Sequence[ImportCheck]) -> tuple[tuple[int, int], ...]:
    """Colour and class id of what was given a class."""
    paths = [check.case.label_paths[0] for check in checks if _is_painted(project, check)]
    found = _found(paths[:_LOOKED_INTO])
    if found is None or not found.colors:
        return ()
    proposed = proposed_classes(found, project.scheme)
    with st.container(border=True):
        files = "1 file" if len(paths) == 1 else f"{len(paths):,} files"
        st.markdown(f":material/palette: **Colours of {files}.** Which class is each? What has none is refused.")
        _tell_beside(found, len(paths))
        chosen = {item.color: _color_row(project, found, item, proposed[item.color]) for item in found.colors}
        missing = [item.code for item in found.colors if chosen[item.color] is None]
        if missing:
            st.caption(
                f":material/warning: Without a class: {', '.join(missing)}. Files with these colours are refused."
            )
    return tuple((number_of(color), class_id) for color, class_id in chosen.items() if class_id is not None)


def _tell_beside(found: FoundColors, files: int) -> None:
    """What is no colour of its own."""
    told = []
    if found.transparent_pixels:
        told.append(f"{_percent(found.share(found.transparent_pixels))} is transparent and becomes background")
    if found.edge_pixels:
        told.append(f"{_percent(found.share(found.edge_pixels))} is edges, which take the nearer colour")
    if found.unlisted_pixels:
        told.append(f"{_percent(found.share(found.unlisted_pixels))} has further colours, too many to list")
    if files > _LOOKED_INTO:
        told.append(f"these are the colours of the first {_LOOKED_INTO} files")
    if told:
        sentence = "; ".join(told)
        st.caption(f"{sentence[0].upper()}{sentence[1:]}.")


def _color_row(project: ProjectRecord, found: FoundColors, item: FoundColor, proposed: int | None) -> int | None:
    """Swatch, share, class, and a button that makes a class of it."""
    options: dict[str, int | None] = {
        _CHOOSE: None,
        "background": 0,
        **{known.name: known.id for known in project.scheme.classes},
        "ignore": IGNORE_ID,
    }
    names = {class_id: name for name, class_id in options.items()}
    swatch, select, button = st.columns([2.2, 2.2, 1.6], vertical_alignment="center")
    swatch.html(_swatch(item, found.share(item.pixels)))
    key = f"data-color-{_begun()}-{project.id}-{item.code}"
    made: dict[str, int] = st.session_state.setdefault(StateKey.COLOR_CLASSES, {})
    preset = made.get(f"{project.id} {item.code}", proposed)
    name = select.selectbox(
        f"Class of {item.code}",
        list(options),
        index=list(options).index(names.get(preset, _CHOOSE)),
        key=f"{key}-{preset}",
        label_visibility="collapsed",
    )
    if options[name] is None and button.button("New class", key=f"{key}-new", icon=":material/add:"):
        _make_class(project, item.color)
    return options[name]


def _make_class(project: ProjectRecord, color: Color) -> None:
    """Add a class in a colour to the project; it can be renamed there."""
    with explained():
        scheme, added = with_class_of(project.scheme, color)
        change_project(store(), project.id, by=person(), scheme=scheme)
        made: dict[str, int] = st.session_state.setdefault(StateKey.COLOR_CLASSES, {})
        made[f"{project.id} #{number_of(color):06x}"] = added.id
        st.toast(f"Class {added.name} added. Rename it in Project settings.", icon=":material/add_circle:")
        st.rerun()


def _swatch(item: FoundColor, share: float) -> str:
    """The colour, as a box with its code and share."""
    variants = f" · {item.variants:,} shades" if item.variants > 1 else ""
    return (
        '<div style="display:flex;align-items:center;gap:.6rem;font-size:.9rem">'
        f'<span style="width:1.6rem;height:1.6rem;border-radius:.25rem;background:{item.code};flex:none;'
        'border:1px solid rgba(128,128,128,.7)"></span>'
        f"<span><code>{html.escape(item.code)}</code> {_percent(share)}{variants}</span></div>"
    )


def _percent(share: float) -> str:
    return f"{share * 100:.2g} %" if share < 0.0995 else f"{share * 100:.0f} %"


def _found(paths: Sequence[Path]) -> FoundColors | None:
    """The colours of some files together; None where none can be read."""
    found = [colors for path in paths if (colors := _colors_of(path, _stamp(path))) is not None]
    return together(found) if found else None


@lru_cache(maxsize=512)
def _colors_of(path: Path, stamp: tuple[int, int]) -> FoundColors | None:
    """The colours of a file, remembered as long as it is the same; what cannot be read is refused with the file."""
    try:
        return find_colors_guarded(path)
    except CristaeError:
        return None


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


def _begun() -> Any:
    return st.session_state.get(StateKey.IMPORTS_BEGUN, 0)
