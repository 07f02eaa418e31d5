"""Normalisation against nnU-Net's own classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from core.errors import PredictionError
from core.segmentation.normalization import NormalizationScheme, measure
from core.segmentation.tile_source import find_frame

PROPERTIES = {"mean": 100.0, "std": 30.0, "percentile_00_5": 40.0, "percentile_99_5": 200.0}


def images() -> dict[str, NDArray[Any]]:
    rng = np.random.default_rng(0)
    return {
        "uint8": rng.integers(0, 256, (90, 70)).astype(np.uint8),
        "uint16": rng.integers(900, 1300, (90, 70)).astype(np.uint16),
        "float32": rng.normal(5, 2, (90, 70)).astype(np.float32),
        "constant": np.full((90, 70), 37, dtype=np.uint8),
        "one pixel": np.full((1, 1), 200, dtype=np.uint8),
        "zeros": np.zeros((4, 4), dtype=np.uint8),
    }


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", images().keys())
@pytest.mark.parametrize("scheme", ["ZScore", "CT", "No", "RescaleTo01"])
def test_same_values_as_nnunet(scheme: str, name: str) -> None:
    from nnunetv2.preprocessing.normalization import default_normalization_schemes as schemes

    image = images()[name]
    reference = getattr(schemes, f"{scheme}Normalization")(False, PROPERTIES).run(image[None].copy(), None)[0]
    ours = measure(f"{scheme}Normalization", image, PROPERTIES).apply(image)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, reference, rtol=1e-4, atol=1e-4)


@pytest.mark.filterwarnings("ignore")
def test_masked_zscore_as_nnunet() -> None:
    from nnunetv2.preprocessing.normalization.default_normalization_schemes import ZScoreNormalization

    image = images()["uint16"].copy()
    image[:, :30] = 0
    mask = image > 0
    reference = ZScoreNormalization(True, {}).run(image[None].astype(np.float32), np.where(mask, 0, -1)[None])[0]
    ours = measure("ZScoreNormalization", image, None, mask).apply(image)
    np.testing.assert_allclose(ours[mask], reference[mask], rtol=1e-4, atol=1e-4)


def _nnunet_preprocessed(image_yx: NDArray[Any]) -> NDArray[Any]:
    """What nnU-Net's cropping and masked z-score make of a 2D image; it reads one as (1, 1, rows, columns)."""
    from nnunetv2.preprocessing.cropping.cropping import crop_to_nonzero
    from nnunetv2.preprocessing.normalization.default_normalization_schemes import ZScoreNormalization

    data, seg, _ = crop_to_nonzero(image_yx[None, None].astype(np.float32))
    return np.asarray(ZScoreNormalization(True, {}).run(data[0], seg[0]))[0]


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=150, deadline=None)
@given(
    arrays(
        np.uint8,
        st.tuples(st.integers(3, 12), st.integers(3, 12)),
        elements=st.sampled_from([0, 0, 0, 1, 90, 120, 255]),
    ).filter(lambda image: image.any())
)
def test_masked_images_are_what_nnunet_makes_of_them(image: NDArray[np.uint8]) -> None:
    """Black holes in the tissue are outside for nnU-Net: it fills holes in three dimensions, of one section none."""
    ours = NormalizationScheme("ZScoreNormalization", None, True).normalize(find_frame(image).cut(image))
    np.testing.assert_allclose(ours, _nnunet_preprocessed(image), rtol=1e-4, atol=1e-4)


@pytest.mark.filterwarnings("ignore")
def test_masked_images_are_normalised_before_they_are_resampled() -> None:
    """As nnU-Net: a black hole stays at 0 in its middle, and no edge of it is darker than any tissue."""
    image = np.random.default_rng(1).integers(900, 1300, (40, 40)).astype(np.uint16)
    image[16:24, 16:24] = 0
    scheme = NormalizationScheme("ZScoreNormalization", None, True)
    small = scheme.normalize_resampled(image, 0.5)
    np.testing.assert_allclose(small[10, 10], 0, atol=0.02)
    assert small.min() > scheme.normalize(image).min() - 0.5


def test_statistics_do_not_depend_on_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    image = images()["uint16"]
    whole = measure("ZScoreNormalization", image)
    monkeypatch.setattr("core.segmentation.normalization.CHUNK_PX", 1)
    pieces = measure("ZScoreNormalization", image)
    assert whole.offset == pytest.approx(pieces.offset) and whole.scale == pytest.approx(pieces.scale)


def test_eight_bit_scheme_refuses_other_images() -> None:
    assert measure("RGBTo01Normalization", images()["uint8"]).apply(images()["uint8"]).max() <= 1
    with pytest.raises(PredictionError, match="requires 0 to 255"):
        measure("RGBTo01Normalization", images()["uint16"])


def test_unknown_scheme_and_missing_properties_are_named() -> None:
    with pytest.raises(PredictionError, match="MyNormalization"):
        measure("MyNormalization", images()["uint8"])
    with pytest.raises(PredictionError, match="percentile_99_5"):
        measure("CTNormalization", images()["uint8"], {"mean": 1, "std": 1, "percentile_00_5": 0})
