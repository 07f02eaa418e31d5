"""What a figure is worth, in words: numbers with their unit, and how many images and specimens are behind them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from core.evaluation.metric import Better, Metric
from core.evaluation.words import figure_text, sample_words
from core.store.records import EvaluationRecord, EvaluationState
from core.wording import counted
from ui.parts.options import unequal

__all__ = ["evaluation_label", "evaluation_texts", "figure_text", "metric_help", "sample_words"]

_DIRECTION: Final = {
    Better.HIGHER: "higher is better",
    Better.LOWER: "lower is better",
    Better.NEAREST_ZERO: "nearest to zero is best",
}


def metric_help(metric: Metric) -> str:
    """What a metric means, in a line."""
    unit = f", in {metric.unit}" if metric.unit else ""
    return f"{metric.formula}{unit}; {_DIRECTION[metric.better]}; {metric.empty}."


def evaluation_label(record: EvaluationRecord) -> str:
    """One evaluation in a list."""
    count = counted(record.image_count, "image")
    mark = {
        EvaluationState.PARTIAL: f"partial, {record.scored_count} of {count}",
        EvaluationState.RUNNING: f"running, {record.scored_count} of {count}",
    }.get(record.state, count)
    return f"{record.name} · {mark} · {record.created_at:%Y-%m-%d %H:%M}"


def evaluation_texts(records: Sequence[EvaluationRecord]) -> dict[str, str]:
    """Evaluations in a list, by their ids; of those of one minute each tells its second."""
    details = {record.id: (f"{record.created_at:%H:%M:%S}",) for record in records}
    return unequal({record.id: evaluation_label(record) for record in records}, details)
