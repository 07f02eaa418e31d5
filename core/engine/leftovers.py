"""Files that came for a job, or were made for a download, and that nobody will ask for any more."""

from __future__ import annotations

from typing import Final

from core.catalogue.work import sweep_fetched
from core.exports.kept import clean_exports
from core.jobs.kinds import JobKind, subjects_of
from core.jobs.rows import jobs
from core.jobs.transitions import age_s
from core.store.import_batch import clean_batches
from core.store.records import JobRecord, JobState
from core.store.store import Store
from core.store.uploads import clean_leftovers

RETRY_S: Final = 7 * 24 * 3600
"""The files of a job that failed or was cancelled stay for so long after it ended: it may be asked for again."""


def sweep_leftovers(store: Store) -> int:
    """Delete old uploads, batches, downloads and exports, except what a job still needs or may be retried with.

    Returns
    -------
    int
        Files, batches and exports deleted.
    """
    rows = jobs(states=set(JobState) - {JobState.SUCCEEDED}, limit=None, store=store)
    needed = [subjects_of(row) for row in rows if _needed(row)]
    settings = store.settings
    exports = {row.id: row for row in jobs(kinds=[JobKind.EXPORT], limit=None, store=store)}
    return (
        clean_leftovers(settings, keep={about.upload_id for about in needed if about.upload_id})
        + clean_batches(settings, keep={about.import_batch_id for about in needed if about.import_batch_id})
        + clean_exports(settings, exports)
        + sweep_fetched(store, keep_failed_s=RETRY_S)
    )


def _needed(row: JobRecord) -> bool:
    """Whether it is going to read its files, or may do so when somebody asks for it again."""
    over = row.state in (JobState.FAILED, JobState.CANCELLED)
    return not over or age_s(row.finished_at) < RETRY_S
