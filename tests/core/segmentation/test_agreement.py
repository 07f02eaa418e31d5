"""Our predictor against nnU-Net's own, at the same settings, on a real image.

The model was trained for some seconds; the least agreement is what the project promises.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from core.imaging.image import Image, PixelSize
from core.models.store import StoredModel
from core.segmentation.array_sink import ArraySink
from core.segmentation.prediction_summary import PredictionSummary
from core.segmentation.predictor import Predictor
from core.segmentation.resampling import resample_image

pytestmark = pytest.mark.filterwarnings("ignore")  # of nnU-Net and its libraries

EXACT, FAST = 0.999, 0.997


def nnunet_predictor(model: StoredModel, mirroring: bool, folds: tuple[str, ...]) -> Any:
    """An nnUNetPredictor that holds the model."""
    import torch
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
    from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

    from core.models.weights import build_network, load_weights

    torch.set_num_threads(1)
    plans = PlansManager(model.plans)
    predictor = nnUNetPredictor(use_mirroring=mirroring, device=torch.device("cpu"), allow_tqdm=False)
    predictor.manual_initialization(
        build_network(model),
        plans,
        plans.get_configuration("2d"),
        [load_weights(model.weights(fold)) for fold in folds],
        model.dataset_json,
        "nnUNetTrainer",
        (0, 1),
    )
    return predictor


def nnunet(model: StoredModel, pixels_yx: NDArray[Any], mirroring: bool, folds: tuple[str, ...]) -> NDArray[Any]:
    """Labels that nnU-Net gives."""
    predictor = nnunet_predictor(model, mirroring, folds)
    labels = predictor.predict_single_npy_array(pixels_yx[None, None].astype(np.float32), {"spacing": (999, 1, 1)})
    return np.asarray(labels)[0]


def nnunet_logits(model: StoredModel, pixels_yx: NDArray[Any]) -> NDArray[Any]:
    """Scores that nnU-Net's sliding window gives with fold 0, (class, row, column)."""
    import torch

    pixels = pixels_yx.astype(np.float32)
    pixels = (pixels - pixels.mean()) / pixels.std()
    predictor = nnunet_predictor(model, False, ("0",))
    predictor.network.load_state_dict(predictor.list_of_parameters[0])
    logits = predictor.predict_sliding_window_return_logits(torch.from_numpy(pixels[None, None]))
    return np.asarray(logits[:, 0].float())


def ours(predictor: Predictor, image: Image, **settings: Any) -> tuple[NDArray[Any], PredictionSummary]:
    """Labels that our predictor gives."""
    sink = ArraySink(image.shape)
    summary = predictor.predict(image, sink, **settings)
    return sink.labels_yx, summary


CASES = {
    "one fold": ((0, 300, 0, 400), False, ("0",)),
    "odd size, two folds": ((3, 230, 10, 311), False, ("0", "1")),
    "mirrored": ((0, 160, 0, 200), True, ("1",)),
    "mirrored, two folds": ((0, 96, 0, 130), True, ("0", "1")),
    "smaller than a tile": ((0, 50, 0, 41), False, ("0",)),
    "narrow": ((0, 33, 0, 500), False, ("0",)),
}
BACKENDS = ("torch-cpu", "openvino")


@pytest.fixture(scope="module")
def predictors(tiny_model: StoredModel, tmp_path_factory: Any) -> dict[tuple[str, str], Predictor]:
    """One warm predictor for each backend and precision."""
    cache: Path = tmp_path_factory.mktemp("cache")
    return {
        (backend, precision): Predictor(tiny_model, backend=backend, precision=precision, threads=1, cache_dir=cache)
        for backend in BACKENDS
        for precision in ("exact", "fast")
    }


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_agrees_with_nnunet(
    case: tuple[tuple[int, ...], bool, tuple[str, ...]],
    predictors: dict[tuple[str, str], Predictor],
    tiny_model: StoredModel,
    section: NDArray[Any],
) -> None:
    (top, bottom, left, right), mirroring, folds = case
    pixels = np.ascontiguousarray(section[top:bottom, left:right])
    reference = nnunet(tiny_model, pixels, mirroring, folds)
    if pixels.size > 50_000:  # a small corner may well be background alone
        assert len(np.unique(reference)) > 1
    for (backend, precision), predictor in predictors.items():
        labels, summary = ours(predictor, Image(pixels), mirroring=mirroring, folds=folds)
        agreement = (labels == reference).mean()
        print(f"{backend} {precision} ({summary.precision}): {agreement:.5f}")
        assert summary.backend == backend
        # a few pixels decide in an image below some 10,000 px
        slack = 10 / labels.size
        assert agreement >= (EXACT if precision == "exact" else FAST) - slack, (backend, precision)


@pytest.mark.parametrize("factor", [0.5, 1.7])
def test_a_resampled_image_is_what_nnunet_would_have_seen(
    factor: float, predictors: dict[tuple[str, str], Predictor], tiny_model: StoredModel, section: NDArray[Any]
) -> None:
    pixels = np.ascontiguousarray(section[:200, :260])
    scores = nnunet_logits(tiny_model, resample_image(pixels, factor))
    size = [n / m for n, m in zip(scores.shape[1:], pixels.shape, strict=True)]
    centers = [(np.arange(n) + 0.5) * s - 0.5 for n, s in zip(pixels.shape, size, strict=True)]
    grid = np.meshgrid(*centers, indexing="ij")
    back = np.stack([map_coordinates(score, grid, order=1, mode="nearest") for score in scores])
    assert tiny_model.pixel_size_nm is not None
    image = Image(pixels, PixelSize.from_user(tiny_model.pixel_size_nm * factor))
    for backend in BACKENDS:
        labels, summary = ours(predictors[backend, "exact"], image, folds=("0",))
        assert summary.scale_factor == pytest.approx(factor)
        assert (labels == back.argmax(axis=0)).mean() >= EXACT
    other, summary = ours(predictors["openvino", "exact"], Image(pixels), folds=("0",))
    assert summary.scale_factor == 1 and (other == labels).mean() < EXACT  # the size does matter


def test_a_black_border_is_left_out_as_by_nnunet(
    predictors: dict[tuple[str, str], Predictor], tiny_model: StoredModel, section: NDArray[Any]
) -> None:
    pixels = np.zeros((220, 250), dtype=np.uint8)
    pixels[30:190, 20:240] = np.maximum(section[:160, :220], 1)
    labels, _ = ours(predictors["openvino", "exact"], Image(pixels), folds=("0",))
    assert (labels == nnunet(tiny_model, pixels, False, ("0",))).mean() >= EXACT
    assert not labels[:30].any() and not labels[:, :20].any() and labels[30:190, 20:240].any()
