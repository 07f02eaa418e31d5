"""Reading a file changes nobody's logging; our own programs keep what libraries log off the terminal."""

from __future__ import annotations

import subprocess
import sys

import pytest

from core.settings import ROOT

LOOK = "print(logging.getLogger('tifffile').propagate, len(logging.getLogger('tifffile').handlers))"


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("import logging, core.imaging.reader; " + LOOK, "True 0"),
        ("import logging, core.program, tifffile; core.program.quiet_libraries(); " + LOOK, "False 1"),
    ],
    ids=["reader imported", "program started"],
)
def test_logging_of_tifffile(code: str, seen: str) -> None:
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == seen
