"""The demo project's test set and its evaluation: made once, and not without a model."""

from __future__ import annotations

import pytest

import core.demo.project as demo
from core.demo.project import demo_project, prepare_demo_images, prepare_demo_tests
from core.engine.tasks.demo import queue_demo_evaluation
from core.jobs.rows import jobs
from core.settings import Settings
from core.store import JobState, RevisionKind, Split, Store
from tests.core.evaluations.conftest import run_job
from tests.jobs import submit
from tests.models import write_model


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """One picture to look at, two to measure on, quickly drawn."""
    monkeypatch.setattr(demo, "DEMO_IMAGES", (("A", 1, 128),))
    monkeypatch.setattr(demo, "DEMO_TESTS", (("T1", 2, 128), ("T2", 3, 128)))


def test_the_demo_is_a_test_set_with_exact_references(store: Store) -> None:
    prepare_demo_images(store)
    prepare_demo_tests(store)
    project = demo_project(store)
    assert project is not None
    images = store.images.all(project.id)
    assert [(image.name, image.split, image.example) for image in images] == [
        ("A", Split.TEST, True),
        ("T1", Split.TEST, False),
        ("T2", Split.TEST, False),
    ]
    assert set(store.revisions.newest_of_project(project.id, RevisionKind.REFERENCE)) == {image.id for image in images}
    prepare_demo_tests(store)
    assert len(store.images.all(project.id)) == 3


def test_the_default_model_is_evaluated_once(store: Store, settings: Settings) -> None:
    prepare_demo_tests(store)
    assert queue_demo_evaluation(store) is None, "there is no model"
    write_model(settings.models_dir / "starter")
    first = queue_demo_evaluation(store)
    assert first is not None
    assert first.kind == "evaluate"
    assert queue_demo_evaluation(store) is None


def test_the_job_makes_all_of_it(store: Store, settings: Settings) -> None:
    write_model(settings.models_dir / "starter")
    assert run_job(store, submit("demo", {}, store=store)).state is JobState.SUCCEEDED
    assert sorted(row.kind for row in jobs(store=store)) == ["demo", "evaluate", "measure", "predict"]
