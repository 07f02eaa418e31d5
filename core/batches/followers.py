"""What follows by itself: predictions of images that have just been read, and those whose question was answered.

A prediction is queued in the transaction in which the file's job succeeds. Whatever ends between the two (the tab, the
server, the engine), there are both or neither, and each once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.batches.plan import SegmentPlan, UnknownSize
from core.errors import CristaeError
from core.jobs.kinds import IngestParams, IngestResult, JobKind
from core.jobs.rows import Priority, new_job
from core.jobs.states import ACTIVE
from core.jobs.transitions import move
from core.models.store import ModelStore
from core.predictions.shown import made_at_nm
from core.store.records import JobState, RevisionKind, RevisionState
from core.store.store import Store
from core.store.tables import BatchRow, ImageRow, JobRow, RevisionRow

SIZE_QUESTION: Final = "Waiting for the pixel size of the image"
"""Message of a held prediction."""

_AT_ONCE: Final = 400
"""Ids in one statement."""


def queue_followers(session: Session, store: Store, row: JobRow) -> None:
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
    wanted = list(dict.fromkeys(image_ids))
    images = images_of(session, wanted)
    done = set() if plan.again else segmented(session, images.values(), plan.model_id)
    rows: list[JobRow] = []
    for image_id in wanted:
        if image_id not in images or image_id in under_way or image_id in done:
            continue
        rows.append(
            new_job(
                plan.prediction(image_id),
                author=author,
                priority=priority if not rows else min(priority, Priority.BATCH),
                batch_id=batch_id,
                held=SIZE_QUESTION if asks and images[image_id].pixel_size_nm is None else "",
            )
        )
    session.add_all(rows)
    left_alone = len(wanted) - len(rows)
    if batch_id and left_alone:
        session.execute(update(BatchRow).where(BatchRow.id == batch_id).values(already=BatchRow.already + left_alone))
    return rows


def images_of(session: Session, image_ids: Sequence[str]) -> dict[str, ImageRow]:
    """The images that are there, without the trash, by id."""
    found: dict[str, ImageRow] = {}
    for start in range(0, len(image_ids), _AT_ONCE):
        some = select(ImageRow).where(
            ImageRow.id.in_(image_ids[start : start + _AT_ONCE]), ImageRow.trashed_at.is_(None)
        )
        found |= {row.id: row for row in session.scalars(some)}
    return found


def segmented(session: Session, images: Iterable[ImageRow], model_id: str) -> set[str]:
    """Ids of the images that a model has segmented with the pixel size that they have now."""
    sizes = {image.id: image.pixel_size_nm for image in images}
    ids, found = list(sizes), set()
    for start in range(0, len(ids), _AT_ONCE):
        made = select(RevisionRow.image_id, RevisionRow.details).where(
            RevisionRow.image_id.in_(ids[start : start + _AT_ONCE]),
            RevisionRow.kind == RevisionKind.PREDICTION.value,
            RevisionRow.model_id == model_id,
            RevisionRow.state == RevisionState.COMPLETE.value,
        )
        for image_id, details in session.execute(made):
            if made_at_nm(details) == sizes[image_id]:
                found.add(image_id)
    return found


def release_answered(store: Store) -> int:
    """Queue held predictions whose image has a pixel size by now; cancel those whose image has gone.

    The engine calls it all the time, so it does not matter who answers or where. Returns how many were changed.
    """
    held = select(JobRow.id, JobRow.image_id).where(JobRow.state == JobState.HELD.value)
    with store.database.reading() as session:
        waiting = [
            (job_id, session.get(ImageRow, image_id) if image_id else None)
            for job_id, image_id in session.execute(held)
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
    active = select(JobRow.image_id).where(
        JobRow.kind == JobKind.PREDICT,
        JobRow.model_id == model_id,
        JobRow.state.in_([state.value for state in ACTIVE]),
        JobRow.cancel_requested.is_(False),
    )
    return {image_id for image_id in session.scalars(active) if image_id}


def _stop_outdated(session: Session, image_ids: Collection[str]) -> None:
    """Stop predictions of images whose pixel size has just become known: they would be wrong."""
    if not image_ids:
        return
    active = select(JobRow).where(
        JobRow.kind == JobKind.PREDICT, JobRow.state.in_([JobState.QUEUED.value, JobState.RUNNING.value])
    )
    for row in session.scalars(active):
        if row.image_id in image_ids:
            if row.state == JobState.RUNNING.value:
                row.cancel_requested, row.message = True, "Cancelling"
            else:
                move(session, row.id, JobState.CANCELLED, message="Cancelled: the pixel size has changed.")
                session.refresh(row)
    session.flush()
