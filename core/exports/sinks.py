"""Where a package goes: one zip, or a folder. Files are copied one by one; nothing of a package is held in memory."""

from __future__ import annotations

import hashlib
import shutil
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Protocol

from core.errors import DatasetError
from core.files import creating, replacing

_COPIED_BYTES: Final = 1024**2

_PACKED: Final = (".csv", ".json", ".txt")
"""Endings of files that a zip makes smaller; pictures and chunks are compressed already."""


@dataclass(frozen=True, slots=True)
class Written:
    """A file of a package.

    Parameters
    ----------
    path
        In the package, with forward slashes.
    size_bytes
        Of its content.
    sha256
        Of its content, hexadecimal.
    """

    path: str
    size_bytes: int
    sha256: str


class Sink(Protocol):
    """Takes the files of a package."""

    def add(self, path: str, content: Path | bytes) -> Written:
        """Copy a file, or write bytes, under a path with forward slashes."""
        ...


@contextmanager
def zip_sink(target: Path, root: str) -> Iterator[Sink]:
    """A zip that appears at ``target`` when the block ends well; everything lies in its folder ``root``.

    Raises
    ------
    StorageFullError
        The device is full, or the folder cannot be written; then nothing is left.
    """
    with replacing(target) as temporary, zipfile.ZipFile(temporary, "w", allowZip64=True) as archive:
        yield _ZipSink(archive, root)


@contextmanager
def folder_sink(target: Path) -> Iterator[Sink]:
    """A folder that appears at ``target`` when the block ends well.

    Raises
    ------
    DatasetError
        Something is there already.
    StorageFullError
        The device is full, or the folder cannot be written; then nothing is left.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DatasetError(f"{target} exists already.", "Choose a new or empty folder.")
    if target.is_dir():
        target.rmdir()  # empty
    with creating(target) as temporary:
        temporary.mkdir()
        yield _FolderSink(temporary)


class _ZipSink:
    def __init__(self, archive: zipfile.ZipFile, root: str) -> None:
        self._archive, self._root = archive, root

    def add(self, path: str, content: Path | bytes) -> Written:
        entry = zipfile.ZipInfo(f"{self._root}/{path}", time.localtime()[:6])
        entry.external_attr = 0o644 << 16
        entry.compress_type = zipfile.ZIP_DEFLATED if path.endswith(_PACKED) else zipfile.ZIP_STORED
        entry.file_size = len(content) if isinstance(content, bytes) else content.stat().st_size  # decides on zip64
        with self._archive.open(entry, "w") as file:
            return _copied(path, content, file)


class _FolderSink:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, path: str, content: Path | bytes) -> Written:
        target = self._folder.joinpath(*path.split("/"))
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            return _copied(path, content, file)


def _copied(path: str, content: Path | bytes, file: IO[bytes]) -> Written:
    digest, size = hashlib.sha256(), 0
    for part in _parts(content):
        digest.update(part)
        file.write(part)
        size += len(part)
    return Written(path, size, digest.hexdigest())


def _parts(content: Path | bytes) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as source:
        while part := source.read(_COPIED_BYTES):
            yield part


def discard(folder: Path) -> None:
    """Remove a folder of files that were copied; nothing happens where it is gone."""
    shutil.rmtree(folder, ignore_errors=True)
