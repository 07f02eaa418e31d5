"""A small trained model for the tests of prediction: nnU-Net's architecture, some seconds of training on one image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import NDArray

from core.files import write_json
from core.label_scheme import LabelScheme
from core.models.card import ModelCard
from core.models.store import StoredModel, open_model

PATCH_PX = 64
FEATURES = [8, 16, 32]
STEPS = 50

settings.register_profile("shared machine", deadline=None)  # the first call imports, and others work beside us
settings.load_profile("shared machine")

Arguments = dict[str, Any]


def plans(
    patch_px: int = PATCH_PX,
    normalization: str = "ZScoreNormalization",
    use_mask: bool = False,
    *,
    features: Sequence[int] = FEATURES,
    convolutions: int = 2,
    name: str = "Dataset001_tiny",
) -> Arguments:
    """Plans as nnU-Net writes them, for a network with a stage for each number of features."""
    stages = len(features)
    no_change = {"is_seg": False, "order": 3, "order_z": 0, "force_separate_z": None}
    configuration = {
        "data_identifier": "nnUNetPlans_2d",
        "preprocessor_name": "DefaultPreprocessor",
        "batch_size": 4,
        "patch_size": [patch_px, patch_px],
        "median_image_size_in_voxels": [1024.0, 1024.0],
        "spacing": [1.0, 1.0],
        "normalization_schemes": [normalization],
        "use_mask_for_norm": [use_mask],
        "resampling_fn_data": "resample_data_or_seg_to_shape",
        "resampling_fn_seg": "resample_data_or_seg_to_shape",
        "resampling_fn_data_kwargs": no_change,
        "resampling_fn_seg_kwargs": no_change | {"is_seg": True, "order": 1},
        "resampling_fn_probabilities": "resample_data_or_seg_to_shape",
        "resampling_fn_probabilities_kwargs": no_change | {"order": 1},
        "architecture": {
            "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
            "arch_kwargs": {
                "n_stages": stages,
                "features_per_stage": list(features),
                "conv_op": "torch.nn.modules.conv.Conv2d",
                "kernel_sizes": [[3, 3]] * stages,
                "strides": [[1, 1]] + [[2, 2]] * (stages - 1),
                "n_conv_per_stage": [convolutions] * stages,
                "n_conv_per_stage_decoder": [convolutions] * (stages - 1),
                "conv_bias": True,
                "norm_op": "torch.nn.modules.instancenorm.InstanceNorm2d",
                "norm_op_kwargs": {"eps": 1e-05, "affine": True},
                "dropout_op": None,
                "dropout_op_kwargs": None,
                "nonlin": "torch.nn.LeakyReLU",
                "nonlin_kwargs": {"inplace": True},
            },
            "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
        },
        "batch_dice": True,
    }
    statistics = {"mean": 120.0, "std": 40.0, "percentile_00_5": 20.0, "percentile_99_5": 240.0}
    return {
        "dataset_name": name,
        "plans_name": "nnUNetPlans",
        "original_median_spacing_after_transp": [999.0, 1.0, 1.0],
        "original_median_shape_after_transp": [1, 1024, 1024],
        "image_reader_writer": "NaturalImage2DIO",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "configurations": {"2d": configuration},
        "experiment_planner_used": "ExperimentPlanner",
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": {"0": statistics},
    }


def write_model(path: Path, weights: list[Any], *, pixel_size_nm: float | None = 4.6, **choices: Any) -> StoredModel:
    """Store state dicts, one per fold, as a model of the classes in data/vnc."""
    from core.models.weights import save_weights

    names = {"background": 0, "cell boundaries": 1, "glia": 2, "mitochondria": 3, "synapse": 4}
    path.mkdir(parents=True)
    write_json(path / "plans.json", plans(**choices))
    write_json(
        path / "dataset.json",
        {"channel_names": {"0": "zscore"}, "labels": names, "numTraining": 1, "file_ending": ".png"},
    )
    card = ModelCard(
        id=path.name,
        name="Tiny",
        scheme=LabelScheme.from_names(names),
        output_ids=(0, 1, 2, 3, 4),
        pixel_size_nm=pixel_size_nm,
    )
    write_json(path / "card.json", card.to_json())
    for number, state in enumerate(weights):
        save_weights(path / f"fold_{number}.safetensors", state)
    return open_model(path)


def _train(model: StoredModel, image_yx: NDArray[Any], labels_yx: NDArray[Any], seed: int) -> Any:
    """Some steps of plain cross-entropy on random crops; the state dict."""
    import torch

    from core.models.weights import build_network

    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = build_network(model)
    network.apply(network.initialize)
    network.train()
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-3)
    pixels = (image_yx - image_yx.mean(dtype=np.float64)) / image_yx.std(dtype=np.float64)
    for _ in range(STEPS):
        corners = rng.integers(0, np.array(image_yx.shape) - PATCH_PX, (4, 2))
        crops = [np.s_[r : r + PATCH_PX, c : c + PATCH_PX] for r, c in corners]
        inputs = torch.from_numpy(np.stack([pixels[crop] for crop in crops])[:, None].astype(np.float32))
        targets = torch.from_numpy(np.stack([labels_yx[crop] for crop in crops]).astype(np.int64))
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(inputs), targets).backward()
        optimizer.step()
    return network.state_dict()


@pytest.fixture(scope="session")
def training_pair(request: pytest.FixtureRequest) -> tuple[NDArray[Any], NDArray[Any]]:
    """A real section and its labels; a phantom where the real ones are absent."""
    from PIL import Image

    try:
        folder = request.getfixturevalue("shared_data") / "vnc"
    except pytest.skip.Exception:
        from core.phantom import generate_phantom

        phantom = generate_phantom(1, 1024)
        return phantom.image_yx, np.minimum(phantom.labels_yx, 4)
    return tuple(np.asarray(Image.open(folder / part / "vnc_00.png")) for part in ("images", "labels"))  # type: ignore[return-value]


@pytest.fixture(scope="session")
def section(request: pytest.FixtureRequest) -> NDArray[Any]:
    """Another image of the same kind, 1024 x 1024 px, that no model here was trained on."""
    from PIL import Image

    try:
        return np.asarray(Image.open(request.getfixturevalue("shared_data") / "vnc" / "images" / "vnc_12.png"))
    except pytest.skip.Exception:
        from core.phantom import generate_phantom

        return generate_phantom(2, 1024).image_yx


@pytest.fixture(scope="session")
def weights(training_pair: tuple[NDArray[Any], NDArray[Any]], tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """State dicts of two folds, trained for some seconds each."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # two threads that wait for each other stand still on a busy machine
    blank = write_model(tmp_path_factory.mktemp("blank") / "blank", [{"none": torch.zeros(1)}])
    states = [_train(blank, *training_pair, seed=seed) for seed in (1, 2)]
    torch.set_num_threads(threads)
    return states


@pytest.fixture(scope="session")
def tiny_model(weights: list[Any], tmp_path_factory: pytest.TempPathFactory) -> StoredModel:
    """A trained model with two folds, 4.6 nm per pixel."""
    return write_model(tmp_path_factory.mktemp("models") / "tiny", weights)
