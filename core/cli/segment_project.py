"""``segment --project``: micrographs queued for the engine, as if they were dropped on the Segment page."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from core.batches.plan import SegmentPlan
from core.batches.rows import BatchProgress, batch_progress, new_batch_id
from core.batches.start import MAX_FILES, NewFile, add_file
from core.batches.target import FIRST_PROJECT, first_project, makes_first_project
from core.cli.console import done, notice, progress_bar
from core.cli.results import find_project
from core.curation.pixel_size_change import outdated_words
from core.engine.engine import ensure_engine
from core.errors import ImageError, JobError, ModelError
from core.imaging.guarded_micrograph import open_guarded
from core.imaging.image_content import content_hash
from core.jobs.history import subjects
from core.jobs.kinds import IngestResult
from core.jobs.rows import jobs
from core.learning.current_model import proposed_model
from core.models.store import ModelStore
from core.store.records import JobRecord
from core.store.store import Store, current_store

_POLL_S: Final = 0.5


def segment_into(
    project_name: str,
    files: Sequence[Path],
    *,
    model_id: str,
    pixel_size_nm: float | None,
    step: float,
    mirroring: bool,
    who: str,
    wait: bool,
) -> None:
    """Queue files: each is read into the project and segmented; the command need not stay.

    Raises
    ------
    ImageError
        A file is not there; nothing is queued then.
    JobError
        With ``wait``: something failed.
    ModelError, NotFoundError, AccessError
        There is no such model or project, or ``who`` may not add images to it.
    """
    missing = [path for path in files if not path.is_file()]
    if missing:
        raise ImageError(f"There is no file {missing[0]}.", "Check the path; nothing was queued.")
    store = current_store()
    models = ModelStore(store.settings.models_dir)
    makes = project_name == FIRST_PROJECT and makes_first_project(store, who)
    known = None if makes else find_project(store, project_name)
    model = models.get(model_id) if model_id else proposed_model(store, models, known.id if known else None)
    if model is None:
        raise ModelError(f"There is no model in {models.models_dir}.", "Train one, or import one.")
    project = known or first_project(store, model.scheme, by=who)
    _tell_what_becomes_outdated(store, project.id, files, pixel_size_nm)
    plan = SegmentPlan(model_id=model.id, step=step, mirroring=mirroring)
    batch_id = new_batch_id()
    for path in files:
        file = NewFile(name=path.name, path=path.resolve(), pixel_size_nm=pixel_size_nm)
        add_file(store, batch_id, project.id, plan, file, files=len(files), by=who)
    ensure_engine(store.settings)
    done(f"{len(files)} file(s) queued for {project.name} with {model.card.name}: batch {batch_id}")
    if wait:
        _wait(store, batch_id)


def _tell_what_becomes_outdated(
    store: Store, project_id: str, files: Sequence[Path], pixel_size_nm: float | None
) -> None:
    """Say of images that the project holds without a pixel size which label maps one of these files makes outdated."""
    unsized = {image.content_hash: image for image in store.images.all(project_id) if image.pixel_size.nm is None}
    for path in files if unsized else ():
        try:
            with open_guarded(path, max_px=store.settings.max_image_px) as file:
                for page in range(file.pages):
                    content = file.read(page)
                    stack = file.name if file.pages > 1 else ""
                    image = unsized.get(content_hash(content, stack, page if stack else None))
                    nm = pixel_size_nm or content.pixel_size.nm
                    words = outdated_words(store, image, nm) if image is not None and nm else ""
                    if image is not None and words:
                        notice(
                            f"{path.name}: {image.name} already exists without a pixel size, which is set to "
                            f"{nm:.4g} nm. {words}"
                        )
        except ImageError:  # its job says what is wrong with it
            continue


def _wait(store: Store, batch_id: str) -> None:
    """Until nothing runs or waits any more."""
    with progress_bar("segmenting") as show:
        progress = batch_progress(store, batch_id)
        while progress.under_way:
            show(progress.fraction, f"{progress.segmented} of {progress.images} segmented")
            time.sleep(_POLL_S)
            progress = batch_progress(store, batch_id)
    _tell(store, progress)


def _tell_of_known(store: Store, job: JobRecord) -> None:
    """What a file has changed about an image that the project held before, and what becomes outdated by it."""
    name, result = job.title, IngestResult.of(job)
    for image_id in result.sized:
        image = store.images.get(image_id)
        outdated = result.outdated.get(image_id, "")
        notice(
            f"{name}: {image.name} already exists without a pixel size, which was set to {image.pixel_size.nm:.4g} nm."
        )
        if outdated:
            notice(f"{name}: {outdated}")
    for image_id, nm in result.sizes_nm.items():
        image = store.images.get(image_id)
        kept = f"{image.pixel_size.nm:.4g} nm" if image.pixel_size.nm else "no pixel size"
        notice(f"{name}: {image.name} already exists with {kept} per pixel, which is kept; {nm:.4g} nm was not taken.")


def _tell(store: Store, progress: BatchProgress) -> None:
    """How it ended."""
    done(f"{progress.segmented} of {progress.images} image(s) segmented")
    for job in jobs(kinds=["ingest"], batch_id=progress.batch.id, limit=MAX_FILES):
        _tell_of_known(store, job)
    if progress.held:
        notice(
            f"{len(progress.held)} image(s) without a pixel size are waiting: enter it on the Segment page, or use "
            "--pixel-size."
        )
    names = subjects(store, progress.failed)
    for job in progress.failed:
        notice(f"{names[job.id]}: {job.error_cause} {job.error_remedy}")
    if progress.failed:
        raise JobError(f"{len(progress.failed)} job(s) failed.", "See the reasons above.")
