"""``model get``: listed, accepted, fetched, continued, and from a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from core.catalogue.work import command_folder
from core.cli.app import app
from core.cli.console import UsageError
from core.errors import FetchDelayedError, FetchError, NotFoundError
from core.models.store import ModelStore
from core.settings import Settings, current_settings
from tests.core.catalogue.conftest import entry_values, file_of, write_catalogue
from tests.core.remote.server import FileServer


@pytest.fixture(autouse=True)
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("data_dir", "models_dir", "catalogue", "min_free_bytes"):
        monkeypatch.setenv(f"CRISTAE_{name.upper()}", str(getattr(settings, name)))
    monkeypatch.setattr("core.remote.download._FIRST_WAIT_S", 0.0)
    current_settings.cache_clear()
    yield
    current_settings.cache_clear()


def get(*words: str) -> Result:
    return CliRunner().invoke(app, ["model", "get", *words], terminal_width=200)


def test_the_catalogue_is_listed(settings: Settings, server: FileServer) -> None:
    write_catalogue(settings, entry_values([file_of(server, "liver.zip", b"x" * 2_500_000)]))
    for words in ((), ("--list",)):
        shown = get(*words)
        assert shown.exit_code == 0 and "liver" in shown.output and "2.5" in shown.output
    assert server.asked == []


def test_a_model_is_fetched_once_its_licence_is_accepted(
    settings: Settings, models: ModelStore, server: FileServer, bundle: bytes
) -> None:
    write_catalogue(settings, entry_values([file_of(server, "liver.zip", bundle)]))
    refused = get("liver")
    assert isinstance(refused.exception, UsageError) and "--accept-licence" in str(refused.exception)
    assert isinstance(get("nowhere", "--accept-licence").exception, NotFoundError) and server.asked == []
    server.files["/liver.zip"].cuts = [100] + [0] * 8
    cut = get("liver", "--accept-licence")
    assert isinstance(cut.exception, FetchDelayedError) and "continues from there" in str(cut.exception)
    fetched = get("liver", "--accept-licence")
    assert fetched.exit_code == 0, fetched.output
    assert "CC BY 4.0" in fetched.output and "Doe 2026" in fetched.output and "Imported as" in fetched.output
    assert server.asked[-1][1] == "bytes=100-"
    (model,) = models.list()
    assert model.card.source is not None and model.card.source.licence == "CC BY 4.0"
    assert list(command_folder(settings, "liver").iterdir()) == []


def test_files_are_taken_from_a_folder_where_fetching_is_off(
    settings: Settings,
    models: ModelStore,
    server: FileServer,
    bundle: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_catalogue(settings, entry_values([file_of(server, "liver.zip", bundle)]))
    monkeypatch.setenv("CRISTAE_FETCHING", "false")
    current_settings.cache_clear()
    off = get("liver", "--accept-licence")
    assert isinstance(off.exception, FetchError) and "switched off" in str(off.exception)
    (tmp_path / "stick").mkdir()
    (tmp_path / "stick" / "liver.zip").write_bytes(bundle)
    taken = get("liver", "--accept-licence", "--from", str(tmp_path / "stick"))
    assert taken.exit_code == 0, taken.output
    assert len(models.list()) == 1 and server.asked == [] and (tmp_path / "stick" / "liver.zip").exists()
