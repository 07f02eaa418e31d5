"""Copying and moving images to another project, as `core.transfers.plan` says."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.access.roles import Permission, require, require_within
from core.datasets.image_facts import facts_of
from core.errors import LabelMapError, StoreError
from core.imaging.image import Image
from core.imaging.object_pyramid import translated_classes
from core.imaging.pyramid import LabelPyramidWriter, copy_ids, open_pyramid
from core.jobs.kinds import TransferParams
from core.jobs.rows import Priority, submit
from core.label_scheme import IGNORE_ID
from core.labels.translation import BACKGROUND_ID, ClassTranslation, match_classes
from core.morphometry.coverage import coverage_table
from core.predictions.cleaning import DETAILS as CLEANING
from core.review.double_annotation import hidden_revisions
from core.review.label_maps import COVERAGE, bands
from core.store.audit import note
from core.store.images import move_within
from core.store.label_maps import open_label_map
from core.store.object_questions import questions_of
from core.store.records import ImageRecord, JobRecord, ProjectRecord, RevisionKind, RevisionRecord
from core.store.store import Store
from core.transfers.plan import TransferMode, carried, keeps_its_numbers, plan_transfer

ORIGIN: Final = "copied_from"
"""Among the details of a copied label map: where it comes from."""

_LEFT: Final = ("progress", "job_id", "draft_id", CLEANING)
"""Details that belong to the original."""


def start_transfer(
    store: Store, image_ids: Collection[str], source_id: str, target_id: str, mode: TransferMode, *, by: str
) -> JobRecord:
    """Queue a transfer.

    Raises
    ------
    AccessError
        ``by`` may not look at the images, or not add images to the other project; to move, they must manage both.
    StoreError
        Both are the same project.
    NotFoundError
        There is no such project.
    """
    require_transfer(store, source_id, target_id, mode, by)
    params = TransferParams(
        project_id=source_id,
        target_id=target_id,
        image_ids=tuple(dict.fromkeys(image_ids)),
        mode=TransferMode(mode).value,
    )
    return submit(params, by=by, priority=Priority.NORMAL, store=store)


def require_transfer(store: Store, source_id: str, target_id: str, mode: TransferMode, by: str) -> None:
    """Refuse what a person may not do. Raises as `start_transfer`."""
    if source_id == target_id:
        raise StoreError("The images are already in this project.", "Choose another project.")
    moving = mode is TransferMode.MOVE
    store.projects.get(source_id), store.projects.get(target_id)
    require(store, source_id, by, Permission.MANAGE if moving else Permission.VIEW)
    require(store, target_id, by, Permission.MANAGE if moving else Permission.ADD_IMAGES)


def transfer_image(
    store: Store,
    image: ImageRecord,
    source: ProjectRecord,
    target: ProjectRecord,
    mode: TransferMode,
    *,
    by: str,
    began_at: datetime,
) -> str:
    """Copy or move one image.

    Parameters
    ----------
    began_at
        When the transfer was asked for: a copy that is younger is of an attempt that was cut off, and is completed.

    Returns
    -------
    str
        Why it stayed; "": it went.
    """
    translation = match_classes(source.scheme, target.scheme, former=target.former_names)
    (planned,) = plan_transfer(store, [image.id], source.id, target.id, mode, person=by).images
    begun = next(
        (
            other
            for other in store.images.all(target.id)
            if other.content_hash == image.content_hash and other.created_at >= began_at
        ),
        None,
    )
    if planned.refusal and begun is None:
        return planned.refusal
    if mode is TransferMode.MOVE and begun is None and keeps_its_numbers(store, image, translation, target):
        _move(store, image, target, by)
        return ""
    _copy(store, image, target, translation, by)
    if mode is TransferMode.MOVE:
        store.trash.put([image.id])
    _told(store, image, target, mode, by)
    return ""


def _move(store: Store, image: ImageRecord, target: ProjectRecord, by: str) -> None:
    """The image with everything that belongs to it; one row says which project that is."""
    with store.database.writing() as session:
        for project_id in (image.project_id, target.id):
            require_within(session, store.settings, project_id, by, Permission.MANAGE)
        name = move_within(session, image, target.id)
        _note(session, name, image, target, TransferMode.MOVE, by)


def _copy(
    store: Store, image: ImageRecord, target: ProjectRecord, translation: ClassTranslation, by: str
) -> ImageRecord:
    """The image anew in the other project, with the label maps that go along."""
    hidden = hidden_revisions(store, image.project_id, by)
    revisions = carried(store, image, hidden)
    pixels = open_pyramid(store.images.pyramid_path(image.id)).whole()
    copy, _ = store.images.add_once(
        target.id,
        Image(pixels, image.pixel_size, image.name, notices=image.notices),
        split=image.split,
        **facts_of(image),
        stack=image.stack,
        z_index=image.z_index,
    )
    there = {str(each.details.get(ORIGIN, {}).get("revision_id")) for each in store.revisions.of_image(copy.id)}
    for revision in revisions:
        if revision.id not in there:
            try:
                _copy_labels(store, revision, copy, target, translation, by)
            except LabelMapError:
                continue  # in the classes of its model, of which its own project has none: unreadable there too
    return copy


def _copy_labels(
    store: Store,
    revision: RevisionRecord,
    copy: ImageRecord,
    target: ProjectRecord,
    translation: ClassTranslation,
    by: str,
) -> None:
    """A label map in the classes of the other project."""
    source = open_label_map(store, revision)
    lookup = translated_ids(translation, revision.kind)
    begun = store.revisions.begin(
        copy.id,
        revision.kind,
        model_id=revision.model_id,
        author=revision.author,
        details=_details(store, revision, target, lookup, by),
    )
    try:
        path = store.revisions.pyramid_path(begun.id)
        confidence = source.confidence
        with LabelPyramidWriter(
            path,
            copy.shape_yx,
            pixel_size_nm=copy.pixel_size.nm,
            with_confidence=confidence is not None,
            scheme=target.scheme,
        ) as writer:
            for rows in bands(copy.shape_yx[0]):
                labels = lookup[np.asarray(source.read(0, rows, slice(None)), np.uint8)]
                sure = None if confidence is None else np.asarray(confidence.read(0, rows, slice(None)), np.uint8)
                writer.write(rows.start, 0, labels, sure)
        copy_ids(source, path, translated_classes(source.object_classes, lookup))
        covered = store.revisions.pyramid_path(revision.id) / COVERAGE
        if covered.is_dir():
            shutil.copytree(covered, path / COVERAGE)
        pyramid = open_pyramid(path)
        labels_yx = pyramid.whole()
        questions = questions_of(store, revision)
        questions = None if questions is None else questions.translated(lookup)
        if questions is not None:
            questions.save(store.revisions.questions_path(begun.id))
        table = coverage_table(
            labels_yx,
            target.scheme,
            copy.pixel_size.nm,
            objects=pyramid.object_ids(),
            doubts=None if questions is None else questions.doubts(),
        )
        store.revisions.complete(begun.id, coverage=[row.to_json() for row in table])
    except BaseException:
        store.revisions.discard(begun.id)
        raise


def translated_ids(translation: ClassTranslation, kind: RevisionKind) -> NDArray[np.uint8]:
    """Every id to its translation; a class without a counterpart is *ignore*, in a prediction background.

    Returns
    -------
    ndarray
        uint8, shape (256,).
    """
    table = translation.lookup()
    nothing = BACKGROUND_ID if kind is RevisionKind.PREDICTION else IGNORE_ID
    for one, other in translation.ids.items():
        if other == BACKGROUND_ID:
            table[one] = nothing
    return table


def _details(
    store: Store, revision: RevisionRecord, target: ProjectRecord, lookup: NDArray[np.uint8], by: str
) -> dict[str, Any]:
    """Those of the original, with counts by class in the classes of the other project."""
    details = {name: value for name, value in revision.details.items() if name not in _LEFT}
    details["scheme"] = target.scheme.to_json()
    if "covered" in details:
        covered: dict[str, int] = {}
        for class_id, pixels in details["covered"].items():
            other = int(lookup[int(class_id)])
            if other != IGNORE_ID:
                covered[str(other)] = covered.get(str(other), 0) + int(pixels)
        details["covered"] = covered
    if "changes" in details:
        classes = [[int(lookup[int(i)]), gained, lost] for i, gained, lost in details["changes"].get("classes", ())]
        details["changes"] = {**details["changes"], "classes": classes}
    image = store.images.get(revision.image_id)
    details[ORIGIN] = {
        "revision_id": revision.id,
        "image_id": image.id,
        "project_id": image.project_id,
        "by": by,
    }
    return details


def _told(store: Store, image: ImageRecord, target: ProjectRecord, mode: TransferMode, by: str) -> None:
    with store.database.writing() as session:
        _note(session, image.name, image, target, mode, by)


def _note(session: Any, name: str, image: ImageRecord, target: ProjectRecord, mode: TransferMode, by: str) -> None:
    """A line in the audit log of both projects."""
    what = "image_moved" if mode is TransferMode.MOVE else "image_copied"
    for project_id in (image.project_id, target.id):
        note(session, by, what, project_id, image.id, name=name, source=image.project_id, target=target.id)
