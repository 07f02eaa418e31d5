"""Label maps that earlier versions wrote in other classes than their project: found, named, written anew.

A label map is written anew beside the old one, which is then moved aside, never removed. Whatever moment a repair is
cut off at, the label map is read right, and the next repair goes on from there.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.annotation.draft_post import tile_shape
from core.annotation.draft_tiles import unpack_tile
from core.errors import LabelMapError
from core.files import explained_os_errors, sync_tree, write_json
from core.imaging.pyramid import LabelPyramidWriter, Pyramid, copy_ids, open_pyramid, remove_unfinished
from core.imaging.pyramid_layout import SHARD_PX
from core.label_scheme import LabelScheme
from core.labels.translation import ClassTranslation
from core.morphometry.coverage import coverage_table
from core.objects.questions import Questions
from core.review.label_maps import COVERAGE, LabelMap, bands
from core.store.base import now
from core.store.label_maps import (
    MATCH,
    REWRITTEN,
    has_project_ids,
    in_project_classes,
    label_classes,
    translation_of,
)
from core.store.object_questions import questions_of
from core.store.records import RevisionKind, RevisionRecord
from core.store.revisions import QUESTIONS_FILE
from core.store.store import Store

REPAIRED: Final = "repaired"
"""Among the details of a label map that was written anew: when, and the classes that it was in."""


@dataclass(frozen=True, slots=True)
class ForeignMap:
    """A label map whose files hold, or held, other ids than its project.

    Parameters
    ----------
    revision
        The label map.
    image_name, project_name
        Where it is.
    translation
        From its ids to the project's; None where none of its classes is one of the project's.
    repaired
        Whether it was written anew already.
    """

    revision: RevisionRecord
    image_name: str
    project_name: str
    translation: ClassTranslation | None
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class MisreadWork:
    """Work of a person that began on a label map whose classes were misread.

    Parameters
    ----------
    what
        "draft" or "correction".
    id
        Of the draft or the revision.
    author, image_name, project_name
        Whose, and where.
    pixels
        How many labels were taken over under the number of another class.
    """

    what: str
    id: str
    author: str
    image_name: str
    project_name: str
    pixels: int


def aside(store: Store) -> Path:
    """Where label maps are kept as they were before they were written anew."""
    return store.settings.data_dir / "labels-before-repair"


def foreign_maps(store: Store) -> tuple[ForeignMap, ...]:
    """Label maps of all projects that are, or were before a repair, in other ids than their project; oldest first."""
    images = {image.id: image for image in (*store.images.all(), *store.trash.images())}
    projects = {project.id: project for project in store.projects.all()}
    found = []
    for revision in store.revisions.complete_ones():
        image = images.get(revision.image_id)
        if image is None:  # deleted meanwhile
            continue
        project = projects[image.project_id]
        repaired = REPAIRED in revision.details
        scheme = project.scheme.to_json()
        if not repaired and _names(revision.details.get("scheme") or scheme) == _names(scheme):
            continue
        unfinished = (store.revisions.pyramid_path(revision.id) / REWRITTEN).is_file()
        if not repaired and not unfinished and has_project_ids(store, revision):
            continue
        found.append(ForeignMap(revision, image.name, project.name, _translation(store, revision), repaired))
    return tuple(found)


def repair(store: Store, foreign: ForeignMap) -> RevisionRecord:
    """Write a label map anew in its project's classes; the old files are moved aside (`aside`).

    Nothing else may work with the data folder meanwhile.

    Returns
    -------
    RevisionRecord
        As it is now; the same where it was repaired before.

    Raises
    ------
    LabelMapError
        None of its classes is one of the project's.
    StorageFullError
        The disk is full; the label map is as it was.
    """
    revision = foreign.revision
    if foreign.repaired:
        return revision
    path, old = store.revisions.pyramid_path(revision.id), aside(store) / revision.id
    if not path.exists() and old.exists():  # cut off between the two moves
        old.rename(path)
    if not (path / REWRITTEN).is_file():
        _write_anew(store, revision, path, old)
    return _told(store, revision, path)


def misread_work(store: Store, foreign: ForeignMap) -> tuple[MisreadWork, ...]:
    """Open drafts and corrections that took labels over from a label map while its classes were misread.

    A label that says what the label map's number says in the project, where the label map meant another class, was
    taken over; work that was begun since then has the class that was meant.
    """
    if foreign.translation is None:
        return ()
    lookup = foreign.translation.lookup()
    path = aside(store) / foreign.revision.id if foreign.repaired else store.revisions.pyramid_path(foreign.revision.id)
    if not path.is_dir():
        return ()
    written = open_pyramid(path)
    return (*_drafts(store, foreign, written, lookup), *_corrections(store, foreign, written, lookup))


def _names(classes: list[dict[str, Any]]) -> set[tuple[int, str]]:
    return {(int(item["id"]), str(item["name"])) for item in classes}


def _translation(store: Store, revision: RevisionRecord) -> ClassTranslation | None:
    """From the ids that the label map has, or had before it was repaired."""
    repaired = revision.details.get(REPAIRED)
    if repaired is None:
        try:
            return translation_of(store, revision)
        except LabelMapError:
            return None
    ids = {int(one): int(other) for one, other in repaired["ids"]}
    return ClassTranslation(LabelScheme.from_json(repaired["scheme"]), label_classes(store, revision), ids, (), (), ())


def _write_anew(store: Store, revision: RevisionRecord, path: Path, old: Path) -> None:
    """The translated pyramid at its place, the old one aside."""
    translation = translation_of(store, revision)
    rows, columns = store.images.get(revision.image_id).shape_yx
    store.require_free_space(rows * columns * 3)
    fresh = path.with_name(f".{revision.id}.anew")
    remove_unfinished(fresh)
    shutil.rmtree(fresh, ignore_errors=True)
    source = in_project_classes(store, revision, open_pyramid(path))
    _copy(source, fresh, translation.target)
    if (path / COVERAGE).is_dir():
        with explained_os_errors(fresh):
            shutil.copytree(path / COVERAGE, fresh / COVERAGE)
    questions = questions_of(store, revision)
    if questions is not None:
        questions.save(fresh / QUESTIONS_FILE)
    write_json(
        fresh / REWRITTEN,
        {
            "scheme": translation.target.to_json(),
            "before": translation.source.to_json(),
            "ids": sorted(translation.ids.items()),
            MATCH: translation.to_json(),
        },
    )
    sync_tree(fresh)
    with explained_os_errors(old):
        old.parent.mkdir(parents=True, exist_ok=True)
        path.rename(old)
        fresh.rename(path)


def _copy(source: Pyramid, path: Path, scheme: LabelScheme) -> None:
    """A label pyramid with its confidence, band by band."""
    confidence = source.confidence
    with LabelPyramidWriter(
        path, source.shape_yx, pixel_size_nm=source.pixel_size_nm, with_confidence=confidence is not None, scheme=scheme
    ) as writer:
        for top in range(0, source.shape_yx[0], SHARD_PX):
            band = slice(top, top + SHARD_PX)
            sure = None if confidence is None else np.asarray(confidence.read(0, band, slice(None)), np.uint8)
            writer.write(top, 0, np.asarray(source.read(0, band, slice(None)), np.uint8), sure)
    copy_ids(source, path, source.object_classes)


def _told(store: Store, revision: RevisionRecord, path: Path) -> RevisionRecord:
    """The row of a label map whose files are in the project's classes."""
    anew = json.loads((path / REWRITTEN).read_text(encoding="utf-8"))
    pyramid = open_pyramid(path)
    labels = pyramid.whole()
    scheme = LabelScheme.from_json(anew["scheme"])
    size_nm = store.images.get(revision.image_id).pixel_size.nm
    questions = Questions.load(path / QUESTIONS_FILE)
    doubts = None if questions is None else questions.doubts()
    coverage = coverage_table(labels, scheme, size_nm, objects=pyramid.object_ids(), doubts=doubts)
    details = {
        "scheme": anew["scheme"],
        REPAIRED: {"at": now().isoformat(timespec="seconds"), "scheme": anew["before"], "ids": anew["ids"]},
    }
    if revision.kind is RevisionKind.PREDICTION:
        details[MATCH] = anew[MATCH]
    store.revisions.keep_repaired(revision.id, details, [row.to_json() for row in coverage])
    return store.revisions.get(revision.id)


def _drafts(store: Store, foreign: ForeignMap, written: Pyramid, lookup: NDArray[np.uint8]) -> Iterator[MisreadWork]:
    """Open drafts that began on the label map."""
    for draft in store.drafts.of_image(foreign.revision.image_id):
        if draft.base_revision_id != foreign.revision.id:
            continue
        taken, meant = 0, 0
        for tile in store.drafts.tiles(draft.id):
            place = (tile.row, tile.column)
            data = store.drafts.tile_data(draft.id, [place])[place]
            labels, _ = unpack_tile(data, tile_shape(written.shape_yx, *place))
            one, other = _taken_over(np.asarray(written.tile(0, *place), np.uint8), labels, lookup)
            taken, meant = taken + one, meant + other
        if taken > meant:
            yield MisreadWork("draft", draft.id, draft.author, foreign.image_name, foreign.project_name, taken)


def _corrections(
    store: Store, foreign: ForeignMap, written: Pyramid, lookup: NDArray[np.uint8]
) -> Iterator[MisreadWork]:
    """Corrections that began on the label map, or on one that did; of these the part that was taken over."""
    everything = store.revisions.of_image(foreign.revision.image_id, kind=RevisionKind.CORRECTION)
    behind, later = {foreign.revision.id}, list(reversed(everything))
    for revision in later:
        if revision.parent_id not in behind:
            continue
        behind.add(revision.id)
        labels = LabelMap(store, revision.id, written.shape_yx)
        taken, meant = 0, 0
        for band in bands(written.shape_yx[0]):
            before = np.asarray(written.read(0, band, slice(None)), np.uint8)
            one, other = _taken_over(before, labels.labels(band), lookup)
            taken, meant = taken + one, meant + other
        if taken > meant:
            yield MisreadWork(
                "correction", revision.id, revision.author, foreign.image_name, foreign.project_name, taken
            )


def _taken_over(written: NDArray[np.uint8], labels: NDArray[np.uint8], lookup: NDArray[np.uint8]) -> tuple[int, int]:
    """Of pixels whose number means another class: how many kept the number, and how many have the class."""
    differs = lookup[written] != written
    return int((differs & (labels == written)).sum()), int((differs & (labels == lookup[written])).sum())
