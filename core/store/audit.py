"""The audit log: written in the transaction of what it tells, never changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.store.base import StorePart, now
from core.store.people import clean_name
from core.store.review_tables import AuditRow

_PAGE: Final = 1000
"""Lines read at a time."""


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


class AuditLog(StorePart):
    """Reading the log; `note` adds to it."""

    def entries(self, project_id: str, *, after: int = 0) -> Iterator[AuditEntry]:
        """The lines of a project, oldest first, those after a line's number; read in pages."""
        while True:
            wanted = select(AuditRow).where(AuditRow.project_id == project_id, AuditRow.id > after)
            with self._data.database.reading() as session:
                rows = session.scalars(wanted.order_by(AuditRow.id).limit(_PAGE)).all()
            for row in rows:
                yield AuditEntry(row.id, row.at, row.who, row.what, row.project_id, row.subject, dict(row.details))
            if len(rows) < _PAGE:
                return
            after = rows[-1].id

    def details(self, what: str) -> tuple[dict[str, Any], ...]:
        """The details of all lines, of any project, that tell of one kind of action."""
        with self._data.database.reading() as session:
            return tuple(dict(row) for row in session.scalars(select(AuditRow.details).where(AuditRow.what == what)))


def note(session: Session, who: str, what: str, project_id: str, subject: str, **details: Any) -> None:
    """Add a line; it is kept when the transaction is, and only then.

    Parameters
    ----------
    session
        Of `Database.writing`.
    who
        The person, "" where nobody said.
    what
        What was done, such as "image_changed" or "model_promoted".
    project_id, subject
        What it was done to: the id of a revision, an image, or a person's name.
    details
        Plain values.
    """
    row = AuditRow(
        at=now(), who=clean_name(who), what=what, project_id=project_id, subject=subject[:200], details=details
    )
    session.add(row)
