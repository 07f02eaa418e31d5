"""What follows by itself: predictions of images that have just been read, and those whose question was answered.

A prediction is queued in the transaction in which the file's job succeeds. Whatever ends between the two (the tab, the
server, the engine), there are both or neither, and each once.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.batches.plan import SegmentPlan, UnknownSize
from core.errors import CristaeError
from core.jobs.rows import Priority, new_job
from core.jobs.states import ACTIVE
from core.jobs.transitions import move
from core.segmentation.model_store import ModelStore
from core.store.records import JobState, RevisionKind, RevisionState
from core.store.store import Store
from core.store.tables import BatchRow, ImageRow, JobRow, RevisionRow

SIZE_QUESTION: Final = "Waiting for the pixel size of the image"
"""Message of a held prediction."""


def queue_followers(session: Session, store: Store, row: JobRow) -> None:
    """Queue the predictions that an ``ingest`` job is to be followed by (``then`` in its parameters)."""
    if not row.params.get("then"):
        return
    plan = SegmentPlan.from_json(row.params["then"])
    image_ids = [str(image_id) for image_id in row.result.get("image_ids", [])]
    _stop_outdated(session, row.result.get("sized", []))
    queue_predictions(session, store, image_ids, plan, author=row.author, priority=row.priority, batch_id=row.batch_id)


def queue_predictions(
    session: Session,
    store: Store,
    image_ids: Sequence[str],
    plan: SegmentPlan,
    *,
    author: str,
    priority: int,
    batch_id: str | None,
) -> list[JobRow]:
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
    rows: list[JobRow] = []
    for image_id in dict.fromkeys(image_ids):
        image = session.get(ImageRow, image_id)
        if image is None or image_id in under_way or (not plan.again and is_segmented(session, image, plan.model_id)):
            continue
        rows.append(
            new_job(
                "predict",
                plan.prediction(image_id),
                author=author,
                priority=priority if not rows else min(priority, Priority.BATCH),
                batch_id=batch_id,
                held=SIZE_QUESTION if asks and image.pixel_size_nm is None else "",
            )
        )
    session.add_all(rows)
    left_alone = len(dict.fromkeys(image_ids)) - len(rows)
    if batch_id and left_alone:
        session.execute(update(BatchRow).where(BatchRow.id == batch_id).values(already=BatchRow.already + left_alone))
    return rows


def is_segmented(session: Session, image: ImageRow, model_id: str) -> bool:
    """Whether a model has segmented an image with the pixel size that it has now."""
    made = select(RevisionRow.details).where(
        RevisionRow.image_id == image.id,
        RevisionRow.kind == RevisionKind.PREDICTION.value,
        RevisionRow.model_id == model_id,
        RevisionRow.state == RevisionState.COMPLETE.value,
    )
    return any(
        details.get("summary", {}).get("pixel_size_nm") == image.pixel_size_nm for details in session.scalars(made)
    )


def release_answered(store: Store) -> int:
    """Queue held predictions whose image has a pixel size by now; cancel those whose image has gone.

    The engine calls it all the time, so it does not matter who answers or where. Returns how many were changed.
    """
    held = select(JobRow.id, JobRow.params).where(JobRow.state == JobState.HELD.value)
    with store.database.reading() as session:
        waiting = [
            (job_id, session.get(ImageRow, str(params.get("image_id")))) for job_id, params in session.execute(held)
        ]
        answered = [(job_id, image is None) for job_id, image in waiting if image is None or image.pixel_size_nm]
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


def _under_way(session: Session, model_id: str) -> set[str]:
    """Images that the model is segmenting, or is about to."""
    active = select(JobRow.params).where(
        JobRow.kind == "predict",
        JobRow.state.in_([state.value for state in ACTIVE]),
        JobRow.cancel_requested.is_(False),
    )
    return {str(params.get("image_id")) for params in session.scalars(active) if params.get("model_id") == model_id}


def _stop_outdated(session: Session, image_ids: Collection[str]) -> None:
    """Stop predictions of images whose pixel size has just become known: they would be wrong."""
    if not image_ids:
        return
    active = select(JobRow).where(
        JobRow.kind == "predict", JobRow.state.in_([JobState.QUEUED.value, JobState.RUNNING.value])
    )
    for row in session.scalars(active):
        if row.params.get("image_id") in image_ids:
            if row.state == JobState.RUNNING.value:
                row.cancel_requested, row.message = True, "Cancelling"
            else:
                move(session, row.id, JobState.CANCELLED, message="Cancelled: the pixel size has changed.")
                session.refresh(row)
    session.flush()
