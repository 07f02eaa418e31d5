"""Files that export jobs have made: kept for a while in the data folder, one folder a job, then cleaned away."""

from __future__ import annotations

import logging
import re
import shutil
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from core.errors import NotFoundError
from core.jobs.kinds import ExportResult, JobKind
from core.settings import Settings
from core.store.records import JobRecord, JobState
from core.store.store import Store

logger = logging.getLogger(__name__)

KIND: Final = JobKind.EXPORT
"""Of the jobs."""

_ID: Final = re.compile(r"[0-9a-f]{16,32}")


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file to take away.

    Parameters
    ----------
    path
        Where it is.
    name
        As it arrives.
    media_type
        For the browser.
    """

    path: Path
    name: str
    media_type: str


def exports_dir(settings: Settings) -> Path:
    """Where the files are."""
    return settings.data_dir / "exports"


def export_folder(settings: Settings, job_id: str) -> Path:
    """The folder of a job's file.

    Raises
    ------
    NotFoundError
        The id cannot be one.
    """
    if not _ID.fullmatch(job_id):
        raise NotFoundError(f"There is no export {job_id[:40]!r}.", "Export again.")
    return exports_dir(settings) / job_id


def kept_file(store: Store, row: JobRecord) -> KeptFile:
    """The file that an export job has made.

    Raises
    ------
    NotFoundError
        It is no export, it has not finished, or its file is kept no longer.
    """
    result = ExportResult.of(row)
    name = result.file
    if row.kind != KIND or row.state is not JobState.SUCCEEDED or not name:
        raise NotFoundError(f"The export {row.id} has no file yet.", "Wait until it has finished, or export again.")
    path = export_folder(store.settings, row.id) / name
    if Path(name).name != name or not path.is_file():
        hours = store.settings.export_hours
        raise NotFoundError(f"{name} has expired; exports are kept for {hours:g} hours.", "Export again.")
    return KeptFile(path, name, result.media_type)


def is_kept(store: Store, row: JobRecord) -> bool:
    """Whether an export job's file can be downloaded."""
    try:
        kept_file(store, row)
    except NotFoundError:
        return False
    return True


def clean_exports(settings: Settings, rows: dict[str, JobRecord]) -> int:
    """Delete the files of exports that ended too long ago. The engine calls it.

    Parameters
    ----------
    settings
        They say how long files are kept.
    rows
        All export jobs by id.

    Returns
    -------
    int
        Folders deleted.
    """
    folder = exports_dir(settings)
    if not folder.is_dir():
        return 0
    deleted = 0
    for path in folder.iterdir():
        if _needed(path, rows.get(path.name), timedelta(hours=settings.export_hours)):
            continue
        shutil.rmtree(path, ignore_errors=True)
        if path.exists():
            logger.warning("export %s stays: it cannot be deleted", path.name)
        else:
            deleted += 1
    return deleted


def _needed(path: Path, row: JobRecord | None, kept: timedelta) -> bool:
    """Whether the job is under way, or its file may still be asked for."""
    if row is not None and not row.finished:
        return True
    if row is not None and row.state in (JobState.FAILED, JobState.CANCELLED):
        return False
    try:
        return time.time() - path.stat().st_mtime < kept.total_seconds()
    except OSError:  # gone meanwhile
        return True
