"""``train``: an nnU-Net from a dataset folder."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from core.cli.console import UsageError, done, notice, progress_bar
from core.cli.model import find_model
from core.cli.training_options import with_training_options
from core.models.card import ModelCard
from core.settings import current_settings
from core.training.request import TrainingProgress, TrainRequest
from core.training.verdict import training_words, undertrained_warning, verdict_of

WITH_AGAIN: Final = ("again", "out", "resume", "name", "description")
"""Options that go along with --again; all others come from the model."""


@with_training_options(TrainRequest)
def train(
    context: typer.Context,
    out: Annotated[
        Path, typer.Option(help=("Model folder to create; a folder in the model store appears on the Models page."))
    ],
    dataset: Annotated[
        Path | None, typer.Option(help="Dataset folder: images/, labels/, dataset.json; or nnU-Net raw.")
    ] = None,
    again: Annotated[
        str, typer.Option(help="Repeat the training of this model with the same label maps and settings.")
    ] = "",
    options: Any = None,
    parent: Annotated[str, typer.Option("--from", help="Model to fine-tune: id or folder.")] = "",
    resume: Annotated[bool, typer.Option(help="Resume the unfinished training with the same settings.")] = False,
    name: Annotated[str, typer.Option(help="Display name.")] = "",
    description: Annotated[str, typer.Option(help="Description for the model card.")] = "",
    origin: Annotated[str, typer.Option(help="Origin of the training data for the model card.")] = "",
    warning: Annotated[str, typer.Option(help="Warning for the model card.")] = "",
    licence: Annotated[str, typer.Option(help="Licence of the training data for the model card.")] = "",
) -> None:
    """Train an nnU-Net on the images of a dataset's "train" split.

    Example: `python -m core train --dataset vnc --preset compact --minutes 10 --out models/vnc`

    To fine-tune an earlier model, add `--from vnc`. After a stop or a crash, repeat the command with `--resume`.

    To repeat a training of the app: `python -m core train --again liver --out models/liver-again`
    """
    if again:
        _refuse_beside_again(context)
        request = _request_again(again, out, resume=resume, name=name, description=description)
        _run(request)
        shutil.rmtree(request.dataset, ignore_errors=True)
        return
    if dataset is None:
        raise UsageError("No training data are specified.", "Use --dataset FOLDER or --again MODEL.")
    request = TrainRequest(
        dataset=dataset,
        out=out,
        parent=find_model(parent).path if parent else None,
        threads=current_settings().threads,
        resume=resume,
        name=name,
        description=description,
        origin=origin,
        warning=warning,
        licence=licence,
        **options,
    )
    _run(request)


def _refuse_beside_again(context: typer.Context) -> None:
    """Whatever would make it another training."""
    given = [
        parameter.opts[-1]
        for parameter in context.command.params
        if parameter.name not in WITH_AGAIN
        and (source := context.get_parameter_source(parameter.name or "")) is not None
        and source.name == "COMMANDLINE"
    ]
    if given:
        raise UsageError(
            f"--again reuses the original settings and cannot be combined with {', '.join(given)}.",
            "Remove the option, or start a new training with --dataset.",
        )


def _request_again(again: str, out: Path, *, resume: bool, name: str, description: str) -> TrainRequest:
    """The model's own training, once more; its dataset is written from the store first."""
    from core.learning.again import training_again
    from core.store.store import current_store

    model = find_model(again)
    with progress_bar("read") as bar:
        request = training_again(current_store(), model, out, on_progress=bar)
    return replace(
        request,
        resume=resume,
        name=name or f"{model.card.name} (again)",
        description=description or request.description,
    )


def _run(request: TrainRequest) -> None:
    """Train, and tell how it goes."""
    from core.training.train import train as run

    with progress_bar("train") as bar:

        def show(progress: TrainingProgress) -> None:
            bar(progress.fraction, progress.message)
            if progress.notice:
                notice(progress.notice)
            if progress.epoch is not None:
                _print_epoch(progress)

        model = run(request, on_progress=show)
    done(f"Model {model.id} in {model.path} ({model.size_bytes / 1e6:.1f} MB)")
    _print_end(model.card)


def _print_end(card: ModelCard) -> None:
    """How far the training came, and what was lost to other programs."""
    training = card.training
    words = training_words(card) or f"{training.iterations:,} iterations."
    if training.waiting_s and training.waiting_s >= 6 * training.minutes:  # a tenth
        words += f" {training.waiting_s / 60:.1f} of {training.minutes:.1f} min were spent waiting for a busy machine."
    if verdict_of(card).undertrained:
        notice(words)
        notice(undertrained_warning(card))
    else:
        done(words)


def _print_epoch(progress: TrainingProgress) -> None:
    """One line an epoch."""
    epoch = progress.epoch
    if epoch is None:
        return
    dice = " ".join(f"{name} {value:.2f}" for name, value in epoch.dice.items() if value is not None)
    validation = "" if epoch.val_loss is None else f", validation {epoch.val_loss:.3f}"
    done(f"epoch {epoch.epoch}: loss {epoch.train_loss:.3f}{validation}; Dice {dice or '–'}; {epoch.seconds:.0f} s")
