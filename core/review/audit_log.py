"""Reading and exporting the audit log."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator

from core.access.roles import Permission, require
from core.review.double_annotation import hidden_revisions
from core.store.audit import AuditEntry
from core.store.store import Store

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a spreadsheet takes a cell for a formula."""


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
    return (entry for entry in store.audit_log.entries(project_id, after=after) if entry.subject not in hidden)


def as_csv(entries: Iterable[AuditEntry]) -> str:
    """Comma-separated, for spreadsheets; details are JSON. Words that a spreadsheet would run get an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["number", "at", "who", "what", "subject", "details"])
    for entry in entries:
        words = (_harmless(text) for text in (entry.who, entry.what, entry.subject))
        writer.writerow([entry.id, entry.at.isoformat(), *words, json.dumps(entry.details, ensure_ascii=False)])
    return out.getvalue()


def as_json_lines(entries: Iterable[AuditEntry]) -> str:
    """One JSON object a line."""
    return "".join(
        json.dumps(
            {
                "number": entry.id,
                "at": entry.at.isoformat(),
                "who": entry.who,
                "what": entry.what,
                "project_id": entry.project_id,
                "subject": entry.subject,
                "details": entry.details,
            },
            ensure_ascii=False,
        )
        + "\n"
        for entry in entries
    )


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
