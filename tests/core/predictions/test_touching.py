"""Predictions of a model that tells touching objects apart: ids beside the label map, and another cleaning of it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import core.engine.tasks.predict as predict_task
from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import open_pyramid
from core.label_scheme import LabelScheme
from core.morphometry.doubts import CountInterval, interval_of
from core.objects.rules import ObjectRule, ObjectRules
from core.objects.separation import Separation, SeparationWay
from core.predictions.cleaning import clean_again, raw_pieces
from core.segmentation.parting import PartingRows
from core.segmentation.prediction_summary import PredictionSummary
from core.settings import Settings
from core.store import ImageRecord, JobState, RevisionState, Store
from core.store.base import now
from core.store.label_maps import coverage_of
from core.store.object_questions import questions_of
from core.store.records import RevisionRecord
from core.transfers.plan import TransferMode
from core.transfers.run import transfer_image
from tests.core.evaluations.conftest import run_job
from tests.jobs import submit
from tests.models import write_model

SCHEME = LabelScheme.from_names({"mitochondria": 1, "ER": 2})

LABELS = np.zeros((16, 24), np.uint8)
LABELS[2:8, 2:14] = 1
LABELS[10:14, 2:14] = 2
LABELS[12, 20] = 1

PARTING = np.zeros(LABELS.shape, bool)
PARTING[2:8, 7:9] = PARTING[10:14, 7:9] = True


class FakePredictor:
    """Writes `LABELS` in blocks that cut through the objects, and hands over `PARTING` where it is asked for."""

    def predict(self, image: Image, sink: Any, **options: Any) -> PredictionSummary:
        rows = PartingRows(LABELS.shape)
        for start, stop in ((0, 5), (5, 6), (6, 16)):
            sink.write(start, 0, LABELS[start:stop].copy(), LABELS[start:stop] + np.uint8(100))
            rows.push(PARTING[start:stop])
        options["take_parting"](rows)
        return PredictionSummary(
            "parting", "fake", "none", "float32", image.shape, 1.0, 100.0, 1, 0.5, False, "gaussian", ("0",), 0.1
        )


@pytest.fixture
def image(store: Store) -> ImageRecord:
    project = store.projects.create("liver", SCHEME)
    return store.images.add(project.id, Image(np.zeros(LABELS.shape, np.uint8), PixelSize.from_user(100.0), "a"))


def _model(settings: Settings, separation: Separation) -> None:
    model = write_model(settings.models_dir / "parting", scheme=SCHEME)
    card = json.loads((model.path / "card.json").read_text(encoding="utf-8"))
    card["separation"] = separation.to_json()
    card["output_ids"] = [0, 1, 2, *(separation.class_ids if separation.learned else ())]
    rules = ObjectRules((ObjectRule(class_id=1, smallest=0.05, smallest_cut=0.01),))
    card["object_rules"] = rules.to_json()
    (model.path / "card.json").write_text(json.dumps(card), encoding="utf-8")


def _predicted(
    store: Store, settings: Settings, image: ImageRecord, monkeypatch: pytest.MonkeyPatch, separation: Separation
) -> RevisionRecord:
    _model(settings, separation)
    monkeypatch.setattr(predict_task, "warm_predictor", lambda model, settings: FakePredictor())
    row = run_job(store, submit("predict", {"image_id": image.id, "model_id": "parting"}, store=store))
    assert row.state is JobState.SUCCEEDED, row
    return store.revisions.get(row.result["revision_id"])


def _ids(store: Store, revision: RevisionRecord) -> tuple[NDArray[np.uint32] | None, tuple[int, ...]]:
    objects = open_pyramid(store.revisions.pyramid_path(revision.id)).object_ids()
    return (None, ()) if objects is None else (objects.ids_yx, objects.class_ids)


def _objects(revision: RevisionRecord) -> dict[str, int | None]:
    return {row["name"]: row["objects"] for row in revision.coverage}


def test_touching_objects_of_the_learned_class_are_two(
    store: Store, settings: Settings, image: ImageRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    revision = _predicted(store, settings, image, monkeypatch, Separation(SeparationWay.SEAMS, (1,)))
    assert revision.state is RevisionState.COMPLETE
    labels = np.asarray(open_pyramid(store.revisions.pyramid_path(revision.id)).read(0, slice(None), slice(None)))
    assert labels[12, 20] == 0  # cleaned as ever
    np.testing.assert_array_equal(labels[:10], LABELS[:10])
    ids, classes = _ids(store, revision)
    assert ids is not None and classes == (1,)
    np.testing.assert_array_equal(ids > 0, labels == 1)
    assert len(np.unique(ids[2:8, 2:8])) == len(np.unique(ids[2:8, 8:14])) == 1
    assert ids[3, 3] != ids[3, 12]
    assert _objects(revision) == {"background": None, "mitochondria": 2, "ER": 1}
    pieces = raw_pieces(store, revision)
    assert pieces is not None and pieces.count()[1:3].tolist() == [3, 1]  # the speck, and both halves


def test_another_cleaning_keeps_them_apart(
    store: Store, settings: Settings, image: ImageRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _predicted(store, settings, image, monkeypatch, Separation(SeparationWay.SEAMS, (1,)))
    second = clean_again(store, first, ObjectRules())
    third = clean_again(store, second, ObjectRules((ObjectRule(class_id=1, smallest=0.05),)))
    for revision, expected in ((second, 3), (third, 2)):
        assert _objects(revision)["mitochondria"] == expected
        ids, _ = _ids(store, revision)
        assert ids is not None and len(np.unique(ids[ids > 0])) == expected


def test_a_model_that_separates_nothing_writes_no_ids(
    store: Store, settings: Settings, image: ImageRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    revision = _predicted(store, settings, image, monkeypatch, Separation())
    assert _ids(store, revision) == (None, ())
    assert _objects(revision)["mitochondria"] == 1


def test_an_image_without_parting_pixels_has_ids_of_its_pieces(
    store: Store, settings: Settings, image: ImageRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.core.predictions.test_touching.PARTING", np.zeros(LABELS.shape, bool))
    revision = _predicted(store, settings, image, monkeypatch, Separation(SeparationWay.SEAMS, (1,)))
    ids, classes = _ids(store, revision)
    assert ids is not None and classes == (1,)
    assert len(np.unique(ids[ids > 0])) == 1


def test_a_class_that_the_project_does_not_have_is_forgotten() -> None:
    table = np.arange(256, dtype=np.uint8)
    table[1], table[2] = 0, 9
    both = Separation(SeparationWay.NECKS, (1, 2), least_depth={1: 0.2, 2: 0.4})
    assert both.translated(table) == Separation(SeparationWay.NECKS, (9,), least_depth={9: 0.4})
    assert Separation(SeparationWay.SEAMS, (1,)).translated(table).way is SeparationWay.NONE
    assert Separation.from_json(json.loads(json.dumps(both.to_json()))) == both


@pytest.fixture
def doubtful(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mitochondrion is cut hardly more than enough."""
    monkeypatch.setattr("tests.core.predictions.test_touching.PARTING", PARTING * np.uint8(2))


@pytest.mark.usefixtures("doubtful")
def test_a_hardly_made_cut_is_a_question_and_the_count_has_an_interval(
    store: Store, settings: Settings, image: ImageRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    revision = _predicted(store, settings, image, monkeypatch, Separation(SeparationWay.SEAMS, (1,)))
    questions = questions_of(store, revision)
    assert questions is not None and questions.asked == 1
    assert questions[0].two and questions[0].class_id == 1 and questions[0].column in (7, 8)
    rows = {row["name"]: row for row in revision.coverage}
    assert interval_of(rows["mitochondria"]) == CountInterval(1, 2, 1)
    assert interval_of(rows["ER"]) is None
    assert interval_of(coverage_of(store, revision)[1]) == CountInterval(1, 2, 1)


@pytest.mark.usefixtures("doubtful")
def test_another_cleaning_asks_again(
    store: Store, settings: Settings, image: ImageRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _predicted(store, settings, image, monkeypatch, Separation(SeparationWay.SEAMS, (1,)))
    second = clean_again(store, first, ObjectRules())
    questions = questions_of(store, second)
    assert questions is not None and questions.asked == 1
    assert interval_of({row["name"]: row for row in second.coverage}["mitochondria"]) == CountInterval(2, 3, 1)


@pytest.mark.usefixtures("doubtful")
def test_a_copy_in_another_project_keeps_its_questions(
    store: Store, settings: Settings, image: ImageRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    _predicted(store, settings, image, monkeypatch, Separation(SeparationWay.SEAMS, (1,)))
    source = store.projects.get(image.project_id)
    target = store.projects.create("copies", LabelScheme.from_names({"lipid": 1, "mitochondria": 5}))
    assert transfer_image(store, image, source, target, TransferMode.COPY, by="Ada", began_at=now()) == ""
    (copy,) = store.images.all(target.id)
    (revision,) = store.revisions.of_image(copy.id)
    questions = questions_of(store, revision)
    assert questions is not None and questions.class_id.tolist() == [5]
    assert interval_of({row["class_id"]: row for row in revision.coverage}[5]) == CountInterval(1, 2, 1)
