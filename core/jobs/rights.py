"""Who may look at a job, and who may stop it or queue it again, where access goes by roles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlalchemy.orm import Session

from core.access.import_roots import FENCED, allowed_path, require_naming
from core.access.models import require_changing, sees_model, unknown_model
from core.access.roles import Permission, everywhere_admins, require_anywhere_within, require_within
from core.errors import AccessError, JobError, ModelError, NotFoundError
from core.jobs.kinds import task_kind
from core.models.store import ModelStore
from core.settings import Access, Settings
from core.store.import_batch import find_batch, own_batch
from core.store.people import person_key
from core.store.records import JobRecord
from core.store.review_tables import MemberRow
from core.store.store import Store
from core.store.tables import ImageRow, JobRow, RevisionRow


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
            require_running(session, store.settings, row.kind, dict(row.params), row.author, person)
        except (AccessError, NotFoundError, JobError):
            return False
    return True


def require_running(
    session: Session, settings: Settings, kind: str, params: dict[str, Any], author: str, person: str
) -> None:
    """Refuse to queue a job again where the person may not stop it, or may not ask for such a job (any more).

    Raises
    ------
    AccessError, NotFoundError
        As `require_asking`.
    JobError
        There is no such kind.
    """
    require_job(session, settings, params, person, changing_takes(author, person))
    require_asking(session, settings, kind, params, person, missing=True)


def changing_takes(author: str, person: str) -> Permission:
    """What a person needs to stop or retry the job of an author."""
    own = bool(person_key(author)) and person_key(author) == person_key(person)
    return Permission.VIEW if own else Permission.TRAIN


def require_job(session: Session, settings: Settings, params: dict[str, Any], person: str, needed: Permission) -> None:
    """Refuse what a person may not do with the job of these parameters.

    Raises
    ------
    AccessError
        Naming the role that they have, and one that would do.
    """
    project_id = project_of_job(session, params)
    if project_id is None:
        require_anywhere_within(session, settings, person, needed)
    else:
        require_within(session, settings, project_id, person, needed)


def require_asking(
    session: Session, settings: Settings, kind: str, params: dict[str, Any], person: str, *, missing: bool = False
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
    require_job(session, settings, params, person, task_kind(kind).permission)
    project_id = project_of_job(session, params)
    if settings.access is Access.OPEN:
        return
    if kind == "import_model":
        require_changing(session, settings, params.get("project_id"), person)
    if params.get("target_id"):
        _require_target(session, settings, params, person)
    _require_models(session, settings, params, person)
    if project_id is None:
        return
    named = {str(params[key]) for key in ("image_id", "revision_id") if params.get(key)}
    named |= {str(each) for key in ("image_ids", "revision_ids") for each in params.get(key) or ()}
    named |= {str(case["image_id"]) for case in params.get("cases") or () if case.get("image_id")}
    for subject in named:
        found = _project_of(session, subject)
        if found != project_id and not (missing and found is None):
            raise NotFoundError(f"There is no image or label map {subject[:40]!r} in this project.", "Reload the page.")


def _require_target(session: Session, settings: Settings, params: Mapping[str, Any], person: str) -> None:
    """What images that go to another project take: adding them there; to move them, managing both."""
    moving = params.get("mode") == "move"
    if moving:
        require_within(session, settings, str(params["project_id"]), person, Permission.MANAGE)
    needed = Permission.MANAGE if moving else Permission.ADD_IMAGES
    require_within(session, settings, str(params["target_id"]), person, needed)


def _require_models(session: Session, settings: Settings, params: Mapping[str, Any], person: str) -> None:
    """Refuse models that the person may not see; one that is about to be made is not there yet."""
    models = ModelStore(settings.models_dir)
    for name in ("model_id", "parent_id"):
        found = None
        with suppress(NotFoundError, ModelError):
            found = models.get(str(params.get(name) or ""))
        if found is not None and not sees_model(session, settings, found, person):
            raise unknown_model(found.id)


def _project_of(session: Session, subject: str) -> str | None:
    """The project of an image or a revision."""
    revision = session.get(RevisionRow, subject)
    image = session.get(ImageRow, revision.image_id if revision is not None else subject)
    return image.project_id if image is not None else None


def fenced(store: Store, params: Mapping[str, Any], person: str) -> Mapping[str, Any]:
    """The parameters of a job that a person in a browser asks for; paths of the server in them are looked at.

    Raises
    ------
    AccessError
        The person may not name files of the server, or not these.
    NotFoundError
        It is about files that somebody else has dropped.
    """
    given = given_paths(params)
    if params.get("batch_id"):
        own_batch(store.settings, str(params["batch_id"]), by=person)
    batch = batch_folder(store.settings, params)
    outside = [path for path in given if batch is None or not Path(path).resolve().is_relative_to(batch[0].resolve())]
    if not given:
        return params
    if outside:
        require_naming(store, person, params.get("project_id"))
    for path in given:
        allowed_path(store.settings, path, own=batch or ())
    return {**params, FENCED: True}


def require_fence(settings: Settings, params: Mapping[str, Any], paths: Iterable[Path]) -> None:
    """Refuse to read what a browser may not name, at the moment of reading: a link may have come since.

    Raises
    ------
    AccessError
        As `core.access.import_roots.allowed_path`.
    """
    if params.get(FENCED):
        for path in paths:
            allowed_path(settings, path, own=batch_folder(settings, params) or ())


def given_paths(params: Mapping[str, Any]) -> tuple[str, ...]:
    """The paths of the server that parameters name."""
    found = [params.get("path"), params.get("folder")]
    for case in params.get("cases") or ():
        found += [case.get("image_path"), *(case.get("label_paths") or ()), *(case.get("paths") or ())]
    return tuple(str(path) for path in found if path)


def batch_folder(settings: Settings, params: Mapping[str, Any]) -> tuple[Path, ...] | None:
    """Where the dropped files of a job wait."""
    batch_id = params.get("batch_id")
    return (find_batch(settings, str(batch_id)).path,) if batch_id else None


def project_of_job(session: Session, params: dict[str, Any]) -> str | None:
    """The project that a job works in; None: it belongs to none. "" where its image has gone."""
    if params.get("project_id"):
        return str(params["project_id"])
    if not params.get("image_id"):
        return None
    image = session.get(ImageRow, str(params["image_id"]))
    return image.project_id if image is not None else ""


def seen_by(settings: Settings, person: str | None) -> tuple[ColumnElement[bool], ...]:
    """Conditions of a query for the jobs that a person may look at; none for None, and for who may see everything."""
    if person is None or settings.access is Access.OPEN:
        return ()
    key = person_key(person)
    if not key:
        return (false(),)
    if key in everywhere_admins(settings):
        return ()
    projects = select(MemberRow.project_id).where(MemberRow.person == key)
    images = select(ImageRow.id).where(ImageRow.project_id.in_(projects))
    project, image = (JobRow.params[name].as_string() for name in ("project_id", "image_id"))
    inside = or_(project.in_(projects), and_(project.is_(None), image.in_(images)))
    return (or_(inside, and_(project.is_(None), image.is_(None), projects.exists())),)


def _may(store: Store, row: JobRecord, person: str, needed: Permission) -> bool:
    if store.settings.access is Access.OPEN:
        return True
    with store.database.reading() as session:
        try:
            require_job(session, store.settings, dict(row.params), person, needed)
        except AccessError:
            return False
    return True
