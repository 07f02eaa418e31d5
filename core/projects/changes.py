"""Making and changing projects as people do: asked for their rights at that moment, and told in the audit log."""

from __future__ import annotations

from typing import Any

from core.access.roles import Permission, add_first_admin, everywhere_admins, require, require_anywhere, require_within
from core.label_scheme import LabelScheme
from core.settings import Access
from core.store.audit import note
from core.store.database import Transaction
from core.store.people import person_key
from core.store.records import ProjectRecord
from core.store.store import Store


def create_project(
    store: Store,
    name: str,
    scheme: LabelScheme,
    pixel_size_nm: float | None = None,
    *,
    by: str,
    for_uploads: bool = False,
) -> ProjectRecord:
    """Make an empty project; where access goes by roles, whoever makes it is its admin.

    Parameters
    ----------
    for_uploads
        It is the one that files go to where no project was chosen: there is one at most.

    Raises
    ------
    AccessError
        ``by`` manages no project, nor all of them.
    StoreError, ImageError
        As `Projects.create`; there is one for uploads already.
    """
    require_anywhere(store, by, Permission.MANAGE)
    key = person_key(by)

    def told(session: Transaction, project: ProjectRecord) -> None:
        note(session, by, "project_made", project.id, project.id, name=project.name, classes=_classes(scheme))
        if store.settings.access is Access.ROLES and key and key not in everywhere_admins(store.settings):
            add_first_admin(session, project.id, by)

    return store.projects.create(name, scheme, pixel_size_nm, for_uploads=for_uploads, within=told)


def change_project(
    store: Store,
    project_id: str,
    *,
    by: str,
    name: str | None = None,
    scheme: LabelScheme | None = None,
    pixel_size_nm: float | None = None,
) -> ProjectRecord:
    """Change name, classes or usual pixel size, as `Projects.update` takes them.

    Raises
    ------
    AccessError
        ``by`` may not manage the project (any more).
    NotFoundError, StoreError, ImageError
        As `Projects.update`.
    """
    require(store, project_id, by, Permission.MANAGE)

    def told(session: Transaction, before: ProjectRecord, after: ProjectRecord) -> None:
        require_within(session, store.settings, project_id, by, Permission.MANAGE)
        changes: dict[str, Any] = {}
        if before.name != after.name:
            changes["name"] = [before.name, after.name]
        if before.pixel_size_nm != after.pixel_size_nm:
            changes["pixel_size_nm"] = [before.pixel_size_nm, after.pixel_size_nm]
        if before.scheme != after.scheme:
            changes["classes"] = [_classes(before.scheme), _classes(after.scheme)]
        if changes:
            note(session, by, "project_changed", project_id, project_id, changes=changes)

    return store.projects.update(project_id, name=name, scheme=scheme, pixel_size_nm=pixel_size_nm, within=told)


def _classes(scheme: LabelScheme) -> dict[str, str]:
    """Number, name and colour of each class, as a line of the log shows them."""
    return {str(item.id): f"{item.name} {item.color}" for item in scheme.classes}
