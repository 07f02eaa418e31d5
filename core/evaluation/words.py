"""Figures in words: numbers with their unit, how many images and specimens are behind them, what they cannot say."""

from __future__ import annotations

import math
from typing import Final

from core.evaluation.comparison import Verdict, smallest_that_counts
from core.evaluation.error_objects import ConnectedError, ErrorKind
from core.evaluation.metric import Better, Metric
from core.evaluation.report import EvaluationReport
from core.wording import counted, some_of

VERDICTS: Final = {
    Verdict.BETTER: "better on these images",
    Verdict.WORSE: "worse on these images",
    Verdict.UNCLEAR: "no clear difference",
    Verdict.SAME: "too small to matter",
}
"""As people read them."""

_WHOLE: Final = 100
"""Count errors from here on are shown as whole numbers: a mean's fraction says nothing beside them."""

_OBJECTS_SHOWN: Final = 8
"""Ids that are listed of a merged or split object."""

_MOST_DIGITS: Final = 6
"""Decimals of the smallest end of an interval that is shown."""


def figure_text(metric: Metric, value: float | None) -> str:
    """One figure as people read it; a dash for undefined.

    >>> from core.evaluation.metric_table import metric_named
    >>> figure_text(metric_named("dice"), 0.6159), figure_text(metric_named("hd95"), 1234.5)
    ('0.616', '1,234 nm')
    >>> figure_text(metric_named("count_error"), -3.0), figure_text(metric_named("dice"), None)
    ('-3 objects', '–')
    >>> figure_text(metric_named("count_error"), 5410.5), figure_text(metric_named("count_error"), 0.25)
    ('+5,410 objects', '+0.2 objects')
    """
    if value is None or value != value:
        return "–"
    if metric.better is Better.NEAREST_ZERO:
        digits = 0 if abs(value) >= _WHOLE or value == round(value) else 1
        return f"{round(value, digits) + 0.0:+,.{digits}f} {metric.unit}".strip()  # + 0.0: never -0.0
    if metric.unit:
        return f"{value:,.0f} {metric.unit}"
    return f"{value:.3f}"


def bare_figure(metric: Metric, value: float | None) -> str:
    """`figure_text` without the unit, where a column's head or the figure before has it."""
    return figure_text(metric, value).removesuffix(metric.unit).strip()


def with_interval(mean: str, low: str, high: str) -> str:
    """A mean with its interval, as every table has it.

    >>> with_interval("0.812", "0.750", "0.860")
    '0.812 [0.750, 0.860]'
    """
    return f"{mean} [{low}, {high}]"


def change_text(value: float | None, digits: int = 3, unit: str = "") -> str:
    """A mean difference with its sign; never a zero that is none.

    >>> change_text(0.0213), change_text(-0.00008), change_text(0.0), change_text(float("nan"))
    ('+0.021', 'less than 0.001', '0.000', '–')
    >>> change_text(-12.34, 1, "nm"), change_text(0.02, 1, "nm")
    ('-12.3 nm', 'less than 0.1 nm')
    """
    if value is None or value != value:
        return "–"
    small = value != 0 and not round(value, digits)
    told = f"less than {10.0**-digits:.{digits}f}" if small else end_text(value, digits)
    return f"{told} {unit}".strip()


def end_text(value: float, digits: int = 3) -> str:
    """An end of the interval of a difference, with as many digits as it takes to see on which side of zero it lies.

    >>> end_text(-0.0204), end_text(-0.00008), end_text(0.0), end_text(-1e-9)
    ('-0.020', '-0.00008', '0.000', '0.000')
    """
    if value and not round(value, digits):
        digits_shown = min(-math.floor(math.log10(abs(value))), _MOST_DIGITS)
        return f"{value:+.{digits_shown}f}" if round(value, digits_shown) else f"{0:.{digits}f}"
    return f"{value:+,.{digits}f}" if value else f"{0:.{digits}f}"


def interval_ends(metric: Metric, low: float, high: float) -> tuple[str, str]:
    """Both ends of the interval of a metric's difference, without the unit."""
    return end_text(low, digits_of(metric)), end_text(high, digits_of(metric))


def digits_of(metric: Metric) -> int:
    """Decimals that differences of a metric are shown with."""
    return 1 if metric.unit else 3


def smallest_words(metric: Metric) -> str:
    """What a difference of a metric must reach to count, in words.

    >>> from core.evaluation.metric_table import metric_named
    >>> smallest_words(metric_named("dice")), smallest_words(metric_named("hd95"))
    ('0.02', '1 nm')
    """
    return f"{smallest_that_counts(metric):g} {metric.unit}".strip()


def sample_words(report: EvaluationReport) -> str:
    """What so many images of so many specimens can and cannot show."""
    told = [f"{where_from(report)}."]
    groups = {image.membership for image in report.images}
    if len(report.images) == 1:
        told.append("These scores are valid for this image only, not for other images.")
    elif len(groups) == 1 and (one := groups.pop()) != ("", ""):
        what = "specimen" if one.specimen else "stack"
        told.append(f"These scores are valid for this {what} only, not for other {what}s.")
    told.append(report.caution)
    return " ".join(part for part in told if part)


def where_from(report: EvaluationReport) -> str:
    """How many images of how many specimens; stacks are named as stacks, and what nobody recorded as unknown."""
    members = [image.membership for image in report.images]
    images = counted(len(members), "image")
    specimens = {one.specimen for one in members if one.specimen}
    stacks = {one.stack for one in members if one.stack and not one.specimen}
    unknown = sum(not one.specimen for one in members)
    told = f"{images} from {counted(len(specimens), 'specimen')}" if specimens else images
    of = f" of {counted(len(stacks), 'stack')}" if stacks else ""
    if not unknown:
        return told
    return f"{told} and {unknown} of unknown specimen" if specimens else f"{images}{of}, specimen not recorded"


def objects_text(error: ConnectedError) -> str:
    """The objects that a merged or split object holds, by id; "" for errors that are no objects.

    >>> facts = {"reference_id": 1, "prediction_id": 1, "pixels": 9, "row": 0, "column": 0, "height": 3, "width": 3}
    >>> objects_text(ConnectedError(ErrorKind.MERGED, **facts, area_um2=None, objects=(4, 9)))
    'objects 4, 9 of the reference in one'
    >>> objects_text(ConnectedError(ErrorKind.SPLIT, **facts, area_um2=None, objects=(4, -2)))
    'objects 4, piece 2 of the prediction in one of the reference'
    """
    if not error.objects:
        return ""
    names = (str(number) if number > 0 else f"piece {-number}" for number in error.objects)
    listed = f"objects {some_of(names, _OBJECTS_SHOWN)}"
    if error.kind is ErrorKind.MERGED:
        return f"{listed} of the reference in one"
    return f"{listed} of the prediction in one of the reference"
