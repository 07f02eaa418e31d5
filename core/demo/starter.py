"""The recipe of the starter model: ``python -m core.demo.starter`` grows its training images and trains it again."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from core.errors import CristaeError, TrainingError
from core.models.store import STARTER_ID, StoredModel
from core.phantom.dataset import write_phantom_dataset
from core.program import default_models_dir
from core.scratch import scratch_folder
from core.training.presets import Preset
from core.training.request import TrainingProgress, TrainRequest
from core.training.train import train, unfinished

IMAGES: Final = 64
"""Training images; with fewer the looks (stain, contrast, noise) repeat too soon."""

SIZE_PX: Final = 1280
"""Edge of a training image: 10 µm at 8 nm, room for a nucleus with its surroundings."""

SEED: Final = 10_000
"""Of the first training image; tests, demo and README use seeds below 10,000, which the model must not have seen."""

PIXEL_SIZE_NM: Final = 8.0

MAX_BYTES: Final = 10_000_000
"""The model is committed, so it has to stay small."""

DEFAULT_MINUTES: Final = 60.0

SECOND_LEARNING_RATE: Final = 0.0015
"""When going on from an earlier starter: nearly that of a new one, for there is no lack of images to learn from."""

NAME: Final = "Starter (synthetic liver)"

DESCRIPTION: Final = (
    "A small nnU-Net for mitochondria, nucleus, rough ER, lipid droplets and cell boundaries at 8 nm per pixel, "
    "to try the app before you have annotated images."
)

ORIGIN: Final = (
    "Trained on synthetic liver micrographs (core/phantom) only, not on real tissue. Made by `python -m "
    "core.demo.starter`."
)

WARNING: Final = (
    "Trained on synthetic tissue. On real micrographs its masks are only a first guess to correct. Do not measure them."
)

LICENCE: Final = "Apache-2.0"

Report = Callable[[str, float], None]


def make_starter(
    out: Path,
    *,
    minutes: float = DEFAULT_MINUTES,
    images: int = IMAGES,
    size_px: int = SIZE_PX,
    parent: Path | None = None,
    seed: int = SEED,
    threads: int = 0,
    on_progress: Report,
) -> StoredModel:
    """Grow the training images and train the starter model on them.

    Parameters
    ----------
    out
        Folder of the model; must not exist.
    minutes
        Of training, on top of growing the images.
    images, size_px
        How many training images, and their edge.
    parent
        An earlier starter to go on from; None: from scratch.
    seed
        Of the first training image, at least `SEED`. Going on from an earlier starter, take one whose images are new.
    threads
        CPU threads for training; 0: all cores.
    on_progress
        Called with what is being done and how much of it is (0 to 1).

    Raises
    ------
    TrainingError
        The folder exists, an earlier run has left unfinished work beside it, the training fails, or the model is too
        large to be committed.
    """
    if out.exists():
        raise TrainingError(f"{out} already exists.", "Delete or rename it first.")
    if seed < SEED:
        raise TrainingError(f"Seed {seed} belongs to images for tests.", f"Take {SEED} or more.")
    earlier = unfinished(out)
    if earlier is not None:
        raise TrainingError(f"An interrupted run has left {earlier.work}; its images are gone.", "Delete that folder.")
    with scratch_folder("starter") as folder:
        dataset = folder / "phantoms"
        write_phantom_dataset(
            dataset, images, size_px, seed, pixel_size_nm=PIXEL_SIZE_NM, test_count=0,
            on_progress=lambda done, count: on_progress("growing tissue", done / count),
        )  # fmt: skip

        def show(progress: TrainingProgress) -> None:
            on_progress(progress.message or progress.stage, progress.fraction)

        model = train(_request(dataset, out, minutes, threads, parent), on_progress=show)
    if model.size_bytes > MAX_BYTES:
        shutil.rmtree(out)
        raise TrainingError(
            f"The starter model has {model.size_bytes / 1e6:.1f} MB.", f"Keep it under {MAX_BYTES / 1e6:g} MB."
        )
    return model


def _request(dataset: Path, out: Path, minutes: float, threads: int, parent: Path | None) -> TrainRequest:
    """What is asked of the training; few images are held out, for there is no lack of new ones to test on."""
    return TrainRequest(
        dataset=dataset,
        preset=Preset.COMPACT,
        out=out,
        minutes=minutes,
        pixel_size_nm=PIXEL_SIZE_NM,
        validation_fraction=0.1,
        patience=0,
        parent=parent,
        learning_rate=SECOND_LEARNING_RATE if parent else None,
        threads=threads,
        name=NAME,
        description=DESCRIPTION,
        origin=ORIGIN,
        warning=WARNING,
        licence=LICENCE,
    )


def main() -> int:
    """Read the command line and make the model."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m core.demo.starter")
    parser.add_argument("--out", type=Path, default=default_models_dir() / STARTER_ID, help="model folder to make")
    parser.add_argument("--minutes", type=float, default=DEFAULT_MINUTES, help="of training (default: %(default)g)")
    parser.add_argument("--images", type=int, default=IMAGES, help="training images (default: %(default)d)")
    parser.add_argument("--from", dest="parent", type=Path, help="earlier starter model to fine-tune")
    parser.add_argument("--seed", type=int, default=SEED, help="of the first training image (default: %(default)d)")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0: all cores")
    arguments = parser.parse_args()
    try:
        model = make_starter(
            arguments.out, minutes=arguments.minutes, images=arguments.images,
            parent=arguments.parent, seed=arguments.seed, threads=arguments.threads,
            on_progress=lambda what, share: print(f"{share:6.1%}  {what}", flush=True),
        )  # fmt: skip
    except CristaeError as error:
        print(error)
        return 1
    print(f"{model.path}: {model.size_bytes / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
