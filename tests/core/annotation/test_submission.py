"""Submitting a draft: the same pixels, nothing of a submission that failed, and training where it was confirmed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import core.annotation.submission as submission
from core.annotation.draft_post import tile_shape
from core.annotation.draft_tiles import class_counts, pack_tile
from core.annotation.submission import NOTE_CHARS, submit_draft
from core.datasets.folder import load_case, open_dataset
from core.errors import AnnotationError, DraftClosedError, StorageFullError
from core.imaging.image import Image, PixelSize
from core.imaging.object_pyramid import ObjectIds
from core.imaging.pyramid import TILE_PX, open_pyramid, write_label_pyramid
from core.label_scheme import LabelScheme
from core.learning.snapshot import take_snapshot, write_snapshot
from core.review.decisions import decide
from core.review.records import Decision
from core.review.rows import review
from core.store import RevisionKind, Store
from core.store.records import DraftRecord, DraftState, DraftTileRecord, ImageRecord, RevisionState

SCHEME = LabelScheme.from_names({"axon": 1, "myelin": 2})
SHAPE = (530, 600)


@pytest.fixture
def image(store: Store) -> ImageRecord:
    project = store.projects.create("nerve", SCHEME)
    pixels = np.random.default_rng(0).integers(0, 255, SHAPE, np.uint8)
    return store.images.add(project.id, Image(pixels, PixelSize.from_user(5.0), name="a.tif"))


@pytest.fixture
def predicted() -> np.ndarray:
    labels = np.zeros(SHAPE, np.uint8)
    labels[100:200, 100:600] = 1
    return labels


@pytest.fixture
def draft(store: Store, image: ImageRecord, predicted: np.ndarray) -> DraftRecord:
    begun = store.revisions.begin(image.id, RevisionKind.PREDICTION)
    write_label_pyramid(store.revisions.pyramid_path(begun.id), predicted, pixel_size_nm=5.0, scheme=SCHEME)
    store.revisions.complete(begun.id)
    return store.drafts.open(image.id, "Ada", begun.id)[0]


def paint(
    store: Store, draft: DraftRecord, labels: np.ndarray, cover: np.ndarray, *places: tuple[int, int], sequence: int = 1
) -> None:
    """Post some tiles of a whole label map."""
    tiles = []
    for row, column in places:
        height, width = tile_shape(SHAPE, row, column)
        area = np.s_[row * TILE_PX : row * TILE_PX + height, column * TILE_PX : column * TILE_PX + width]
        counts, covered = class_counts(labels[area]), class_counts(labels[area], cover[area])
        record = DraftTileRecord(row, column, 0, counts, covered, {})
        tiles.append((record, pack_tile(labels[area], cover[area])))
    store.drafts.write_tiles(draft.id, "tab", sequence, tiles, seconds=3.5, strokes=2)


@pytest.fixture
def edited(store: Store, draft: DraftRecord, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels and coverage of the draft: a stroke over the corner where four tiles meet."""
    labels, cover = predicted.copy(), np.zeros(SHAPE, bool)
    labels[505:525, 500:530] = 2
    cover[505:525, 500:530] = True
    cover[90:120, 90:120] = True  # of the prediction: right as it is
    paint(store, draft, labels, cover, (0, 0), (0, 1), (1, 0), (1, 1))
    return labels, cover


def corrections(store: Store, image: ImageRecord) -> list[RevisionState]:
    return [each.state for each in store.revisions.of_image(image.id, kind=RevisionKind.CORRECTION)]


def test_a_training_learns_where_the_author_confirmed_and_ignores_the_rest(
    store: Store, image: ImageRecord, draft: DraftRecord, edited: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    labels, cover = edited
    done = submit_draft(store, draft.id, "tab")
    decide(store, done.revision.id, "Bo", Decision.APPROVE)
    folder = write_snapshot(store, take_snapshot(store, image.project_id, [image.id]), tmp_path / "dataset")
    (case,) = open_dataset(folder).cases
    assert np.array_equal(load_case(case)[1], np.where(cover, labels, 255))
    assert done.changes["covered"] == {"0": 500, "1": 400, "2": 600}


def test_every_level_and_the_bookkeeping(
    store: Store, draft: DraftRecord, edited: tuple[np.ndarray, np.ndarray]
) -> None:
    labels, _ = edited
    revision = submit_draft(store, draft.id, "tab", "  " + "x" * 3000).revision
    pyramid = open_pyramid(store.revisions.pyramid_path(revision.id))
    assert np.array_equal(pyramid.read(0, slice(None), slice(None)), labels)
    write_label_pyramid(store.revisions.pyramid_path(revision.id).parent / "again", labels, pixel_size_nm=5.0)
    again = open_pyramid(store.revisions.pyramid_path(revision.id).parent / "again")
    for level in range(1, again.levels):
        wanted = again.read(level, slice(None), slice(None))
        assert np.array_equal(pyramid.read(level, slice(None), slice(None)), wanted)
    assert (revision.author, revision.parent_id) == ("Ada", draft.base_revision_id)
    assert (revision.details["seconds"], revision.details["strokes"]) == (3.5, 2)
    assert len(revision.details["note"]) == NOTE_CHARS
    assert revision.details["changes"] == {"pixels": 600, "classes": [[0, 0, 600], [2, 600, 0]]}


def test_a_class_that_was_removed_meanwhile_costs_no_pixel(
    store: Store, image: ImageRecord, draft: DraftRecord, edited: tuple[np.ndarray, np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Earlier versions let it be removed while drafts had it."""
    monkeypatch.setattr("core.store.project_classes._drawn", lambda *_: set())
    store.projects.update(image.project_id, scheme=LabelScheme.from_names({"axon": 1}))
    done = submit_draft(store, draft.id, "tab")
    path = store.revisions.pyramid_path(done.revision.id)
    assert np.array_equal(open_pyramid(path).read(0, slice(None), slice(None)), edited[0])
    assert {row["name"] for row in done.revision.coverage} == {"background", "axon"}


def test_a_disk_that_fills_up_midway_leaves_the_draft_open_and_no_revision(
    store: Store, image: ImageRecord, draft: DraftRecord, edited: tuple[np.ndarray, np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def full(*_: Any, **__: Any) -> None:
        raise StorageFullError("The disk is full.", "Free some space.")

    monkeypatch.setattr(submission.LabelPyramidWriter, "write", full)
    with pytest.raises(StorageFullError):
        submit_draft(store, draft.id, "tab")
    monkeypatch.undo()
    assert store.drafts.get(draft.id).state is DraftState.OPEN
    assert corrections(store, image) == []
    assert submit_draft(store, draft.id, "tab").changes["pixels"] == 600, "nothing was lost"


def test_a_draft_that_cannot_be_closed_leaves_neither_revision_nor_trace_in_the_queue(
    store: Store, image: ImageRecord, draft: DraftRecord, edited: tuple[np.ndarray, np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    first = submit_draft(store, draft.id, "tab").revision
    second, _ = store.drafts.open(image.id, "Ada", first.id)
    store.drafts.set_whole_image(second.id, "tab", True)

    def refused(*_: Any, **__: Any) -> None:
        raise StorageFullError("The disk is full.", "Free some space.")

    monkeypatch.setattr(submission, "close_within", refused)
    with pytest.raises(StorageFullError):
        submit_draft(store, second.id, "tab")
    monkeypatch.undo()
    assert corrections(store, image) == [RevisionState.COMPLETE], "the first one only"
    assert review(store, first.id).superseded_by is None
    assert store.drafts.get(second.id).state is DraftState.OPEN
    again = submit_draft(store, second.id, "tab").revision
    assert review(store, first.id).superseded_by == again.id


def test_a_draft_that_is_submitted_twice_at_once_becomes_one_revision(
    store: Store, image: ImageRecord, draft: DraftRecord, edited: tuple[np.ndarray, np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    other: list[str] = []

    def meanwhile(_: Path) -> None:
        monkeypatch.undo()
        other.append(submit_draft(store, draft.id, "tab").revision.id)

    monkeypatch.setattr(submission, "sync_tree", meanwhile)
    assert submit_draft(store, draft.id, "tab").revision.id == other[0]
    assert corrections(store, image) == [RevisionState.COMPLETE]
    assert [path.name for path in store.labels_dir.iterdir() if path.name == other[0]]
    assert len(list(store.labels_dir.iterdir())) == 2, "the prediction and one correction"


def test_without_an_image_sized_count_the_areas_are_still_told(
    store: Store, draft: DraftRecord, edited: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submission, "OBJECTS_UP_TO_PX", 0)
    rows = {row["name"]: row for row in submit_draft(store, draft.id, "tab").revision.coverage}
    assert (rows["axon"]["pixels"], rows["axon"]["area_um2"]) == (50_000, pytest.approx(50_000 * 25e-6))
    assert rows["axon"]["objects"] is None


def test_a_discarded_or_untouched_draft_is_no_revision(store: Store, image: ImageRecord, draft: DraftRecord) -> None:
    with pytest.raises(AnnotationError, match="Nothing was painted"):
        submit_draft(store, draft.id, "tab")
    store.drafts.close(draft.id, DraftState.DISCARDED, holder="tab")
    with pytest.raises(DraftClosedError):
        submit_draft(store, draft.id, "tab")
    assert corrections(store, image) == []


def test_ignore_is_never_confirmed(store: Store, draft: DraftRecord, predicted: np.ndarray) -> None:
    labels = predicted.copy()
    labels[300:310, 300:310] = 255
    paint(store, draft, labels, np.ones(SHAPE, bool), (0, 0))
    assert submit_draft(store, draft.id, "tab").changes["covered"] == {"0": 512**2 - 100 * 412 - 100, "1": 100 * 412}


def test_objects_keep_their_ids_and_are_counted_by_them(
    store: Store, image: ImageRecord, predicted: np.ndarray
) -> None:
    ids = predicted.astype(np.uint32) * 5
    ids[150:, :] = np.where(predicted[150:, :] > 0, 6, 0)
    begun = store.revisions.begin(image.id, RevisionKind.PREDICTION)
    path = store.revisions.pyramid_path(begun.id)
    write_label_pyramid(path, predicted, pixel_size_nm=5.0, objects=ObjectIds(ids, (1,)))
    store.revisions.complete(begun.id)
    draft = store.drafts.open(image.id, "Ada", begun.id)[0]
    labels = predicted.copy()
    labels[300:310, 300:310] = 1
    paint(store, draft, labels, np.ones(SHAPE, bool), (0, 0))
    revision = submit_draft(store, draft.id, "tab").revision
    kept = open_pyramid(store.revisions.pyramid_path(revision.id)).object_ids()
    assert kept is not None
    assert kept.class_ids == (1,)
    np.testing.assert_array_equal(kept.ids_yx[:300], ids[:300])
    assert (kept.ids_yx[300:310, 300:310] == 7).all()
    assert revision.details["object_ids"]["new"] == 1
    (row,) = [row for row in revision.coverage if row["class_id"] == 1]
    assert (row["objects"], row["counted_by"]) == (3, "ids")
