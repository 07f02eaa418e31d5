"""The demo project's loop: simulated corrections, a review that waits, a round; nothing of the test set is learned."""

from __future__ import annotations

import numpy as np
import pytest

import core.demo.project as demo
import core.demo.rounds as demo_rounds
from core.demo.project import demo_project, prepare_demo_images
from core.demo.rounds import ANNOTATOR, REVIEWER, correct_demo, prepare_demo_pool
from core.engine.tasks.demo_rounds import queue_demo_rounds
from core.imaging.pyramid import LabelPyramidWriter, open_pyramid
from core.jobs.rows import jobs
from core.learning.snapshot import Snapshot
from core.phantom import generate_phantom
from core.review.discussion import marks
from core.review.queue import QueueFilter, queue
from core.review.records import ReviewState
from core.settings import Settings
from core.store import ImageRecord, RevisionKind, Store
from tests.models import write_model


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "DEMO_IMAGES", (("A", 1, 128),))
    pool = tuple((f"P{number}", 300 + number, 600) for number in range(3))
    monkeypatch.setattr(demo_rounds, "DEMO_POOL", pool)
    monkeypatch.setattr(demo_rounds, "_PLACES", 2)


def predict(store: Store, image: ImageRecord) -> None:
    """Everything is background, and doubtful."""
    begun = store.revisions.begin(image.id, RevisionKind.PREDICTION, model_id="starter")
    confidence = np.random.default_rng(1).integers(60, 250, image.shape_yx, np.uint8)
    with LabelPyramidWriter(store.revisions.pyramid_path(begun.id), image.shape_yx, pixel_size_nm=8.0) as writer:
        writer.write(0, 0, np.zeros(image.shape_yx, np.uint8), confidence)
    store.revisions.complete(begun.id)


def test_corrections_are_exact_where_they_confirm_and_one_round_has_begun(store: Store, settings: Settings) -> None:
    write_model(settings.models_dir / "starter")
    prepare_demo_images(store)
    pool = prepare_demo_pool(store)
    assert prepare_demo_pool(store) == pool
    for image in pool:
        predict(store, image)
    begun = correct_demo(store, "starter")
    assert begun is not None
    assert correct_demo(store, "starter") is None, "once only"

    project = demo_project(store)
    assert project is not None
    everything = queue(store, project.id, QueueFilter(states=frozenset(ReviewState)), person="")
    states = {review.image_name: review.state for review in everything}
    assert states == {
        "P0": ReviewState.APPROVED, "P1": ReviewState.APPROVED, "P2": ReviewState.SUBMITTED,
    }  # fmt: skip
    learned = {case.name for case in Snapshot.from_json(begun.snapshot).cases}
    assert learned == {"P0"}, "the second correction is for the second round"
    assert begun.plan["again_after"] == 1

    (correction,) = store.revisions.of_image(pool[0].id, kind=RevisionKind.CORRECTION)
    assert correction.author == ANNOTATOR
    path = store.revisions.pyramid_path(correction.id)
    labels = np.asarray(open_pyramid(path).read(0, slice(None), slice(None)))
    covered = np.asarray(open_pyramid(path / "coverage").read(0, slice(None), slice(None))) > 0
    truth = generate_phantom(300, 600, pixel_size_nm=8.0).labels_yx
    assert 0 < covered.sum() <= 2 * 256 * 256
    assert np.array_equal(labels[covered], truth[covered])
    (waiting,) = store.revisions.of_image(pool[2].id, kind=RevisionKind.CORRECTION)
    assert [mark.author for mark in marks(store, waiting.id)] == [REVIEWER]


def test_the_pool_is_predicted_before_it_is_corrected(store: Store, settings: Settings) -> None:
    prepare_demo_images(store)
    pool = prepare_demo_pool(store)
    assert queue_demo_rounds(store, pool) is None, "there is no model"
    write_model(settings.models_dir / "starter")
    assert queue_demo_rounds(store, pool) is not None
    asked = sorted(jobs(store=store), key=lambda row: row.created_at)
    assert [row.kind for row in asked] == ["predict"] * 3 + ["demo_rounds"]
    assert len({row.priority for row in asked}) == 1
