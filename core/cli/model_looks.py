"""``model looks``: what the images of a model look like, shown or learned, so that predictions can be judged."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.cli.console import done, notice, progress_bar
from core.cli.model import find_model
from core.familiarity.looks import KnownLooks
from core.models.store import ModelStore
from core.settings import current_settings


def looks(
    model: Annotated[str, typer.Argument(help="Id in the store.")],
    dataset: Annotated[
        Path | None,
        typer.Option(help="Dataset folder with images that the model suits; without it, what is known is shown."),
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, help="Time that may be spent on these images.")] = 120.0,
) -> None:
    """Show or learn what a model's own images look like. Predictions then say whether an image is like them.

    Trainings learn it. An imported model knows nothing until you pass images of the kind that it was made for; with
    label maps, its confidence is calibrated, too: `python -m core model looks liver-2d --dataset labelled`
    """
    stored = find_model(model)
    if dataset is not None:
        from core.datasets.folder import open_dataset
        from core.training.looks import looks_from_images

        store = ModelStore(current_settings().models_dir)
        stored = store.get(model)
        with progress_bar("looks") as progress:
            found = looks_from_images(stored, open_dataset(dataset), seconds=seconds, on_progress=progress)
        stored = store.set_looks(stored.id, found.looks, found.calibration)
        done(f"Predictions of {stored.id} from now on say whether an image is like these.")
    for sentence in (looks_sentence(stored.card.looks), stored.card.calibration.sentence):
        notice(sentence)


def looks_sentence(looks: KnownLooks) -> str:
    """What is known, and how often verdicts are wrong."""
    if not looks.known:
        return "Nothing is known about the images of this model: pass some with --dataset."
    text = f"Known from {looks.images} images, {looks.held_out} of them not used for training."
    if looks.own_scores:
        own, flagged = len(looks.own_scores), looks.own_flagged
        text += f" Of {own} images or parts not used for training, {flagged:.0%} would be flagged."
    if looks.altered_scores:
        text += f" Of {len(looks.altered_scores)} altered images, {looks.altered_missed:.0%} would be missed."
    return text
