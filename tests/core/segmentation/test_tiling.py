"""Tiles: nnU-Net's positions and weights, and the laws that stitching stands on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import PredictionError
from core.segmentation.tiling import TilePlan, Weighting, padding, plan_tiles, steps, tile_weights

EDGES = st.integers(1, 40)
STEPS = st.sampled_from([0.1, 0.25, 0.5, 0.75, 0.9, 1.0])


@st.composite
def plans(draw: st.DrawFn) -> TilePlan:
    tile = (draw(EDGES), draw(EDGES))
    shape = (tile[0] + draw(st.integers(0, 60)), tile[1] + draw(st.integers(0, 60)))
    return plan_tiles(shape, tile, draw(STEPS))


@given(plans())
def test_every_pixel_is_covered_and_no_tile_leaves_the_image(plan: TilePlan) -> None:
    covered = np.zeros(plan.shape_yx, dtype=int)
    for index in range(len(plan)):
        row, column = plan.position(index)
        part = covered[row : row + plan.tile_yx[0], column : column + plan.tile_yx[1]]
        assert part.shape == plan.tile_yx
        part += 1
    assert covered.min() >= 1


@given(plans(), st.integers(1, 7))
def test_rows_called_final_are_touched_no_more_and_the_band_holds_the_rest(plan: TilePlan, batch: int) -> None:
    room = plan.band_rows(batch)
    done: list[int] = []
    for run in plan.batches(batch):
        final = plan.final_rows(run.start)
        for tile in run:
            assert plan.position(tile)[0] >= final
            assert plan.position(tile)[0] + plan.tile_yx[0] - final <= room
        done.extend(run)
    assert done == list(range(len(plan)))
    assert plan.final_rows(len(plan)) == plan.shape_yx[0]
    assert room <= plan.shape_yx[0]


def test_steps_by_hand() -> None:
    assert steps(110, 64, 0.5) == (0, 23, 46)  # the example in nnU-Net's source
    assert steps(64, 64, 0.5) == (0,)
    assert steps(65, 64, 1.0) == (0, 1)
    assert padding((3, 8), (8, 8)) == ((2, 3), (0, 0))


@pytest.mark.filterwarnings("ignore")
@given(length=st.integers(1, 5000), tile=st.integers(1, 1024), step=STEPS)
def test_steps_are_nnunets(length: int, tile: int, step: float) -> None:
    from nnunetv2.inference.sliding_window_prediction import compute_steps_for_sliding_window

    length = max(length, tile)
    assert [list(steps(length, tile, step))] == compute_steps_for_sliding_window((length,), (tile,), step)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("tile", [(256, 256), (64, 96), (33, 57), (1, 1), (8, 1024)], ids=str)
def test_gaussian_weights_are_nnunets(tile: tuple[int, int]) -> None:
    import torch
    from nnunetv2.inference.sliding_window_prediction import compute_gaussian

    reference = compute_gaussian(tile, sigma_scale=1 / 8, value_scaling_factor=10, device=torch.device("cpu"))
    np.testing.assert_array_equal(tile_weights(tile, Weighting.GAUSSIAN), reference.float().numpy())


@pytest.mark.parametrize("weighting", list(Weighting))
@given(tile=st.tuples(EDGES, EDGES))
def test_weights_are_positive_and_highest_in_the_middle(weighting: Weighting, tile: tuple[int, int]) -> None:
    weights = tile_weights(tile, weighting)
    assert weights.min() > 0
    assert weights.max() == weights[tile[0] // 2, tile[1] // 2]


@pytest.mark.parametrize("step", [0, -0.5, 1.01, float("nan"), float("inf")])
def test_an_impossible_step_is_refused(step: float) -> None:
    with pytest.raises(PredictionError, match="tile step"):
        plan_tiles((64, 64), (32, 32), step)


def test_an_image_below_one_tile_is_refused() -> None:
    with pytest.raises(PredictionError, match="smaller than a tile"):
        plan_tiles((64, 31), (32, 32), 0.5)


@pytest.mark.parametrize("size", [4096, 16_384, 40_000])
def test_the_band_is_one_tile_high_however_large_the_image(size: int) -> None:
    plan = plan_tiles((size, size), (256, 256), 0.5)
    assert plan.band_rows(1) == 256
    assert plan.band_rows(len(plan.columns) - 1) <= 256 + 128
