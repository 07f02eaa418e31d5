"""What killed processes leave half-written is found by its name and removed; what the living work on stays."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.files import creating, replacing
from core.scratch import marked, scratch_folder, sweep_scratch

LEAVE = """
import os, sys
from pathlib import Path
from core.files import creating, replacing
from core.scratch import scratch_folder
folder = Path(sys.argv[1])
with scratch_folder("import") as scratch, creating(folder / "model") as model, replacing(folder / "a.json") as text:
    model.mkdir()
    (model / "card.json").write_text("{")
    text.write_text("{")
    os._exit(9)
"""


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """A folder in which a process ended in the middle of its work."""
    code = subprocess.run(
        [sys.executable, "-c", LEAVE, str(tmp_path)],
        env={**os.environ, "TMPDIR": str(tmp_path), "TEMP": str(tmp_path)},
        check=False,
    )
    assert code.returncode == 9
    assert len(list(tmp_path.iterdir())) == 3
    return tmp_path


def test_what_a_killed_process_left_is_removed_however_young(killed: Path) -> None:
    assert sweep_scratch(killed) == 3
    assert list(killed.iterdir()) == []


def test_what_a_living_process_works_on_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with scratch_folder("import") as scratch, creating(tmp_path / "model") as model, replacing(tmp_path / "a") as text:
        model.mkdir()
        text.write_text("{")
        assert sweep_scratch() + sweep_scratch(tmp_path) == 0
        assert scratch.is_dir()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "model"]


def test_a_process_that_got_the_number_of_a_gone_one_protects_nothing(tmp_path: Path) -> None:
    left = tmp_path / f".model.{marked()}.partial"
    left.mkdir()
    long_ago = time.time() - 10 * 24 * 3600
    os.utime(left, (long_ago, long_ago))
    assert sweep_scratch(tmp_path) == 1


def test_files_of_other_machines_and_other_names_stay(killed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (killed / "notes.old").write_text("mine")
    monkeypatch.setattr("core.scratch._machine", lambda: "000000")
    assert sweep_scratch(killed) == 0


def test_a_model_whose_name_looks_like_a_mark_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.scratch._machine", lambda: "abc123")
    (tmp_path / "liver-abc123-4-v2").mkdir()
    (tmp_path / ".liver-abc123-999999999-v2.partial").mkdir()
    os.utime(tmp_path / "liver-abc123-4-v2", (0, 0))
    assert sweep_scratch(tmp_path) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["liver-abc123-4-v2"]


def test_what_was_being_replaced_comes_back_where_nothing_has_its_place(killed: Path) -> None:
    left = next(path for path in killed.iterdir() if path.name.startswith(".model"))
    left.rename(left.with_name(left.name.removesuffix(".partial") + ".old"))
    assert sweep_scratch(killed) == 2
    assert (killed / "model" / "card.json").read_text() == "{"


def test_a_missing_folder_has_nothing_to_remove(tmp_path: Path) -> None:
    assert sweep_scratch(tmp_path / "none") == 0
