"""A data folder of an earlier version opens, says what it said, and can be worked on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.access.roles import Role, members
from core.annotation.submission import submit_draft
from core.curation.images import restore_images
from core.evaluations.read import evaluation_report, evaluations, image_errors
from core.imaging.pyramid import open_pyramid
from core.jobs.rows import jobs, retry
from core.learning.training_labels import training_labels
from core.review.decisions import decide
from core.review.discussion import marks, thread
from core.review.queue import queue
from core.review.records import Decision, ReviewState
from core.settings import load_settings
from core.store import JobState, RevisionKind, Split, Store
from core.store.records import ImageRecord
from tests.core.store.old_data import ARCHIVES, unpack


@pytest.fixture(params=ARCHIVES, ids=lambda archive: archive.name.removesuffix(".tar.xz"))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    data = unpack(request.param, tmp_path / "data")
    opened = Store(load_settings(data_dir=data, models_dir=tmp_path / "models", min_free_bytes=0))
    yield opened
    opened.close()


def images(store: Store) -> dict[str, ImageRecord]:
    return {image.name: image for image in store.images.all()}


def test_images_and_label_maps_are_as_they_were(store: Store) -> None:
    (project,) = store.projects.all()
    known = images(store)
    assert project.name == "nerve"
    assert {item.id: item.name for item in project.scheme.classes} == {1: "axon", 2: "myelin"}
    first, second, third = (known[name] for name in ("a.tif", "b.tif", "c.tif"))
    assert (first.specimen, first.condition, first.split, first.pixel_size.nm) == (
        "mouse 1",
        "control",
        Split.TEST,
        5.0,
    )
    assert (second.specimen, second.condition, second.split) == ("mouse 2", "treated", Split.TRAIN)
    assert (third.stack, third.z_index) == ("series", 4)
    assert [image.name for image in store.trash.images(project.id)] == ["d.tif"]
    (reference,) = store.revisions.of_image(first.id, kind=RevisionKind.REFERENCE)
    labels = open_pyramid(store.revisions.pyramid_path(reference.id)).whole()
    assert np.bincount(labels.ravel()).tolist() == [48 * 64 - 640 - 200, 640, 200]


def test_people_jobs_rounds_and_the_log_are_as_they_were(store: Store) -> None:
    (project,) = store.projects.all()
    assert [(member.name, member.role) for member in members(store, project.id)] == [("Ada", Role.ANNOTATOR)]
    states = {job.kind: job.state for job in jobs(store=store)}
    assert states == {
        "train": JobState.PAUSED,
        "predict": JobState.QUEUED,
        "ingest": JobState.FAILED,
        "evaluate": JobState.SUCCEEDED,
    }
    assert {job.kind for job in jobs(project_id=project.id, store=store)} == set(states)
    (training,) = jobs(kinds=["train"], store=store)
    assert (training.project_id, training.title) == (project.id, "first model")
    assert retry(training.id, store=store).state is JobState.QUEUED
    assert [record.number for record in store.rounds.of_project(project.id)] == [1]
    told = [entry.what for entry in store.audit_log.entries(project.id)]
    assert {"role", "submitted", "approved", "marked", "round_started"} <= set(told)


def test_scores_are_as_they_were(store: Store) -> None:
    """The prediction has 3 quarters of the axon: Dice 2 * 480 / (480 + 640)."""
    (project,) = store.projects.all()
    (evaluation,) = evaluations(store, project.id)
    report = evaluation_report(store, evaluation.id)
    assert report.figure("dice", 1).macro == pytest.approx(2 * 480 / (480 + 640))
    assert image_errors(store, evaluation.id, images(store)["a.tif"].id)


def test_work_goes_on(store: Store) -> None:
    """What was open is submitted, what waited is approved, what was thrown away comes back, and all is learned."""
    (project,) = store.projects.all()
    known = images(store)
    (waiting,) = queue(store, project.id, person="Bo")
    assert (waiting.image_name, waiting.assignee, waiting.state) == ("b.tif", "Bo", ReviewState.SUBMITTED)
    decide(store, waiting.revision_id, "Bo", Decision.APPROVE)
    (approved,) = store.revisions.of_image(known["c.tif"].id, kind=RevisionKind.CORRECTION)
    assert [comment.text for comment in thread(store, approved.id)] == ["Thin here?"]
    assert [mark.label for mark in marks(store, approved.id)] == ["myelin"]
    (draft,) = store.drafts.of_image(known["a.tif"].id)
    submitted = submit_draft(store, draft.id, "tab").revision
    labels = open_pyramid(store.revisions.pyramid_path(submitted.id)).whole()
    assert np.array_equal(labels[2:6, 2:12], np.full((4, 10), 2))
    assert restore_images(store, [image.id for image in store.trash.images(project.id)], by="Bo") == 1
    learned = training_labels(store, project.id, [known["b.tif"].id, known["c.tif"].id])
    assert {image_id: len(labels.layers) for image_id, labels in learned.items()} == {
        known["b.tif"].id: 2,
        known["c.tif"].id: 1,
    }


def test_nothing_of_it_is_taken_for_a_leftover(store: Store) -> None:
    folders = {path.name for folder in (store.images_dir, store.labels_dir) for path in folder.iterdir()}
    assert len(folders) == 4 + 7
    assert store.sweep() == 0
    assert folders == {path.name for folder in (store.images_dir, store.labels_dir) for path in folder.iterdir()}
