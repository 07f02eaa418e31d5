"""Evaluating a model: predictions made in the same job, other classes, making way, and what the check says before."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import core.engine.tasks.predict as predict_task
from core.errors import JobCancelledError, PredictionError, SettingsError
from core.evaluations.read import compare_evaluations, evaluation, evaluation_report, evaluations
from core.evaluations.start import EvaluationPlan, check_evaluation, start_evaluation
from core.imaging.image import Image
from core.jobs.rows import Priority, job, jobs
from core.label_scheme import LabelClass, LabelScheme
from core.labels.translation import match_classes
from core.segmentation.prediction_summary import PredictionSummary
from core.settings import Settings
from core.store import ImageRecord, JobState, ProjectRecord, RevisionKind, Split, Store
from core.store.records import EvaluationSource, EvaluationState
from tests.core.evaluations.conftest import REFERENCE, add_image, add_labels, run_job
from tests.jobs import submit
from tests.models import write_model


def named(*names: str) -> LabelScheme:
    return LabelScheme(tuple(LabelClass(i, name, "#ff0000", "#d55e00") for i, name in enumerate(names, 1)))


class FakePredictor:
    """Stands for the network: nucleus (2 in the default scheme) everywhere, sure of it."""

    def __init__(self) -> None:
        self.calls = 0
        self.refuses: set[str] = set()

    def predict(self, image: Image, sink: Any, **options: Any) -> PredictionSummary:
        """One block."""
        self.calls += 1
        if image.name in self.refuses:
            raise PredictionError("The image is too strange.", "Take another.")
        block = np.full(image.shape, 2, np.uint8)
        sink.write(0, 0, block, block + 253)
        options["on_progress"](1.0, "tiles", 0.0)
        return PredictionSummary(
            "m", "fake", "none", "float32", image.shape, 1.0, None, 1, 0.5, False, "gaussian", ("0",), 0.1
        )


@pytest.fixture
def images(store: Store, project: ProjectRecord) -> list[ImageRecord]:
    """Three with references."""
    made = [add_image(store, project, f"section {i}", i) for i in range(3)]
    for image in made:
        add_labels(store, image, REFERENCE)
    return made


@pytest.fixture
def predictor(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> FakePredictor:
    """A model named "Liver" in the store, and a stand-in that predicts for it."""
    write_model(settings.models_dir / "liver")
    fake = FakePredictor()
    monkeypatch.setattr(predict_task, "warm_predictor", lambda _model, _settings: fake)
    return fake


def test_a_model_predicts_what_it_has_not_and_is_scored(
    store: Store, images: list[ImageRecord], predictor: FakePredictor
) -> None:
    plan = EvaluationPlan(images[0].project_id, "liver")
    done = run_job(store, start_evaluation(store, plan))
    assert done.state is JobState.SUCCEEDED, done
    row = evaluation(store, done.result["evaluation_id"])
    assert (row.name, row.model_id, row.source) == ("Liver", "liver", EvaluationSource.MODEL)
    report = evaluation_report(store, row.id)
    assert report.figure("recall", 2).macro == 1.0
    assert report.figure("precision", 2).macro == pytest.approx(4 / 15)
    assert report.figure("dice", 1).macro == 0.0
    assert report.figure("ece").macro == pytest.approx(11 / 15)
    assert predictor.calls == 3
    run_job(store, start_evaluation(store, plan))
    assert predictor.calls == 3, "the second evaluation takes the predictions that are there"
    assert len(store.revisions.of_image(images[0].id, kind=RevisionKind.PREDICTION)) == 1


def test_what_cannot_be_predicted_says_why(store: Store, images: list[ImageRecord], predictor: FakePredictor) -> None:
    predictor.refuses = {"section 1"}
    done = run_job(store, start_evaluation(store, EvaluationPlan(images[0].project_id, "liver")))
    report = evaluation_report(store, done.result["evaluation_id"])
    assert report.unscored == {"section 1": "The image is too strange. Take another."}
    assert evaluation(store, done.result["evaluation_id"]).state is EvaluationState.PARTIAL


def test_a_model_that_has_gone_ends_the_job(
    store: Store, images: list[ImageRecord], predictor: FakePredictor, settings: Settings
) -> None:
    asked = start_evaluation(store, EvaluationPlan(images[0].project_id, "liver"))
    (settings.models_dir / "liver").rename(settings.models_dir / "elsewhere")
    assert run_job(store, asked).state is JobState.FAILED
    (row,) = evaluations(store, images[0].project_id)
    assert (row.state, row.scored_count) == (EvaluationState.PARTIAL, 0)


def test_an_evaluation_makes_way_for_a_person_and_goes_on(
    store: Store, images: list[ImageRecord], predictor: FakePredictor
) -> None:
    asked = start_evaluation(store, EvaluationPlan(images[0].project_id, "liver"))
    submit("predict", {}, priority=Priority.INTERACTIVE, store=store)
    first = run_job(store, asked)
    assert first.state is JobState.SUCCEEDED
    row = evaluation(store, asked.params["evaluation_id"])
    assert (row.state, row.scored_count, row.job_id) == (EvaluationState.RUNNING, 1, first.result["continued_by"])
    (waiting,) = (each for each in jobs(kinds=("predict",), store=store))
    run_job(store, waiting)
    assert run_job(store, job(row.job_id or "", store=store)).state is JobState.SUCCEEDED
    assert evaluation(store, row.id).state is EvaluationState.COMPLETE


def test_cancelling_ends_between_two_metric_families(
    store: Store, images: list[ImageRecord], predictor: FakePredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.engine.context import JobContext

    asked = start_evaluation(store, EvaluationPlan(images[0].project_id, "liver"))
    families: list[int] = []

    def check(_self: JobContext) -> None:
        families.append(1)
        if len(families) > 12:
            raise JobCancelledError("stop")

    monkeypatch.setattr(JobContext, "check_cancelled", check)
    assert run_job(store, asked).state is JobState.CANCELLED
    assert evaluation(store, asked.params["evaluation_id"]).state is EvaluationState.PARTIAL


def test_other_ids_for_the_same_names_are_the_same_classes(
    store: Store, project: ProjectRecord, images: list[ImageRecord]
) -> None:
    swapped = named("Nucleus", "golgi", "mitochondria")
    labels = [[{0: 0, 255: 2, 1: 3, 2: 1}[value] for value in row] for row in REFERENCE]
    predictions = {images[0].id: add_labels(store, images[0], labels, RevisionKind.PREDICTION, swapped)}
    plan = EvaluationPlan(project.id, image_ids=[images[0].id], predictions=predictions)
    report = evaluation_report(store, run_job(store, start_evaluation(store, plan)).result["evaluation_id"])
    assert [report.figure("dice", i).macro for i in (1, 2)] == [1.0, 1.0]
    assert match_classes(swapped, project.scheme).left_out == ("golgi",)


def test_results_have_the_names_and_colours_of_the_project_of_now(
    store: Store, images: list[ImageRecord], predictor: FakePredictor
) -> None:
    """They had those of the day of the evaluation: a class had one colour here and another on all other pages."""
    project_id = images[0].project_id
    first = run_job(store, start_evaluation(store, EvaluationPlan(project_id, "liver"))).result["evaluation_id"]
    before = evaluation_report(store, first)
    now = LabelScheme(tuple(replace(item, color=f"#0{item.id}0203") for item in before.scheme.classes))
    renamed = LabelScheme((replace(now.classes[0], name="mito"), *now.classes[1:]))
    store.projects.update(project_id, scheme=renamed)
    report = evaluation_report(store, first)
    assert report.scheme == renamed
    assert report.figure("dice", 2).macro == before.figure("dice", 2).macro
    second = run_job(store, start_evaluation(store, EvaluationPlan(project_id, "liver"))).result["evaluation_id"]
    assert compare_evaluations(store, first, second)


def test_the_check_warns_of_what_scores_cannot_show(
    store: Store, project: ProjectRecord, images: list[ImageRecord], settings: Settings
) -> None:
    model = write_model(settings.models_dir / "liver")
    trained_on = {"cases": [{"content_hash": images[0].content_hash}]}
    (model.path / "snapshot.json").write_text(json.dumps(trained_on), encoding="utf-8")
    add_image(store, project, "bare", 9)
    add_image(store, project, "neighbour", 10, split=Split.TRAIN, specimen="mouse 1")
    store.images.update(images[1].id, specimen="mouse 1")
    check = check_evaluation(store, EvaluationPlan(project.id, "liver"))
    assert check.refusals == ()
    assert [image.name for image in check.images] == ["section 0", "section 1", "section 2", "bare"]
    assert check.without_reference == ("bare",)
    told = "\n".join(check.warnings)
    for words in (
        "bare has no reference labels",
        "count as background in this project",
        "The model was trained on section 0",
        "The specimen 'mouse 1' is in the training set and in the test set",
    ):
        assert words in told


def plan_of(kind: str, project: ProjectRecord, image: ImageRecord, store: Store, models: Path) -> EvaluationPlan:
    if kind == "no such model":
        return EvaluationPlan(project.id, "nobody")
    if kind == "nothing chosen":
        return EvaluationPlan(project.id)
    if kind == "no image":
        return EvaluationPlan(project.id, "liver", image_ids=())
    if kind == "gone":
        return EvaluationPlan(project.id, "liver", image_ids=["nowhere"])
    if kind == "size":
        revision = add_labels(store, image, [[1, 1], [1, 1]], RevisionKind.PREDICTION)
        return EvaluationPlan(project.id, predictions={image.id: revision})
    other = add_image(store, project, "other", 50)
    return EvaluationPlan(
        project.id, predictions={image.id: add_labels(store, other, REFERENCE, RevisionKind.PREDICTION)}
    )


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("no such model", "nobody"),
        ("nothing chosen", "No model and no predictions"),
        ("no image", "No images selected"),
        ("gone", "1 of the selected images are no longer in this project"),
        ("size", "section 0 is 4 x 4 px but its prediction is 2 x 2 px"),
        ("other image", "its prediction belongs to another image"),
    ],
)
def test_refusals(
    store: Store, project: ProjectRecord, images: list[ImageRecord], settings: Settings, kind: str, words: str
) -> None:
    write_model(settings.models_dir / "liver")
    plan = plan_of(kind, project, images[0], store, settings.models_dir)
    assert any(words in str(text) for text in check_evaluation(store, plan).refusals)


def test_classes_in_common_and_an_empty_test_set_are_needed(store: Store, settings: Settings) -> None:
    write_model(settings.models_dir / "liver")
    other = store.projects.create("plants", named("cell wall", "chloroplast"))
    refusals = [str(each) for each in check_evaluation(store, EvaluationPlan(other.id, "liver")).refusals]
    assert any("The test set is empty" in text for text in refusals)
    assert any("The model has classes" in text for text in refusals)


@pytest.mark.parametrize("settings_", [{"speed": 1}, {"tolerance_nm": "far"}, {"min_object_px": 0}])
def test_settings_that_make_no_sense_are_refused(
    store: Store, images: list[ImageRecord], settings_: dict[str, Any]
) -> None:
    with pytest.raises(SettingsError):
        check_evaluation(store, EvaluationPlan(images[0].project_id, "liver", settings=settings_))


def test_images_of_one_name_are_told_apart(store: Store, project: ProjectRecord, images: list[ImageRecord]) -> None:
    twin = add_image(store, project, "section 0", 77)
    plan = EvaluationPlan(
        project.id, predictions={images[0].id: add_labels(store, images[0], REFERENCE, RevisionKind.PREDICTION)}
    )
    row_id = start_evaluation(store, plan).params["evaluation_id"]
    names = [image.name for image in store.evaluations.images(row_id)]
    assert names[0] == f"section 0 ({images[0].id[:6]})"
    assert names[-1] == f"section 0 ({twin.id[:6]})"
