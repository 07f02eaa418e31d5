"""The colours of label pictures as swatches, each given a class."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import streamlit as st

from core.cache import MB, remembered
from core.datasets.guarded_labels import find_colors_guarded
from core.errors import CristaeError
from core.files import file_stamp
from core.label_scheme import IGNORE_ID, LabelScheme
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
from core.projects.changes import change_project
from core.store.records import ProjectRecord
from ui.context import store
from ui.errors import explained
from ui.person import person
from ui.state import StateKey

_LOOKED_INTO: Final = 40
"""Files whose colours are looked for; more seldom show further ones, and what is unknown is refused on import."""

_CHOOSE: Final = "Choose…"


def shows_colors(scheme: LabelScheme, path: Path) -> bool:
    """Whether a file is painted in colours, not in class numbers that look like black; also where it is unreadable."""
    found = _colors_of(path, file_stamp(path))
    return found is None or not are_class_numbers(found, scheme)


def asked_colors(project: ProjectRecord, paths: Sequence[Path], *, key: str) -> tuple[tuple[int, int], ...]:
    """Show the colours of files with their swatches, and ask for the class of each.

    Parameters
    ----------
    project
        Whose classes they get; a person who may change it can add one.
    paths
        Files that are painted in colours; nothing is asked without any.
    key
        Of the widgets.

    Returns
    -------
    tuple
        Colour (0xrrggbb) and class id of what was given a class.
    """
    found = _found(paths[:_LOOKED_INTO])
    if found is None or not found.colors:
        return ()
    proposed = proposed_classes(found, project.scheme)
    with st.container(border=True):
        files = "1 file" if len(paths) == 1 else f"{len(paths):,} files"
        st.markdown(
            f":material/palette: **Colours of {files}.** Assign each colour to a class. Files with "
            "unassigned colours are rejected."
        )
        _tell_beside(found, len(paths))
        chosen = {item.color: _color_row(project, found, item, proposed[item.color], key) for item in found.colors}
        missing = [item.code for item in found.colors if chosen[item.color] is None]
        if missing:
            st.caption(f":material/warning: Unassigned: {', '.join(missing)}. Files with these colours are rejected.")
    return tuple((number_of(color), class_id) for color, class_id in chosen.items() if class_id is not None)


def _tell_beside(found: FoundColors, files: int) -> None:
    """What is no colour of its own."""
    sentences = []
    if found.transparent_pixels:
        sentences.append(f"{_percent(found.share(found.transparent_pixels))} is transparent and becomes background")
    if found.edge_pixels:
        sentences.append(
            f"{_percent(found.share(found.edge_pixels))} is blended edge pixels, which get the nearer colour"
        )
    if found.unlisted_pixels:
        sentences.append(f"{_percent(found.share(found.unlisted_pixels))} has other colours, too many to list")
    if files > _LOOKED_INTO:
        sentences.append(f"these are the colours of the first {_LOOKED_INTO} files")
    if sentences:
        sentence = "; ".join(sentences)
        st.caption(f"{sentence[0].upper()}{sentence[1:]}.")


def _color_row(
    project: ProjectRecord, found: FoundColors, item: FoundColor, proposed: int | None, key: str
) -> int | None:
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
    key = f"{key}-{project.id}-{item.code}"
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
    found = [colors for path in paths if (colors := _colors_of(path, file_stamp(path))) is not None]
    return together(found) if found else None


@remembered("colours of files", "colours of label pictures", limit_bytes=16 * MB)
def _colors_of(path: Path, stamp: tuple[int, int]) -> FoundColors | None:
    """The colours of a file, remembered as long as it is the same; what cannot be read is refused with the file."""
    try:
        return find_colors_guarded(path)
    except CristaeError:
        return None
