"""The Results page: label maps with known errors give the same numbers on the page, in the CSV and in the HTML."""

from __future__ import annotations

import csv
import io
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as PilImage
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

import core.engine.runner as runner
from core.evaluation.comparison import compare
from core.evaluation.settings import CHOOSABLE, EvaluationSettings
from core.evaluations.read import evaluation, evaluations
from core.evaluations.start import EvaluationPlan, start_evaluation
from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import open_pyramid, write_label_pyramid
from core.jobs.rows import job, jobs
from core.jobs.transitions import claim
from core.label_scheme import LabelScheme
from core.morphometry.coverage import coverage_table
from core.store.records import (
    EvaluationRecord,
    EvaluationState,
    ImageRecord,
    JobRecord,
    ProjectRecord,
    RevisionKind,
    Split,
)
from core.store.store import Store
from core.web.routes import routes
from tests.models import write_model
from tests.pages.conftest import open_page, texts
from ui.parts.columns import picked_row

PAGE = "results_page.py"
SCHEME = LabelScheme.from_names({"mitochondria": 1, "nucleus": 2})

REFERENCE = np.zeros((8, 8), np.uint8)
REFERENCE[0, :8] = 1
REFERENCE[4:6, 4:6] = 2
PREDICTION = np.zeros((8, 8), np.uint8)
PREDICTION[0, 2:8] = 1
PREDICTION[1, 6:8] = 1
"""Mitochondria: 6 right, 2 too many, 2 missing: Dice 12/16 = .75, IoU .6. Nucleus: missed as a whole, Dice 0."""

PERFECT = np.zeros((8, 8), np.uint8)
PERFECT[2, :4] = 1
"""Nucleus in neither map: undefined there."""


@pytest.fixture(autouse=True)
def here(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs of the test run on its store."""
    monkeypatch.setattr(runner, "current_store", lambda: store)


@pytest.fixture
def project(store: Store) -> ProjectRecord:
    return store.projects.create("Liver *1*", SCHEME, 8.0)


def add(store: Store, project: ProjectRecord, name: str, reference: NDArray[np.uint8] | None) -> ImageRecord:
    pixels = np.random.default_rng(len(store.images.all())).integers(0, 255, (8, 8), dtype=np.uint8)
    image = Image(pixels, PixelSize.from_user(8.0), name=name)
    record = store.images.add(project.id, image, split=Split.TEST, specimen="mouse 7")
    if reference is not None:
        labels(store, record, RevisionKind.REFERENCE, reference)
    return record


def labels(store: Store, image: ImageRecord, kind: RevisionKind, labels_yx: NDArray[np.uint8]) -> str:
    revision = store.revisions.begin(image.id, kind, details={"scheme": SCHEME.to_json()})
    write_label_pyramid(store.revisions.pyramid_path(revision.id), labels_yx, pixel_size_nm=8.0)
    rows = coverage_table(labels_yx, SCHEME, 8.0)
    store.revisions.complete(revision.id, coverage=[row.to_json() for row in rows])
    return revision.id


def run(store: Store, row: JobRecord) -> JobRecord:
    """In this process, to its end."""
    assert claim(store, row, "here")
    runner.run_job(row.id, row.attempts + 1)
    return job(row.id)


def evaluate(store: Store, project: ProjectRecord, pairs: dict[str, NDArray[np.uint8]], name: str) -> EvaluationRecord:
    plan = EvaluationPlan(
        project_id=project.id,
        image_ids=tuple(pairs),
        predictions={i: labels(store, store.images.get(i), RevisionKind.PREDICTION, made) for i, made in pairs.items()},
        name=name,
    )
    done = run(store, start_evaluation(store, plan))
    assert not done.error_cause, done.error_cause
    return evaluation(store, done.result["evaluation_id"])


@pytest.fixture
def evaluated(store: Store, project: ProjectRecord) -> EvaluationRecord:
    """Two images, one with known errors and one without."""
    wrong, right = add(store, project, "wrong", REFERENCE), add(store, project, "right", PERFECT)
    return evaluate(store, project, {wrong.id: PREDICTION, right.id: PERFECT}, "By hand")


def frames(app: AppTest) -> list[Any]:
    return [each.value for each in app.dataframe]


def frame_with(app: AppTest, column: str) -> Any:
    return next(frame for frame in frames(app) if column in frame.columns)


def test_the_same_numbers_on_the_page_in_the_csv_and_in_the_html(
    store: Store, evaluated: EvaluationRecord, app: AppTest
) -> None:
    app = open_page(app, PAGE)
    assert not app.exception
    table = frame_with(app, "Dice (F1)").set_index("Class")
    assert table.loc["mitochondria", "Dice (F1)"] == "0.875, n = 2", "two images give no interval"
    assert table.loc["nucleus", "Dice (F1)"] == "0.000, n = 1"
    assert table.loc["mitochondria", "IoU"] == "0.800, n = 2"

    app = open_page(app, PAGE, section="images")
    assert not app.exception
    table = frame_with(app, "class 1").set_index("Image")
    assert list(table.index) == ["wrong", "right"], "worst first"
    assert (table.loc["wrong", "class 1"], table.loc["wrong", "class 2"]) == (0.75, 0.0)
    assert table.loc["right", "class 1"] == 1.0
    assert np.isnan(table.loc["right", "class 2"]), "in neither map: undefined"

    client = TestClient(Starlette(routes=routes(store.settings, store)))
    answer = client.get(f"/api/evaluations/{evaluated.id}/download/metrics.csv")
    assert answer.status_code == 200, answer.text
    assert csv_values(answer.text, "dice") == {
        "wrong": {"mitochondria": 0.75, "nucleus": 0.0},
        "right": {"mitochondria": 1.0},
    }
    assert csv_values(answer.text, "iou")["wrong"]["mitochondria"] == pytest.approx(0.6)
    answer = client.get(f"/api/evaluations/{evaluated.id}/download/report.html")
    assert answer.status_code == 200, answer.text
    assert "0.875" in answer.text
    assert "0.800" in answer.text


def csv_values(text: str, metric: str) -> dict[str, dict[str, float]]:
    """Image to class to figure of one metric."""
    found: dict[str, dict[str, float]] = {}
    for row in csv.DictReader(io.StringIO(text)):
        if row["metric"] == metric and row["value"]:
            found.setdefault(row["image"], {})[row["class"]] = float(row["value"])
    return found


def test_no_project_no_labels_no_model_say_what_to_do(store: Store, app: AppTest) -> None:
    assert "Create one on the Data page" in texts(open_page(app, PAGE))
    project = store.projects.create("Bare", SCHEME, None)
    assert "No image of this project has reference labels" in texts(open_page(app, PAGE))
    add(store, project, "a", REFERENCE)
    app = open_page(app, PAGE)
    assert not app.exception
    assert "There is no model yet" in texts(app)


def test_few_images_of_one_specimen_are_called_what_they_are(evaluated: EvaluationRecord, app: AppTest) -> None:
    shown = texts(open_page(app, PAGE))
    assert "2 images from 1 specimen." in shown
    assert "not for other" in shown
    assert "With 2 images" in shown


def test_the_image_of_a_link_is_opened_with_its_errors(store: Store, evaluated: EvaluationRecord, app: AppTest) -> None:
    wrong = next(image for image in store.images.all() if image.name == "wrong")
    app = open_page(app, PAGE, evaluation=evaluated.id, section="image", image=wrong.id)
    assert not app.exception
    table = frame_with(app, "Predicted")
    assert ["missed object", "nucleus", "background"] in table[["Error", "Reference", "Predicted"]].values.tolist()
    app = open_page(app, PAGE, errors="2")
    assert not app.exception
    table = frame_with(app, "Predicted")
    assert table[["Reference", "Predicted"]].values.tolist() == [["nucleus", "background"]]
    assert table["Size"][0] == pytest.approx(4 * 0.008**2)


def test_links_to_what_has_gone_are_explained(evaluated: EvaluationRecord, app: AppTest) -> None:
    app = open_page(app, PAGE, evaluation="gone", section="image", image="gone")
    assert not app.exception
    assert "This link points to an evaluation that is no longer in this project" in texts(app)
    assert "This link points to an image outside this evaluation" in texts(app)


def test_a_partial_evaluation_says_so_everywhere(store: Store, project: ProjectRecord, app: AppTest) -> None:
    good, bare = add(store, project, "good", REFERENCE), add(store, project, "bare", None)
    row = evaluate(store, project, {good.id: PREDICTION, bare.id: PREDICTION}, "Cut")
    assert row.state is EvaluationState.PARTIAL
    app = open_page(app, PAGE)
    assert not app.exception
    assert "**Partial:** 1 of 2 images scored" in texts(app)
    reasons = frame_with(app, "Reason")
    assert reasons[["Image", "Reason"]].values.tolist() == [["bare", "No reference labels."]]
    app = open_page(app, PAGE, section="images")
    assert list(frame_with(app, "State").set_index("Image")["State"]) == ["", "No reference labels."]
    app = open_page(app, PAGE, section="image", image=bare.id)
    assert not app.exception
    assert "No reference labels." in texts(app)


def test_a_project_with_results_is_shown_before_a_newer_one_without(
    store: Store, project: ProjectRecord, evaluated: EvaluationRecord, app: AppTest
) -> None:
    newer = store.projects.create("My images", SCHEME, None)
    assert app.switch_page(f"../pages/{PAGE}").run().selectbox(key=f"results-{project.id}").value == project.id
    app.query_params["project"] = newer.id
    assert "No evaluation yet" in texts(app.run())


def test_two_evaluations_are_compared(
    store: Store, project: ProjectRecord, evaluated: EvaluationRecord, app: AppTest
) -> None:
    by_name = {image.name: image for image in store.images.all()}
    better = evaluate(store, project, {by_name["wrong"].id: REFERENCE, by_name["right"].id: PERFECT}, "Round 2")
    app = open_page(app, PAGE, evaluation=better.id, section="compare")
    assert not app.exception
    table = frame_with(app, "Verdict").set_index("Class")
    assert table.loc["mitochondria", "Difference"] == "+0.125"
    assert table.loc["nucleus", "Difference"] == "+1.000"
    images = frame_with(app, "mean").set_index("Image")
    assert images.loc["wrong", "class 1"] == pytest.approx(0.25)
    assert list(images.index) == ["right", "wrong"], "largest loss first"


def test_poor_scores_lead_to_like_places_and_to_a_training(
    store: Store, project: ProjectRecord, evaluated: EvaluationRecord, app: AppTest
) -> None:
    """A class of Dice 0 was a bar of no height, and nothing more."""
    page = open_page(app, PAGE)
    assert "Low mean Dice: nucleus (0.00)." in texts(page).replace("\\", "")
    assert "no image outside the test set has labels yet" in texts(page)
    links = {str(link.proto.label): str(link.proto.query_string) for link in page.get("page_link")}
    assert "Draw labels" not in links
    assert set(links) >= {"Correct similar places", "Show steps"}
    worst = next(image for image in store.images.all() if image.name == "wrong")
    assert f"image={worst.id}" in links["Correct similar places"]
    assert "class=2" in links["Correct similar places"]
    learned = add(store, project, "learned", REFERENCE)
    store.images.update(learned.id, split=Split.TRAIN)
    page = open_page(app, PAGE)
    assert "Draw labels" in {str(link.proto.label) for link in page.get("page_link")}


def test_good_scores_are_not_called_poor(store: Store, project: ProjectRecord, app: AppTest) -> None:
    right = add(store, project, "right", REFERENCE)
    evaluate(store, project, {right.id: REFERENCE}, "By hand")
    assert "Poor scores" not in texts(open_page(app, PAGE))


def test_the_comparison_is_ready_before_it_is_opened(
    store: Store,
    project: ProjectRecord,
    evaluated: EvaluationRecord,
    app: AppTest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    by_name = {image.name: image for image in store.images.all()}
    better = evaluate(store, project, {by_name["wrong"].id: REFERENCE, by_name["right"].id: PERFECT}, "Round 2")
    compared: list[str] = []

    def counted(before: Any, after: Any) -> Any:
        compared.append(threading.current_thread().name)
        return compare(before, after)

    monkeypatch.setattr("core.evaluations.read.compare", counted)
    open_page(app, PAGE, evaluation=better.id)
    for thread in threading.enumerate():
        if thread.name == "comparison ahead":
            thread.join()
    assert compared == ["comparison ahead"]
    app = open_page(app, PAGE, evaluation=better.id, section="compare")
    assert frame_with(app, "Verdict").set_index("Class").loc["nucleus", "Difference"] == "+1.000"
    assert compared == ["comparison ahead"]


def test_a_prediction_in_colours_shows_them_and_each_gets_a_class(
    store: Store, project: ProjectRecord, app: AppTest, tmp_path: Path
) -> None:
    """It was refused for colours that nobody could give a class."""
    add(store, project, "vnc_1.tif", REFERENCE)
    folder = tmp_path / "made"
    folder.mkdir()
    palette = np.array([(0, 0, 0), (250, 120, 10), (10, 200, 250)], np.uint8)
    PilImage.fromarray(palette[PREDICTION]).save(folder / "vnc_1.png")
    app = open_page(app, PAGE)
    app.segmented_control[0].set_value("Imported predictions").run()
    app.segmented_control(key="results-files-way").set_value("Folder on the server").run()
    app.text_input(key="results-folder-0").set_value(str(folder)).run()
    assert not app.exception
    boxes = {box.label: box for box in app.selectbox if box.label.startswith("Class of #")}
    assert boxes["Class of #000000"].value == "background"
    assert "background:#fa780a" in " ".join(str(html.proto.body) for html in app.get("html"))
    assert app.button(key="results-import-begin").disabled
    boxes["Class of #fa780a"].set_value("mitochondria").run()
    for label, box in {box.label: box for box in app.selectbox}.items():
        if label == "Class of #0ac8fa":
            box.set_value("nucleus").run()
    assert not app.exception
    assert frame_with(app, "State").set_index("Image").loc["vnc_1.tif", "State"].startswith("ready")
    app.button(key="results-import-begin").click().run()
    (row,) = jobs(kinds=["import_predictions"])
    done = run(store, row)
    assert not done.error_cause
    (revision_id,) = done.result["predictions"].values()
    labels = open_pyramid(store.revisions.pyramid_path(revision_id)).read(0, slice(None), slice(None))
    assert labels.tolist() == PREDICTION.tolist()


def test_the_class_of_predicted_objects_is_asked_for(
    store: Store, project: ProjectRecord, app: AppTest, tmp_path: Path
) -> None:
    """The files of Cellpose are named after images alone; they could be imported under another name only."""
    add(store, project, "vnc_1.tif", REFERENCE)
    folder = tmp_path / "made"
    folder.mkdir()
    ids = np.where(PREDICTION == 1, 300 + np.arange(PREDICTION.shape[1]) // 2, 0).astype(np.uint16)
    PilImage.fromarray(ids).save(folder / "vnc_1.tif")
    app = open_page(app, PAGE)
    app.segmented_control[0].set_value("Imported predictions").run()
    app.segmented_control(key="results-files-way").set_value("Folder on the server").run()
    app.text_input(key="results-folder-0").set_value(str(folder)).run()
    app.segmented_control(key="results-source").set_value("Object ids").run()
    assert app.button(key="results-import-begin").disabled
    app.selectbox(key="results-object-class-0").set_value(1).run()
    assert not app.exception
    app.button(key="results-import-begin").click().run()
    (row,) = jobs(kinds=["import_predictions"])
    done = run(store, row)
    assert not done.error_cause
    (revision_id,) = done.result["predictions"].values()
    kept = open_pyramid(store.revisions.pyramid_path(revision_id))
    assert kept.object_classes == (1,)
    objects = kept.object_ids()
    assert objects is not None
    np.testing.assert_array_equal(objects.ids_yx, ids)


def test_dropped_label_maps_are_in_sight_after_a_reload(store: Store, project: ProjectRecord, app: AppTest) -> None:
    add(store, project, "vnc_1.tif", REFERENCE)
    app = open_page(app, PAGE, batch="0" * 32)
    assert app.segmented_control(key=f"results-way-{project.id}-0").value == "Imported predictions"
    app = open_page(app, PAGE)
    assert not app.exception


def test_label_maps_of_a_folder_are_previewed_kept_and_evaluated(
    store: Store, project: ProjectRecord, app: AppTest, tmp_path: Path
) -> None:
    add(store, project, "vnc_1.tif", REFERENCE)
    add(store, project, "vnc_2.tif", REFERENCE)
    add(store, project, "vnc_3.tif", REFERENCE)
    folder = tmp_path / "made"
    folder.mkdir()
    PilImage.fromarray(PREDICTION).save(folder / "vnc_1.png")
    PilImage.fromarray(PREDICTION[:4]).save(folder / "vnc_2.png")
    PilImage.fromarray(PREDICTION).save(folder / "liver.png")
    app = open_page(app, PAGE)
    app.segmented_control[0].set_value("Imported predictions").run()
    app.segmented_control(key="results-files-way").set_value("Folder on the server").run()
    app.text_input(key="results-folder-0").set_value(str(folder)).run()
    assert not app.exception
    assert "liver.png match none of these images" in texts(app).replace("\\", "")
    states = frame_with(app, "State").set_index("Image")["State"]
    assert states["vnc_1.tif"] == "ready"
    assert "refused" in states["vnc_2.tif"]
    assert "no label map of this name" in states["vnc_3.tif"]
    assert jobs() == ()
    app.text_input(key="results-maker-0").set_value("their net").run()
    app.button(key="results-import-begin").click().run()
    assert not app.exception
    (row,) = jobs(kinds=["import_predictions"])
    done = run(store, row)
    assert not done.error_cause
    (revision_id,) = done.result["predictions"].values()
    revision = store.revisions.get(revision_id)
    assert (revision.kind, revision.model_id, revision.details["maker"]) == (RevisionKind.PREDICTION, None, "their net")
    run(store, job(done.result["evaluation_job_id"]))
    (record,) = evaluations(store, project.id)
    assert (record.name, record.state, record.scored_count) == ("their net", EvaluationState.COMPLETE, 1)
    app = open_page(app, PAGE)
    assert frame_with(app, "Dice (F1)").set_index("Class").loc["mitochondria", "Dice (F1)"] == "0.750, n = 1"


def test_settings_that_are_chosen_are_those_that_are_measured_with(
    store: Store, project: ProjectRecord, app: AppTest
) -> None:
    add(store, project, "section", REFERENCE)
    write_model(store.settings.models_dir / "net")
    app = open_page(app, PAGE)
    fields = {row.name: app.number_input(key=f"results-{row.name}-{project.id}") for row in CHOOSABLE}
    usual = EvaluationSettings()
    assert {name: field.value for name, field in fields.items()} == {
        row.name: getattr(usual, row.name) for row in CHOOSABLE
    }
    fields["min_object_px"].set_value(3).run()
    next(button for button in app.button if button.label == "Evaluate").click().run()
    assert not app.exception
    (record,) = evaluations(store, project.id)
    assert (record.settings["min_object_px"], record.settings["tolerance_nm"]) == (3, 16.0), "of 8 nm: two pixels"


def test_reports_are_one_click_away(evaluated: EvaluationRecord, app: AppTest) -> None:
    app = open_page(app, PAGE, section="report")
    assert not app.exception
    addresses = [each.proto.url for each in app.get("link_button")]
    assert addresses == [
        f"api/evaluations/{evaluated.id}/download/{what}" for what in ("report.html", "metrics.csv", "bundle.zip")
    ]
    app.button(key=f"results-delete-{evaluated.id}").click().run()
    assert not app.exception
    assert "No evaluation yet" in texts(app)


def test_a_click_on_any_cell_is_its_row() -> None:
    assert picked_row({"cells": [(3, "class 1")]}) == 3
    assert picked_row({"cells": []}) is None
