"""Phantoms whose mitochondria touch: the label map joins them, the ids of the objects tell them apart."""

from __future__ import annotations

from pathlib import Path

import cc3d
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from core.datasets.folder import open_dataset
from core.errors import ImageError
from core.phantom import Phantom, generate_phantom, write_phantom_dataset
from core.phantom.rendering import DROPLETS, MITOCHONDRIA, NUCLEUS


@pytest.fixture(scope="module")
def crowded() -> Phantom:
    return generate_phantom(3, 512, pixel_size_nm=24.0, touching=0.7)


def _pieces(mask_yx: NDArray[np.bool_]) -> int:
    return int(cc3d.connected_components(mask_yx.astype(np.uint8), connectivity=8, return_N=True)[1])


def _touching_pairs(objects_yx: NDArray[np.uint32]) -> set[tuple[int, int]]:
    pairs: set[tuple[int, int]] = set()
    for one, other in ((objects_yx[1:], objects_yx[:-1]), (objects_yx[:, 1:], objects_yx[:, :-1])):
        beside = (one != other) & (one > 0) & (other > 0)
        pairs |= {(min(pair), max(pair)) for pair in zip(one[beside].tolist(), other[beside].tolist(), strict=True)}
    return pairs


def test_ids_cover_the_bodies_and_cross_no_class(crowded: Phantom) -> None:
    bodies = np.isin(crowded.labels_yx, (MITOCHONDRIA, NUCLEUS, DROPLETS))
    np.testing.assert_array_equal(crowded.objects_yx > 0, bodies)
    for number in np.unique(crowded.objects_yx[bodies]):
        assert len(np.unique(crowded.labels_yx[crowded.objects_yx == number])) == 1


def test_touching_mitochondria_are_one_piece_and_several_objects(crowded: Phantom) -> None:
    mitochondria = crowded.labels_yx == MITOCHONDRIA
    ids = np.unique(crowded.objects_yx[mitochondria])
    pairs = _touching_pairs(np.where(mitochondria, crowded.objects_yx, 0).astype(np.uint32))
    assert len(pairs) >= 5
    assert _pieces(mitochondria) <= len(ids) - 5
    # each is one body still: the face cuts nothing off
    assert all(_pieces(crowded.objects_yx == number) == 1 for number in ids)


def test_without_the_option_no_two_mitochondria_touch() -> None:
    alone = generate_phantom(3, 512, pixel_size_nm=24.0)
    mitochondria = alone.labels_yx == MITOCHONDRIA
    assert not _touching_pairs(np.where(mitochondria, alone.objects_yx, 0).astype(np.uint32))
    assert _pieces(mitochondria) == len(np.unique(alone.objects_yx[mitochondria]))


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan")], ids=str)
def test_an_impossible_share_is_refused(share: float) -> None:
    with pytest.raises(ImageError, match="share of touching"):
        generate_phantom(0, 64, touching=share)


def test_a_dataset_holds_the_ids(tmp_path: Path) -> None:
    write_phantom_dataset(tmp_path / "set", 2, 128, 3, pixel_size_nm=32, test_count=1, touching=0.7)
    expected = generate_phantom(4, 128, pixel_size_nm=32, touching=0.7)
    np.testing.assert_array_equal(
        tifffile.imread(tmp_path / "set" / "objects" / "phantom_001.tif"), expected.objects_yx
    )
    assert len(open_dataset(tmp_path / "set").cases) == 2
