"""``inspect``: what would be read from files, and why. Nothing is written but the report that was asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from core.cli.console import EXIT_FAILED, notice, stdout
from core.errors import ImageError
from core.files import write_json
from core.imaging.inspection import Inspection, inspect_guarded
from core.imaging.reader import SUFFIXES


def inspect(
    file: Annotated[list[Path], typer.Argument(help="Images, or folders of images.", show_default=False)],
    json: Annotated[Path | None, typer.Option(help="Write the results to this file (.json).")] = None,
) -> None:
    """Show how image files will be read.

    Format, pages, size, data type, range of values, pixel size with its source and the skipped values,
    orientation, compression, notices. Exit code 1 if any file cannot be read; the others are still shown.

    Example: `python -m core inspect *.tif --json facts.json`
    """
    paths = _files(file)
    if json is not None and any(path.resolve() == json.resolve() for path in paths):
        raise ImageError(f"The report would overwrite the input file {json}.", "Choose another file name.")
    found = [inspect_guarded(path) for path in paths]
    for inspection in found:
        _print(inspection)
    if json is not None:
        facts = [{"path": str(path), **each.to_json()} for path, each in zip(paths, found, strict=True)]
        write_json(json, {"format": "cristae-inspection", "version": 1, "files": facts})
    unreadable = sum(not inspection.readable for inspection in found)
    if unreadable:
        notice(f"{unreadable} of {len(found)} files cannot be read.")
        raise typer.Exit(EXIT_FAILED)


def _files(given: list[Path]) -> list[Path]:
    """The files named; of a folder the images in it.

    Raises
    ------
    ImageError
        A folder holds no image.
    """
    paths: list[Path] = []
    for path in given:
        if not path.is_dir():
            paths.append(path)
            continue
        inside = sorted(each for each in path.iterdir() if each.is_file() and each.name.lower().endswith(SUFFIXES))
        if not inside:
            raise ImageError(f"{path} contains no image files.", (f"Supported file extensions: {', '.join(SUFFIXES)}."))
        paths += inside
    return paths


def _print(inspection: Inspection) -> None:
    """One file as a table."""
    table = Table(title=escape(inspection.name), title_justify="left", show_header=False, box=None, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in inspection.rows:
        table.add_row(name, escape(value))
    stdout.print(table)
    stdout.print()
