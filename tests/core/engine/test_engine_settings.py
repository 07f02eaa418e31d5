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
from core.settings import Access, Settings, load_settings
from core.store import Store

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


def test_an_engine_of_an_earlier_version_says_nothing_of_its_settings(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    info = EngineInfo("tls://x", 1, 0.0, "h", code=engine_module.code_age())
    assert engine_module._outdated(info, settings, True)
    assert not engine_module._outdated(info, settings, False)
    assert log_path(settings).name == "engine.log"
