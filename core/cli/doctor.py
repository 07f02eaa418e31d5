"""``doctor``: what this machine offers and what is wrong with it."""

from __future__ import annotations

from typing import Final

import typer
from rich.markup import escape
from rich.table import Table

from core.cli.console import EXIT_FAILED, stdout
from core.doctor import Level, examine

_STYLE: Final = {Level.OK: "[green]ok[/]", Level.NOTE: "[yellow]note[/]", Level.PROBLEM: "[bold red]problem[/]"}


def doctor() -> None:
    """Print versions, devices, data folder, free disk, and what is wrong with a remedy for each.

    Ends with exit code 1 when something will not work.
    """
    findings = examine()
    table = Table(show_header=False, box=None, pad_edge=False)
    for column in ("level", "what", "detail"):
        table.add_column(column, overflow="fold")
    for item in findings:
        remedy = f"\n[bold]What to do:[/] {escape(item.remedy)}" if item.remedy else ""
        table.add_row(_STYLE[item.level], item.what, escape(item.detail) + remedy)
    stdout.print(table)
    if any(item.level is Level.PROBLEM for item in findings):
        raise typer.Exit(EXIT_FAILED)
