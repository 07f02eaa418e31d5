"""Nothing half-written is left, whatever happens in the middle."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.errors import StorageFullError
from core.files import creating, explained_os_errors, replacing, require_free_space, write_bytes, write_json


def test_a_file_appears_whole(tmp_path: Path) -> None:
    write_json(tmp_path / "a" / "b.json", {"ä": 1})
    assert json.loads((tmp_path / "a" / "b.json").read_text(encoding="utf-8")) == {"ä": 1}
    assert [entry.name for entry in (tmp_path / "a").iterdir()] == ["b.json"]


def test_the_old_file_stays_when_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    write_bytes(path, b"old")
    with pytest.raises(RuntimeError, match="halfway"), replacing(path) as temporary:
        temporary.write_bytes(b"ne")
        raise RuntimeError("halfway")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.bin"]


def test_a_folder_replaces_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "model"
    for content in ("first", "second"):
        with replacing(path) as temporary:
            temporary.mkdir()
            (temporary / f"{content}.txt").write_text(content)
    assert [entry.name for entry in path.iterdir()] == ["second.txt"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("there", ["folder", "file"])
def test_a_new_folder_replaces_nothing(tmp_path: Path, there: str) -> None:
    path = tmp_path / "model"
    with pytest.raises(FileExistsError), creating(path) as temporary:
        temporary.mkdir()
        (temporary / "mine.txt").write_text("mine")
        if there == "folder":
            path.mkdir()
            (path / "theirs.txt").write_text("theirs")
        else:
            path.write_text("theirs")
    assert (path / "theirs.txt" if there == "folder" else path).read_text() == "theirs"
    assert [entry.name for entry in tmp_path.iterdir()] == ["model"]
    with creating(tmp_path / "other") as temporary:
        temporary.mkdir()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["model", "other"]


@pytest.mark.parametrize(
    ("code", "words"),
    [(errno.ENOSPC, "No space left"), (errno.EROFS, "is not writable"), (errno.EACCES, "is not writable")],
)
def test_disk_errors_name_the_folder_and_the_remedy(tmp_path: Path, code: int, words: str) -> None:
    with pytest.raises(StorageFullError, match=words) as caught, explained_os_errors(tmp_path / "f"):
        raise OSError(code, "reason")
    assert str(tmp_path) in caught.value.cause
    assert "CRISTAE_DATA_DIR" in caught.value.remedy


def test_other_os_errors_pass(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), explained_os_errors(tmp_path / "f"):
        raise FileNotFoundError(errno.ENOENT, "gone")


@pytest.mark.parametrize(("coming", "keep", "fits"), [(4, 6, True), (5, 6, False), (0, 10, True), (0, 11, False)])
def test_what_would_leave_too_little_space_is_refused_with_the_numbers(
    coming: int, keep: int, fits: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=10 * 10**9))
    if fits:
        require_free_space(tmp_path, coming * 10**9, keep_bytes=keep * 10**9)
        return
    with pytest.raises(StorageFullError, match=rf"10\.00 GB free; {coming}\.00 GB.* {keep}\.00 GB.*CRISTAE_MIN_FREE"):
        require_free_space(tmp_path, coming * 10**9, keep_bytes=keep * 10**9)
