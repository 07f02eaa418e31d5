"""Files and folders for a moment, named after the process that made them, so that what a killed one left is found."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import socket
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Final

import psutil

_NAME: Final = re.compile(
    r"(?P<name>(?:\.|cristae-).+)[.-](?P<machine>[0-9a-f]{6})-(?P<pid>\d+)-[0-9a-z_]+(?P<end>\.partial|\.old)?"
)
"""Hidden names and those of `scratch_folder` only: what people name themselves is never removed."""


def marked() -> str:
    """A part of a name that no other file has: this machine, this process, a random number."""
    return f"{_machine()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


@contextmanager
def scratch_folder(purpose: str) -> Iterator[Path]:
    """A folder in the system's place for temporary files, gone when the block ends.

    Parameters
    ----------
    purpose
        A word for its name: "import".
    """
    folder = Path(tempfile.mkdtemp(prefix=f"cristae-{purpose}-{_machine()}-{os.getpid()}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep_scratch(folder: Path | None = None) -> int:
    """Remove what processes of this machine that are gone have left in a folder.

    Parameters
    ----------
    folder
        Its entries are looked at, nothing deeper; the system's place for temporary files if None. May be missing.

    Returns
    -------
    int
        How many things were removed. What living processes and other machines made stays.
    """
    removed = 0
    with suppress(OSError):
        for path in list((folder or Path(tempfile.gettempdir())).iterdir()):
            if _is_abandoned(path):
                removed += _remove(path)
    return removed


def _remove(path: Path) -> bool:
    """Whether it is gone. What was being replaced when its process ended comes back where nothing has its place."""
    found = _NAME.fullmatch(path.name)
    if found is not None and found["end"] == ".old":
        place = path.with_name(found["name"].removeprefix("."))
        if not os.path.lexists(place):
            path.rename(place)
            return False
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    return not os.path.lexists(path)


def _is_abandoned(path: Path) -> bool:
    """Whether a process of this machine made it that does not run any more."""
    found = _NAME.fullmatch(path.name)
    if found is None or found["machine"] != _machine():
        return False
    try:
        made_at_s = path.lstat().st_mtime
        # a process that began after the last change has only got the number of the one that made it
        return psutil.Process(int(found["pid"])).create_time() > made_at_s + 1
    except psutil.NoSuchProcess:
        return True
    except (psutil.Error, OSError, OverflowError):
        return False


@cache
def _machine() -> str:
    """Six digits for the name of this machine: several may share a folder, and each knows its own processes only."""
    return hashlib.blake2b(socket.gethostname().encode(), digest_size=3).hexdigest()
