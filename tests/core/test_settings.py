"""Settings from environment and file, checked once, documented."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.errors import SettingsError
from core.settings import ROOT, Access, Settings, changed_settings, current_settings, load_settings


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    path = tmp_path / "cristae.toml"
    monkeypatch.setenv("CRISTAE_CONFIG", str(path))
    return path


def test_defaults_lie_beside_the_app() -> None:
    settings = load_settings()
    assert settings.data_dir == ROOT / "data"
    assert settings.resolved_database_url == f"sqlite:///{(ROOT / 'data' / 'cristae.sqlite3').as_posix()}"
    assert settings.resolved_threads >= 1


def test_environment_wins_over_the_file(clean: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clean.write_text(f'data_dir = "{tmp_path.as_posix()}/file"\nthreads = 3\n')
    monkeypatch.setenv("CRISTAE_DATA_DIR", str(tmp_path / "env"))
    settings = load_settings()
    assert settings.data_dir == tmp_path / "env"
    assert settings.threads == 3


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("CRISTAE_THREADS", "many", "CRISTAE_THREADS"),
        ("CRISTAE_MAX_IMAGE_PX", "-1", "CRISTAE_MAX_IMAGE_PX"),
        ("CRISTAE_ENGINE", "tcp://127.0.0.1:8786", "CRISTAE_ENGINE.*like tls://host:8786"),
        ("CRISTAE_ENGINE", "tls://host", "CRISTAE_ENGINE"),
        ("CRISTAE_BACKEND", "tensorflow", "CRISTAE_BACKEND"),
        ("CRISTAE_DATADIR", "/x", "Unknown setting CRISTAE_DATADIR"),
    ],
)
def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=words):
        load_settings()


@pytest.mark.parametrize(("text", "words"), [("threads = ", "not valid TOML"), ("colour = 1", "colour")])
def test_a_wrong_file_is_named(clean: Path, text: str, words: str) -> None:
    clean.write_text(text)
    with pytest.raises(SettingsError, match=words):
        load_settings()


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system cannot restrict a process to some cores")
def test_no_more_threads_than_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5})
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert Settings().resolved_threads == 2
    assert Settings(threads=7).resolved_threads == 7


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for name in Settings.model_fields:
        assert f"`CRISTAE_{name.upper()}`" in text
        assert f"`{name}`" in text


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:///mine.sqlite3", "sqlite:///{here}/mine.sqlite3"),
        ("sqlite+pysqlite:///a/b.db?mode=ro", "sqlite+pysqlite:///{here}/a/b.db?mode=ro"),
        ("sqlite:////srv/mine.sqlite3", "sqlite:////srv/mine.sqlite3"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("sqlite:///file:mine?uri=true", "sqlite:///file:mine?uri=true"),
        ("postgresql+psycopg://me@host/name", "postgresql+psycopg://me@host/name"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="/srv has no drive letter there")
def test_a_relative_database_is_the_same_for_processes_that_start_elsewhere(
    url: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CRISTAE_DATABASE_URL", url)
    assert load_settings().database_url == expected.format(here=tmp_path.resolve().as_posix())


def test_an_engine_elsewhere_has_an_encrypted_address() -> None:
    for address in ("local", "tls://host:8786", "tls://10.0.0.1:8786", "tls://[::1]:8786"):
        assert Settings(engine=address).engine == address


def test_a_file_that_has_changed_since_it_was_read_is_noticed(clean: Path) -> None:
    """The server goes on with what it read: a page can say so."""
    clean.write_text('access = "open"\n')
    current_settings.cache_clear()
    try:
        assert current_settings().access is Access.OPEN
        assert changed_settings() == ()
        clean.write_text('access = "roles"\nadmins = "Ada"\nimport_roots = "/srv"\n')
        assert set(changed_settings()) == {"access", "admins", "import_roots"}
        assert current_settings().access is Access.OPEN
        clean.write_text("access = \n")
        assert changed_settings() == ("not readable",)
    finally:
        current_settings.cache_clear()
