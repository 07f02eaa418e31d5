"""What fetches keep on disk until they end."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Final

from core.jobs.kinds import JobKind
from core.jobs.rows import jobs
from core.jobs.transitions import age_s
from core.learning.work import OVER
from core.settings import Settings
from core.store.records import JobRecord, JobState
from core.store.store import Store

FOLDER: Final = "fetched"

_COMMAND: Final = "command-"
"""Begins the names of folders that belong to no job."""


def fetch_folder(settings: Settings, job_id: str) -> Path:
    """Where a fetch keeps what has come so far."""
    return settings.data_dir / FOLDER / job_id


def command_folder(settings: Settings, entry_id: str) -> Path:
    """Where a fetch on the command line keeps what has come so far, so that the same command continues it."""
    return settings.data_dir / FOLDER / f"{_COMMAND}{entry_id}"


def discard_work(store: Store, row: JobRecord) -> None:
    """Throw away what a fetch has kept."""
    shutil.rmtree(fetch_folder(store.settings, row.id), ignore_errors=True)


def sweep_fetched(store: Store, *, keep_failed_s: float) -> int:
    """Remove what fetches have left that nobody will go on with; how many.

    Parameters
    ----------
    keep_failed_s
        So long after it ended a failed fetch may be asked for again.
    """
    folder = store.settings.data_dir / FOLDER
    there = [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    rows = {row.id: row for row in jobs(kinds=[JobKind.FETCH_MODEL], limit=None, store=store)} if there else {}
    gone = [path for path in there if _is_left(path, rows.get(path.name), keep_failed_s)]
    for path in gone:
        shutil.rmtree(path, ignore_errors=True)
    return len(gone)


def _is_left(path: Path, row: JobRecord | None, keep_failed_s: float) -> bool:
    if path.name.startswith(_COMMAND):
        return time.time() - max(each.stat().st_mtime for each in (path, *path.iterdir())) > keep_failed_s
    if row is None or row.state in OVER:
        return True
    return row.state is JobState.FAILED and age_s(row.finished_at) >= keep_failed_s
