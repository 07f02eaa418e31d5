"""Taking over models that were trained with nnU-Net v2 itself: a results folder, or an exported zip.

Nothing in them is run. Checkpoints are pickles: torch reads them with ``weights_only=True`` and a short list of allowed
NumPy types; networks are built only from nnU-Net's own classes.
"""

from __future__ import annotations

import pickle
import re
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.errors import LabelMapError, ModelError
from core.files import write_json
from core.label_scheme import LabelScheme, distinct_colors
from core.models.card import ModelCard, TrainingSummary, now_utc, read_json, slug
from core.models.store import CARD_FILE, DATASET_FILE, PLANS_FILE, ModelStore, StoredModel, resolve_configuration
from core.objects.separation import Separation
from core.outside.archive import MAX_MEMBER_BYTES, extract, member_parts, opened_zip
from core.outside.links import require_no_links_below
from core.scratch import scratch_folder

CHECKPOINTS: Final = ("checkpoint_final.pth", "checkpoint_best.pth", "checkpoint_latest.pth")
"""In the order in which nnU-Net's users prefer them."""

NORMALIZATIONS: Final = (
    "ZScoreNormalization",
    "CTNormalization",
    "NoNormalization",
    "RescaleTo01Normalization",
    "RGBTo01Normalization",
)
"""nnU-Net's own; the predictor knows them all."""

ORIGIN_KEY: Final = "cristae"
"""Entry of dataset.json in which our export keeps what nnU-Net has no place for."""

_SCALARS: Final = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64",
)  # fmt: skip
"""NumPy's plain numbers, which nnU-Net's log holds."""

_DEEPEST: Final = 5
"""Folders and file in a zip: record, dataset, configuration, fold, checkpoint."""

_FOLD: Final = re.compile(r"fold_(\d+|all)")


_DAMAGED: Final = (
    RuntimeError, EOFError, OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, struct.error,
    AssertionError, NotImplementedError, RecursionError, MemoryError,
)  # fmt: skip
"""What torch raises on checkpoints that are cut short or damaged."""


@dataclass(frozen=True, slots=True)
class TrainedFolder:
    """A folder like ``nnUNetTrainer__nnUNetPlans__2d`` and its checkpoints."""

    path: Path
    checkpoints: dict[str, Path]
    """Fold name to file."""


@dataclass(slots=True)
class CheckpointContent:
    """What is used of one checkpoint."""

    weights: dict[str, Any]
    configuration: str
    trainer: str
    mirror_axes: tuple[int, ...]
    epochs: int


def import_nnunet(
    path: Path, store: ModelStore, *, pixel_size_nm: float | None = None, name: str | None = None
) -> StoredModel:
    """Bring a model of nnU-Net v2 into the store.

    Parameters
    ----------
    path
        ``…/nnUNetTrainer__nnUNetPlans__2d``, the ``Dataset…`` folder above it, or a zip of
        ``nnUNetv2_export_model_to_zip``.
    store
        Where it goes.
    pixel_size_nm
        What the training images had; nnU-Net does not keep it. None: unknown, images are used as they are.
    name
        As shown; the dataset's name by default.

    Returns
    -------
    StoredModel
        With every fold that has weights.

    Raises
    ------
    ModelError
        Not such a model, a 3D or multi-channel one, or one that holds anything but tensors; the message says which.
    """
    if not path.exists():
        raise ModelError(f"There is no file or folder {path}.", "Check the path.")
    with scratch_folder("import") as scratch:
        target, shown = convert_nnunet(path, scratch, pixel_size_nm=pixel_size_nm, name=name)
        return store.add_free(target, shown)


def convert_nnunet(
    path: Path,
    scratch: Path,
    *,
    pixel_size_nm: float | None = None,
    name: str | None = None,
    inside: str | None = None,
) -> tuple[Path, str]:
    """Make a model folder of a model of nnU-Net v2.

    Parameters
    ----------
    path, pixel_size_nm, name
        As for `import_nnunet`.
    scratch
        An empty folder to work in.
    inside
        Folder of the configuration, where there are several: one of `trained_names`.

    Returns
    -------
    Path, str
        The model's folder in ``scratch``, and its name.

    Raises
    ------
    ModelError
        As `import_nnunet`.
    """
    folder = path if path.is_dir() else _unpack(path, scratch / "zip", inside or "")
    trained = find_trained(folder if inside is None else folder.joinpath(*member_parts(inside)))
    shown = name or _default_name(path, trained)
    _convert(trained, scratch / "model", pixel_size_nm=pixel_size_nm, name=shown)
    return scratch / "model", shown


def _default_name(path: Path, trained: TrainedFolder) -> str:
    dataset = trained.path.parent.name
    return dataset if dataset.startswith("Dataset") else path.stem


def trained_names(path: Path) -> tuple[str, ...]:
    """Within the guarded process: see `core.exchange.importing.trained_in`."""
    if path.is_dir():
        require_no_links_below(path, ModelError, levels=5)
        files = [found.relative_to(path).parts for found in path.rglob("*") if found.is_file()]
    else:
        with opened_zip(path) as archive:
            files = [member_parts(member) for member in archive.namelist() if not member.endswith("/")]
    wanted = {parts for parts in files if _is_wanted(parts)}
    folders = {parts[:-2] for parts in wanted if parts[-1] in CHECKPOINTS}
    needed = (PLANS_FILE, DATASET_FILE)
    return tuple(sorted("/".join(each) for each in folders if all((*each, name) in wanted for name in needed)))


def _is_wanted(parts: tuple[str, ...]) -> bool:
    """Whether a file is one of the few that make a model."""
    if not parts or len(parts) > _DEEPEST:
        return False
    of_fold = parts[-1] in CHECKPOINTS and len(parts) > 1 and _FOLD.fullmatch(parts[-2]) is not None
    return of_fold or parts[-1] in (PLANS_FILE, DATASET_FILE)


def _unpack(path: Path, folder: Path, inside: str = "") -> Path:
    """The few files of a zip that matter, under their own names; only those below a folder in it."""
    below = member_parts(inside)
    with opened_zip(path) as archive:
        for member in archive.namelist():
            parts = member_parts(member)
            if _is_wanted(parts) and parts[: len(below)] == below:
                extract(archive, member, folder.joinpath(*parts))
    if not folder.is_dir():
        raise ModelError(
            f"{path.name} contains no nnU-Net model.", ("Use a zip written by nnUNetv2_export_model_to_zip.")
        )
    return folder


def find_trained(folder: Path) -> TrainedFolder:
    """The one trained 2D configuration in or below a folder.

    Raises
    ------
    ModelError
        None, or several: then they are listed.
    """
    require_no_links_below(folder, ModelError, levels=5)
    candidates = [folder, *sorted(p for pattern in ("*", "*/*") for p in folder.glob(pattern) if p.is_dir())]
    found = []
    for candidate in candidates:
        if (candidate / PLANS_FILE).is_file() and (candidate / DATASET_FILE).is_file():
            checkpoints = _checkpoints(candidate)
            if checkpoints:
                found.append(TrainedFolder(candidate, checkpoints))
    if not found:
        raise ModelError(
            f"{folder.name} contains no trained nnU-Net model.",
            "Use a folder such as nnUNetTrainer__nnUNetPlans__2d, with plans.json, dataset.json and "
            "fold_0/checkpoint_final.pth.",
        )
    flat = [item for item in found if item.path.name.endswith("2d")] or found
    if len(flat) > 1:
        names = ", ".join(str(item.path.relative_to(folder)) for item in flat)
        raise ModelError(
            f"{folder.name} contains several trained models: {names}.", ("Choose the folder of one of them.")
        )
    return flat[0]


def _checkpoints(folder: Path) -> dict[str, Path]:
    found = {}
    for fold in sorted(folder.glob("fold_*")):
        match = _FOLD.fullmatch(fold.name)
        path = next((fold / name for name in CHECKPOINTS if (fold / name).is_file()), None)
        if match and path:
            found[match[1]] = path
    return found


def read_checkpoint(path: Path) -> CheckpointContent:
    """The weights and settings of a checkpoint, without running anything in it.

    Raises
    ------
    ModelError
        Damaged, not a checkpoint of nnU-Net, or holding anything that torch will not read as plain values.
    """
    import numpy as np
    import torch

    _check_inner_zip(path)
    scalar = np._core.multiarray.scalar  # type: ignore[attr-defined]
    allowed: list[Any] = [
        scalar,
        (scalar, "numpy.core.multiarray.scalar"),  # its name in NumPy 1, whatever NumPy reads it
        np.dtype,
        *(type(np.dtype(kind)) for kind in _SCALARS),
    ]
    try:
        with torch.serialization.safe_globals(allowed):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{path.parent.name}/{path.name} contains more than weights and plain values and was not read.",
            "Do not trust this file. If you trained it yourself, export it again with an unchanged nnU-Net v2.",
        ) from error
    except _DAMAGED as error:
        raise ModelError(
            f"{path.parent.name}/{path.name} cannot be read as a checkpoint ({type(error).__name__}).",
            "It may be truncated: copy or export it again.",
        ) from error
    return _content(path, content)


def _check_inner_zip(path: Path) -> None:
    """A checkpoint is itself a zip file; its declared sizes bound what torch would allocate."""
    if zipfile.is_zipfile(path):
        with opened_zip(path) as archive:
            total = sum(member.file_size for member in archive.infolist())
        if total > MAX_MEMBER_BYTES:
            raise ModelError(f"{path.name} would need {total} bytes.", "It is not an nnU-Net checkpoint.")


def _content(path: Path, content: Any) -> CheckpointContent:
    import torch

    try:
        weights = content["network_weights"]
        axes = content.get("inference_allowed_mirroring_axes")
        result = CheckpointContent(
            weights={name.removeprefix("module.").removeprefix("_orig_mod."): value for name, value in weights.items()},
            configuration=str(content["init_args"]["configuration"]),
            trainer=str(content["trainer_name"]),
            mirror_axes=tuple(int(axis) for axis in axes or ()),
            epochs=int(content.get("current_epoch", 0)),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ModelError(
            f"{path.parent.name}/{path.name} is not an nnU-Net v2 checkpoint (no {error}).", "Export the model again."
        ) from error
    if not result.weights or not all(isinstance(value, torch.Tensor) for value in result.weights.values()):
        raise ModelError(f"{path.parent.name}/{path.name} contains no network weights.", "Export the model again.")
    return result


def _convert(trained: TrainedFolder, target: Path, *, pixel_size_nm: float | None, name: str) -> None:
    """Write a model folder from a trained one."""
    from core.models.weights import check_fits, fit_weights, network_from_architecture, save_weights

    plans, dataset_json = read_json(trained.path / PLANS_FILE), read_json(trained.path / DATASET_FILE)
    contents = {fold: read_checkpoint(path) for fold, path in trained.checkpoints.items()}
    first = next(iter(contents.values()))
    plans = usable_plans(plans, first.configuration)
    scheme, output_ids, ours = usable_labels(dataset_json)
    target.mkdir(parents=True)
    architecture = plans["configurations"][first.configuration]["architecture"]
    for fold, content in contents.items():
        shapes = {key: tuple(value.shape) for key, value in content.weights.items()}
        check_fits(architecture, len(output_ids), shapes, f"Fold {fold} of {name}")
        network = network_from_architecture(architecture, len(output_ids))
        fit_weights(network, content.weights, f"Fold {fold} of {name}")
        save_weights(target / f"fold_{fold}.safetensors", network.state_dict())
    card = ModelCard(
        id=slug(name),
        name=name,
        scheme=scheme,
        output_ids=output_ids,
        separation=_separation(ours),
        pixel_size_nm=pixel_size_nm if pixel_size_nm is not None else ours.get("pixel_size_nm"),
        created=now_utc(),
        preset="imported",
        description=f"Imported from nnU-Net ({trained.path.name}, {len(contents)} fold(s)).",
        origin=str(
            ours.get("origin") or f"trained elsewhere with nnU-Net ({plans.get('dataset_name', 'unknown data')})"
        ),
        warning=str(ours.get("warning") or ""),
        configuration=first.configuration,
        mirror_axes=first.mirror_axes,
        training=TrainingSummary(
            epochs=first.epochs,
            images=_count(dataset_json.get("numTraining")),
            dataset=str(plans.get("dataset_name", "")),
            settings={"trainer": first.trainer},
        ),
    )
    write_json(target / PLANS_FILE, plans)
    write_json(target / DATASET_FILE, dataset_json)
    write_json(target / CARD_FILE, card.to_json())


def _count(value: Any) -> int:
    """A number of images, 0 where there is none that makes sense."""
    return value if type(value) is int and 0 <= value < 10**9 else 0


def usable_plans(plans: Any, configuration: str) -> dict[str, Any]:
    """The plans with just this configuration, in today's format.

    Raises
    ------
    ModelError
        A 3D, cascaded or multi-channel configuration, or one that nnU-Net's planners did not make.
    """
    from core.models.weights import check_architecture

    if not isinstance(plans, dict):
        raise ModelError("plans.json contains no JSON object.", "Export the model again.")
    resolved = resolve_configuration(plans, configuration)
    patch = resolved.get("patch_size")
    if not isinstance(patch, list) or len(patch) != 2:
        raise ModelError(
            f"The configuration {configuration!r} has the patch size {patch}, so it is not a 2D model.",
            "Train nnU-Net's configuration 2d.",
        )
    if resolved.get("previous_stage"):
        raise ModelError(f"The configuration {configuration!r} is a cascade.", "Train nnU-Net's configuration 2d.")
    schemes = resolved.get("normalization_schemes")
    if not isinstance(schemes, list) or len(schemes) != 1 or schemes[0] not in NORMALIZATIONS:
        raise ModelError(
            f"The model expects channels normalised as {schemes}.",
            "Only models with one channel and one of nnU-Net's own normalisations can be used.",
        )
    if "architecture" not in resolved:
        resolved = _modern_configuration(resolved)
    check_architecture(resolved["architecture"])
    return {**plans, "configurations": {configuration: resolved}}


def _modern_configuration(configuration: dict[str, Any]) -> dict[str, Any]:
    """Plans before nnU-Net 2.4 describe the network otherwise; nnU-Net's own code translates them."""
    import warnings

    from nnunetv2.utilities.plans_handling.plans_handler import ConfigurationManager

    if configuration.get("UNet_class_name") not in ("PlainConvUNet", "ResidualEncoderUNet"):
        raise ModelError("The plans contain no network.", "Import a model planned by nnU-Net v2.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            modern: dict[str, Any] = ConfigurationManager(dict(configuration)).configuration
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"The old plans lack {error}.", "Import a model planned by nnU-Net v2.") from error
    name = str(modern["architecture"]["network_class_name"])
    modern["architecture"]["network_class_name"] = name.replace(".residual_unet.", ".unet.")
    return modern


def _separation(ours: dict[str, Any]) -> Separation:
    """How the model tells touching objects apart, as our own export has noted it.

    Raises
    ------
    ModelError
        The note makes no sense.
    """
    try:
        return Separation.from_json(ours["separation"]) if "separation" in ours else Separation()
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(
            f"dataset.json has no valid information about touching objects ({error}).", "Export the model again."
        ) from error


def usable_labels(dataset_json: Any) -> tuple[LabelScheme, tuple[int, ...], dict[str, Any]]:
    """Scheme, output ids, and what our own export has noted.

    Raises
    ------
    ModelError
        Several channels, regions instead of classes, or labels that are not 0 to C.
    """
    if not isinstance(dataset_json, dict) or not isinstance(dataset_json.get("labels"), dict):
        raise ModelError("dataset.json names no labels.", "Export the model again.")
    channels = dataset_json.get("channel_names", dataset_json.get("modality", {"0": ""}))
    if not isinstance(channels, dict) or len(channels) != 1:
        raise ModelError(f"The model expects the channels {channels}.", "Only single-channel models can be used.")
    labels = {str(name): value for name, value in dataset_json["labels"].items() if str(name) != "ignore"}
    if any(isinstance(value, list) and len(value) != 1 for value in labels.values()):
        raise ModelError(
            "The model predicts overlapping regions, not classes.", "Only models with one class per pixel can be used."
        )
    try:
        ids = {name: int(value[0] if isinstance(value, list) else value) for name, value in labels.items()}
        if sorted(ids.values()) != list(range(len(ids))) or len(ids) < 2:
            raise ModelError(
                f"The model's labels are {ids}.", "nnU-Net's labels run from 0 (background) without a gap."
            )
        ours = dataset_json.get(ORIGIN_KEY)
        if isinstance(ours, dict) and len(ours.get("output_ids", ())) == len(ids):
            scheme = distinct_colors(LabelScheme.from_json(ours["scheme"]))
            return scheme, tuple(int(value) for value in ours["output_ids"]), ours
        scheme = LabelScheme.from_names({name: value for name, value in ids.items() if value})
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, LabelMapError) as error:
        raise ModelError(f"The labels in dataset.json are unusable ({error}).", "Export the model again.") from error
    return scheme, (0, *scheme.ids), {}
