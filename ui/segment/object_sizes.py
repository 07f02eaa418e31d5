"""The smallest object of each class: what was removed, what other sizes would remove, and applying them."""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np
import pandas as pd
import streamlit as st

from core.access.roles import Permission
from core.jobs.kinds import CleanParams, JobKind, subjects_of
from core.jobs.rows import Priority, active_jobs, job, submit
from core.learning.object_sizes import project_rules
from core.morphometry.coverage import SMALL_PX
from core.objects.pieces import PieceTable
from core.objects.report import ClassCleaning, cleaning_sentence
from core.objects.rules import AreaUnit, ObjectRules, RuleSource
from core.predictions.cleaning import cleaning_of, raw_pieces
from core.store.records import ImageRecord, JobRecord, RevisionRecord
from ui import context
from ui.access import allowed
from ui.errors import explaining, plain
from ui.parts.job_bars import POLL_S, job_bar, job_problem
from ui.parts.options import titled
from ui.parts.units import AREA_FORMAT
from ui.person import person
from ui.state import StateKey

_MULTIPLES: Final = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)

_AS_NOW: Final = "current"
"""Sizes that somebody typed for these masks."""

_NOT_LEARNED: Final = (
    f"This model has no learned minimum object sizes, so no objects were removed. {SMALL_PX} px is suggested; "
    "nothing changes until you apply it."
)

_SOURCES: Final = {
    RuleSource.VALIDATION: "learned from the training labels and tested on held-out images",
    RuleSource.LABELS: "learned from the training labels",
    RuleSource.DEFAULT: "not learned",
    RuleSource.PERSON: "set by hand",
}


def object_sizes_panel(image: ImageRecord, revision: RevisionRecord) -> None:
    """What cleaning did to a prediction, and a way to do it otherwise without predicting again."""
    rows, pieces = cleaning_of(revision), raw_pieces(context.store(), revision)
    if not rows or pieces is None:
        return
    if any(row.smallest_px > 0 for row in rows):
        st.caption(cleaning_sentence(rows) or "No objects below the minimum size.")
    unit = AreaUnit.PX if rows[0].smallest_um2 is None else AreaUnit.UM2
    learned = _learned(image, revision, unit)
    with st.expander("Minimum object size", icon=":material/filter_alt:"):
        st.caption(_where_from({row.source for row in rows if row.smallest_px > 0}, learned))
        sizes = _chosen_sizes(revision, rows, learned)
        rules = _rules(learned, rows, sizes)
        _preview(revision, rows, pieces, rules)
        if allowed(Permission.PAINT, image.project_id):
            _apply(image, revision, rules, changed=not np.allclose(sizes, [_size(row) for row in rows], atol=0))


def _learned(image: ImageRecord, revision: RevisionRecord, unit: AreaUnit) -> ObjectRules:
    """What the model has learned, in the unit of the table."""
    rules = project_rules(context.store(), context.models(), image.project_id, revision.model_id).rules
    return rules.converted(unit, revision.details["objects"]["pixel_size_nm"])


def _where_from(sources: set[RuleSource], learned: ObjectRules) -> str:
    """Where the sizes come from, in a sentence."""
    if not sources:
        return "Nothing is removed." if learned.rules else _NOT_LEARNED
    if RuleSource.VALIDATION in sources:
        sources = sources - {RuleSource.LABELS}  # of classes with too few objects to try them
    return f"Sizes are {'; '.join(text for source, text in _SOURCES.items() if source in sources)}."


def _chosen_sizes(revision: RevisionRecord, rows: tuple[ClassCleaning, ...], learned: ObjectRules) -> list[float]:
    """The slider and the table; the smallest object of each class, in the unit of the table."""
    now = [_size(row) for row in rows]
    taught = [learned.of(row.class_id).smallest for row in rows]
    multiple: float | str = _AS_NOW
    if learned.rules:
        usual = next((m for m in _MULTIPLES if np.allclose(now, np.multiply(m, taught), atol=0)), None)
        options: list[float | str] = [*_MULTIPLES, *([] if usual is not None else [_AS_NOW])]
        multiple = st.select_slider(
            "Factor on the learned size",
            options,
            value=_AS_NOW if usual is None else usual,
            format_func=titled({option: _multiple_text(option) for option in options}),
            help="Objects below the minimum size of their class are removed. The masks change when you apply it.",
            key=f"object-sizes-{revision.id}",
        )
    if isinstance(multiple, float):
        sizes = [multiple * size for size in taught]
    else:
        sizes = now if any(now) else [SMALL_PX * (row.um2_per_px or 1.0) for row in rows]
    unit = "px" if learned.unit is AreaUnit.PX else "µm²"
    edited = st.data_editor(
        pd.DataFrame({"class": [row.name for row in rows], "smallest": sizes}),
        column_config={
            "class": st.column_config.TextColumn("Class", disabled=True),
            "smallest": st.column_config.NumberColumn(
                f"Minimum, {unit}", min_value=0.0, format=AREA_FORMAT if unit == "µm²" else "localized",
                help="Editable",
            ),
        },
        hide_index=True,
        key=f"object-sizes-table-{revision.id}-{multiple}",
    )  # fmt: skip
    return [float(size) for size in edited["smallest"].fillna(0.0)]


def _multiple_text(multiple: float | str) -> str:
    if isinstance(multiple, str):
        return multiple
    return "remove nothing" if multiple == 0 else f"× {multiple:g}"


def _preview(revision: RevisionRecord, rows: tuple[ClassCleaning, ...], pieces: PieceTable, rules: ObjectRules) -> None:
    """How many objects these sizes leave."""
    limits = rules.limits(revision.details["objects"]["pixel_size_nm"])
    kept = pieces.count(pieces.kept(limits))
    counts = pd.DataFrame(
        {
            "class": [row.name for row in rows],
            "found": [row.objects_before for row in rows],
            "now": [row.objects for row in rows],
            "then": [int(kept[row.class_id]) for row in rows],
        }
    )
    st.dataframe(
        counts,
        column_config={
            "class": "Class",
            "found": st.column_config.NumberColumn("Objects found", format="localized"),
            "now": st.column_config.NumberColumn("Current objects", format="localized"),
            "then": st.column_config.NumberColumn("With these sizes", format="localized"),
        },
        hide_index=True,
    )


def _size(row: ClassCleaning) -> float:
    """The smallest object that the masks were cleaned by, in the unit of the table."""
    return row.smallest_px if row.smallest_um2 is None else row.smallest_um2


def _rules(learned: ObjectRules, rows: tuple[ClassCleaning, ...], sizes: list[float]) -> ObjectRules:
    """The rules with these smallest objects; limits at the edge and of holes change in proportion."""
    rules = []
    for row, size in zip(rows, sizes, strict=True):
        rule = learned.of(row.class_id)
        if not np.isclose(size, rule.smallest, atol=0):
            rule = (
                rule.scaled(size / rule.smallest) if rule.smallest else dataclasses.replace(rule, smallest_cut=size / 4)
            )
            hole = min(rule.largest_hole, learned.of(row.class_id).largest_hole)
            rule = dataclasses.replace(rule, smallest=size, largest_hole=hole, source=RuleSource.PERSON)
        rules.append(rule)
    return ObjectRules(tuple(rules), learned.unit)


def _apply(image: ImageRecord, revision: RevisionRecord, rules: ObjectRules, *, changed: bool) -> None:
    """The button, or the progress of what it began."""
    running = next(
        (
            row
            for row in active_jobs(kinds=[JobKind.CLEAN], image_id=image.id)
            if revision.id in subjects_of(row).revision_ids
        ),
        None,
    )
    if running is not None:
        _progress(running.id)
        return
    last_id = st.session_state.get(StateKey.CLEAN_JOB)
    if last_id and (last := job(last_id)).finished and revision.id in subjects_of(last).revision_ids:
        job_problem(last, key="clean")
    if st.button("Apply to masks", icon=":material/cleaning_services:", disabled=not changed, width="stretch"):
        row = submit(
            CleanParams(
                revision_id=revision.id,
                rules=rules.to_json(),
                image_id=image.id,
                project_id=image.project_id,
                name=image.name,
            ),
            by=person(),
            priority=Priority.INTERACTIVE,
        )
        st.session_state[StateKey.CLEAN_JOB] = row.id
        st.rerun()


@st.fragment(run_every=POLL_S)
@explaining
def _progress(job_id: str) -> None:
    row: JobRecord = job(job_id)
    if row.finished:
        st.rerun()
    job_bar(row, key="clean", about=plain(row.title))
