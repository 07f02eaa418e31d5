"""Where files go that were dropped without a project, by role, and however many come at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.access.roles import Role, role_of, set_member
from core.batches.plan import SegmentPlan
from core.batches.start import NewFile, add_file
from core.batches.target import FIRST_PROJECT, first_project, makes_first_project, upload_projects
from core.demo.project import DEMO_PROJECT
from core.errors import AccessError, StoreError
from core.jobs.rows import jobs
from core.label_scheme import DEFAULT_SCHEME
from core.projects.changes import create_project
from core.review.audit_log import audit_entries
from core.settings import Access, load_settings
from core.store.store import Store
from tests.models import write_model

PLAN = SegmentPlan(model_id="tiny")


def opened(folder: Path, access: Access) -> Store:
    settings = load_settings(
        data_dir=folder / "data", models_dir=folder / "models", access=access, admins="Root", min_free_bytes=0
    )
    write_model(settings.models_dir / "tiny")
    return Store(settings)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Everybody may do everything."""
    made = opened(tmp_path, Access.OPEN)
    yield made
    made.close()


@pytest.fixture
def by_roles(tmp_path: Path) -> Iterator[Store]:
    made = opened(tmp_path / "roles", Access.ROLES)
    yield made
    made.close()


def drop(store: Store, person: str, batch: str = "ab" * 8) -> str:
    """A file without a project; the id of the project that it goes to."""
    row = add_file(store, batch, "", PLAN, NewFile(name="a.tif", path=Path("a.tif")), files=1, by=person)
    return str(row.params["project_id"])


def test_it_is_made_once_and_known_by_a_mark_not_by_its_name(store: Store) -> None:
    made = first_project(store, DEFAULT_SCHEME, by="")
    assert (made.name, made.scheme) == (FIRST_PROJECT, DEFAULT_SCHEME)
    store.projects.create("Later", DEFAULT_SCHEME)
    store.projects.update(made.id, name="Liver")
    assert drop(store, "") == made.id
    assert [project.name for project in store.projects.all()] == ["Liver", "Later"]


def test_a_project_that_happens_to_have_the_name_is_left_alone(store: Store) -> None:
    namesake = store.projects.create(FIRST_PROJECT, DEFAULT_SCHEME)
    made = first_project(store, DEFAULT_SCHEME, by="")
    assert made.id != namesake.id
    assert made.name == "My images (2)"
    assert first_project(store, DEFAULT_SCHEME, by="").id == made.id


def test_a_second_project_for_uploads_cannot_be_made(store: Store) -> None:
    create_project(store, "One", DEFAULT_SCHEME, by="", for_uploads=True)
    with pytest.raises(StoreError, match="Two"):
        create_project(store, "Two", DEFAULT_SCHEME, by="", for_uploads=True)
    assert [project.name for project in store.projects.all()] == ["One"]


@pytest.mark.parametrize("taken", [False, True])
def test_many_first_files_at_once_go_to_one_project(store: Store, taken: bool) -> None:
    if taken:
        store.projects.create(FIRST_PROJECT, DEFAULT_SCHEME)
    stores = [Store(store.settings) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        went = list(pool.map(lambda number: drop(stores[number % 4], f"p{number}", f"{number:016x}"), range(8)))
    for each in stores:
        each.close()
    assert len(set(went)) == 1
    assert len(store.projects.all()) == 1 + taken


def test_under_roles_who_makes_it_is_its_admin_and_it_stands_in_the_log(by_roles: Store) -> None:
    own = by_roles.projects.create("Liver", DEFAULT_SCHEME)
    set_member(by_roles, own.id, "Ada", Role.ADMIN, by="Root")
    made = drop(by_roles, "Ada")
    assert by_roles.projects.get(made).name == FIRST_PROJECT
    assert role_of(by_roles, made, "Ada") is Role.ADMIN
    assert [line.what for line in audit_entries(by_roles, made, by="Ada")] == ["project_made", "role"]


@pytest.mark.parametrize("role", [None, Role.VIEWER])
def test_whoever_may_not_make_a_project_gets_none_by_dropping(by_roles: Store, role: Role | None) -> None:
    other = by_roles.projects.create("Other", DEFAULT_SCHEME)
    if role is not None:
        set_member(by_roles, other.id, "Bo", role, by="Root")
    for person in ("Bo", ""):
        with pytest.raises(AccessError, match="may not create one") as refused:
            drop(by_roles, person)
        assert "Ask an admin" in refused.value.remedy
        assert not makes_first_project(by_roles, person)
    assert [project.name for project in by_roles.projects.all()] == ["Other"]
    assert jobs(store=by_roles) == ()


@pytest.mark.parametrize("uploads_made", [False, True])
def test_an_annotators_file_goes_where_they_may_add_images(by_roles: Store, uploads_made: bool) -> None:
    if uploads_made:
        first_project(by_roles, DEFAULT_SCHEME, by="Root")
    own, foreign = (by_roles.projects.create(name, DEFAULT_SCHEME) for name in ("Own", "Foreign"))
    set_member(by_roles, own.id, "Bo", Role.ANNOTATOR, by="Root")
    set_member(by_roles, foreign.id, "Bo", Role.VIEWER, by="Root")
    assert drop(by_roles, "Bo") == own.id
    assert len(by_roles.projects.all()) == 2 + uploads_made


def test_projects_are_offered_as_they_were_used_and_the_examples_last(by_roles: Store) -> None:
    names = ("Old", DEMO_PROJECT, "New", "Seen", "Foreign")
    made = {name: by_roles.projects.create(name, DEFAULT_SCHEME) for name in names}
    for name in names[:4]:
        set_member(by_roles, made[name].id, "Bo", Role.ANNOTATOR, by="Root")
    used = (made["Foreign"].id, None, made["Old"].id)
    assert [each.name for each in upload_projects(by_roles, "Bo", used=used)] == ["Old", "Seen", "New", DEMO_PROJECT]
    assert upload_projects(by_roles, "stranger", used=used) == ()


def test_the_first_project_is_offered_to_who_may_make_it_and_has_none(store: Store, by_roles: Store) -> None:
    assert makes_first_project(by_roles, "Root")
    assert not makes_first_project(by_roles, "Bo")
    store.projects.create(DEMO_PROJECT, DEFAULT_SCHEME)
    assert makes_first_project(store, "")
    store.projects.create("Own", DEFAULT_SCHEME)
    assert not makes_first_project(store, "")
