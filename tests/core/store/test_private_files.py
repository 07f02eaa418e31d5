"""Data files are for their user alone, whatever the umask was."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.files import private_files
from core.imaging.image import Image
from core.label_scheme import DEFAULT_SCHEME
from core.settings import ROOT, Settings
from core.store import Store

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")


@pytest.fixture(autouse=True)
def wide_open() -> Iterator[None]:
    before = os.umask(0o000)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())}


@pytest.mark.parametrize(("group", "file", "directory"), [(False, 0o600, 0o700), (True, 0o660, 0o770)])
def test_what_the_store_makes_is_private(tmp_path: Path, group: bool, file: int, directory: int) -> None:
    store = Store(Settings(data_dir=tmp_path / "data", min_free_bytes=0, group_files=group))
    store.projects.create("one", DEFAULT_SCHEME)
    found = modes(tmp_path / "data")
    store.close()
    for name, mode in found.items():
        wanted = file if name.startswith("cristae.sqlite3") else directory
        assert mode == wanted, (name, oct(mode))


def test_a_server_and_its_children_write_privately(tmp_path: Path) -> None:
    private_files(False)
    store = Store(Settings(data_dir=tmp_path / "data", min_free_bytes=0))
    project = store.projects.create("one", DEFAULT_SCHEME)
    store.images.add(project.id, Image(np.zeros((4, 4), np.uint8)))
    store.close()
    open_ones = [path for path in (tmp_path / "data").rglob("*") if path.stat().st_mode & 0o077]
    assert open_ones == []
    code = f"open({str(tmp_path / 'child')!r}, 'w')"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    assert stat.S_IMODE((tmp_path / "child").stat().st_mode) == 0o600


def test_a_folder_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o750)
    Store(Settings(data_dir=tmp_path / "data", min_free_bytes=0)).close()
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o750
