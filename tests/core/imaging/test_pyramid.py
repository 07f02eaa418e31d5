"""Pyramids on disk: what is written is read, by us and by others, also while it is being written."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from core.errors import ImageError, LabelMapError, StorageFullError
from core.imaging import pyramid_layout, sharded_plane
from core.imaging.downsample import halve_majority, halve_mean
from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import (
    LabelPyramidWriter,
    open_pyramid,
    remove_unfinished,
    set_pyramid_pixel_size,
    write_image_pyramid,
    write_label_pyramid,
)
from core.label_scheme import DEFAULT_SCHEME

ALL = slice(None)


def _noise(shape: tuple[int, int], dtype: Any = np.uint8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(dtype)


def _labels(shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).choice(np.array([0, 1, 2, 3, 255], np.uint8), shape)


def _levels(level_0: np.ndarray, halve: Any) -> list[np.ndarray]:
    levels = [level_0]
    while max(levels[-1].shape) > 512:
        levels.append(halve(levels[-1]))
    return levels


def _assert_levels(path: Path, expected: list[np.ndarray]) -> None:
    pyramid = open_pyramid(path)
    assert pyramid.levels == len(expected)
    for level, pixels in enumerate(expected):
        assert pyramid.level_shape(level) == pixels.shape
        np.testing.assert_array_equal(pyramid.read(level, ALL, ALL), pixels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("shape", [(1, 1), (512, 513), (2049, 4099)], ids=["1-pixel", "2-levels", "odd-shards"])
def test_image_levels_are_the_halved_whole(tmp_path: Path, shape: tuple[int, int], dtype: Any) -> None:
    pixels = _noise(shape, dtype)
    write_image_pyramid(tmp_path / "image", Image(pixels))
    assert open_pyramid(tmp_path / "image").dtype == dtype
    _assert_levels(tmp_path / "image", _levels(pixels, halve_mean))


def test_image_metadata_is_ome_zarr_05_with_micrometres(tmp_path: Path) -> None:
    write_image_pyramid(tmp_path / "image", Image(_noise((600, 700)), PixelSize.from_user(8.0), name="liver"))
    ome = json.loads((tmp_path / "image" / "zarr.json").read_text())["attributes"]["ome"]
    multiscale = ome["multiscales"][0]
    assert ome["version"] == "0.5"
    assert multiscale["axes"] == [{"name": a, "type": "space", "unit": "micrometer"} for a in "yx"]
    scales = [d["coordinateTransformations"][0]["scale"] for d in multiscale["datasets"]]
    assert scales == [[0.008, 0.008], [0.016, 0.016]]
    assert open_pyramid(tmp_path / "image").pixel_size_nm == pytest.approx(8.0)
    array = json.loads((tmp_path / "image" / "0" / "zarr.json").read_text())
    assert array["chunk_grid"]["configuration"]["chunk_shape"] == [2048, 2048]
    assert array["codecs"][0]["configuration"]["chunk_shape"] == [512, 512]


def test_the_metadata_passes_an_independent_validator(tmp_path: Path) -> None:
    from ome_zarr_models.v05 import Image as OmeImage

    write_image_pyramid(tmp_path / "image", Image(_noise((600, 700)), PixelSize.from_user(8.0)))
    OmeImage.from_zarr(zarr.open_group(tmp_path / "image", mode="r"))


def test_unknown_pixel_size_has_no_unit_and_can_be_set_later(tmp_path: Path) -> None:
    path = tmp_path / "labels"
    labels = _labels((600, 30))
    write_label_pyramid(path, labels, pixel_size_nm=None, confidence_yx=labels, scheme=DEFAULT_SCHEME)
    assert open_pyramid(path).pixel_size_nm is None
    assert "unit" not in (path / "zarr.json").read_text()
    set_pyramid_pixel_size(path, 4.6)
    pyramid = open_pyramid(path)
    assert pyramid.confidence is not None
    assert pyramid.pixel_size_nm == pytest.approx(4.6)
    assert pyramid.confidence.pixel_size_nm == pytest.approx(4.6)
    colors = json.loads((path / "zarr.json").read_text())["attributes"]["ome"]["image-label"]["colors"]
    assert colors[0] == {"label-value": 1, "rgba": [255, 0, 0, 255]}
    np.testing.assert_array_equal(pyramid.read(0, ALL, ALL), labels)


def test_an_image_pyramid_replaces_an_old_one_and_leaves_nothing_else(tmp_path: Path) -> None:
    write_image_pyramid(tmp_path / "image", Image(_noise((1030, 10))))
    write_image_pyramid(tmp_path / "image", Image(_noise((4, 4), seed=1)))
    _assert_levels(tmp_path / "image", [_noise((4, 4), seed=1)])
    assert [p.name for p in tmp_path.iterdir()] == ["image"]


@pytest.mark.parametrize("flush", [False, True], ids=["at-the-end", "after-every-block"])
def test_blocks_in_any_order_give_the_levels_of_the_whole(tmp_path: Path, flush: bool) -> None:
    labels, confidence = _labels((2300, 2500)), _noise((2300, 2500))
    corners = [(r, c) for r in range(0, 2300, 333) for c in range(0, 2500, 701)]
    with LabelPyramidWriter(tmp_path / "labels", labels.shape, pixel_size_nm=8.0) as writer:
        for index in np.random.default_rng(3).permutation(len(corners)):
            r, c = corners[index]
            area = slice(r, r + 333), slice(c, c + 701)
            writer.write(r, c, labels[area], confidence[area])
            if flush:
                writer.flush()
    pyramid = open_pyramid(tmp_path / "labels")
    assert pyramid.complete
    assert pyramid.confidence is not None
    _assert_levels(tmp_path / "labels", _levels(labels, halve_majority))
    _assert_levels(tmp_path / "labels" / "confidence", _levels(confidence, halve_mean))


def test_a_small_memory_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharded_plane, "_HELD", 2)
    monkeypatch.setattr(sharded_plane, "_HELD_ROWS", 0)
    labels = _labels((2100, 6200))
    with LabelPyramidWriter(tmp_path / "labels", labels.shape, pixel_size_nm=None, with_confidence=False) as writer:
        for r in range(0, 2100, 500):
            writer.write(r, 0, labels[r : r + 500])
    _assert_levels(tmp_path / "labels", _levels(labels, halve_majority))


def test_a_block_written_again_replaces_the_first(tmp_path: Path) -> None:
    first, second = np.full((600, 600), 3, np.uint8), np.zeros((101, 101), np.uint8)
    with LabelPyramidWriter(tmp_path / "labels", (600, 600), pixel_size_nm=None, with_confidence=False) as writer:
        writer.write(0, 0, first)
        writer.flush()
        writer.write(200, 300, second)
    first[200:301, 300:401] = 0
    _assert_levels(tmp_path / "labels", _levels(first, halve_majority))


def test_it_can_be_read_while_being_written(tmp_path: Path) -> None:
    writer = LabelPyramidWriter(tmp_path / "labels", (700, 700), pixel_size_nm=None)
    pyramid = open_pyramid(tmp_path / "labels")
    assert not pyramid.complete
    assert np.all(pyramid.read(0, ALL, ALL) == 255)
    ones = np.ones((100, 100), np.uint8)
    before = writer.version
    writer.write(0, 0, ones, ones)
    writer.flush()
    assert writer.version > before
    assert np.all(pyramid.read(0, slice(0, 100), slice(0, 100)) == 1)
    assert np.all(pyramid.read(1, slice(0, 50), slice(0, 50)) == 1)
    assert pyramid.tile(1, 0, 0)[60, 60] == 255
    assert pyramid.confidence is not None
    assert pyramid.confidence.read(0, slice(99, 101), slice(0, 1)).tolist() == [[1], [0]]
    writer.finish()
    assert pyramid.complete


def _write_steadily(path: str) -> None:
    with LabelPyramidWriter(Path(path), (1500, 1500), pixel_size_nm=None) as writer:
        for step in range(30):
            block = np.full((1500, 1500), step, np.uint8)
            writer.write(0, 0, block, _noise((1500, 1500), seed=step))
            writer.flush()


def test_another_process_never_sees_torn_tiles(tmp_path: Path) -> None:
    path = tmp_path / "labels"
    process = multiprocessing.get_context("spawn").Process(target=_write_steadily, args=(str(path),))
    process.start()
    seen = set()
    try:
        while process.is_alive():
            if path.exists():
                pyramid = open_pyramid(path)
                tile = pyramid.tile(0, 1, 1)
                assert len(np.unique(tile)) == 1
                seen.add(int(tile[0, 0]))
                if pyramid.confidence is not None:
                    pyramid.confidence.tile(0, 1, 1)
    finally:
        process.join(60)
    assert process.exitcode == 0
    assert len(seen) > 3
    assert np.all(open_pyramid(path).tile(0, 2, 2) == 29)


def test_discard_leaves_nothing(tmp_path: Path) -> None:
    writer = LabelPyramidWriter(tmp_path / "labels", (100, 100), pixel_size_nm=None)
    writer.write(0, 0, *[np.zeros((100, 100), np.uint8)] * 2)
    writer.flush()
    writer.discard()
    writer.discard()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(LabelMapError, match="finished or discarded"):
        writer.flush()


def test_discard_after_finish_keeps_the_label_map(tmp_path: Path) -> None:
    writer = LabelPyramidWriter(tmp_path / "labels", (100, 100), pixel_size_nm=None)
    writer.finish()
    writer.discard()
    assert open_pyramid(tmp_path / "labels").complete


def test_an_error_in_the_block_discards(tmp_path: Path) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        LabelPyramidWriter(tmp_path / "labels", (100, 100), pixel_size_nm=None),
    ):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def _die_while_writing(path: str) -> None:
    writer = LabelPyramidWriter(Path(path), (100, 100), pixel_size_nm=None)
    writer.write(0, 0, *[np.zeros((100, 100), np.uint8)] * 2)
    writer.flush()
    os._exit(3)


def test_a_crash_leaves_something_recognised_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "labels"
    process = multiprocessing.get_context("spawn").Process(target=_die_while_writing, args=(str(path),))
    process.start()
    process.join(60)
    assert process.exitcode == 3
    assert not open_pyramid(path).complete
    with LabelPyramidWriter(path, (10, 10), pixel_size_nm=None):  # a new writer begins anew
        pass
    assert open_pyramid(path).shape_yx == (10, 10)
    assert not remove_unfinished(path)
    assert open_pyramid(path).complete


def test_a_finished_label_map_is_not_overwritten(tmp_path: Path) -> None:
    write_label_pyramid(tmp_path / "labels", np.zeros((3, 3), np.uint8), pixel_size_nm=None)
    with pytest.raises(LabelMapError, match="exists already"):
        LabelPyramidWriter(tmp_path / "labels", (3, 3), pixel_size_nm=None)


BLOCK = np.zeros((4, 4), np.uint8)


@pytest.mark.parametrize(
    ("row", "labels", "confidence", "cause"),
    [
        (-1, BLOCK, BLOCK, "reaches beyond"),
        (7, BLOCK, BLOCK, "4 x 4 px at row 7, column 0 reaches beyond the label map of 10 x 10"),
        (0, BLOCK, None, "nothing was passed"),
        (0, BLOCK, BLOCK[:3], "shape \\(3, 4\\) was passed"),
        (0, BLOCK.astype(np.int64), BLOCK, "int64"),
    ],
    ids=["before", "beyond", "no-confidence", "other-shape", "other-dtype"],
)
def test_bad_blocks_are_refused(tmp_path: Path, row: int, labels: Any, confidence: Any, cause: str) -> None:
    writer = LabelPyramidWriter(tmp_path / "labels", (10, 10), pixel_size_nm=None)
    with pytest.raises(LabelMapError, match=cause):
        writer.write(row, 0, labels, confidence)
    writer.finish()
    assert np.all(open_pyramid(tmp_path / "labels").read(0, ALL, ALL) == 255)


@pytest.mark.parametrize("kind", ["image", "labels"])
def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pyramid_layout.Array, "write", full)
    with pytest.raises(StorageFullError, match="No space left"):
        if kind == "image":
            write_image_pyramid(tmp_path / "it", Image(BLOCK))
        else:
            write_label_pyramid(tmp_path / "it", BLOCK, pixel_size_nm=None)
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_a_pyramid_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no pyramid at nothing"):
        open_pyramid(tmp_path / "nothing")
    zarr.open_group(tmp_path / "group", mode="w")
    with pytest.raises(ImageError, match="group is not a pyramid"):
        open_pyramid(tmp_path / "group")


def test_a_damaged_shard_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyramid_layout, "_PATIENCE_S", 0.1)
    write_image_pyramid(tmp_path / "image", Image(_noise((40, 40))))
    shard = next(p for p in (tmp_path / "image" / "0" / "c").rglob("*") if p.is_file())
    content = bytearray(shard.read_bytes())
    content[200] ^= 0xFF
    shard.write_bytes(content)
    with pytest.raises(ImageError, match="damaged"):
        open_pyramid(tmp_path / "image").read(0, ALL, ALL)
    with pytest.raises(ImageError, match="no level 4"):
        open_pyramid(tmp_path / "image").read(4, ALL, ALL)


class _Flaky:
    """A Zarr array whose shard is replaced, or held open, just now."""

    shape, dtype = (4, 4), np.dtype(np.uint8)

    def __init__(self, error: Exception) -> None:
        self.errors = [error, error]
        self.pixels = BLOCK.copy()

    def _fail(self) -> None:
        if self.errors:
            raise self.errors.pop()

    def __getitem__(self, area: Any) -> np.ndarray:
        self._fail()
        return self.pixels[area]

    def __setitem__(self, area: Any, block: np.ndarray) -> None:
        self._fail()
        self.pixels[area] = block


@pytest.mark.parametrize(
    "error", [RuntimeError("zstd"), ValueError("crc"), PermissionError()], ids=lambda e: str(e) or "open"
)
def test_a_shard_replaced_while_it_is_read_is_read_again(error: Exception) -> None:
    flaky: Any = _Flaky(error)
    np.testing.assert_array_equal(pyramid_layout.Array(flaky).read(ALL, ALL), BLOCK)


def test_a_shard_that_a_reader_holds_open_is_written_again() -> None:
    flaky: Any = _Flaky(PermissionError())
    pyramid_layout.Array(flaky).write(1, 1, np.ones((2, 2), np.uint8))
    assert flaky.pixels.sum() == 4
