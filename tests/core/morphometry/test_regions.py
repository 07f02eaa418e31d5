"""Numbers per area and mean sizes where labels have gaps, against the tissue that the labels are a part of."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import euler_number

from core.label_scheme import DEFAULT_SCHEME, IGNORE_ID
from core.morphometry.conditions import unit_means
from core.morphometry.measures import MEASURES
from core.morphometry.objects import ObjectTable, measure_objects
from core.morphometry.regions import fitting, windows_inside
from core.morphometry.summary import ImageObjects, Selection, overall, overall_density, summarise

SIDE = 640
NM = 10.0
Mask = NDArray[np.bool_]


@cache
def tissue() -> tuple[NDArray[np.uint8], float, float]:
    """Ellipses of many sizes thrown on a plane that has no edge, apart; objects per 100 µm² and mean area in µm²."""
    rng = np.random.default_rng(11)
    labels = np.zeros((SIDE, SIDE), np.uint8)
    row, column = np.mgrid[-30:31, -30:31]
    areas = []
    for _ in range(700):
        long, short, angle = rng.uniform(4, 26), rng.uniform(3, 9), rng.uniform(0, np.pi)
        u, v = row * np.cos(angle) + column * np.sin(angle), column * np.cos(angle) - row * np.sin(angle)
        own = (u / long) ** 2 + (v / short) ** 2 <= 1
        top, left = rng.integers(0, SIDE, 2)
        place = np.ix_((top + np.arange(61)) % SIDE, (left + np.arange(61)) % SIDE)
        if not labels[place][ndimage.binary_dilation(own, np.ones((5, 5)))].any():
            labels[place] |= own
            areas.append(own.sum())
    um2 = SIDE**2 * NM**2 / 1e6
    return labels, len(areas) / um2 * 100, float(np.mean(areas)) * NM**2 / 1e6


def boxes(rng: np.random.Generator, side: int) -> Mask:
    """A few squares."""
    mask = np.zeros((SIDE, SIDE), bool)
    for top, left in rng.integers(0, SIDE - side, (4, 2)):
        mask[top : top + side, left : left + side] = True
    return mask


def strokes(rng: np.random.Generator) -> Mask:
    """What a thick brush leaves."""
    mask = np.zeros((SIDE, SIDE), bool)
    ways = rng.integers(0, SIDE, (3, 2, 2))
    for one, other in ways:
        for part in np.linspace(0, 1, 400):
            y, x = (one + (other - one) * part).astype(int)
            mask[y, x] = True
    return np.asarray(ndimage.distance_transform_edt(~mask) < 40)


def holes(rng: np.random.Generator) -> Mask:
    """All of the image but for round places."""
    mask = np.zeros((SIDE, SIDE), bool)
    mask[tuple(rng.integers(0, SIDE, (2, 25)))] = True
    return np.asarray(ndimage.distance_transform_edt(~mask) > 30)


REGIONS: dict[str, Callable[[np.random.Generator], Mask]] = {
    "squares of 200": lambda rng: boxes(rng, 200),
    "squares of 90": lambda rng: boxes(rng, 90),
    "squares of 30, smaller than most objects": lambda rng: boxes(rng, 30),
    "strokes": strokes,
    "all but round gaps": holes,
}


def measured(mask: Mask, name: str, shift: tuple[int, int], specimen: str = "one") -> ImageObjects:
    labels = np.where(mask, np.roll(tissue()[0], shift, (0, 1)), np.uint8(IGNORE_ID))
    return ImageObjects(name, name, specimen, name, measure_objects(labels, DEFAULT_SCHEME, NM))


def naive_density(table: ObjectTable) -> float:
    """Every piece in full, as before."""
    framed = (table.top > 0) & (table.left > 0)
    return float(framed.sum() / (table.labelled_px * NM**2 / 1e6) * 100)


@pytest.mark.parametrize("name", REGIONS)
def test_objects_per_area_are_right_in_regions_of_any_shape(name: str) -> None:
    rng = np.random.default_rng(5)
    number = {"squares of 200": 6, "all but round gaps": 4}.get(name, 60 if "30" in name else 14)
    images = [
        measured(REGIONS[name](rng), f"{n}", (int(rng.integers(SIDE)), int(rng.integers(SIDE))), f"mouse {n % 2}")
        for n in range(number)
    ]
    _, density, area = tissue()
    rows = summarise(images, MEASURES[0], Selection(1))
    naive = np.mean([naive_density(image.table) for image in images])
    assert naive > 1.08 * density, "the gaps cut enough to see it"
    tolerance = 0.15 if "30" in name else 0.07
    assert overall_density(rows).mean == pytest.approx(density, rel=tolerance)
    if "30" in name:
        assert sum(row.too_large for row in rows) > 20, "it is said that objects are larger than the regions"
    else:
        assert overall(rows).mean == pytest.approx(area, rel=0.12)


def test_without_weights_and_shares_the_figures_are_far_off() -> None:
    """What the test above would let pass."""
    rng = np.random.default_rng(5)
    images = [measured(boxes(rng, 90), f"{n}", (n * 97, n * 31)) for n in range(14)]
    _, density, area = tissue()
    assert np.mean([naive_density(image.table) for image in images]) > 1.3 * density
    whole = np.concatenate([image.table.area_px[~image.table.cut] for image in images]) * NM**2 / 1e6
    assert whole.mean() < 0.93 * area


def test_an_image_of_which_little_is_labelled_weighs_as_little() -> None:
    """One object that happens to lie in a tiny region was as much as a whole image."""
    labels = np.full((100, 100), IGNORE_ID, np.uint8)
    labels[10:20, 10:20] = 0
    labels[14:16, 14:16] = 1
    tiny = ImageObjects("tiny", "tiny", "m", "t", measure_objects(labels, DEFAULT_SCHEME, 1000.0))
    full = np.zeros((100, 100), np.uint8)
    full[50:60, 50:60] = full[20:30, 20:30] = 1
    large = ImageObjects("large", "large", "m", "l", measure_objects(full, DEFAULT_SCHEME, 1000.0))
    other = ImageObjects("other", "other", "n", "o", large.table)
    rows = summarise([tiny, large, other], MEASURES[0], Selection(1))
    assert rows[0].density == pytest.approx(100 / 81)
    assert overall_density(rows).mean == pytest.approx((100 * 3 / (81 + 10_000) + 100 * 2 / 10_000) / 2)
    weights = [row.weight.sum() for row in rows[:2]]
    assert weights[1] > weights[0]
    assert overall(rows).mean == pytest.approx((np.average([4, 100], weights=weights) + 100) / 2)
    assert [unit.mean for unit in unit_means(rows)] == pytest.approx([np.average([4, 100], weights=weights), 100])
    alone = summarise(
        [ImageObjects(i.name, i.name, "", i.name, i.table) for i in (tiny, large)], MEASURES[0], Selection(1)
    )
    assert overall_density(alone).mean == pytest.approx(100 * 3 / (81 + 10_000)), "nor where specimens are not recorded"


@settings(max_examples=80, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(2, 12), st.integers(2, 12)), elements=st.sampled_from([0, 1, IGNORE_ID])))
def test_shares_and_places_agree_with_brute_force(labels: NDArray[np.uint8]) -> None:
    table = measure_objects(labels, DEFAULT_SCHEME, NM)
    if not (labels == IGNORE_ID).any():
        return
    labelled = labels != IGNORE_ID
    assert table.frame_px == windows_inside(labels)
    single = sum(labelled[r - 1 : r + 2, c - 1 : c + 2].all() for r in range(1, labels.shape[0] - 1)
                 for c in range(1, labels.shape[1] - 1))  # fmt: skip
    numbered, _ = ndimage.label(labels == 1, np.ones((3, 3)))
    for index in range(len(table)):
        box = slice(table.top[index], table.bottom[index]), slice(table.left[index], table.right[index])
        own = numbered[box] == numbered[tuple(np.argwhere(numbered[box])[0] + [s.start for s in box])]
        if not table.cut[index]:
            assert table.part[index] == 1
            assert euler_number(ndimage.binary_fill_holes(own), connectivity=2) == 1
        around = ndimage.binary_dilation(np.pad(own, 1), np.ones((3, 3)))
        places = sum(
            not (around & ~labelled[r : r + around.shape[0], c : c + around.shape[1]]).any()
            for r in range(labels.shape[0] - around.shape[0] + 1)
            for c in range(labels.shape[1] - around.shape[1] + 1)
        )
        alike = (table.area_px == table.area_px[index]).sum() == 1
        if alike and own.sum() == table.area_px[index]:
            assert table.fits[index] == pytest.approx(min(places / single, 1) if single else 0)
        assert table.fits[index] > 0 or table.cut[index]


def test_places_in_a_large_image_are_counted_on_a_grid() -> None:
    labels = np.full((900, 1100), IGNORE_ID, np.uint8)
    labels[20:320, 40:400] = labels[500:880, 300:1000] = 0
    numbers = np.zeros(labels.shape, np.uint32)
    numbers[100:160, 100:110] = 1
    numbers[600:603, 600:630] = 2
    box = np.array([[100, 100, 160, 110], [600, 600, 603, 630]])
    exact = [((300 - 61) * (360 - 11) + (380 - 61) * (700 - 11)), ((300 - 4) * (360 - 31) + (380 - 4) * (700 - 31))]
    single = 298 * 358 + 378 * 698
    assert fitting(numbers, labels, box).tolist() == pytest.approx([each / single for each in exact], rel=0.04)
