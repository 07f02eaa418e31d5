"""Writing files so that a crash never leaves half of one."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.errors import StorageFullError
from core.scratch import marked

_FULL = {errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC}
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}


def private_files(group: bool) -> None:
    """What this process and its children write is for its own user alone, whatever umask it was started with.

    Parameters
    ----------
    group
        Whether the group may read and write it too.

    Notes
    -----
    Windows gives new files the rights of their folder; nothing is changed there.
    """
    if os.name != "nt":
        os.umask(0o007 if group else 0o077)


def make_private(path: Path, group: bool) -> None:
    """Take a folder or file that was just made away from others, whatever the umask. Not on Windows."""
    if os.name != "nt":
        path.chmod((0o770 if group else 0o700) if path.is_dir() else (0o660 if group else 0o600))


@contextmanager
def explained_os_errors(path: Path) -> Iterator[None]:
    """Turn "no space left" and "read-only" into a `StorageFullError` that names the folder.

    Raises
    ------
    StorageFullError
        The device is full, or the folder cannot be written.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFullError(
                f"No space left on the device while writing {path.name} in {path.parent}.",
                "Free some space or set CRISTAE_DATA_DIR to a larger disk; no partial file was kept.",
            ) from error
        if error.errno in _READ_ONLY:
            raise StorageFullError(
                f"{path.parent} is not writable ({error.strerror}).",
                "Make the folder writable for this user or set CRISTAE_DATA_DIR to another one.",
            ) from error
        raise


def require_free_space(folder: Path, coming_bytes: int, *, keep_bytes: int) -> None:
    """Refuse what would leave too little space on a folder's disk.

    Parameters
    ----------
    folder
        Must exist.
    coming_bytes
        What is going to be written.
    keep_bytes
        What shall stay free then.

    Raises
    ------
    StorageFullError
        With all three numbers.
    """
    free = shutil.disk_usage(folder).free
    if free - coming_bytes < keep_bytes:
        raise StorageFullError(
            f"The disk of {folder} has {free / 1e9:.2f} GB free; {coming_bytes / 1e9:.2f} GB are needed and "
            f"{keep_bytes / 1e9:.2f} GB must remain free.",
            "Free some space, set CRISTAE_DATA_DIR to a larger disk, or lower CRISTAE_MIN_FREE_BYTES.",
        )


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary sibling of ``path`` that takes its place when the block ends well, and vanishes when it does not.

    Works for files and for folders (a folder replaces an existing one).

    Parameters
    ----------
    path
        Where the file or folder shall stand. Parents are made.

    Raises
    ------
    StorageFullError
        The device is full, or the folder cannot be written.
    """
    with _temporary_sibling(path) as temporary:
        yield temporary
        if temporary.is_file():
            _fsync(temporary)
        elif path.is_dir():
            old = path.with_name(f".{path.name}.{marked()}.old")
            path.rename(old)
            temporary.rename(path)
            shutil.rmtree(old, ignore_errors=True)
            return
        temporary.replace(path)


@contextmanager
def creating(folder: Path) -> Iterator[Path]:
    """A temporary sibling of a folder that gets its name when the block ends well and nothing has that name by then.

    Raises
    ------
    FileExistsError
        Something has it; it is left alone.
    StorageFullError
        The device is full, or the folder cannot be written.
    """
    with _temporary_sibling(folder) as temporary:
        yield temporary
        try:
            temporary.rename(folder)  # of two at the same time one fails; an empty folder may be replaced
        except OSError as error:
            if not os.path.lexists(folder):
                raise
            raise FileExistsError(errno.EEXIST, "something has this name", str(folder)) from error


@contextmanager
def _temporary_sibling(path: Path) -> Iterator[Path]:
    """A name beside ``path`` for a file or folder; what still has it when the block ends vanishes."""
    temporary = path.with_name(f".{path.name}.{marked()}.partial")
    with explained_os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
        finally:
            if temporary.is_dir():
                shutil.rmtree(temporary, ignore_errors=True)
            else:
                temporary.unlink(missing_ok=True)


def file_stamp(path: Path) -> tuple[int, int]:
    """Time (ns) and size (bytes) of a file, to see whether it has changed; zeros where it cannot be looked at."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON atomically."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def json_bytes(value: Any) -> bytes:
    """A value as indented JSON, UTF-8, for files that people take away; NaN is refused."""
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def write_bytes(path: Path, value: bytes) -> None:
    """Write bytes atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(value)


def sync_tree(folder: Path) -> None:
    """Make sure that every file of a folder, and their names, are on the disk.

    Raises
    ------
    StorageFullError
        The device is full.
    """
    with explained_os_errors(folder):
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                _fsync(path)
        for path in (*(each for each in folder.rglob("*") if each.is_dir()), folder, folder.parent):
            _sync_names(path)


def _sync_names(folder: Path) -> None:
    """The entries of a folder; Windows keeps them with the files and cannot be asked."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _fsync(path: Path) -> None:
    """Make sure that the bytes are on the disk before the name is."""
    with path.open("rb+") as handle:
        os.fsync(handle.fileno())
