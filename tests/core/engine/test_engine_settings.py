"""An engine with other settings is replaced; one whose data folder has gone ends, and gets no second one."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from core.engine import engine as engine_module
from core.engine.engine import (
    EngineInfo,
    ensure_engine,
    keep_engine,
    log_path,
    running_engine,
    settings_fingerprint,
    stop_engine,
)
from core.engine.engine_state import engine_state
from core.jobs.rows import job
from core.settings import Access, Settings, load_settings
from core.store import Store
from core.store.records import JobState
from tests.core.engine.conftest import PLUGINS
from tests.jobs import submit

PEOPLE = {"access": "roles", "admins": "Ada", "threads": 3, "import_roots": "/srv"}


@pytest.mark.parametrize("field", list(PEOPLE))
def test_settings_that_differ_have_another_fingerprint(tmp_path: Path, field: str) -> None:
    one = load_settings(data_dir=tmp_path)
    assert settings_fingerprint(load_settings(data_dir=tmp_path)) == settings_fingerprint(one)
    assert settings_fingerprint(load_settings(data_dir=tmp_path, **{field: PEOPLE[field]})) != settings_fingerprint(one)
    assert settings_fingerprint(
        load_settings(data_dir=tmp_path, framed_by="https://a.example")
    ) == settings_fingerprint(one)


def wait_for(truth: object, limit_s: float = 60.0) -> None:
    end = time.monotonic() + limit_s
    while not truth():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.05)


def test_the_servers_settings_count_from_the_next_job_on(tmp_path: Path) -> None:
    opened = load_settings(data_dir=tmp_path / "data", models_dir=tmp_path / "models", min_free_bytes=0)
    store = Store(opened)
    first = ensure_engine(opened)
    closed = load_settings(
        data_dir=tmp_path / "data", models_dir=tmp_path / "models", min_free_bytes=0, access=Access.ROLES, admins="Ada"
    )
    try:
        assert first.settings == settings_fingerprint(opened)
        assert ensure_engine(opened, for_server=True) == first
        assert ensure_engine(closed) == first, "a command leaves it alone"
        second = ensure_engine(closed, for_server=True)
        assert second.pid != first.pid
        assert second.settings == settings_fingerprint(closed)
        assert ensure_engine(closed, for_server=True) == second
        assert not first.alive
        let_go = keep_engine(closed)
        away = opened.data_dir.rename(tmp_path / "away")
        wait_for(lambda: not second.alive)
        time.sleep(2 * engine_module.KEEP_EVERY_S)
        assert not opened.data_dir.exists(), "no second engine made the folder anew"
        away.rename(opened.data_dir)
        wait_for(lambda: running_engine(closed) is not None)
        let_go()
    finally:
        store.close()
        stop_engine(closed)


def test_a_running_job_ends_with_the_old_settings_and_the_next_has_the_new_ones(tmp_path: Path) -> None:
    """Between the two the engine begins nothing, and says so."""
    folders = {"data_dir": tmp_path / "data", "models_dir": tmp_path / "models", "min_free_bytes": 0}
    opened = load_settings(**folders, import_roots="/old")
    closed = load_settings(**folders, access=Access.ROLES, admins="Ada", import_roots="/new")
    store = Store(opened)
    first = ensure_engine(opened, plugins=PLUGINS)
    try:
        long = submit("sample", {"seconds": 6, "setting": "import_roots"}, author="Ada", store=store)
        wait_for(lambda: job(long.id, store=store).state is JobState.RUNNING)
        assert not engine_state(opened).leaving
        assert ensure_engine(closed, plugins=PLUGINS, for_server=True) == first
        assert engine_state(closed).leaving
        later = [submit("sample", {"setting": name}, author="Ada", store=store) for name in ("access", "import_roots")]
        time.sleep(0.7)
        assert all(job(row.id, store=store).state is JobState.QUEUED for row in later)
        wait_for(lambda: job(long.id, store=store).finished)
        assert "old" in job(long.id, store=store).result["setting"]
        wait_for(lambda: ensure_engine(closed, plugins=PLUGINS, for_server=True).pid != first.pid)
        wait_for(lambda: all(job(row.id, store=store).finished for row in later))
        told = [job(row.id, store=store).result["setting"] for row in later]
        assert told[0] == "roles"
        assert "new" in told[1]
        assert not engine_state(closed).leaving
    finally:
        store.close()
        stop_engine(closed)


def test_an_engine_of_an_earlier_version_says_nothing_of_its_settings(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    info = EngineInfo("tls://x", 1, 0.0, "h", code=engine_module.code_age())
    assert engine_module._outdated(info, settings, True)
    assert not engine_module._outdated(info, settings, False)
    assert log_path(settings).name == "engine.log"
