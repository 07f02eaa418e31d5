"""Who may look at a job, and who may stop it or queue it again, where access goes by roles."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlalchemy.orm import Session

from core.access import (
    Permission,
    everywhere_admins,
    require_anywhere_within,
    require_within,
)
from core.errors import AccessError
from core.settings import Access, Settings
from core.store.people import person_key
from core.store.records import JobRecord
from core.store.review_tables import MemberRow
from core.store.store import Store
from core.store.tables import ImageRow, JobRow


def may_see_job(store: Store, row: JobRecord, person: str) -> bool:
    """Whoever may see its project; of a job that belongs to none, whoever has a role in any."""
    return _may(store, row, person, Permission.VIEW)


def may_change_job(store: Store, row: JobRecord, person: str) -> bool:
    """Whoever asked for it and still has a role there, and whoever may train there."""
    return _may(store, row, person, changing_takes(row.author, person))


def changing_takes(author: str, person: str) -> Permission:
    """What a person needs to stop or retry the job of an author."""
    own = bool(person_key(author)) and person_key(author) == person_key(person)
    return Permission.VIEW if own else Permission.TRAIN


def require_job(session: Session, settings: Settings, params: dict[str, Any], person: str, needed: Permission) -> None:
    """Refuse what a person may not do with the job of these parameters.

    Raises
    ------
    AccessError
        Naming the role that they have, and one that would do.
    """
    project_id = project_of_job(session, params)
    if project_id is None:
        require_anywhere_within(session, settings, person, needed)
    else:
        require_within(session, settings, project_id, person, needed)


def project_of_job(session: Session, params: dict[str, Any]) -> str | None:
    """The project that a job works in; None: it belongs to none. "" where its image has gone."""
    if params.get("project_id"):
        return str(params["project_id"])
    if not params.get("image_id"):
        return None
    image = session.get(ImageRow, str(params["image_id"]))
    return image.project_id if image is not None else ""


def seen_by(settings: Settings, person: str | None) -> tuple[ColumnElement[bool], ...]:
    """Conditions of a query for the jobs that a person may look at; none for None, and for who may see everything."""
    if person is None or settings.access is Access.OPEN:
        return ()
    key = person_key(person)
    if not key:
        return (false(),)
    if key in everywhere_admins(settings):
        return ()
    projects = select(MemberRow.project_id).where(MemberRow.person == key)
    images = select(ImageRow.id).where(ImageRow.project_id.in_(projects))
    project, image = (JobRow.params[name].as_string() for name in ("project_id", "image_id"))
    inside = or_(project.in_(projects), and_(project.is_(None), image.in_(images)))
    return (or_(inside, and_(project.is_(None), image.is_(None), projects.exists())),)


def _may(store: Store, row: JobRecord, person: str, needed: Permission) -> bool:
    if store.settings.access is Access.OPEN:
        return True
    with store.database.reading() as session:
        try:
            require_job(session, store.settings, dict(row.params), person, needed)
        except AccessError:
            return False
    return True
