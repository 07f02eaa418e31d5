"""A submitted revision as a draft again: nothing that was vouched for is lost."""

from __future__ import annotations

import numpy as np
import pytest

from core.annotation.draft_tiles import unpack_tile
from core.errors import AccessError, ReviewError
from core.imaging.image import Image
from core.imaging.pyramid import write_label_pyramid
from core.review.decisions import decide
from core.review.label_maps import COVERAGE
from core.review.records import Decision
from core.review.reopening import reopen
from core.review.rows import review
from core.store import RevisionKind, Store
from core.store.records import ImageRecord, ProjectRecord
from tests.core.review.conftest import add_labels

BLANK = np.zeros((4, 4), np.uint8)


def test_labels_and_coverage_come_back_tile_by_tile(store: Store, project: ProjectRecord) -> None:
    image = store.add_image(project.id, Image(np.zeros((600, 700), np.uint8)))
    labels = np.random.default_rng(5).integers(0, 3, (600, 700), np.uint8)
    covered = np.zeros((600, 700), np.uint8)
    covered[500:520, 100:110] = 1
    begun = store.begin_revision(image.id, RevisionKind.CORRECTION, author="Ada")
    path = store.label_pyramid_path(begun.id)
    write_label_pyramid(path, labels, pixel_size_nm=8.0)
    write_label_pyramid(path / COVERAGE, covered, pixel_size_nm=8.0)
    store.complete_revision(begun.id)
    decide(store, begun.id, "Bo", Decision.REQUEST_CHANGES, "see the membrane")

    draft = reopen(store, begun.id, "ada")
    assert draft.base_revision_id == begun.id
    tiles = store.draft_tiles(draft.id)
    assert [(tile.row, tile.column) for tile in tiles] == [(0, 0), (1, 0)], "only those with something vouched for"
    packed = store.draft_tile_data(draft.id, [(0, 0), (1, 0)])
    for place, rows in (((0, 0), slice(0, 512)), ((1, 0), slice(512, 600))):
        found = unpack_tile(packed[place], (rows.stop - rows.start, 512))
        np.testing.assert_array_equal(found[0], labels[rows, :512])
        np.testing.assert_array_equal(found[1], covered[rows, :512])
    assert sum(sum(tile.covered.values()) for tile in tiles) == 200
    assert reopen(store, begun.id, "Ada") == store.draft(draft.id), "again is the same draft"

    again = add_labels(store, image, labels, parent=begun)
    assert review(store, begun.id).superseded_by == again.id
    with pytest.raises(ReviewError, match="newer version"):
        reopen(store, begun.id, "Ada")


def test_what_cannot_be_reopened(store: Store, image: ImageRecord) -> None:
    revision = add_labels(store, image, BLANK)
    with pytest.raises(AccessError, match="Ada's"):
        reopen(store, revision.id, "Dee")
    store.open_draft(image.id, "Ada", None)
    with pytest.raises(ReviewError, match="another label map"):
        reopen(store, revision.id, "Ada")
    decide(store, revision.id, "Bo", Decision.APPROVE)
    with pytest.raises(ReviewError, match="approved"):
        reopen(store, revision.id, "Ada")
