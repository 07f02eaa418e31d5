"""Evaluations of the store from plan to report: figures worked by hand, what is missing, cut off, deleted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import core.engine.tasks.evaluate as evaluate_task
from core.access.roles import Role, set_member
from core.errors import AccessError, DatasetError, JobCancelledError, NotFoundError
from core.evaluation.error_objects import ErrorKind
from core.evaluation.image_scores import ALL
from core.evaluations.read import (
    compare_evaluations,
    delete_evaluation,
    evaluated_images,
    evaluation,
    evaluation_report,
    evaluations,
    image_errors,
)
from core.evaluations.start import EvaluationPlan, start_evaluation
from core.jobs.rows import job, request_cancel, retry
from core.review.audit_log import audit_entries
from core.settings import Access
from core.store import ImageRecord, JobState, ProjectRecord, RevisionKind, Store
from core.store.records import EvaluationSource, EvaluationState
from tests.core.evaluations.conftest import PREDICTION, REFERENCE, add_image, add_labels, run_job

PERFECT = [[0 if value == 255 else value for value in row] for row in REFERENCE]


@pytest.fixture
def images(store: Store, project: ProjectRecord) -> list[ImageRecord]:
    """Three of two specimens, with references."""
    made = [add_image(store, project, f"section {i}", i, specimen="ab"[i % 2]) for i in range(3)]
    for image in made:
        add_labels(store, image, REFERENCE)
    return made


def imported(store: Store, images: list[ImageRecord], labels: Any = PREDICTION) -> EvaluationPlan:
    """Predictions of another program for these images."""
    predictions = {image.id: add_labels(store, image, labels, RevisionKind.PREDICTION) for image in images}
    return EvaluationPlan(images[0].project_id, predictions=predictions, name="other program")


def test_an_evaluation_gives_the_figures_worked_by_hand(store: Store, images: list[ImageRecord]) -> None:
    plan = imported(store, images)
    asked = start_evaluation(store, plan, author="ada")
    (waiting,) = evaluations(store, plan.project_id)
    assert (waiting.state, waiting.job_id, waiting.scored_count) == (EvaluationState.RUNNING, asked.id, 0)
    done = run_job(store, asked)
    assert (done.state, done.result) == (
        JobState.SUCCEEDED,
        {"evaluation_id": waiting.id, "scored": 3, "images": 3},
    ), done
    row = evaluation(store, waiting.id)
    assert (row.state, row.source, row.model_id) == (EvaluationState.COMPLETE, EvaluationSource.IMPORTED, None)
    assert (row.name, row.author, row.image_count, row.scored_count) == ("other program", "ada", 3, 3)
    assert row.completed_at is not None
    assert row.settings["tolerance_nm"] == 2000.0
    report = evaluation_report(store, row.id)
    assert report.figure("dice", 1).macro == pytest.approx(0.8)
    assert report.figure("dice", 2).macro == pytest.approx(2 / 3)
    assert not report.partial
    assert report.matrix.tolist() == [[15, 6, 0], [0, 12, 0], [6, 0, 6]]
    assert [image.group for image in report.images] == ["a", "b", "a"]
    first = evaluated_images(store, row.id)[0]
    assert (first.name, first.specimen, first.scored, first.reason) == ("section 0", "a", True, "")
    assert first.values["dice"] == pytest.approx({ALL: (0.8 + 2 / 3) / 2, 1: 0.8, 2: 2 / 3})
    assert (first.reference_id, first.prediction_id) == (
        store.revisions.of_image(images[0].id, kind=RevisionKind.REFERENCE)[0].id,
        plan.predictions[images[0].id],
    )


def test_the_largest_errors_are_kept(store: Store, images: list[ImageRecord]) -> None:
    row_id = run_job(store, start_evaluation(store, imported(store, images[:1]))).result["evaluation_id"]
    one, other = image_errors(store, row_id, images[0].id)
    assert (one.reference_id, one.prediction_id, one.pixels) == (0, 1, 2)
    assert (one.row, one.column, one.height, one.width) == (0, 2, 1, 2)
    assert (other.reference_id, other.prediction_id, other.area_um2) == (2, 0, 2.0)
    assert {one.kind, other.kind} == {ErrorKind.BOUNDARY_SHIFT}
    assert image_errors(store, row_id, images[1].id) == ()
    with pytest.raises(NotFoundError):
        image_errors(store, row_id, "nowhere")


def test_reading_again_measures_and_aggregates_nothing(
    store: Store, images: list[ImageRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    row_id = run_job(store, start_evaluation(store, imported(store, images))).result["evaluation_id"]
    report = evaluation_report(store, row_id)
    monkeypatch.setattr("core.evaluations.read.build_report", None)
    assert evaluation_report(store, row_id) is report
    assert len(evaluated_images(store, row_id)) == 3


def test_a_change_of_the_image_does_not_reach_the_evaluation(store: Store, images: list[ImageRecord]) -> None:
    row_id = run_job(store, start_evaluation(store, imported(store, images))).result["evaluation_id"]
    store.images.update(images[0].id, name="renamed")
    store.images.delete(images[1].id)
    assert [image.name for image in evaluation_report(store, row_id).images] == ["section 0", "section 1", "section 2"]


def test_images_without_reference_or_prediction_leave_it_partial(
    store: Store, project: ProjectRecord, images: list[ImageRecord]
) -> None:
    bare = add_image(store, project, "bare", 9)
    done = run_job(store, start_evaluation(store, imported(store, [*images[:2], bare])))
    assert done.state is JobState.SUCCEEDED
    row = evaluation(store, done.result["evaluation_id"])
    assert (row.state, row.scored_count, row.image_count) == (EvaluationState.PARTIAL, 2, 4)
    report = evaluation_report(store, row.id)
    assert report.unscored == {"section 2": "No prediction provided.", "bare": "No reference labels."}
    reasons = {image.name: image.reason for image in evaluated_images(store, row.id) if not image.scored}
    assert reasons == report.unscored


def test_a_prediction_that_cannot_be_scored_says_why_and_the_others_are(
    store: Store, images: list[ImageRecord]
) -> None:
    plan = imported(store, images)
    asked = start_evaluation(store, plan)
    store.revisions.delete(plan.predictions[images[1].id])
    done = run_job(store, asked)
    report = evaluation_report(store, done.result["evaluation_id"])
    assert [image.name for image in report.images] == ["section 0", "section 2"]
    assert "no" in report.unscored["section 1"].lower()


def test_no_image_scored_is_an_error_with_its_reason(store: Store, images: list[ImageRecord]) -> None:
    asked = start_evaluation(store, imported(store, images[:1], np.full((4, 4), 7).tolist()))
    done = run_job(store, asked)
    assert done.state is JobState.FAILED
    assert "None of the 3 images could be scored." in done.error_cause
    assert "[7]" in done.error_cause
    (row,) = evaluations(store, images[0].project_id)
    assert (row.state, row.scored_count) == (EvaluationState.PARTIAL, 0)
    with pytest.raises(NotFoundError, match="no scored image"):
        evaluation_report(store, row.id)


def cut_off_after(monkeypatch: pytest.MonkeyPatch, images: int, error: BaseException) -> list[str]:
    """Scoring that raises after so many images; gives the names that were scored."""
    scored: list[str] = []
    real = evaluate_task.score_stored_image

    def score(store: Store, image: Any, *args: Any, **options: Any) -> Any:
        if len(scored) == images:
            scored.append("cut off")
            raise error
        scored.append(image.name)
        return real(store, image, *args, **options)

    monkeypatch.setattr(evaluate_task, "score_stored_image", score)
    return scored


def test_a_cancelled_evaluation_keeps_what_is_scored_and_goes_on_from_there(
    store: Store, images: list[ImageRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    scored = cut_off_after(monkeypatch, 2, JobCancelledError("stop"))
    asked = start_evaluation(store, imported(store, images))
    done = run_job(store, asked)
    assert done.state is JobState.CANCELLED
    (row,) = evaluations(store, images[0].project_id)
    assert (row.state, row.scored_count) == (EvaluationState.PARTIAL, 2)
    report = evaluation_report(store, row.id)
    assert report.unscored == {"section 2": "The evaluation stopped before this image."}
    assert run_job(store, retry(asked.id, store=store)).state is JobState.SUCCEEDED
    assert scored == ["section 0", "section 1", "cut off", "section 2"]
    assert evaluation(store, row.id).state is EvaluationState.COMPLETE
    assert not evaluation_report(store, row.id).partial


def test_a_job_that_went_away_leaves_a_partial_evaluation(store: Store, images: list[ImageRecord]) -> None:
    asked = start_evaluation(store, imported(store, images))
    request_cancel(asked.id, store=store)
    (row,) = evaluations(store, images[0].project_id)
    assert row.state is EvaluationState.PARTIAL
    assert {image.reason for image in evaluated_images(store, row.id)} == {"The evaluation stopped before this image."}


def test_deleting_stops_the_job_and_leaves_the_label_maps(store: Store, images: list[ImageRecord]) -> None:
    plan = imported(store, images)
    asked = start_evaluation(store, plan)
    delete_evaluation(store, asked.params["evaluation_id"])
    assert job(asked.id, store=store).state is JobState.CANCELLED
    assert evaluations(store, plan.project_id) == ()
    assert len(store.revisions.of_image(images[0].id)) == 2
    with pytest.raises(NotFoundError):
        delete_evaluation(store, asked.params["evaluation_id"])


def test_scores_are_deleted_by_who_may_evaluate_and_it_stands_in_the_log(
    store: Store, images: list[ImageRecord]
) -> None:
    """The page asked when it was drawn, and nobody when the button was pressed."""
    plan = imported(store, images)
    evaluation_id = str(start_evaluation(store, plan).params["evaluation_id"])
    for name, role in (("Ann", Role.ANNOTATOR), ("Rita", Role.REVIEWER)):
        set_member(store, plan.project_id, name, role, by="")
    store._data.settings = store.settings.model_copy(update={"access": Access.ROLES, "admins": "Root"})
    for person in ("", "Stranger", "Ann"):
        with pytest.raises(AccessError):
            delete_evaluation(store, evaluation_id, by=person)
    assert [row.id for row in evaluations(store, plan.project_id)] == [evaluation_id]
    delete_evaluation(store, evaluation_id, by="Rita")
    last = list(audit_entries(store, plan.project_id, by="Root"))[-1]
    assert (last.who, last.what, last.subject) == ("Rita", "evaluation_deleted", evaluation_id)


def test_deleted_while_it_runs_is_no_crash(
    store: Store, images: list[ImageRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = start_evaluation(store, imported(store, images))
    monkeypatch.setattr(evaluate_task, "stored_result", _deleting(store, asked.params["evaluation_id"]))
    done = run_job(store, asked)
    assert done.state is JobState.FAILED
    assert "no image" in done.error_cause


def _deleting(store: Store, evaluation_id: str) -> Any:
    def stored(*_: Any) -> dict[str, Any]:
        store.evaluations.delete(evaluation_id)
        return {"scores": {}, "errors": []}

    return stored


def test_two_evaluations_are_compared_over_the_same_images(store: Store, images: list[ImageRecord]) -> None:
    before = run_job(store, start_evaluation(store, imported(store, images))).result["evaluation_id"]
    after = run_job(store, start_evaluation(store, imported(store, images, PERFECT))).result["evaluation_id"]
    comparison = compare_evaluations(store, before, after)
    assert comparison.differences["dice"][1].mean == pytest.approx(0.2)
    assert comparison.differences["dice"][2].mean == pytest.approx(1 / 3)
    assert [row.id for row in evaluations(store, images[0].project_id)] == [after, before]


def test_a_reference_that_was_made_anew_is_not_the_same(store: Store, images: list[ImageRecord]) -> None:
    before = run_job(store, start_evaluation(store, imported(store, images))).result["evaluation_id"]
    add_labels(store, images[0], REFERENCE)
    after = run_job(store, start_evaluation(store, imported(store, images))).result["evaluation_id"]
    with pytest.raises(DatasetError, match="reference of section 0 changed"):
        compare_evaluations(store, before, after)


def test_a_project_takes_its_evaluations_with_it(store: Store, images: list[ImageRecord]) -> None:
    row_id = run_job(store, start_evaluation(store, imported(store, images))).result["evaluation_id"]
    store.projects.delete(images[0].project_id)
    with pytest.raises(NotFoundError):
        evaluation(store, row_id)
    assert store.evaluations.images(row_id) == ()


def test_what_is_refused_cannot_be_started(store: Store, project: ProjectRecord) -> None:
    with pytest.raises(DatasetError, match="test set is empty") as caught:
        start_evaluation(store, EvaluationPlan(project.id, model_id=None, predictions={"x": "y"}))
    assert caught.value.remedy.startswith("Assign images")
    assert store.evaluations.of_project() == ()
