"""Every route of ours, over people, projects, blind work and ids of things that one may not know of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from core.access import refusals
from core.access.roles import Role, set_member
from core.learning.snapshot import Snapshot, SnapshotCase
from core.learning.start import training_folder
from core.review.audit_log import audit_entries
from core.review.double_annotation import ask_to_annotate
from core.settings import Access, Settings
from core.store import Store
from core.training.preview import PREVIEW_FOLDER, PreviewCrop, write_preview
from core.web.people import PERSON_COOKIE
from core.web.routes import routes
from tests.core.review.conftest import add_image, add_labels, add_project
from tests.jobs import submit
from tests.models import write_model

NOTHING = "0" * 32
REFUSED = 403


@dataclass(frozen=True)
class Things:
    """One of everything in a project, by the word after ``/api/``."""

    images: str
    revisions: str
    drafts: str
    models: str
    evaluations: str
    trainings: str
    exports: str


class Lab:
    """Two projects with the same things in them; everybody has a role in the first, "Other" is admin of the second."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(
            data_dir=folder / "data", models_dir=folder / "models", min_free_bytes=0, admins="Root",
            access=Access.ROLES,
        )  # fmt: skip
        self.store = Store(self.settings)
        here, there = add_project(self.store), self.store.projects.create("secret project", add_scheme(self.store))
        self.here, self.there = self._things(here.id, "here"), self._things(there.id, "there")
        for role in Role:
            set_member(self.store, here.id, role.value, role, by="Root")
        for name in ("Bo", "Cy"):
            set_member(self.store, here.id, name, Role.ANNOTATOR, by="Root")
        set_member(self.store, there.id, "Other", Role.ADMIN, by="Root")
        self.routes = [route for route in routes(self.settings, self.store) if isinstance(route, Route)]
        self.client = TestClient(Starlette(routes=self.routes))

    def _things(self, project_id: str, name: str) -> Things:
        image = add_image(self.store, self.store.projects.get(project_id), f"{name}.tif")
        revision = add_labels(self.store, image, np.zeros((4, 4), np.uint8), author="Ada")
        write_model(self.settings.models_dir / f"model-{name}", project_id=project_id)
        jobs = [submit(kind, {"project_id": project_id}, store=self.store).id for kind in ("train", "measure")]
        evaluation = self.store.evaluations.create(
            project_id, name, [], scheme=self.store.projects.get(project_id).scheme, settings={}
        )
        draft, _ = self.store.drafts.open(image.id, "annotator", None)
        return Things(image.id, revision.id, draft.id, f"model-{name}", evaluation.id, *jobs)

    def ask(self, method: str, path: str, person: str) -> tuple[int, str]:
        headers = {"x-xsrftoken": "t", "cookie": f"_streamlit_xsrf=t; {PERSON_COOKIE}={person}"}
        answer = self.client.request(method, path, headers=headers, content=b"{}" if method != "GET" else None)
        return answer.status_code, answer.text


def add_scheme(store: Store):  # type: ignore[no-untyped-def]
    return store.projects.all()[0].scheme


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    made = Lab(tmp_path_factory.mktemp("lab"))
    yield made
    made.store.close()


VIEWER, ANNOTATOR = Role.VIEWER, Role.ANNOTATOR

LEAST: dict[tuple[str, str], Role] = {
    ("PUT", "/api/uploads"): ANNOTATOR,
    ("DELETE", "/api/uploads/{id}"): ANNOTATOR,
    ("GET", "/api/images/{id}"): VIEWER,
    ("GET", "/api/images/{id}/tiles/{level}/{row}/{col}"): VIEWER,
    ("GET", "/api/images/{id}/pixel"): VIEWER,
    ("GET", "/api/images/{id}/scale-bar"): VIEWER,
    ("GET", "/api/revisions/{id}"): VIEWER,
    ("GET", "/api/revisions/{id}/download/{what}"): VIEWER,
    ("GET", "/api/revisions/{id}/{layer}/{level}/{row}/{col}"): VIEWER,
    ("GET", "/api/drafts/{id}"): VIEWER,
    ("POST", "/api/drafts/{id}/tiles"): ANNOTATOR,
    ("POST", "/api/drafts/{id}/hold"): ANNOTATOR,
    ("POST", "/api/drafts/{id}/whole-image"): ANNOTATOR,
    ("POST", "/api/drafts/{id}/submit"): ANNOTATOR,
    ("GET", "/api/drafts/{id}/objects"): VIEWER,
    ("POST", "/api/drafts/{id}/objects"): ANNOTATOR,
    ("GET", "/api/drafts/{id}/questions"): VIEWER,
    ("POST", "/api/drafts/{id}/questions"): ANNOTATOR,
    ("GET", "/api/drafts/{id}/questions/{number}"): VIEWER,
    ("GET", "/api/drafts/{id}/{plane}/{level}/{row}/{col}"): VIEWER,
    ("GET", "/api/models/{id}/download/{what}"): VIEWER,
    ("GET", "/api/evaluations/{id}/download/{what}"): VIEWER,
    ("GET", "/api/trainings/{id}/preview/{what}"): VIEWER,
    ("GET", "/api/exports/{id}"): VIEWER,
}
"""Every route, and the least role in the thing's project with which it is answered. A new route needs a line."""

MORE = {
    "{level}": "0", "{row}": "0", "{col}": "0", "{layer}": "labels", "{plane}": "labels", "{what}": "labels.png",
}  # fmt: skip

PEOPLE = ("", "stranger", "Other", *(role.value for role in Role), "Root")


def address(template: str, subject: str) -> str:
    path = template.replace("{id}", subject)
    if "/models/" in path:
        path = path.replace("{what}", "bundle")
    for name, value in MORE.items():
        path = path.replace(name, value)
    return path + ("?row=0&col=0" if path.endswith("/pixel") else "")


def thing(things: Things, template: str) -> str:
    return str(getattr(things, template.split("/")[2], NOTHING))


def enough(person: str, least: Role) -> bool:
    roles = [role.value for role in Role]
    return person == "Root" or (person in roles and roles.index(person) >= roles.index(least.value))


def test_every_route_is_in_the_matrix(lab: Lab) -> None:
    there = {(method, route.path) for route in lab.routes for method in (route.methods or set()) - {"HEAD"}}
    assert there == set(LEAST)


@pytest.mark.parametrize(("method", "template"), list(LEAST), ids=[" ".join(each) for each in LEAST])
def test_the_route_answers_whom_it_should_and_nobody_else(lab: Lab, method: str, template: str) -> None:
    wrong = []
    for person in PEOPLE:
        status, _ = lab.ask(method, address(template, thing(lab.here, template)), person)
        anywhere = "uploads" in template and person == "Other"  # an upload belongs to no project
        draft = "/drafts/" in template and method == "POST" and person != "annotator"  # of somebody else
        wanted = (enough(person, LEAST[method, template]) or anywhere) and not draft
        if (status != REFUSED) is not wanted:
            wrong.append((person, status))
    assert not wrong


@pytest.mark.parametrize(("method", "template"), list(LEAST), ids=[" ".join(each) for each in LEAST])
def test_what_belongs_to_another_project_stays_there_with_its_name(lab: Lab, method: str, template: str) -> None:
    if "{id}" not in template or "uploads" in template:
        return
    for person in ("", "stranger", *(role.value for role in Role)):
        status, text = lab.ask(method, address(template, thing(lab.there, template)), person)
        assert status == REFUSED, person
        assert "secret" not in text
        assert "there.tif" not in text
    assert lab.ask("GET", address("/api/images/{id}", lab.there.images), "Other")[0] == 200


@pytest.mark.parametrize(("method", "template"), list(LEAST), ids=[" ".join(each) for each in LEAST])
def test_an_unknown_id_is_not_found_by_members_and_refused_to_others(lab: Lab, method: str, template: str) -> None:
    if "{id}" not in template or "uploads" in template:
        return
    for subject in (NOTHING, "..%2f..%2fetc", "a" * 500, "nothing%00"):
        assert lab.ask(method, address(template, subject), "stranger")[0] in (REFUSED, 404)
        assert lab.ask(method, address(template, subject), "admin")[0] in (400, 404)


def test_ids_in_the_query_are_asked_about_too(lab: Lab) -> None:
    pixel = f"/api/images/{lab.here.images}/pixel?row=0&col=0&revision="
    assert lab.ask("GET", pixel + lab.here.revisions, "viewer")[0] == 200
    assert lab.ask("GET", pixel + lab.there.revisions, "admin")[0] == REFUSED
    compared = f"/api/evaluations/{lab.here.evaluations}/download/metrics.csv?compare="
    assert lab.ask("GET", compared + lab.there.evaluations, "admin")[0] == REFUSED


@pytest.mark.parametrize("template", [t for m, t in LEAST if m == "GET" and t.split("/")[2] in ("revisions", "drafts")])
def test_blind_work_is_hidden_on_every_route_that_shows_any(lab: Lab, template: str) -> None:
    image = add_image(lab.store, lab.store.projects.all()[0], f"blind {template}.tif")
    ask_to_annotate(lab.store, image.id, ["Bo", "Cy"], by="Root")
    work = add_labels(lab.store, image, np.ones((4, 4), np.uint8), author="Bo")
    draft, _ = lab.store.drafts.open(image.id, "Bo", None)
    subject = work.id if "/revisions/" in template else draft.id
    path = address(template, subject)
    assert [lab.ask("GET", path, person)[0] == REFUSED for person in ("Bo", "Cy", "reviewer", "Root")] == [
        False, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(("what", "hidden"), [("image", False), ("reference", True), ("prediction", False)])
def test_the_preview_of_a_training_hides_labels_that_are_hidden(lab: Lab, what: str, hidden: bool) -> None:
    project = lab.store.projects.all()[0]
    image = add_image(lab.store, project, f"learned {what}.tif")
    ask_to_annotate(lab.store, image.id, ["Bo", "Cy"], by="Root")
    work = add_labels(lab.store, image, np.ones((4, 4), np.uint8), author="Bo")
    case = SnapshotCase(image.id, work.id, image.content_hash, image.name, image.id, 8.0)
    snapshot = Snapshot(project.id, project.name, project.scheme.to_json(), (case,))
    row = submit("train", {"project_id": project.id, "snapshot": snapshot.to_json()}, store=lab.store)
    folder = training_folder(lab.store, row.id)
    (folder / PREVIEW_FOLDER).mkdir(parents=True)
    write_preview(folder, PreviewCrop(np.zeros((4, 4), np.float32), *[np.ones((4, 4), np.uint8)] * 2), 1)
    path = f"/api/trainings/{row.id}/preview/{what}"
    asked = {person: lab.ask("GET", path, person)[0] for person in ("Bo", "Cy", "reviewer", "Root")}
    assert asked == {"Bo": 200, "Cy": REFUSED if hidden else 200, "reviewer": 200, "Root": 200}


def test_a_refused_request_stands_in_the_log_of_its_project(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "_TOLD", refusals._Told())
    project = lab.store.images.get(lab.there.images).project_id
    before = len(list(audit_entries(lab.store, project, by="Root")))
    for _ in range(3):
        assert lab.ask("GET", f"/api/images/{lab.there.images}", "viewer")[0] == REFUSED
    (line,) = list(audit_entries(lab.store, project, by="Root"))[before:]
    assert (line.who, line.what, line.details) == ("viewer", refusals.REFUSED, {"permission": "view"})
