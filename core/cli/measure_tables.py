"""Tables of ``measure``: what each class comes to, and conditions beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pandas as pd
from rich.markup import escape
from rich.table import Table

from core.cli.console import stdout
from core.evaluation.words import with_interval
from core.label_scheme import LabelScheme
from core.morphometry.conditions import Compared, ComparedBy, Design, Difference
from core.morphometry.doubts import count_text
from core.morphometry.frames import differences_frame, images_frame
from core.morphometry.measures import MEASURES
from core.morphometry.methods import mixed_words
from core.morphometry.mixed_model import Key, MixedModel
from core.morphometry.specimens import conditions_frame, specimens_frame
from core.morphometry.summary import DENSITY_UM2, ImageSummary, Overall, overall, overall_density, total_interval
from core.morphometry.words import effect_words, power_words, test_name, three_digits, together_words

AREA: Final = MEASURES[0]
"""The measure of the summary."""

_TOLD: Final = ("objects_per_100_um2", "area_percent", AREA.name)
"""Figures that are printed of conditions; the file has all."""


def images_table(rows: Mapping[int, Sequence[ImageSummary]], scheme: LabelScheme, *, physical: bool) -> pd.DataFrame:
    """A row per image and class."""
    frames = []
    for class_id, of_class in rows.items():
        frame = images_frame(of_class, AREA, physical=physical, scheme=scheme)
        frame.insert(list(frame.columns).index("objects"), "class", scheme.name_of(class_id))
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def print_classes(rows: Mapping[int, Sequence[ImageSummary]], scheme: LabelScheme, *, physical: bool) -> None:
    """What it comes to, a row per class."""
    table = Table(title=f"Objects in {len(next(iter(rows.values())))} images; areas of whole objects")
    table.add_column("class")
    for column in (
        "objects",
        "cut off",
        f"mean {AREA.heading(physical=physical).lower()}",
        f"per {DENSITY_UM2:g} µm²",
    ):
        table.add_column(column, justify="right")
    for class_id, of_class in rows.items():
        table.add_row(
            escape(scheme.name_of(class_id)),
            _total(of_class),
            f"{sum(row.cut for row in of_class):,}",
            _overall(overall(of_class)),
            _overall(overall_density(of_class)) if physical else "–",
        )
    stdout.print(table)


def _total(rows: Sequence[ImageSummary]) -> str:
    """Objects of all images, with the interval that unanswered questions leave."""
    return count_text(sum(row.objects for row in rows), total_interval(rows))


def specimens_table(rows: Mapping[int, Sequence[ImageSummary]], scheme: LabelScheme, *, physical: bool) -> pd.DataFrame:
    """A row per class and specimen, then a row per class and condition."""
    frames = []
    for make in (specimens_frame, conditions_frame):
        for class_id, of_class in rows.items():
            frame = make(of_class, AREA, physical=physical)
            frame.insert(0, "class", scheme.name_of(class_id))
            frame.insert(1, "row", "specimen" if make is specimens_frame else "condition")
            frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def comparison_table(
    compared: Mapping[int, Sequence[Compared]],
    scheme: LabelScheme,
    reference: str,
    second: Mapping[int, Mapping[Key, MixedModel]],
) -> pd.DataFrame:
    """A row per class, figure and condition; columns of the second analysis where there is one."""
    frames = []
    for class_id, of_class in compared.items():
        frame = differences_frame(of_class, reference, second.get(class_id))
        frame.insert(0, "class", scheme.name_of(class_id))
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def print_compared(
    compared: Mapping[int, Sequence[Compared]],
    scheme: LabelScheme,
    reference: str,
    kind: str,
    second: Mapping[int, Mapping[Key, MixedModel]],
) -> None:
    """What differs in number, share and area, a table per condition; classes that no image has are left out."""
    shown = [
        (class_id, each)
        for class_id, of_class in compared.items()
        for each in of_class
        if each.name in _TOLD and any(other.name == AREA.name for other in of_class)
    ]
    for condition in dict.fromkeys(each.condition for _, each in shown):
        names = f"{escape(condition)} beside {escape(reference)}"
        tested = [each for _, each in shown if each.condition == condition]
        table = Table(title=f"{names}: means of {kind}s, {_test_words([each.difference for each in tested])}")
        table.add_column("figure", overflow="fold")
        table.add_column(escape(reference), justify="right", overflow="fold")
        table.add_column(escape(condition), justify="right", overflow="fold")
        for column in ("difference", "p", "n"):
            table.add_column(column, justify="right", overflow="fold")
        for class_id, each in shown:
            if each.condition == condition:
                table.add_row(*_compared_cells(scheme.name_of(class_id), each))
        stdout.print(table)
        for class_id, each in shown:
            if each.condition == condition and each.name == AREA.name:
                of_class = scheme.name_of(class_id), second.get(class_id, {}).get((each.name, condition))
                _print_beside(*of_class, each, reference)
    for class_id, each in shown:
        if (
            each.name == AREA.name
            and each.condition == shown[0][1].condition
            and (words := together_words(each.together))
        ):
            stdout.print(escape(f"{scheme.name_of(class_id)}, area: {words}"))


def _print_beside(class_name: str, mixed: MixedModel | None, each: Compared, reference: str) -> None:
    """Of areas: the size of the effect, what the comparison could find, the second analysis."""
    words = (
        effect_words(each.difference),
        power_words(each.difference, reference, each.condition),
        f"Mixed model over objects: {mixed_words(mixed, each.unit)}." if mixed else "",
    )
    for text in filter(None, words):
        stdout.print(escape(f"{class_name}, area: {text}"))


def _test_words(found: Sequence[Difference]) -> str:
    """What p is of, or why there is none."""
    if any(each.design is Design.UNRECORDED for each in found):
        return "without intervals and p, because specimens are not recorded"
    names = sorted({test_name(each.design) for each in found if each.p == each.p})
    if not names:
        return "too few for a test"
    scale = ", ratios of geometric means" if any(each.by is ComparedBy.RATIO for each in found) else ""
    return f"p of {' and '.join(names)} over them, not adjusted{scale}"


def _compared_cells(class_name: str, each: Compared) -> tuple[str, ...]:
    """A row of the table of conditions."""
    found, unit = each.difference, f", {each.unit}" if each.unit else ""
    return (
        escape(f"{class_name}: {each.title[:1].lower()}{each.title[1:]}{unit}"),
        three_digits(found.reference),
        three_digits(found.mean),
        _with_interval(found.value, found.low, found.high),
        "–" if found.p != found.p else f"{found.p:.2g}",
        f"{found.reference_units}, {found.units}",
    )


def _overall(found: Overall) -> str:
    """A mean over images with its interval."""
    return _with_interval(found.mean, found.low, found.high)


def _with_interval(mean: float, low: float, high: float) -> str:
    """A figure, with its interval where there is one."""
    return three_digits(mean) if low != low else with_interval(*map(three_digits, (mean, low, high)))
