"""``train``: a model from reference labels.

Params: see `core.learning.start.start_training`, which alone asks for such jobs. Result: ``model_id``, ``epochs``,
``iterations``, ``seconds``, ``waiting_s``, ``mean_dice``, ``verdict`` (`core.training.verdict`). Goes on from its last
finished epoch after an interruption or a pause.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Final

from core.engine.context import JobContext
from core.errors import JobCancelledError, JobPausedError, StoreError
from core.files import require_free_space
from core.jobs.kinds import TrainParams, TrainResult
from core.jobs.rows import job
from core.jobs.transitions import forgive
from core.learning.progress import TrainingRecord
from core.learning.snapshot import SNAPSHOT_FILE, Snapshot, write_snapshot
from core.learning.start import training_folder, training_request
from core.learning.work import discard_work
from core.models.store import StoredModel, open_model
from core.store.records import JobControl
from core.training.presets import PRESETS
from core.training.request import TrainingProgress, TrainRequest
from core.training.train import finish, train
from core.training.verdict import verdict_of

READING_SHARE: Final = 0.02
"""Of the progress, for reading the images."""

DATASET_BYTES_PER_PX: Final = 5
"""Free space asked for: image and labels, before compression."""

WORK_BYTES_PER_PX: Final = 8
"""float32 cases with their labels, brought to one pixel size."""

CHECKPOINT_BYTES: Final = 400_000_000
"""Two checkpoints and the model, of a network for a processor."""

LARGE_CHECKPOINT_BYTES: Final = 4_000_000_000
"""The same of a network for a graphics card: up to 100 million weights, each kept four times over."""


def run(context: JobContext[TrainParams]) -> TrainResult:
    """Train to the end, or as far as somebody wants.

    Raises
    ------
    JobCancelledError
        Somebody asked for the job to stop; what was learned is thrown away.
    JobPausedError
        Somebody wants to go on later.
    CristaeError
        The images, the parent or the disk: see the message; what was learned is kept for a retry.
    """
    params = context.params
    snapshot = Snapshot.from_json(dict(params.snapshot))
    request = training_request(context.store, context.id, params)
    folder = training_folder(context.store, context.id)
    made = _already_made(request, snapshot)
    if made is None:
        record = TrainingRecord(folder)
        record.begin(anew=not request.work.exists())
        try:
            made = _train(context, request, snapshot, record)
        except JobCancelledError as error:
            if context.control is JobControl.PAUSE and not context.cancelled():
                raise JobPausedError("The training was paused.", "Resume it to continue.") from error
            if not context.superseded:
                discard_work(context.store, job(context.id, store=context.store))
            raise
    shutil.rmtree(folder / "dataset", ignore_errors=True)
    summary = made.card.training
    mean = made.card.metrics.get("mean_dice")
    seconds = round(60 * summary.minutes, 1)
    return TrainResult(
        model_id=made.id,
        epochs=summary.epochs,
        iterations=summary.iterations,
        seconds=seconds,
        waiting_s=summary.waiting_s,
        mean_dice=mean,
        verdict=verdict_of(made.card).value,
    )


def _train(
    context: JobContext[TrainParams], request: TrainRequest, snapshot: Snapshot, record: TrainingRecord
) -> StoredModel:
    """Dataset, then training, in whatever state an earlier attempt left them."""

    def stopping() -> bool:
        return context.cancelled() or context.control is JobControl.PAUSE

    _require_space(context, request, snapshot)
    write_snapshot(
        context.store,
        snapshot,
        request.dataset,
        on_progress=lambda part, message: context.progress(READING_SHARE * part, message),
        should_cancel=stopping,
    )
    forgiven = False

    def show(progress: TrainingProgress) -> None:
        nonlocal forgiven
        if progress.notice and record.add_notice(progress.notice):
            context.log(progress.notice)
        if progress.epoch is not None:
            record.add_epoch(progress.epoch)
            context.log(progress.message)
            record.keep_preview(request.work)
            if not forgiven:  # progress was made: a machine that is switched off overnight is no failed attempt
                forgiven = _forgive(context)
        if progress.message:
            part = READING_SHARE + (1 - READING_SHARE) * progress.fraction
            context.progress(part, progress.message, progress.eta_s)

    def should_stop() -> bool:
        if context.control is JobControl.FINISH:
            finish(request)
        return stopping()

    return train(replace(request, resume=True), on_progress=show, should_cancel=should_stop)


def _forgive(context: JobContext[TrainParams]) -> bool:
    """Whether that could be written; a database that is locked for a while ends no training."""
    try:
        return forgive(context.store, context.id, context.attempt)
    except StoreError as error:
        context.log(f"after this epoch: {error}")
        return False


def _require_space(context: JobContext[TrainParams], request: TrainRequest, snapshot: Snapshot) -> None:
    """Refuse to begin what would fill a disk; what an earlier attempt has written counts as still to come."""
    shapes = [context.store.images.get(case.image_id).shape_yx for case in snapshot.cases]
    pixels = sum(rows * columns for rows, columns in shapes)
    checkpoints = LARGE_CHECKPOINT_BYTES if PRESETS[request.preset].needs_gpu else CHECKPOINT_BYTES
    context.store.require_free_space(pixels * DATASET_BYTES_PER_PX)
    models_dir = context.settings.models_dir
    models_dir.mkdir(parents=True, exist_ok=True)
    coming = pixels * WORK_BYTES_PER_PX + checkpoints
    require_free_space(models_dir, coming, keep_bytes=context.settings.min_free_bytes)


def _already_made(request: TrainRequest, snapshot: Snapshot) -> StoredModel | None:
    """The finished model, where an earlier attempt ended between making it and saying so."""
    path: Path = request.out / SNAPSHOT_FILE
    if not path.is_file() or Snapshot.from_json(json.loads(path.read_text(encoding="utf-8"))) != snapshot:
        return None
    shutil.rmtree(request.work, ignore_errors=True)
    return open_model(request.out)
