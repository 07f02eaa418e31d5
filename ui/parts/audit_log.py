"""The audit log of a project: who decided what, when and why. Lines are only ever added."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

import pandas as pd
import streamlit as st

from core.access.refusals import REFUSED
from core.access.roles import Permission, may
from core.imaging.names import file_stem
from core.review.audit_log import as_csv, as_json_lines, audit_entries
from core.store.audit import AuditEntry
from core.store.records import ProjectRecord
from core.wording import counted
from ui import context
from ui.access import visible_projects
from ui.parts.audit_words import Names, details_text, subject_text
from ui.parts.options import choice

SHOWN: Final = 500
"""Lines in the table; the files hold all."""

_ALL: Final = "All actions"

_WORDS: Final = {
    "submitted": "submitted a correction",
    "approved": "approved",
    "changes_requested": "requested changes",
    "rejected": "rejected",
    "withdrawn": "withdrew",
    "reopened": "withdrew a decision",
    "assigned": "assigned a review",
    "marked": "marked a place",
    "mark_removed": "removed a mark",
    "role": "changed a role",
    "approve_own": "changed who may approve their own work",
    "round_started": "started a round",
    "round_cancelled": "cancelled a round",
    "model_promoted": "promoted a model",
    "model_declined": "rejected a new model",
    "model_kept": "kept the current model",
    "asked_to_annotate": "assigned an image for annotation",
    "excused": "cancelled an assignment to annotate",
    "image_changed": "changed an image",
    "questions_answered": "answered questions “one or two?”",
    "evaluation_deleted": "deleted an evaluation",
    "reference_made": "created a reference from approved corrections",
    "project_made": "created the project",
    "project_changed": "changed the project's settings",
    "model_renamed": "renamed a model",
    "model_archived": "archived a model",
    "model_offered": "unarchived a model",
    "model_trashed": "moved a model to the trash",
    "model_restored": "restored a model from the trash",
    "model_default": "made a model the default",
    "model_pixel_size": "set the training pixel size of a model",
    "model_imported": "imported a model",
    "licence_accepted": "accepted the licence of a model",
    "classes_matched": "matched a model's classes",
    "image_copied": "copied an image to another project",
    "image_moved": "moved an image to another project",
    REFUSED: "was refused",
    "images_trashed": "moved an image to the trash",
    "images_restored": "restored an image from the trash",
}


def log_panel(project: ProjectRecord, person: str) -> None:
    """The lines, newest first, filtered; all of them as a file."""
    if not may(context.store(), project.id, person, Permission.MANAGE):
        st.info("Only admins of the project can read its log.", icon=":material/lock:")
        return
    entries = list(audit_entries(context.store(), project.id, by=person))
    if not entries:
        st.info(
            "No entries yet. Submissions, reviews, roles, rounds and promotions are recorded here.",
            icon=":material/history_edu:",
        )
        return
    shown = _filtered(entries)
    st.dataframe(
        log_table(list(reversed(shown))[:SHOWN]),
        hide_index=True, placeholder="–", width="stretch",
        key=f"log-{project.id}",
        column_config={"Details": st.column_config.TextColumn(width="large")},
    )  # fmt: skip
    text = f"{counted(len(shown), 'line')}, newest first"
    text += f"; the newest {SHOWN} are shown, the files contain all." if len(shown) > SHOWN else "."
    st.caption(f"{text} Entries are never changed or removed.")
    with st.container(horizontal=True):
        name = f"log_{file_stem(project.name)}"
        st.download_button(
            "CSV", partial(as_csv, shown), f"{name}.csv", "text/csv", icon=":material/download:", key="log-csv"
        )
        st.download_button(
            "JSON lines", partial(as_json_lines, shown), f"{name}.jsonl", "application/jsonl",
            icon=":material/download:", key="log-json",
        )  # fmt: skip


def _filtered(entries: Sequence[AuditEntry]) -> list[AuditEntry]:
    """By person, by what was done, by day."""
    who, what, since = st.columns([1, 1, 1])
    people = sorted({entry.who for entry in entries if entry.who}, key=str.casefold)
    kinds = sorted({entry.what for entry in entries}, key=_words)
    names = {_ALL: "All people"} | {name: name for name in people}
    person = choice("Who", names, key="log-who", place=who)
    kind = choice("Action", {_ALL: "All actions"} | {kind: _words(kind) for kind in kinds}, key="log-what", place=what)
    day = since.date_input("Since", value=None, max_value="today", key="log-since")
    return [
        entry
        for entry in entries
        if person in (_ALL, entry.who) and kind in (_ALL, entry.what) and (day is None or entry.at.date() >= day)
    ]


def log_table(entries: Sequence[AuditEntry]) -> pd.DataFrame:
    """One row per line, with names in place of ids; the files hold the ids."""
    names = Names(context.store(), context.seen_models(), visible_projects())
    return pd.DataFrame(
        {
            "When": [f"{entry.at:%Y-%m-%d %H:%M:%S} UTC" for entry in entries],
            "Who": [entry.who or "nobody named" for entry in entries],
            "Action": [_words(entry.what) for entry in entries],
            "Subject": [subject_text(entry, names) for entry in entries],
            "Details": [details_text(entry, names) for entry in entries],
        }
    )


def _words(what: str) -> str:
    return _WORDS.get(what, what.replace("_", " "))
