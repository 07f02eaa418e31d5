"""Every object's figures against hand-worked answers, scikit-image and brute force."""

from __future__ import annotations

import json
import math
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage
from skimage.measure import regionprops

from core.errors import JobCancelledError, LabelMapError
from core.imaging import row_bands
from core.imaging.object_pyramid import ObjectIds
from core.label_scheme import DEFAULT_SCHEME, IGNORE_ID
from core.labels.numbering import number_objects
from core.morphometry import neighbours
from core.morphometry.measures import MEASURES
from core.morphometry.objects import ObjectTable, measure_objects

MAPS = arrays(
    np.uint8, st.tuples(st.integers(1, 14), st.integers(1, 14)), elements=st.sampled_from([0, 0, 1, 2, 5, IGNORE_ID])
)
EMPTY = np.zeros((3, 4), np.uint8)


def pieces_of(labels_yx: np.ndarray) -> list[np.ndarray]:
    """Masks of all objects, class by class, by plain labelling."""
    found = []
    for class_id in DEFAULT_SCHEME.ids:
        numbered, count = ndimage.label(labels_yx == class_id, structure=np.ones((3, 3)))
        found += [numbered == number + 1 for number in range(count)]
    return found


def matched(table: ObjectTable, mask: np.ndarray, class_id: int) -> int:
    """The row of an object."""
    area, (row, column) = mask.sum(), ndimage.center_of_mass(mask)
    fits = (
        (table.class_id == class_id)
        & (table.area_px == area)
        & np.isclose(table.row, row)
        & np.isclose(table.column, column)
    )
    boxed = fits & (table.top == np.flatnonzero(mask.any(1))[0]) & (table.left == np.flatnonzero(mask.any(0))[0])
    return int(np.flatnonzero(boxed)[0])


def test_a_hand_made_map() -> None:
    labels = np.array(
        [
            [0, 0, 0, 0, 0, 0, 0],
            [0, 1, 1, 0, 3, 0, 0],
            [0, 1, 1, 0, 3, 0, 5],
            [0, 0, 0, 0, 0, 0, 5],
            [0, 0, 0, 0, 255, 2, 0],
        ],
        np.uint8,
    )
    table = measure_objects(labels, DEFAULT_SCHEME, 10.0, contact_nm=15.0)
    by_class = {int(class_id): row for row, class_id in enumerate(table.class_id)}
    square, sheet, edge, beside = by_class[1], by_class[3], by_class[5], by_class[2]
    assert table.area_px[square] == 4
    assert (table.row[square], table.column[square]) == (1.5, 1.5)
    assert [int(side[square]) for side in (table.top, table.left, table.bottom, table.right)] == [1, 1, 3, 3]
    assert table.major_px[square] == pytest.approx(4 * math.sqrt(1 / 4 + 1 / 12))  # a square: both axes alike
    assert table.minor_px[square] == pytest.approx(table.major_px[square])
    assert table.gap_px[square, 2] == 1.0  # one pixel of background between
    assert table.near[square, 2] == 0.5  # two of its four outline pixels are 10 nm away, two are 20 nm
    assert math.isnan(table.gap_px[square, 0])  # no distance to its own class
    assert math.isnan(table.gap_px[square, 3])  # lipid droplets are not there
    assert table.gap_px[sheet, 4] == 1.0
    assert table.cut.tolist() == [
        bool(item in (edge, beside)) for item in range(4)
    ]  # at the edge, and beside a pixel that nobody labelled
    assert table.labelled_px == labels.size - 1
    assert table.shape_yx == (5, 7)


def test_a_long_thin_object_lies_between_its_axes() -> None:
    labels = np.zeros((5, 40), np.uint8)
    labels[2, 3:35] = 1
    table = measure_objects(labels, DEFAULT_SCHEME, None)
    assert table.major_px[0] == pytest.approx(4 * math.sqrt(32**2 / 12))  # a row of 32 pixels, as a continuous bar
    assert table.minor_px[0] == pytest.approx(4 * math.sqrt(1 / 12))


def test_the_outline_of_a_disc_is_nearly_its_circumference() -> None:
    row, column = np.mgrid[:201, :201] - 100
    labels = (row**2 + column**2 <= 60**2).astype(np.uint8)
    table = measure_objects(labels, DEFAULT_SCHEME, None)
    assert table.perimeter_px[0] == pytest.approx(2 * math.pi * 60, rel=0.01)
    assert table.major_px[0] == pytest.approx(120, rel=0.01)


def test_confidence_is_the_mean_over_the_object() -> None:
    labels = np.array([[1, 1, 0, 2]], np.uint8)
    confidence = np.array([[255, 51, 7, 102]], np.uint8)
    table = measure_objects(labels, DEFAULT_SCHEME, None, confidence_yx=confidence)
    assert table.confidence.tolist() == pytest.approx([0.6, 0.4])
    assert np.isnan(measure_objects(labels, DEFAULT_SCHEME, None).confidence).all()


def test_contacts_need_a_pixel_size_and_distances_do_not() -> None:
    table = measure_objects(np.array([[1, 0, 0, 2]], np.uint8), DEFAULT_SCHEME, None)
    assert table.gap_px[0, 1] == 2.0
    assert np.isnan(table.near).all()


def test_touching_objects_have_no_gap() -> None:
    table = measure_objects(np.array([[0, 1, 2, 0]], np.uint8), DEFAULT_SCHEME, 8.0, contact_nm=0.0)
    assert table.gap_px[0, 1] == 0.0
    assert table.near[0, 1] == 1.0


def test_what_meets_over_a_corner_touches_and_is_cut_off() -> None:
    labels = np.array([[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 2, 0], [0, 0, 0, 0]], np.uint8)
    table = measure_objects(labels, DEFAULT_SCHEME, 8.0, contact_nm=0.0)
    assert table.gap_px[0, 1] == 0.0
    assert table.near[0, 1] == 1.0
    assert not table.cut.any()
    labels[2, 2] = IGNORE_ID
    assert measure_objects(labels, DEFAULT_SCHEME, 8.0).cut.tolist() == [True]


@pytest.mark.parametrize(
    "labels", [EMPTY, np.full((3, 4), IGNORE_ID, np.uint8), EMPTY[:0]], ids=["empty", "ignored", "no rows"]
)
def test_a_map_without_objects_gives_an_empty_table(labels: np.ndarray) -> None:
    table = measure_objects(labels, DEFAULT_SCHEME, 8.0)
    assert len(table) == 0
    assert table.gap_px.shape == (0, len(DEFAULT_SCHEME.ids))


def test_read_only_maps_are_taken_and_nothing_is_changed() -> None:
    labels = np.array([[1, 1, 0, 2]], np.uint8)
    labels.flags.writeable = False
    assert len(measure_objects(labels, DEFAULT_SCHEME, None)) == 2


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(LabelMapError, match=r"2 px with the unknown class ids \[9\]"):
        measure_objects(np.array([[9, 9, 0]], np.uint8), DEFAULT_SCHEME, None)
    with pytest.raises(LabelMapError, match="3 dimensions"):
        measure_objects(np.zeros((1, 2, 2), np.uint8), DEFAULT_SCHEME, None)
    with pytest.raises(LabelMapError, match="confidence map"):
        measure_objects(EMPTY, DEFAULT_SCHEME, None, confidence_yx=EMPTY[:1])


@settings(max_examples=60, deadline=None)
@given(MAPS)
def test_figures_agree_with_scikit_image_and_brute_force(labels: np.ndarray) -> None:
    table = measure_objects(labels, DEFAULT_SCHEME, 10.0, contact_nm=15.0)
    masks = pieces_of(labels)
    assert len(table) == len(masks)
    for mask in masks:
        row = matched(table, mask, labels[mask][0])
        (known,) = regionprops(mask.astype(np.uint8))
        assert table.perimeter_px[row] == pytest.approx(known.perimeter_crofton)
        axes = 4 * np.sqrt(np.array(known.inertia_tensor_eigvals) + 1 / 12)
        assert [table.major_px[row], table.minor_px[row]] == pytest.approx(axes.tolist())
        assert (table.bottom[row], table.right[row]) == known.bbox[2:]
        _check_neighbours(labels, mask, table, row)


def _check_neighbours(labels: np.ndarray, mask: np.ndarray, table: ObjectTable, row: int) -> None:
    """Gaps and contacts against distances between all pairs of pixels."""
    own = labels[mask][0]
    padded = np.pad(mask, 1, mode="edge")
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    outline = np.argwhere(mask & ~inner)
    for position, class_id in enumerate(DEFAULT_SCHEME.ids):
        theirs = np.argwhere(labels == class_id)
        if class_id == own or not len(theirs):
            assert math.isnan(table.gap_px[row, position])
            assert math.isnan(table.near[row, position]) if class_id == own else table.near[row, position] == 0
            continue
        distances = np.sqrt(((outline[:, None] - theirs[None]) ** 2).sum(-1)).min(1)
        gaps = np.where(distances < 1.5, 0, distances - 1)
        assert table.gap_px[row, position] == pytest.approx(gaps.min())
        assert table.near[row, position] == pytest.approx((gaps <= 1.5).mean())
    beside = ndimage.binary_dilation(mask, np.ones((3, 3))) & (labels == IGNORE_ID)
    rows, columns = np.nonzero(mask)
    at_edge = bool((rows.min() == 0) | (columns.min() == 0)) or mask[-1].any() or mask[:, -1].any()
    assert bool(table.cut[row]) == bool(at_edge or beside.any())


def test_bands_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.random.default_rng(0).choice([0, 0, 1, 2, IGNORE_ID], (37, 23)).astype(np.uint8)
    whole = measure_objects(labels, DEFAULT_SCHEME, 8.0)
    monkeypatch.setattr(row_bands, "BAND_PX", 3 * 23)
    monkeypatch.setattr(neighbours, "_ASKED", 7)
    parted = measure_objects(labels, DEFAULT_SCHEME, 8.0)
    for name in (each.name for each in fields(ObjectTable)):
        assert np.array_equal(getattr(whole, name), getattr(parted, name), equal_nan=name != "class_ids"), name


def test_work_can_be_stopped_and_tells_how_far_it_is() -> None:
    labels = np.array([[1, 0, 2]], np.uint8)
    told: list[float] = []
    measure_objects(labels, DEFAULT_SCHEME, 8.0, progress=told.append)
    assert told == sorted(told)
    assert 0 < told[0] < told[-1] <= 1

    def stop(fraction: float) -> None:
        if fraction >= 0.5:
            raise JobCancelledError("asked to stop")

    with pytest.raises(JobCancelledError):
        measure_objects(labels, DEFAULT_SCHEME, 8.0, progress=stop)


def test_a_table_is_kept_and_read_again(tmp_path: Path) -> None:
    table = measure_objects(np.array([[1, 0, 2], [1, 0, 0]], np.uint8), DEFAULT_SCHEME, 8.0)
    path = tmp_path / "objects.npz"
    table.save(path)
    again = ObjectTable.load(path)
    assert again is not None
    for name in (each.name for each in fields(ObjectTable)):
        assert np.array_equal(getattr(table, name), getattr(again, name), equal_nan=name != "class_ids"), name


def test_a_file_that_is_not_a_table_counts_as_none(tmp_path: Path) -> None:
    path = tmp_path / "objects.npz"
    assert ObjectTable.load(path) is None
    path.write_bytes(b"PK\x03\x04 cut off")
    assert ObjectTable.load(path) is None


IDS = st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(
    lambda shape: st.tuples(
        arrays(np.uint8, shape, elements=st.sampled_from([0, 1, 1, 2])),
        arrays(np.uint32, shape, elements=st.sampled_from([0, 3, 4, 5, 70_000, 2**32 - 1])),
    )
)


@settings(max_examples=60, deadline=None)
@given(IDS)
def test_objects_told_apart_by_ids_agree_with_brute_force(maps: tuple[np.ndarray, np.ndarray]) -> None:
    labels, ids = maps
    objects = ObjectIds(ids, (1,))
    table = measure_objects(labels, DEFAULT_SCHEME, 10.0, contact_nm=15.0, objects=objects)
    numbers = number_objects(labels, DEFAULT_SCHEME.ids, objects).numbers_yx
    assert len(table) == numbers.max(initial=0)
    for number in range(1, len(table) + 1):
        mask, row = numbers == number, number - 1
        class_id = labels[mask][0]
        assert table.area_px[row] == mask.sum()
        assert table.object_id[row] == (ids[mask][0] if class_id == 1 else 0)
        framed = np.pad(mask, 1, mode="edge")
        inner = framed[:-2, 1:-1] & framed[2:, 1:-1] & framed[1:-1, :-2] & framed[1:-1, 2:]
        outline, others = np.argwhere(mask & ~inner), np.argwhere((labels == class_id) & ~mask)
        if class_id != 1 or not len(others):
            assert math.isnan(table.gap_px[row, class_id - 1])
            assert math.isnan(table.near[row, class_id - 1]) if class_id != 1 else table.near[row, 0] == 0
            continue
        distances = np.sqrt(((outline[:, None] - others[None]) ** 2).sum(-1)).min(1)
        gaps = np.where(distances < 1.5, 0, distances - 1)
        if len(outline):
            assert table.gap_px[row, 0] == pytest.approx(gaps.min())
            assert table.near[row, 0] == pytest.approx((gaps <= 1.5).mean())


def test_what_is_measured_says_what_its_objects_are_and_comes_back(tmp_path: Path) -> None:
    labels = np.array([[1, 1, 0, 2, 2]], np.uint8)
    objects = ObjectIds(np.array([[6, 9, 0, 0, 0]], np.uint32), (1,))
    table = measure_objects(labels, DEFAULT_SCHEME, 10.0, objects=objects)
    assert [table.counted_by(i) for i in (1, 2)] == ["ids", "pieces"]
    assert table.object_id.tolist() == [6, 9, 0]
    assert table.cut.tolist() == [True, True, True]
    table.save(tmp_path / "objects.npz")
    again = ObjectTable.load(tmp_path / "objects.npz")
    assert again is not None
    assert again.classes_by_id == (1,)
    assert again.object_id.tolist() == [6, 9, 0]
    assert again.near[0, 0] == 1.0


def test_a_table_of_another_version_is_measured_again(tmp_path: Path) -> None:
    measure_objects(np.array([[1, 0, 1]], np.uint8), DEFAULT_SCHEME, 10.0).save(tmp_path / "objects.npz")
    with np.load(tmp_path / "objects.npz") as kept:
        columns = {name: kept[name] for name in kept.files}
    facts = json.loads(str(columns["facts"])) | {"version": 1}
    np.savez(tmp_path / "objects.npz", **{**columns, "facts": np.array(json.dumps(facts))})
    assert ObjectTable.load(tmp_path / "objects.npz") is None


def speckled() -> np.ndarray:
    """A mitochondrion; a speck of ER near it, and ER proper farther away."""
    labels = np.zeros((60, 80), np.uint8)
    labels[10:20, 10:20] = 1
    labels[14, 23] = 3
    labels[10:20, 40:50] = 3
    labels[40:45, 70:74] = 2  # just as many pixels as a speck may have at most and one more
    return labels


def test_specks_of_another_class_have_no_distance_and_no_contact() -> None:
    """Distances were to the nearest speck, at any smallest size: 420 nm to synapses that are 1,071 nm away."""
    every = measure_objects(speckled(), DEFAULT_SCHEME, 10.0, contact_nm=30.0)
    assert (every.gap_px[0, 2], every.near[0, 2] > 0) == (3.0, True)
    clean = measure_objects(speckled(), DEFAULT_SCHEME, 10.0, contact_nm=30.0, least_px={3: 20})
    assert (clean.gap_px[0, 2], clean.near[0, 2]) == (20.0, 0.0)
    assert clean.seen_px == (0.0, 0.0, 20.0, 0.0, 0.0)
    gone = measure_objects(speckled(), DEFAULT_SCHEME, 10.0, contact_nm=30.0, least_px={3: 5000})
    assert math.isnan(gone.gap_px[0, 2])
    assert gone.near[0, 2] == 0.0, "as of a class that is not there"


def test_other_smallest_objects_need_no_new_measurement_where_they_take_the_same_objects(tmp_path: Path) -> None:
    measure_objects(speckled(), DEFAULT_SCHEME, 10.0, least_px={3: 50}).save(tmp_path / "objects.npz")
    kept = ObjectTable.load(tmp_path / "objects.npz")
    assert kept is not None
    for least, gap in ((0, 3.0), (1, 3.0), (1.5, 20.0), (20, 20.0), (99.9, 20.0)):
        assert kept.cleaned({3: least}).gap_px[0, 2] == gap
    unknown = kept.cleaned({3: 101})
    assert math.isnan(unknown.gap_px[0, 2])
    assert math.isnan(unknown.seen_px[2]), "nobody has measured that"
    assert kept.cleaned({3: 101}).gap_px[0, 1] == kept.gap_px[0, 1], "the other classes stay"


@settings(max_examples=40, deadline=None)
@given(MAPS, st.integers(0, 9))
def test_distances_to_clean_classes_are_those_of_a_clean_map(labels: np.ndarray, least: int) -> None:
    table = measure_objects(labels, DEFAULT_SCHEME, 10.0, contact_nm=15.0, least_px=dict.fromkeys((1, 2, 5), least))
    small = np.zeros(labels.shape, bool)
    for mask in pieces_of(labels):
        small |= mask & (mask.sum() < least)
    clean = measure_objects(np.where(small, np.uint8(0), labels), DEFAULT_SCHEME, 10.0, contact_nm=15.0)
    large = table.where(table.area_px >= least)
    assert len(clean) == len(large)
    assert np.allclose(large.gap_px, clean.gap_px, equal_nan=True)
    assert np.allclose(large.near, clean.near, equal_nan=True)


@settings(max_examples=60, deadline=None)
@given(MAPS)
def test_holes_are_filled_as_scikit_image_fills_them(labels: np.ndarray) -> None:
    table = measure_objects(labels, DEFAULT_SCHEME, 10.0)
    for mask in pieces_of(labels):
        row, whole = matched(table, mask, labels[mask][0]), ndimage.binary_fill_holes(mask)
        (known,) = regionprops(whole.astype(np.uint8))
        assert table.filled_px[row] == known.area
        assert table.outer_px[row] == pytest.approx(known.perimeter_crofton)


def test_a_ring_is_as_round_as_a_disc() -> None:
    """Its hole counted in the perimeter and not in the area: a mitochondrion with one missed crista was no disc."""
    row, column = np.mgrid[:101, :101] - 50
    labels = ((row**2 + column**2 <= 40**2) & (row**2 + column**2 > 20**2)).astype(np.uint8)
    table = measure_objects(labels, DEFAULT_SCHEME, 10.0)
    circularity = next(each for each in MEASURES if each.name == "circularity")
    assert circularity.of(table, physical=True)[0] == pytest.approx(1, rel=0.02)
    assert table.outer_px[0] == pytest.approx(2 * math.pi * 40, rel=0.01)
    assert table.perimeter_px[0] == pytest.approx(2 * math.pi * 60, rel=0.01)
    assert table.filled_px[0] == pytest.approx(math.pi * 40**2, rel=0.01)
    assert table.area_px[0] == pytest.approx(math.pi * (40**2 - 20**2), rel=0.01)
