"""A finished training becomes a model folder: weights, plans and a card that says how it was made."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from core.errors import CristaeError, TrainingError
from core.files import creating, write_bytes, write_json
from core.label_scheme import LabelScheme
from core.models.card import ModelCard, TrainingSummary, now_utc, slug
from core.models.store import CARD_FILE, DATASET_FILE, HISTORY_FILE, PLANS_FILE, ModelStore, StoredModel, open_model
from core.models.stored_model import SNAPSHOT_FILE, snapshot_project_id
from core.models.weights import save_weights
from core.objects.rules import ObjectRules
from core.objects.separation import Separation
from core.segmentation.backends.base import cpu_name
from core.training.learning_curve import still_falling
from core.training.preparation import PreparedDataset, dataset_description
from core.training.verdict import iterations_of, verdict_of

if TYPE_CHECKING:
    from core.training.loop import Outcome
    from core.training.request import TrainRequest
    from core.training.trainer import CristaeTrainer

LIBRARIES: Final = ("nnunetv2", "torch", "numpy", "batchgeneratorsv2", "dynamic_network_architectures", "cristae")


REQUEST_FILE: Final = "request.json"
"""What was asked of the training: with the same dataset and versions it gives such a model again."""


def write_model(
    request: TrainRequest,
    parent: StoredModel | None,
    plans: dict[str, Any],
    prepared: PreparedDataset,
    prepared_folder: Path,
    trainer: CristaeTrainer,
    outcome: Outcome,
) -> Path:
    """Write the model to ``request.out``, all or nothing.

    Returns
    -------
    Path
        The model's folder.

    Raises
    ------
    TrainingError
        Another model has come there meanwhile; it is left alone, and so is the training's work.
    """
    trainer.restore_parameters(outcome.weights)
    card = make_card(request, parent, prepared, trainer, outcome)
    card = replace(card, name=ModelStore(request.out.parent).free_name(card.name))
    plans = {**plans, "dataset_name": "Dataset001_" + "".join(c for c in card.id.title() if c.isalnum())}
    try:
        _write(request, card, parent, plans, prepared, prepared_folder, trainer, outcome)
    except FileExistsError as error:
        raise TrainingError(
            f"The training is finished, but {request.out.parent} now contains another model {request.out.name!r}.",
            "Delete that model (to keep it, export it and import it under another name), then resume the "
            "training: its progress is kept.",
        ) from error
    return request.out


def _write(
    request: TrainRequest,
    card: ModelCard,
    parent: StoredModel | None,
    plans: dict[str, Any],
    prepared: PreparedDataset,
    prepared_folder: Path,
    trainer: CristaeTrainer,
    outcome: Outcome,
) -> None:
    from core.datasets.folder import open_dataset
    from core.training.looks import looks_after_training

    with creating(request.out) as temporary:
        temporary.mkdir()
        save_weights(temporary / "fold_0.safetensors", trainer.network.state_dict())
        write_json(temporary / PLANS_FILE, plans)
        write_json(temporary / DATASET_FILE, dataset_description(prepared))
        write_json(temporary / HISTORY_FILE, [asdict(report) for report in outcome.history])
        if (request.dataset / SNAPSHOT_FILE).is_file():
            write_bytes(temporary / SNAPSHOT_FILE, (request.dataset / SNAPSHOT_FILE).read_bytes())
        write_json(temporary / REQUEST_FILE, request.to_json())
        write_json(temporary / CARD_FILE, card.to_json())
        model = open_model(temporary)
        try:
            rules, separation = _object_rules(model, request, parent, prepared, prepared_folder, outcome)
            card = replace(card, object_rules=rules, separation=separation)
        except CristaeError as error:  # a dataset that is gone by now costs the rules, not the training
            card = _noted(card, f"Minimum object sizes were not learned: {error.cause}")
        try:
            learned = looks_after_training(
                model, open_dataset(request.dataset).cases, prepared, prepared_folder, elapsed_s=outcome.elapsed_s
            )
            card = replace(card, looks=learned.looks, calibration=learned.calibration)
        except CristaeError as error:
            card = _noted(card, f"Whether images are like the training images cannot be told: {error.cause}")
        write_json(temporary / CARD_FILE, card.to_json())
        open_model(temporary)


def _noted(card: ModelCard, notice: str) -> ModelCard:
    """The card with one more notice."""
    settings = card.training.settings
    notices = [*settings.get("notices", ()), notice]
    return replace(card, training=replace(card.training, settings={**settings, "notices": notices}))


def _object_rules(
    model: StoredModel,
    request: TrainRequest,
    parent: StoredModel | None,
    prepared: PreparedDataset,
    prepared_folder: Path,
    outcome: Outcome,
) -> tuple[ObjectRules, Separation]:
    """What the labels and the validation part say about objects."""
    from core.datasets.folder import open_dataset
    from core.training.object_rules import rules_after_training

    same = parent is not None and parent.scheme.to_json() == model.scheme.to_json()
    return rules_after_training(
        model,
        open_dataset(request.dataset).cases,
        prepared,
        prepared_folder,
        elapsed_s=outcome.elapsed_s,
        inherited=parent.card.object_rules if parent is not None and same else ObjectRules(),
    )


def make_card(
    request: TrainRequest,
    parent: StoredModel | None,
    prepared: PreparedDataset,
    trainer: CristaeTrainer,
    outcome: Outcome,
) -> ModelCard:
    """What the card says."""
    report = outcome.report
    metrics: dict[str, Any] = {
        "validation": "held out" if prepared.held_out else ("none: all images used for training")
    }
    if prepared.held_out:
        metrics |= {"dice": report.dice, "mean_dice": report.mean_dice, "val_loss": report.val_loss}
    metrics |= {"epoch": report.epoch, "chosen": outcome.chosen, "stopped_early": outcome.stopped_early}
    images = sorted(prepared.snapshot)
    count = "1 image" if len(images) == 1 else f"{len(images)} images"
    project_id = snapshot_project_id(request.dataset)
    of_dataset = "" if project_id else f" of {prepared.dataset_name}"  # the origin names a project
    return ModelCard(
        id=slug(request.out.name),
        name=request.name or request.out.name,
        scheme=LabelScheme.from_json(prepared.scheme),
        output_ids=tuple(prepared.output_ids),
        separation=Separation.from_json(prepared.separation),
        pixel_size_nm=prepared.pixel_size_nm,
        created=now_utc(),
        preset=request.preset.value,
        parent=parent.id if parent else None,
        project_id=project_id,
        description=request.description or f"Trained on {count}{of_dataset}.",
        origin=request.origin or (f"trained on {prepared.dataset_name}" + (f", from {parent.id}" if parent else "")),
        warning=request.warning or (parent.card.warning if parent else ""),
        mirror_axes=tuple(trainer.inference_allowed_mirroring_axes or ()),
        training=TrainingSummary(
            images=len(images),
            cases=len(prepared.image_of_case),
            minutes=round(outcome.elapsed_s / 60, 2),
            computing_s=round(outcome.computing_s, 1),
            waiting_s=round(outcome.waiting_s, 1),
            earlier_iterations=iterations_of(parent.card) if parent and verdict_of(parent.card).undertrained else 0,
            loss_falling=still_falling([report.val_loss for report in outcome.history]),
            epochs=len(outcome.history),
            iterations=outcome.iterations,
            seed=request.seed,
            device=trainer.device.type,
            hardware=hardware(trainer.device.type),
            versions=versions(),
            dataset=prepared.dataset_name,
            licence=request.licence,
            snapshot=prepared.snapshot,
            training_images=tuple(sorted({prepared.image_of_case[name] for name in prepared.training})),
            validation_images=tuple(sorted({prepared.image_of_case[name] for name in prepared.validation})),
            settings={
                **request.recorded(),
                "learning_rate": trainer.initial_lr,
                "optimizer": "AdamW" if trainer.recipe.adam else "SGD",
                "foreground_share": trainer.recipe.foreground,
                "foreground_share_last": trainer.recipe.foreground_last,
                "batch_size": trainer.batch_size,
                "bfloat16": trainer.bfloat16,
                "notices": prepared.notices,
            },
        ),
        metrics=metrics,
    )


def versions() -> dict[str, str]:
    """Versions of the libraries that shape the result."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def hardware(device: str) -> str:
    """One line about the machine, without its name."""
    import torch

    cores = f"{torch.get_num_threads()} of {os.cpu_count()} cores"
    if device == "cuda":
        return f"{torch.cuda.get_device_name()}, {cores}"
    return f"{cpu_name()}, {cores}"
