"""A draft on every level: the tiles that were changed over what the draft was begun from."""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.annotation.draft_post import read_post, tile_shape
from core.annotation.draft_tiles import DraftPlane, DraftSource, DraftTiles, pack_tile, unpack_tile
from core.errors import AnnotationError, NotFoundError
from core.imaging.downsample import halve_majority
from core.imaging.pyramid import TILE_PX, Pyramid, open_pyramid, write_label_pyramid

SHAPE = (1100, 1301)
"""Three by three tiles; every second edge is odd on some level."""

PLACES = [(row, column) for row in range(3) for column in range(3)]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Pyramid:
    """Random blocks of three classes."""
    blocks = np.random.default_rng(3).integers(0, 4, (-(-SHAPE[0] // 7), -(-SHAPE[1] // 7)), np.uint8)
    labels = np.kron(blocks, np.ones((7, 7), np.uint8))[: SHAPE[0], : SHAPE[1]]
    path = tmp_path_factory.mktemp("base") / "labels"
    write_label_pyramid(path, labels, pixel_size_nm=5.0)
    return open_pyramid(path)


class Painted:
    """Tiles as a database keeps them."""

    def __init__(self, base: Pyramid | None, levels: int = 3) -> None:
        self.base = base
        self.packed: dict[tuple[int, int], bytes] = {}
        self.versions: dict[tuple[int, int], int] = {}
        self.shapes = [SHAPE]
        while len(self.shapes) < levels:
            height, width = self.shapes[-1]
            self.shapes.append((-(-height // 2), -(-width // 2)))
        self.reads = 0

    def paint(self, place: tuple[int, int], labels: np.ndarray, cover: np.ndarray) -> None:
        self.packed[place] = pack_tile(labels, cover)
        self.versions[place] = self.versions.get(place, 0) + 1

    def read(self, places: Collection[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
        self.reads += len(places)
        return {place: self.packed[place] for place in places}

    @property
    def source(self) -> DraftSource:
        return DraftSource("draft", tuple(self.shapes), self.base, dict(self.versions), self.read)


def whole(tiles: DraftTiles, source: DraftSource, plane: DraftPlane, level: int) -> np.ndarray:
    """A level put together tile by tile."""
    height, width = source.level_shapes[level]
    rows, columns = (range(-(-edge // TILE_PX)) for edge in (height, width))
    return np.block([[tiles.tile(source, plane, level, row, column) for column in columns] for row in rows])


@settings(max_examples=12, deadline=None)
@given(places=st.sets(st.sampled_from(PLACES)), seed=st.integers(0, 2**31), with_base=st.booleans())
def test_every_level_is_what_halving_the_whole_painted_image_gives(
    base: Pyramid, places: set[tuple[int, int]], seed: int, with_base: bool
) -> None:
    random, painted = np.random.default_rng(seed), Painted(base if with_base else None)
    labels = np.array(base.read(0, slice(None), slice(None))) if with_base else np.zeros(SHAPE, np.uint8)
    cover = np.zeros(SHAPE, np.uint8)
    for row, column in places:
        height, width = tile_shape(SHAPE, row, column)
        area = np.s_[row * TILE_PX : row * TILE_PX + height, column * TILE_PX : column * TILE_PX + width]
        labels[area] = random.integers(0, 3, (height, width), np.uint8)
        cover[area] = random.integers(0, 2, (height, width), np.uint8)
        painted.paint((row, column), labels[area], cover[area] > 0)
    tiles = DraftTiles()
    for level in range(3):
        assert np.array_equal(whole(tiles, painted.source, DraftPlane.LABELS, level), labels)
        assert np.array_equal(whole(tiles, painted.source, DraftPlane.COVERAGE, level), cover)
        labels, cover = halve_majority(labels), halve_majority(cover)


def test_an_edit_shows_on_coarse_levels_at_once(base: Pyramid) -> None:
    painted, tiles = Painted(base), DraftTiles()
    shape = tile_shape(SHAPE, 0, 1)
    for class_id in (1, 2):
        painted.paint((0, 1), np.full(shape, class_id, np.uint8), np.ones(shape, bool))
        assert (tiles.tile(painted.source, DraftPlane.LABELS, 2, 0, 0)[:128, 128:256] == class_id).all()


def test_smaller_copies_are_made_once_and_a_bounded_number_is_kept(base: Pyramid) -> None:
    painted, tiles = Painted(base), DraftTiles(limit_bytes=1)
    for place in ((0, 0), (0, 1)):
        painted.paint(place, np.ones((512, 512), np.uint8), np.ones((512, 512), bool))
    tiles.tile(painted.source, DraftPlane.LABELS, 2, 0, 0)
    assert painted.reads == 2
    tiles.tile(painted.source, DraftPlane.COVERAGE, 2, 0, 0)
    assert painted.reads == 3, "one is remembered, the other is read again"


@pytest.mark.parametrize(("level", "row", "column"), [(3, 0, 0), (-1, 0, 0), (0, 3, 0), (0, 0, 3), (1, 2, 0)])
def test_there_is_no_tile_outside(base: Pyramid, level: int, row: int, column: int) -> None:
    with pytest.raises(NotFoundError):
        DraftTiles().tile(Painted(base).source, DraftPlane.LABELS, level, row, column)


tile_planes = st.integers(0, 2**31).map(
    lambda seed: np.random.default_rng(seed).integers(0, [[[256]], [[2]]], (2, 88, 300), np.uint8)
)


@settings(max_examples=25, deadline=None)
@given(planes=tile_planes)
def test_what_is_packed_comes_back(planes: np.ndarray) -> None:
    labels, cover = unpack_tile(pack_tile(planes[0], planes[1] > 0), (88, 300))
    assert np.array_equal(labels, planes[0])
    assert np.array_equal(cover, planes[1])


HEADER = {"tiles": [{"row": 0, "column": 0, "height": 4, "width": 6}], "stroke": {"tool": "brush", "seconds": 1.5}}


def body(header: object = HEADER, planes: bytes = bytes(48), length: int | None = None) -> bytes:
    text = json.dumps(header).encode()
    return gzip.compress(struct.pack("<I", len(text) if length is None else length) + text + planes)


def test_a_post_is_read() -> None:
    post = read_post(body(planes=bytes(range(24)) + bytes([0, 1] * 12)), (4, 6))
    (tile,) = post.tiles
    assert tile.labels_yx.tolist() == np.arange(24).reshape(4, 6).tolist()
    assert tile.coverage_yx.tolist() == [[False, True] * 3] * 4
    assert (post.tool, post.seconds, post.strokes) == ("brush", 1.5, 0)


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (body(planes=bytes(47)), "ends before"),
        (body(planes=bytes(49)), "bytes follow"),
        (body(planes=bytes(24) + bytes([2] * 24)), "coverage value"),
        (body({**HEADER, "tiles": HEADER["tiles"] * 2}, bytes(96)), "twice"),  # type: ignore[operator]
        (body({"tiles": []}, b""), "no tiles"),
        (body({"tiles": [{"row": True, "column": 0, "height": 4, "width": 6}]}), "no row"),
        (body([1, 2]), "not an object"),
        (body(length=2**32 - 1), "header"),
        (body()[:-9], "it is truncated"),
        (gzip.compress(b"ab"), "header"),
        (b"", "it is truncated"),
    ],
)
def test_a_senseless_post_is_refused_with_its_reason(sent: bytes, why: str) -> None:
    with pytest.raises(AnnotationError, match=why):
        read_post(sent, (4, 6))


@settings(max_examples=300, deadline=None)
@given(content=st.binary(max_size=200), place=st.integers(0, 200))
def test_random_bytes_are_refused_in_words(content: bytes, place: int) -> None:
    good = gzip.decompress(body())
    damaged = good[:place] + content + good[place + len(content) :]
    try:
        (tile,) = read_post(gzip.compress(damaged), (4, 6)).tiles
    except AnnotationError:
        return
    assert tile.labels_yx.shape == (4, 6)


def test_working_time_that_makes_no_sense_does_not_cost_pixels(tmp_path: Path) -> None:
    for stroke in ({"seconds": -1, "strokes": -3}, {"seconds": 1e9}, {"seconds": "x", "strokes": 1.5}, None, [1]):
        post = read_post(body({**HEADER, "stroke": stroke}), (4, 6))
        assert (post.seconds, post.strokes, len(post.tiles)) == (0.0, 0, 1)
