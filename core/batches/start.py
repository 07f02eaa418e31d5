"""Beginning a batch: files that arrive one by one, or images that are there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.access.roles import Permission, require_within
from core.batches.followers import queue_predictions, segmented
from core.batches.plan import SegmentPlan
from core.batches.rows import is_batch_id, new_batch_id, require_batch_author
from core.batches.target import first_project
from core.errors import JobError
from core.jobs.kinds import IngestParams
from core.jobs.rows import Priority, new_job
from core.models.store import ModelStore
from core.store.batches import add_batch_within, batch_within, find_batch_within
from core.store.database import Transaction
from core.store.images import images_within
from core.store.jobs import add_jobs_within
from core.store.projects import project_within
from core.store.records import BatchRecord, JobRecord
from core.store.store import Store

MAX_FILES: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """A file to be read and segmented.

    Parameters
    ----------
    name
        What people call it.
    upload_id
        A file from a browser.
    path
        A file on the server, where ``upload_id`` is empty.
    pixel_size_nm
        Instead of what the file says; None: what it says.
    """

    name: str
    upload_id: str = ""
    path: Path | None = None
    pixel_size_nm: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagesToDo:
    """Images that were chosen for a model.

    Parameters
    ----------
    to_do, done
        Ids: those that it has not segmented as they are now, and those that it has.
    unsized
        Those of both that have no pixel size.
    """

    to_do: tuple[str, ...]
    done: tuple[str, ...]
    unsized: tuple[str, ...]


def add_file(
    store: Store, batch_id: str, project_id: str, plan: SegmentPlan, file: NewFile, *, files: int, by: str
) -> JobRecord:
    """Queue the reading of a file; its images are segmented once it is read, whoever is still there.

    Parameters
    ----------
    batch_id
        Chosen by who asks, one for all files of a drop; the first file to arrive begins the batch.
    project_id
        Where the images go; empty: `core.batches.target.first_project`.
    files
        How many the drop has.
    by
        Who asks.

    Raises
    ------
    AccessError
        ``by`` may not add images to the project, or has none where none is named.
    NotFoundError
        There is no such project or model, or the batch is somebody else's.
    JobError
        The batch was cancelled, or its id cannot be one.
    """
    if not is_batch_id(batch_id):
        raise JobError(f"{batch_id[:40]!r} is not a valid batch id.", "Reload the page and drop the files again.")
    model = ModelStore(store.settings.models_dir).get(plan.model_id)
    project_id = project_id or first_project(store, model.scheme, by=by).id
    params = IngestParams(
        project_id=project_id,
        name=file.name,
        then=plan.to_json(),
        upload_id=file.upload_id,
        path="" if file.upload_id else str(file.path),
        assumed_nm=plan.assumed_nm,
        pixel_size_nm=file.pixel_size_nm,
    )
    with store.database.writing() as session:
        project_within(session, project_id)
        require_within(session, store.settings, project_id, by, Permission.ADD_IMAGES)
        asked = _begun(session, batch_id, project_id, plan, min(max(files, 1), MAX_FILES), by)
        if asked.cancelled_at is not None:
            raise JobError("This drop was cancelled.", "Drop the file again.")
        priority = Priority.INTERACTIVE if asked.files == 1 else Priority.NORMAL
        reading = new_job(params, author=by, priority=priority, batch_id=batch_id)
        add_jobs_within(session, [reading])
        return reading


def images_to_do(store: Store, image_ids: Collection[str], model_id: str) -> ImagesToDo:
    """Which of the images a model has segmented as they are now; those that are gone are in neither."""
    wanted = list(dict.fromkeys(image_ids))
    with store.database.reading() as session:
        images = images_within(session, wanted)
        done = segmented(session, images.values(), model_id)
        unsized = {image.id for image in images.values() if image.pixel_size.nm is None}
    there = [image_id for image_id in wanted if image_id in images]
    return ImagesToDo(
        to_do=tuple(image_id for image_id in there if image_id not in done),
        done=tuple(image_id for image_id in there if image_id in done),
        unsized=tuple(image_id for image_id in there if image_id in unsized),
    )


def segment_images(store: Store, image_ids: Sequence[str], plan: SegmentPlan, *, by: str) -> BatchRecord:
    """Queue predictions of images as one batch.

    Raises
    ------
    AccessError
        ``by`` may not paint in one of their projects; nothing is queued then.
    JobError
        None of the images is there.
    NotFoundError
        There is no such model.
    """
    ModelStore(store.settings.models_dir).get(plan.model_id)
    ids = list(dict.fromkeys(image_ids))
    batch_id = new_batch_id()
    with store.database.writing() as session:
        images = images_within(session, ids)
        if not images:
            raise JobError("No images are selected, or the selected images were deleted.", "Select images first.")
        projects = sorted({image.project_id for image in images.values()})
        for project_id in projects:
            require_within(session, store.settings, project_id, by, Permission.PAINT)
        _begun(session, batch_id, projects[0] if len(projects) == 1 else None, plan, 0, by)
        queue_predictions(session, store, ids, plan, author=by, priority=Priority.BATCH, batch_id=batch_id)
        return batch_within(session, batch_id)


def _begun(
    session: Transaction, batch_id: str, project_id: str | None, plan: SegmentPlan, files: int, by: str
) -> BatchRecord:
    """The batch, begun now if it is new."""
    asked = find_batch_within(session, batch_id)
    if asked is None:
        return add_batch_within(
            session, batch_id, author=by, project_id=project_id, model_id=plan.model_id, files=files
        )
    require_batch_author(asked, by)
    return asked
