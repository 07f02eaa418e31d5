"""Ids of objects from files: kept, and what does not fit is counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from core.errors import LabelMapError, UnclearObjectsError
from core.imaging.object_pyramid import ObjectIds
from core.label_scheme import LabelScheme
from core.labels.guarded_reading import read_guarded, read_masks_guarded
from core.labels.object_files import fitted_objects, read_ids
from core.labels.polarity import Foreground
from core.labels.reading import LabelReading, LabelSource, objects_beside, with_objects
from core.labels.report import LabelImport, LabelReport, LabelRule

SCHEME = LabelScheme.from_names({"mitochondria": 1, "nucleus": 2})
IDS = np.zeros((12, 16), np.int64)
IDS[1:5, 1:5], IDS[1:5, 5:9], IDS[7:11, 2:9] = 3, 4, 9
"""Two that touch, and one alone."""


def tiff(path: Path, values: np.ndarray) -> Path:
    tifffile.imwrite(path, values)
    return path


@pytest.mark.parametrize("dtype", ["uint16", "int16", "uint32", "int32", "uint64", "float32", "float64"])
def test_an_instance_map_of_a_class_keeps_its_ids(tmp_path: Path, dtype: str) -> None:
    path = tiff(tmp_path / "a_mitochondria.tif", IDS.astype(dtype))
    read = LabelReading(LabelSource.MASKS, SCHEME).read([path], (12, 16))
    np.testing.assert_array_equal(read.labels_yx, IDS > 0)
    assert read.objects is not None
    np.testing.assert_array_equal(read.objects.ids_yx, IDS)
    assert read.objects.class_ids == (1,)
    assert read.report.objects == ((1, 3),)
    assert read.report.pixels(LabelRule.OBJECT_IDS) == np.count_nonzero(IDS)


def test_ids_come_through_the_guarded_process(tmp_path: Path) -> None:
    path = tiff(tmp_path / "a.tif", (IDS * 100_000_000).astype(np.uint32))
    read = read_masks_guarded(LabelReading(LabelSource.OBJECTS, SCHEME), {2: path}, (12, 16))
    assert read.objects is not None
    np.testing.assert_array_equal(read.objects.ids_yx, IDS * 100_000_000)
    np.testing.assert_array_equal(read.labels_yx, np.where(IDS > 0, 2, 0))
    plain = read_guarded(
        LabelReading(LabelSource.IMAGE, SCHEME), [tiff(tmp_path / "b.tif", np.ones((3, 5), np.uint8))], (3, 5)
    )
    assert plain.objects is None
    assert plain.labels_yx.tolist() == np.ones((3, 5)).tolist()


def test_a_16_bit_png_of_cellpose_is_of_the_class_that_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cell_nucleus_cp_masks.png"
    Image.fromarray(IDS.astype(np.uint16)).save(path)
    read = LabelReading(LabelSource.OBJECTS, SCHEME).read([path], (12, 16))
    assert read.report.objects == ((2, 3),)


def test_every_value_is_an_id_where_the_file_is_said_to_hold_ids(tmp_path: Path) -> None:
    """Two values, one of them the brightest: as a mask it would be grey levels or one level."""
    values = np.where(IDS == 3, 255, np.where(IDS == 4, 128, 0)).astype(np.uint8)
    read = LabelReading(LabelSource.OBJECTS, SCHEME).read([tiff(tmp_path / "x_nucleus.tif", values)], (12, 16))
    assert read.report.objects == ((2, 2),)
    assert read.report.pixels(LabelRule.OBJECT_CLASS) == 32


def test_the_class_is_asked_for_where_it_cannot_be_known(tmp_path: Path) -> None:
    path = tiff(tmp_path / "a.tif", IDS.astype(np.uint16))
    with pytest.raises(UnclearObjectsError, match=r"a\.tif") as caught:
        LabelReading(LabelSource.OBJECTS, SCHEME).read([path], (12, 16))
    assert "mitochondria, nucleus" in caught.value.remedy
    alone = LabelScheme.from_names({"mitochondria": 1})
    assert LabelReading(LabelSource.OBJECTS, alone).read([path], (12, 16)).report.objects == ((1, 3),)


def test_a_file_for_each_class_may_use_the_same_ids(tmp_path: Path) -> None:
    other = np.zeros_like(IDS)
    other[1:5, 10:15] = 3
    paths = {1: tiff(tmp_path / "m.tif", IDS.astype(np.uint16)), 2: tiff(tmp_path / "n.tif", other.astype(np.uint16))}
    read = LabelReading(LabelSource.OBJECTS, SCHEME).read_by_class(paths, (12, 16))
    assert read.report.objects == ((1, 3), (2, 1))
    assert read.report.pixels(LabelRule.SHARED_IDS) == 20
    assert read.objects is not None
    assert set(np.unique(read.objects.ids_yx[other > 0])) == {10}
    np.testing.assert_array_equal(read.objects.ids_yx[IDS > 0], IDS[IDS > 0])


def test_where_masks_overlap_nobody_has_an_id(tmp_path: Path) -> None:
    other = np.zeros_like(IDS)
    other[4:7, 8:16] = 7  # one pixel of object 4
    paths = {1: tiff(tmp_path / "m.tif", IDS.astype(np.uint16)), 2: tiff(tmp_path / "n.tif", other.astype(np.uint16))}
    read = LabelReading(LabelSource.OBJECTS, SCHEME).read_by_class(paths, (12, 16))
    assert read.labels_yx[4, 8] == 255
    assert read.objects is not None
    assert read.objects.ids_yx[4, 8] == 0
    assert read.report.objects == ((1, 3), (2, 1))


def test_one_file_for_all_beside_the_class_map(tmp_path: Path) -> None:
    classes = np.where(IDS == 9, 2, IDS > 0).astype(np.uint8)
    paths = [tiff(tmp_path / "a_labels.tif", classes), tiff(tmp_path / "a_objects.tif", IDS.astype(np.uint32))]
    assert objects_beside(paths) == (paths[1],)
    read = LabelReading(LabelSource.IMAGE, SCHEME).read(paths, (12, 16))
    np.testing.assert_array_equal(read.labels_yx, classes)
    assert read.report.objects == ((1, 2), (2, 1))


def test_ids_above_four_billion_get_numbers_that_no_other_has(tmp_path: Path) -> None:
    ids = IDS.astype(np.uint64)
    ids[IDS == 3] = 2**40
    ids[IDS == 4] = 2**63 + 1
    read = read_ids(tiff(tmp_path / "a.tif", ids), (12, 16))
    assert np.unique(read.ids_yx).tolist() == [0, 9, 10, 11]
    assert (read.ids_yx[IDS == 3] == 10).all()
    assert [(count.rule, count.pixels) for count in read.counts] == [(LabelRule.LARGE_IDS, 32)]
    largest = np.where(IDS == 9, 2**32 - 1, ids).astype(np.uint64)
    assert np.unique(read_ids(tiff(tmp_path / "b.tif", largest), None).ids_yx).tolist() == [0, 1, 2, 2**32 - 1]


def test_floats_that_cannot_tell_ids_apart_are_remarked_on(tmp_path: Path) -> None:
    read = read_ids(tiff(tmp_path / "a.tif", (IDS * 10_000_000).astype(np.float32)), (12, 16))
    assert "32-bit floats" in read.remarks[0]
    assert not read_ids(tiff(tmp_path / "b.tif", IDS.astype(np.float32)), (12, 16)).remarks


@pytest.mark.parametrize(
    ("values", "words"),
    [(-IDS.astype(np.int32), "negative"), (IDS + 0.5, "not integers"), (np.zeros((5, 5), np.uint16), "16 x 12 px")],
)
def test_what_is_no_id_is_refused(tmp_path: Path, values: np.ndarray, words: str) -> None:
    with pytest.raises(LabelMapError, match=words):
        read_ids(tiff(tmp_path / "a.tif", values), (12, 16))


def test_an_id_in_two_classes_stays_with_the_larger_part() -> None:
    labels = np.array([[1, 1, 2, 0, 2]], np.uint8)
    objects, counts, remarks = fitted_objects(labels, np.array([[5, 5, 5, 0, 6]], np.uint32), SCHEME, "ids.tif")
    assert objects is not None
    assert objects.ids_yx.tolist() == [[5, 5, 7, 0, 6]]
    assert [(count.rule, count.pixels, count.detail) for count in counts] == [
        (LabelRule.IDS_CROSS_CLASSES, 1, "1 object: id 5")
    ]
    assert not remarks


def test_a_class_map_that_disagrees_decides_and_the_rest_is_told() -> None:
    labels = np.array([[1, 1, 0, 255, 1, 1]], np.uint8)
    objects, counts, remarks = fitted_objects(labels, np.array([[5, 5, 5, 8, 0, 0]], np.uint32), SCHEME, "ids.tif")
    assert objects is not None
    assert objects.ids_yx.tolist() == [[5, 5, 0, 0, 0, 0]]
    assert [(count.rule, count.pixels) for count in counts] == [(LabelRule.IDS_OUTSIDE, 2)]
    assert counts[0].detail == "1 objects lie there as a whole: id 8"
    assert remarks == ["2 pixels of mitochondria have no object id; their connected regions count as separate objects."]


def test_ids_that_lie_on_no_class_at_all_are_told_and_dropped() -> None:
    objects, counts, remarks = fitted_objects(
        np.zeros((1, 2), np.uint8), np.array([[5, 5]], np.uint32), SCHEME, "i.tif"
    )
    assert objects is None
    assert counts[0].pixels == 2
    assert remarks == ["i.tif: no object lies on a class of the label map."]


def test_an_object_in_two_parts_is_one_and_told() -> None:
    labels = np.array([[1, 0, 1, 0, 1]], np.uint8)
    objects, _, remarks = fitted_objects(labels, np.array([[5, 0, 5, 0, 6]], np.uint32), SCHEME)
    assert objects is not None
    assert remarks == ["1 object is in two or more parts (id 5); each counts as one object."]


def test_two_hundred_thousand_objects_are_read(tmp_path: Path) -> None:
    ids = np.kron(np.arange(1, 200_001, dtype=np.uint32).reshape(400, 500), np.ones((2, 2), np.uint32))
    ids[::2, ::2] = 0
    read = LabelReading(LabelSource.OBJECTS, SCHEME).read([tiff(tmp_path / "a_nucleus.tif", ids)], (800, 1000))
    assert read.report.objects == ((2, 200_000),)


def test_packing_keeps_both_maps() -> None:
    labels, ids = (IDS > 0).astype(np.uint8), ObjectIds(IDS.astype(np.uint32), (1,))
    read = LabelImport.of(labels, [], [], ids)
    again = LabelImport.unpacked(read.report, read.packed(), (12, 16))
    np.testing.assert_array_equal(again.labels_yx, labels)
    assert again.objects is not None
    np.testing.assert_array_equal(again.objects.ids_yx, IDS)
    assert LabelImport.unpacked(LabelReport((), ()), labels.ravel(), (12, 16)).objects is None


def test_ids_go_with_a_label_map_that_has_none(tmp_path: Path) -> None:
    labels = LabelImport.of((IDS > 0).astype(np.uint8), [], [])
    read = with_objects(labels, tiff(tmp_path / "ids.tif", IDS.astype(np.uint16)), SCHEME)
    assert read.report.objects == ((1, 3),)
    assert labels.objects is None


def test_binary_masks_still_have_none(tmp_path: Path) -> None:
    path = tiff(tmp_path / "a_nucleus.tif", ((IDS > 0) * 255).astype(np.uint8))
    reading = LabelReading(LabelSource.MASKS, SCHEME, foreground=Foreground.LIGHT)
    assert reading.read([path], (12, 16)).objects is None
