"""The tables of an evaluation as CSV: one row per figure, undefined left empty, full precision."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from core.evaluation.image_scores import ALL
from core.evaluation.metric import Metric
from core.evaluation.overlap import counts_from_confusion
from core.evaluations.report.findings import Findings
from core.label_scheme import LabelScheme
from core.spreadsheets import not_a_formula

Cell = str | int | float | None

BACKGROUND: Final = "background"


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    Parameters
    ----------
    columns
        Their names.
    rows
        As many cells as columns; None for undefined or unknown.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def csv(self) -> bytes:
        """UTF-8, with a byte order mark only beyond ASCII: spreadsheets need it there, R stumbles over it."""
        buffer = io.StringIO(newline="")
        writer = csv.writer(buffer)
        writer.writerow(self.columns)
        writer.writerows([[_text(cell) for cell in row] for row in self.rows])
        text = buffer.getvalue()
        return text.encode("utf-8" if text.isascii() else "utf-8-sig")


def metrics_table(found: Findings) -> Table:
    """Every metric of every scored image and class. A metric that says nothing about a class has no row there."""
    scheme = found.report.scheme
    rows: list[tuple[Cell, ...]] = []
    for image in found.report.images:
        for class_id in (*scheme.ids, ALL):
            told = image.values.get(class_id, {})
            rows += [
                (
                    image.name, image.group, image.pixel_size_nm, class_id, _class(scheme, class_id, metric),
                    metric.name, told[metric.name], metric.unit, str(metric.better),
                )
                for metric in found.report.metrics
                if metric.name in told
            ]  # fmt: skip
    columns = ("image", "specimen", "pixel_size_nm", "class_id", "class", "metric", "value", "unit", "better")
    return Table(columns, tuple(rows))


def aggregates_table(found: Findings) -> Table:
    """Every metric of every class over the test set, with interval and numbers of images."""
    report = found.report
    rows = [
        (
            class_id, _class(report.scheme, class_id, metric), metric.name, row.macro, row.low, row.high,
            report.settings.confidence_level, row.micro, row.images, row.units, report.unit_kind, metric.unit,
            str(metric.better),
        )
        for metric in report.metrics
        for class_id in (*report.scheme.ids, ALL)
        if (row := report.figure(metric.name, class_id)).images
    ]  # fmt: skip
    columns = (
        "class_id", "class", "metric", "mean", "low", "high", "level", "pooled", "images", "units", "interval_over",
        "unit", "better",
    )  # fmt: skip
    return Table(columns, tuple(rows))


def counts_table(found: Findings) -> Table:
    """Pixels of every scored image and class: what all overlap metrics follow from."""
    scheme = found.report.scheme
    rows: list[tuple[Cell, ...]] = []
    for image in found.report.images:
        counts = counts_from_confusion(image.matrix)[1:]
        for item, count in zip(scheme.classes, counts, strict=True):
            rows.append((image.name, item.id, item.name, count.tp, count.fp, count.fn, count.tn, image.ignored_px))
    columns = ("image", "class_id", "class", "tp_px", "fp_px", "fn_px", "tn_px", "not_reviewed_px")
    return Table(columns, tuple(rows))


def confusion_table(found: Findings) -> Table:
    """Pixels over the whole test set: a row per class of the reference, a column per predicted class."""
    names = [BACKGROUND, *(item.name for item in found.report.scheme.classes)]
    rows: list[tuple[Cell, ...]] = [
        (name, *(int(pixels) for pixels in row)) for name, row in zip(names, found.report.matrix, strict=True)
    ]
    return Table(("reference \\ predicted", *names), tuple(rows))


def confusion_images_table(found: Findings) -> Table:
    """Pixels of every image, class of the reference and predicted class."""
    names = [BACKGROUND, *(item.name for item in found.report.scheme.classes)]
    rows = [
        (image.name, reference, predicted, int(image.matrix[row, column]))
        for image in found.report.images
        for row, reference in enumerate(names)
        for column, predicted in enumerate(names)
    ]
    return Table(("image", "reference", "predicted", "pixels"), tuple(rows))


def errors_table(found: Findings) -> Table:
    """The largest connected errors of every image, largest first."""
    scheme = found.report.scheme
    rows = [
        (
            image.name, rank, str(error.kind), class_name(scheme, error.reference_id),
            class_name(scheme, error.prediction_id), error.pixels, error.area_um2, error.row, error.column,
            error.height, error.width, " ".join(str(number) for number in error.objects),
        )
        for image in found.images
        for rank, error in enumerate(found.errors.get(image.image_id, ()), start=1)
    ]  # fmt: skip
    columns = (
        "image", "rank", "kind", "reference", "predicted", "pixels", "area_um2", "row", "column", "height_px",
        "width_px", "objects",
    )  # fmt: skip
    return Table(columns, tuple(rows))


def images_table(found: Findings) -> Table:
    """Every image of the test set, those without scores too, and which label maps were compared."""
    sizes = {image.name: (image.pixel_size_nm, image.ignored_px) for image in found.report.images}
    rows = [
        (
            image.name, image.image_id, image.specimen, *sizes.get(image.name, (None, None)),
            "scored" if image.scored else "not scored", image.reason, image.reference_id, image.prediction_id,
        )
        for image in found.images
    ]  # fmt: skip
    columns = (
        "image", "image_id", "specimen", "pixel_size_nm", "not_reviewed_px", "state", "why_not", "reference_id",
        "prediction_id",
    )  # fmt: skip
    return Table(columns, tuple(rows))


def comparison_table(found: Findings) -> Table:
    """Paired differences to the earlier evaluation; no rows where there is none."""
    columns = ("class_id", "class", "metric", "difference", "low", "high", "images", "units", "verdict", "unit")
    if found.earlier is None:
        return Table(columns, ())
    comparison, scheme = found.earlier.comparison, found.report.scheme
    rows = [
        (
            class_id, _class(scheme, class_id, metric), metric.name, row.mean, row.low, row.high, row.images,
            row.units, str(row.verdict), metric.unit,
        )
        for metric in found.report.metrics
        for class_id, row in comparison.differences.get(metric.name, {}).items()
        if row.images
    ]  # fmt: skip
    return Table(columns, tuple(rows))


def class_name(scheme: LabelScheme, class_id: int) -> str:
    """Name of a class, and of background."""
    return scheme.name_of(class_id) if class_id else BACKGROUND


def all_name(metric: Metric) -> str:
    """What stands in place of a class: calibration has a figure of all pixels, the others the mean over classes."""
    return "all pixels" if metric.family.name == "calibration" else "mean over classes"


def _class(scheme: LabelScheme, class_id: int, metric: Metric) -> str:
    return all_name(metric) if class_id == ALL else scheme.name_of(class_id)


def _text(cell: Cell) -> str:
    """A cell as CSV holds it: numbers in full, nothing for undefined, text that a spreadsheet does not run."""
    if cell is None or cell != cell:
        return ""
    return not_a_formula(cell) if isinstance(cell, str) else repr(cell)


TABLES: Final[dict[str, tuple[Callable[[Findings], Table], str]]] = {
    "metrics.csv": (metrics_table, "every metric of every image and class, one row each"),
    "aggregates.csv": (
        aggregates_table,
        "means over images with interval, pooled figures, how many images",
    ),
    "counts.csv": (counts_table, "pixel counts of the overlap metrics: true and false positives and negatives"),
    "confusion.csv": (confusion_table, "confusion matrix of the whole test set in pixels, rows are the reference"),
    "confusion_by_image.csv": (confusion_images_table, "confusion matrix of every image, one row each"),
    "errors.csv": (
        errors_table,
        "the largest connected errors of every image; row and column are the upper left corner",
    ),
    "images.csv": (
        images_table,
        ("all images of the test set, with the compared label maps and the reason for missing scores"),
    ),
    "comparison.csv": (comparison_table, "paired differences: this evaluation minus the other"),
}
"""File name to what makes it and what it holds."""


def written_tables(found: Findings) -> Iterable[tuple[str, str]]:
    """Names of the tables that this evaluation has, and what each holds."""
    return [(name, told) for name, (_, told) in TABLES.items() if found.earlier or name != "comparison.csv"]
