"""What becomes of a task's end: every one is a state of the row. Run in this process, without an engine."""

from __future__ import annotations

import errno
import threading
import time
from typing import Any

import pytest

import core.engine.runner as runner
from core.access.roles import Permission
from core.engine.context import JobContext
from core.errors import JobCancelledError, TrainingLostError
from core.jobs.kinds import TASKS, DemoRoundsParams, load_plugins, register
from core.jobs.results import JobResult
from core.jobs.rows import job, log_tail, request_cancel
from core.jobs.task_kind import Resource, TaskKind
from core.jobs.transitions import claim, interrupt
from core.store import JobState, Store
from tests.jobs import submit


@pytest.fixture(autouse=True)
def here(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's store is the process's."""
    monkeypatch.setattr(runner, "current_store", lambda: store)


def start(store: Store, monkeypatch: pytest.MonkeyPatch, task: Any) -> str:
    """A claimed job whose task is the given function."""
    monkeypatch.setattr(TaskKind, "function", lambda _self: task)
    row = submit("sample", {}, store=store)
    assert claim(store, row, "here")
    return row.id


def raising(error: BaseException) -> Any:
    """A task that raises."""

    def task(_context: JobContext) -> dict[str, Any]:
        raise error

    return task


def test_a_result_is_kept_with_what_was_published(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def task(context: JobContext) -> dict[str, Any]:
        context.publish(revision_id="r")
        assert job(context.id, store=store).result == {"revision_id": "r"}
        context.log("two\nlines")
        return {"summary": 1}

    job_id = start(store, monkeypatch, task)
    assert runner.run_job(job_id, 1) == "succeeded"
    assert job(job_id, store=store).result == {"revision_id": "r", "summary": 1}
    assert [line[20:] for line in log_tail(job_id, store=store).splitlines()][1:] == ["two", "lines", "succeeded"]


@pytest.mark.parametrize(
    ("error", "cause", "remedy"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left", "Free some space"),
        (OSError(errno.EROFS, "Read-only file system"), "is not writable", "writable"),
        (MemoryError(), "out of memory", "Close other programs"),
        (ZeroDivisionError("odd"), "ZeroDivisionError: odd", "report it with the log of job"),
    ],
    ids=["disk-full", "read-only", "memory", "bug"],
)
def test_whatever_goes_wrong_has_a_cause_and_a_remedy(
    store: Store, monkeypatch: pytest.MonkeyPatch, error: Exception, cause: str, remedy: str
) -> None:
    job_id = start(store, monkeypatch, raising(error))
    assert runner.run_job(job_id, 1) == "failed"
    row = job(job_id, store=store)
    assert (cause in row.error_cause, remedy in row.error_remedy) == (True, True), row


def test_a_bug_leaves_its_trace_in_the_log(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = start(store, monkeypatch, raising(ZeroDivisionError("odd")))
    runner.run_job(job_id, 1)
    assert "Traceback" in log_tail(job_id, store=store)


def test_an_attempt_that_is_not_current_does_not_run(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = start(store, monkeypatch, raising(AssertionError("it ran")))
    assert runner.run_job(job_id, 2) == "superseded"
    interrupt(store, job_id, 1, "gone", restartable=True)
    assert runner.run_job(job_id, 1) == "superseded"
    assert job(job_id, store=store).state is JobState.QUEUED


def test_a_wish_to_cancel_reaches_the_task(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def task(context: JobContext) -> dict[str, Any]:
        request_cancel(context.id, store=store)
        began = time.monotonic()
        while time.monotonic() - began < 20:
            context.progress(0.5, "working")
            time.sleep(0.01)
        return {}

    job_id = start(store, monkeypatch, task)
    began = time.monotonic()
    assert runner.run_job(job_id, 1) == "cancelled"
    assert time.monotonic() - began < 3


def test_a_task_that_lost_its_job_is_told_to_stop(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def task(context: JobContext) -> dict[str, Any]:
        interrupt(store, context.id, 1, "taken for dead", restartable=True)
        began = time.monotonic()
        while not context.cancelled() and time.monotonic() - began < 20:
            time.sleep(0.01)
        assert context.superseded
        with pytest.raises(JobCancelledError):
            context.publish(late=True)
        return {"late": True}

    job_id = start(store, monkeypatch, task)
    assert runner.run_job(job_id, 1) == "superseded"
    row = job(job_id, store=store)
    assert (row.state, row.result) == (JobState.QUEUED, {})


def test_progress_is_written_while_the_task_works(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    seen, done = [], threading.Event()

    def task(context: JobContext) -> dict[str, Any]:
        context.progress(2.0)
        context.progress(0.5, "half way")
        began = time.monotonic()
        while not seen and time.monotonic() - began < 10:
            row = job(context.id, store=store)
            if row.progress:
                seen.append(row)
            time.sleep(0.01)
        done.set()
        return {}

    runner.run_job(start(store, monkeypatch, task), 1)
    assert done.is_set()
    assert (seen[0].progress, seen[0].message) == (0.5, "half way")
    assert seen[0].eta_s is not None
    assert 0 < seen[0].eta_s < 10


def test_plugins_add_kinds() -> None:
    load_plugins(("tests.core.engine.sample_tasks",))

    class Extra(DemoRoundsParams):
        kind = "extra"  # type: ignore[assignment]

    register(TaskKind(Extra, JobResult, "Extra", "nowhere", Resource.CPU, Permission.TRAIN))
    try:
        assert {"sample", "extra", "ingest", "predict"} <= set(TASKS)
    finally:
        del TASKS["extra"]


def test_a_lost_training_process_is_an_interruption(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed training process used to fail the job, although it can go on from its checkpoint."""
    job_id = start(store, monkeypatch, raising(TrainingLostError("It ended (exit code -9).", "Resume.")))
    assert runner.run_job(job_id, 1) == "queued"
    assert "exit code -9" in job(job_id, store=store).message
    for attempt in (2, 3):
        row = claim(store, job(job_id, store=store), "here")
        assert row is not None
        assert runner.run_job(job_id, attempt) == ("queued" if attempt == 2 else "failed")
    assert "interrupted 3 times" in job(job_id, store=store).error_cause
