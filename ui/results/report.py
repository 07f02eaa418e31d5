"""What can be taken away: the report as one file, the tables, the bundle."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final
from urllib.parse import urlencode

import streamlit as st

from core.exports.heavy import heavy_evaluation
from core.exports.request import COUNTS
from core.exports.start import start_file
from core.store.records import EvaluationRecord
from ui import context
from ui.errors import plain
from ui.parts.kept_files import prepare_button
from ui.parts.options import choice
from ui.parts.scores import evaluation_texts
from ui.parts.takeaway import takeaway_button
from ui.person import person
from ui.results.evaluation_choice import delete_popover

_FILES: Final = (
    (
        "report.html", "Report", ":material/description:",
        "One file with figures, tables, images of the worst errors, evaluation settings, versions and the model "
        "card. Works offline and can be printed.",
    ),
    (
        "metrics.csv", "Table of metrics", ":material/table:",
        "One row per metric, image and class, for a spreadsheet or R.",
    ),
    (
        "bundle.zip", "Bundle", ":material/folder_zip:",
        "Tables as CSV and all results as JSON: counts, confusion matrices, settings, versions.",
    ),
)  # fmt: skip

_NOBODY: Final = ""


def report_panel(row: EvaluationRecord, rows: Sequence[EvaluationRecord]) -> None:
    """Links to the files, made on demand by our own route."""
    others = {other.id: other for other in rows if other.id != row.id and other.scored_count}
    against = _NOBODY
    if others:
        against = choice(
            "Compare with",
            {_NOBODY: "nothing"} | evaluation_texts(list(others.values())),
            key=f"results-report-against-{row.id}",
            help="Adds paired differences from another evaluation to the report.",
        )
    for column, (what, label, icon, help_text) in zip(st.columns(len(_FILES)), _FILES, strict=True):
        with column.container(border=True, height="stretch"):
            st.markdown(f"**{label}**")
            st.caption(help_text)
            first = what == _FILES[0][0]
            if heavy_evaluation(row, what):
                options = {"compare": against} if against else {}
                ask = partial(start_file, context.store(), "evaluation", row.id, what, options, by=person())
                prepare_button(f"Prepare {what}", ask, slot=f"{row.id}-{what}-{against}", primary=first)
                continue
            st.link_button(
                f"Download {what}", download_address(row.id, what, against), icon=icon, width="stretch",
                type="primary" if first else "secondary",
            )  # fmt: skip
    facts = [f"{name}: {value}" for name, value in _provenance(row).items() if value]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(plain(" · ".join(facts)))
        _takeaway(row)
        delete_popover(row)


def _takeaway(row: EvaluationRecord) -> None:
    """The images of the test set with the label maps that were scored."""
    store = context.store()
    known = {image.id for image in store.images.all(row.project_id)}
    ids = [image.image_id for image in store.evaluations.images(row.id) if image.image_id in known]
    labels = f"model:{row.model_id}" if row.model_id else COUNTS
    takeaway_button(
        "Export images and masks", row.project_id, ids, key=f"results-takeaway-{row.id}", title=row.name,
        labels=labels,
    )  # fmt: skip


def download_address(evaluation_id: str, what: str, against: str = "") -> str:
    """Address of a download on our own server."""
    query = f"?{urlencode({'compare': against})}" if against else ""
    return f"api/evaluations/{evaluation_id}/download/{what}{query}"


def _provenance(row: EvaluationRecord) -> dict[str, str]:
    """Who evaluated what, and when."""
    return {
        "Evaluation id": row.id,
        "model": context.model_name(row.model_id) if row.model_id else "imported predictions",
        "begun": f"{row.created_at:%Y-%m-%d %H:%M} UTC",
        "finished": f"{row.completed_at:%Y-%m-%d %H:%M} UTC" if row.completed_at else "",
        "requested by": row.author,
    }
