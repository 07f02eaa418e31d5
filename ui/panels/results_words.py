"""What a figure is worth, in words: numbers with their unit, and how many images and specimens are behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from core.evaluation.metric import Better, Metric
from core.evaluation.words import counted, figure_text, sample_words
from core.store.records import EvaluationRecord, EvaluationState

__all__ = ["counted", "evaluation_label", "figure_text", "metric_help", "sample_words", "told_apart"]

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


def some_of(names: Sequence[str], most: int = 5) -> str:
    """The first of many names in a row.

    >>> some_of(["a", "b", "c"], 2), some_of(["a"])
    ('a, b …', 'a')
    """
    return ", ".join(names[:most]) + (" …" if len(names) > most else "")


def told_apart(words: Mapping[str, str]) -> dict[str, str]:
    """The same words with a number where they repeat: of equal entries a list would only ever find the last.

    >>> told_apart({"a": "cell", "b": "cell", "c": "other"})
    {'a': 'cell (1)', 'b': 'cell (2)', 'c': 'other'}
    """
    several = {text for text, count in Counter(words.values()).items() if count > 1}
    numbers: Counter[str] = Counter()
    found = {}
    for key, text in words.items():
        numbers[text] += 1
        found[key] = f"{text} ({numbers[text]})" if text in several else text
    return found
