"""What ``evaluate`` prints: means with intervals per family of metrics, and the confusion matrix."""

from __future__ import annotations

import numpy as np
from rich.table import Table

from core.cli.console import stdout
from core.evaluation.aggregates import Aggregate
from core.evaluation.image_scores import ALL
from core.evaluation.metric import Metric
from core.evaluation.metric_table import FAMILIES
from core.evaluation.report import EvaluationReport


def print_report(report: EvaluationReport) -> None:
    """All tables of a report."""
    for family in FAMILIES:
        metrics = [metric for metric in report.metrics if metric.family is family]
        if metrics:
            stdout.print(_means(report, metrics))
    stdout.print(_confusion(report))
    if report.caution:
        stdout.print(report.caution)


def _means(report: EvaluationReport, metrics: list[Metric]) -> Table:
    """One row per class: mean over images with interval, pooled figure behind it."""
    family = metrics[0].family.name
    level = f"{report.settings.confidence_level:.0%} interval over {report.unit_kind}"
    title = f"{family.capitalize()}: mean over {len(report.images)} images ({level} of {metrics[0].title})"
    if family == "surface":
        title += f"; tolerance {report.settings.tolerance_nm:g} nm"
    table = Table(title=title)
    table.add_column("class", no_wrap=True, min_width=max(len(item.name) for item in report.scheme.classes))
    for number, metric in enumerate(metrics):
        table.add_column(f"{metric.title}{f', {metric.unit}' if metric.unit else ''}", justify="right")
        if number == 0:
            table.add_column("interval", justify="right", no_wrap=True)
    table.add_column("images", justify="right")
    for item in report.scheme.classes:
        rows = [report.figure(metric.name, item.id) for metric in metrics]
        if any(row.images for row in rows) or family == "overlap":
            table.add_row(item.name, *_cells(rows, metrics), _numbers(rows))
    rows = [report.figure(metric.name, ALL) for metric in metrics]
    name = "all pixels" if family == "calibration" else "mean"
    table.add_row(name, *_cells(rows, metrics), "", style="bold")
    return table


def _confusion(report: EvaluationReport) -> Table:
    """Rows of the reference in percent."""
    names = ["background", *(item.name for item in report.scheme.classes)]
    table = Table(title="Confusion: of each class in the reference, % predicted as")
    table.add_column("reference", no_wrap=True, min_width=max(len(name) for name in names))
    for name in [*names, "pixels"]:
        table.add_column(name, justify="right")
    for name, row in zip(names, report.matrix, strict=True):
        total = int(row.sum())
        table.add_row(name, *[f"{100 * int(n) / total:.1f}" if total else "–" for n in row], str(total))
    return table


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
