"""Good models in both forms of zip, tiny, made here; and what is done with a damaged one.

Damage to a zip itself mostly breaks a checksum. So the files inside are damaged too, and packed again with the right
checksums: names before ``~`` say into which zip.
"""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.fuzz.attempts import Attempt, attempt
from core.exchange.bundle import MANIFEST_FILE
from core.exchange.importing import ready_model
from core.imaging.image import Image
from core.label_scheme import LabelScheme
from core.models.card import ModelCard
from core.models.store import open_model
from core.segmentation.array_sink import ArraySink

_FOLDER: Final = "Dataset007_Tiny/nnUNetTrainer__nnUNetPlans__2d/"
_CHECKPOINT: Final = "fold_0/checkpoint_final.pth"
_PICKLE: Final = "data.pkl"

_ARCHITECTURE: Final[dict[str, Any]] = {
    "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
    "arch_kwargs": {
        "n_stages": 2, "features_per_stage": [4, 8], "conv_op": "torch.nn.modules.conv.Conv2d",
        "kernel_sizes": [[3, 3], [3, 3]], "strides": [[1, 1], [2, 2]], "n_conv_per_stage": [1, 1],
        "n_conv_per_stage_decoder": [1], "conv_bias": True,
        "norm_op": "torch.nn.modules.instancenorm.InstanceNorm2d", "norm_op_kwargs": {"eps": 1e-5, "affine": True},
        "dropout_op": None, "dropout_op_kwargs": None, "nonlin": "torch.nn.LeakyReLU",
        "nonlin_kwargs": {"inplace": True},
    },
    "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
}  # fmt: skip

_PLANS: Final[dict[str, Any]] = {
    "dataset_name": "Dataset007_Tiny",
    "plans_name": "nnUNetPlans",
    "foreground_intensity_properties_per_channel": {"0": {"mean": 120.0, "std": 40.0, "percentile_00_5": 1.0,
                                                          "percentile_99_5": 250.0}},
    "configurations": {"2d": {"patch_size": [16, 16], "normalization_schemes": ["ZScoreNormalization"],
                              "use_mask_for_norm": [False], "architecture": _ARCHITECTURE, "spacing": [1.0, 1.0],
                              "batch_size": 2}},
}  # fmt: skip

_DATASET: Final[dict[str, Any]] = {
    "channel_names": {"0": "EM"}, "labels": {"background": 0, "axon": 1}, "numTraining": 3, "file_ending": ".png",
}  # fmt: skip


def seeds() -> dict[str, bytes]:
    """Zips, and the files inside them."""
    bundle, nnunet = _bundle(), _nnunet()
    inner = _members(nnunet[_CHECKPOINT])
    pickled = next(content for name, content in inner.items() if name.endswith(_PICKLE))
    return {
        "bundle.zip": _packed_bundle(bundle),
        "nnunet.zip": _packed_nnunet(nnunet),
        **{f"bundle~{name}": content for name, content in bundle.items()},
        **{f"nnunet~{name.replace('/', '~')}": content for name, content in nnunet.items()},
        f"nnunet~{_PICKLE}": pickled,
    }


def attempt_model(path: Path) -> Attempt:
    """Take in a model that may be damaged, and use it if it is accepted. Runs in a guarded process."""
    return attempt(lambda: _import(path))


def _import(path: Path) -> None:
    from core.segmentation.predictor import Predictor

    with tempfile.TemporaryDirectory(prefix="cristae-fuzz-") as folder:
        archive = Path(folder) / "model.zip"
        archive.write_bytes(_whole(path))
        scratch = Path(folder) / "scratch"
        scratch.mkdir()
        model, _ = ready_model(archive, scratch, None, None)
        image = Image(np.random.default_rng(1).integers(0, 255, (19, 25), np.uint8))
        try:
            Predictor(open_model(model), backend="torch", precision="exact", threads=1).predict(
                image, ArraySink((19, 25))
            )
        except Exception as error:  # an accepted model must work
            raise RuntimeError("an accepted model does not work") from error


def _whole(path: Path) -> bytes:
    """The zip with the damaged file in its place."""
    damaged = path.read_bytes()
    kind, inside, name = path.name.partition("~")
    if not inside:
        return damaged
    if kind == "bundle":
        return _packed_bundle({**_bundle(), name: damaged})
    if name != _PICKLE:
        return _packed_nnunet({**_nnunet(), name.replace("~", "/"): damaged})
    members = _members(_nnunet()[_CHECKPOINT])
    changed = {key: damaged if key.endswith(_PICKLE) else content for key, content in members.items()}
    return _packed_nnunet({**_nnunet(), _CHECKPOINT: _packed(changed)})


@lru_cache(maxsize=1)
def _bundle() -> dict[str, bytes]:
    """The files of a bundle by name."""
    from core.models.weights import save_weights

    card = ModelCard(id="tiny", name="Tiny", scheme=LabelScheme.from_names({"axon": 1}), output_ids=(0, 1))
    with tempfile.TemporaryDirectory(prefix="cristae-fuzz-") as folder:
        save_weights(Path(folder) / "w.safetensors", _network().state_dict())
        weights = (Path(folder) / "w.safetensors").read_bytes()
    return {
        "card.json": json.dumps(card.to_json()).encode(),
        "plans.json": json.dumps(_PLANS).encode(),
        "dataset.json": json.dumps(_DATASET).encode(),
        "fold_0.safetensors": weights,
    }


@lru_cache(maxsize=1)
def _nnunet() -> dict[str, bytes]:
    """The files of a results folder by name."""
    import torch

    content = {
        "network_weights": _network().state_dict(),
        "logging": {"mean_fg_dice": [np.float64(0.5), np.float32(0.25)], "n": [np.int64(3)]},
        "current_epoch": 12,
        "init_args": {"configuration": "2d"},
        "trainer_name": "nnUNetTrainer",
        "inference_allowed_mirroring_axes": (0, 1),
    }
    out = io.BytesIO()
    torch.save(content, out)
    return {
        "plans.json": json.dumps(_PLANS).encode(),
        "dataset.json": json.dumps(_DATASET).encode(),
        _CHECKPOINT: out.getvalue(),
    }


def _network() -> Any:
    import torch

    from core.models.weights import network_from_architecture

    torch.manual_seed(0)
    return network_from_architecture(_ARCHITECTURE, 2)


def _packed_bundle(files: dict[str, bytes]) -> bytes:
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    manifest = json.dumps({"bundle_version": 1, "files": digests}).encode()
    return _packed({MANIFEST_FILE: manifest, **files})


def _packed_nnunet(files: dict[str, bytes]) -> bytes:
    return _packed({_FOLDER + name: content for name, content in files.items()})


def _packed(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def _members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
