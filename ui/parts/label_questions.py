"""What only a person can say of the labels of an import: light or dark, which colour is which class, whose objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from core.datasets.import_case import ImportCase
from core.datasets.import_check import ImportCheck, Question
from core.labels.reading import LabelSource
from core.store.records import ProjectRecord
from ui.errors import plain
from ui.parts.label_colors import asked_colors, shows_colors
from ui.parts.light_or_dark import asked_foreground
from ui.parts.options import titled
from ui.state import StateKey


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
    answers = asked_foreground(_doubtful(checks, refused=True), key=f"data-foreground-{_begun()}")
    answers |= asked_foreground(
        _doubtful(checks, refused=False), key=f"data-foreground-remarked-{_begun()}", refused=False
    )
    painted = [check for check in checks if _is_painted(project, check)]
    colors = asked_colors(project, [check.case.label_paths[0] for check in painted], key=f"data-color-{_begun()}")
    asking = [check.case.label_paths[0].name for check in checks if check.question is Question.OBJECT_CLASS]
    class_id = asked_object_class(project, asking, key=f"data-object-class-{_begun()}")
    changed: dict[ImportCase, ImportCase] = {}
    for check in checks:
        paths = check.case.label_paths
        sentences = tuple((place, answers[paths[place]]) for place in check.doubtful if paths[place] in answers)
        case = replace(check.case, foregrounds=sentences) if sentences else check.case
        if colors and check in painted:
            case = replace(case, source=LabelSource.RGB, colors=colors)
        if class_id is not None and check.question is Question.OBJECT_CLASS:
            case = replace(case, source=LabelSource.OBJECTS, class_ids=(class_id,) * len(paths))
        if case != check.case:
            changed[check.case] = case
    return changed


def asked_object_class(project: ProjectRecord, names: Sequence[str], *, key: str) -> int | None:
    """Ask which class the objects of files with ids are.

    Parameters
    ----------
    project
        Whose classes there are to choose from.
    names
        Of the files; without any nothing is asked.
    key
        Of the widget.

    Returns
    -------
    int or None
        None: nobody has said.
    """
    if not names:
        return None
    others = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return st.selectbox(
        plain(f"Class of the objects in {names[0]}{others}"),
        list(project.scheme.ids),
        index=None,
        format_func=titled({class_id: project.scheme.name_of(class_id) for class_id in project.scheme.ids}),
        placeholder="Choose a class",
        key=key,
        help="Each value of such a file is an object. If a file has objects of several classes, put its class map "
        "beside it: a_labels.tif and a_objects.tif.",
    )


def _doubtful(checks: Sequence[ImportCheck], *, refused: bool) -> list[Path]:
    """Masks whose other part may be the object: of cases that are refused for it, or that were read as usual."""
    asked = [check for check in checks if (check.refusal is not None) == refused]
    return [check.case.label_paths[place] for check in asked for place in check.doubtful]


def _is_painted(project: ProjectRecord, check: ImportCheck) -> bool:
    """Whether the labels of a case are painted in colours, not in class numbers that look like black."""
    one = check.source is LabelSource.RGB and len(check.case.label_paths) == 1
    return one and shows_colors(project.scheme, check.case.label_paths[0])


def _begun() -> Any:
    return st.session_state.get(StateKey.IMPORTS_BEGUN, 0)
