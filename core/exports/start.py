"""Asking for an export: a package of many images, or one file that takes long to make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from core.access.models import owner_of, require_taking
from core.access.roles import Permission, require, require_anywhere
from core.errors import JobError, NotFoundError
from core.evaluations.read import evaluation
from core.exports.request import ExportRequest
from core.jobs.kinds import ExportParams, JobKind
from core.jobs.rows import Priority, active_jobs, submit
from core.models.store import ModelStore
from core.review.double_annotation import require_visible
from core.store.people import person_key
from core.store.records import JobRecord
from core.store.store import Store

MOST_PER_PERSON: Final = 5
"""Exports of one person that wait or run; more would keep others waiting for hours."""

MOST_WAITING: Final = 40
"""Exports of everybody that wait or run."""


def start_export(store: Store, request: ExportRequest, *, by: str) -> JobRecord:
    """Queue a package; the same one that is under way already is returned instead.

    Raises
    ------
    AccessError
        ``by`` may not look at the project.
    NotFoundError
        There is no such project.
    JobError
        Too many exports are under way.
    """
    require(store, request.project_id, by, Permission.VIEW)
    title = request.title or store.projects.get(request.project_id).name
    params = ExportParams(what="package", project_id=request.project_id, name=title, request=request.to_json())
    return _submit(store, params, by)


def start_file(
    store: Store, what: str, subject_id: str, file: str, options: Mapping[str, str], *, by: str
) -> JobRecord:
    """Queue one of the downloads that are too heavy to be made while somebody waits.

    Parameters
    ----------
    store
        Where it comes from.
    what
        "revision", "evaluation" or "model".
    subject_id
        Of the revision, evaluation or model.
    file
        Which of its downloads.
    options
        As in the address of the download.
    by
        Who asks.

    Raises
    ------
    AccessError
        ``by`` may not look at it.
    NotFoundError
        There is nothing of this id.
    JobError
        Too many exports are under way.
    """
    params = ExportParams(what=what, file=file, options=dict(options))
    if what == "revision":
        require_visible(store, subject_id, by)
        image = store.images.get(store.revisions.get(subject_id).image_id)
        params = replace(params, revision_id=subject_id, project_id=image.project_id, name=f"{image.name}: {file}")
    elif what == "evaluation":
        row = evaluation(store, subject_id)
        params = replace(params, evaluation_id=subject_id, project_id=row.project_id, name=f"{row.name}: {file}")
        if options.get("compare"):
            require(store, evaluation(store, options["compare"]).project_id, by, Permission.VIEW)
    elif what == "model":
        require_taking(store, subject_id, by)
        model = ModelStore(store.settings.models_dir).get(subject_id)
        params = replace(
            params, model_id=subject_id, project_id=owner_of(model) or "", name=f"{model.card.name}: {file}"
        )
    else:
        raise NotFoundError(f"There is no export of {what[:40]!r}.", "Reload the page.")
    if params.project_id:
        require(store, params.project_id, by, Permission.VIEW)
    else:
        require_anywhere(store, by, Permission.VIEW)
    return _submit(store, params, by)


def _submit(store: Store, params: ExportParams, by: str) -> JobRecord:
    active = active_jobs(kinds=[JobKind.EXPORT], store=store)
    mine = [row for row in active if person_key(row.author) == person_key(by)]
    same = next((row for row in mine if row.params == params.to_json() and not row.cancel_requested), None)
    if same is not None:
        return same
    if len(mine) >= MOST_PER_PERSON or len(active) >= MOST_WAITING:
        whose = "of yours " if len(mine) >= MOST_PER_PERSON else ""
        count = len(mine) if whose else len(active)
        raise JobError(
            f"{count} exports {whose}are already queued or running.",
            "Wait until one has finished, or cancel one on the Jobs page.",
        )
    return submit(params, priority=Priority.NORMAL, store=store, by=by)
