"""A store in a folder of its own, and engines that end with the test."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import tests.core.engine.sample_tasks  # noqa: F401
from core.engine.engine import EngineInfo, ensure_engine, log_path, stop_engine
from core.jobs.rows import job
from core.processes import kill_tree
from core.settings import Settings, load_settings
from core.store import JobRecord, Store

PLUGINS = ("tests.core.engine.sample_tasks",)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings for an empty data folder."""
    return load_settings(data_dir=tmp_path / "data", min_free_bytes=0)


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    """An open, empty store."""
    opened = Store(settings)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, EngineInfo]]:
    """A store and its engine for the tests of a module that leave the engine alive."""
    settings = load_settings(data_dir=tmp_path_factory.mktemp("shared"), min_free_bytes=0)
    opened = Store(settings)
    info = ensure_engine(settings, plugins=PLUGINS)
    yield opened, info
    end(settings, info)
    opened.close()


@pytest.fixture
def engine(settings: Settings) -> Iterator[EngineInfo]:
    """An engine of this test's data folder that knows the sample tasks."""
    with_engine = ensure_engine(settings, plugins=PLUGINS)
    yield with_engine
    end(settings, with_engine)


def end(settings: Settings, info: EngineInfo) -> None:
    """Stop whatever engine serves the folder, and the given one."""
    stop_engine(settings)
    if info.alive:
        kill_tree(info.pid)


def wait_for(
    store: Store, job_id: str, until: Callable[[JobRecord], bool] = lambda row: row.finished, limit_s: float = 30
) -> JobRecord:
    """The job, once it is as wanted; fails with the logs when that takes too long."""
    began = time.monotonic()
    while time.monotonic() - began < limit_s:
        row = job(job_id, store=store)
        if until(row):
            return row
        time.sleep(0.02)
    logs = "\n".join(path.read_text() for path in log_path(store.settings).parent.glob("*.log"))
    pytest.fail(f"after {limit_s} s: {job(job_id, store=store)}\n{logs}")


def wait_until(condition: Callable[[], bool], what: str, limit_s: float = 15) -> None:
    """Wait, for a limited time."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > limit_s:
            pytest.fail(f"not within {limit_s} s: {what}")
        time.sleep(0.02)
