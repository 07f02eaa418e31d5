"""Specks removed and holes filled, against a slow reference, and the same however the map is cut into blocks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from core.errors import LabelMapError
from core.objects.cleaning import Changes, CleaningSink, cleaned
from core.objects.rules import AreaUnit, ObjectRule, ObjectRules, PixelLimits

EIGHT = np.ones((3, 3), bool)


def limits(**of_class: tuple[float, float, float]) -> PixelLimits:
    """Smallest, smallest at an edge, largest hole, of class 1, 2, … ("a", "b", …)."""
    rules = (
        ObjectRule(
            class_id=ord(name) - ord("a") + 1, smallest=values[0], smallest_cut=values[1], largest_hole=values[2]
        )
        for name, values in of_class.items()
    )
    return ObjectRules(tuple(rules), AreaUnit.PX).limits(None)


def slow(labels_yx: NDArray[np.uint8], limit: PixelLimits) -> NDArray[np.uint8]:
    """The same by its definition, piece by piece."""
    padded = np.pad(labels_yx.astype(int), 1, constant_values=-1)
    removed: list[NDArray[np.bool_]] = []
    for class_id in set(np.unique(labels_yx)) - {0, 255}:
        numbers, count = ndimage.label(padded == class_id, EIGHT)
        for number in range(1, count + 1):
            piece = numbers == number
            around = padded[ndimage.binary_dilation(piece, EIGHT) & ~piece]
            cut = bool(np.isin(around, (-1, 255)).any())
            table = limit.smallest_cut if cut else limit.smallest
            if piece.sum() < table[class_id]:
                removed.append(piece)
    gone = np.any(removed, axis=0) if removed else np.zeros(padded.shape, bool)
    result = padded.copy()
    for piece in removed:
        votes = np.zeros(256, int)
        for shift in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            beside = np.roll(np.where(gone | (padded == 255), -1, padded), shift, (0, 1))[piece]
            votes += np.bincount(beside[beside >= 0], minlength=256)
        result[piece] = int(votes.argmax()) if votes.any() else 0
    numbers, count = ndimage.label(result == 0)
    filled = result.copy()
    for number in range(1, count + 1):
        piece = numbers == number
        around = set(result[ndimage.binary_dilation(piece) & ~piece].tolist())
        if (
            len(around) == 1
            and (class_id := around.pop()) not in (-1, 255)
            and piece.sum() <= limit.largest_hole[class_id]
        ):
            filled[piece] = class_id
    return filled[1:-1, 1:-1].astype(np.uint8)


class Kept:
    """Keeps blocks as they come."""

    def __init__(self, shape_yx: tuple[int, int]) -> None:
        self.labels_yx = np.full(shape_yx, 99, np.uint8)
        self.confidence_yx = np.full(shape_yx, 99, np.uint8)
        self.rows = 0

    def write(self, row: int, col: int, labels_yx: NDArray[np.uint8], confidence_yx: NDArray[np.uint8]) -> None:
        assert (row, col) == (self.rows, 0)
        self.rows += len(labels_yx)
        self.labels_yx[row : self.rows] = labels_yx
        self.confidence_yx[row : self.rows] = confidence_yx


@st.composite
def maps(draw: st.DrawFn) -> NDArray[np.uint8]:
    """Label maps of large and small pieces of two classes, background and ignore."""
    seed, rows, columns = draw(st.integers(0, 2**31)), draw(st.integers(1, 26)), draw(st.integers(1, 26))
    generator = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(
        generator.normal(size=(3, rows, columns)), (0, draw(st.sampled_from([0.4, 1, 2])), 1)
    )
    labels = smooth.argmax(0).astype(np.uint8)
    noisy = generator.random((rows, columns)) < draw(st.sampled_from([0.0, 0.1, 0.3]))
    labels[noisy] = generator.integers(0, 3, int(noisy.sum()))
    if draw(st.booleans()):
        labels[generator.random((rows, columns)) < 0.03] = 255
    return labels


areas = st.sampled_from([0.0, 1.5, 2.0, 4.0, 9.0, 30.0])
rules = st.builds(lambda *values: limits(a=values[:3], b=values[3:]), *[areas] * 6)  # type: ignore[arg-type]


@given(maps(), rules)
@settings(max_examples=150, deadline=None)
def test_is_what_the_definition_says(labels_yx: NDArray[np.uint8], limit: PixelLimits) -> None:
    after_yx, changes = cleaned(labels_yx, limit)
    assert after_yx.tolist() == slow(labels_yx, limit).tolist()
    assert changes.undo(after_yx).tolist() == labels_yx.tolist()


@given(maps(), rules, st.lists(st.integers(1, 9), min_size=1))
@settings(max_examples=150, deadline=None)
def test_blocks_give_the_same_as_the_whole(
    labels_yx: NDArray[np.uint8], limit: PixelLimits, heights: list[int]
) -> None:
    kept = Kept(labels_yx.shape)
    sink = CleaningSink(kept, labels_yx.shape, limit)
    confidence_yx = np.arange(labels_yx.size, dtype=np.uint8).reshape(labels_yx.shape)
    row = 0
    while row < len(labels_yx):
        for height in heights:
            part = slice(row, min(row + height, len(labels_yx)))
            if part.stop > part.start:
                sink.write(row, 0, labels_yx[part], confidence_yx[part])
            row = part.stop
    whole_yx, whole = cleaned(labels_yx, limit)
    assert kept.labels_yx.tolist() == whole_yx.tolist()
    assert kept.confidence_yx.tolist() == confidence_yx.tolist()
    changes = sink.changes()
    assert changes.undo(kept.labels_yx).tolist() == labels_yx.tolist()
    assert changes.removed.tolist() == whole.removed.tolist()
    assert changes.filled.tolist() == whole.filled.tolist()


def test_specks_become_what_surrounds_them() -> None:
    labels_yx = np.zeros((9, 12), np.uint8)
    labels_yx[1:8, 1:6] = 2
    labels_yx[4, 3] = 1  # within class 2
    labels_yx[4, 9] = 1  # within background
    after_yx, changes = cleaned(labels_yx, limits(a=(3, 3, 0)))
    assert after_yx[4, 3] == 2
    assert after_yx[4, 9] == 0
    assert (changes.removed[1], changes.pixels) == (2, 2)


def test_a_piece_at_the_edge_has_a_limit_of_its_own() -> None:
    labels_yx = np.zeros((6, 8), np.uint8)
    labels_yx[0, 2:4] = labels_yx[3, 2:4] = 1
    after_yx, _ = cleaned(labels_yx, limits(a=(5, 2, 0)))
    assert after_yx[0].any()
    assert not after_yx[3].any()


def test_unlabelled_pixels_in_the_rows_above_make_an_edge() -> None:
    labels_yx = np.zeros((6, 6), np.uint8)
    labels_yx[1, 2], labels_yx[2, 3] = 255, 1
    limit, kept = limits(a=(5, 1, 0)), Kept((6, 6))
    sink = CleaningSink(kept, (6, 6), limit)
    for row in range(6):
        sink.write(row, 0, labels_yx[row : row + 1], labels_yx[row : row + 1])
    assert kept.labels_yx.tolist() == labels_yx.tolist() == cleaned(labels_yx, limit)[0].tolist()


def test_a_ring_around_another_class_is_not_filled() -> None:
    labels_yx = np.zeros((7, 14), np.uint8)
    labels_yx[1:6, 1:6] = labels_yx[1:6, 8:13] = 1
    labels_yx[3, 3] = labels_yx[3, 10:12] = 0
    labels_yx[3, 10] = 2
    after_yx, changes = cleaned(labels_yx, limits(a=(0, 0, 4)))
    assert after_yx[3, 3] == 1
    assert after_yx[3, 10:12].tolist() == [2, 0]
    assert changes.filled[1] == 1


def test_changes_are_read_back(tmp_path: Path) -> None:
    labels_yx = np.zeros((5, 5), np.uint8)
    labels_yx[2, 1:3] = 1
    after_yx, changes = cleaned(labels_yx, limits(a=(5, 5, 0)))
    changes.save(tmp_path / "changes.npz")
    kept = Changes.load(tmp_path / "changes.npz")
    assert kept is not None
    assert kept.undo(after_yx).tolist() == labels_yx.tolist()
    assert Changes.load(tmp_path / "none.npz") is None
    (tmp_path / "changes.npz").write_bytes(b"PK\x03\x04 damaged")
    with pytest.raises(LabelMapError, match="cannot be read"):
        Changes.load(tmp_path / "changes.npz")


def test_rows_out_of_order_are_refused() -> None:
    sink = CleaningSink(Kept((4, 4)), (4, 4), limits(a=(2, 2, 0)))
    with pytest.raises(LabelMapError, match="rows from 0 were expected"):
        sink.write(2, 0, np.zeros((2, 4), np.uint8), np.zeros((2, 4), np.uint8))


def test_areas_follow_the_pixel_size() -> None:
    rules = ObjectRules((ObjectRule(class_id=3, smallest=0.01),))
    assert rules.limits(10.0).smallest[3] == pytest.approx(100)
    assert rules.limits(5.0).smallest[3] == pytest.approx(400)
    assert not rules.limits(None).smallest.any()
    assert ObjectRules.from_json(rules.to_json()) == rules
