"""What trainings keep on disk until they end, and throwing it away once nobody can go on with it. No torch."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from core.errors import CristaeError
from core.jobs.kinds import JobKind
from core.jobs.rows import jobs
from core.learning.start import training_folder
from core.models import stored_model
from core.models.card import check_id
from core.store.records import JobRecord, JobState
from core.store.store import Store
from core.training.train import LOCK_FILE

logger = logging.getLogger(__name__)

OVER: Final = frozenset({JobState.CANCELLED, JobState.SUCCEEDED})
"""In these states nothing is gone on with; an interrupted or failed training keeps its work for a retry."""


def work_folder(store: Store, row: JobRecord) -> Path | None:
    """Where a training keeps its checkpoints; None where its parameters name no model."""
    try:
        return stored_model.work_folder(store.settings.models_dir / check_id(row.model_id or ""))
    except CristaeError:
        return None


def discard_work(store: Store, row: JobRecord) -> bool:
    """Remove a training's dataset and checkpoints; its curves and notices stay.

    Returns
    -------
    bool
        False where a training process still works there, or another training of that name waits to go on: its work
        was left alone then.
    """
    shutil.rmtree(training_folder(store, row.id) / "dataset", ignore_errors=True)
    work = work_folder(store, row)
    if work is None or not work.is_dir():
        return True
    kept = jobs(kinds=(JobKind.TRAIN,), states=set(JobState) - OVER, limit=None, store=store)
    if any(other.id != row.id and work_folder(store, other) == work for other in kept):
        return False
    lock = FileLock(work / LOCK_FILE)
    try:
        with lock.acquire(timeout=0):
            for path in work.iterdir():
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                elif path.name != LOCK_FILE:
                    path.unlink(missing_ok=True)
    except Timeout:
        return False
    except OSError as error:
        logger.warning("work of training %s: %s", row.id, error)
        return False
    shutil.rmtree(work, ignore_errors=True)
    return True


def sweep_work(store: Store) -> int:
    """Remove what trainings have left that ended while nobody could clean up; how many had left something."""
    over = jobs(kinds=(JobKind.TRAIN,), states=OVER, limit=None, store=store)
    return sum(discard_work(store, row) for row in over if _has_left(store, row))


def _has_left(store: Store, row: JobRecord) -> bool:
    work = work_folder(store, row)
    return (training_folder(store, row.id) / "dataset").exists() or (work is not None and work.exists())
