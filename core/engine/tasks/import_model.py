"""``import_model``: take a model into the store.

Params: ``upload_id`` (a zip from a browser, deleted afterwards) or ``path`` (a zip or folder on the server); optionally
``name``, ``pixel_size_nm`` (of its training, instead of what the model says; nnU-Net's own say none), ``make_default``,
``project_id`` (whose it is; absent: it belongs to all).
Result: ``model_id``, ``name``, ``pixel_size_nm`` (None: still unknown), ``folds``, ``size_bytes``.
"""

from __future__ import annotations

from pathlib import Path, PurePath

from core.engine.context import JobContext
from core.errors import JobCancelledError, JobError, ModelError
from core.exchange.importing import import_model
from core.jobs.kinds import ImportModelParams, ImportModelResult
from core.jobs.rights import require_fence
from core.learning.start import coming_ids
from core.models.store import ModelStore
from core.store.uploads import delete_upload, find_upload


def run(context: JobContext[ImportModelParams]) -> ImportModelResult:
    """Import it, all or nothing.

    Raises
    ------
    ModelError
        It is no model that can be used; why.
    NotFoundError
        There is no such upload.
    StorageFullError
        The disk is full.
    JobCancelledError
        Somebody asked for the job to stop.
    """
    params = context.params
    upload_id = params.upload_id
    path, file_name, own_name = _file(context, upload_id)
    name = params.name.strip() or own_name
    models = ModelStore(context.settings.models_dir, coming=coming_ids(context.store))
    try:
        context.progress(0.1, "checking and converting the weights")
        model = import_model(path, models, pixel_size_nm=params.pixel_size_nm, name=name)
        model = models.give_to(model.id, params.project_id or None)
        if context.cancelled():
            models.delete(model.id)
            context.check_cancelled()
    except (ModelError, JobCancelledError) as error:
        if upload_id:
            delete_upload(context.settings, upload_id)  # a full disk, say, leaves it for another try
        if isinstance(error, ModelError):  # people know the file by the name that they gave it
            raise ModelError(error.cause.replace(path.name, file_name), error.remedy) from error
        raise
    if upload_id:
        delete_upload(context.settings, upload_id)
    if params.make_default:
        models.set_default(model.id)
    return ImportModelResult(
        model_id=model.id,
        name=model.card.name,
        pixel_size_nm=model.pixel_size_nm,
        folds=tuple(model.folds),
        size_bytes=model.size_bytes,
    )


def _file(context: JobContext[ImportModelParams], upload_id: str) -> tuple[Path, str, str | None]:
    """The file or folder, what people call it, and what to call a model that does not say its name."""
    if upload_id:
        upload = find_upload(context.settings, upload_id)
        return upload.path, upload.name, None if _names_itself(upload.path) else PurePath(upload.name).stem
    if not context.params.path:
        raise JobError("The job names no file.", "Give an upload_id or a path on the server.")
    path = Path(context.params.path).expanduser()
    require_fence(context.settings, context.params, [path])
    return path, path.name, None


def _names_itself(path: Path) -> bool:
    """Whether the model's own name is better than the file's."""
    from core.exchange.bundle import is_bundle

    return is_bundle(path)
