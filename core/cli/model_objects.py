"""``model objects``: how small the objects of a model's classes can be, shown or learned from labelled images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from core.cli.console import UsageError, done, notice, progress_bar, stdout
from core.cli.model import find_model
from core.models.store import ModelStore, StoredModel
from core.morphometry.words import three_digits
from core.objects.report import separation_scores_sentences, separation_sentence
from core.objects.rules import AreaUnit, ObjectRules
from core.objects.separation import UNSEPARATED, Separation, SeparationWay
from core.settings import current_settings


def objects(
    model: Annotated[str, typer.Argument(help="Id in the store.")],
    dataset: Annotated[
        Path | None,
        typer.Option(
            help=("Dataset folder with label maps to learn sizes from; without it, the current sizes are shown.")
        ),
    ] = None,
    seconds: Annotated[
        float,
        typer.Option(min=0, help=("Time for test predictions to choose the best sizes; 0 uses the label maps only.")),
    ] = 60.0,
    necks: Annotated[
        bool | None,
        typer.Option(
            "--necks/--no-necks",
            help="Split touching objects at narrow necks, as deep as these labels allow. A fallback: models that "
            "learn from ids of objects do better.",
        ),
    ] = None,
) -> None:
    """Show or learn the smallest object and largest hole of each class, with which predictions are cleaned.

    Trainings learn them from their labels. An imported model has none until you pass labelled images:
    `python -m core model objects liver-2d --dataset labelled`
    """
    store = ModelStore(current_settings().models_dir)
    stored = store.get(model) if dataset else find_model(model)
    if dataset is not None:
        stored = store.set_object_rules(stored.id, _learned(stored, dataset, seconds))
        done(f"Predictions of {stored.id} are now cleaned with these sizes.")
    if necks is not None:
        stored = store.set_separation(stored.id, _necks(stored, dataset) if necks else UNSEPARATED)
    for sentence in (
        separation_sentence(stored.card.separation, stored.scheme),
        *separation_scores_sentences(stored.card.separation, stored.scheme),
    ):
        notice(sentence)
    rules = stored.card.object_rules
    if not rules.rules:
        notice("This model has no learned minimum object sizes: predictions are not cleaned.")
        return
    _print(stored, rules)


def _learned(stored: StoredModel, dataset: Path, seconds: float) -> ObjectRules:
    from core.datasets.folder import open_dataset
    from core.training.object_rules import rules_from_references

    with progress_bar("objects") as progress:
        return rules_from_references(stored, open_dataset(dataset), predict_s=seconds, on_progress=progress)


def _necks(stored: StoredModel, dataset: Path | None) -> Separation:
    from core.datasets.folder import open_dataset
    from core.training.object_rules import necks_from_references

    if dataset is None:
        raise UsageError("--necks needs labelled images.", "Name them with --dataset.")
    with progress_bar("necks") as progress:
        found = necks_from_references(open_dataset(dataset), stored.scheme, progress)
    if found.way is SeparationWay.NONE:
        notice("The labelled objects have necks themselves, or there are none: nothing is split.")
    return found


def _print(stored: StoredModel, rules: ObjectRules) -> None:
    unit = "µm²" if rules.unit is AreaUnit.UM2 else "px"
    table = Table(title=f"Objects of {stored.card.name}")
    table.add_column("class")
    for column in (f"smallest, {unit}", f"at an edge, {unit}", f"largest hole, {unit}", "learned from"):
        table.add_column(column, justify="right")
    table.add_column("thin")
    table.add_column("source")
    for rule in rules.rules:
        table.add_row(
            stored.scheme.name_of(rule.class_id),
            three_digits(rule.smallest),
            three_digits(rule.smallest_cut),
            three_digits(rule.largest_hole),
            f"{rule.objects:,} objects",
            "yes" if rule.thin else "no",
            rule.source.value,
        )
    stdout.print(table)
