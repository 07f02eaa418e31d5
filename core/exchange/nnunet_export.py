"""Giving models to nnU-Net: a zip that its own commands install and predict with."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from core.exchange.nnunet_import import ORIGIN_KEY
from core.files import replacing
from core.models.store import StoredModel
from core.models.weights import load_weights

TRAINER = "nnUNetTrainer"
"""nnU-Net rebuilds the network through a trainer class of its own; its default one does."""


def export_nnunet(model: StoredModel, out_zip: Path) -> Path:
    """Write a model as ``nnUNetv2_export_model_to_zip`` would.

    Unpacked, ``Dataset…/nnUNetTrainer__nnUNetPlans__<configuration>`` goes to ``nnUNetv2_predict_from_modelfolder -m``;
    images must have the model's pixel size already, and labels come out as 1 to C in the order of the classes.

    Parameters
    ----------
    model
        Any stored model.
    out_zip
        The file to write, replaced atomically.

    Returns
    -------
    Path
        The folder inside the zip that nnU-Net wants as model folder.

    Raises
    ------
    StorageFullError
        The file cannot be written.
    ModelError
        The model's weights cannot be read.
    """
    configuration = model.card.configuration
    plans_name = str(model.plans.get("plans_name", "nnUNetPlans"))
    inside = f"{_dataset_name(model)}/{TRAINER}__{plans_name}__{configuration}"
    with replacing(out_zip) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(f"{inside}/plans.json", _json({**model.plans, "dataset_name": _dataset_name(model)}))
        archive.writestr(f"{inside}/dataset.json", _json(_dataset_json(model)))
        archive.writestr(f"{inside}/dataset_fingerprint.json", _json(_fingerprint(model)))
        for fold in model.folds:
            archive.writestr(f"{inside}/fold_{fold}/checkpoint_final.pth", _checkpoint(model, fold))
    return Path(inside)


def _checkpoint(model: StoredModel, fold: str) -> bytes:
    """The entries of nnU-Net's checkpoint that prediction and fine-tuning read."""
    import torch

    content: dict[str, Any] = {
        "network_weights": load_weights(model.weights(fold)),
        "optimizer_state": None,
        "grad_scaler_state": None,
        "logging": {},
        "_best_ema": None,
        "current_epoch": model.card.training.epochs,
        "init_args": {"configuration": model.card.configuration, "fold": int(fold) if fold.isdigit() else fold},
        "trainer_name": TRAINER,
        "inference_allowed_mirroring_axes": model.mirror_axes or None,
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def _dataset_json(model: StoredModel) -> dict[str, Any]:
    """nnU-Net's description, with what it has no place for under a key that it does not look at."""
    card = model.card
    note = {
        "output_ids": list(card.output_ids),
        "separation": card.separation.to_json(),
        "scheme": card.scheme.to_json(),
        "pixel_size_nm": card.pixel_size_nm,
        "origin": card.origin,
        "warning": card.warning,
    }
    return {**model.dataset_json, ORIGIN_KEY: note}


def _fingerprint(model: StoredModel) -> dict[str, Any]:
    return {
        "foreground_intensity_properties_per_channel": model.plans.get(
            "foreground_intensity_properties_per_channel", {}
        )
    }


def _dataset_name(model: StoredModel) -> str:
    """The plans' name if nnU-Net would take it, else one made from the id."""
    name = str(model.plans.get("dataset_name", ""))
    if name.startswith("Dataset") and name[7:10].isdigit() and name.replace("_", "").isalnum():
        return name
    return "Dataset001_" + "".join(
        part.capitalize() for part in model.id.replace(".", "-").replace("_", "-").split("-")
    )


def _json(value: Any) -> str:
    return json.dumps(value, indent=2)
