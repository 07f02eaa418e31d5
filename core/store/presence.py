"""Whether a folder or file is still the one that was opened: disks are unmounted, folders moved away.

A database file that was deleted takes what is written to it without a word as long as it is open, and a missing folder
is quickly made anew. So what has been opened is remembered, and asked about before anything is acknowledged.
"""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from core.errors import DataFolderGoneError

_known: dict[Path, tuple[int, int]] = {}
_guard = Lock()


def remember(path: Path) -> None:
    """Take a folder or file as it is now for the one that has to stay; nothing happens where there is none."""
    found = _identity(path)
    if found is not None:
        with _guard:
            _known[path] = found


def require_there(path: Path) -> None:
    """Refuse to go on when what was remembered has gone, or is another one. Takes some microseconds.

    Raises
    ------
    DataFolderGoneError
        Naming it. What was never remembered is not asked about.
    """
    expected = _known.get(path)
    if expected is None:
        return
    found = _identity(path)
    if found == expected:
        return
    what = "is missing" if found is None else "was replaced after the server started"
    raise DataFolderGoneError(
        f"{path} {what}: new data would be lost.",
        "Restore the disk or folder. If it was replaced on purpose, restart Cristae.",
    )


def mark_of(path: Path) -> str:
    """A text that tells this folder from another one of its name, for a process that is started to work in it."""
    return ":".join(map(str, _identity(path) or ()))


def _identity(path: Path) -> tuple[int, int] | None:
    """Device and number of a file; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
