"""Who sees jobs and who stops them, where access goes by roles."""

from __future__ import annotations

import numpy as np
import pytest

from core.access import Role, set_member
from core.errors import AccessError
from core.imaging.image import Image
from core.jobs.history import finished_jobs
from core.jobs.rights import may_change_job, may_see_job
from core.jobs.rows import active_jobs, request_cancel, retry, submit
from core.label_scheme import DEFAULT_SCHEME
from core.settings import load_settings
from core.store.records import JobRecord, JobState
from core.store.store import Store


@pytest.fixture
def asked(store: Store) -> dict[str, JobRecord]:
    """A training, a prediction of Ann's, and the import of a model, which belongs to no project."""
    project = store.create_project("liver", DEFAULT_SCHEME)
    image = store.add_image(project.id, Image(np.zeros((8, 8), np.uint8)))
    store.create_project("nerve", DEFAULT_SCHEME)
    for name, role in (("Vera", Role.VIEWER), ("Ann", Role.ANNOTATOR), ("Rita", Role.REVIEWER)):
        set_member(store, project.id, name, role, by="")
    made = {
        "training": submit("train", {"project_id": project.id}, author="Rita", store=store),
        "prediction": submit("predict", {"image_id": image.id, "model_id": "m"}, author="Ann", store=store),
        "model": submit("import_model", {"path": "model.zip"}, author="Rita", store=store),
    }
    store.settings = load_settings(data_dir=store.settings.data_dir, min_free_bytes=0, access="roles", admins="Boss")
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


def test_where_access_is_open_everybody_is_asked_nothing(store: Store, asked: dict[str, JobRecord]) -> None:
    store.settings = load_settings(data_dir=store.settings.data_dir, min_free_bytes=0)
    assert len(active_jobs(person="", store=store)) == 3
    assert request_cancel(asked["training"].id, by="", store=store).state is JobState.CANCELLED
