"""The dispatcher in this process, with places and futures of the test's own: what fails for a while ends nothing."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest

from core.engine import dispatcher as module
from core.engine.dask_config import library
from core.engine.dispatcher import Dispatcher, dispatch
from core.engine.places import LocalPlaces, Place
from core.errors import StoreError
from core.jobs.rows import job, request_cancel
from core.jobs.task_kind import Resource
from core.settings import Settings
from core.store import JobState, Store
from tests.jobs import submit


class OnePlace:
    """One free place, whose process cannot be ended where ``kill_error`` is set."""

    remote = False

    def __init__(self, start_error: Exception | None = None, kill_error: Exception | None = None) -> None:
        self.place = Place("cpu-0", Resource.CPU)
        self.start_error, self.kill_error = start_error, kill_error

    async def refresh(self) -> None:
        """Nothing to ask."""

    def capacity(self, resource: Resource) -> int:
        return 1

    def take(self, resource: Resource, job_id: str) -> Place | None:
        if self.start_error is not None:
            error, self.start_error = self.start_error, None
            raise error
        if self.place.job_id:
            return None
        self.place.job_id = job_id
        return self.place

    def release(self, place: Place) -> None:
        place.job_id = ""

    def ended(self, place: Place) -> str:
        return ""

    async def kill(self, place: Place) -> None:
        if self.kill_error is not None:
            error, self.kill_error = self.kill_error, None
            raise error

    def end_idle(self) -> None:
        """Nothing to end."""

    def close(self) -> None:
        """Nothing to end."""


class EndlessFuture:
    """Never done."""

    status = "pending"

    def done(self) -> bool:
        return False

    def release(self) -> None:
        """Nothing to let go."""


class EndlessClient:
    """Takes jobs and never ends them."""

    def submit(self, *_: Any, **__: Any) -> EndlessFuture:
        return EndlessFuture()


def looked(dispatcher: Dispatcher, until: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the dispatcher work until something holds."""
    monkeypatch.setattr(module, "AFTER_ERROR_S", 0.01)
    monkeypatch.setattr(module, "CHECK_S", 0.05)
    monkeypatch.setattr(module, "CANCEL_GRACE_S", 0.0)

    async def run() -> None:
        done = asyncio.Event()
        working = asyncio.create_task(dispatch(dispatcher, done, 0.01))
        async with asyncio.timeout(20):
            while not until():
                if working.done():
                    break
                await asyncio.sleep(0.02)
        done.set()
        await working

    asyncio.run(run())


@pytest.mark.parametrize(
    "error",
    [
        BlockingIOError(11, "Resource temporarily unavailable"),
        OSError(12, "Cannot allocate memory"),
        subprocess.TimeoutExpired("python", 10),
        library().comm.CommClosedError("in <TLS>: Stream is closed"),
        TimeoutError("connect"),
        StoreError("database is locked", "wait"),
    ],
    ids=["fork", "memory", "wait", "dask", "dask-timeout", "database"],
)
def test_a_look_that_fails_is_repeated(
    error: Exception, settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = OnePlace(start_error=error)
    asked = submit("sample", {}, store=store).id
    looked(Dispatcher(store, EndlessClient(), places), lambda: places.place.job_id, monkeypatch)
    row = job(asked, store=store)
    assert (row.state, row.attempts) == (JobState.RUNNING, 1)


def test_a_place_whose_process_cannot_be_ended_is_free_again(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = OnePlace(kill_error=subprocess.TimeoutExpired("python", 10))
    stuck = submit("sample", {}, store=store).id
    dispatcher = Dispatcher(store, EndlessClient(), places)
    looked(dispatcher, lambda: job(stuck, store=store).state is JobState.RUNNING, monkeypatch)
    request_cancel(stuck, store=store)
    following = submit("sample", {}, store=store).id
    looked(dispatcher, lambda: job(following, store=store).state is JobState.RUNNING, monkeypatch)
    assert job(stuck, store=store).state is JobState.CANCELLED
    assert places.place.job_id == following


def test_a_process_that_does_not_go_keeps_no_place(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.engine.places.kill_tree", lambda _: None)
    monkeypatch.setattr("core.engine.places.END_TIMEOUT_S", 0.05)
    places = LocalPlaces(settings, "tls://127.0.0.1:1", 1)
    place = places._places[0]
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        place.process = process
        places.close()
        assert place.process is None
        process.kill()


class TwoPlaces(OnePlace):
    """Two free places for any job."""

    def __init__(self) -> None:
        super().__init__()
        self.places = [Place(f"cpu-{number}", Resource.CPU) for number in range(2)]

    def take(self, resource: Resource, job_id: str) -> Place | None:
        free = next((place for place in self.places if not place.job_id), None)
        if free is not None:
            free.job_id = job_id
        return free


def test_exports_leave_a_place_to_others(settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two exports of hours took both places, and a dropped image was not read until one had ended."""
    places = TwoPlaces()
    exports = [submit("export", {}, store=store).id for _ in range(2)]
    dispatcher = Dispatcher(store, EndlessClient(), places)
    looked(dispatcher, lambda: job(exports[0], store=store).state is JobState.RUNNING, monkeypatch)
    dropped = submit("ingest", {}, store=store).id
    looked(dispatcher, lambda: job(dropped, store=store).state is JobState.RUNNING, monkeypatch)
    assert job(exports[1], store=store).state is JobState.QUEUED
