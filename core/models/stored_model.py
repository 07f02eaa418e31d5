"""One model's folder: what must be in it, and how it is checked. Nothing here needs torch, nothing is unpickled.

::

    card.json              ModelCard
    plans.json             nnU-Net plans: network architecture, patch size, normalisation
    dataset.json           nnU-Net dataset description: channel and label names
    fold_<k>.safetensors   float32 state dict of the network, keys as nnU-Net names them
    history.json           every epoch's losses and Dice, where it was trained here
    snapshot.json          the frozen revisions that it was trained on, where it was trained here
    archived.json          there while the model is put aside

Anything else in the folder is left alone.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.errors import ModelError
from core.label_scheme import LabelScheme
from core.models.card import ModelCard, read_json
from core.outside.links import require_no_links_below

CARD_FILE: Final = "card.json"
PLANS_FILE: Final = "plans.json"
DATASET_FILE: Final = "dataset.json"
HISTORY_FILE: Final = "history.json"
"""Every epoch's losses and Dice; only models that were trained here have it."""

SNAPSHOT_FILE: Final = "snapshot.json"
"""The frozen revisions of its training; only models that were trained in the app have it."""

OPTIONAL_FILES: Final = (HISTORY_FILE, SNAPSHOT_FILE)
"""Go along wherever a model is copied to."""

ARCHIVED_FILE: Final = "archived.json"
"""Marks a model that is put aside: still usable, no longer offered."""

MAX_HEADER_BYTES: Final = 16 * 1024**2
"""Largest safetensors header that is read; real ones are some 10 kB."""

_FOLD: Final = re.compile(r"fold_(\d+|all)\.safetensors")


@dataclass(frozen=True, slots=True, eq=False)
class StoredModel:
    """A model in a folder. Made by `open_model`, which checks it."""

    path: Path
    card: ModelCard
    plans: dict[str, Any]
    dataset_json: dict[str, Any]
    folds: tuple[str, ...]
    """Names of the folds that have weights: "0", "1", … or "all". Several are an ensemble."""

    @property
    def id(self) -> str:
        """The readable slug that names the folder."""
        return self.card.id

    @property
    def scheme(self) -> LabelScheme:
        """The classes that the model tells apart."""
        return self.card.scheme

    @property
    def output_ids(self) -> tuple[int, ...]:
        """Class id in label maps of each output channel of the network: ``labels = output_ids[argmax]``."""
        return self.card.output_ids

    @property
    def pixel_size_nm(self) -> float | None:
        """Images are resampled to this before the network sees them; None: used as they are."""
        return self.card.pixel_size_nm

    @property
    def mirror_axes(self) -> tuple[int, ...]:
        """Image axes along which test-time mirroring is fair."""
        return self.card.mirror_axes

    @property
    def configuration(self) -> dict[str, Any]:
        """The nnU-Net configuration in use, inheritance resolved."""
        return resolve_configuration(self.plans, self.card.configuration)

    @property
    def patch_size_px(self) -> tuple[int, int]:
        """Rows, columns of the training patch."""
        rows, columns = self.configuration["patch_size"]
        return int(rows), int(columns)

    @property
    def normalization(self) -> str:
        """Name of nnU-Net's normalisation of the one channel, for example "ZScoreNormalization"."""
        return str(self.configuration["normalization_schemes"][0])

    def weights(self, fold: str | int) -> Path:
        """The safetensors file of a fold.

        Raises
        ------
        ModelError
            The model has no such fold.
        """
        if str(fold) not in self.folds:
            raise ModelError(f"Model {self.id} has no fold {fold}.", f"It has {', '.join(self.folds)}.")
        return self.path / f"fold_{fold}.safetensors"

    @property
    def project_id(self) -> str:
        """Id of the project that it was trained on, "" where that is unknown; cards of earlier versions lack it."""
        if self.card.project_id or not (self.path / SNAPSHOT_FILE).is_file():
            return self.card.project_id
        return snapshot_project_id(self.path)

    @property
    def archived(self) -> bool:
        """Whether it is put aside: still usable, no longer offered."""
        return (self.path / ARCHIVED_FILE).is_file()

    @property
    def size_bytes(self) -> int:
        """Size of all weights on disk."""
        return sum(self.weights(fold).stat().st_size for fold in self.folds)


def snapshot_project_id(folder: Path) -> str:
    """The project of the snapshot in a model's or dataset's folder; "" where there is none that can be read."""
    try:
        values = read_json(folder / SNAPSHOT_FILE)
    except ModelError:
        return ""
    return str(values.get("project_id") or "") if isinstance(values, dict) else ""


@dataclass(frozen=True, slots=True)
class BrokenModel:
    """A folder in the store that is not a usable model."""

    id: str
    path: Path
    reason: str


def resolve_configuration(plans: dict[str, Any], name: str) -> dict[str, Any]:
    """One configuration of nnU-Net plans with ``inherits_from`` followed.

    Raises
    ------
    ModelError
        No such configuration, it inherits from itself, or what it inherits from is no name.
    """
    chain: list[dict[str, Any]] = []
    seen: set[str] = set()
    found = plans.get("configurations")
    configurations: dict[str, Any] = found if isinstance(found, dict) else {}
    following: Any = name
    while following not in (None, ""):
        usable = isinstance(following, str) and following not in seen
        if not usable or not isinstance(configurations.get(following), dict):
            raise ModelError(
                f"The plans have no valid configuration {following!r}.",
                f"They define {', '.join(sorted(configurations)) or 'none'}.",
            )
        seen.add(following)
        chain.append(configurations[following])
        following = configurations[following].get("inherits_from")
    resolved: dict[str, Any] = {}
    for part in reversed(chain):
        resolved.update(part)
    resolved.pop("inherits_from", None)
    return resolved


def open_model(path: Path) -> StoredModel:
    """Read and check a model's folder.

    Parameters
    ----------
    path
        Folder with card.json, plans.json, dataset.json and at least one fold_<k>.safetensors.

    Raises
    ------
    ModelError
        Something is missing, unreadable, a link, cut short, or does not fit together; the message names it.
    """
    require_no_links_below(path, ModelError, levels=1)
    card = ModelCard.from_json(read_json(path / CARD_FILE), str(path / CARD_FILE))
    plans, dataset_json = read_json(path / PLANS_FILE), read_json(path / DATASET_FILE)
    if not isinstance(plans, dict) or not isinstance(dataset_json, dict):
        raise ModelError(f"plans.json or dataset.json in {path} is not a JSON object.", "Import the model again.")
    matches = [(match[1], entry) for entry in sorted(path.iterdir()) if (match := _FOLD.fullmatch(entry.name))]
    matches.sort(key=lambda item: (not item[0].isdigit(), int(item[0]) if item[0].isdigit() else 0))
    if not matches:
        raise ModelError(f"{path} contains no fold_<k>.safetensors.", "Import or train the model again.")
    for _, weights in matches:
        read_safetensors_header(weights)
    model = StoredModel(path, card, plans, dataset_json, tuple(name for name, _ in matches))
    _check_configuration(model)
    return model


def _check_configuration(model: StoredModel) -> None:
    """Refuse plans that the predictor could not use."""
    configuration = model.configuration
    patch, schemes = configuration.get("patch_size"), configuration.get("normalization_schemes")
    architecture = configuration.get("architecture")
    if (
        not isinstance(patch, list)
        or len(patch) != 2
        or not all(isinstance(edge, int) and 0 < edge <= 8192 for edge in patch)
    ):
        raise ModelError(f"Model {model.id} has the patch size {patch}.", "Only 2D models can be used.")
    if not isinstance(schemes, list) or len(schemes) != 1:
        raise ModelError(f"Model {model.id} expects the channels {schemes}.", "Only single-channel models can be used.")
    if not isinstance(architecture, dict) or "network_class_name" not in architecture:
        raise ModelError(f"The plans of model {model.id} contain no network architecture.", "Import the model again.")


def read_safetensors_header(path: Path) -> dict[str, Any]:
    """The tensor table of a safetensors file, checked against the file's length, without reading the tensors.

    Returns
    -------
    dict
        Tensor name to ``{"dtype", "shape", "data_offsets"}``.

    Raises
    ------
    ModelError
        The file is cut short or is no safetensors file.
    """
    again = "Import or train the model again."
    try:
        size = path.stat().st_size
        with path.open("rb") as handle:
            length = int.from_bytes(handle.read(8), "little")
            if not 2 <= length <= min(MAX_HEADER_BYTES, size - 8):
                raise ModelError(f"{path.name} ({size} bytes) is truncated or not a safetensors file.", again)
            header = json.loads(handle.read(length))
        tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
        end = max((entry["data_offsets"][1] for entry in tensors.values()), default=-1)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OSError) as error:
        raise ModelError(f"{path.name} is not a readable safetensors file ({error}).", again) from error
    if end != size - 8 - length:
        raise ModelError(f"{path.name} has {size} bytes but describes {8 + length + end}: it is truncated.", again)
    return tensors


def work_folder(out: Path) -> Path:
    """Where the training of a model keeps its unfinished work."""
    return out.with_name(f".{out.name}.training")
