"""Who is writing which folder: a lock per id, let go by the operating system when its process dies.

A folder without a finished row is a leftover only if nobody holds its id; so cleaning may happen at any time, in any
process, beside writers.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from core.files import explained_os_errors


class Holds:
    """The ids that this process is writing.

    Parameters
    ----------
    folder
        Where the lock files are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, FileLock] = {}
        self._guard = threading.Lock()

    def take(self, key: str) -> bool:
        """Hold ``key``; False when this or another process holds it.

        Raises
        ------
        StorageFullError
            The folder cannot be written.
        """
        with self._guard:
            if key in self._held:
                return False
            lock = FileLock(self._folder / f"{key}.lock", timeout=0, thread_local=False)
            try:
                with explained_os_errors(self._folder / f"{key}.lock"):
                    self._folder.mkdir(parents=True, exist_ok=True)
                    lock.acquire()
            except Timeout:
                return False
            self._held[key] = lock
            return True

    def release(self, key: str) -> None:
        """Let go of ``key``; nothing happens when it is not held."""
        with self._guard:
            lock = self._held.pop(key, None)
        if lock is not None:
            path = Path(lock.lock_file)
            with suppress(OSError):
                path.unlink()
            lock.release()
            with suppress(OSError):  # where an open file cannot be unlinked (Windows)
                path.unlink()

    @contextmanager
    def holding(self, key: str) -> Iterator[bool]:
        """Hold ``key`` for a block; the value says whether that worked."""
        took = self.take(key)
        try:
            yield took
        finally:
            if took:
                self.release(key)

    def close(self) -> None:
        """Let go of everything."""
        for key in list(self._held):
            self.release(key)
