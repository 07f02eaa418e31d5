"""``export``: a package of many images, or one file that takes long to make; kept for a day.

Params: ``what``; for "package" ``project_id`` and ``request`` (`core.exports.request.ExportRequest.to_json`); for
"revision", "evaluation" and "model" the id as ``revision_id``, ``evaluation_id`` or ``model_id``, ``file`` (which of
its downloads) and ``options`` (as in its address); for lists of jobs ``name``. Result: ``file`` (its name in
`core.exports.kept.export_folder`), ``media_type``, ``size_bytes``; of a package also what `Packed.to_json` says.

The file appears when all of it is written; a job that was cut off begins anew.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from core.engine.context import JobContext
from core.errors import JobError
from core.evaluations.downloads import render_evaluation
from core.exchange.exporting import MODEL_FILES, export_model
from core.exports.kept import export_folder
from core.exports.label_maps import render_download
from core.exports.names import safe_stem
from core.exports.package import write_package
from core.exports.request import ExportRequest
from core.exports.sinks import zip_sink
from core.files import explained_os_errors, write_bytes
from core.jobs.kinds import ExportParams, ExportResult
from core.models.store import ModelStore
from core.review.double_annotation import require_visible

ZIP: Final = "application/zip"

Made = tuple[str, str, dict[str, Any]]
"""Name and media type of the file, and what else belongs into the result."""


def run(context: JobContext[ExportParams]) -> ExportResult:
    """Make the file.

    Raises
    ------
    JobError
        The parameters cannot be used.
    AccessError
        Who asked may no longer look at it.
    DatasetError, NotFoundError
        There is nothing to export.
    StorageFullError
        The disk is full; nothing is kept.
    JobCancelledError
        Somebody asked for the job to stop; nothing is kept.
    """
    make = _MAKERS.get(context.params.what)
    if make is None:
        raise JobError(f"There is no export of {context.params.what!r}.", "Export again.")
    folder = export_folder(context.settings, context.id)
    with explained_os_errors(folder):
        shutil.rmtree(folder, ignore_errors=True)  # of an attempt that was cut off
        folder.mkdir(parents=True)
    whole = False
    try:
        name, media_type, more = make(context, folder)
        whole = True
    finally:
        if not whole:
            shutil.rmtree(folder, ignore_errors=True)
    for line in more.get("left_out", ()):
        context.log(f"skipped: {line}")
    size = (folder / name).stat().st_size
    return ExportResult.from_json({"file": name, "media_type": media_type, "size_bytes": size, **more})


def _package(context: JobContext[ExportParams], folder: Path) -> Made:
    """Many images as one zip."""
    request = ExportRequest.from_json(context.params.request or {})
    context.store.require_free_space()
    title = request.title or context.store.projects.get(request.project_id).name
    root = f"{safe_stem(title)}_{datetime.now():%Y-%m-%d}"
    with zip_sink(folder / f"{root}.zip", root) as sink:
        packed = write_package(
            context.store, request, sink, person=context.author, work=folder, progress=context.progress
        )
    return f"{root}.zip", ZIP, packed.to_json()


def _label_map(context: JobContext[ExportParams], folder: Path) -> Made:
    """One file of a label map."""
    revision_id = context.params.revision_id
    require_visible(context.store, revision_id, context.author)
    content, media_type, name = render_download(
        context.store, revision_id, context.params.file, dict(context.params.options or {})
    )
    return _taken(content, folder, name), media_type, {"revision_ids": [revision_id]}


def _evaluation(context: JobContext[ExportParams], folder: Path) -> Made:
    """One file of an evaluation."""
    options = dict(context.params.options or {})
    evaluation_id = context.params.evaluation_id
    content, media_type, name = render_evaluation(
        context.store, evaluation_id, context.params.file, str(options.get("compare", ""))
    )
    return _taken(content, folder, name), media_type, {}


def _model(context: JobContext[ExportParams], folder: Path) -> Made:
    """A model as a bundle or for nnU-Net."""
    file = context.params.file
    if file not in MODEL_FILES:
        raise JobError(f"There is no file {file[:40]!r} of a model.", f"There are {', '.join(MODEL_FILES)}.")
    model = ModelStore(context.settings.models_dir).get(context.params.model_id)
    path = export_model(context.settings, model, file)
    return _taken(path, folder, f"{model.id}-{MODEL_FILES[file]}"), ZIP, {}


def _taken(content: Path | bytes, folder: Path, name: str) -> str:
    """Put what was made into the job's folder, on the same disk."""
    if isinstance(content, Path):
        content.replace(folder / name)
    else:
        write_bytes(folder / name, content)
    return name


_MAKERS: Final[dict[str, Callable[[JobContext[ExportParams], Path], Made]]] = {
    "package": _package,
    "revision": _label_map,
    "evaluation": _evaluation,
    "model": _model,
}
