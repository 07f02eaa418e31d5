"""Changing images: by whom, and what the audit log says of it."""

from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy import select

from core.access.roles import Role, set_member
from core.curation.images import (
    ProjectContents,
    change_image,
    change_pixel_sizes,
    delete_project,
    project_contents,
    restore_images,
    trash_images,
)
from core.demo.project import DEMO_PROJECT, demo_was_deleted
from core.errors import AccessError, NotFoundError, StoreError
from core.imaging.image import Image
from core.jobs.rows import job, request_cancel
from core.label_scheme import DEFAULT_SCHEME
from core.review.audit_log import audit_entries
from core.settings import load_settings
from core.store.records import ImageRecord, JobState, Split
from core.store.review_tables import AuditRow
from core.store.store import Store
from tests.jobs import submit


@pytest.fixture
def image(store: Store) -> ImageRecord:
    project = store.projects.create("liver", DEFAULT_SCHEME)
    made = store.images.add(project.id, Image(np.zeros((8, 8), np.uint8), name="cell"))
    for role in Role:
        set_member(store, project.id, role.value, role, by="")
    store._data.settings = load_settings(data_dir=store.settings.data_dir, min_free_bytes=0, access="roles")
    return made


def told(store: Store, image: ImageRecord) -> list[tuple[str, str, dict[str, object]]]:
    entries = audit_entries(store, image.project_id, by="admin")
    return [(each.who, each.what, each.details) for each in entries if each.subject == image.id]


def test_a_viewer_changes_nothing(store: Store, image: ImageRecord) -> None:
    for who in ("", "stranger", "viewer"):
        with pytest.raises(AccessError):
            change_pixel_sizes(store, [image.id], 99, by=who)
    for who in ("", "stranger", "viewer", "annotator", "reviewer"):
        with pytest.raises(AccessError):
            change_image(store, image.id, by=who, split=Split.TEST)
        with pytest.raises(AccessError):
            trash_images(store, [image.id], by=who)
    assert store.images.all() == (image,)
    assert told(store, image) == []


def test_a_new_pixel_size_is_told_and_stops_predictions_with_the_old_one(store: Store, image: ImageRecord) -> None:
    old = submit("predict", {"image_id": image.id, "model_id": "m"}, store=store)
    other = submit("predict", {"image_id": "other", "model_id": "m"}, store=store)
    change_pixel_sizes(store, [image.id], 4.0, by="annotator")
    assert store.images.get(image.id).pixel_size.nm == 4.0
    assert [job(row.id, store=store).state for row in (old, other)] == [JobState.CANCELLED, JobState.QUEUED]
    changes = {"name": "cell", "changes": {"pixel_size": [None, 4.0]}}
    assert told(store, image) == [("annotator", "image_changed", changes)]


def test_a_pixel_size_is_that_of_all_planes_of_the_stack(store: Store, image: ImageRecord) -> None:
    """It was that of one plane: the planes of a stack were then segmented at two scales."""
    planes = [
        store.images.add(image.project_id, Image(np.full((8, 8), z, np.uint8)), stack="s.tif", z_index=z)
        for z in range(3)
    ]
    store.trash.put([planes[2].id])
    old = submit("predict", {"image_id": planes[1].id, "model_id": "m"}, store=store)
    change_pixel_sizes(store, [planes[0].id], 4.0, by="annotator")
    assert [store.images.get(plane.id).pixel_size.nm for plane in planes] == [4.0] * 3
    assert store.images.get(image.id).pixel_size.nm is None
    assert job(old.id, store=store).state is JobState.CANCELLED
    assert [len(told(store, plane)) for plane in planes] == [1, 1, 1]


def test_a_measured_size_says_who_measured_what(store: Store, image: ImageRecord) -> None:
    detail = "measured on the image by annotator: 500 nm over 200.0 px"
    change_pixel_sizes(store, [image.id], 2.5, by="annotator", detail=detail)
    assert store.images.get(image.id).pixel_size.detail == detail
    ((who, what, details),) = told(store, image)
    assert (who, what) == ("annotator", "image_changed")
    assert details["changes"]["pixel_size"] == [None, f"2.5 nm, {detail}"]


def test_sizes_of_several_images_change_together_or_not_at_all(store: Store, image: ImageRecord) -> None:
    other = store.images.add(image.project_id, Image(np.full((8, 8), 9, np.uint8), name="other"))
    elsewhere = store.projects.create("of others", DEFAULT_SCHEME)
    foreign = store.images.add(elsewhere.id, Image(np.full((8, 8), 7, np.uint8), name="foreign"))
    with pytest.raises(AccessError):
        change_pixel_sizes(store, [other.id, foreign.id], 4.0, by="annotator")
    assert store.images.get(other.id).pixel_size.nm is None
    assert len(change_pixel_sizes(store, [image.id, other.id], 4.0, by="annotator")) == 2
    assert change_pixel_sizes(store, [image.id], 4.0, by="annotator") == ()


def test_an_admin_changes_throws_away_and_takes_back(store: Store, image: ImageRecord) -> None:
    change_image(store, image.id, by="admin", split="test", name="cell 2")
    assert trash_images(store, [image.id], by="admin") == 1
    with pytest.raises(AccessError):
        restore_images(store, [image.id], by="viewer")
    assert restore_images(store, [image.id], by="admin") == 1
    assert [(what, details) for _, what, details in told(store, image)] == [
        ("image_changed", {"name": "cell 2", "changes": {"split": ["pool", "test"], "name": ["cell", "cell 2"]}}),
        ("images_trashed", {"name": "cell 2"}),
        ("images_restored", {"name": "cell 2"}),
    ]


def test_a_project_is_deleted_by_an_admin_who_types_its_name_and_the_log_tells(
    store: Store, image: ImageRecord
) -> None:
    project_id = image.project_id
    for who in ("", "stranger", "reviewer"):
        with pytest.raises(AccessError):
            delete_project(store, project_id, "liver", by=who)
    with pytest.raises(StoreError, match="is called 'liver'"):
        delete_project(store, project_id, "Liver", by="admin")
    trash_images(store, [image.id], by="admin")
    expected = ProjectContents(images=1, label_maps=0, rounds=0)
    assert project_contents(store, project_id) == expected
    assert delete_project(store, project_id, " liver ", by="admin") == expected
    with pytest.raises(NotFoundError):
        store.projects.get(project_id)
    assert not (store.images_dir / image.id).exists()
    with store.database.reading() as session:
        (row,) = session.scalars(select(AuditRow).where(AuditRow.what == "project_deleted"))
        assert (row.who, row.project_id, row.details["name"], row.details["images"]) == (
            "admin",
            project_id,
            "liver",
            1,
        )
    assert not demo_was_deleted(store)


def test_a_project_stays_while_a_job_or_a_round_works_on_it(store: Store, image: ImageRecord) -> None:
    row = submit("predict", {"image_id": image.id, "model_id": "m"}, store=store)
    submit("predict", {"image_id": "another", "model_id": "m"}, store=store)
    with pytest.raises(StoreError, match=r"A job works on the project \(predict\)"):
        delete_project(store, image.project_id, "liver", by="admin")
    request_cancel(row.id, store=store)
    store.rounds.create(image.project_id, author="admin", plan={}, snapshot={}, parent_model_id=None)
    with pytest.raises(StoreError, match="Round 1 of the project is running"):
        delete_project(store, image.project_id, "liver", by="admin")
    assert store.projects.get(image.project_id).name == "liver"


def test_a_demo_project_that_was_deleted_is_known_to_be(store: Store) -> None:
    project = store.projects.create(DEMO_PROJECT, DEFAULT_SCHEME)
    row = submit("demo", {}, store=store)
    with pytest.raises(StoreError, match="A job works"):
        delete_project(store, project.id, DEMO_PROJECT, by="")
    request_cancel(row.id, store=store)
    assert not demo_was_deleted(store)
    delete_project(store, project.id, DEMO_PROJECT, by="")
    assert demo_was_deleted(store)
    store.projects.create(DEMO_PROJECT, DEFAULT_SCHEME)
    assert not demo_was_deleted(store), "somebody wanted it back"
