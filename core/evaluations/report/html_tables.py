"""The tables of the report as people read them: rounded, with units, intervals and numbers of images."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from core.evaluation.aggregates import Aggregate
from core.evaluation.comparison import SMALLEST_SHARE
from core.evaluation.image_scores import ALL
from core.evaluation.metric import Metric
from core.evaluation.metric_table import FAMILIES, METRICS
from core.evaluation.words import VERDICTS, bare_figure, change_text, digits_of, interval_ends
from core.evaluations.read import EvaluatedImage
from core.evaluations.report.findings import Findings
from core.evaluations.report.methods import direction, doi_address
from core.evaluations.report.tables import BACKGROUND, all_name

IMAGES_SHOWN: Final = 200
"""Rows of the image table: four pages of print. The CSV has all."""

CLASSES_SHOWN: Final = 7
"""Columns of the image table that fit a page; with more classes it shows the worst class only."""

_WIDE: Final = 2
"""With more columns than this, a figure and its interval are below each other."""

RANKED_BY: Final = "dice"
"""What images are ranked by, worst first."""

_SHORT: Final = 12
"""Rows that surely fit a page."""

_TITLES: Final = {
    "overlap": "Overlap",
    "surface": "Surfaces",
    "topology": "Nets and sheets",
    "instances": "Objects",
    "calibration": "Calibration",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A table of text.

    Parameters
    ----------
    title, note
        Above and below it; "" for none.
    columns
        The first ``names`` are words, the others numbers, set flush right.
    rows
        As many cells as columns; a cell may have several lines.
    last_is_all
        The last row is of all classes and set apart.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    names: int = 1
    last_is_all: bool = False

    @property
    def short(self) -> bool:
        """Whether it can be kept on one page."""
        return len(self.rows) <= _SHORT


def family_tables(found: Findings) -> tuple[Shown, ...]:
    """A table for each family of metrics that was measured: a row per class, means with intervals."""
    return tuple(_family(found, family.name) for family in FAMILIES if _measured(found, family.name))


def interval_note(found: Findings) -> str:
    """How to read the cells of these tables."""
    report = found.report
    return (
        f"Mean over images, its {report.settings.confidence_level:.0%} interval over {report.unit_kind}, and the "
        "number n of images in which the metric is defined."
    )


def images_table(found: Findings) -> Shown:
    """Dice per image and class, worst first."""
    report = found.report
    scored = sorted((image for image in found.images if image.scored), key=_rank)
    few = len(report.scheme.classes) <= CLASSES_SHOWN
    names = [item.name for item in report.scheme.classes] if few else ["worst class"]
    rows = []
    for image in scored[:IMAGES_SHOWN]:
        values = image.values[RANKED_BY]
        cells = [_plain(values.get(i)) for i in report.scheme.ids] if few else [_worst(found, image)]
        rows.append((image.name, image.specimen or "–", _plain(values.get(ALL)), *cells))
    note = "Mean over the classes present in the image."
    if len(scored) > IMAGES_SHOWN:
        note += f" The {IMAGES_SHOWN} worst of {len(scored)} images; metrics.csv contains all."
    return Shown("Dice of every image, worst first", ("image", "specimen", "mean", *names), tuple(rows), note, names=2)


def confusion_table(found: Findings) -> Shown:
    """Rows of the reference in percent."""
    names = (BACKGROUND, *(item.name for item in found.report.scheme.classes))
    rows = []
    for name, row in zip(names, found.report.matrix, strict=True):
        total = int(row.sum())
        shares = [f"{100 * int(pixels) / total:.1f}" if total else "–" for pixels in row]
        rows.append((name, *shares, f"{total:,}"))
    return Shown(
        "Percentage of the reference pixels of each class predicted as",
        ("reference", *names, "pixels"),
        tuple(rows),
    )


def comparison_table(found: Findings) -> Shown | None:
    """Paired differences of every metric, classes below each other; None where nothing is compared."""
    if found.earlier is None:
        return None
    comparison, report = found.earlier.comparison, found.report
    rows = []
    for metric in report.metrics:
        for class_id in (*report.scheme.ids, ALL):
            row = comparison.differences.get(metric.name, {}).get(class_id)
            if row is None or not row.images:
                continue
            name = report.scheme.name_of(class_id) if class_id else all_name(metric)
            interval = "–" if row.low != row.low else "[{}, {}]".format(*interval_ends(metric, row.low, row.high))
            title = f"{metric.title}, {metric.unit}" if metric.unit else metric.title
            rows.append(
                (
                    title,
                    name,
                    change_text(row.mean, digits_of(metric)),
                    interval,
                    str(row.images),
                    VERDICTS[row.verdict],
                )
            )
    return Shown(
        "Paired differences: this evaluation minus the earlier one",
        ("metric", "class", "difference", "interval", "images", "verdict"),
        tuple(rows),
        "“Better” and “worse” are about these two models on these images, and are shown only where the difference is "
        "not chance (p adjusted for the number of classes, Holm) and larger than what another seed of the same "
        f"training changes ({SMALLEST_SHARE:g} of Dice and other shares). {comparison.caution}",
        names=2,
    )


def unscored_table(found: Findings) -> Shown | None:
    """Images that are missing in every figure, and why; None where there are none."""
    if not found.report.unscored:
        return None
    rows = tuple(found.report.unscored.items())
    return Shown("Images without scores", ("image", "why"), rows, names=2)


def metrics_explained(found: Findings) -> tuple[tuple[Metric, str, str], ...]:
    """The metrics of the report, which way is good, and the address of the paper."""
    return tuple((metric, direction(metric), doi_address(metric)) for metric in found.report.metrics)


def facts(values: Iterable[tuple[str, Any]]) -> tuple[tuple[str, str], ...]:
    """Names and values as text, without the empty ones."""
    return tuple((name, str(value)) for name, value in values if value not in (None, "", (), [], {}))


def _measured(found: Findings, family: str) -> bool:
    return any(metric.family.name == family for metric in found.report.metrics)


def _family(found: Findings, family: str) -> Shown:
    report = found.report
    metrics = [metric for metric in METRICS if metric.family.name == family and metric in report.metrics]
    joint = "\n" if len(metrics) > _WIDE else "  "
    rows = []
    for class_id in (*report.scheme.ids, ALL):
        figures = [report.figure(metric.name, class_id) for metric in metrics]
        if not any(figure.images for figure in figures) and family != "overlap":
            continue
        name = report.scheme.name_of(class_id) if class_id else all_name(metrics[0])
        cells = [_with_interval(metric, figure, joint) for metric, figure in zip(metrics, figures, strict=True)]
        rows.append((name, *cells))
    note = f"Tolerance {report.settings.tolerance_nm:g} nm." if family == "surface" else ""
    columns = ("class", *(f"{metric.title}{f', {metric.unit}' if metric.unit else ''}" for metric in metrics))
    return Shown(_TITLES.get(family, family.capitalize()), columns, tuple(rows), note, last_is_all=True)


def _with_interval(metric: Metric, figure: Aggregate, joint: str) -> str:
    """Mean, interval, number of images: below each other in many columns, beside each other in few."""
    if not figure.images:
        return "–"
    lines = [bare_figure(metric, figure.macro)]
    if figure.low == figure.low:
        lines.append(f"[{bare_figure(metric, figure.low)}, {bare_figure(metric, figure.high)}]")
    return joint.join([*lines, f"n = {figure.images}"])


def _plain(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _rank(image: EvaluatedImage) -> tuple[float, str]:
    """Worst first, undefined last, then by name."""
    value = image.values[RANKED_BY].get(ALL)
    return (float("inf") if value is None else value, image.name)


def _worst(found: Findings, image: EvaluatedImage) -> str:
    values = {i: v for i, v in image.values[RANKED_BY].items() if i != ALL and v is not None}
    if not values:
        return "–"
    worst = min(values, key=lambda i: values[i])
    return f"{found.report.scheme.name_of(worst)} {values[worst]:.3f}"
