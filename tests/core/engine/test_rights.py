"""Who sees jobs and who stops them, where access goes by roles."""

from __future__ import annotations

import numpy as np
import pytest

from core.access.roles import Role, set_member
from core.errors import AccessError
from core.imaging.image import Image
from core.jobs.history import finished_jobs
from core.jobs.kinds import TASKS
from core.jobs.rights import may_change_job, may_run_job, may_see_job
from core.jobs.rows import active_jobs, count_jobs, job, request_cancel, retry
from core.label_scheme import DEFAULT_SCHEME
from core.settings import load_settings
from core.store.records import JobRecord, JobState
from core.store.store import Store
from tests.jobs import submit


@pytest.fixture
def asked(store: Store) -> dict[str, JobRecord]:
    """A training, a prediction of Ann's, and the import of a model, which belongs to no project."""
    project = store.projects.create("liver", DEFAULT_SCHEME)
    image = store.images.add(project.id, Image(np.zeros((8, 8), np.uint8)))
    store.projects.create("nerve", DEFAULT_SCHEME)
    for name, role in (("Vera", Role.VIEWER), ("Ann", Role.ANNOTATOR), ("Rita", Role.REVIEWER)):
        set_member(store, project.id, name, role, by="")
    made = {
        "training": submit("train", {"project_id": project.id}, author="Rita", store=store),
        "prediction": submit("predict", {"image_id": image.id, "model_id": "m"}, author="Ann", store=store),
        "model": submit("import_model", {"path": "model.zip"}, author="Rita", store=store),
    }
    store._data.settings = load_settings(
        data_dir=store.settings.data_dir, min_free_bytes=0, access="roles", admins="Boss"
    )
    return made


@pytest.mark.parametrize(
    ("person", "seen", "changed"),
    [
        ("", "", ""),
        ("Stranger", "", ""),
        ("Vera", "training prediction model", ""),
        ("ann", "training prediction model", "prediction"),
        ("Rita", "training prediction model", "training prediction model"),
        ("Boss", "training prediction model", "training prediction model"),
    ],
)
def test_each_person_sees_and_stops_what_they_may(
    store: Store, asked: dict[str, JobRecord], person: str, seen: str, changed: str
) -> None:
    assert {row.id for row in active_jobs(person=person, store=store)} == {asked[name].id for name in seen.split()}
    assert [name for name, row in asked.items() if may_see_job(store, row, person)] == seen.split()
    assert [name for name, row in asked.items() if may_change_job(store, row, person)] == changed.split()
    for name, row in asked.items():
        if name in changed.split():
            assert request_cancel(row.id, by=person, store=store).state is JobState.CANCELLED
            if name == "model" and person != "Boss":  # for all: that takes who is admin of all projects
                with pytest.raises(AccessError, match="admin of all projects"):
                    retry(row.id, by=person, store=store)
            else:
                assert retry(row.id, by=person, store=store).state is JobState.QUEUED
        else:
            with pytest.raises(AccessError):
                request_cancel(row.id, by=person, store=store)
    for row in asked.values():
        request_cancel(row.id, store=store)
    assert finished_jobs(store, person=person).total == len(seen.split())
    for row in asked.values():
        if not may_change_job(store, row, person):
            with pytest.raises(AccessError):
                retry(row.id, by=person, store=store)


def test_whoever_lost_their_role_stops_nothing_any_more(store: Store, asked: dict[str, JobRecord]) -> None:
    project_id = str(asked["training"].params["project_id"])
    set_member(store, project_id, "Ann", None, by="Boss")
    with pytest.raises(AccessError, match="Ann has no role"):
        request_cancel(asked["prediction"].id, by="Ann", store=store)
    assert active_jobs(person="Ann", store=store) == ()


RIGHTS = {
    "ingest": Role.ANNOTATOR,
    "predict": Role.ANNOTATOR,
    "clean": Role.ANNOTATOR,
    "evaluate": Role.REVIEWER,
    "measure": Role.ANNOTATOR,
    "scale_trial": Role.ANNOTATOR,
    "train": Role.REVIEWER,
    "import_cases": Role.ANNOTATOR,
    "import_predictions": Role.REVIEWER,
    "import_model": Role.REVIEWER,
    "fetch_model": Role.REVIEWER,
    "look_up": Role.REVIEWER,
    "time_training": Role.REVIEWER,
    "export": Role.VIEWER,
    "transfer": Role.VIEWER,
    "demo": Role.ADMIN,
    "demo_rounds": Role.ADMIN,
}
"""Every kind of job, and the least role that may ask for one. A new kind needs a line."""

OF_NO_PROJECT = ("time_training", "demo", "demo_rounds")
ORDER = [None, *Role]


@pytest.mark.parametrize("kind", [name for name, kind in TASKS.items() if kind.module.startswith("core.")])
def test_a_kind_of_job_is_asked_for_and_queued_again_only_by_who_may(
    store: Store, asked: dict[str, JobRecord], kind: str
) -> None:
    """Measuring was gated on its page; the job itself asked for no role."""
    project_id = str(asked["training"].params["project_id"])
    set_member(store, project_id, "Adam", Role.ADMIN, by="Boss")
    people = dict(zip(("", "Stranger", "Vera", "Ann", "Rita", "Adam", "Boss"), [None, *ORDER, Role.ADMIN], strict=True))
    params = {} if kind in OF_NO_PROJECT else {"project_id": project_id}
    for person, role in people.items():
        enough = ORDER.index(role) >= ORDER.index(RIGHTS[kind])
        try:
            row = submit(kind, params, by=person, store=store)
        except AccessError as refused:
            assert not enough, person
            assert "may not" in refused.cause or not person
            row = submit(kind, params, author=person, store=store)  # before the role was taken away
        else:
            assert enough, person
            assert row.author == person
        request_cancel(row.id, store=store)
        row = job(row.id, store=store)
        assert may_run_job(store, row, person) is enough, person
        if not enough:
            with pytest.raises(AccessError):
                retry(row.id, by=person, store=store)
        elif kind != "train":
            assert retry(row.id, by=person, store=store).state is JobState.QUEUED


def test_a_viewer_stops_what_they_asked_for_before_and_does_not_begin_it_again(
    store: Store, asked: dict[str, JobRecord]
) -> None:
    row = asked["prediction"]
    set_member(store, str(asked["training"].params["project_id"]), "Ann", Role.VIEWER, by="Boss")
    assert may_change_job(store, row, "Ann")
    assert request_cancel(row.id, by="Ann", store=store).state is JobState.CANCELLED
    assert not may_run_job(store, row, "Ann")
    with pytest.raises(AccessError, match="Ann is viewer in this project and may not paint"):
        retry(row.id, by="Ann", store=store)
    assert retry(row.id, by="Rita", store=store).state is JobState.QUEUED


@pytest.mark.parametrize(("mode", "least"), [("copy", Role.ANNOTATOR), ("move", Role.ADMIN)])
def test_images_go_to_another_project_only_for_who_has_the_role_there_when_the_job_is_made(
    store: Store, asked: dict[str, JobRecord], mode: str, least: Role
) -> None:
    source = str(asked["training"].params["project_id"])
    target = next(project.id for project in store.projects.all() if project.id != source)
    params = {"project_id": source, "target_id": target, "image_ids": [], "mode": mode}
    set_member(store, source, "Rita", Role.ADMIN, by="Boss")
    for role in ORDER:
        set_member(store, target, "Rita", role, by="Boss")
        if ORDER.index(role) >= ORDER.index(least):
            assert submit("transfer", params, by="Rita", store=store).author == "Rita"
        else:
            with pytest.raises(AccessError):
                submit("transfer", params, by="Rita", store=store)


@pytest.mark.parametrize(("person", "counted"), [("", 0), ("Stranger", 0), ("Vera", 3), ("Boss", 4), (None, 4)])
def test_the_number_of_jobs_is_that_of_those_one_may_see(
    store: Store, asked: dict[str, JobRecord], person: str | None, counted: int
) -> None:
    """The line in the corner of every page counted the jobs of everybody."""
    nerve = next(project.id for project in store.projects.all() if project.name == "nerve")
    submit("train", {"project_id": nerve}, store=store)
    assert sum(count_jobs(person=person, store=store).values()) == counted


def test_where_access_is_open_everybody_is_asked_nothing(store: Store, asked: dict[str, JobRecord]) -> None:
    store._data.settings = load_settings(data_dir=store.settings.data_dir, min_free_bytes=0)
    assert len(active_jobs(person="", store=store)) == 3
    assert request_cancel(asked["training"].id, by="", store=store).state is JobState.CANCELLED
