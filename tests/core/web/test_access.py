"""Roles on our HTTP routes: every route over every role, names from header or cookie, blind work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from core.access.roles import Role, set_member
from core.review.double_annotation import ask_to_annotate
from core.settings import Access, Settings
from core.store import Store
from core.store.records import ImageRecord, RevisionRecord
from core.web import access
from core.web.access import RULES, guarded, kind_of
from core.web.people import PERSON_COOKIE
from core.web.routes import routes
from tests.core.review.conftest import add_image, add_labels, add_project
from tests.models import write_model

PEOPLE = {"": None, "Stranger": None, **{role.value.title(): role for role in Role}}


class World:
    """A project with a member of each role, behind the routes."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.settings = Settings(
            data_dir=folder / "data", models_dir=folder / "models", min_free_bytes=0, admins="Root", **settings
        )  # type: ignore[arg-type]
        self.store = Store(self.settings)
        self.project = add_project(self.store)
        self.image: ImageRecord = add_image(self.store, self.project)
        self.revision: RevisionRecord = add_labels(self.store, self.image, np.zeros((4, 4), np.uint8))
        for name, role in PEOPLE.items():
            if role is not None:
                set_member(self.store, self.project.id, name, role, by="Root")
        self.client = TestClient(Starlette(routes=routes(self.settings, self.store)))

    def status(self, method: str, path: str, person: str, **keywords: object) -> int:
        cookie = f"_streamlit_xsrf=t; {PERSON_COOKIE}={person}"
        headers = {"x-xsrftoken": "t", "cookie": cookie}
        return int(self.client.request(method, path, headers=headers, **keywords).status_code)  # type: ignore[arg-type]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, access=Access.ROLES)
    yield made
    made.store.close()


def test_every_route_has_a_rule(world: World) -> None:
    ours = [route for route in routes(world.settings, world.store) if isinstance(route, Route)]
    assert {kind_of(route.path) for route in ours} <= set(RULES)
    assert all(type(route.app).__name__ == "_Guard" for route in ours)


def test_a_route_that_nobody_thought_of_does_not_start(world: World) -> None:
    stranger = Route("/api/secrets/{id}", lambda _: PlainTextResponse("x"))
    with pytest.raises(KeyError, match="secrets"):
        guarded([stranger], world.settings, lambda: world.store)


VIEWERS = {"Viewer", "Annotator", "Reviewer", "Admin"}

ADDRESSES: dict[str, tuple[str, Callable[[World], str], set[str]]] = {
    "image": ("GET", lambda w: f"/api/images/{w.image.id}", VIEWERS),
    "tile": ("GET", lambda w: f"/api/images/{w.image.id}/tiles/0/0/0", VIEWERS),
    "pixel": ("GET", lambda w: f"/api/images/{w.image.id}/pixel?row=0&col=0&revision={w.revision.id}", VIEWERS),
    "revision": ("GET", lambda w: f"/api/revisions/{w.revision.id}", VIEWERS),
    "labels": ("GET", lambda w: f"/api/revisions/{w.revision.id}/labels/0/0/0", VIEWERS),
    "download": ("GET", lambda w: f"/api/revisions/{w.revision.id}/download/labels.png", VIEWERS),
    "upload": ("PUT", lambda _: "/api/uploads?name=a.tif", VIEWERS - {"Viewer"}),
    "forget upload": ("DELETE", lambda _: f"/api/uploads/{'0' * 32}", VIEWERS - {"Viewer"}),
}


@pytest.mark.parametrize("person", list(PEOPLE))
@pytest.mark.parametrize("address", list(ADDRESSES))
def test_each_route_answers_whom_it_should(world: World, address: str, person: str) -> None:
    method, path, allowed = ADDRESSES[address]
    status = world.status(method, path(world), person, content=b"abc" if method == "PUT" else None)
    assert (status < 300) if person in allowed else (status == 403)


@pytest.mark.parametrize("kind", list(RULES))
@pytest.mark.parametrize("person", list(PEOPLE))
def test_writing_needs_what_the_rule_says(world: World, kind: str, person: str) -> None:
    """With routes of our own, so that it holds for those that are still to come."""
    draft, _ = world.store.drafts.open(world.image.id, "Annotator", None)
    ids = {
        "images": world.image.id,
        "revisions": world.revision.id,
        "drafts": draft.id,
        "projects": world.project.id,
        "models": write_model(world.settings.models_dir / "liver", project_id=world.project.id).id,
    }
    subject = ids.get(kind, "x")
    route = Route(f"/api/{kind}/{{id}}/x", lambda _: PlainTextResponse("done"), methods=["POST"])
    client = TestClient(Starlette(routes=guarded([route], world.settings, lambda: world.store)))
    status = client.post(f"/api/{kind}/{subject}/x", headers={"cookie": f"{PERSON_COOKIE}={person}"}).status_code
    least = {
        "uploads": "Annotator", "images": "Annotator", "revisions": "Annotator", "drafts": "Annotator",
        "models": "Reviewer", "evaluations": "Reviewer", "trainings": "Reviewer", "projects": "Admin",
            "exports": "Admin",
    }[kind]  # fmt: skip
    order = list(PEOPLE)
    assert status == (200 if order.index(person) >= order.index(least) else 403)


def test_a_role_in_another_project_is_none_here(world: World) -> None:
    other = world.store.projects.create("other", world.project.scheme)
    image = add_image(world.store, other, "b.tif")
    assert world.status("GET", f"/api/images/{image.id}", "Admin") == 403
    own = f"/api/images/{world.image.id}/pixel?row=0&col=0&revision="
    foreign = add_labels(world.store, image, np.zeros((4, 4), np.uint8))
    assert world.status("GET", own + foreign.id, "Admin") == 403
    assert world.status("GET", "/api/images/nothing", "Admin") == 404
    assert world.status("GET", "/api/images/nothing", "Stranger") == 403


def test_an_evaluation_of_another_project_is_not_even_named(world: World) -> None:
    other = world.store.projects.create("other", world.project.scheme)
    own, foreign = (
        world.store.evaluations.create(project.id, f"of {project.name}", [], scheme=project.scheme, settings={}).id
        for project in (world.project, other)
    )
    path = f"/api/evaluations/{own}/download/metrics.csv?compare="
    assert world.status("GET", path + own, "Viewer") == 409
    assert world.status("GET", path + foreign, "Viewer") == 403


def test_a_role_that_is_taken_away_does_not_count_for_long(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"/api/images/{world.image.id}"
    assert world.status("GET", path, "Viewer") == 200
    set_member(world.store, world.project.id, "Viewer", None, by="Root")
    clock = access.time.monotonic() + 2.1
    monkeypatch.setattr(access.time, "monotonic", lambda: clock)
    assert world.status("GET", path, "Viewer") == 403


def test_behind_a_proxy_only_its_header_says_who_it_is(tmp_path: Path) -> None:
    world = World(tmp_path, access=Access.ROLES, person_header="X-Forwarded-User")
    path = f"/api/images/{world.image.id}"
    set_member(world.store, world.project.id, "Zoë", Role.VIEWER, by="Root")

    def status(headers: dict[str, str | bytes]) -> int:
        return int(world.client.get(path, headers=headers).status_code)  # type: ignore[arg-type]

    assert status({"cookie": f"{PERSON_COOKIE}=Admin"}) == 403
    assert status({"x-forwarded-user": "Viewer", "cookie": f"{PERSON_COOKIE}=Stranger"}) == 200
    assert status({"x-forwarded-user": "Zoë".encode()}) == 200
    world.store.close()


def test_where_access_is_open_everybody_may(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert world.status("GET", f"/api/images/{world.image.id}", "") == 200
    assert world.status("PUT", "/api/uploads?name=a.tif", "", content=b"abc") == 200
    world.store.close()


@pytest.mark.parametrize("mode", list(Access))
def test_blind_work_is_hidden_from_the_other_annotator(tmp_path: Path, mode: Access) -> None:
    world = World(tmp_path, access=mode)
    ask_to_annotate(world.store, world.image.id, ["Annotator", "Reviewer"], by="Root")
    work = add_labels(world.store, world.image, np.ones((4, 4), np.uint8), author="Annotator")
    draft, _ = world.store.drafts.open(world.image.id, "Annotator", None)
    paths = [
        f"/api/revisions/{work.id}",
        f"/api/revisions/{work.id}/labels/0/0/0",
        f"/api/images/{world.image.id}/pixel?row=0&col=0&revision={work.id}",
    ]
    for path in paths:
        assert world.status("GET", path, "Reviewer") == 403
        assert world.status("GET", path, "Annotator") == 200
        assert world.status("GET", path, "Admin") == 200
    route = Route("/api/drafts/{id}/x", lambda _: PlainTextResponse("seen"))
    client = TestClient(Starlette(routes=guarded([route], world.settings, lambda: world.store)))
    for person, expected in (("Reviewer", 403), ("Annotator", 200)):
        cookie = {"cookie": f"{PERSON_COOKIE}={person}"}
        assert client.get(f"/api/drafts/{draft.id}/x", headers=cookie).status_code == expected
    world.store.close()


def test_having_read_does_not_let_one_write(world: World) -> None:
    draft, _ = world.store.drafts.open(world.image.id, "Annotator", None)
    route = Route("/api/drafts/{id}", lambda _: PlainTextResponse("done"), methods=["GET", "POST"])
    client = TestClient(Starlette(routes=guarded([route], world.settings, lambda: world.store)))
    cookie = {"cookie": f"{PERSON_COOKIE}=Viewer"}
    assert client.get(f"/api/drafts/{draft.id}", headers=cookie).status_code == 200
    assert client.post(f"/api/drafts/{draft.id}", headers=cookie).status_code == 403
