"""``phantom``: synthetic micrographs with exact labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.cli.console import done, progress_bar
from core.phantom.dataset import write_phantom_dataset


def phantom(
    out: Annotated[Path, typer.Option(help="Folder to create: images/, labels/, objects/, dataset.json.")],
    count: Annotated[int, typer.Option(min=1, help="Number of images.")] = 8,
    size: Annotated[int, typer.Option(min=32, max=8192, help="Width and height of the images in px.")] = 2048,
    seed: Annotated[int, typer.Option(min=0, help="Random seed; the same seed gives the same images.")] = 0,
    pixel_size: Annotated[float, typer.Option(min=1.0, max=64.0, help="Pixel size in nm.")] = 8.0,
    touching: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Chance that a mitochondrion has another one pressed against it.")
    ] = 0.0,
) -> None:
    """Create synthetic liver micrographs with exact labels.

    Example: `python -m core phantom --out phantoms --count 8 --size 2048 --seed 1`
    """
    with progress_bar("phantoms") as progress:
        write_phantom_dataset(
            out,
            count,
            size,
            seed,
            pixel_size_nm=pixel_size,
            touching=touching,
            on_progress=lambda done_count, total: progress(done_count / total),
        )
    done(f"{count} synthetic micrographs of {size} x {size} px at {pixel_size:g} nm per pixel in {out}")
