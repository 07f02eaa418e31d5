"""Who may look at a job, and who may stop it or queue it again, where access goes by roles."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from core.access.import_roots import allowed_path, require_naming
from core.access.models import require_changing, sees_model, unknown_model
from core.access.roles import Permission, everywhere_admins, require_anywhere_within, require_within
from core.errors import AccessError, JobError, ModelError, NotFoundError
from core.jobs.kinds import JobKind, TransferParams, params_of, task_kind
from core.jobs.parameters import JobParams, Subjects
from core.models.store import ModelStore
from core.settings import Access, Settings
from core.store.database import Transaction
from core.store.import_batch import find_batch, own_batch
from core.store.owners import owner_of_image_within, owner_within
from core.store.people import person_key
from core.store.records import JobRecord
from core.store.store import Store

Placed = Subjects | JobRecord
"""What says in which project a job works, or on which image."""


def may_see_job(store: Store, row: JobRecord, person: str) -> bool:
    """Whoever may see its project; of a job that belongs to none, whoever has a role in any."""
    return _may(store, row, person, Permission.VIEW)


def may_change_job(store: Store, row: JobRecord, person: str) -> bool:
    """Whoever asked for it and still has a role there, and whoever may train there."""
    return _may(store, row, person, changing_takes(row.author, person))


def may_run_job(store: Store, row: JobRecord, person: str) -> bool:
    """Whoever may stop it, and may still ask for a job of its kind: for queueing it again."""
    if store.settings.access is Access.OPEN:
        return True
    with store.database.reading() as session:
        try:
            require_running(session, store.settings, row, person)
        except (AccessError, NotFoundError, JobError):
            return False
    return True


def require_running(session: Transaction, settings: Settings, row: JobRecord, person: str) -> None:
    """Refuse to queue a job again where the person may not stop it, or may not ask for such a job (any more).

    Raises
    ------
    AccessError, NotFoundError
        As `require_asking`.
    JobError
        There is no such kind, or its parameters cannot be used.
    """
    require_job(session, settings, row, person, changing_takes(row.author, person))
    require_asking(session, settings, params_of(row.kind, row.params), person, missing=True)


def changing_takes(author: str, person: str) -> Permission:
    """What a person needs to stop or retry the job of an author."""
    own = bool(person_key(author)) and person_key(author) == person_key(person)
    return Permission.VIEW if own else Permission.TRAIN


def require_job(session: Transaction, settings: Settings, about: Placed, person: str, needed: Permission) -> None:
    """Refuse what a person may not do with a job about these.

    Raises
    ------
    AccessError
        Naming the role that they have, and one that would do.
    """
    project_id = project_of_job(session, about)
    if project_id is None:
        require_anywhere_within(session, settings, person, needed)
    else:
        require_within(session, settings, project_id, person, needed)


def require_asking(
    session: Transaction, settings: Settings, params: JobParams, person: str, *, missing: bool = False
) -> None:
    """Refuse a job that a person may not ask for: what its kind takes, and each thing that it names is of its project.

    Parameters
    ----------
    missing
        Whether things may be missing, because they were deleted after the job was made.

    Raises
    ------
    AccessError
        Naming the role that they have, and one that would do.
    NotFoundError
        An image of the job is in another project.
    """
    about = params.subjects
    require_job(session, settings, about, person, task_kind(params.kind).permission)
    project_id = project_of_job(session, about)
    if settings.access is Access.OPEN:
        return
    if params.kind in (JobKind.IMPORT_MODEL, JobKind.FETCH_MODEL):
        require_changing(session, settings, about.project_id or None, person)
    if isinstance(params, TransferParams) and params.target_id:
        _require_target(session, settings, params, person)
    _require_models(session, settings, about.models, person)
    if project_id is None:
        return
    for subject in about.content:
        found = owner_within(session, subject)
        if found != project_id and not (missing and found is None):
            raise NotFoundError(f"There is no image or label map {subject[:40]!r} in this project.", "Reload the page.")


def _require_target(session: Transaction, settings: Settings, params: TransferParams, person: str) -> None:
    """What images that go to another project take: adding them there; to move them, managing both."""
    moving = params.mode == "move"
    if moving:
        require_within(session, settings, params.project_id, person, Permission.MANAGE)
    needed = Permission.MANAGE if moving else Permission.ADD_IMAGES
    require_within(session, settings, params.target_id, person, needed)


def _require_models(session: Transaction, settings: Settings, model_ids: Iterable[str], person: str) -> None:
    """Refuse models that the person may not see; one that is about to be made is not there yet."""
    models = ModelStore(settings.models_dir)
    for model_id in model_ids:
        found = None
        with suppress(NotFoundError, ModelError):
            found = models.get(model_id)
        if found is not None and not sees_model(session, settings, found, person):
            raise unknown_model(found.id)


def fenced(store: Store, params: JobParams, person: str) -> JobParams:
    """The parameters of a job that a person in a browser asks for; paths of the server in them are looked at.

    Raises
    ------
    AccessError
        The person may not name files of the server, or not these.
    NotFoundError
        It is about files that somebody else has dropped.
    """
    about = params.subjects
    given = about.files
    if about.import_batch_id:
        own_batch(store.settings, about.import_batch_id, by=person)
    batch = _batch_folder(store.settings, about)
    outside = [path for path in given if batch is None or not Path(path).resolve().is_relative_to(batch[0].resolve())]
    if not given:
        return params
    if outside:
        require_naming(store, person, about.project_id or None)
    for path in given:
        allowed_path(store.settings, path, own=batch or ())
    return replace(params, fenced=True)


def require_fence(settings: Settings, params: JobParams, paths: Iterable[Path]) -> None:
    """Refuse to read what a browser may not name, at the moment of reading: a link may have come since.

    Raises
    ------
    AccessError
        As `core.access.import_roots.allowed_path`.
    """
    if params.fenced:
        for path in paths:
            allowed_path(settings, path, own=_batch_folder(settings, params.subjects) or ())


def _batch_folder(settings: Settings, about: Subjects) -> tuple[Path, ...] | None:
    """Where the dropped files of a job wait."""
    return (find_batch(settings, about.import_batch_id).path,) if about.import_batch_id else None


def project_of_job(session: Transaction, about: Placed) -> str | None:
    """The project that a job works in; None: it belongs to none. "" where its image has gone."""
    if about.project_id:
        return about.project_id
    if not about.image_id:
        return None
    return owner_of_image_within(session, about.image_id) or ""


def seen_by(settings: Settings, person: str | None) -> str | None:
    """Whose projects' jobs a person may look at, as `JobQuery` takes it; None for who may see everything."""
    if person is None or settings.access is Access.OPEN:
        return None
    key = person_key(person)
    return None if key and key in everywhere_admins(settings) else key


def _may(store: Store, row: JobRecord, person: str, needed: Permission) -> bool:
    if store.settings.access is Access.OPEN:
        return True
    with store.database.reading() as session:
        try:
            require_job(session, store.settings, row, person, needed)
        except AccessError:
            return False
    return True
