"""Training as a job of a real engine: to its end, paused, ended early, cancelled, killed. Tiny, but real nnU-Net."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from core.engine.context import JobContext
from core.engine.engine import EngineInfo, ensure_engine, stop_engine
from core.engine.tasks import import_model
from core.engine.tasks import train as train_task
from core.errors import CristaeError, DatasetError, JobError, StorageFullError, StoreError
from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import write_label_pyramid
from core.jobs.rows import job, request_cancel, request_finish, request_pause, retry
from core.jobs.transitions import claim
from core.label_scheme import LabelScheme
from core.learning.progress import training_history
from core.learning.snapshot import Snapshot
from core.learning.start import TrainingPlan, start_training, training_folder
from core.models.store import StoredModel, open_model
from core.morphometry.coverage import coverage_table
from core.settings import Settings, load_settings
from core.store import JobRecord, JobState, RevisionKind, Store
from core.training.request import EpochReport, TrainingProgress
from tests.core.models.test_store import model_folder
from tests.core.training.datasets import noise, stripes
from tests.jobs import submit
from tests.models import write_loadable_model

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="kills with SIGKILL")]

SCHEME = LabelScheme.from_names({"axon": 3, "myelin": 7})
TIMEOUT_S = 120.0


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(data_dir=tmp_path / "data", models_dir=tmp_path / "models", min_free_bytes=0)


@pytest.fixture
def plan(store: Store) -> TrainingPlan:
    """One image of 96 px whose last rows nobody has looked at; many short epochs."""
    project = store.projects.create("nerve", SCHEME)
    labels = stripes((96, 96))
    labels[80:] = 255
    image = noise(0, (96, 96))
    image[labels == 3] = 250
    record = store.images.add(project.id, Image(image, PixelSize.from_user(100.0), "a"))
    revision = store.revisions.begin(record.id, RevisionKind.REFERENCE)
    write_label_pyramid(store.revisions.pyramid_path(revision.id), labels, pixel_size_nm=100.0)
    store.revisions.complete(revision.id, coverage=[row.to_json() for row in coverage_table(labels, SCHEME, 100.0)])
    return TrainingPlan(project.id, [record.id], "Nerve", epochs=400, iterations_per_epoch=2)


def wait(store: Store, job_id: str, until: Callable[[JobRecord], bool], seconds: float = TIMEOUT_S) -> JobRecord:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        row = job(job_id, store=store)
        if until(row):
            return row
        time.sleep(0.1)
    pytest.fail(f"after {seconds} s: {job(job_id, store=store)}")


def epochs(store: Store, job_id: str) -> int:
    return len(training_history(store, job_id).epochs)


def training_processes(store: Store) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        if "core.training.process" in words and str(store.settings.models_dir) in words[-1]:
            found.append(process)
    return found


def test_a_killed_training_goes_on_and_can_be_ended_early(store: Store, plan: TrainingPlan, engine: EngineInfo) -> None:
    row = start_training(store, plan, author="Ada")
    wait(store, row.id, lambda _: epochs(store, row.id) >= 2)
    before = epochs(store, row.id)
    worker = int(job(row.id, store=store).worker.split(":")[1])
    os.kill(worker, signal.SIGKILL)
    resumed = wait(store, row.id, lambda now: now.attempts == 2 and epochs(store, row.id) > before + 1)
    assert resumed.state is JobState.RUNNING
    assert len(training_processes(store)) == 1

    request_finish(row.id, store=store)
    done = wait(store, row.id, lambda now: now.finished, 30)
    assert done.state is JobState.SUCCEEDED
    model = open_model(store.settings.models_dir / "nerve")
    kept = Snapshot.from_json(json.loads((model.path / "snapshot.json").read_text()))
    assert kept == Snapshot.from_json(row.params["snapshot"])
    history = training_history(store, row.id)
    numbers = [report.epoch for report in history.epochs]
    assert numbers == list(range(1, model.card.training.epochs + 1)), "each epoch once, none lost"
    assert len(numbers) < 400
    assert done.result["model_id"] == model.id
    assert training_processes(store) == []
    assert not list(store.settings.models_dir.glob(".*training"))
    assert not (training_folder(store, row.id) / "dataset").exists()


def test_pause_and_resume_even_with_another_engine(store: Store, plan: TrainingPlan, engine: EngineInfo) -> None:
    row = start_training(store, plan)
    wait(store, row.id, lambda _: epochs(store, row.id) >= 2)
    request_pause(row.id, store=store)
    paused = wait(store, row.id, lambda now: now.finished, 10)
    assert (paused.state, paused.message) == (JobState.PAUSED, "Paused.")
    assert training_processes(store) == []
    before = epochs(store, row.id)
    stop_engine(store.settings)
    ensure_engine(store.settings)
    time.sleep(1)
    assert job(row.id, store=store).state is JobState.PAUSED, "nobody asked it to go on"
    preview = training_history(store, row.id).preview
    assert preview is not None and preview.image_path.is_file()

    retry(row.id, store=store)
    wait(store, row.id, lambda _: epochs(store, row.id) > before)
    asked = time.monotonic()
    request_cancel(row.id, store=store)
    ended = wait(store, row.id, lambda now: now.finished, 10)
    assert ended.state is JobState.CANCELLED
    assert time.monotonic() - asked < 5
    assert training_processes(store) == []
    assert not list(store.settings.models_dir.glob(".*training"))


def test_what_cannot_be_trained_is_refused_before_anything_is_queued(store: Store, plan: TrainingPlan) -> None:
    bare = store.images.add(plan.project_id, Image(np.zeros((9, 9), np.uint8), name="bare"))
    test = store.images.add(plan.project_id, Image(np.ones((9, 9), np.uint8), name="test"), split="test")
    for image, words in ((bare, "no reference labels"), (test, "never used for training")):
        with pytest.raises(DatasetError, match=words):
            start_training(store, TrainingPlan(plan.project_id, [image.id], "x"))
    with pytest.raises(DatasetError, match="images selected"):
        start_training(store, TrainingPlan(plan.project_id, [], "x"))


def test_only_a_running_training_can_be_paused(store: Store, plan: TrainingPlan) -> None:
    row = start_training(store, plan)
    with pytest.raises(JobError, match="queued"):
        request_pause(row.id, store=store)
    assert start_training(store, plan).params["model_id"] != row.params["model_id"], "each makes its own model"


def begun(store: Store, row: JobRecord) -> JobContext:
    claimed = claim(store, row, "here")
    assert claimed is not None
    return JobContext(store, claimed, store.settings.data_dir / "log")


def test_too_small_a_disk_is_said_before_anything_is_written(
    store: Store, plan: TrainingPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checkpoints lie beside the models, perhaps on another disk than the data."""
    context = begun(store, start_training(store, plan))
    monkeypatch.setattr("core.files.shutil.disk_usage", lambda _: SimpleNamespace(free=10**8))
    with pytest.raises(StorageFullError, match=r"models has 0\.10 GB free; 0\.40 GB are needed"):
        train_task.run(context)
    assert not (training_folder(store, context.id) / "dataset").exists()
    assert not list(store.settings.models_dir.glob(".*training"))


def test_a_locked_database_ends_no_training(store: Store, plan: TrainingPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*_: object) -> bool:
        raise StoreError("The database stayed locked by another process for 20 s.", "Try again.")

    context = begun(store, start_training(store, plan))
    made = model_folder(store.settings.models_dir / "elsewhere", "nerve")

    def trained(_: object, *, on_progress: Callable[[TrainingProgress], None], **__: object) -> StoredModel:
        report = EpochReport(1, 2, 1.0, None, {}, None, 0.1, 1.0, 0.5)
        on_progress(TrainingProgress("training", "Epoch 1", 0.5, 1.0, report))
        return open_model(made)

    monkeypatch.setattr(train_task, "forgive", locked)
    monkeypatch.setattr(train_task, "train", trained)
    assert train_task.run(context).model_id == "nerve"
    assert epochs(store, context.id) == 1


def test_a_parent_that_has_gone_is_named(store: Store, plan: TrainingPlan) -> None:
    row = start_training(store, plan)
    context = begun(store, submit("train", {**row.params, "parent_id": "gone"}, store=store))
    with pytest.raises(CristaeError, match="gone"):
        train_task.run(context)


def test_a_model_that_is_imported_leaves_the_id_to_a_training_that_waits(
    store: Store, plan: TrainingPlan, tmp_path: Path
) -> None:
    """The training could not begin any more."""
    assert start_training(store, plan).params["model_id"] == "nerve"
    params = {"path": str(write_loadable_model(tmp_path / "in" / "nerve").path), "name": "Nerve"}
    assert import_model.run(begun(store, submit("import_model", params, store=store))).model_id == "nerve-2"


def test_a_model_made_just_before_the_kill_is_not_made_again(
    store: Store, plan: TrainingPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = begun(store, start_training(store, plan))
    model = model_folder(store.settings.models_dir, "nerve")
    (model / "snapshot.json").write_text(json.dumps(context.params.snapshot))
    (store.settings.models_dir / ".nerve.training").mkdir()
    monkeypatch.setattr(train_task, "train", lambda *_, **__: pytest.fail("trained again"))
    assert train_task.run(context).model_id == "nerve"
    assert not list(store.settings.models_dir.glob(".*training"))
