"""``dataset``: look through a dataset folder, or make one from images and their labels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from core.cli.console import EXIT_FAILED, done, notice, progress_bar, stdout
from core.cli.label_options import (
    Classes,
    Colors,
    Foregrounds,
    Overlaps,
    Values,
    chosen_source,
    label_reading,
)
from core.cli.pairing import checked_cases, nm_text, shares, size_text
from core.cli.pixel_size import pixel_size_option
from core.cli.refused import RefusedFiles
from core.datasets.case import DatasetFolder, Split
from core.datasets.check import DatasetCheck, check_dataset
from core.datasets.plan import CheckedCase, plan_dataset, read_case
from core.datasets.writing import NewCase, write_dataset
from core.errors import DatasetError
from core.files import write_json
from core.label_scheme import IGNORE_ID
from core.labels.importing import Overlap
from core.labels.reading import LabelReading
from core.program import COMMAND
from core.wording import counted

app = typer.Typer(help="Check dataset folders, or create them from images and labels.", no_args_is_help=True)


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="Dataset folder: images/, labels/, dataset.json; or nnU-Net raw.")],
    json: Annotated[Path | None, typer.Option(help="Write the report to this file (.json).")] = None,
) -> None:
    """List cases, splits, sizes, classes and all problems with remedies. Exit code 1 if training would fail.

    Example: `python -m core dataset check my-liver`
    """
    with progress_bar("check") as progress:
        found = check_dataset(folder, on_case=lambda number, total: progress(number / total))
    if found.folder is not None:
        _print_cases(found, found.folder)
        _print_classes(found, found.folder)
    for problem in found.problems:
        what = "[bold red]Problem:[/]" if problem.fatal else "[yellow]Note:[/]"
        where = f"{escape(problem.where)}: " if problem.where else ""
        stdout.print(f"{what} {where}{escape(problem.cause)}", highlight=False, soft_wrap=True)
        stdout.print(f"  [bold]What to do:[/] {escape(problem.remedy)}", highlight=False, soft_wrap=True)
    if json is not None:
        write_json(json, found.to_json())
    if not found.usable:
        raise typer.Exit(EXIT_FAILED)
    done("The dataset can be used." if found.problems else "The dataset is valid; no problems found.")


@app.command()
def build(
    images: Annotated[Path, typer.Option(help="Folder of micrographs.")],
    out: Annotated[Path, typer.Option(help="Dataset folder to create.")],
    labels: Annotated[
        Path | None, typer.Option(help="Folder of label images (class ids) with the names of the images.")
    ] = None,
    masks: Annotated[
        Path | None, typer.Option(help="Folder of masks named IMAGE_CLASS, for example a_nucleus.png.")
    ] = None,
    rgb: Annotated[Path | None, typer.Option(help="Folder of colour images with one colour per class.")] = None,
    classes: Classes = None,
    color: Colors = None,
    value: Values = None,
    overlap: Overlaps = Overlap.IGNORE,
    foreground: Foregrounds = None,
    pixel_size: Annotated[
        float | None, pixel_size_option("Pixel size of all images; default: the value in each file.")
    ] = None,
    test: Annotated[
        list[str] | None,
        typer.Option(help=("Name of a test image without file extension; * matches any text. Repeatable.")),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the planned files; write nothing.")] = False,
) -> None:
    """Create a dataset folder for `train` from images and labels that are matched by name.

    All files are read and listed first. Unreadable images are skipped and listed at the end, with exit code 1; a label
    file without an image stops the command. Images without labels become the pool.

    Example: `python -m core dataset build --images tif --masks vast --pixel-size 8 --test mouse4 --out my-liver`
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DatasetError(f"{out} exists already and is not an empty folder.", "Name a new folder.")
    source, folder = chosen_source(labels, masks, rgb)
    reading = label_reading(source, classes, overlap=overlap, colors=color, values=value, foreground=foreground)
    plan = plan_dataset(images, folder, test=test or ())
    refused = RefusedFiles(len(plan.cases))
    cases = checked_cases(plan, reading, refused, pixel_size_nm=pixel_size)
    if not any(item.case.split is Split.TRAIN for item in cases):
        raise DatasetError("No labelled images remain for training.", "List fewer images with --test.")
    sizeless = sum(item.pixel_size_nm is None for item in cases)
    if sizeless:
        notice(f"The pixel size of {sizeless} of {len(cases)} images is unknown; give it with --pixel-size.")
    if dry_run:
        done("Nothing was written (--dry-run).")
        refused.end()
        return
    write_dataset(out, _read(cases, reading, pixel_size), reading.scheme)
    done(
        f"Dataset with {counted(len(cases), 'image')} in {out}. "
        f"Train on it: {COMMAND} train --dataset {out} --out MODEL"
    )
    refused.end()


def _read(cases: tuple[CheckedCase, ...], reading: LabelReading, pixel_size_nm: float | None) -> Iterator[NewCase]:
    """The cases one at a time."""
    with progress_bar("write") as progress:
        for number, item in enumerate(cases, start=1):
            yield read_case(item.case, reading, pixel_size_nm=pixel_size_nm)[0]
            progress(number / len(cases), item.case.name)


def _print_cases(found: DatasetCheck, folder: DatasetFolder) -> None:
    """One row a case, also for those that cannot be read."""
    read = {item.case.name: item for item in found.cases}
    counts = ", ".join(f"{len(folder.of_split(split))} {split}" for split in Split)
    table = Table(title=f"{counted(len(folder.cases), 'image')}: {counts}")
    for column in ("case", "split", "group", "px", "nm", "classes"):
        table.add_column(column, overflow="fold")
    for case in folder.cases:
        item = read.get(case.name)
        if item is None:
            size, held = "–", "cannot be used"
        else:
            size = size_text(item.shape_yx)
            held = "no labels" if item.class_pixels is None else shares(item.class_pixels, folder.scheme)
        row = (case.name, case.split.value, case.group, size, nm_text(case.pixel_size_nm), held)
        table.add_row(*(escape(text) for text in row))
    stdout.print(table)


def _print_classes(found: DatasetCheck, folder: DatasetFolder) -> None:
    """Share of each class over the labelled images."""
    train, test, total = found.class_pixels(Split.TRAIN), found.class_pixels(Split.TEST), found.class_pixels()
    table = Table(title="Share of the labelled pixels")
    for column in ("id", "class", "train", "test", "all", "pixels"):
        table.add_column(column, justify="left" if column == "class" else "right")
    for number in (0, *folder.scheme.ids, IGNORE_ID):
        parts = [f"{c[number] / c.total():.2%}" if c.total() else "–" for c in (train, test, total)]
        table.add_row(str(number), escape(folder.scheme.name_of(number)), *parts, f"{total[number]:,}")
    stdout.print(table)
