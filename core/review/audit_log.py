"""Reading and exporting the audit log."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from core.access.roles import Permission, require
from core.review.double_annotation import hidden_revisions
from core.store.review_tables import AuditRow
from core.store.store import Store

_PAGE = 1000
"""Lines read at a time."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a spreadsheet takes a cell for a formula."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line: who did what to which subject."""

    id: int
    at: datetime
    who: str
    what: str
    project_id: str
    subject: str
    details: dict[str, Any]


def audit_entries(store: Store, project_id: str, *, by: str, after: int = 0) -> Iterator[AuditEntry]:
    """The lines of a project, oldest first, those after a line's number.

    Lines about work that a blind assignment hides from ``by`` are left out as long as it does.

    Raises
    ------
    AccessError
        ``by`` is no admin.
    """
    require(store, project_id, by, Permission.MANAGE)
    hidden = hidden_revisions(store, project_id, by)
    return (entry for entry in _entries(store, project_id, after) if entry.subject not in hidden)


def as_csv(entries: Iterable[AuditEntry]) -> str:
    """Comma-separated, for spreadsheets; details are JSON. Words that a spreadsheet would run get an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["number", "at", "who", "what", "subject", "details"])
    for each in entries:
        words = (_harmless(text) for text in (each.who, each.what, each.subject))
        writer.writerow([each.id, each.at.isoformat(), *words, json.dumps(each.details, ensure_ascii=False)])
    return out.getvalue()


def as_json_lines(entries: Iterable[AuditEntry]) -> str:
    """One JSON object a line."""
    return "".join(
        json.dumps(
            {
                "number": each.id,
                "at": each.at.isoformat(),
                "who": each.who,
                "what": each.what,
                "project_id": each.project_id,
                "subject": each.subject,
                "details": each.details,
            },
            ensure_ascii=False,
        )
        + "\n"
        for each in entries
    )


def _entries(store: Store, project_id: str, after: int) -> Iterator[AuditEntry]:
    while True:
        wanted = select(AuditRow).where(AuditRow.project_id == project_id, AuditRow.id > after)
        with store.database.reading() as session:
            rows = session.scalars(wanted.order_by(AuditRow.id).limit(_PAGE)).all()
        for row in rows:
            yield AuditEntry(row.id, row.at, row.who, row.what, row.project_id, row.subject, dict(row.details))
        if len(rows) < _PAGE:
            return
        after = rows[-1].id


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
