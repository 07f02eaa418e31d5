"""``transfer``: copy or move images to another project.

Params: ``project_id`` (where they are), ``target_id``, ``image_ids``, ``mode`` ("copy" or "move"). Result: ``went``,
the ids of the images that went, and ``stayed``, a list of ``[name, reason]``. It may run twice: what went is not done
again.
"""

from __future__ import annotations

from core.engine.context import JobContext
from core.errors import NotFoundError
from core.jobs.kinds import TransferParams, TransferResult
from core.jobs.rows import job
from core.transfers.plan import TransferMode
from core.transfers.run import require_transfer, transfer_image


def run(context: JobContext[TransferParams]) -> TransferResult:
    """Copy or move one image after the other; one that cannot go is named and does not stop the others.

    Raises
    ------
    AccessError
        Who asked may not do it any more.
    NotFoundError
        One of the projects has gone.
    JobCancelledError
        Somebody asked for the job to stop; what went is there.
    """
    store, params = context.store, context.params
    mode = TransferMode(params.mode)
    require_transfer(store, params.project_id, params.target_id, mode, context.author)
    source, target = store.projects.get(params.project_id), store.projects.get(params.target_id)
    began_at = job(context.id, store=store).created_at
    went: list[str] = []
    stayed: list[list[str]] = []
    image_ids = params.image_ids
    for number, image_id in enumerate(image_ids):
        try:
            image = store.images.get(image_id)
        except NotFoundError as error:
            stayed.append([image_id, error.cause])
            continue
        context.progress(number / len(image_ids), image.name)
        if image.project_id == target.id:  # moved by an attempt that was cut off
            went.append(image_id)
            continue
        reason = transfer_image(store, image, source, target, mode, by=context.author, began_at=began_at)
        if reason:
            stayed.append([image.name, reason])
        else:
            went.append(image_id)
        context.publish(went=went, stayed=stayed)
    return TransferResult(went=tuple(went), stayed=tuple((name, reason) for name, reason in stayed))
