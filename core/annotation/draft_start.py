"""Beginning a draft from any label map: its labels, and what its author had confirmed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from core.access.roles import Permission, require
from core.annotation.draft_post import MOST_TILES, tile_shape
from core.annotation.draft_tiles import class_counts, pack_tile
from core.errors import AccessError, AnnotationError
from core.imaging.pyramid import TILE_PX
from core.label_scheme import IGNORE_ID
from core.review.double_annotation import own_work, require_visible
from core.review.label_maps import LabelMap
from core.store.people import person_key
from core.store.records import DraftRecord, DraftState, DraftTileRecord, RevisionKind, RevisionRecord
from core.store.store import Store

_SYSTEM: Final = ""
"""Holder of a draft that no tab has opened yet."""

_LAST: Final = 0
"""Number of the post that completes it; tabs count from 1."""


def begin_draft(store: Store, image_id: str, author: str, revision_id: str | None = None) -> tuple[DraftRecord, bool]:
    """`prepare_draft` for a person: they are asked for their right to paint and to see what it is begun from.

    Raises
    ------
    AccessError
        The author may not paint in the project of the image, or may not see the revision (yet).
    NotFoundError, AnnotationError, StorageFullError
        As `prepare_draft`.
    """
    require(store, store.images.get(image_id).project_id, author, Permission.PAINT)
    if revision_id is not None:
        require_visible(store, revision_id, author)
    return prepare_draft(store, image_id, author, revision_id)


def discard_draft(store: Store, draft_id: str, *, by: str) -> None:
    """Throw a draft away with what was painted in it; submitted revisions stay.

    Raises
    ------
    AccessError
        It is the draft of somebody else, or ``by`` may not paint in the project (any more).
    NotFoundError, DraftClosedError, DraftHeldError
        As `Drafts.close`.
    """
    draft = store.drafts.get(draft_id)
    require(store, store.images.get(draft.image_id).project_id, by, Permission.PAINT)
    if person_key(draft.author) != person_key(by):
        raise AccessError(f"This draft belongs to {draft.author or 'nobody'}.", "Only its author can discard it.")
    store.drafts.close(draft.id, DraftState.DISCARDED, holder=draft.holder_id)


def prepare_draft(store: Store, image_id: str, author: str, revision_id: str | None = None) -> tuple[DraftRecord, bool]:
    """The author's open draft of an image, or a new one; the second value says whether it was there.

    Begun from a correction, it carries on what was confirmed there, so that submitting it again loses none of that.
    References and predictions have no coverage of their own: there, what is painted or confirmed counts.

    Parameters
    ----------
    revision_id
        What a new draft is begun from; None: background everywhere.

    Raises
    ------
    NotFoundError
        There is no such image, or it has no such revision.
    AnnotationError
        The author is asked to annotate the image on their own, and that begins from another label map.
    StorageFullError
        The disk is full; asked again, the draft is completed.
    """
    asked = own_work(store, image_id, author)
    if asked is not None and asked.base_revision_id != revision_id:
        raise AnnotationError(
            (
                "You have been assigned this image for independent annotation; all annotators start from the same "
                "label map."
            ),
            "Start from the label map that the Correct page offers.",
        )
    draft, was_open = store.drafts.open(image_id, author, revision_id)
    if draft.base_revision_id is None or draft.strokes or store.drafts.has_post(draft.id, _SYSTEM, _LAST):
        return draft, was_open
    base = store.revisions.get(draft.base_revision_id)
    if base.kind is not RevisionKind.CORRECTION or (was_open and draft.holder_id != _SYSTEM):
        return draft, was_open
    return _with_coverage(store, draft, base), was_open


def preferred_prediction(predictions: Sequence[RevisionRecord], model_id: str | None) -> RevisionRecord | None:
    """The prediction to correct: the newest by the current model, else the newest; None where there is none.

    Parameters
    ----------
    predictions
        Of one image, newest first.
    model_id
        The project's current model (`core.learning.current_model`).
    """
    by_it = (prediction for prediction in predictions if model_id is not None and prediction.model_id == model_id)
    return next(by_it, predictions[0] if predictions else None)


def _with_coverage(store: Store, draft: DraftRecord, base: RevisionRecord) -> DraftRecord:
    """The draft with what was confirmed; a call after one that broke off adds what is missing."""
    if base.details.get("whole_image"):
        store.drafts.set_whole_image(draft.id, _SYSTEM, True)
        return store.drafts.write_tiles(draft.id, _SYSTEM, _LAST, [], seconds=0.0, strokes=0)
    shape = store.images.get(draft.image_id).shape_yx
    tiles: list[tuple[DraftTileRecord, bytes]] = []
    for number, tile in enumerate(_confirmed_tiles(LabelMap(store, base.id, shape))):
        tiles.append(tile)
        if len(tiles) == MOST_TILES:
            store.drafts.write_tiles(draft.id, _SYSTEM, _LAST - 1 - number, tiles, seconds=0.0, strokes=0)
            tiles = []
    return store.drafts.write_tiles(draft.id, _SYSTEM, _LAST, tiles, seconds=0.0, strokes=0)


def _confirmed_tiles(labels: LabelMap) -> Iterator[tuple[DraftTileRecord, bytes]]:
    """The tiles that have any pixel that was confirmed."""
    rows, columns = (-(-edge // TILE_PX) for edge in labels.shape_yx)
    for row in range(rows):
        for column in range(columns):
            height, width = tile_shape(labels.shape_yx, row, column)
            top, left = row * TILE_PX, column * TILE_PX
            place = slice(top, top + height), slice(left, left + width)
            tile = np.ascontiguousarray(labels.labels(*place))
            covered = np.asarray(labels.confirmed(*place) != IGNORE_ID)
            if covered.any():
                counts = class_counts(tile)
                record = DraftTileRecord(row, column, 0, counts, class_counts(tile, covered), counts)
                yield record, pack_tile(tile, covered)
