"""Who may do what in a project: roles, what each allows, and the one question that core, routes and pages ask."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from core.errors import AccessError, ReviewError, RoleError
from core.settings import Access, Settings
from core.store.audit import note
from core.store.database import Transaction
from core.store.members import holders_within, member_within, roles_within, set_role_within
from core.store.people import clean_name, person_key
from core.store.projects import project_within, set_approve_own_within
from core.store.store import Store


class Permission(StrEnum):
    """Something that a person may do in a project."""

    VIEW = "view"
    """Look at images, label maps, scores, reviews."""
    COMMENT = "comment"
    PAINT = "paint"
    """Drafts, submitting, withdrawing, resolving marks."""
    ADD_IMAGES = "add_images"
    REVIEW = "review"
    """Decide, mark, assign."""
    TRAIN = "train"
    """Trainings, evaluations, rounds, promoting."""
    MANAGE = "manage"
    """Members, options, classes, splits, deleting, the audit log."""


class Role(StrEnum):
    """What a person is in a project; each may do what the one before may."""

    VIEWER = "viewer"
    ANNOTATOR = "annotator"
    REVIEWER = "reviewer"
    ADMIN = "admin"


_VIEWER: Final = frozenset({Permission.VIEW})
_ANNOTATOR: Final = _VIEWER | {Permission.COMMENT, Permission.PAINT, Permission.ADD_IMAGES}
_REVIEWER: Final = _ANNOTATOR | {Permission.REVIEW, Permission.TRAIN}

ALLOWED: Final = MappingProxyType(
    {
        Role.VIEWER: _VIEWER,
        Role.ANNOTATOR: _ANNOTATOR,
        Role.REVIEWER: _REVIEWER,
        Role.ADMIN: frozenset(Permission),
    }
)
"""What each role may do."""

_IN_WORDS: Final = MappingProxyType(
    {
        Permission.VIEW: "see this project",
        Permission.COMMENT: "comment",
        Permission.PAINT: "paint",
        Permission.ADD_IMAGES: "add images",
        Permission.REVIEW: "review",
        Permission.TRAIN: "train models",
        Permission.MANAGE: "manage the project",
    }
)


@dataclass(frozen=True, slots=True)
class Member:
    """A person's role in a project."""

    name: str
    role: Role
    added_at: datetime


def everywhere_admins(settings: Settings) -> frozenset[str]:
    """Keys of those who are admin in every project."""
    return frozenset(key for name in settings.admins.split(",") if (key := person_key(name)))


def role_of(store: Store, project_id: str, person: str) -> Role | None:
    """A person's role in a project; None: they are not a member. Everybody is admin where access is open."""
    with store.database.reading() as session:
        return role_within(session, store.settings, project_id, person)


def role_within(session: Transaction, settings: Settings, project_id: str, person: str) -> Role | None:
    """`role_of` within a transaction, so that a role that is taken away meanwhile does not count any more."""
    if settings.access is Access.OPEN:
        return Role.ADMIN
    key = person_key(person)
    if not key:
        return None
    if key in everywhere_admins(settings):
        return Role.ADMIN
    member = member_within(session, project_id, key)
    return Role(member.role) if member is not None else None


def may(store: Store, project_id: str, person: str, permission: Permission) -> bool:
    """Whether a person may do this in a project."""
    role = role_of(store, project_id, person)
    return role is not None and permission in ALLOWED[role]


def require(store: Store, project_id: str, person: str, permission: Permission) -> None:
    """Refuse what a person may not do.

    Raises
    ------
    AccessError
        Naming the role that they have, and one that would do.
    """
    with store.database.reading() as session:
        require_within(session, store.settings, project_id, person, permission)


def require_within(
    session: Transaction, settings: Settings, project_id: str, person: str, permission: Permission
) -> None:
    """`require` within the transaction of what is being asked for."""
    role = role_within(session, settings, project_id, person)
    if role is None or permission not in ALLOWED[role]:
        missing = refusal(person, role, permission)
        raise RoleError(
            missing.cause, missing.remedy, person=person, permission=permission.value, project_id=project_id
        )


def require_anywhere(store: Store, person: str, permission: Permission) -> None:
    """Refuse what a person may not do in any project: for models and uploads, which belong to none.

    Raises
    ------
    AccessError
        They may not do it anywhere.
    """
    with store.database.reading() as session:
        require_anywhere_within(session, store.settings, person, permission)


def require_anywhere_within(session: Transaction, settings: Settings, person: str, permission: Permission) -> None:
    """`require_anywhere` within a transaction."""
    key = person_key(person)
    if settings.access is Access.OPEN or (key and key in everywhere_admins(settings)):
        return
    roles = [Role(role) for role in roles_within(session, key)]
    if not any(permission in ALLOWED[role] for role in roles):
        raise refusal(person, max(roles, key=list(Role).index, default=None), permission)


def refusal(person: str, role: Role | None, permission: Permission) -> AccessError:
    """The error that says what is missing."""
    if not clean_name(person):
        return AccessError("Your name is unknown.", "Sign in, or enter your name at the top of the page.")
    enough = next(role for role in Role if permission in ALLOWED[role])
    has = f"is {role.value}" if role is not None else "has no role"
    return AccessError(
        f"{clean_name(person)} {has} in this project and may not {_IN_WORDS[permission]}.",
        f"Ask an admin of the project for the role {enough.value}.",
    )


def members(store: Store, project_id: str) -> tuple[Member, ...]:
    """The people of a project by name; those who are admin everywhere are not listed."""
    return tuple(
        Member(member.name, Role(member.role), member.added_at) for member in store.members.of_project(project_id)
    )


def projects_of(store: Store, person: str, project_ids: Iterable[str]) -> frozenset[str]:
    """Those of the projects that a person may see."""
    return frozenset(project_id for project_id in project_ids if may(store, project_id, person, Permission.VIEW))


def set_member(store: Store, project_id: str, name: str, role: Role | None, *, by: str) -> None:
    """Give a person a role in a project, or take it away (None).

    Raises
    ------
    ReviewError
        The name is empty; or nobody could manage the project any more.
    AccessError
        ``by`` is no admin.
    NotFoundError
        There is no such project.
    """
    name, key = clean_name(name), person_key(name)
    if not key:
        raise ReviewError("The person has no name.", "Enter the name used to sign in.")
    with store.database.writing() as session:
        project_within(session, project_id)
        require_within(session, store.settings, project_id, by, Permission.MANAGE)
        member = member_within(session, project_id, key)
        before = member.role if member is not None else None
        if before == Role.ADMIN.value and role is not Role.ADMIN:
            _refuse_the_last_admin(session, store.settings, project_id, name, key)
        if role is None and member is None:
            return
        after = role.value if role is not None else None
        set_role_within(session, project_id, key, name, after)
        note(session, by, "role", project_id, name, before=before, after=after)


def add_first_admin(session: Transaction, project_id: str, by: str) -> None:
    """Within the transaction that makes a project: whoever makes it is its admin."""
    name = clean_name(by)
    set_role_within(session, project_id, person_key(by), name, Role.ADMIN.value)
    note(session, by, "role", project_id, name, before=None, after=Role.ADMIN.value)


def _refuse_the_last_admin(session: Transaction, settings: Settings, project_id: str, name: str, key: str) -> None:
    """Somebody has to be able to give roles; where access is open or admins stand in the settings, somebody is."""
    if settings.access is Access.OPEN or everywhere_admins(settings):
        return
    if holders_within(session, project_id, Role.ADMIN.value) == {key}:
        raise ReviewError(f"{name} is the only admin of this project.", "Make another person admin first.")


def set_approve_own(store: Store, project_id: str, allowed: bool, *, by: str) -> None:
    """Let reviewers approve what they painted themselves, or not.

    Raises
    ------
    AccessError
        ``by`` is no admin.
    NotFoundError
        There is no such project.
    """
    with store.database.writing() as session:
        project = project_within(session, project_id)
        require_within(session, store.settings, project_id, by, Permission.MANAGE)
        if project.approve_own is not allowed:
            set_approve_own_within(session, project_id, allowed)
            note(session, by, "approve_own", project_id, project_id, after=allowed)
