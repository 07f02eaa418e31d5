"""The people of projects, and the role of each; what a role allows is said in `core.access.roles`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.store.base import StorePart, now
from core.store.review_tables import MemberRow


@dataclass(frozen=True, slots=True)
class MemberRecord:
    """A person's role in a project.

    Parameters
    ----------
    name
        As written; `core.store.people.person_key` of it is how it is compared.
    role
        A word of `core.access.roles.Role`.
    """

    name: str
    role: str
    added_at: datetime


class Members(StorePart):
    """Looking at the people of projects."""

    def of_project(self, project_id: str) -> tuple[MemberRecord, ...]:
        """The people of a project by name."""
        wanted = select(MemberRow).where(MemberRow.project_id == project_id).order_by(MemberRow.person)
        with self._data.database.reading() as session:
            return tuple(_record(row) for row in session.scalars(wanted))


def member_within(session: Session, project_id: str, person: str) -> MemberRecord | None:
    """Within a transaction: the person with this key in a project; None: they are not a member."""
    row = session.get(MemberRow, (project_id, person))
    return None if row is None else _record(row)


def roles_within(session: Session, person: str) -> list[str]:
    """Within a transaction: the roles of the person with this key in all projects."""
    return list(session.scalars(select(MemberRow.role).where(MemberRow.person == person)))


def holders_within(session: Session, project_id: str, role: str) -> set[str]:
    """Within a transaction: keys of the people who have this role in a project."""
    wanted = select(MemberRow.person).where(MemberRow.project_id == project_id, MemberRow.role == role)
    return set(session.scalars(wanted))


def set_role_within(session: Session, project_id: str, person: str, name: str, role: str | None) -> None:
    """Within a transaction: a person has this role in a project from now on; None: they are not a member any more."""
    row = session.get(MemberRow, (project_id, person))
    if role is None:
        if row is not None:
            session.delete(row)
    elif row is None:
        session.add(MemberRow(project_id=project_id, person=person, name=name, role=role, added_at=now()))
    else:
        row.name, row.role = name, role
    session.flush()


def _record(row: MemberRow) -> MemberRecord:
    return MemberRecord(row.name, row.role, row.added_at)
