"""Object ids beside the classes of a label map: written in blocks, read again, there only when complete."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import LabelMapError
from core.imaging import sharded_plane
from core.imaging.object_pyramid import ObjectIds, ObjectPyramidWriter, has_objects
from core.imaging.pyramid import (
    LabelPyramidWriter,
    open_pyramid,
    remove_unfinished,
    set_pyramid_pixel_size,
    write_label_pyramid,
)

EVERYTHING = slice(None)


def _ids(shape_yx: tuple[int, int]) -> np.ndarray:
    """Ids that a 16-bit map could not hold, in blobs and alone."""
    ids = np.kron(
        np.random.default_rng(5).integers(0, 2**32, (shape_yx[0] // 9 + 1, shape_yx[1] // 9 + 1)), np.ones((9, 9))
    )
    return ids[: shape_yx[0], : shape_yx[1]].astype(np.uint32)


def _label_map(path: Path, shape_yx: tuple[int, int]) -> Path:
    write_label_pyramid(path, np.ones(shape_yx, np.uint8), pixel_size_nm=4.0)
    return path


def test_blocks_in_any_order_give_the_whole_on_every_level(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharded_plane, "_HELD", 2)
    ids, path = _ids((1100, 2300)), _label_map(tmp_path / "labels", (1100, 2300))
    corners = [(r, c) for r in range(0, 1100, 333) for c in range(0, 2300, 701)]
    with ObjectPyramidWriter(path, (1100, 2300), class_ids=(4, 1), pixel_size_nm=4.0) as writer:
        for index in np.random.default_rng(3).permutation(len(corners)):
            r, c = corners[index]
            writer.write(r, c, ids[r : r + 333, c : c + 701])
    pyramid = open_pyramid(path)
    assert pyramid.object_classes == (1, 4)
    assert pyramid.objects is not None
    assert pyramid.objects.levels == pyramid.levels
    for level in range(pyramid.levels):
        read = pyramid.objects.read(level, EVERYTHING, EVERYTHING)
        assert read.dtype == np.uint32
        np.testing.assert_array_equal(read, ids[:: 2**level, :: 2**level])
    assert pyramid.objects.tile(0, 1, 4).shape == (512, 2300 - 2048)


def test_a_label_map_without_ids_has_none(tmp_path: Path) -> None:
    pyramid = open_pyramid(_label_map(tmp_path / "labels", (3, 4)))
    assert pyramid.objects is None
    assert pyramid.object_classes == ()
    assert pyramid.object_ids() is None


def test_ids_written_at_once_are_read_by_region(tmp_path: Path) -> None:
    ids, labels = _ids((40, 50)), np.ones((40, 50), np.uint8)
    write_label_pyramid(tmp_path / "labels", labels, pixel_size_nm=None, objects=ObjectIds(ids, (1,)))
    read = open_pyramid(tmp_path / "labels").object_ids(slice(5, 9), slice(40, 60))
    assert read is not None
    np.testing.assert_array_equal(read.ids_yx, ids[5:9, 40:])
    assert read.class_ids == (1,)


def test_ids_are_not_there_before_they_are_complete(tmp_path: Path) -> None:
    path = _label_map(tmp_path / "labels", (8, 8))
    writer = ObjectPyramidWriter(path, (8, 8), class_ids=(1,), pixel_size_nm=None)
    writer.write(0, 0, np.ones((8, 8), np.uint32))
    writer.flush()
    assert not has_objects(path)
    assert open_pyramid(path).objects is None
    writer.finish()
    assert has_objects(path)


def test_what_fails_leaves_the_label_map_as_it_was(tmp_path: Path) -> None:
    path = _label_map(tmp_path / "labels", (8, 8))
    with (
        pytest.raises(ZeroDivisionError),
        ObjectPyramidWriter(path, (8, 8), class_ids=(1,), pixel_size_nm=None) as writer,
    ):
        writer.write(0, 0, np.ones((8, 8), np.uint32))
        raise ZeroDivisionError
    assert not (path / "objects").exists()
    assert open_pyramid(path).read(0, EVERYTHING, EVERYTHING).sum() == 64
    write_ids = ObjectIds(np.ones((8, 8), np.uint32), (1,))
    with ObjectPyramidWriter(path, (8, 8), class_ids=(1,), pixel_size_nm=None) as writer:
        writer.write(0, 0, write_ids.ids_yx)
    assert has_objects(path)


def test_an_unfinished_label_map_goes_with_its_ids(tmp_path: Path) -> None:
    labels = LabelPyramidWriter(tmp_path / "labels", (8, 8), pixel_size_nm=None, with_confidence=False)
    ObjectPyramidWriter(tmp_path / "labels", (8, 8), class_ids=(1,), pixel_size_nm=None).flush()
    labels.flush()
    assert remove_unfinished(tmp_path / "labels")
    assert not (tmp_path / "labels").exists()


def test_another_pixel_size_reaches_the_ids_and_leaves_their_classes(tmp_path: Path) -> None:
    path = tmp_path / "labels"
    objects = ObjectIds(np.ones((8, 8), np.uint32), (1, 3))
    write_label_pyramid(path, np.ones((8, 8), np.uint8), pixel_size_nm=None, objects=objects)
    set_pyramid_pixel_size(path, 5.0)
    pyramid = open_pyramid(path)
    assert pyramid.objects is not None
    assert pyramid.objects.pixel_size_nm == 5.0
    assert pyramid.object_classes == (1, 3)


@pytest.mark.parametrize("class_id", [0, 255, 300])
def test_only_classes_have_objects(class_id: int) -> None:
    with pytest.raises(LabelMapError, match=str(class_id)):
        ObjectIds(np.zeros((2, 2), np.uint32), (1, class_id))


def test_a_block_of_another_type_or_beyond_the_edge_is_refused(tmp_path: Path) -> None:
    path = _label_map(tmp_path / "labels", (8, 8))
    with ObjectPyramidWriter(path, (8, 8), class_ids=(1,), pixel_size_nm=None) as writer:
        with pytest.raises(LabelMapError, match="int64"):
            writer.write(0, 0, np.ones((2, 2), np.int64))  # type: ignore[arg-type]
        with pytest.raises(LabelMapError, match="beyond"):
            writer.write(7, 0, np.ones((2, 2), np.uint32))
    with pytest.raises(LabelMapError, match="exists already"):
        ObjectPyramidWriter(path, (8, 8), class_ids=(1,), pixel_size_nm=None)
    with pytest.raises(LabelMapError, match="no label map"):
        ObjectPyramidWriter(tmp_path / "nothing", (8, 8), class_ids=(1,), pixel_size_nm=None)


def test_classes_are_translated_with_their_label_map() -> None:
    objects = ObjectIds(np.array([[1, 2]], np.uint32), (1, 2))
    table = np.arange(256, dtype=np.uint8)
    table[1], table[2] = 5, 0
    translated = objects.translated(table)
    assert translated is not None
    assert translated.class_ids == (5,)
    table[1] = 255
    assert objects.translated(table) is None
