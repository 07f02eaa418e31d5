"""Counting and replacing values band by band: nothing but the memory changes."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from core.imaging.row_bands import id_counts, replaced_values, row_bands, value_counts
from core.label_scheme import DEFAULT_SCHEME
from core.labels.importing import read_label_image
from tests.core.imaging.files import tiff

MOST_BYTES_PER_PX = 5
"""Of reading a label image of 8 bits: the file, its plane and the label map, with some room."""


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bands of a few rows, also in the small arrays here."""
    monkeypatch.setattr("core.imaging.row_bands.BAND_PX", 7)


@given(
    st.sampled_from([np.uint8, np.uint16, np.int16, np.int64]).flatmap(
        lambda dtype: arrays(dtype, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(0, 200))
    )
)
def test_values_are_counted_and_replaced_as_numpy_does_it_at_once(values: np.ndarray) -> None:
    found, counts = value_counts(values)
    expected, place, number = np.unique(values, return_inverse=True, return_counts=True)
    assert found.dtype == values.dtype
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(counts, number)
    ids = np.arange(len(found), dtype=np.uint8)[::-1]
    np.testing.assert_array_equal(replaced_values(values, found, ids), ids[place].reshape(values.shape))


def test_bands_are_the_whole_and_at_least_a_row_each() -> None:
    assert list(row_bands((3, 100))) == [slice(0, 1), slice(1, 2), slice(2, 3)]
    assert list(row_bands((5, 3, 4), 6)) == [slice(0, 2), slice(2, 4), slice(4, 5)]
    assert list(row_bands((0, 4))) == []


@pytest.mark.parametrize("dtype", [np.uint8, np.int32])
def test_nothing_has_no_values(dtype: type) -> None:
    found, counts = value_counts(np.zeros((0, 4), dtype))
    assert (found.size, counts.size) == (0, 0)
    assert not id_counts(np.zeros((0, 4), np.uint8)).any()


@pytest.mark.parametrize("value_map", [None, {1: 2, 7: 1}], ids=["ids", "value map"])
def test_reading_labels_takes_few_bytes_a_pixel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value_map: dict[int, int] | None
) -> None:
    """It took 13, and 50 with a value map."""
    monkeypatch.setattr("core.imaging.row_bands.BAND_PX", 10_000)
    labels = np.ones((1000, 800), np.uint8)
    labels[:300] = 0
    (tmp_path / "a.tif").write_bytes(tiff(labels))
    read_label_image(tmp_path / "a.tif", DEFAULT_SCHEME, value_map=value_map)
    tracemalloc.start()
    try:
        read = read_label_image(tmp_path / "a.tif", DEFAULT_SCHEME, value_map=value_map)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MOST_BYTES_PER_PX * labels.size
    np.testing.assert_array_equal(read.labels_yx, labels * (2 if value_map else 1))
