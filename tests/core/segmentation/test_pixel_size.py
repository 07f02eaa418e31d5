"""The same tissue at 4, 8 and 16 nm per pixel is segmented alike: the pixel size is part of the model."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import NotFoundError
from core.imaging.image import Image, PixelSize
from core.models.store import STARTER_ID, ModelStore
from core.phantom import generate_phantom
from core.segmentation.array_sink import ArraySink
from core.segmentation.predictor import Predictor
from core.segmentation.resampling import resample_labels
from core.settings import ROOT

FIELD_NM = 768 * 8
"""Edge of the field of view; the same for every pixel size."""

SIZES_NM = (4.0, 8.0, 16.0)

LEAST_SHARE = 0.005
"""Of the field: a class with less is a speck, whose Dice says nothing about scale."""

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    try:
        model = ModelStore(ROOT / "models").get(STARTER_ID)
    except NotFoundError:
        pytest.skip("the starter model is not here yet (models/starter)")
    return Predictor(model, backend="openvino", precision="exact", threads=2)


@pytest.fixture(scope="module")
def segmented(predictor: Predictor) -> dict[float, tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Prediction and truth at each pixel size, both brought to the grid of 8 nm."""
    results = {}
    for size_nm in SIZES_NM:
        phantom = generate_phantom(11, round(FIELD_NM / size_nm), pixel_size_nm=size_nm)
        sink = ArraySink(phantom.image_yx.shape)
        predictor.predict(Image(phantom.image_yx, PixelSize.from_user(size_nm)), sink)
        results[size_nm] = tuple(resample_labels(labels, size_nm / 8) for labels in (sink.labels_yx, phantom.labels_yx))
    return results


def mean_dice(reference: NDArray[np.uint8], prediction: NDArray[np.uint8]) -> float:
    """Over the classes that the reference has more than specks of, background left out."""
    scores = []
    areas = np.bincount(reference.ravel(), minlength=256)
    for class_id in np.flatnonzero(areas[1:] > LEAST_SHARE * reference.size) + 1:
        a, b = reference == class_id, prediction == class_id
        scores.append(2 * (a & b).sum() / (a.sum() + b.sum()))
    return float(np.mean(scores))


@pytest.mark.parametrize("size_nm", [4.0, 16.0])
def test_the_same_phantom_is_segmented_alike(
    size_nm: float, segmented: dict[float, tuple[NDArray[np.uint8], NDArray[np.uint8]]]
) -> None:
    usual, _ = segmented[8.0]
    other, _ = segmented[size_nm]
    assert (usual == other).mean() > 0.9
    assert mean_dice(usual, other) > 0.7


def test_quality_hardly_depends_on_the_pixel_size(
    segmented: dict[float, tuple[NDArray[np.uint8], NDArray[np.uint8]]],
) -> None:
    dice = {size_nm: mean_dice(truth, labels) for size_nm, (labels, truth) in segmented.items()}
    assert min(dice.values()) > max(dice.values()) - 0.15, dice


def test_ignoring_the_pixel_size_ruins_it(
    predictor: Predictor, segmented: dict[float, tuple[NDArray[np.uint8], NDArray[np.uint8]]]
) -> None:
    phantom = generate_phantom(11, round(FIELD_NM / 4), pixel_size_nm=4.0)
    sink = ArraySink(phantom.image_yx.shape)
    predictor.predict(Image(phantom.image_yx), sink)  # taken for the model's 8 nm
    labels, truth = (resample_labels(values, 0.5) for values in (sink.labels_yx, phantom.labels_yx))
    assert mean_dice(truth, labels) < mean_dice(segmented[4.0][1], segmented[4.0][0])
