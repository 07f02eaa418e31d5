"""A model of one project in another: predicted, corrected, approved and trained on, class by class right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import core.engine.runner as runner
import core.engine.tasks.predict as predict_task
from core.access.roles import Role, set_member
from core.annotation.draft_start import begin_draft
from core.annotation.history import difference
from core.annotation.submission import submit_draft
from core.annotation.suggestions import tour
from core.curation.images import decide_classes
from core.datasets.folder import load_case, open_dataset
from core.errors import AccessError, JobError, LabelMapError
from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import open_pyramid
from core.jobs.rows import job
from core.jobs.transitions import claim
from core.label_scheme import LabelScheme
from core.learning.snapshot import take_snapshot, write_snapshot
from core.models.stored_model import StoredModel
from core.review.audit_log import audit_entries
from core.review.decisions import decide
from core.review.queue import queue
from core.review.records import Decision
from core.segmentation.prediction_summary import PredictionSummary
from core.settings import load_settings
from core.store import ImageRecord, JobState, Store
from core.store.label_maps import label_classes, model_classes, open_label_map
from core.store.records import RevisionKind, RevisionRecord
from tests.jobs import submit
from tests.models import write_model

MODEL = LabelScheme.from_names({"Membrane": 1, "mitochondrion": 2, "golgi": 3})
PROJECT = LabelScheme.from_names({"mitochondria": 1, "ER": 2, "membranes": 3})
SHAPE = (600, 550)
FOUND: NDArray[np.uint8] = np.zeros(SHAPE, np.uint8)
FOUND[:100], FOUND[100:300], FOUND[300:400] = 1, 2, 3
"""In the model's ids."""
SURE = np.array([200, 10, 200, 200], np.uint8)
"""By class: membranes are least sure, and so suggested first."""


class FakePredictor:
    """Stands for the network: three bands, in several blocks."""

    def predict(self, image: Image, sink: Any, **options: Any) -> PredictionSummary:
        for top in range(0, SHAPE[0], 512):
            block = FOUND[top : top + 512]
            sink.write(top, 0, block, SURE[block])
        options["on_progress"](1.0, "tiles", 0.0)
        return PredictionSummary(
            "m", "fake", "none", "float32", image.shape, 1.0, None, 1, 0.5, False, "gaussian", ("0",), 0.1
        )


@pytest.fixture
def store(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(predict_task, "warm_predictor", lambda _model, _settings: FakePredictor())
    return store


@pytest.fixture
def model(store: Store) -> StoredModel:
    return write_model(store.settings.models_dir / "brain", scheme=MODEL)


@pytest.fixture
def image(store: Store) -> ImageRecord:
    project = store.projects.create("liver", PROJECT)
    return store.images.add(project.id, Image(np.zeros(SHAPE, np.uint8), PixelSize.from_user(5.0), name="a.tif"))


def predict(store: Store, image: ImageRecord, **more: Any) -> Any:
    """The job, run to its end."""
    row = submit("predict", {"image_id": image.id, "model_id": "brain", **more}, author="ada", store=store)
    assert claim(store, row, "here")
    runner.run_job(row.id, 1)
    return job(row.id, store=store)


def newest(store: Store, image: ImageRecord) -> RevisionRecord:
    return store.revisions.of_image(image.id, kind=RevisionKind.PREDICTION)[0]


def read(store: Store, revision: RevisionRecord | str) -> NDArray[np.uint8]:
    return np.asarray(open_label_map(store, revision).read(0, slice(None), slice(None)), np.uint8)


def in_project(**ids: int) -> NDArray[np.uint8]:
    """What the model found, in the project's ids."""
    table = np.array([0, ids["membrane"], ids["mito"], ids.get("golgi", 0)], np.uint8)
    return table[FOUND]


def test_a_prediction_is_written_in_the_projects_classes(store: Store, image: ImageRecord, model: StoredModel) -> None:
    """It was written in the model's: membranes opened as "mitochondria" and mitochondria as "ER"."""
    done = predict(store, image)
    assert done.state is JobState.SUCCEEDED, done
    made = newest(store, image)
    raw = open_pyramid(store.revisions.pyramid_path(made.id))
    assert np.array_equal(raw.read(0, slice(None), slice(None)), in_project(membrane=3, mito=1))
    assert set(np.unique(raw.read(1, slice(None), slice(None)))) == {0, 1, 3}
    assert LabelScheme.from_json(made.details["scheme"]) == PROJECT == label_classes(store, made)
    assert {row["name"]: row["pixels"] for row in made.coverage} == {
        "background": 300 * 550, "mitochondria": 200 * 550, "ER": 0, "membranes": 100 * 550,
    }  # fmt: skip
    assert made.details["class_match"]["left_out"] == ["golgi"]
    notices = done.result["summary"]["notices"]
    assert "The project has no class golgi: what the model finds of it is background here." in notices
    assert "Missing in the model: ER." in notices


def test_corrected_approved_and_trained_on_class_by_class(
    store: Store, image: ImageRecord, model: StoredModel, tmp_path: Path
) -> None:
    predict(store, image)
    made = newest(store, image)
    draft, _ = begin_draft(store, image.id, "Ada", made.id)
    store.drafts.hold(draft.id, "tab", "Ada")
    store.drafts.set_whole_image(draft.id, "tab", True)
    correction = submit_draft(store, draft.id, "tab").revision
    assert not difference(store, made.id, correction.id).changes.pixels
    (waiting,) = queue(store, image.project_id)
    assert waiting.revision_id == correction.id
    decide(store, correction.id, "Bo", Decision.APPROVE)
    folder = write_snapshot(store, take_snapshot(store, image.project_id, [image.id]), tmp_path / "dataset")
    dataset = open_dataset(folder)
    labels = load_case(dataset.cases[0])[1]
    by_name = {item.name: set(np.flatnonzero((labels == item.id).any(axis=1))) for item in dataset.scheme.classes}
    assert by_name == {"mitochondria": set(range(100, 300)), "ER": set(), "membranes": set(range(100))}


def test_suggestions_speak_of_the_projects_classes(store: Store, image: ImageRecord, model: StoredModel) -> None:
    predict(store, image)
    assert tour(store, image.id, "ada").suggestions[0].class_id == 3


def test_what_is_decided_counts_for_every_later_prediction(
    store: Store, image: ImageRecord, model: StoredModel
) -> None:
    predict(store, image)
    assert decide_classes(store, image.project_id, model, {"golgi": "ER"}, by="Ada").scheme == PROJECT
    done = predict(store, image)
    assert not done.result["reused"], "another decision is another label map"
    assert np.array_equal(read(store, newest(store, image)), in_project(membrane=3, mito=1, golgi=2))
    assert "The model's class golgi is ER in the project." in done.result["summary"]["notices"]
    assert predict(store, image).result["reused"]
    (entry,) = audit_entries(store, image.project_id, by="Ada")
    assert (entry.who, entry.what, entry.details["classes"]) == ("Ada", "classes_matched", {"golgi": "ER"})


def test_a_class_is_added_with_a_number_and_a_colour_of_its_own(
    store: Store, image: ImageRecord, model: StoredModel
) -> None:
    project = decide_classes(store, image.project_id, model, {}, add=["golgi"], by="Ada")
    assert project.scheme.classes[:3] == PROJECT.classes
    added = project.scheme.classes[3]
    assert (added.id, added.name, added.key) == (4, "golgi", "4")
    assert len({c.color for c in project.scheme.classes}) == 4
    assert not model_classes(store, project, MODEL, model.id).undecided
    predict(store, image)
    assert np.array_equal(read(store, newest(store, image)), in_project(membrane=3, mito=1, golgi=4))


def test_the_jobs_own_class_map_comes_first(store: Store, image: ImageRecord, model: StoredModel) -> None:
    decide_classes(store, image.project_id, model, {"golgi": "ER"}, by="Ada")
    done = predict(store, image, class_map={"golgi": None, "Membrane": "ER"})
    assert np.array_equal(read(store, newest(store, image)), in_project(membrane=2, mito=1))
    assert "Ignored (background), as chosen: golgi." in done.result["summary"]["notices"]
    failed = predict(store, image, class_map={"golgi": "vesicles"})
    assert failed.error_cause.startswith("The class 'golgi' is matched to 'vesicles', but the project's classes are")
    with pytest.raises(JobError, match="class_map is 'golgi'"):
        predict(store, image, class_map="golgi")


def test_a_model_that_knows_none_of_the_classes_is_refused(store: Store, model: StoredModel) -> None:
    """It would have written an empty label map."""
    project = store.projects.create("roots", LabelScheme.from_names({"cell wall": 1, "plastid": 2}))
    image = store.images.add(project.id, Image(np.zeros(SHAPE, np.uint8), name="b.tif"))
    failed = predict(store, image)
    assert failed.state is JobState.FAILED
    assert failed.error_cause == (
        "Brain has the classes Membrane, mitochondrion, golgi; the project 'roots' has none of these classes "
        "(cell wall, plastid), so its label map would be empty."
    )
    assert "match the classes" in failed.error_remedy
    assert store.revisions.of_image(image.id, state=None) == ()
    decide_classes(store, project.id, model, {"mitochondrion": "plastid", "golgi": None}, add=["Membrane"], by="Ada")
    assert predict(store, image).state is JobState.SUCCEEDED
    assert np.array_equal(read(store, newest(store, image)), in_project(membrane=3, mito=2))


def test_only_who_manages_the_project_adds_classes(store: Store, image: ImageRecord, model: StoredModel) -> None:
    for role in (Role.VIEWER, Role.ANNOTATOR, Role.ADMIN):
        set_member(store, image.project_id, role.value, role, by="")
    store._data.settings = load_settings(data_dir=store.settings.data_dir, min_free_bytes=0, access="roles")
    with pytest.raises(AccessError):
        decide_classes(store, image.project_id, model, {"golgi": None}, by="viewer")
    with pytest.raises(AccessError):
        decide_classes(store, image.project_id, model, {}, add=["golgi"], by="annotator")
    assert store.projects.get(image.project_id).scheme == PROJECT
    decide_classes(store, image.project_id, model, {"golgi": None}, by="annotator")
    decide_classes(store, image.project_id, model, {}, add=["golgi"], by="admin")
    with pytest.raises(LabelMapError):
        decide_classes(store, image.project_id, model, {"golgi": "nothing"}, by="admin")


class TestWrittenByAnEarlierVersion:
    """A prediction in its model's classes: translated by name while it is read, or refused."""

    @pytest.fixture
    def old(self, store: Store, image: ImageRecord) -> RevisionRecord:
        return self.write(store, image)

    def write(self, store: Store, image: ImageRecord) -> RevisionRecord:
        from core.imaging.pyramid import write_label_pyramid

        begun = store.revisions.begin(
            image.id, RevisionKind.PREDICTION, model_id="brain", details={"scheme": MODEL.to_json()}
        )
        sure = SURE[FOUND]
        path = store.revisions.pyramid_path(begun.id)
        write_label_pyramid(path, FOUND, pixel_size_nm=5.0, confidence_yx=sure, scheme=MODEL)
        return store.revisions.complete(begun.id)

    def test_it_is_read_in_the_projects_classes(self, store: Store, image: ImageRecord, old: RevisionRecord) -> None:
        assert np.array_equal(read(store, old), in_project(membrane=3, mito=1))
        assert tour(store, image.id, "ada").suggestions[0].class_id == 3
        draft, _ = begin_draft(store, image.id, "Ada", old.id)
        store.drafts.hold(draft.id, "tab", "Ada")
        store.drafts.set_whole_image(draft.id, "tab", True)
        correction = submit_draft(store, draft.id, "tab").revision
        assert np.array_equal(read(store, correction), in_project(membrane=3, mito=1))

    def test_it_is_refused_where_no_class_is_known(self, store: Store) -> None:
        project = store.projects.create("roots", LabelScheme.from_names({"cell wall": 1, "plastid": 2}))
        image = store.images.add(project.id, Image(np.zeros(SHAPE, np.uint8), name="b.tif"))
        with pytest.raises(LabelMapError, match=r"classes of its model \(Membrane, mitochondrion, golgi\), of which"):
            read(store, self.write(store, image))
