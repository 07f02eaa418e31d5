"""Which files of jobs, and of nobody, are thrown away."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from core.engine import serve
from core.engine.engine import ensure_engine
from core.engine.leftovers import RETRY_S, sweep_leftovers
from core.errors import JobError
from core.jobs.rows import request_cancel
from core.jobs.transitions import claim, fail, succeed
from core.settings import Settings
from core.store import JobState, Store
from core.store.import_batch import Part, find_batch, new_batch
from core.store.uploads import find_upload
from tests.core.engine.conftest import PLUGINS, end, wait_until
from tests.jobs import submit

DAY_S = 24 * 3600.0


def aged(path: Path, age_s: float) -> Path:
    os.utime(path, (time.time() - age_s,) * 2)
    return path


def upload(settings: Settings, digit: str, age_s: float = 2 * DAY_S) -> str:
    """An upload that came some time ago."""
    settings.uploads_dir.mkdir(parents=True, exist_ok=True)
    for suffix, content in ((".upload", "1"), (".json", '{"name": "a.tif", "bytes": 1}')):
        path = settings.uploads_dir / f"{digit * 32}{suffix}"
        path.write_text(content)
        aged(path, age_s)
    return digit * 32


def batch(settings: Settings, age_s: float = 8 * DAY_S) -> str:
    """A batch that came some time ago."""
    made = new_batch(settings)
    for folder in (*(made.path / part.value for part in Part), made.path):
        aged(folder, age_s)
    return made.id


def ended(store: Store, kind: str, params: dict[str, str], state: JobState) -> None:
    """A job that waits, or has ended as wanted."""
    row = submit(kind, params, store=store)
    if state is JobState.CANCELLED:
        request_cancel(row.id, store=store)
    elif state is not JobState.QUEUED:
        claimed = claim(store, row, "here")
        assert claimed is not None
        if state is JobState.FAILED:
            fail(store, row.id, JobError("The disk is full.", "Free some."), attempt=claimed.attempts)
        if state is JobState.SUCCEEDED:
            succeed(store, row.id, claimed.attempts, {})


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING, JobState.FAILED, JobState.CANCELLED])
def test_what_a_job_needs_or_may_be_retried_with_stays_however_old(
    store: Store, settings: Settings, state: JobState
) -> None:
    """An import that waited for more than a day behind a long training failed: there was no upload any more."""
    kept, dropped = upload(settings, "a"), batch(settings)
    ended(store, "ingest", {"upload_id": kept}, state)
    ended(store, "import_cases", {"batch_id": dropped}, state)
    assert sweep_leftovers(store) == 0
    new_batch(settings)
    assert find_upload(settings, kept).path.is_file()
    assert find_batch(settings, dropped).path.is_dir()


def test_what_no_job_needs_goes(store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    upload(settings, "a")
    ended(store, "ingest", {"upload_id": upload(settings, "b")}, JobState.SUCCEEDED)
    fresh = upload(settings, "c", age_s=60)
    batch(settings)
    assert sweep_leftovers(store) == 5
    assert {path.stem for path in settings.uploads_dir.iterdir()} == {fresh}
    ended(store, "ingest", {"upload_id": upload(settings, "d")}, JobState.FAILED)
    monkeypatch.setattr("core.engine.leftovers.age_s", lambda _: RETRY_S + 1)
    assert sweep_leftovers(store) == 2


def test_leftovers_go_again_and_again(store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """They went when a server started, and never while it ran."""
    monkeypatch.setattr(serve, "CLEAN_S", 0.01)

    async def run() -> None:
        done = asyncio.Event()
        cleaning = asyncio.create_task(serve._clean(store, done))
        for digit in "ab":
            upload(settings, digit)
            while any(settings.uploads_dir.iterdir()):
                await asyncio.sleep(0.01)
        done.set()
        await cleaning

    asyncio.run(asyncio.wait_for(run(), 60))


def test_an_engine_deletes_leftovers(store: Store, settings: Settings) -> None:
    upload(settings, "a")
    info = ensure_engine(settings, plugins=PLUGINS)
    try:
        wait_until(lambda: not any(settings.uploads_dir.iterdir()), "the upload of earlier days goes", 30)
    finally:
        end(settings, info)
