"""A model folder for tests that never run a network."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from core.files import write_json
from core.label_scheme import DEFAULT_SCHEME, LabelScheme
from core.models.card import ModelCard, TrainingSummary
from core.models.store import STARTER_ID, StoredModel, open_model
from core.objects.separation import UNSEPARATED, Separation
from core.settings import ROOT


def write_model(
    folder: Path,
    *,
    pixel_size_nm: float | None = 8.0,
    warning: str = "",
    name: str = "",
    created: str = "",
    project_id: str = "",
    scheme: LabelScheme = DEFAULT_SCHEME,
    preset: str = "",
    training: TrainingSummary | None = None,
    separation: Separation = UNSEPARATED,
) -> StoredModel:
    """Card, plans and a weights file with one number in it."""
    folder.mkdir(parents=True)
    card = ModelCard(
        id=folder.name,
        name=name or folder.name.title(),
        scheme=scheme,
        output_ids=(0, *scheme.ids, *(separation.class_ids if separation.learned else ())),
        separation=separation,
        pixel_size_nm=pixel_size_nm,
        warning=warning,
        created=created,
        project_id=project_id,
        preset=preset,
        training=training or TrainingSummary(),
    )
    configuration = {
        "patch_size": [64, 64],
        "normalization_schemes": ["ZScoreNormalization"],
        "architecture": {"network_class_name": "none", "arch_kwargs": {}},
    }
    write_json(folder / "card.json", card.to_json())
    write_json(folder / "plans.json", {"configurations": {"2d": configuration}})
    write_json(folder / "dataset.json", {"labels": {"background": 0}})
    save_file({"weight": np.ones(1, np.float32)}, folder / "fold_0.safetensors")
    return open_model(folder)


def write_loadable_model(folder: Path, *, pixel_size_nm: float | None = 8.0) -> StoredModel:
    """The shipped starter under another id: a model that passes the trial of an import."""
    shutil.copytree(ROOT / "models" / STARTER_ID, folder)
    card = json.loads((folder / "card.json").read_text("utf-8"))
    write_json(
        folder / "card.json", card | {"id": folder.name, "name": folder.name.title(), "pixel_size_nm": pixel_size_nm}
    )
    return open_model(folder)
