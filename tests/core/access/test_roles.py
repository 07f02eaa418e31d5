"""Roles: who may do what, parametrized over all of both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.access import refusals
from core.access.refusals import REFUSED, note_refusal
from core.access.roles import (
    Permission,
    Role,
    may,
    members,
    projects_of,
    require,
    require_anywhere,
    role_of,
    set_approve_own,
    set_member,
)
from core.errors import AccessError, NotFoundError, ReviewError, RoleError
from core.label_scheme import DEFAULT_SCHEME
from core.review.audit_log import audit_entries
from core.settings import Access, load_settings
from core.store import Store
from core.store.records import ProjectRecord

MATRIX = {
    #                       viewer annotator reviewer admin
    Permission.VIEW: (True, True, True, True),
    Permission.COMMENT: (False, True, True, True),
    Permission.PAINT: (False, True, True, True),
    Permission.ADD_IMAGES: (False, True, True, True),
    Permission.REVIEW: (False, False, True, True),
    Permission.TRAIN: (False, False, True, True),
    Permission.MANAGE: (False, False, False, True),
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    folders = {"data_dir": tmp_path / "data", "models_dir": tmp_path / "models", "min_free_bytes": 0}
    opened = Store(load_settings(**folders, access=Access.ROLES, admins="Root,Ann  Chief"))
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What other tests had refused in this process does not count."""
    monkeypatch.setattr(refusals, "_TOLD", refusals._Told())


@pytest.fixture
def project(store: Store) -> ProjectRecord:
    return store.projects.create("liver", DEFAULT_SCHEME)


@pytest.mark.parametrize("position", range(len(Role)), ids=[role.value for role in Role])
@pytest.mark.parametrize("permission", list(Permission), ids=[each.value for each in Permission])
def test_each_role_may_do_what_the_matrix_says(
    store: Store, project: ProjectRecord, permission: Permission, position: int
) -> None:
    set_member(store, project.id, "Eve", list(Role)[position], by="Root")
    if MATRIX[permission][position]:
        require(store, project.id, "eve", permission)
        require_anywhere(store, "eve", permission)
        return
    with pytest.raises(AccessError, match=f"Eve is {list(Role)[position]}.*Ask an admin"):
        require(store, project.id, "Eve", permission)
    with pytest.raises(AccessError):
        require_anywhere(store, "Eve", permission)


@pytest.mark.parametrize("permission", list(Permission), ids=[each.value for each in Permission])
def test_strangers_and_the_nameless_may_nothing(store: Store, project: ProjectRecord, permission: Permission) -> None:
    for name, words in (("Eve", "Eve has no role"), ("  ", "Your name is unknown")):
        with pytest.raises(AccessError, match=words):
            require(store, project.id, name, permission)
        with pytest.raises(AccessError, match=words):
            require_anywhere(store, name, permission)


def test_a_role_counts_in_its_project_only(store: Store, project: ProjectRecord) -> None:
    other = store.projects.create("nerve", DEFAULT_SCHEME)
    set_member(store, project.id, "Eve", Role.ADMIN, by="Root")
    assert not may(store, other.id, "Eve", Permission.VIEW)
    assert projects_of(store, "Eve", [project.id, other.id]) == {project.id}
    with pytest.raises(AccessError):
        set_member(store, other.id, "Eve", Role.ADMIN, by="Eve")


def test_admins_of_the_settings_are_admin_everywhere(store: Store, project: ProjectRecord) -> None:
    assert role_of(store, project.id, "ann chief") is Role.ADMIN
    assert role_of(store, project.id, "Ann") is None


def test_where_access_is_open_everybody_is_admin(tmp_path: Path) -> None:
    store = Store(load_settings(data_dir=tmp_path / "open", models_dir=tmp_path, min_free_bytes=0))
    project = store.projects.create("liver", DEFAULT_SCHEME)
    assert role_of(store, project.id, "") is Role.ADMIN
    require_anywhere(store, "", Permission.MANAGE)
    store.close()


def test_members_change_and_go(store: Store, project: ProjectRecord) -> None:
    set_member(store, project.id, " Eve  Adams", Role.VIEWER, by="Root")
    set_member(store, project.id, "eve adams", Role.REVIEWER, by="Root")
    (member,) = members(store, project.id)
    assert (member.name, member.role) == ("eve adams", Role.REVIEWER)
    set_member(store, project.id, "EVE ADAMS", None, by="Root")
    set_member(store, project.id, "EVE ADAMS", None, by="Root")
    assert members(store, project.id) == ()
    with pytest.raises(ReviewError, match="no name"):
        set_member(store, project.id, " ", Role.VIEWER, by="Root")
    with pytest.raises(NotFoundError):
        set_member(store, "nothing", "Eve", Role.VIEWER, by="Root")


def test_members_and_options_are_for_admins(store: Store, project: ProjectRecord) -> None:
    set_member(store, project.id, "Rae", Role.REVIEWER, by="Root")
    with pytest.raises(AccessError):
        set_member(store, project.id, "Rae", Role.ADMIN, by="Rae")
    with pytest.raises(AccessError):
        set_approve_own(store, project.id, True, by="Rae")
    assert not store.projects.get(project.id).approve_own


def test_a_refused_action_stands_in_the_log_once(store: Store, project: ProjectRecord) -> None:
    set_member(store, project.id, "Vi", Role.VIEWER, by="Root")
    for person, permission in (("Vi", Permission.MANAGE), ("vi", Permission.MANAGE), ("Vi", Permission.PAINT)):
        with pytest.raises(RoleError) as refused:
            require(store, project.id, person, permission)
        note_refusal(store, refused.value)
    lines = [entry for entry in audit_entries(store, project.id, by="Root") if entry.what == REFUSED]
    assert [(line.who, line.details) for line in lines] == [
        ("Vi", {"permission": "manage"}), ("Vi", {"permission": "paint"}),
    ]  # fmt: skip


def test_nobody_fills_the_log_with_refusals(store: Store, project: ProjectRecord) -> None:
    for number in range(refusals.MOST_AN_HOUR + 20):
        with pytest.raises(RoleError) as refused:
            require(store, project.id, f"somebody {number}", Permission.VIEW)
        note_refusal(store, refused.value)
    lines = [entry for entry in audit_entries(store, project.id, by="Root") if entry.what == REFUSED]
    assert len(lines) == refusals.MOST_AN_HOUR
