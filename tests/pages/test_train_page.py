"""The Train page: what it offers, what its one button writes, and what it finds again after a restart."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import update
from streamlit.testing.v1 import AppTest

from core.cache import forget_everything
from core.datasets.folder import open_dataset
from core.imaging.image import Image, PixelSize
from core.imaging.object_pyramid import ObjectIds, write_object_pyramid
from core.imaging.pyramid import write_label_pyramid
from core.jobs.rows import job, jobs
from core.label_scheme import DEFAULT_SCHEME
from core.learning.objects_ahead import objects_ahead
from core.learning.progress import TrainingRecord
from core.learning.snapshot import take_snapshot, write_snapshot
from core.learning.speed import TrainingSpeed, keep_speed
from core.learning.start import TrainingPlan, start_training, training_folder
from core.learning.training_labels import training_labels
from core.morphometry.coverage import coverage_table
from core.objects.separation import Separation, SeparationWay
from core.store import RevisionKind
from core.store.records import ImageRecord, JobRecord, JobState, ProjectRecord, Split
from core.store.store import Store
from core.store.tables import JobRow
from core.training.object_labels import objects_in_labels
from core.training.presets import Preset
from core.training.request import EpochReport
from core.training.separation_ahead import planned_separation, separation_ahead
from tests.jobs import submit
from tests.models import write_model
from tests.pages.conftest import open_page, texts

PAGE = "train_page.py"


@pytest.fixture
def project(store: Store) -> ProjectRecord:
    """One measured machine, so that no timing is asked for."""
    keep_speed(store, TrainingSpeed(Preset.COMPACT, 0.5, 2_000_000_000))
    return store.projects.create("Liver *1*", DEFAULT_SCHEME, 8.0)


def add(store: Store, project: ProjectRecord, name: str, *, split: Split = Split.TRAIN, stack: str = "") -> ImageRecord:
    pixels = np.random.default_rng(len(store.images.all())).integers(0, 255, (100, 100), dtype=np.uint8)
    place = 0 if stack else None
    image = Image(pixels, PixelSize.from_user(8.0), name=name)
    record = store.images.add(project.id, image, split=split, stack=stack, z_index=place)
    labels = np.full((100, 100), 1, np.uint8)
    labels[80:] = 255
    revision = store.revisions.begin(record.id, RevisionKind.REFERENCE)
    write_label_pyramid(store.revisions.pyramid_path(revision.id), labels, pixel_size_nm=8.0)
    rows = coverage_table(labels, DEFAULT_SCHEME, 8.0)
    store.revisions.complete(revision.id, coverage=[row.to_json() for row in rows])
    return record


def change(store: Store, row: JobRecord, **values: object) -> None:
    """As the engine's process would."""
    with store.database.writing() as session:
        session.execute(update(JobRow).where(JobRow.id == row.id).values(**values))


def test_a_new_model_is_asked_about_once_and_for_everybody(store: Store, project: ProjectRecord, app: AppTest) -> None:
    """The starter came back everywhere although the project had models of its own."""
    add(store, project, "one")
    write_model(store.settings.models_dir / "starter", created="2020-01-01T00:00:00+00:00")
    write_model(store.settings.models_dir / "own", created="2024-01-01T00:00:00+00:00", project_id=project.id)
    page = open_page(app, PAGE, project=project.id)
    assert "the current model of Liver" in texts(page)
    assert next(box for box in page.selectbox if box.label == "Start from").value == "own"
    page.button(key="train-keep-old").click().run()
    assert not page.exception
    assert "the current model of Liver" not in texts(page)
    assert store.model_choices.declined(project.id) == {"own"}
    assert next(box for box in page.selectbox if box.label == "Start from").value == ""
    write_model(store.settings.models_dir / "own-2", created="2024-01-02T00:00:00+00:00", project_id=project.id)
    page = page.run()
    page.button(key="train-use-new").click().run()
    assert store.rounds.promoted_model(project.id).model_id == "own-2"  # type: ignore[union-attr]
    assert "the current model of Liver" not in texts(page)


def button(page: AppTest, label: str) -> object:
    return next((each for each in page.button if each.label == label), None)


def test_no_project_and_no_labels_say_what_to_do(store: Store, app: AppTest) -> None:
    assert "Create a project on the Data page" in texts(open_page(app, PAGE))
    store.projects.create("Bare", DEFAULT_SCHEME, None)
    page = open_page(app, PAGE)
    assert not page.exception
    assert "No reference labels yet" in texts(page)
    assert button(page, "Train") is None


def test_one_button_queues_a_training_with_its_snapshot(store: Store, project: ProjectRecord, app: AppTest) -> None:
    chosen = add(store, project, "a")
    add(store, project, "spare", split=Split.POOL)
    add(store, project, "frozen", split=Split.TEST)
    page = open_page(app, PAGE)
    assert not page.exception
    shown = texts(page)
    assert "1 of 2 images with reference labels" in shown
    assert "1 in the test set" in shown
    assert "20% of the area is not labelled" in shown
    assert "never find\\: nucleus" in shown
    assert "10 minutes are about 1,200 iterations" in shown
    assert "2.0 GB" in shown
    page = next(each for each in page.button if each.label == "Train").click().run()
    assert not page.exception
    (row,) = jobs(kinds=["train"])
    assert row.params["image_ids"] == [chosen.id]
    assert (row.params["preset"], row.params["minutes"], row.params.get("epochs")) == ("compact", 10.0, None)
    assert (row.params["name"], row.params.get("seed", 0)) == ("Liver *1* compact", 0)
    assert row.params["validation_fraction"] == 0.15
    assert row.params["snapshot"]["cases"][0]["image_id"] == chosen.id
    assert "Queued" in texts(page)
    assert page.query_params["job"] in (row.id, [row.id])


def test_nobody_set_splits_so_all_are_taken(store: Store, project: ProjectRecord, app: AppTest) -> None:
    for name in "ab":
        add(store, project, name, split=Split.POOL)
    assert "2 of 2 images" in texts(open_page(app, PAGE))


def test_a_stack_shared_with_the_test_set_is_warned_of(store: Store, project: ProjectRecord, app: AppTest) -> None:
    add(store, project, "a", stack="s1")
    add(store, project, "b", stack="s1", split=Split.TEST)
    page = open_page(app, PAGE)
    assert any("stack 's1'" in warning.value for warning in page.warning)


def test_only_test_images_cannot_be_trained_on(store: Store, project: ProjectRecord, app: AppTest) -> None:
    add(store, project, "b", split=Split.TEST)
    page = open_page(app, PAGE)
    assert any("No images selected" in error.value for error in page.error)
    assert next(each for each in page.button if each.label == "Train").disabled


def start(store: Store, project: ProjectRecord) -> JobRecord:
    return start_training(store, TrainingPlan(project.id, [add(store, project, "a").id], "Round *1*", minutes=3.0))


def test_a_running_training_is_found_with_its_curves(store: Store, project: ProjectRecord, app: AppTest) -> None:
    row = start(store, project)
    record = TrainingRecord(training_folder(store, row.id))
    record.begin()
    record.add_epoch(EpochReport(1, 10, 1.0, 1.1, {"mitochondria": 0.5}, 0.5, 0.01, 5.0, 0.5))
    record.add_notice("A strip is held out.")
    change(store, row, state=JobState.RUNNING.value, progress=0.4, eta_s=90.0, message="Epoch 2", worker="here:1",
           attempts=1, started_at=datetime.now(UTC), heartbeat_at=datetime.now(UTC))  # fmt: skip
    page = open_page(app, PAGE)  # nothing in its session knows of the training
    assert not page.exception
    assert "Round \\*1\\*" in texts(page)
    assert "A strip is held out." in texts(page)
    assert len(page.get("plotly_chart")) >= 2
    page = page.button(key=f"pause-{row.id}").click().run()
    assert job(row.id).control == "pause"
    assert button(page, "Finish now") is None, "it is being paused"


def test_a_training_that_ends_while_it_is_watched_stays_on_the_page(
    store: Store, project: ProjectRecord, app: AppTest
) -> None:
    row = start(store, project)
    change(store, row, state=JobState.RUNNING.value, worker="here:1", attempts=1)
    page = open_page(app, PAGE)
    change(store, row, state=JobState.SUCCEEDED.value, finished_at=datetime.now(UTC),
           result={"model_id": "m", "epochs": 3, "seconds": 9.0, "mean_dice": 0.5})  # fmt: skip
    page = page.run()
    assert "Mean validation Dice 0.500" in texts(page)


def test_finish_and_cancel(store: Store, project: ProjectRecord, app: AppTest) -> None:
    row = start(store, project)
    change(store, row, state=JobState.RUNNING.value, worker="here:1", attempts=1)
    page = open_page(app, PAGE)
    page.button(key=f"finish-{row.id}").click().run()
    assert job(row.id).control == "finish"
    page = open_page(app, PAGE)
    assert "will be lost" in texts(page)
    page.button(key=f"cancel-{row.id}").click().run()
    assert job(row.id).cancel_requested


def test_paused_failed_and_done(store: Store, project: ProjectRecord, app: AppTest) -> None:
    row = start(store, project)
    change(store, row, state=JobState.PAUSED.value, message="Paused.", attempts=1)
    page = open_page(app, PAGE, job=row.id)
    assert "Paused. Resume continues" in texts(page)
    page.button(key=f"resume-{row.id}").click().run()
    assert job(row.id).state is JobState.QUEUED

    change(store, row, state=JobState.FAILED.value, error_cause="The disk is full.", error_remedy="Free 3 GB.")
    page = open_page(app, PAGE, job=row.id)
    assert "The disk is full." in page.error[0].value
    assert "Free 3 GB." in page.error[0].value
    assert page.button(key=f"resume-{row.id}").label == "Resume"

    model_id = str(row.params["model_id"])
    result = {"model_id": model_id, "epochs": 7, "seconds": 180, "mean_dice": 0.8125}
    change(store, row, state=JobState.SUCCEEDED.value, result=result)
    page = open_page(app, PAGE, job=row.id)
    assert "The model has been removed." in texts(page)
    write_model(store.settings.models_dir / model_id)
    page = open_page(app, PAGE, job=row.id)
    assert "Mean validation Dice 0.81" in page.success[0].value
    assert page.button(key=f"use-{row.id}").label == "Segment images"


def test_the_machine_is_timed_once_by_itself_and_then_when_asked(
    store: Store, project: ProjectRecord, app: AppTest
) -> None:
    (store.settings.data_dir / "training" / "speeds.json").unlink()
    add(store, project, "a")
    page = open_page(app, PAGE)
    (row,) = jobs(kinds=["time_training"])
    assert row.params == {"preset": "compact"}
    assert "Measuring the training speed" in texts(page)
    change(store, row, state=JobState.FAILED.value)
    page = open_page(app, PAGE)
    assert len(jobs(kinds=["time_training"])) == 1, "one that failed is not tried on every look"
    page.button(key="time-compact").click().run()
    assert len(jobs(kinds=["time_training"])) == 2


def test_a_training_stops_the_timing_that_the_page_began(store: Store, project: ProjectRecord, app: AppTest) -> None:
    """The page queued it in the person's name, so it counted as requested and the first training waited for it."""
    (store.settings.data_dir / "training" / "speeds.json").unlink()
    add(store, project, "a")
    app.session_state["person"] = "Ada"
    open_page(app, PAGE, project=project.id)
    (timing,) = jobs(kinds=["time_training"])
    start(store, project)
    assert job(timing.id).cancel_requested or job(timing.id).finished


def test_trainings_and_the_way_to_another_are_at_the_top(store: Store, project: ProjectRecord, app: AppTest) -> None:
    """A finished training was a switch below the form, and the way to another one was below the running one."""
    ended, running = start(store, project), start(store, project)
    change(store, ended, state=JobState.FAILED.value, error_cause="It broke.")
    change(store, running, state=JobState.RUNNING.value, worker="here:1", attempts=1)
    page = open_page(app, PAGE, project=project.id)
    listed = next(box for box in page.selectbox if box.label == "Trainings")
    assert listed.value == running.id
    assert [option.split(" · ")[-1] for option in listed.options] == ["New training (2 so far)", "running", "failed"]
    assert page.button(key="train-another")
    assert button(page, "Train") is None
    listed.select_index(2).run()
    assert "It broke." in texts(page)
    page.button(key="train-another").click().run()
    assert not page.exception
    assert page.query_params["job"] == "new"
    assert button(page, "Train") is not None
    next(box for box in page.selectbox if box.label == "Trainings").select_index(1).run()
    assert button(page, "Pause") is not None


def test_a_form_that_is_being_filled_in_stays_when_somebody_else_begins_a_training(
    store: Store, project: ProjectRecord, app: AppTest
) -> None:
    """It was replaced by the other training at the next rerun, with all that was typed."""
    add(store, project, "a")
    page = open_page(app, PAGE, project=project.id)
    name = next(field for field in page.text_input if field.label == "Name of the model")
    name.set_value("Mine").run()
    running = start(store, project)
    change(store, running, state=JobState.RUNNING.value, worker="here:1", attempts=1)
    page.run()
    assert button(page, "Train") is not None
    assert next(field for field in page.text_input if field.label == "Name of the model").value == "Mine"
    open_page(page, "models_page.py")
    del page.query_params["job"]  # a link to a page has none
    back = open_page(page, PAGE, project=project.id)
    assert button(back, "Train") is None  # who comes back sees what runs
    assert button(back, "Pause") is not None


def test_a_training_stops_the_timing_that_nobody_asked_for(store: Store, project: ProjectRecord) -> None:
    """The first training of a new user waited for the app's own measurement."""
    own = submit("time_training", {"preset": "compact"}, store=store)
    asked = submit("time_training", {"preset": "standard"}, author="Ada", store=store)
    start(store, project)
    assert [job(row.id).cancel_requested or job(row.id).finished for row in (own, asked)] == [True, False]


def add_objects(store: Store, project: ProjectRecord, name: str, *, with_ids: bool = True) -> ImageRecord:
    """An image with two objects of class 1 that touch, and one apart; the classes of `add` beside it."""
    record = add(store, project, name)
    labels, ids = np.zeros((100, 100), np.uint8), np.zeros((100, 100), np.uint32)
    for number, columns in enumerate((slice(10, 30), slice(30, 50), slice(70, 90))):
        labels[10:40, columns], ids[10:40, columns] = 1, number + 1
    revision = store.revisions.begin(record.id, RevisionKind.REFERENCE)
    path = store.revisions.pyramid_path(revision.id)
    write_label_pyramid(path, labels, pixel_size_nm=8.0)
    if with_ids:
        write_object_pyramid(path, ObjectIds(ids, (1,)), pixel_size_nm=8.0)
    rows = coverage_table(labels, DEFAULT_SCHEME, 8.0)
    store.revisions.complete(revision.id, coverage=[row.to_json() for row in rows])
    return record


def test_what_is_learned_of_touching_objects_is_said_before_a_training(
    store: Store, project: ProjectRecord, app: AppTest
) -> None:
    add_objects(store, project, "a", with_ids=False)
    shown = texts(open_page(app, PAGE))
    assert "no label map has object ids" in shown
    assert "will be counted as one" in shown
    add_objects(store, project, "b")
    name = DEFAULT_SCHEME.name_of(1)
    shown = texts(open_page(app, PAGE))
    assert f"{name}\\: 3 objects with ids in 1 label map, 1 pair of them touching; the model learns" in shown
    assert "1 of 2 label maps have no object ids" in shown
    assert "counted as one" not in shown


def test_what_stays_of_a_parent_that_separates_is_said(store: Store, project: ProjectRecord, app: AppTest) -> None:
    add_objects(store, project, "a", with_ids=False)
    parent = store.settings.models_dir / "parent"
    write_model(parent, project_id=project.id, separation=Separation(SeparationWay.RIMS, (1,)))
    page = open_page(app, PAGE, project=project.id)
    field = next(box for box in page.selectbox if box.label == "Start from")
    assert field.value == "parent"
    assert "The model keeps what its parent has learned" in texts(page)
    shown = texts(field.set_value("").run())
    assert "The model keeps" not in shown
    assert "will be counted as one" in shown


def test_a_damaged_label_map_leaves_the_form_usable(store: Store, project: ProjectRecord, app: AppTest) -> None:
    record = add_objects(store, project, "a")
    revision = training_labels(store, project.id)[record.id].layers[0]
    shutil.rmtree(store.revisions.pyramid_path(revision.id))
    page = open_page(app, PAGE)
    assert not page.exception
    assert page.warning
    assert button(page, "Train") is not None


def test_what_the_page_says_of_objects_is_what_the_training_says(
    store: Store, project: ProjectRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read once, and by the rule of the training; too much to count is not read at all."""
    images = [add_objects(store, project, "a"), add_objects(store, project, "b", with_ids=False)]
    ids = [image.id for image in images]
    labels = training_labels(store, project.id)
    told = objects_ahead(store, images, labels, SeparationWay.RIMS)
    folder = write_snapshot(store, take_snapshot(store, project.id, ids), tmp_path / "d")
    dataset = open_dataset(folder)
    seen = objects_in_labels(dataset.cases, dataset.scheme.ids)
    planned = planned_separation(seen, dataset.scheme.ids, SeparationWay.RIMS)
    assert told == separation_ahead(planned, seen, dataset.scheme)
    monkeypatch.setattr("core.learning.objects_ahead.merged_labels", None)
    assert objects_ahead(store, images, labels, SeparationWay.RIMS) == told
    assert "5 are needed" in objects_ahead(store, images, labels, SeparationWay.SEAMS)[0]
    monkeypatch.setattr("core.learning.objects_ahead.MOST_PX", 1)
    forget_everything()
    assert "1 label map with object ids" in objects_ahead(store, images, labels, SeparationWay.RIMS)[0]
