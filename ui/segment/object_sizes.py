"""The smallest object of each class: what was removed, what other sizes would remove, and applying them."""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np
import pandas as pd
import streamlit as st

from core.access import Permission
from core.jobs.rows import Priority, active_jobs, job, submit
from core.morphometry.coverage import SMALL_PX
from core.objects.pieces import PieceTable
from core.objects.report import ClassCleaning, cleaning_sentence
from core.objects.rules import AreaUnit, ObjectRules, RuleSource
from core.predictions.cleaning import cleaning_of, raw_pieces, rules_of
from core.store.records import ImageRecord, JobRecord, RevisionRecord
from ui import context
from ui.access import allowed
from ui.errors import explaining, plain
from ui.panels.jobs import POLL_S, job_bar, job_problem
from ui.parts.options import titled
from ui.person import person
from ui.state import StateKey
from ui.units import AREA_FORMAT

_MULTIPLES: Final = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)

_NOT_LEARNED: Final = (
    f"This model has not learned how small its objects can be, so nothing was removed. {SMALL_PX} px are proposed; "
    "nothing changes until you apply it."
)

_SOURCES: Final = {
    RuleSource.VALIDATION: "learned from the training labels, chosen on images held out",
    RuleSource.LABELS: "learned from the training labels",
    RuleSource.DEFAULT: "not learned",
    RuleSource.PERSON: "set by hand",
}


def object_sizes_panel(image: ImageRecord, revision: RevisionRecord) -> None:
    """What cleaning did to a prediction, and a way to do it otherwise without predicting again."""
    rows, pieces = cleaning_of(revision), raw_pieces(context.store(), revision)
    if not rows or pieces is None:
        return
    learned = any(row.smallest_px > 0 for row in rows)
    if learned:
        st.caption(cleaning_sentence(rows) or "No piece was too small to be an object.")
    with st.expander("Smallest objects", icon=":material/filter_alt:"):
        sources = sorted({_SOURCES[row.source] for row in rows if row.smallest_px > 0})
        st.caption(f"Sizes are {'; '.join(sources)}." if sources else _NOT_LEARNED)
        sizes = _chosen_sizes(revision, rows)
        rules = _edited_rules(rules_of(context.store(), revision), rows, sizes)
        _preview(revision, rows, pieces, rules)
        if allowed(Permission.PAINT, image.project_id):
            _apply(image, revision, rules, changed=not np.allclose(sizes, [_size(row) for row in rows], atol=0))


def _chosen_sizes(revision: RevisionRecord, rows: tuple[ClassCleaning, ...]) -> list[float]:
    """The slider and the table; the smallest object of each class, in the unit of the table."""
    learned, multiple = any(_size(row) for row in rows), 1.0
    if learned:
        multiple = st.select_slider(
            "Times the present size",
            _MULTIPLES,
            value=1.0,
            format_func=titled({value: "remove nothing" if value == 0 else f"× {value:g}" for value in _MULTIPLES}),
            help="Pieces below the smallest object of their class are removed. The masks change when you apply it.",
            key=f"object-sizes-{revision.id}",
        )
    unit = "µm²" if rows[0].smallest_um2 is not None else "px"
    table = pd.DataFrame(
        {
            "class": [row.name for row in rows],
            "smallest": [multiple * _size(row) if learned else _proposed(row) for row in rows],
        }
    )
    edited = st.data_editor(
        table,
        column_config={
            "class": st.column_config.TextColumn("Class", disabled=True),
            "smallest": st.column_config.NumberColumn(
                f"Smallest, {unit}", min_value=0.0, format=AREA_FORMAT if unit == "µm²" else "localized",
                help="Can be edited",
            ),
        },
        hide_index=True,
        key=f"object-sizes-table-{revision.id}-{multiple:g}",
    )  # fmt: skip
    return [float(size) for size in edited["smallest"].fillna(0.0)]


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
            "found": st.column_config.NumberColumn("Pieces found", format="localized"),
            "now": st.column_config.NumberColumn("Objects now", format="localized"),
            "then": st.column_config.NumberColumn("With these sizes", format="localized"),
        },
        hide_index=True,
    )


def _proposed(row: ClassCleaning) -> float:
    """For a class without a rule: what is more often a speck than an organelle."""
    return SMALL_PX * (row.um2_per_px or 1.0)


def _size(row: ClassCleaning) -> float:
    return row.smallest_px if row.smallest_um2 is None else row.smallest_um2


def _edited_rules(rules: ObjectRules, rows: tuple[ClassCleaning, ...], sizes: list[float]) -> ObjectRules:
    """The rules with these smallest objects; limits at the edge and of holes change in proportion."""
    unit = AreaUnit.PX if rows[0].smallest_um2 is None else AreaUnit.UM2
    edited = []
    for row, size in zip(rows, sizes, strict=True):
        rule, known = rules.of(row.class_id), _size(row)
        if np.isclose(size, known) and rules.unit is unit:
            edited.append(rule)
            continue
        ratio = size / known if known else 0.0
        hole = (row.largest_hole_px if row.largest_hole_um2 is None else row.largest_hole_um2) * min(ratio, 1.0)
        cut = size * (rule.smallest_cut / rule.smallest if rule.smallest else 0.25)
        edited.append(
            dataclasses.replace(rule, smallest=size, smallest_cut=cut, largest_hole=hole, source=RuleSource.PERSON)
        )
    return ObjectRules(tuple(edited), unit)


def _apply(image: ImageRecord, revision: RevisionRecord, rules: ObjectRules, *, changed: bool) -> None:
    """The button, or the progress of what it began."""
    running = next(
        (row for row in active_jobs() if row.kind == "clean" and row.params.get("revision_id") == revision.id), None
    )
    if running is not None:
        _progress(running.id)
        return
    last_id = st.session_state.get(StateKey.CLEAN_JOB)
    if last_id and (last := job(last_id)).finished and last.params.get("revision_id") == revision.id:
        job_problem(last, key="clean")
    if st.button("Apply to the masks", icon=":material/cleaning_services:", disabled=not changed, width="stretch"):
        row = submit(
            "clean",
            {
                "revision_id": revision.id,
                "rules": rules.to_json(),
                "image_id": image.id,
                "project_id": image.project_id,
                "name": image.name,
            },
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
    job_bar(row, key="clean", about=plain(str(row.params.get("name", ""))))
