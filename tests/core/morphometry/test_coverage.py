"""Coverage table against hand-worked and brute-force answers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from core.errors import LabelMapError
from core.imaging.object_pyramid import ObjectIds
from core.label_scheme import DEFAULT_SCHEME, IGNORE_ID
from core.morphometry.coverage import coverage_table
from core.objects.pieces import piece_table


def test_counts_shares_areas_and_objects_of_a_hand_made_map() -> None:
    labels = np.array([[1, 0, 0, 2], [0, 1, 0, 2], [0, 0, 0, 0], [3, 0, 255, 255]], np.uint8)
    rows = {row.name: row for row in coverage_table(labels, DEFAULT_SCHEME, 500.0)}
    assert rows["background"].pixels == 9
    assert rows["background"].objects is None
    assert rows["mitochondria"].fraction == pytest.approx(2 / 14)  # two ignored pixels do not count
    assert rows["mitochondria"].objects == 1  # they touch at a corner
    assert rows["nucleus"].area_um2 == pytest.approx(2 * 0.25)
    assert rows["ER"].objects == 1
    assert rows["lipid droplets"].pixels == 0
    assert rows["lipid droplets"].objects == 0


def test_unknown_pixel_size_gives_no_area() -> None:
    rows = coverage_table(np.ones((2, 2), np.uint8), DEFAULT_SCHEME, None)
    assert all(row.area_um2 is None for row in rows)


def test_a_read_only_map_is_taken() -> None:
    labels = np.ones((2, 2), np.uint8)
    labels.flags.writeable = False
    assert coverage_table(labels, DEFAULT_SCHEME, None)[1].objects == 1


def test_an_ignored_map_has_no_shares() -> None:
    rows = coverage_table(np.full((3, 3), IGNORE_ID, np.uint8), DEFAULT_SCHEME, 8.0)
    assert all(math.isnan(row.fraction) and row.pixels == 0 for row in rows)
    assert rows[0].to_json()["fraction"] is None


def test_an_unknown_id_is_refused_with_its_count() -> None:
    with pytest.raises(LabelMapError, match=r"2 px with the unknown class ids \[9\]"):
        coverage_table(np.array([[9, 9, 0]], np.uint8), DEFAULT_SCHEME, None)


@settings(max_examples=40, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.sampled_from([0, 1, 2, 5, 255])))
def test_objects_agree_with_scipy(labels: np.ndarray) -> None:
    for row in coverage_table(labels, DEFAULT_SCHEME, None)[1:]:
        _, expected = ndimage.label(labels == row.class_id, structure=np.ones((3, 3)))
        assert row.objects == expected
        assert row.pixels == int((labels == row.class_id).sum())


@given(arrays(np.uint8, st.tuples(st.integers(1, 30), st.integers(1, 30)), elements=st.sampled_from([0, 1, 2, 255])))
def test_pieces_that_are_known_give_the_same_table(labels: np.ndarray) -> None:
    known = coverage_table(labels, DEFAULT_SCHEME, 8.0, pieces=piece_table(labels))
    assert str(known) == str(coverage_table(labels, DEFAULT_SCHEME, 8.0))  # as text: a share may be NaN


def test_counting_in_bands_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.random.default_rng(0).integers(0, 6, (23, 11), dtype=np.uint8)
    whole = coverage_table(labels, DEFAULT_SCHEME, 8.0)
    monkeypatch.setattr("core.imaging.row_bands.BAND_PX", 50)
    assert coverage_table(labels, DEFAULT_SCHEME, 8.0) == whole


def test_pieces_smaller_than_twenty_pixels_are_counted_apart() -> None:
    labels = np.zeros((12, 12), np.uint8)
    labels[:4, :5] = 1  # 20 px: not small
    labels[6:7, :5] = 1
    labels[8:, :4] = 2
    rows = {row.name: row for row in coverage_table(labels, DEFAULT_SCHEME, None)}
    assert (rows["mitochondria"].objects, rows["mitochondria"].small_objects) == (2, 1)
    assert (rows["nucleus"].objects, rows["nucleus"].small_objects) == (1, 1)
    assert rows["ER"].small_objects == 0
    assert rows["background"].small_objects is None


def test_objects_told_apart_by_ids_are_counted_as_such() -> None:
    labels = np.array([[1, 1, 1, 0, 2, 2]], np.uint8)
    objects = ObjectIds(np.array([[5, 5, 8, 0, 0, 0]], np.uint32), (1,))
    rows = coverage_table(labels, DEFAULT_SCHEME, None, objects=objects)
    assert [(rows[i].objects, str(rows[i].counted_by)) for i in (1, 2, 3)] == [(2, "ids"), (1, "pieces"), (0, "pieces")]
    assert coverage_table(labels, DEFAULT_SCHEME, None)[1].objects == 1
    assert coverage_table(labels, DEFAULT_SCHEME, None, pieces=piece_table(labels, objects))[1].objects == 2
    assert rows[1].to_json()["counted_by"] == "ids"
