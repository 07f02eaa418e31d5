"""``serve``: what is checked before the server starts, and how it is started."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from core.cli import app as commands
from core.cli import serve
from core.cli.console import UsageError
from core.errors import CristaeError, SettingsError
from core.program import ROOT

EVERYWHERE = "0.0.0.0"  # noqa: S104 (nothing is bound to it here)


class Started(Exception):
    """The server would run now."""


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """What the server is started with; it does not start."""
    found: dict[str, Any] = {}

    def start(program: str, command: list[str], environment: dict[str, str]) -> None:
        found.update(program=program, command=command, environment=environment)
        raise Started

    monkeypatch.setattr(serve.os, "name", "posix")
    monkeypatch.setattr(serve.os, "execve", start, raising=False)
    for name in [name for name in os.environ if name.startswith(("CRISTAE_", "STREAMLIT_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CRISTAE_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.setenv("CRISTAE_DATA_DIR", str(tmp_path / "usual"))
    yield found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def call(*words: str) -> Any:
    """The command in this process; what it raises comes through."""
    answer = CliRunner().invoke(commands.app, ["serve", *words])
    if isinstance(answer.exception, CristaeError):
        raise answer.exception
    return answer


def test_without_options_streamlit_runs_the_app_as_its_file_says(started: dict[str, Any], tmp_path: Path) -> None:
    answer = call()
    assert isinstance(answer.exception, Started), answer.output
    assert started["program"] == sys.executable
    assert started["command"] == [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py")]
    assert started["environment"]["PYTHONPATH"].split(os.pathsep)[0] == str(ROOT)
    assert "STREAMLIT_SERVER_ALLOWED_HOSTS" not in started["environment"]
    assert str(tmp_path / "usual") in answer.output.replace("\n", "")


def test_options_reach_the_server(started: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    port = str(free_port())
    answer = call("--port", port, "--address", "127.0.0.1", "--data", "mine", "--headless")
    assert isinstance(answer.exception, Started), answer.output
    options = started["command"][5:]
    assert options == ["--server.port", port, "--server.address", "127.0.0.1", "--server.headless", "true"]
    assert started["environment"]["CRISTAE_DATA_DIR"] == str(tmp_path / "mine"), "whole, since the server may move"
    assert str(tmp_path / "mine") in answer.output.replace("\n", "")
    assert "sign-in" not in answer.output


def test_on_all_addresses_it_answers_to_named_hosts_and_warns(started: dict[str, Any]) -> None:
    answer = call("--address", EVERYWHERE, "--host", "em.example.org", "--host", "localhost")
    assert started["environment"]["STREAMLIT_SERVER_ALLOWED_HOSTS"] == "localhost 127.0.0.1 ::1 em.example.org"
    assert "it has no sign-in" in answer.output and "--host NAME" not in answer.output
    assert "--host NAME" in call("--address", EVERYWHERE).output


def test_a_single_address_is_a_name_that_it_answers_to() -> None:
    assert serve._names("192.0.2.7", []) == ("localhost", "127.0.0.1", "::1", "192.0.2.7")
    assert serve._names("127.0.0.1", []) == () == serve._names(None, []) == serve._names("::", [])


def test_a_port_in_use_is_said_before_anything_starts(started: dict[str, Any]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SettingsError, match=f"Port {port} of 127.0.0.1") as refused:
            call("--port", str(port))
    assert "--port" in refused.value.remedy
    assert not started


@pytest.mark.parametrize(
    ("words", "said"),
    [(("--address", "no such place"), "not an address of this machine"), (("--data", "a.txt"), "is a file")],
)
def test_what_cannot_be_meant_is_refused(
    started: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").touch()
    with pytest.raises(UsageError, match=said):
        call(*words)
    assert not started
    assert CliRunner().invoke(commands.app, ["serve", "--port", "0"]).exit_code == 2
