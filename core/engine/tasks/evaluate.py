"""``evaluate``: score a model, or predictions of another program, on the images of an evaluation.

Params: ``evaluation_id`` (begun by `core.evaluations.start`), and for lists of jobs ``project_id``, ``model_id``,
``name``. Result: ``evaluation_id`` (at once), ``scored``, ``images``; ``continued_by`` where the job made way for a
person who waits for a prediction.

Images are predicted where there is no such prediction yet, and scored one by one. Each one's scores are kept at once:
a job that was cut off goes on with those that have none. An image that cannot be scored says why and leaves the
evaluation partial; what would fail for every image ends the job.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from core.engine.context import ETA_FROM, JobContext
from core.engine.tasks.predict import predict_image
from core.errors import CristaeError, JobCancelledError, JobError, ModelError, NotFoundError, StorageFullError
from core.evaluation.settings import EvaluationSettings
from core.evaluations.scoring import score_stored_image, stored_result
from core.evaluations.start import NO_PREDICTION, NO_REFERENCE
from core.jobs.kinds import TASKS, EvaluateParams, EvaluateResult, PredictParams
from core.jobs.rows import Priority, active_jobs, submit
from core.jobs.task_kind import Resource
from core.models.store import ModelStore
from core.store.records import EvaluationImageRecord, EvaluationRecord, EvaluationState, JobState

PREDICTING: Final = 0.8
"""Share of an image's work that is the prediction, where there is one to make."""


def run(context: JobContext[EvaluateParams]) -> EvaluateResult:
    """Score what has no scores yet.

    Raises
    ------
    NotFoundError
        The evaluation was deleted.
    ModelError
        The model has gone.
    JobError
        None of the images could be scored.
    StorageFullError
        The disk is full; what is scored is kept.
    JobCancelledError
        Somebody asked for the job to stop; what is scored is kept.
    """
    store, evaluation_id = context.store, context.params.evaluation_id
    row = store.evaluations.update(evaluation_id, state=EvaluationState.RUNNING, job_id=context.id)
    context.publish(evaluation_id=evaluation_id)
    try:
        if row.model_id is not None:
            ModelStore(context.settings.models_dir).get(row.model_id)
        if (after := _score_images(context, row)) is not None:
            return EvaluateResult(evaluation_id=evaluation_id, continued_by=after)
        row = store.evaluations.get(evaluation_id)
        if not row.scored_count:
            raise _nothing_scored(context, row)
    except BaseException:
        with suppress(NotFoundError):  # deleted meanwhile: then there is nothing to mark
            store.evaluations.update(evaluation_id, state=EvaluationState.PARTIAL)
        raise
    whole = row.scored_count == row.image_count
    store.evaluations.update(evaluation_id, state=EvaluationState.COMPLETE if whole else EvaluationState.PARTIAL)
    return EvaluateResult(evaluation_id=evaluation_id, scored=row.scored_count, images=row.image_count)


def _score_images(context: JobContext[EvaluateParams], row: EvaluationRecord) -> str | None:
    """Go through the images; the id of the job that goes on where this one makes way for another, else None."""
    left = context.store.evaluations.images(row.id, unscored=True)
    settings = EvaluationSettings.from_json(row.settings)
    began_s = time.monotonic()
    for number, image in enumerate(left):
        if number and row.model_id is not None and _somebody_waits(context):
            after = submit(context.params, author=context.author, priority=Priority.BATCH, store=context.store)
            context.store.evaluations.update(row.id, job_id=after.id)
            return after.id

        _one(context, row, image, settings, _Progress(context, row.image_count, len(left), number, began_s))
    return None


class _Progress:
    """Turns how far one image is into how far the job is; the time left goes by the images of this attempt."""

    def __init__(
        self, context: JobContext[EvaluateParams], images: int, left: int, number: int, began_s: float
    ) -> None:
        self._context = context
        self._images, self._left, self._number = images, left, number
        self._began_s = began_s

    def __call__(self, fraction: float, message: str, eta_s: float | None) -> None:
        worked = self._number + fraction
        before = self._images - self._left
        if worked >= ETA_FROM * self._left:
            eta_s = (time.monotonic() - self._began_s) * (self._left - worked) / worked
        place = f" ({before + self._number + 1} of {self._images})"
        self._context.progress((before + worked) / self._images, message + place, eta_s)


def _one(
    context: JobContext[EvaluateParams],
    row: EvaluationRecord,
    image: EvaluationImageRecord,
    settings: EvaluationSettings,
    progress: Callable[[float, str, float | None], None],
) -> None:
    """Score one image, or say why not; only what no other could survive either is raised."""
    if image.reference_id is None or (image.prediction_id is None and row.model_id is None):
        context.store.evaluations.keep_reason(
            row.id, image.image_id, NO_PREDICTION if image.reference_id else NO_REFERENCE
        )
        return
    try:
        prediction_id = image.prediction_id or _prediction(context, row, image, progress)
        progress(PREDICTING, f"{image.name}: scoring", None)
        result = score_stored_image(
            context.store, image, prediction_id, row.scheme, settings, check=context.check_cancelled
        )
    except (JobCancelledError, StorageFullError, ModelError):
        raise
    except (CristaeError, MemoryError) as error:
        reason = "Out of memory." if isinstance(error, MemoryError) else str(error)
        context.log(f"{image.name}: {reason}")
        context.store.evaluations.keep_reason(row.id, image.image_id, reason)
        return
    kept = stored_result(result, row.scheme)
    context.store.evaluations.keep_scores(row.id, image.image_id, prediction_id=prediction_id, **kept)


def _prediction(
    context: JobContext[EvaluateParams],
    row: EvaluationRecord,
    image: EvaluationImageRecord,
    progress: Callable[[float, str, float | None], None],
) -> str:
    """The model's prediction of an image, made now unless it is there."""

    def predicting(fraction: float, message: str, eta_s: float | None) -> None:
        progress(fraction * PREDICTING, f"{image.name}: {message}", eta_s)

    found = predict_image(context, PredictParams(image_id=image.image_id, model_id=str(row.model_id)), predicting)
    return found.revision_id


def _somebody_waits(context: JobContext[EvaluateParams]) -> bool:
    """Whether a job of higher priority waits for the place where this one runs."""
    return any(
        waiting.state is JobState.QUEUED
        and waiting.priority > Priority.BATCH
        and waiting.kind in TASKS
        and TASKS[waiting.kind].resource is Resource.PREDICT
        for waiting in active_jobs(store=context.store)
    )


def _nothing_scored(context: JobContext[EvaluateParams], row: EvaluationRecord) -> JobError:
    reasons = [image.reason for image in context.store.evaluations.images(row.id) if image.reason]
    cause = reasons[0] if reasons else "The evaluation has no images."
    return JobError(
        f"None of the {row.image_count} images could be scored. {cause}", ("Fix the problem and evaluate again.")
    )
