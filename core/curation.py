"""What people change about images that are there: asked for their role, and told in the audit log."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from core.access import Permission, require
from core.imaging.image import PixelSize
from core.jobs.rows import active_jobs, request_cancel
from core.store.audit import note
from core.store.records import ImageRecord
from core.store.store import Store
from core.store.tables import ImageRow


def change_image(store: Store, image_id: str, *, by: str, **changes: Any) -> ImageRecord:
    """Change what is given, as `Store.update_image` takes it, and leave the rest.

    Raises
    ------
    AccessError
        ``by`` may not manage the project, or not paint in it where only the pixel size changes.
    NotFoundError, StoreError
        As `Store.update_image`.
    """
    before = store.image(image_id)
    wanted = Permission.PAINT if set(changes) == {"pixel_size"} else Permission.MANAGE
    require(store, before.project_id, by, wanted)
    after = store.update_image(image_id, **changes)
    told = {name: [_plain(getattr(before, name)), _plain(getattr(after, name))] for name in changes}
    with store.database.writing() as session:
        note(session, by, "image_changed", after.project_id, image_id, name=after.name, changes=told)
    return after


def change_pixel_size(store: Store, image_id: str, nm: float, *, by: str) -> ImageRecord:
    """Set the pixel size in nm as a person gives it; predictions under way with the old one are cancelled.

    All planes of a stack were taken at one size: it becomes that of all of them, also of those in the trash.

    Raises
    ------
    AccessError
        ``by`` may not paint in the project.
    NotFoundError
        There is no such image.
    """
    image, size = store.image(image_id), PixelSize.from_user(nm)
    others = [plane for plane in stack_planes(store, image) if plane.id != image_id and plane.pixel_size != size]
    changed = change_image(store, image_id, by=by, pixel_size=size)
    for plane in others:
        change_image(store, plane.id, by=by, pixel_size=size)
    cancel_predictions(store, [image_id, *(plane.id for plane in others)])
    return changed


def stack_planes(store: Store, image: ImageRecord) -> tuple[ImageRecord, ...]:
    """All planes of the image's stack, also those in the trash; the image alone where it is in none."""
    if not image.stack:
        return (image,)
    images = (*store.images(image.project_id), *store.trashed_images(image.project_id))
    return tuple(other for other in images if other.stack == image.stack)


def cancel_predictions(store: Store, image_ids: Collection[str]) -> None:
    """Stop what is being segmented of these images, because it would be wrong."""
    for row in active_jobs(store=store):
        if row.kind == "predict" and row.params.get("image_id") in image_ids:
            request_cancel(row.id, store=store)


def trash_images(store: Store, image_ids: Collection[str], *, by: str) -> int:
    """Put images into the trash, with all that belongs to them; how many were not there already.

    Raises
    ------
    AccessError
        ``by`` may not manage one of their projects; nothing is done then.
    """
    _told(store, image_ids, by, "images_trashed")
    return store.trash_images(image_ids)


def restore_images(store: Store, image_ids: Collection[str], *, by: str) -> int:
    """Take images out of the trash; how many were there.

    Raises
    ------
    AccessError
        As `trash_images`.
    """
    _told(store, image_ids, by, "images_restored")
    return store.restore_images(image_ids)


def _told(store: Store, image_ids: Collection[str], by: str, what: str) -> None:
    """Ask for the role in every project, then write a line for each image."""
    with store.database.reading() as session:
        rows = [row for image_id in dict.fromkeys(image_ids) if (row := session.get(ImageRow, image_id)) is not None]
        known = [(row.project_id, row.id, row.name) for row in rows]
    for project_id in {project_id for project_id, _, _ in known}:
        require(store, project_id, by, Permission.MANAGE)
    with store.database.writing() as session:
        for project_id, image_id, name in known:
            note(session, by, what, project_id, image_id, name=name)


def _plain(value: Any) -> Any:
    if isinstance(value, PixelSize):
        return value.nm
    return value if value is None or isinstance(value, int | float) else str(value)
