"""``doctor``: what this machine offers and what is wrong with it."""

from __future__ import annotations

from typing import Annotated, Final

import typer
from rich.markup import escape
from rich.table import Table

from core.cli.console import EXIT_FAILED, stdout
from core.doctor.doctor import Level, examine
from core.doctor.doctor import repair as repair_label_maps

_STYLE: Final = {Level.OK: "[green]ok[/]", Level.NOTE: "[yellow]note[/]", Level.PROBLEM: "[bold red]problem[/]"}


def doctor(
    repair: Annotated[
        bool, typer.Option("--repair", help="Rewrite label maps of earlier versions with their project's classes.")
    ] = False,
) -> None:
    """Print versions, devices, data folder, free disk space, and all problems with remedies.

    --repair only rewrites label maps whose classes differ from their project's (from earlier versions); the old files
    are kept. Stop Cristae first.

    Exit code 1 if there are problems.
    """
    findings = repair_label_maps() if repair else examine()
    table = Table(show_header=False, box=None, pad_edge=False)
    for column in ("level", "what", "detail"):
        table.add_column(column, overflow="fold")
    for item in findings:
        remedy = f"\n[bold]What to do:[/] {escape(item.remedy)}" if item.remedy else ""
        table.add_row(_STYLE[item.level], item.what, escape(item.detail) + remedy)
    stdout.print(table)
    if any(item.level is Level.PROBLEM for item in findings):
        raise typer.Exit(EXIT_FAILED)
