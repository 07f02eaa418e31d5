"""What ``evaluate`` prints: means with intervals per family of metrics, and the confusion matrix.

A terminal of 80 columns, and a pipe, show every figure whole: where a table is too wide, names are broken and figures
never are.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from rich import box
from rich.table import Table

from core.cli.console import stdout
from core.evaluation.aggregates import Aggregate
from core.evaluation.image_scores import ALL
from core.evaluation.metric import Metric
from core.evaluation.metric_table import FAMILIES
from core.evaluation.report import EvaluationReport

UNLIMITED: Final = 1000
"""Columns of a terminal in which everything fits."""


def print_report(report: EvaluationReport) -> None:
    """All tables of a report."""
    for family in FAMILIES:
        metrics = [metric for metric in report.metrics if metric.family is family]
        if metrics:
            _print(_means(report, metrics))
    _print(_confusion(report))
    if report.caution:
        stdout.print(report.caution)


def _print(table: Table) -> None:
    """Closer together where it would not fit."""
    unlimited = stdout.options.update_width(UNLIMITED)
    if stdout.measure(table, options=unlimited).maximum > stdout.width:
        table.padding = 0
    stdout.print(table)
    stdout.print()


def _means(report: EvaluationReport, metrics: list[Metric]) -> Table:
    """One row per class: mean over images with interval, pooled figure behind it."""
    family = metrics[0].family.name
    level = f"{report.settings.confidence_level:.0%} interval over {report.unit_kind}"
    title = f"{family.capitalize()}: mean over {len(report.images)} images ({level} of {metrics[0].title})"
    if family == "surface":
        title += f"; tolerance {report.settings.tolerance_nm:g} nm"
    headings = [f"{metric.title}{f', {metric.unit}' if metric.unit else ''}" for metric in metrics]
    table = _table(title, "class", [headings[0], "interval", *headings[1:], "images"])
    for item in report.scheme.classes:
        rows = [report.figure(metric.name, item.id) for metric in metrics]
        if any(row.images for row in rows) or family == "overlap":
            _add(table, item.name, [*_cells(rows, metrics), _numbers(rows)])
    rows = [report.figure(metric.name, ALL) for metric in metrics]
    name = "all pixels" if family == "calibration" else "mean"
    _add(table, name, [*_cells(rows, metrics), ""], style="bold")
    return table


def _confusion(report: EvaluationReport) -> Table:
    """Rows of the reference in percent."""
    names = ["background", *(item.name for item in report.scheme.classes)]
    table = _table("Confusion: of each class in the reference, % predicted as", "reference", [*names, "pixels"])
    for name, row in zip(names, report.matrix, strict=True):
        total = int(row.sum())
        _add(table, name, [*(f"{100 * int(n) / total:.1f}" if total else "–" for n in row), str(total)])
    return table


def _table(title: str, first: str, headings: list[str]) -> Table:
    """Names on the left, figures on the right."""
    table = Table(title=title, box=box.SIMPLE_HEAD, collapse_padding=True, show_edge=False, title_justify="left")
    table.add_column(first, overflow="fold")
    for heading in headings:
        table.add_column(_spaced(heading), justify="right", overflow="fold")
    return table


def _add(table: Table, name: str, figures: list[str], style: str = "") -> None:
    """A row; its columns become as wide as its figures."""
    for column, figure in zip(table.columns[1:], figures, strict=True):
        column.min_width = max(column.min_width or 0, len(figure))
    table.add_row(_spaced(name), *figures, style=style)


def _spaced(name: str) -> str:
    """A class's name as words, which can be broken.

    >>> _spaced("lipid_droplets")
    'lipid droplets'
    """
    return name.replace("_", " ")


def _cells(rows: list[Aggregate], metrics: list[Metric]) -> list[str]:
    """Means, the first with its interval behind it; a dash for undefined."""
    cells = []
    for number, (row, metric) in enumerate(zip(rows, metrics, strict=True)):
        digits = 1 if metric.unit else 3
        cells.append("–" if np.isnan(row.macro) else f"{row.macro:.{digits}f}")
        if number == 0:
            cells.append("–" if np.isnan(row.low) else f"{row.low:.{digits}f}–{row.high:.{digits}f}")
    return cells


def _numbers(rows: list[Aggregate]) -> str:
    """How many images are behind a row's figures."""
    numbers = sorted({row.images for row in rows})
    return str(numbers[-1]) if len(numbers) == 1 else f"{numbers[0]}–{numbers[-1]}"
