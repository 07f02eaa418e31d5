"""A draft that begins from a correction keeps what was vouched for there."""

from __future__ import annotations

import numpy as np
import pytest

import core.annotation.beginning as beginning
from core.annotation.beginning import begin_draft
from core.annotation.draft_tiles import unpack_tile
from core.annotation.submission import submit_draft
from core.imaging.image import Image
from core.imaging.pyramid import write_label_pyramid
from core.review.label_maps import COVERAGE, LabelMap
from core.store import RevisionKind, Store
from core.store.records import ImageRecord, ProjectRecord, RevisionRecord
from tests.core.review.conftest import project, store

__all__ = ["project", "store"]

SHAPE = (600, 700)


@pytest.fixture
def image(store: Store, project: ProjectRecord) -> ImageRecord:
    return store.add_image(project.id, Image(np.zeros(SHAPE, np.uint8)))


@pytest.fixture
def labels() -> np.ndarray:
    return np.random.default_rng(5).integers(0, 3, SHAPE, np.uint8)


@pytest.fixture
def covered() -> np.ndarray:
    found = np.zeros(SHAPE, np.uint8)
    found[500:520, 100:110] = 1
    return found


@pytest.fixture
def correction(store: Store, image: ImageRecord, labels: np.ndarray, covered: np.ndarray) -> RevisionRecord:
    begun = store.begin_revision(image.id, RevisionKind.CORRECTION, author="Ada")
    path = store.label_pyramid_path(begun.id)
    write_label_pyramid(path, labels, pixel_size_nm=8.0)
    write_label_pyramid(path / COVERAGE, covered, pixel_size_nm=8.0)
    return store.complete_revision(begun.id)


def test_labels_and_coverage_come_back_tile_by_tile(
    store: Store, image: ImageRecord, correction: RevisionRecord, labels: np.ndarray, covered: np.ndarray
) -> None:
    draft, was_open = begin_draft(store, image.id, "Ada", correction.id)
    assert not was_open
    tiles = store.draft_tiles(draft.id)
    assert [(tile.row, tile.column) for tile in tiles] == [(0, 0), (1, 0)], "only those with something vouched for"
    packed = store.draft_tile_data(draft.id, [(0, 0), (1, 0)])
    for place, rows in (((0, 0), slice(0, 512)), ((1, 0), slice(512, 600))):
        found = unpack_tile(packed[place], (rows.stop - rows.start, 512))
        np.testing.assert_array_equal(found[0], labels[rows, :512])
        np.testing.assert_array_equal(found[1], covered[rows, :512])
    assert begin_draft(store, image.id, "Ada", correction.id) == (store.draft(draft.id), True), (
        "again is the same draft"
    )


def test_submitted_again_it_is_vouched_for_where_it_was(
    store: Store, image: ImageRecord, correction: RevisionRecord, covered: np.ndarray
) -> None:
    draft, _ = begin_draft(store, image.id, "Bob", correction.id)
    again = submit_draft(store, draft.id, "tab")
    assert again.changes["pixels"] == 0
    vouched = LabelMap(store, again.revision.id, SHAPE).vouched(slice(None)) != 255
    np.testing.assert_array_equal(vouched, covered > 0)


def test_a_whole_image_that_was_right_is_right_again(
    store: Store, image: ImageRecord, correction: RevisionRecord
) -> None:
    first, _ = begin_draft(store, image.id, "Ada", correction.id)
    store.set_whole_image(first.id, "tab", True)
    whole = submit_draft(store, first.id, "tab").revision
    draft, _ = begin_draft(store, image.id, "Bob", whole.id)
    assert draft.whole_image
    assert store.draft_tiles(draft.id) == ()


def test_what_broke_off_is_completed_when_asked_again(
    store: Store, image: ImageRecord, correction: RevisionRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> object:
        raise OSError("the power went")

    monkeypatch.setattr(beginning, "pack_tile", broken)
    with pytest.raises(OSError, match="power"):
        begin_draft(store, image.id, "Ada", correction.id)
    monkeypatch.undo()
    draft, was_open = begin_draft(store, image.id, "Ada", correction.id)
    assert was_open
    assert len(store.draft_tiles(draft.id)) == 2


def test_a_draft_that_a_tab_has_opened_is_left_as_it_is(
    store: Store, image: ImageRecord, correction: RevisionRecord
) -> None:
    draft, _ = store.open_draft(image.id, "Ada", correction.id)
    store.hold_draft(draft.id, "tab", "Ada")
    assert begin_draft(store, image.id, "Ada", correction.id) == (store.draft(draft.id), True)
    assert store.draft_tiles(draft.id) == ()


def test_a_prediction_vouches_for_nothing(store: Store, image: ImageRecord, labels: np.ndarray) -> None:
    begun = store.begin_revision(image.id, RevisionKind.PREDICTION)
    write_label_pyramid(store.label_pyramid_path(begun.id), labels, pixel_size_nm=8.0)
    store.complete_revision(begun.id)
    draft, _ = begin_draft(store, image.id, "Ada", begun.id)
    assert store.draft_tiles(draft.id) == ()
