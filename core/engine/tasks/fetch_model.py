"""``fetch_model``: fetch the files of a catalogue entry, or find them in a folder, and take the models in.

What has come stays in the folder of the job until it ends: after a cut, a pause or a kill the job goes on from there.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from pydantic import ValidationError

from core.catalogue.entry import Entry
from core.catalogue.fetching import Acceptance, fetch_files, find_files, make_models, require_fetching
from core.catalogue.work import fetch_folder
from core.engine.context import JobContext
from core.errors import JobCancelledError, JobError, JobPausedError
from core.jobs.fetch_jobs import LeftOut
from core.jobs.kinds import FetchModelParams, FetchModelResult
from core.jobs.rights import require_fence
from core.learning.start import coming_ids
from core.models.store import ModelStore
from core.store.records import JobControl


def run(context: JobContext[FetchModelParams]) -> FetchModelResult:
    """Fetch, check, import.

    Raises
    ------
    FetchError, CatalogueError, ModelError
        The files cannot be fetched or found, or hold no model that can be used.
    StorageFullError
        The disk is full.
    JobPausedError, JobCancelledError
        Somebody asked for it.
    """
    entry = entry_of(context.params.entry)
    folder = fetch_folder(context.settings, context.id)
    try:
        result = _fetched(context, entry, folder)
    except JobCancelledError as error:
        if context.control is JobControl.PAUSE and not context.cancelled():
            raise JobPausedError("The download was paused.", "Resume it to continue.") from error
        if not context.superseded:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)
    return result


def entry_of(values: object) -> Entry:
    """The entry in a job's row.

    Raises
    ------
    JobError
        It cannot be used.
    """
    try:
        return Entry.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise JobError(
            f"The job's entry cannot be used: {'.'.join(map(str, first['loc']))}: {first['msg']}.", "Start it again."
        ) from error


def _fetched(context: JobContext[FetchModelParams], entry: Entry, folder: Path) -> FetchModelResult:
    params = context.params
    if params.folder:
        given = Path(params.folder).expanduser()
        require_fence(context.settings, params, [given])
        files = find_files(entry, given, context.progress)
        require_fence(context.settings, params, files.values())
    else:
        require_fetching(context.settings)
        files = fetch_files(
            entry,
            folder,
            context.settings,
            context.progress,
            should_stop=lambda: context.cancelled() or context.control is JobControl.PAUSE,
        )
    taken = make_models(
        entry,
        files,
        ModelStore(context.settings.models_dir, coming=coming_ids(context.store)),
        context.settings,
        Acceptance(licence=params.licence, by=params.accepted_by, at=params.accepted_at),
        context.progress,
        project_id=params.project_id,
        fetch_id=context.id,
        brought=bool(params.folder),
    )
    for each in taken.left_out:
        context.log(f"skipped: {each.where}: {each}")
    return FetchModelResult(
        model_ids=tuple(model.id for model in taken.models),
        left_out=tuple(LeftOut(name=each.where, cause=each.cause, remedy=each.remedy) for each in taken.left_out),
    )
