"""Normalisation against nnU-Net's own classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import PredictionError
from core.segmentation.normalization import measure

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


def test_statistics_do_not_depend_on_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    image = images()["uint16"]
    whole = measure("ZScoreNormalization", image)
    monkeypatch.setattr("core.segmentation.normalization.CHUNK_PX", 1)
    pieces = measure("ZScoreNormalization", image)
    assert whole.offset == pytest.approx(pieces.offset) and whole.scale == pytest.approx(pieces.scale)


def test_eight_bit_scheme_refuses_other_images() -> None:
    assert measure("RGBTo01Normalization", images()["uint8"]).apply(images()["uint8"]).max() <= 1
    with pytest.raises(PredictionError, match="takes 0 to 255"):
        measure("RGBTo01Normalization", images()["uint16"])


def test_unknown_scheme_and_missing_properties_are_named() -> None:
    with pytest.raises(PredictionError, match="MyNormalization"):
        measure("MyNormalization", images()["uint8"])
    with pytest.raises(PredictionError, match="percentile_99_5"):
        measure("CTNormalization", images()["uint8"], {"mean": 1, "std": 1, "percentile_00_5": 0})
