"""What people change about images and projects that are there: asked for their role, and told in the audit log."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from typing import Any, Final

from core.access.roles import Permission, require, require_within
from core.batches.followers import release_answered
from core.demo.project import DEMO_PROJECT, PROJECT_DELETED
from core.errors import StoreError
from core.imaging.image import ENTERED, PixelSize, PixelSizeSource
from core.jobs.kinds import JobKind
from core.jobs.rights import project_of_job
from core.jobs.rows import active_jobs, request_cancel
from core.jobs.states import ACTIVE
from core.labels.translation import ClassMap, match_classes
from core.models.store import StoredModel
from core.store.audit import note
from core.store.database import Transaction
from core.store.images import images_within
from core.store.jobs import JobQuery, jobs_within
from core.store.projects import ProjectContents, contents_within
from core.store.records import ImageRecord, JobState, ProjectRecord
from core.store.rounds import running_round_within
from core.store.store import Store

_DEMO_JOBS: Final = (JobKind.DEMO, JobKind.DEMO_ROUNDS)
"""They work on the demo project and do not name it."""


def change_image(store: Store, image_id: str, *, by: str, **changes: Any) -> ImageRecord:
    """Change what is given, as `Images.update` takes it, and leave the rest.

    Raises
    ------
    AccessError
        ``by`` may not manage the project, or not paint in it where only the pixel size changes.
    NotFoundError, StoreError
        As `Images.update`.
    """
    before = store.images.get(image_id)
    wanted = Permission.PAINT if set(changes) == {"pixel_size"} else Permission.MANAGE
    require(store, before.project_id, by, wanted)
    after = store.images.update(image_id, **changes)
    told = {name: [_plain(getattr(before, name)), _plain(getattr(after, name))] for name in changes}
    with store.database.writing() as session:
        note(session, by, "image_changed", after.project_id, image_id, name=after.name, changes=told)
    return after


def decide_classes(
    store: Store, project_id: str, model: StoredModel, class_map: ClassMap, *, add: Collection[str] = (), by: str
) -> ProjectRecord:
    """Say what becomes of classes of a model that a project does not have; all predictions from now on go by it.

    Parameters
    ----------
    model
        Whose classes these are.
    class_map
        Name of the model's class to name of a class of the project, None for background.
    add
        Names of the model's classes that the project gets too.
    by
        Who decides.

    Returns
    -------
    ProjectRecord
        With the added classes: their numbers and colours are the project's own.

    Raises
    ------
    AccessError
        ``by`` may not paint in the project, or not manage it where classes are added.
    LabelMapError
        There is no such class.
    """
    require(store, project_id, by, Permission.MANAGE if add else Permission.PAINT)
    project = store.projects.get(project_id)
    match_classes(model.scheme, project.scheme.with_classes(add), class_map)
    if add:
        scheme = project.scheme.with_classes(add, project.retired_ids)
        project = store.projects.update(project_id, scheme=scheme)
    added = {item.id: item.name for item in project.scheme.classes}
    names = {name.strip().casefold(): name for name in added.values()}
    decided = {**class_map, **{name: names[name.strip().casefold()] for name in add}}
    store.projects.keep_class_map(project_id, model.id, decided)
    with store.database.writing() as session:
        note(session, by, "classes_matched", project_id, model.id, classes=decided, added=list(add))
    return project


def change_pixel_sizes(
    store: Store, image_ids: Collection[str], nm: float, *, by: str, detail: str = ENTERED
) -> tuple[ImageRecord, ...]:
    """Set the pixel size in nm as a person gives it; predictions under way with the old one are cancelled.

    All planes of a stack were taken at one size: it becomes that of all of them, also of those in the trash.

    Parameters
    ----------
    image_ids
        Of the store; asked for their role before the first one is changed.
    detail
        How the person knows it, for the provenance that is shown beside the size.

    Returns
    -------
    tuple of ImageRecord
        Those that have another size now, planes included.

    Raises
    ------
    AccessError
        ``by`` may not paint in one of the projects; nothing is changed then.
    NotFoundError
        There is no such image.
    ImageError
        The size is not a positive number.
    """
    size = PixelSize(nm, PixelSizeSource.USER, detail)
    images = images_with_planes(store, image_ids)
    for project_id in {image.project_id for image in images}:
        require(store, project_id, by, Permission.PAINT)
    changed = [image for image in images if image.pixel_size.nm != nm]
    wrong = predictions_of(store, {image.id for image in changed})
    for image in images:
        if image.pixel_size != size:
            change_image(store, image.id, by=by, pixel_size=size)
    cancel_predictions(store, wrong)
    release_answered(store)
    return tuple(store.images.get(image.id) for image in changed)


def images_with_planes(store: Store, image_ids: Collection[str]) -> tuple[ImageRecord, ...]:
    """These images, and all planes of their stacks, each once."""
    found: dict[str, ImageRecord] = {}
    for image_id in image_ids:
        if image_id not in found:
            found |= {plane.id: plane for plane in stack_planes(store, store.images.get(image_id))}
    return tuple(found.values())


def stack_planes(store: Store, image: ImageRecord) -> tuple[ImageRecord, ...]:
    """All planes of the image's stack, also those in the trash; the image alone where it is in none."""
    if not image.stack:
        return (image,)
    images = (*store.images.all(image.project_id), *store.trash.images(image.project_id))
    return tuple(other for other in images if other.stack == image.stack)


def predictions_of(store: Store, image_ids: Collection[str]) -> tuple[str, ...]:
    """Ids of the predictions of these images that run or wait for their turn.

    Not those that are held: they wait for just the pixel size that is about to be given. So ask before it is given,
    and cancel what was found afterwards: the engine may let a held one go in between.
    """
    return tuple(
        row.id
        for row in active_jobs(kinds=[JobKind.PREDICT], store=store)
        if row.image_id in image_ids and row.state is not JobState.HELD
    )


def cancel_predictions(store: Store, job_ids: Collection[str]) -> None:
    """Stop predictions that would be wrong, because the pixel size of their image has changed."""
    for job_id in job_ids:
        request_cancel(job_id, store=store)


def note_brought(store: Store, before: ImageRecord, after: ImageRecord, *, by: str, restored: bool) -> bool:
    """Write into the audit log what a file with the same pixels changed about an image that was there.

    Parameters
    ----------
    before, after
        The image before the file was read, and now.
    restored
        Whether it was taken out of the trash.

    Returns
    -------
    bool
        Whether the file gave the image the pixel size that it lacked.
    """
    sized = before.pixel_size.nm is None and after.pixel_size.nm is not None
    with store.database.writing() as session:
        if restored:
            note(session, by, "images_restored", after.project_id, after.id, name=after.name)
        if sized:
            changes = {"pixel_size": [None, after.pixel_size.nm]}
            note(session, by, "image_changed", after.project_id, after.id, name=after.name, changes=changes)
    return sized


def trash_images(store: Store, image_ids: Collection[str], *, by: str) -> int:
    """Put images into the trash, with all that belongs to them; how many were not there already.

    Raises
    ------
    AccessError
        ``by`` may not manage one of their projects; nothing is done then.
    """
    _told(store, image_ids, by, "images_trashed")
    return store.trash.put(image_ids)


def restore_images(store: Store, image_ids: Collection[str], *, by: str) -> int:
    """Take images out of the trash; how many were there.

    Raises
    ------
    AccessError
        As `trash_images`.
    """
    _told(store, image_ids, by, "images_restored")
    return store.trash.restore(image_ids)


def project_contents(store: Store, project_id: str) -> ProjectContents:
    """What would go with a project.

    Raises
    ------
    NotFoundError
        There is no such project.
    """
    with store.database.reading() as session:
        return contents_within(session, project_id)


def delete_project(store: Store, project_id: str, name: str, *, by: str) -> ProjectContents:
    """Remove a project for good, with its images, label maps and rounds; models stay. Returns what went.

    Parameters
    ----------
    name
        The project's, typed by the person: nobody deletes one by a slip.

    Raises
    ------
    AccessError
        ``by`` may not manage the project.
    StoreError
        The name is another; or a job or a round of the project is under way.
    NotFoundError
        There is no such project.
    """
    gone: list[ProjectContents] = []

    def checked(session: Transaction, project: ProjectRecord) -> None:
        require_within(session, store.settings, project.id, by, Permission.MANAGE)
        if name.strip() != project.name:
            raise StoreError(f"The project is called {project.name!r}.", "Enter its name to delete it.")
        _require_idle(session, project)
        gone.append(contents_within(session, project.id))
        note(session, by, PROJECT_DELETED, project.id, project.id, name=project.name, **asdict(gone[0]))

    store.projects.delete(project_id, within=checked)
    return gone[0]


def _require_idle(session: Transaction, project: ProjectRecord) -> None:
    """Refuse while something works on the project: it would fail, or bring part of it back."""
    number = running_round_within(session, project.id)
    if number is not None:
        raise StoreError(f"Round {number} of the project is running.", "Cancel it on the Train page, or wait.")
    busy = [
        job.kind
        for job in jobs_within(session, JobQuery(states=ACTIVE))
        if project.id in (project_of_job(session, job), job.target_id)
        or (job.kind in _DEMO_JOBS and project.name == DEMO_PROJECT)
    ]
    if busy:
        count = f"{len(busy)} jobs work" if len(busy) > 1 else "A job works"
        kinds = ", ".join(sorted(set(busy)))
        raise StoreError(f"{count} on the project ({kinds}).", "Cancel them on the Jobs page, or wait.")


def _told(store: Store, image_ids: Collection[str], by: str, what: str) -> None:
    """Ask for the role in every project, then write a line for each image."""
    with store.database.reading() as session:
        images = images_within(session, image_ids, trashed_too=True)
    for project_id in {image.project_id for image in images.values()}:
        require(store, project_id, by, Permission.MANAGE)
    with store.database.writing() as session:
        for image in images.values():
            note(session, by, what, image.project_id, image.id, name=image.name)


def _plain(value: Any) -> Any:
    if isinstance(value, PixelSize):
        measured = value.source is PixelSizeSource.USER and value.detail not in ("", ENTERED)
        return f"{value.nm:.5g} nm, {value.detail}" if measured else value.nm
    return value if value is None or isinstance(value, int | float) else str(value)
