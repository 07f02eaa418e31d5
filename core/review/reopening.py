"""Going on with a submitted revision: its labels, and what its author had vouched for, as a draft again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from core.access import Permission, require
from core.annotation.draft_post import MOST_TILES, tile_shape
from core.annotation.draft_tiles import class_counts, pack_tile
from core.errors import AccessError, ReviewError
from core.imaging.pyramid import TILE_PX
from core.label_scheme import IGNORE_ID
from core.review.label_maps import LabelMap
from core.review.records import ReviewState
from core.review.rows import named, review
from core.store.people import person_key
from core.store.records import DraftRecord, DraftTileRecord
from core.store.store import Store

_SYSTEM: Final = ""
"""Holder of a draft that no tab has opened yet."""

_LAST: Final = 0
"""Number of the post that completes it; tabs count from 1."""


def reopen(store: Store, revision_id: str, who: str) -> DraftRecord:
    """A draft on a revision of one's own that is not approved; submitted again, it takes the revision's place.

    Raises
    ------
    NotFoundError
        The revision has no review.
    AccessError
        It is somebody else's, or ``who`` may not paint any more.
    ReviewError
        It is approved or replaced, or ``who`` has another draft open on the image.
    """
    author, it = named(who), review(store, revision_id)
    require(store, it.project_id, author, Permission.PAINT)
    spelt = next((name for name in it.authors if person_key(name) == person_key(author)), None)
    if spelt is None:
        raise AccessError(f"The revision is {it.authors[0]}'s.", "Begin a draft of your own on it.")
    if it.state is ReviewState.APPROVED or it.superseded_by is not None:
        what = "approved" if it.state is ReviewState.APPROVED else "replaced by a newer version"
        raise ReviewError(f"The revision is {what}.", "Begin a new draft on the newest label map of the image.")
    draft, _ = store.open_draft(it.image_id, spelt, revision_id)
    if draft.base_revision_id != revision_id:
        raise ReviewError(
            f"{author} has a draft open on {it.image_name} that was begun from another label map.",
            "Submit or discard it first.",
        )
    if draft.strokes == 0 and not store.has_draft_post(draft.id, _SYSTEM, _LAST):
        draft = _with_coverage(store, draft, revision_id)
    return draft


def _with_coverage(store: Store, draft: DraftRecord, revision_id: str) -> DraftRecord:
    """The draft with what was vouched for; a call after one that broke off adds what is missing."""
    store.hold_draft(draft.id, _SYSTEM, "")
    shape = store.image(draft.image_id).shape_yx
    tiles: list[tuple[DraftTileRecord, bytes]] = []
    for number, tile in enumerate(_vouched_tiles(LabelMap(store, revision_id, shape))):
        tiles.append(tile)
        if len(tiles) == MOST_TILES:
            store.write_draft_tiles(draft.id, _SYSTEM, _LAST - 1 - number, tiles, seconds=0.0, strokes=0)
            tiles = []
    return store.write_draft_tiles(draft.id, _SYSTEM, _LAST, tiles, seconds=0.0, strokes=0)


def _vouched_tiles(labels: LabelMap) -> Iterator[tuple[DraftTileRecord, bytes]]:
    """The tiles that have any pixel that was vouched for."""
    rows, columns = (-(-edge // TILE_PX) for edge in labels.shape_yx)
    for row in range(rows):
        for column in range(columns):
            height, width = tile_shape(labels.shape_yx, row, column)
            top, left = row * TILE_PX, column * TILE_PX
            place = slice(top, top + height), slice(left, left + width)
            tile = np.ascontiguousarray(labels.labels(*place))
            covered = np.asarray(labels.vouched(*place) != IGNORE_ID)
            if covered.any():
                counts = class_counts(tile)
                record = DraftTileRecord(row, column, 0, counts, class_counts(tile, covered), counts)
                yield record, pack_tile(tile, covered)
