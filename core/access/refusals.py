"""Refused actions in the audit log: who asked for what their role does not allow, and where.

A page that is drawn again and again, or a program that tries every address, is told once in a while and not each time:
lines of the log are never removed, so nobody may fill it.
"""

from __future__ import annotations

import time
from collections import deque
from contextlib import suppress
from threading import Lock
from typing import Final

from core.errors import RoleError, StorageFullError, StoreBusyError
from core.store.audit import note
from core.store.people import person_key
from core.store.store import Store

REFUSED: Final = "refused"
"""What the line says was done."""

AGAIN_S: Final = 600.0
"""The same person, project and permission are told once within this time."""

MOST_AN_HOUR: Final = 200
"""Lines of one server process; names cost nothing where nobody has to sign in."""

_HOUR_S: Final = 3600.0


class _Told:
    """Which refusals this process has told lately."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._lately: deque[tuple[float, tuple[str, str, str, str]]] = deque()

    def is_new(self, key: tuple[str, str, str, str]) -> bool:
        """Whether a refusal is to be told; it counts as told from then on."""
        now_s = time.monotonic()
        with self._lock:
            while self._lately and self._lately[0][0] < now_s - _HOUR_S:
                self._lately.popleft()
            same = any(known == key and told_s > now_s - AGAIN_S for told_s, known in self._lately)
            if same or len(self._lately) >= MOST_AN_HOUR:
                return False
            self._lately.append((now_s, key))
        return True


_TOLD: Final = _Told()


def note_refusal(store: Store, error: RoleError) -> bool:
    """Write a refused action into the log of its project, unless that was done a moment ago.

    Nothing is raised where the database is locked or the disk is full: the refusal itself is what counts.

    Returns
    -------
    bool
        Whether a line was written.
    """
    key = (str(store.settings.data_dir), error.project_id, person_key(error.person), error.permission)
    if not _TOLD.is_new(key):
        return False
    with suppress(StoreBusyError, StorageFullError), store.database.writing() as session:
        note(session, error.person, REFUSED, error.project_id, error.project_id, permission=error.permission)
        return True
    return False
