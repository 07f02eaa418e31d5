"""The audit log: written in the transaction of what it tells, never changed."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from core.store.base import now
from core.store.people import clean_name
from core.store.review_tables import AuditRow


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
