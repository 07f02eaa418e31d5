"""What becomes of object ids when somebody paints over them: nothing is joined, nothing is lost without a word."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import core.objects.carried_ids as carried_ids
from core.imaging.object_pyramid import ObjectIds
from core.imaging.pyramid import TILE_PX, open_pyramid, write_label_pyramid
from core.label_scheme import LabelScheme
from core.labels.translation import match_classes
from core.objects.carried_ids import CarriedIds, carry_ids
from core.store.label_maps import TranslatedPyramid

CLASSES = (1,)

Rows = list[list[int]]


def carried(
    tmp_path: Path, before: object, ids: object, after: object, *, classes: tuple[int, ...] = CLASSES
) -> tuple[np.ndarray, CarriedIds]:
    """The ids of the new label map; every tile was painted on."""
    one, other = np.array(before, np.uint8), np.array(after, np.uint8)
    objects = ObjectIds(np.array(ids, np.uint32), classes)
    write_label_pyramid(tmp_path / "before", one, pixel_size_nm=5.0, objects=objects)
    write_label_pyramid(tmp_path / "after", other, pixel_size_nm=5.0)
    tiles = [(r, c) for r in range(-(-one.shape[0] // TILE_PX)) for c in range(-(-one.shape[1] // TILE_PX))]
    told = carry_ids(open_pyramid(tmp_path / "before"), tmp_path / "after", tiles)
    assert told is not None
    written = open_pyramid(tmp_path / "after").object_ids()
    assert written is not None
    assert written.class_ids == classes
    return written.ids_yx, told


def test_what_nobody_painted_on_keeps_its_id(tmp_path: Path) -> None:
    ids, told = carried(tmp_path, [[1, 1, 0, 2]], [[3, 4, 0, 0]], [[1, 1, 0, 0]])
    assert ids.tolist() == [[3, 4, 0, 0]]
    assert told == CarriedIds((1,))


def test_a_stroke_joins_the_object_that_it_touches(tmp_path: Path) -> None:
    ids, told = carried(tmp_path, [[1, 0, 0, 0, 1]], [[3, 0, 0, 0, 4]], [[1, 1, 1, 0, 1]])
    assert ids.tolist() == [[3, 3, 3, 0, 4]]
    assert (told.joined_px, told.new) == (2, 0)


def test_a_stroke_between_two_objects_does_not_join_them(tmp_path: Path) -> None:
    ids, told = carried(tmp_path, [[1, 0, 0, 0, 0, 1]], [[3, 0, 0, 0, 0, 4]], [[1, 1, 1, 1, 1, 1]])
    assert ids.tolist() == [[3, 3, 3, 4, 4, 4]]
    assert (told.joined_px, told.new) == (4, 0)


def test_a_stroke_alone_is_a_new_object_and_over_a_corner_it_touches(tmp_path: Path) -> None:
    before = [[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    ids, told = carried(tmp_path, before, np.multiply(before, 7), [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]])
    assert ids.tolist() == [[7, 0, 0, 0], [0, 7, 0, 0], [0, 0, 7, 0]], "one stroke over corners"
    (tmp_path / "b").mkdir()
    ids, told = carried(tmp_path / "b", before, np.multiply(before, 7), [[1, 0, 1, 1], [0, 0, 0, 0], [0, 1, 0, 0]])
    assert ids.tolist() == [[7, 0, 8, 8], [0, 0, 0, 0], [0, 9, 0, 0]]
    assert told.new == 2


def test_a_stroke_beside_pixels_without_an_id_has_none(tmp_path: Path) -> None:
    ids, told = carried(tmp_path, [[1, 0, 0, 1]], [[0, 0, 0, 5]], [[1, 1, 0, 1]])
    assert ids.tolist() == [[0, 0, 0, 5]]
    assert told.unnumbered_px == 1


def test_an_object_cut_in_two_is_two(tmp_path: Path) -> None:
    ids, told = carried(tmp_path, [[1] * 7], [[3] * 7], [[1, 1, 0, 1, 1, 1, 1]])
    assert ids.tolist() == [[4, 4, 0, 3, 3, 3, 3]]
    assert told.parted == 1


def test_parts_that_were_apart_stay_one(tmp_path: Path) -> None:
    ids, told = carried(tmp_path, [[1, 1, 0, 1, 1]], [[3, 3, 0, 3, 3]], [[1, 0, 0, 1, 1]])
    assert ids.tolist() == [[3, 0, 0, 3, 3]]
    assert told.parted == 0


def test_an_object_painted_away_is_told(tmp_path: Path) -> None:
    ids, told = carried(tmp_path, [[1, 0, 1]], [[3, 0, 4]], [[2, 0, 1]])
    assert ids.tolist() == [[0, 0, 4]]
    assert told.removed == 1


def test_a_neighbour_that_is_painted_over_loses_what_it_lost_and_no_more(tmp_path: Path) -> None:
    """A stroke of class 1 over class 2 grows the object of class 1 that it touches; ids of class 2 stay apart."""
    ids, told = carried(tmp_path, [[1, 1, 2, 2, 2]], [[3, 3, 9, 9, 9]], [[1, 1, 1, 1, 2]], classes=(1, 2))
    assert ids.tolist() == [[3, 3, 3, 3, 9]]
    assert (told.joined_px, told.removed, told.parted) == (2, 0, 0)


def test_no_number_above_the_largest_is_given_out(tmp_path: Path) -> None:
    ids, _ = carried(tmp_path, [[1, 0, 0, 0, 1]], [[2**32 - 1, 0, 0, 0, 1]], [[1, 0, 1, 0, 1]])
    assert ids.tolist() == [[2**32 - 1, 0, 2, 0, 1]]


def test_objects_across_tiles_are_cut_and_joined_as_wholes(tmp_path: Path) -> None:
    before = np.zeros((TILE_PX + 40, 2 * TILE_PX + 40), np.uint8)
    before[TILE_PX - 20 : TILE_PX + 20, 30:-30] = 1  # a bar through all tiles
    after = before.copy()
    after[:, TILE_PX + 100 : TILE_PX + 102] = 0  # cut right of the middle
    after[TILE_PX + 20 : TILE_PX + 30, TILE_PX - 5 : TILE_PX + 5] = 1  # grown over a corner of tiles
    ids, told = carried(tmp_path, before, before.astype(np.uint32) * 6, after)
    assert np.unique(ids[:, : TILE_PX + 100]).tolist() == [0, 6]
    assert np.unique(ids[:, TILE_PX + 102 :]).tolist() == [0, 7]
    assert (told.parted, told.joined_px) == (1, 100)


def test_only_painted_tiles_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[tuple[slice, slice]] = []
    paint = carried_ids._Carrying._paint
    monkeypatch.setattr(
        carried_ids._Carrying, "_paint", lambda self, r, c: (looked.append((r, c)), paint(self, r, c))[1]
    )
    labels = np.ones((600, 1200), np.uint8)
    objects = ObjectIds(labels.astype(np.uint32), (1,))
    write_label_pyramid(tmp_path / "before", labels, pixel_size_nm=None, objects=objects)
    write_label_pyramid(tmp_path / "after", labels, pixel_size_nm=None)
    carry_ids(open_pyramid(tmp_path / "before"), tmp_path / "after", [(0, 0), (1, 2)])
    assert looked == [(slice(0, 513), slice(0, 513)), (slice(511, 600), slice(1023, 1200))]


def test_a_region_too_large_to_look_at_leaves_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carried_ids, "MOST_PX", 3)
    ids, told = carried(tmp_path, [[1, 0, 0, 0, 1]], [[3, 0, 0, 0, 4]], [[1, 1, 0, 0, 1]])
    assert ids.tolist() == [[3, 0, 0, 0, 4]]
    assert told.unnumbered_px == 1


def test_a_class_that_has_no_objects_any_more_loses_its_ids_and_says_so(tmp_path: Path) -> None:
    """The class was removed from the project while the draft was open; the other one keeps its ids."""
    labels, ids = np.array([[1, 1, 0, 2, 2]], np.uint8), np.array([[3, 4, 0, 5, 5]], np.uint32)
    write_label_pyramid(tmp_path / "before", labels, pixel_size_nm=None, objects=ObjectIds(ids, (1, 2)))
    was = LabelScheme.from_names({"mitochondria": 1, "nucleus": 2})
    base = TranslatedPyramid(
        open_pyramid(tmp_path / "before"), match_classes(was, LabelScheme.from_names({"mitochondria": 1}))
    )
    write_label_pyramid(tmp_path / "after", np.array([[1, 1, 0, 0, 0]], np.uint8), pixel_size_nm=None)
    told = carry_ids(base, tmp_path / "after", [(0, 0)])
    assert told is not None
    assert (told.class_ids, told.dropped_px) == ((1,), 2)
    written = open_pyramid(tmp_path / "after").object_ids()
    assert written is not None
    assert written.ids_yx.tolist() == [[3, 4, 0, 0, 0]]


def test_a_label_map_without_ids_stays_so(tmp_path: Path) -> None:
    write_label_pyramid(tmp_path / "before", np.ones((2, 2), np.uint8), pixel_size_nm=None)
    write_label_pyramid(tmp_path / "after", np.ones((2, 2), np.uint8), pixel_size_nm=None)
    assert carry_ids(open_pyramid(tmp_path / "before"), tmp_path / "after", [(0, 0)]) is None
    assert open_pyramid(tmp_path / "after").objects is None


def settled(
    tmp_path: Path,
    before: list[list[int]] | None,
    ids: list[list[int]] | None,
    after: list[list[int]],
    own: list[list[int]],
) -> tuple[np.ndarray | None, CarriedIds | None]:
    """The ids of a label map whose only tile was settled by somebody; class 9 may have no objects any more."""
    base = None
    if before is not None:
        objects = None if ids is None else ObjectIds(np.array(ids, np.uint32), CLASSES)
        write_label_pyramid(tmp_path / "before", np.array(before, np.uint8), pixel_size_nm=5.0, objects=objects)
        base = open_pyramid(tmp_path / "before")
    write_label_pyramid(tmp_path / "after", np.array(after, np.uint8), pixel_size_nm=5.0)
    told = carry_ids(base, tmp_path / "after", [(0, 0)], {(0, 0): np.array(own, np.uint32)}, known=(1, 2))
    written = open_pyramid(tmp_path / "after").object_ids()
    return None if written is None else written.ids_yx, told


def test_settled_ids_are_written_as_they_are(tmp_path: Path) -> None:
    ids, told = settled(tmp_path, [[1, 1, 0, 1]], [[3, 3, 0, 3]], [[1, 1, 1, 1]], [[3, 3, 8, 0]])
    assert ids is not None
    assert ids.tolist() == [[3, 3, 8, 0]], "no rule for what somebody has settled, and what is cut off stays"
    assert told == CarriedIds((1,))


def test_settled_ids_bring_classes_that_had_none(tmp_path: Path) -> None:
    ids, told = settled(tmp_path, [[2, 2, 0, 1]], None, [[2, 2, 2, 1]], [[4, 5, 5, 0]])
    assert ids is not None
    assert told is not None
    assert (ids.tolist(), told.class_ids) == ([[4, 5, 5, 0]], (2,))


def test_settled_ids_of_a_class_without_objects_are_dropped_and_counted(tmp_path: Path) -> None:
    ids, told = settled(tmp_path, [[1, 9, 9]], [[3, 0, 0]], [[1, 9, 9]], [[3, 5, 5]])
    assert ids is not None
    assert told is not None
    assert (ids.tolist(), told.dropped_px) == ([[3, 0, 0]], 2)


def test_what_was_begun_from_nothing_has_the_settled_ids_only(tmp_path: Path) -> None:
    ids, _ = settled(tmp_path, None, None, [[1, 1, 2]], [[6, 7, 0]])
    assert ids is not None
    assert ids.tolist() == [[6, 7, 0]]
    (tmp_path / "b").mkdir()
    assert settled(tmp_path / "b", None, None, [[1, 1, 2]], [[0, 0, 0]]) == (None, None)


def test_a_stroke_beside_a_settled_tile_joins_its_object(tmp_path: Path) -> None:
    before = np.zeros((2, TILE_PX + 4), np.uint8)
    before[:, :5] = 1
    after = before.copy()
    after[:, TILE_PX - 2 :] = 1
    own = np.zeros((2, TILE_PX), np.uint32)
    own[:, :5], own[:, TILE_PX - 2 :] = 3, 11
    objects = ObjectIds((before * np.uint32(3)).astype(np.uint32), CLASSES)
    write_label_pyramid(tmp_path / "before", before, pixel_size_nm=5.0, objects=objects)
    write_label_pyramid(tmp_path / "after", after, pixel_size_nm=5.0)
    carry_ids(open_pyramid(tmp_path / "before"), tmp_path / "after", [(0, 0), (0, 1)], {(0, 0): own})
    written = open_pyramid(tmp_path / "after").object_ids()
    assert written is not None
    assert (written.ids_yx[:, TILE_PX - 2 :] == 11).all()
    assert (written.ids_yx[:, :5] == 3).all()
