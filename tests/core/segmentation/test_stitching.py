"""Stitching: bands equal the whole image, labels and confidence by hand, interpolation against SciPy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from scipy.special import softmax

from core.segmentation.array_sink import ArraySink
from core.segmentation.blocks import BLOCK_ROWS, BlockCollector
from core.segmentation.stitching import Band, RowInterpolator, ScoreBand, classify
from core.segmentation.tiling import TilePlan, Weighting, plan_tiles, tile_weights

CLASSES = 3


def host_band(plan: TilePlan, batch: int, weighting: Weighting, passes: int) -> Band:
    return ScoreBand(plan, CLASSES, batch, weighting, passes)


def torch_band(plan: TilePlan, batch: int, weighting: Weighting, passes: int) -> Band:
    import torch

    from core.segmentation.backends.torch_band import TorchBand

    return TorchBand(plan, CLASSES, batch, weighting, passes, torch.device("cpu"))


def collect(pieces: Iterable[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    return [(np.array(sums), np.array(weights)) for sums, weights in pieces]


@pytest.mark.parametrize("make", [host_band, torch_band])
@pytest.mark.parametrize("weighting", list(Weighting))
@given(
    extra=st.tuples(st.integers(0, 40), st.integers(0, 40)),
    batch=st.integers(1, 5),
    step=st.sampled_from([0.3, 0.5, 1.0]),
    flips=st.sampled_from([((),), ((), (0,), (1,), (0, 1))]),
)
def test_bands_equal_the_whole_image(
    make: Any, weighting: Weighting, extra: tuple[int, int], batch: int, step: float, flips: tuple[tuple[int, ...], ...]
) -> None:
    plan = plan_tiles((8 + extra[0], 6 + extra[1]), (8, 6), step)
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(len(flips), len(plan), CLASSES, 8, 6)).astype(np.float32)
    weights = tile_weights(plan.tile_yx, weighting)
    whole = np.zeros((CLASSES, *plan.shape_yx))
    total = np.zeros(plan.shape_yx)
    for way, flipped in enumerate(flips):
        for tile in range(len(plan)):
            row, column = plan.position(tile)
            where = np.s_[row : row + 8, column : column + 6]
            whole[(slice(None), *where)] += np.flip(scores[way, tile], [axis + 1 for axis in flipped]) * weights
            total[where] += weights
    band, pieces = make(plan, batch, weighting, len(flips)), []
    for run in plan.batches(batch):
        for way, flipped in enumerate(flips):
            given_scores: Any = scores[way, run.start : run.stop]
            if make is torch_band:
                import torch

                given_scores = torch.from_numpy(given_scores)
            band.add(given_scores, run, flipped)
        pieces += collect(band.take(run.stop))
    np.testing.assert_allclose(np.concatenate([sums for sums, _ in pieces], axis=1), whole, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(np.concatenate([w for _, w in pieces]), total, rtol=1e-5)


def test_labels_and_confidence_by_hand() -> None:
    scores = np.log(np.array([[[0.5, 0.2, 0.25]], [[0.3, 0.2, 0.75 / 2]], [[0.2, 0.6, 0.75 / 2]]], dtype=np.float32))
    labels, confidence = classify(scores, None, np.array([0, 7, 3], dtype=np.uint8))
    assert labels.tolist() == [[0, 3, 7]]  # the first of equals wins
    assert confidence.tolist() == [[128, 153, 96]]


@given(classes=st.integers(2, 12), height=st.integers(1, 9), width=st.integers(1, 70_000))
def test_classify_is_argmax_and_softmax(classes: int, height: int, width: int) -> None:
    width = min(width, 200_000 // height // classes + 1)
    rng = np.random.default_rng(classes)
    sums = rng.normal(scale=30, size=(classes, height, width)).astype(np.float32)
    weights = rng.uniform(1, 20, size=(height, width)).astype(np.float32)
    kept = sums.copy()
    labels, confidence = classify(sums, weights, np.arange(classes, dtype=np.uint8))
    np.testing.assert_array_equal(sums, kept)
    np.testing.assert_array_equal(labels, sums.argmax(axis=0))
    expected = 255 * softmax(sums / weights, axis=0).max(axis=0)
    assert np.abs(confidence - expected).max() <= 0.51


@given(
    source=st.tuples(st.integers(1, 90), st.integers(1, 30)),
    target=st.tuples(st.integers(1, 200), st.integers(1, 60)),
    cut=st.integers(1, 50),
)
def test_interpolated_rows_equal_the_whole(source: tuple[int, int], target: tuple[int, int], cut: int) -> None:
    scores = np.random.default_rng(1).normal(size=(2, *source)).astype(np.float32)
    interpolator = RowInterpolator(source, target)
    pieces = [
        piece for start in range(0, source[0], cut) for piece in interpolator.push(scores[:, start : start + cut])
    ]
    centers = [(np.arange(m) + 0.5) * n / m - 0.5 for n, m in zip(source, target, strict=True)]
    grid = np.meshgrid(*centers, indexing="ij")
    expected = np.stack([map_coordinates(score, grid, order=1, mode="nearest") for score in scores])
    np.testing.assert_allclose(np.concatenate(pieces, axis=1), expected, atol=1e-4)


@pytest.mark.parametrize("height", [1, BLOCK_ROWS - 1, BLOCK_ROWS, BLOCK_ROWS + 1, 3 * BLOCK_ROWS])
@pytest.mark.parametrize("frame", [(0, 0), (5, 2), (600, 1)], ids=str)
def test_blocks_cover_the_image_once_in_order(height: int, frame: tuple[int, int]) -> None:
    first = min(frame[0], height - 1)
    inside = max((height - first) // 2, 1)
    labels: NDArray[np.uint8] = np.arange(inside * 3, dtype=np.int64).reshape(inside, 3).astype(np.uint8)
    sink, seen = ArraySink((height, 9)), np.zeros((height, 9), dtype=int)

    class Counting:
        def write(self, row: int, col: int, labels_yx: NDArray[np.uint8], confidence_yx: NDArray[np.uint8]) -> None:
            assert row % BLOCK_ROWS == 0 and len(labels_yx) in (BLOCK_ROWS, height % BLOCK_ROWS)
            seen[row : row + len(labels_yx), col : col + labels_yx.shape[1]] += 1
            sink.write(row, col, labels_yx, confidence_yx)

    collector = BlockCollector(Counting(), (height, 9), (first, frame[1]))
    for start in range(0, inside, 7):
        collector.push(labels[start : start + 7], labels[start : start + 7])
    collector.finish()
    assert (seen == 1).all()
    expected = np.zeros((height, 9), dtype=np.uint8)
    expected[first : first + inside, frame[1] : frame[1] + 3] = labels
    np.testing.assert_array_equal(sink.labels_yx, expected)
