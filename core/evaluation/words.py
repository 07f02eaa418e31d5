"""Figures in words: numbers with their unit, how many images and specimens are behind them, what they cannot say."""

from __future__ import annotations

from core.evaluation.metric import Better, Metric
from core.evaluation.report import EvaluationReport


def counted(number: int, what: str) -> str:
    """A number with its noun.

    >>> counted(1, "image"), counted(3, "image")
    ('1 image', '3 images')
    """
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def figure_text(metric: Metric, value: float | None) -> str:
    """One figure as people read it; a dash for undefined.

    >>> from core.evaluation.metric_table import metric_named
    >>> figure_text(metric_named("dice"), 0.6159), figure_text(metric_named("hd95"), 1234.5)
    ('0.616', '1,234 nm')
    >>> figure_text(metric_named("count_error"), -3.0), figure_text(metric_named("dice"), None)
    ('-3.0 objects', '–')
    """
    if value is None or value != value:
        return "–"
    if metric.better is Better.NEAREST_ZERO:
        return f"{value:+.1f} {metric.unit}".strip()
    if metric.unit:
        return f"{value:,.0f} {metric.unit}"
    return f"{value:.3f}"


def sample_words(report: EvaluationReport) -> str:
    """What so many images of so many specimens can and cannot show."""
    groups = [image.group for image in report.images]
    known = sorted({group for group in groups if group})
    unknown = sum(not group for group in groups)
    images = counted(len(groups), "image")
    if not known:
        where = f"{images}, specimen not recorded"
    elif unknown:
        where = f"{images} from {counted(len(known), 'specimen')} and {unknown} of unknown specimen"
    else:
        where = f"{images} from {counted(len(known), 'specimen')}"
    told = [f"{where}."]
    if len(known) == 1 and not unknown:
        told.append(
            "These figures say how the model does on this specimen; how it does on another one, they cannot say."
            if len(groups) > 1
            else "One image says what the model does on this image, not on another one."
        )
    told.append(report.caution)
    return " ".join(part for part in told if part)
