"""What trainings leave on disk: kept while somebody may go on, gone once nobody can."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock

from core.errors import JobError, TrainingError
from core.jobs.kinds import task_kind
from core.jobs.rows import job, request_cancel, request_finish, request_pause, retry
from core.jobs.transitions import claim, fail, forgive, interrupt, move, pause
from core.learning.start import training_folder
from core.learning.work import sweep_work, work_folder
from core.settings import Settings, load_settings
from core.store import JobRecord, JobState, Store
from core.store.records import JobControl
from core.training.train import LOCK_FILE
from tests.jobs import submit


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(data_dir=tmp_path / "data", models_dir=tmp_path / "models", min_free_bytes=0)


def started(store: Store, model_id: str = "nerve") -> JobRecord:
    """A running training with a dataset and a checkpoint."""
    row = claim(store, submit("train", {"model_id": model_id}, store=store), "here")
    assert row is not None
    for file in traces(store, row):
        file.parent.mkdir(parents=True)
        file.write_bytes(b"hours of work")
    return row


def traces(store: Store, row: JobRecord) -> tuple[Path, Path]:
    work = work_folder(store, row)
    assert work is not None
    return work / "checkpoint_a.safetensors", training_folder(store, row.id) / "dataset" / "dataset.json"


def kept(store: Store, row: JobRecord) -> list[bool]:
    return [file.exists() for file in traces(store, row)]


def test_a_paused_training_keeps_its_work_until_it_is_cancelled(store: Store) -> None:
    row = started(store)
    request_pause(row.id, store=store)
    assert pause(store, row.id, 1)
    paused = job(row.id, store=store)
    assert (paused.state, paused.message, paused.max_attempts) == (JobState.PAUSED, "Paused.", 6)
    assert sweep_work(store) == 0
    assert kept(store, row) == [True, True]
    assert request_cancel(row.id, store=store).state is JobState.CANCELLED
    assert kept(store, row) == [False, False]
    assert not traces(store, row)[0].parent.exists()


def test_a_failed_training_can_be_retried_or_thrown_away(store: Store) -> None:
    row = started(store)
    assert fail(store, row.id, TrainingError("The loss became nan."), attempt=1)
    assert kept(store, row) == [True, True]
    assert retry(row.id, store=store).state is JobState.QUEUED
    assert kept(store, row) == [True, True]
    assert request_cancel(row.id, store=store).message == "Cancelled."
    assert kept(store, row) == [False, False]


def test_a_failed_job_of_another_kind_stays_failed(store: Store) -> None:
    row = claim(store, submit("sample", {}, store=store), "here")
    assert row is not None
    fail(store, row.id, JobError("no"), attempt=1)
    assert request_cancel(row.id, store=store).state is JobState.FAILED


def test_what_a_killed_worker_left_of_a_cancelled_training_is_swept(store: Store) -> None:
    row, other = started(store), started(store, "another")
    request_cancel(row.id, store=store)
    assert interrupt(store, row.id, 1, "killed", restartable=True) is JobState.CANCELLED
    assert sweep_work(store) == 1
    assert kept(store, row) == [False, False]
    assert kept(store, other) == [True, True]
    assert sweep_work(store) == 0


def test_work_in_use_is_left_alone(store: Store) -> None:
    row = started(store)
    with store.database.writing() as session:
        move(session, row.id, JobState.CANCELLED)
    with FileLock(traces(store, row)[0].parent / LOCK_FILE):
        assert sweep_work(store) == 0
    assert kept(store, row)[0]
    assert sweep_work(store) == 1


def test_an_old_job_does_not_take_the_work_of_a_paused_one_of_the_same_name(store: Store) -> None:
    old = submit("train", {"model_id": "nerve"}, store=store)
    request_cancel(old.id, store=store)
    row = started(store)
    pause(store, row.id, 1)
    request_cancel(old.id, store=store)
    assert sweep_work(store) == 0
    assert kept(store, row) == [True, True]


@pytest.mark.parametrize("model_id", ["../..", "", "A b"])
def test_no_other_folder_is_ever_removed(store: Store, model_id: str) -> None:
    store.settings.models_dir.mkdir(exist_ok=True)
    row = submit("train", {"model_id": model_id}, store=store)
    assert request_cancel(row.id, store=store).state is JobState.CANCELLED
    assert sweep_work(store) == 0
    assert store.settings.models_dir.is_dir()


def test_the_wish_to_end_early_outlives_a_kill(store: Store) -> None:
    row = started(store)
    request_finish(row.id, store=store)
    assert interrupt(store, row.id, 1, "killed", restartable=True) is JobState.QUEUED
    assert job(row.id, store=store).control is JobControl.FINISH


def test_a_training_that_was_being_paused_when_killed_is_paused(store: Store) -> None:
    row = started(store)
    request_pause(row.id, store=store)
    assert interrupt(store, row.id, 1, "killed", restartable=True) is JobState.PAUSED
    assert job(row.id, store=store).message == "Paused."
    assert retry(row.id, store=store).control is JobControl.NONE


def test_interruptions_before_progress_do_not_count(store: Store) -> None:
    """A machine that is switched off every evening failed a training of a week."""
    row = started(store)
    limit = task_kind("train").max_attempts
    for attempt in range(1, 3 * limit):
        assert forgive(store, row.id, attempt)
        assert interrupt(store, row.id, attempt, "reboot", restartable=True) is JobState.QUEUED
        assert claim(store, job(row.id, store=store), "here") is not None
    assert not forgive(store, row.id, 1), "an attempt that is over changes nothing"
    ends = []
    while not ends or ends[-1] is JobState.QUEUED:
        ends.append(interrupt(store, row.id, job(row.id, store=store).attempts, "killed", restartable=True))
        claim(store, job(row.id, store=store), "here")
    assert ends == [JobState.QUEUED] * (limit - 1) + [JobState.FAILED]


def test_only_trainings_can_be_paused_or_ended_early(store: Store) -> None:
    row = claim(store, submit("sample", {}, store=store), "here")
    assert row is not None
    for ask in (request_pause, request_finish):
        with pytest.raises(JobError, match="cannot be paused or finished early"):
            ask(row.id, store=store)
