"""Splitting, merging and deleting objects of a draft: what is to change, pixel by pixel, and why it is refused."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from core.annotation import object_edits, object_shapes
from core.annotation.draft_ids import DraftPixels
from core.annotation.draft_objects import delete, edited_objects, merge, split
from core.annotation.draft_post import tile_shape
from core.annotation.draft_tiles import DraftPlane, DraftSource, DraftTiles, pack_tile, unpack_ids, unpack_tile
from core.annotation.object_edits import ObjectEdit
from core.errors import AnnotationError
from core.imaging.object_pyramid import MOST_ID, ObjectIds
from core.imaging.pyramid import TILE_PX, open_pyramid, write_label_pyramid

SHAPE = (700, 1200)
EIGHT = np.ones((3, 3), bool)


class Draft:
    """A draft over a label map, with the tiles that were posted."""

    def __init__(
        self, folder: Path, labels: np.ndarray, ids: np.ndarray | None, classes: tuple[int, ...] = (1, 2)
    ) -> None:
        objects = None if ids is None else ObjectIds(ids.astype(np.uint32), classes)
        write_label_pyramid(folder / "labels", labels, pixel_size_nm=5.0, objects=objects)
        self.base = open_pyramid(folder / "labels")
        self.shape = labels.shape
        self.packed: dict[tuple[int, int], bytes] = {}
        self.version = 0
        self.versions: dict[tuple[int, int], int] = {}
        self.name = str(folder)

    def read(self, places: Collection[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
        return {place: self.packed[place] for place in places if place in self.packed}

    @property
    def source(self) -> DraftSource:
        halves = [(-(-self.shape[0] // 2**n), -(-self.shape[1] // 2**n)) for n in range(self.base.levels)]
        return DraftSource(self.name, tuple(halves), self.base, dict(self.versions), self.read)

    @property
    def pixels(self) -> DraftPixels:
        return DraftPixels(self.source)

    def now(self) -> tuple[np.ndarray, np.ndarray]:
        return self.pixels.window(slice(0, self.shape[0]), slice(0, self.shape[1]))

    def post(self, place: tuple[int, int], labels: np.ndarray, cover: np.ndarray, ids: np.ndarray | None) -> None:
        self.version += 1
        self.packed[place], self.versions[place] = pack_tile(labels, cover, ids), self.version

    def apply(self, edit: ObjectEdit) -> None:
        """As the browser does."""
        for item in edit.tiles:
            place = item.row, item.column
            labels, ids = (plane.copy() for plane in self.pixels.tile(place))
            cover = np.zeros(labels.shape, bool)
            if place in self.packed:
                cover = unpack_tile(self.packed[place], labels.shape)[1].astype(bool)
            for start, length, number in item.runs.tolist():
                ids.ravel()[start : start + length] = number
                cover.ravel()[start : start + length] = True
                if edit.to_json()["label"] == 0:
                    labels.ravel()[start : start + length] = 0
            self.post(place, labels, cover, ids)


def boxes(*items: tuple[int, int, int, int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Labels and ids with boxes of top, bottom, left, right, class, id."""
    labels, ids = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint32)
    for top, bottom, left, right, class_id, number in items:
        labels[top:bottom, left:right], ids[top:bottom, left:right] = class_id, number
    return labels, ids


def test_a_line_makes_two_objects_and_loses_no_pixel(tmp_path: Path) -> None:
    draft = Draft(tmp_path, *boxes((100, 140, 450, 650, 1, 7), (300, 320, 10, 30, 2, 9)))
    labels, before = draft.now()
    edit = split(draft.pixels, [(90.0, 500.5), (150.0, 500.5)])
    assert (edit.class_id, edit.objects) == (1, (7, 10)), "the larger part keeps its id, the other's is free"
    draft.apply(edit)
    after_labels, after = draft.now()
    np.testing.assert_array_equal(after_labels, labels)
    np.testing.assert_array_equal(after != 0, before != 0)
    assert [(after == number).sum() for number in (7, 10)] == pytest.approx([40 * 150, 40 * 50], abs=40)
    assert all(ndimage.label(after == number, EIGHT)[1] == 1 for number in (7, 10))
    assert set(np.unique(after[:, 512:])) == {0, 7}, "the tile behind the cut too"
    cover = unpack_tile(draft.packed[0, 0], (TILE_PX, TILE_PX))[1]
    np.testing.assert_array_equal(cover, (labels == 1)[:TILE_PX, :TILE_PX], "who splits has looked at both")


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ([(90, 500), (120, 500)], "does not cut"),
        ([(110, 500), (130, 500)], "does not cut"),
        ([(500, 10), (500, 90)], "no object under"),
        ([(-50, -9), (-20, -9)], "no object under"),
        ([(100, 500)], "two points"),
    ],
    ids=["ends inside", "within", "on background", "outside the image", "a point"],
)
def test_a_line_that_does_not_cut_says_so(tmp_path: Path, line: list[tuple[float, float]], cause: str) -> None:
    draft = Draft(tmp_path, *boxes((100, 140, 450, 650, 1, 7)))
    with pytest.raises(AnnotationError, match=cause):
        split(draft.pixels, line)


@pytest.mark.parametrize("slant", range(-60, 61, 20))
def test_no_slanting_line_lets_corners_through(tmp_path: Path, slant: int) -> None:
    draft = Draft(tmp_path, *boxes((100, 140, 400, 600, 1, 7)))
    draft.apply(split(draft.pixels, [(95.3, 500.2 - slant), (144.8, 500.7 + slant)]))
    _, ids = draft.now()
    assert sorted(np.unique(ids).tolist()) == [0, 7, 8]
    assert all(ndimage.label(ids == number, EIGHT)[1] == 1 for number in (7, 8))


def test_a_piece_without_an_id_is_split_and_both_parts_have_ids(tmp_path: Path) -> None:
    labels, _ = boxes((100, 140, 450, 650, 1, 0), (300, 320, 10, 30, 1, 0))
    draft = Draft(tmp_path, labels, None)
    assert draft.pixels.classes() == ()
    draft.apply(split(draft.pixels, [(90, 500), (150, 500)]))
    _, ids = draft.now()
    assert np.unique(ids[labels == 1]).tolist() == [0, 1, 2], "the other piece has none"
    assert draft.pixels.classes() == (1,)


def test_a_stroke_over_several_objects_cuts_the_one_that_most_of_it_lies_on(tmp_path: Path) -> None:
    draft = Draft(tmp_path, *boxes((100, 110, 400, 500, 1, 3), (120, 180, 400, 500, 1, 4)))
    edit = split(draft.pixels, [(95, 450), (190, 450)])
    assert edit.objects == (4, 5)


def test_a_line_far_beyond_the_object_cuts_it(tmp_path: Path) -> None:
    draft = Draft(tmp_path, *boxes((100, 140, 20, 200, 1, 7)))
    draft.apply(split(draft.pixels, [(-30, 95), (699, 105)]))
    assert np.unique(draft.now()[1]).tolist() == [0, 7, 8]


def test_the_part_elsewhere_stays_with_the_largest(tmp_path: Path) -> None:
    draft = Draft(tmp_path, *boxes((100, 140, 450, 650, 1, 7), (300, 320, 10, 30, 1, 7)))
    draft.apply(split(draft.pixels, [(90, 500), (150, 500)]))
    _, ids = draft.now()
    assert (ids[300:320, 10:30] == 7).all()


def test_merging_takes_every_part_of_both_and_keeps_the_first_id(tmp_path: Path) -> None:
    draft = Draft(tmp_path, *boxes((100, 140, 450, 520, 1, 7), (600, 620, 10, 30, 1, 7), (100, 140, 520, 650, 1, 8)))
    edit = merge(draft.pixels, [(120, 600), (120, 460)])
    assert edit.objects == (8,)
    draft.apply(edit)
    labels, ids = draft.now()
    assert set(np.unique(ids[labels == 1])) == {8}


def test_merging_pieces_without_ids_gives_them_one(tmp_path: Path) -> None:
    labels, ids = boxes((100, 140, 450, 520, 1, 0), (300, 320, 10, 30, 1, 0), (500, 510, 10, 30, 1, 4))
    draft = Draft(tmp_path, labels, ids)
    draft.apply(merge(draft.pixels, [(310, 20), (120, 500)]))
    assert np.unique(draft.now()[1][labels == 1]).tolist() == [4, 5]
    draft.apply(merge(draft.pixels, [(310, 20), (505, 20)]))
    assert np.unique(draft.now()[1][labels == 1]).tolist() == [5]


@pytest.mark.parametrize(
    ("points", "cause"),
    [
        ([(120, 460), (310, 20)], "different classes"),
        ([(120, 460), (130, 500)], "same object"),
        ([(120, 460), (0, 0)], "only background"),
        ([(120, 460), (9999, 0)], "outside the image"),
        ([(120, 460)], "Only one"),
    ],
    ids=["classes", "itself", "background", "outside", "one"],
)
def test_what_cannot_be_merged_is_refused_with_a_reason(
    tmp_path: Path, points: list[tuple[int, int]], cause: str
) -> None:
    draft = Draft(tmp_path, *boxes((100, 140, 450, 650, 1, 7), (300, 320, 10, 30, 2, 7)))
    with pytest.raises(AnnotationError, match=cause):
        merge(draft.pixels, points)


def test_one_id_in_two_classes_is_two_objects(tmp_path: Path) -> None:
    draft = Draft(tmp_path, *boxes((100, 140, 450, 650, 1, 7), (140, 180, 450, 650, 2, 7)))
    draft.apply(delete(draft.pixels, (110, 460)))
    labels, ids = draft.now()
    assert np.unique(labels).tolist() == [0, 2]
    assert ((ids == 7) == (labels == 2)).all()


def test_deleting_takes_all_parts_of_an_object_and_not_the_one_beside_it(tmp_path: Path) -> None:
    draft = Draft(tmp_path, *boxes((100, 140, 450, 520, 1, 7), (600, 620, 10, 30, 1, 7), (100, 140, 520, 650, 1, 8)))
    draft.apply(delete(draft.pixels, (605, 15)))
    labels, ids = draft.now()
    assert (labels == 1).sum() == 40 * 130
    assert np.unique(ids).tolist() == [0, 8]


def test_what_was_painted_is_part_of_the_piece_and_ids_follow_tiles(tmp_path: Path) -> None:
    draft = Draft(tmp_path, *boxes((100, 140, 450, 650, 1, 7)))
    labels, ids = (plane.copy() for plane in draft.pixels.tile((0, 0)))
    labels[100:140, 400:450] = 1
    draft.post((0, 0), labels, labels == 9, None)
    assert (draft.now()[1][100:140, 400:450] == 0).all(), "a page that knows no ids"
    ids[100:140, 400:450] = 7
    draft.post((0, 0), labels, labels == 9, ids)
    draft.apply(split(draft.pixels, [(90, 430), (150, 430)]))
    _, after = draft.now()
    assert (after[100:140, 440:650] == 7).all()
    assert (after[100:140, 400:420] == 8).all()


def test_tiles_of_ids_on_every_level_are_those_of_a_pyramid(tmp_path: Path) -> None:
    draft = Draft(tmp_path, *boxes((100, 140, 450, 650, 1, 7), (400, 640, 300, 900, 2, 9)))
    draft.apply(split(draft.pixels, [(90, 500), (150, 500)]))
    draft.apply(split(draft.pixels, [(390, 700), (680, 700)]))
    _, ids = draft.now()
    tiles, source = DraftTiles(), draft.source
    for level in range(draft.base.levels):
        for again in range(2):
            found = tiles.ids(source, level, 0, 0)
            small = ids[:: 2**level, :: 2**level][:TILE_PX, :TILE_PX]
            np.testing.assert_array_equal(found, small, f"level {level}, time {again}")
    assert tiles.tile(source, DraftPlane.LABELS, 0, 0, 0).shape == (TILE_PX, TILE_PX)


def test_free_ids_lie_above_all_others_or_in_a_gap(tmp_path: Path) -> None:
    draft = Draft(tmp_path, *boxes((0, 9, 0, 9, 1, 5), (20, 29, 0, 9, 1, MOST_ID), (40, 49, 0, 9, 1, 2)))
    assert list(draft.pixels.free_ids(3)) == [6, 7, 8]
    assert list(draft.pixels.free_ids(2)) == [3, 4]
    with pytest.raises(AnnotationError, match="ids go up to"):
        draft.pixels.free_ids(MOST_ID)


def test_an_object_that_is_too_large_says_how_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = Draft(tmp_path, *boxes((100, 140, 10, 1190, 1, 7)))
    monkeypatch.setattr(object_shapes, "MOST_PX", 100_000)
    monkeypatch.setattr(object_edits, "MOST_TILES", 2)
    with pytest.raises(AnnotationError, match=r"area of [\d,]+ x [\d,]+ px"):
        split(draft.pixels, [(90, 500), (150, 500)])
    with pytest.raises(AnnotationError, match="3 tiles"):
        delete(draft.pixels, (120, 20))


def test_a_tile_with_ids_is_read_by_those_who_know_none(tmp_path: Path) -> None:
    labels, ids = np.ones((3, 4), np.uint8), np.arange(12, dtype=np.uint32).reshape(3, 4)
    packed = pack_tile(labels, labels > 0, ids)
    np.testing.assert_array_equal(unpack_tile(packed, (3, 4))[0], labels)
    np.testing.assert_array_equal(unpack_ids(packed, (3, 4)), ids)
    assert unpack_ids(pack_tile(labels, labels > 0), (3, 4)) is None
    assert tile_shape((3, 4), 0, 0) == (3, 4)


@pytest.mark.parametrize(
    "request_json",
    [{}, {"action": "join"}, {"action": "split"}, {"action": "split", "line": [[1, 2], [1, "2"]]},
     {"action": "merge", "points": [[1, 2, 3]]}, {"action": "delete", "point": None}, {"action": "split", "line": 3},
     {"action": "delete", "point": [1e300, 2]}, {"action": "split", "line": [[0, 0]] * 1001}],
)  # fmt: skip
def test_a_request_that_makes_no_sense_is_refused(tmp_path: Path, request_json: dict[str, object]) -> None:
    draft = Draft(tmp_path, *boxes((100, 140, 450, 650, 1, 7)))
    with pytest.raises(AnnotationError):
        edited_objects(draft.pixels, request_json)
