"""Commands in this process: by exit code and words."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.cli import console
from core.cli.app import main


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str


Command = Callable[..., Answer]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """``python -m core``, without the seconds that a process of its own costs."""
    monkeypatch.setattr(console.stdout, "_width", 220)

    def run(*arguments: str | Path) -> Answer:
        monkeypatch.setattr(sys, "argv", ["core", *map(str, arguments)])
        with pytest.raises(SystemExit) as leaving:
            main()
        shown = capsys.readouterr()
        return Answer(int(leaving.value.code or 0), shown.out, shown.err)

    return run
