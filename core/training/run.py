"""One training from dataset folder to finished model, inside the training process."""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from core.errors import TrainingError
from core.files import write_json
from core.label_scheme import LabelScheme
from core.models.store import StoredModel, open_model, resolve_configuration
from core.objects.separation import UNSEPARATED, Separation
from core.segmentation.normalization import NormalizationScheme
from core.training.loop import Emit, TrainingLoop
from core.training.preparation import (
    Preparation,
    PreparedDataset,
    class_names,
    dataset_description,
    read_prepared,
    write_fingerprint,
)
from core.training.presets import PRESETS
from core.training.process import DATASET_NAME
from core.training.request import TrainingProgress, TrainRequest
from core.training.schedule import Schedule

if TYPE_CHECKING:
    import torch

    from core.training.trainer import CristaeTrainer

SAVING_S: Final = 3.0
"""Seconds of a time budget that are kept for writing the model."""

FRESH_OUTPUT: Final = 6.0
"""How much lower the scores of an output begin that the parent does not have: so that it parts nothing yet."""

PREPARED_FILE: Final = "prepared.json"
CONFIGURATION: Final = "2d"


def run_training(job: dict[str, Any], work: Path, emit: Emit) -> Path:
    """Prepare, train, save.

    Parameters
    ----------
    job
        The content of job.json: the request and when it was asked for.
    work
        Folder for everything unfinished.
    emit
        Takes the reports.

    Returns
    -------
    Path
        The finished model's folder.

    Raises
    ------
    CristaeError
        Any input that cannot be used; see the message.
    """
    from core.training.model_writing import write_model

    request = TrainRequest.from_json(job["request"])
    parent = open_model(request.parent) if request.parent else None
    device = choose_device(request, emit)
    plans, prepared = prepare(request, parent, work, emit)
    trainer = make_trainer(plans, prepared, device, work)
    recipe = PRESETS[request.preset].recipe
    learning_rate = request.learning_rate or (recipe.parent_learning_rate if parent else recipe.learning_rate)
    from core.training.trainer import seed_everything

    seed_everything(request.seed)
    trainer.threads = request.threads
    trainer.prepare(recipe, learning_rate)
    if parent:
        start_from(trainer, parent, prepared, emit)
    loop = TrainingLoop(
        trainer,
        make_schedule(request, learning_rate, min(time.time() - float(job["asked_at"]), time.process_time())),
        work,
        class_names=[item.name for item in LabelScheme.from_json(prepared.scheme).classes],
        held_out=prepared.held_out,
        patience=request.patience,
        seed=request.seed,
        emit=emit,
    )
    outcome = loop.run()
    emit(TrainingProgress("saving", "Learning minimum object sizes, saving the model", 1.0, 0.0))
    prepared_folder = work / "preprocessed" / DATASET_NAME / "cases_2d"
    return write_model(request, parent, plans, prepared, prepared_folder, trainer, outcome)


def choose_device(request: TrainRequest, emit: Emit) -> torch.device:
    """The device to train on; "cuda:1" becomes the only visible card, for nnU-Net always takes the first.

    Raises
    ------
    TrainingError
        The wanted device is not there.
    """
    wanted, _, index = request.device.partition(":")
    if wanted not in ("auto", "cpu", "mps", "cuda") or (index and not (wanted == "cuda" and index.isdigit())):
        raise TrainingError(f"There is no device {request.device!r}.", 'Use "auto", "cpu", "mps", "cuda" or "cuda:1".')
    if index:
        os.environ["CUDA_VISIBLE_DEVICES"] = index
    import torch

    if request.threads:
        torch.set_num_threads(request.threads)
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    kind = next(name for name, there in available.items() if there) if wanted == "auto" else wanted
    if not available[kind]:
        there = ", ".join(name for name, is_there in available.items() if is_there)
        raise TrainingError(f"This machine has no usable device {request.device!r}.", f"It has {there}.")
    if kind == "cpu" and PRESETS[request.preset].needs_gpu:
        emit(
            TrainingProgress(
                "preparing",
                notice=f"The preset {request.preset.value!r} requires a graphics card; on this processor it may "
                "take weeks. The preset 'compact' takes minutes.",
            )
        )
    return torch.device(kind)


def prepare(
    request: TrainRequest, parent: StoredModel | None, work: Path, emit: Emit
) -> tuple[dict[str, Any], PreparedDataset]:
    """Dataset and plans, or what an interrupted training has left of them."""
    base = work / "preprocessed" / DATASET_NAME
    done = work / PREPARED_FILE
    if done.exists():
        return json.loads((base / "plans.json").read_text(encoding="utf-8")), read_prepared(done)
    from core.datasets.folder import open_dataset

    shutil.rmtree(base, ignore_errors=True)
    emit(TrainingProgress("preparing", "Reading the dataset"))
    wanted = request.pixel_size_nm or (parent.pixel_size_nm if parent else None)
    dataset = open_dataset(request.dataset)
    preparation = Preparation(
        dataset,
        base / "cases_2d",
        wanted_nm=wanted,
        dataset_name=request.dataset.name,
        normalization=NormalizationScheme.of_plans(parent.plans, parent.configuration) if parent else None,
        separation=request.separation,
        inherited=inherited_separation(parent, dataset.scheme),
    )
    prepared = preparation.run(
        fraction=request.validation_fraction,
        seed=request.seed,
        report=lambda message: emit(TrainingProgress("preparing", message)),
    )
    for notice in prepared.notices:
        emit(TrainingProgress("preparing", notice=notice))
    write_json(base / "dataset.json", dataset_description(prepared))
    write_json(base / "splits_final.json", [{"train": prepared.training, "val": prepared.validation}])
    write_fingerprint(base / "dataset_fingerprint.json", prepared)
    plans = plans_of_parent(parent) if parent else make_plans(request, prepared, work)
    write_json(base / "plans.json", plans)
    write_json(done, asdict(prepared))
    return plans, prepared


def make_plans(request: TrainRequest, prepared: PreparedDataset, work: Path) -> dict[str, Any]:
    """Let nnU-Net's planner of the preset look at the fingerprint."""
    from core.training.planners import PLANNERS

    raw = work / "raw" / DATASET_NAME
    cases = {name: {"images": [f"{name}.png"], "label": f"{name}.png"} for name in prepared.image_of_case}
    write_json(raw / "dataset.json", {**dataset_description(prepared), "dataset": cases})
    planner = PLANNERS[request.preset](DATASET_NAME, plans_name="nnUNetPlans")
    plans: dict[str, Any] = planner.plan_experiment()
    return with_data_folder(json.loads(json.dumps(plans)))


def plans_of_parent(parent: StoredModel) -> dict[str, Any]:
    """The parent's network, patch and normalisation for the new dataset."""
    plans = json.loads(json.dumps(parent.plans))
    plans["configurations"] = {CONFIGURATION: resolve_configuration(plans, parent.card.configuration)}
    return with_data_folder(plans)


def with_data_folder(plans: dict[str, Any]) -> dict[str, Any]:
    """Point the plans to our names of dataset and cases."""
    plans["dataset_name"] = DATASET_NAME
    plans["configurations"] = {CONFIGURATION: {**plans["configurations"][CONFIGURATION], "data_identifier": "cases_2d"}}
    return plans


def make_trainer(plans: dict[str, Any], prepared: PreparedDataset, device: torch.device, work: Path) -> CristaeTrainer:
    """nnU-Net's trainer on the prepared dataset."""
    from core.training.trainer import CristaeTrainer

    trainer = CristaeTrainer(
        {**json.loads(json.dumps(plans)), "continue_training": False},
        CONFIGURATION,
        0,
        dataset_description(prepared),
        device,
    )
    trainer.class_outputs = [prepared.output_ids.index(class_id) for class_id in prepared.output_ids]
    trainer.has_unparted = prepared.has_unparted
    return trainer


def make_schedule(request: TrainRequest, learning_rate: float, spent_s: float) -> Schedule:
    """The clock: what is left of the time budget, at least half of it, or a number of epochs."""
    budget = request.budget_s
    if budget is not None:
        budget = max(budget - spent_s - SAVING_S, budget / 2)
    iterations = request.iterations_per_epoch or (0 if budget is not None else 250)
    return Schedule(learning_rate, budget, request.total_epochs, iterations, PRESETS[request.preset].recipe.warm_up)


def with_outputs(state: dict[str, torch.Tensor], old_ids: list[int], new_ids: list[int]) -> dict[str, torch.Tensor]:
    """A parent's weights for other further outputs: the same classes, but other ones whose objects are told apart.

    An output that the parent lacks begins as that of its class, so much weaker that it wins nowhere yet.
    """
    if old_ids == new_ids:
        return state
    count = len(set(new_ids))
    later = {class_id: place for place, class_id in enumerate(old_ids) if place >= count}
    rows = [*range(count), *(later.get(class_id, old_ids.index(class_id)) for class_id in new_ids[count:])]
    fresh = [place for place in range(count, len(new_ids)) if rows[place] < count]
    changed = {}
    for name, value in state.items():
        if ".seg_layers." in name:
            value = value[rows].clone()
            if name.endswith(".bias"):
                value[fresh] -= FRESH_OUTPUT
        changed[name] = value
    return changed


def same_classes(parent: StoredModel, scheme: LabelScheme) -> bool:
    """Whether a parent's outputs mean the classes of a dataset, in their order."""
    names = [class_names([item.name for item in one.classes]) for one in (parent.scheme, scheme)]
    return names[0] == names[1] and list(parent.card.class_outputs) == [0, *scheme.ids]


def inherited_separation(parent: StoredModel | None, scheme: LabelScheme) -> Separation:
    """What a training goes on with of its parent's separation; nothing where their classes differ."""
    return parent.card.separation if parent is not None and same_classes(parent, scheme) else UNSEPARATED


def start_from(trainer: CristaeTrainer, parent: StoredModel, prepared: PreparedDataset, emit: Emit) -> None:
    """Begin with the parent's weights; with new output layers where its classes are others."""
    from core.models.weights import load_weights

    state = load_weights(parent.weights(parent.folds[0]))
    same = same_classes(parent, LabelScheme.from_json(prepared.scheme))
    if same:
        state = with_outputs(state, list(parent.output_ids), prepared.output_ids)
    else:
        state = {name: value for name, value in state.items() if ".seg_layers." not in name}
        emit(
            TrainingProgress(
                "preparing",
                notice=f"{parent.card.name} has different classes: its output layers are re-initialised, all other "
                "weights are kept.",
            )
        )
    result = trainer.network.load_state_dict(state, strict=same)
    left = [name for name in result.missing_keys if ".seg_layers." not in name]
    if left or result.unexpected_keys:
        raise TrainingError(
            f"The weights of {parent.card.name} do not match its plans ({(left + result.unexpected_keys)[0]}).",
            "Import the parent model again, or train from scratch.",
        )
