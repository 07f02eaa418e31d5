"""Waiting for jobs of the engine."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from core.cli.console import ProgressCallback
from core.jobs.rows import job
from core.store.records import JobRecord

_POLL_S: Final = 0.3


def wait_for_jobs(job_ids: Sequence[str], progress: ProgressCallback) -> list[JobRecord]:
    """Until all have ended; as they ended.

    Parameters
    ----------
    job_ids
        One or more.
    progress
        Told how far they are together.
    """
    while True:
        rows = [job(job_id) for job_id in job_ids]
        progress(sum(1.0 if row.finished else row.progress for row in rows) / len(rows))
        if all(row.finished for row in rows):
            return rows
        time.sleep(_POLL_S)
