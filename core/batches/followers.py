"""What follows by itself: predictions of images that have just been read, and those whose question was answered.

A prediction is queued in the transaction in which the file's job succeeds. Whatever ends between the two (the tab, the
server, the engine), there are both or neither, and each once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from core.batches.plan import SegmentPlan, UnknownSize
from core.errors import CristaeError
from core.jobs.kinds import IngestParams, IngestResult, JobKind
from core.jobs.rows import Priority, new_job, stop_within
from core.jobs.states import ACTIVE
from core.jobs.transitions import move
from core.models.store import ModelStore
from core.predictions.shown import made_at_nm
from core.store.batches import count_already_within
from core.store.database import Transaction
from core.store.image_revisions import prediction_details_within
from core.store.images import images_within
from core.store.jobs import JobQuery, add_jobs_within, jobs_within
from core.store.records import ImageRecord, JobRecord, JobState
from core.store.store import Store

SIZE_QUESTION: Final = "Waiting for the pixel size of the image"
"""Message of a held prediction."""


def queue_followers(session: Transaction, store: Store, row: JobRecord) -> None:
    """Queue the predictions that an ``ingest`` job is to be followed by (``then`` in its parameters).

    Predictions of images that the file gave a pixel size are stopped first, also where none is to follow.
    """
    result = IngestResult.from_json(row.result)
    _stop_outdated(session, result.sized)
    then = IngestParams.from_json(row.params).then
    if not then:
        return
    plan = SegmentPlan.from_json(then)
    image_ids = list(result.image_ids)
    queue_predictions(session, store, image_ids, plan, author=row.author, priority=row.priority, batch_id=row.batch_id)


def queue_predictions(
    session: Transaction,
    store: Store,
    image_ids: Sequence[str],
    plan: SegmentPlan,
    *,
    author: str,
    priority: int,
    batch_id: str | None,
) -> list[JobRecord]:
    """Queue a prediction of each image that is neither segmented nor about to be.

    Parameters
    ----------
    session
        A writing transaction.
    image_ids
        In the order in which they shall be segmented.
    priority
        Of the first one; the others wait behind what people wait for.
    batch_id
        The batch; it counts the images that are left alone.
    """
    under_way = _under_way(session, plan.model_id)
    asks = plan.unknown_size is UnknownSize.ASK and _needs_size(store, plan.model_id)
    wanted = list(dict.fromkeys(image_ids))
    images = images_within(session, wanted)
    done = set() if plan.again else segmented(session, images.values(), plan.model_id)
    rows: list[JobRecord] = []
    for image_id in wanted:
        if image_id not in images or image_id in under_way or image_id in done:
            continue
        rows.append(
            new_job(
                plan.prediction(image_id),
                author=author,
                priority=priority if not rows else min(priority, Priority.BATCH),
                batch_id=batch_id,
                held=SIZE_QUESTION if asks and images[image_id].pixel_size.nm is None else "",
            )
        )
    add_jobs_within(session, rows)
    left_alone = len(wanted) - len(rows)
    if batch_id and left_alone:
        count_already_within(session, batch_id, left_alone)
    return rows


def segmented(session: Transaction, images: Iterable[ImageRecord], model_id: str) -> set[str]:
    """Ids of the images that a model has segmented with the pixel size that they have now."""
    sizes = {image.id: image.pixel_size.nm for image in images}
    predictions = prediction_details_within(session, sizes, model_id)
    return {image_id for image_id, details in predictions if made_at_nm(details) == sizes[image_id]}


def release_answered(store: Store) -> int:
    """Queue held predictions whose image has a pixel size by now; cancel those whose image has gone.

    The engine calls it all the time, so it does not matter who answers or where. Returns how many were changed.
    """
    answered = [(job_id, image is None) for job_id, image in store.jobs.held() if image is None or image.pixel_size.nm]
    if not answered:
        return 0
    with store.database.writing() as session:
        return sum(
            move(session, job_id, JobState.CANCELLED, message="Cancelled: its image was deleted.")
            if gone
            else move(session, job_id, JobState.QUEUED)
            for job_id, gone in answered
        )


def _needs_size(store: Store, model_id: str) -> bool:
    """Whether the model knows its own scale; one that has gone says so when it is used."""
    try:
        return ModelStore(store.settings.models_dir).get(model_id).pixel_size_nm is not None
    except CristaeError:
        return False


def _under_way(session: Transaction, model_id: str) -> set[str]:
    """Images that the model is segmenting, or is about to."""
    active = jobs_within(session, JobQuery(states=ACTIVE, kinds=[JobKind.PREDICT], model_id=model_id))
    return {job.image_id for job in active if job.image_id and not job.cancel_requested}


def _stop_outdated(session: Transaction, image_ids: Collection[str]) -> None:
    """Stop predictions of images whose pixel size has just become known: they would be wrong."""
    if not image_ids:
        return
    under_way = JobQuery(states={JobState.QUEUED, JobState.RUNNING}, kinds=[JobKind.PREDICT])
    for job in jobs_within(session, under_way):
        if job.image_id in image_ids:
            if job.state is JobState.RUNNING:
                stop_within(session, job.id)
            else:
                move(session, job.id, JobState.CANCELLED, message="Cancelled: the pixel size has changed.")
