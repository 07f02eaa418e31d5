"""Predictions are cleaned by the object rules of their model; what was removed is kept beside the label map.

So the map before can be had again, and other rules can be applied in about a second, without predicting again. A label
map does not change: other rules make another one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import CristaeError, PredictionError
from core.imaging.object_pyramid import ObjectIds, write_object_pyramid
from core.imaging.pyramid import open_pyramid, write_label_pyramid
from core.label_scheme import LabelScheme
from core.models.store import ModelStore
from core.morphometry.coverage import coverage_table
from core.objects.asking import questions_of
from core.objects.carried_ids import DETAILS as OBJECT_IDS
from core.objects.carried_ids import all_tiles, carry_ids
from core.objects.cleaning import Changes, cleaned
from core.objects.pieces import PieceTable, piece_table
from core.objects.questions import Questions
from core.objects.report import ClassCleaning, cleaning_rows
from core.objects.rules import ObjectRules, PixelLimits, RuleSource
from core.objects.separating import object_ids
from core.objects.separation import UNSEPARATED, Separation
from core.segmentation.parting import PartingRows
from core.segmentation.resampling import taken_pixel_size
from core.store.label_maps import MATCH, label_classes, open_label_map, translation_of
from core.store.records import ImageRecord, RevisionKind, RevisionRecord
from core.store.store import Store

DETAILS: Final = "objects"
"""Where a revision's details say how it was cleaned: the JSON of `CleaningFacts`."""


def keep_cleaning(
    store: Store,
    revision_id: str,
    labels_yx: NDArray[np.uint8],
    changes: Changes,
    rules: ObjectRules,
    pixel_size_nm: float | None,
    scheme: LabelScheme,
    pieces: PieceTable,
    *,
    separation: Separation = UNSEPARATED,
    parting: PartingRows | None = None,
) -> dict[str, Any]:
    """Keep beside a label map what cleaning changed.

    Parameters
    ----------
    store
        Where the label map's folder is.
    revision_id
        The label map.
    labels_yx, pieces
        Its pixels, cleaned, and the pieces that they make.
    changes
        What was done.
    rules
        By which, in the ids of ``scheme``.
    pixel_size_nm
        That they were applied with: the image's, or where it is unknown the model's.
    scheme
        Its classes.
    separation, parting
        How its objects were told apart, as for `keep_objects`.

    Returns
    -------
    dict
        Plain values for the revision's details, under `DETAILS`.

    Raises
    ------
    StorageFullError
        The disk is full.
    """
    raw = pieces
    if changes.pixels:
        raw_yx = changes.undo(labels_yx)
        raw = piece_table(raw_yx, object_ids(raw_yx, parting, separation, rules.limits(pixel_size_nm)))
    changes.save(store.revisions.cleaning_path(revision_id))
    raw.save(store.revisions.piece_table_path(revision_id))
    rows = cleaning_rows(raw, pieces, changes, rules, pixel_size_nm, scheme)
    return {
        "rules": rules.to_json(),
        "pixel_size_nm": pixel_size_nm,
        "changed_px": changes.pixels,
        "separation": separation.to_json(),
        "classes": [row.to_json() for row in rows],
    }


def keep_objects(
    store: Store,
    revision_id: str,
    labels_yx: NDArray[np.uint8],
    parting: PartingRows | None,
    separation: Separation,
    limits: PixelLimits,
    pixel_size_nm: float | None,
) -> ObjectIds | None:
    """Tell the touching objects of a prediction apart, and keep their ids beside its label map.

    Parameters
    ----------
    store
        Where the label map's folder is.
    revision_id
        The label map; it is written, and not complete yet.
    labels_yx
        Its pixels, cleaned.
    parting
        What the network found; kept, so that another cleaning can use it.
    separation
        Of the model, in the ids of the label map.
    limits
        The smallest objects, in pixels of this map.
    pixel_size_nm
        Of the label map.

    Returns
    -------
    ObjectIds
        None where connected pieces are the objects.

    Raises
    ------
    StorageFullError
        The disk is full.
    """
    if parting is not None:
        parting.save(store.revisions.parting_path(revision_id))
    objects = object_ids(labels_yx, parting, separation, limits)
    if objects is not None:
        write_object_pyramid(store.revisions.pyramid_path(revision_id), objects, pixel_size_nm=pixel_size_nm)
    return objects


def keep_questions(
    store: Store,
    revision_id: str,
    labels_yx: NDArray[np.uint8],
    objects: ObjectIds | None,
    parting: PartingRows | None,
    separation: Separation,
    limits: PixelLimits,
) -> Questions:
    """Find the places where the separated objects of a prediction are in doubt, and keep them beside its label map.

    Parameters
    ----------
    objects
        As `keep_objects` gave them; the other parameters are as there.

    Raises
    ------
    StorageFullError
        The disk is full.
    """
    questions = questions_of(labels_yx, objects, parting, separation, limits)
    if objects is not None:
        questions.save(store.revisions.questions_path(revision_id))
    return questions


def cleaning_of(revision: RevisionRecord) -> tuple[ClassCleaning, ...]:
    """How a label map was cleaned, class by class; empty where it was not."""
    rows = revision.details.get(DETAILS, {}).get("classes", ())
    return tuple(ClassCleaning(**{**row, "source": RuleSource(row["source"])}) for row in rows)


def raw_labels(store: Store, revision: RevisionRecord) -> NDArray[np.uint8]:
    """The label map as the network gave it, in the ids of its project.

    Raises
    ------
    LabelMapError
        What was changed cannot be read, or the classes of the map have no counterpart in the project.
    """
    labels_yx = open_pyramid(store.revisions.pyramid_path(revision.id)).whole()
    changes = Changes.load(store.revisions.cleaning_path(revision.id))
    raw_yx = labels_yx if changes is None else changes.undo(labels_yx)
    return translation_of(store, revision).translated(raw_yx)


def raw_pieces(store: Store, revision: RevisionRecord) -> PieceTable | None:
    """The pieces before cleaning, in the ids of the project; None where they were not kept."""
    table = PieceTable.load(store.revisions.piece_table_path(revision.id))
    if table is None:
        return None
    lookup = translation_of(store, revision).lookup()
    return PieceTable(lookup[table.class_id], table.area_px, table.cut)


def clean_again(
    store: Store,
    revision: RevisionRecord,
    rules: ObjectRules,
    *,
    author: str = "",
    check_cancelled: Callable[[], None] = lambda: None,
) -> RevisionRecord:
    """A new label map from the same prediction, cleaned by other rules.

    Parameters
    ----------
    revision
        A complete prediction, cleaned or not.
    rules
        In the ids of its classes; without rules it is the network's own map again.

    Returns
    -------
    RevisionRecord
        The new prediction, by the same model.

    Raises
    ------
    PredictionError
        It is no prediction of a model.
    LabelMapError
        What was changed cannot be read.
    StorageFullError
        The disk is full; nothing is left then.
    """
    if revision.kind is not RevisionKind.PREDICTION or revision.model_id is None:
        raise PredictionError(
            "Only predictions of a model can be cleaned; other label maps are edited by people.",
            "Correct the label map on the Correct page.",
        )
    image, scheme = store.images.get(revision.image_id), label_classes(store, revision)
    size_nm = _applied_nm(store, image, revision)
    raw_yx = raw_labels(store, revision)
    check_cancelled()
    labels_yx, changes = cleaned(raw_yx, rules.limits(size_nm))
    confidence = open_pyramid(store.revisions.pyramid_path(revision.id)).confidence
    confidence_yx = None if confidence is None else confidence.whole()
    details = {
        MATCH: translation_of(store, revision).to_json(),
        **{name: value for name, value in revision.details.items() if name != DETAILS},
        "scheme": scheme.to_json(),
        "progress": 0.0,
    }
    new = store.revisions.begin(
        image.id,
        RevisionKind.PREDICTION,
        model_id=revision.model_id,
        parent_id=revision.id,
        author=author,
        details={
            MATCH: translation_of(store, revision).to_json(),
            **details,
            "scheme": scheme.to_json(),
            "progress": 0.0,
        },
    )
    try:
        write_label_pyramid(
            store.revisions.pyramid_path(new.id), labels_yx, pixel_size_nm=image.pixel_size.nm,
            confidence_yx=confidence_yx, scheme=scheme,
        )  # fmt: skip
        check_cancelled()
        path = store.revisions.pyramid_path(new.id)
        separation, parting = _separation(store, revision), PartingRows.load(store.revisions.parting_path(revision.id))
        limits = rules.limits(size_nm)
        objects = keep_objects(store, new.id, labels_yx, parting, separation, limits, image.pixel_size.nm)
        questions = keep_questions(store, new.id, labels_yx, objects, parting, separation, limits)
        told: dict[str, Any] = {}
        if objects is None:  # ids from elsewhere stay with their pixels
            carried = carry_ids(open_label_map(store, revision), path, all_tiles(image.shape_yx))
            objects = open_pyramid(path).object_ids()
            told = {} if carried is None else {OBJECT_IDS: carried.to_json()}
        pieces = piece_table(labels_yx, objects)
        kept = keep_cleaning(
            store, new.id, labels_yx, changes, rules, size_nm, scheme, pieces, separation=separation, parting=parting
        )
        table = coverage_table(
            labels_yx, scheme, image.pixel_size.nm, pieces=pieces, objects=objects, doubts=questions.doubts()
        )
        return store.revisions.complete(new.id, coverage=[row.to_json() for row in table], objects=kept, **told)
    except BaseException:
        store.revisions.discard(new.id)
        raise


def _separation(store: Store, revision: RevisionRecord) -> Separation:
    """How its objects were told apart, in the ids of its project."""
    kept = revision.details.get(DETAILS, {}).get("separation")
    if kept is None:
        return Separation()
    return Separation.from_json(kept).translated(translation_of(store, revision).lookup())


def _applied_nm(store: Store, image: ImageRecord, revision: RevisionRecord) -> float | None:
    """The pixel size by which areas become pixels: that of the prediction, as the page counts with it."""
    kept: dict[str, Any] | None = revision.details.get(DETAILS)
    if kept:
        size_nm: float | None = kept["pixel_size_nm"]
        return size_nm
    try:
        model_nm = ModelStore(store.settings.models_dir).get(str(revision.model_id)).pixel_size_nm
    except CristaeError:  # it has been deleted, or is broken
        model_nm = None
    return taken_pixel_size(image.pixel_size.nm, model_nm)
