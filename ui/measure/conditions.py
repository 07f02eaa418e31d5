"""Conditions beside each other: which is the reference, what differs, how sure that is, and what stands in the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd
import streamlit as st

from core.cache import MB, remembered
from core.figures.conditions import differences
from core.figures.drawn import DrawnFigure
from core.label_scheme import LabelScheme
from core.morphometry.condition_names import conditions, spelled_alike
from core.morphometry.conditions import (
    Compared,
    ComparedBy,
    Design,
    Difference,
    UnitMean,
    compare,
    kind_of_units,
    mean_of,
    measure_difference,
    scale_of,
    unit_means,
)
from core.morphometry.frames import differences_frame
from core.morphometry.measures import Measure
from core.morphometry.methods import mixed_words
from core.morphometry.mixed_model import MixedModel, mixed_model
from core.morphometry.several import NO_TEST
from core.morphometry.summary import ImageObjects, ImageSummary, Selection
from core.morphometry.words import effect_words, p_words, power_words, three_digits, together_words
from core.spreadsheets import CSV_TYPE, spreadsheet
from core.wording import counted, some_of
from ui.address import kept_in_address, switch_in_address
from ui.errors import plain
from ui.figure import figure
from ui.parts.options import titled
from ui.parts.units import AREA_FORMAT
from ui.state import Query

_CONDITIONS: Final = "Conditions"
_ALL: Final = "All images"
_FEW: Final = 6
"""Specimens of a condition below which the page says what so few can show."""
_NO_BREAK: Final = "\u00a0"


@dataclass(frozen=True, slots=True)
class Comparison:
    """How conditions stand beside each other.

    Parameters
    ----------
    reference
        The condition that others are compared with.
    by
        On which scale.
    mixed
        Whether the second analysis is asked for.
    """

    reference: str
    by: ComparedBy
    mixed: bool


def comparison_choice(images: Sequence[ImageObjects]) -> Comparison | None:
    """Whether conditions stand beside each other, and how; None where they do not."""
    names = conditions(images)
    if len(names) < 2:
        return None
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        sides, place, scale, second = (st.container(width=width) for width in (200, 220, "content", "content"))
    changed = kept_in_address(Query.COLUMNS, "measure-columns", (_CONDITIONS, _ALL), _CONDITIONS)
    chosen = sides.segmented_control(
        "Comparison", (_CONDITIONS, _ALL), key="measure-columns", on_change=changed, required=True
    )
    if chosen == _ALL:
        return None
    changed = kept_in_address(Query.REFERENCE, "measure-reference", names, names[0])
    reference = place.selectbox(
        "Reference condition",
        names,
        key="measure-reference",
        on_change=changed,
        help="All other conditions are compared with this one. Record conditions on the Data page.",
    )
    scales = {str(ComparedBy.DIFFERENCE): "Differences", str(ComparedBy.RATIO): "Ratios"}
    changed = kept_in_address(Query.SCALE, "measure-scale", tuple(scales), str(ComparedBy.DIFFERENCE))
    by = scale.segmented_control(
        "Compare by",
        tuple(scales),
        format_func=titled(scales),
        key="measure-scale",
        on_change=changed,
        required=True,
        help="Ratios compare sizes, distances and numbers on the log scale: geometric means and by how many per cent "
        "they differ. Choose before you look at p, and use one scale in a paper. Shares and shapes are always "
        "compared as differences.",
    )
    changed = switch_in_address(Query.MIXED, "measure-mixed", default=False)
    mixed = second.toggle(
        "Mixed model",
        key="measure-mixed",
        on_change=changed,
        help="A second analysis of the shown measure over all objects, in which specimens and images vary too. "
        "Needs recorded specimens.",
    )
    return Comparison(str(reference), ComparedBy(by or ComparedBy.DIFFERENCE), bool(mixed))


def recording_hint(images: Sequence[ImageObjects]) -> None:
    """How to compare, where there is nothing to compare yet."""
    if len(images) > 1 and len(conditions(images)) < 2:
        st.caption(
            ":material/compare_arrows: To compare conditions such as treated and control, record the condition "
            "and specimen of every image on the Data page."
        )


def units_words(images: Sequence[ImageObjects]) -> str:
    """What a mark of the figure is: "each specimen", or what stands for one where nobody recorded it."""
    kind = kind_of_units(image for image in images if image.condition)
    return "each specimen (or stack or image if not recorded)" if kind == "unit" else f"each {kind}"


def condition_numbers(
    rows: Sequence[ImageSummary],
    measure: Measure,
    selection: Selection,
    chosen: Comparison,
    compared: Sequence[Compared],
) -> tuple[MixedModel, ...]:
    """The mean of every condition and its difference from the reference, with n, intervals and doubts.

    Returns
    -------
    tuple of MixedModel
        The second analysis of each condition, where it is asked for and there is one.
    """
    unit, reference = measure.unit(physical=selection.physical), chosen.reference
    by = scale_of(measure.quantity, chosen.by)
    images = [row.image for row in rows]
    names = conditions(images, reference)
    members = {name: [row for row in rows if row.image.condition == name] for name in names}
    found = {other: measure_difference(rows, reference, other, by) for other in names[1:]}
    for name, of in members.items():
        units = [each for each in unit_means(of) if each.mean == each.mean]
        mean = mean_of([each.mean for each in units], by)
        what = "geometric mean " if by is ComparedBy.RATIO else ""
        value, behind = plain(three_digits(mean, unit)), plain(_behind(of, units, selection))
        st.markdown(f"**{plain(name)}: {what}{value}**  \n{behind}")
    kind = kind_of_units(image for image in images if image.condition)
    for other, each in found.items():
        st.markdown(f"**{plain(f'Difference, {other} from {reference}')}**  \n{plain(_said(each, unit, kind))}")
    together = next((each.together for each in compared if each.name == measure.name), NO_TEST)
    if words := together_words(together):
        st.markdown(plain(words))
    for text in (*_doubts_of_names([image for image in images if image.condition]), *_doubts(members, found)):
        st.caption(text)
    mixed = _mixed_panel(tuple(rows), reference, names[1:], by, unit) if chosen.mixed else ()
    left_out = sum(not image.condition for image in images)
    if left_out:
        st.caption(f":material/info: {counted(left_out, 'image')} without a condition excluded.")
    return mixed


def _mixed_panel(
    rows: tuple[ImageSummary, ...], reference: str, others: Sequence[str], by: ComparedBy, unit: str
) -> tuple[MixedModel, ...]:
    """The second analysis of each condition, or why there is none."""
    models = {other: _mixed(rows, reference, other, by) for other in others}
    for other, model in models.items():
        title = plain(f"Mixed model over objects, {other} from {reference}")
        words = mixed_words(model, unit) if model else (
            "none: it needs two specimens with objects in each condition, recorded for every image"
        )  # fmt: skip
        st.markdown(f"**{title}**  \n{plain(words)}")
    return tuple(model for model in models.values() if model)


def compared_conditions(
    images: Sequence[ImageObjects], scheme: LabelScheme, selection: Selection, chosen: Comparison
) -> tuple[Compared, ...]:
    """Every figure of the organelle, of every condition beside the reference."""
    return _compared(tuple(images), scheme, selection, chosen.reference, chosen.by)


def conditions_panel(
    compared: tuple[Compared, ...], scheme: LabelScheme, selection: Selection, chosen: Comparison
) -> None:
    """Figure, table and file of what was compared."""
    reference = chosen.reference
    name = scheme.name_of(selection.class_id)
    with st.container(border=True):
        st.subheader(plain(f"All measures of {name} compared with {reference}"), anchor=False)
        with st.container(horizontal=True, gap="medium"):
            left = st.container(width="stretch", key="measure-differences")
            several = len({row.condition for row in compared}) > 1
            right = st.container(width="stretch", key="measure-compared-several" if several else "measure-compared")
        with left:
            drawn = _drawn(compared, reference)
            key = f"measure-differences-{selection.class_id}-{reference}"
            figure(drawn, name=f"differences_{name}", key=key, height=int(drawn.figure.layout.height))
        with right:
            _table(compared, reference)
            st.download_button(
                "Comparison, CSV",
                lambda: spreadsheet(differences_frame(compared, reference)),
                file_name="comparison.csv",
                mime=CSV_TYPE,
                icon=":material/download:",
                key="measure-comparison-csv",
                on_click="ignore",
                help="One row per measure: both means, difference with interval, p value and number of specimens.",
            )
        tests = sum(each.difference.p == each.difference.p for each in compared)
        told = (
            f"Marks: difference of the means. Bars: 95 % intervals. Both in per cent of {plain(reference)}; long "
            "bars are cut at the edge. "
        )
        if tests:
            told += (
                f"{counted(tests, 'comparison')} at once: without any true difference, one in twenty has p below "
                "0.05. Therefore p is also given adjusted for multiple comparisons (Holm); marks are filled where "
                "the adjusted p is below 0.05. The measures are not independent: larger organelles are also "
                "longer and wider."
            )
        else:
            told += "No intervals or p values can be given; see the note above."
        if chosen.by is ComparedBy.RATIO:
            told += " Sizes, distances and numbers: ratios of geometric means, tested on the log scale."
        st.caption(told)


def comparison_table(compared: Sequence[Compared]) -> pd.DataFrame:
    """As shown: a row per figure and condition; figures as numbers, so that a click on a head sorts."""
    return pd.DataFrame(
        [
            {
                "Measure": f"{each.title} ({each.unit})" if each.unit else each.title,
                "Condition": each.condition,
                "Reference": each.difference.reference,
                "Mean": each.difference.mean,
                "Difference": each.difference.value,
                "p": each.difference.p,
                "p adjusted": each.p_adjusted,
                "95 % interval": _interval(each.difference, ""),
                "Hedges' g": each.difference.effect.size,
            }
            for each in compared
        ]
    )


def _table(compared: Sequence[Compared], reference: str) -> None:
    frame = comparison_table(compared)
    numbers = st.column_config.NumberColumn
    several = frame["Condition"].nunique() > 1
    other = "Mean" if several else str(frame["Condition"].iloc[0])
    st.dataframe(
        frame,
        key="measure-comparison",
        hide_index=True,
        placeholder="–",
        width="stretch",
        height=min(38 + 35 * len(frame), 660),
        column_config={
            "Measure": st.column_config.TextColumn(width=196),
            "Condition": st.column_config.TextColumn(width=110) if several else None,
            "Reference": numbers(reference, format=AREA_FORMAT, width=76),
            "Mean": numbers(other, format=AREA_FORMAT, width=76),
            "Difference": numbers(format=AREA_FORMAT, width=84),
            "p": numbers(format="%.2g", width=62),
            "p adjusted": numbers(format="%.2g", width=88, help="Holm correction for all comparisons in this table"),
            "Hedges' g": numbers(
                format="%.2f",
                width=84,
                help="Difference in standard deviations of specimens; interval in the CSV",
            ),
            "95 % interval": st.column_config.TextColumn(width=146),
        },
    )


def _behind(rows: Sequence[ImageSummary], units: Sequence[UnitMean], selection: Selection) -> str:
    """How many specimens, images and objects a condition's mean rests on."""
    kind = kind_of_units(row.image for row in rows)
    count = counted(len(units), kind)
    images = sum(len(each.image_ids) for each in units)
    objects = sum(row.objects for row in rows)
    parts = [count] if kind == "image" else [count, counted(images, "image")]
    told = ", ".join((*parts, counted(objects, "object")))
    cut = sum(row.cut for row in rows)
    return f"{told}, of which {cut:,} cut off (excluded)" if cut and selection.whole_only else told


def _said(found: Difference, unit: str, kind: str) -> str:
    """A difference in a sentence."""
    if found.value != found.value:
        return "–"
    percent = found.percent(found.value)
    share = f", {_signed(percent, '%')}" if percent == percent else ""
    told = f"{_signed(found.value, unit)}{share}"
    if found.p != found.p:
        return told
    over = (
        f"paired t-test over {counted(found.units, 'specimen')}"
        if found.design is Design.PAIRED
        else (f"Welch's t-test over {kind}s")
    )
    if found.by is ComparedBy.RATIO:
        over += ", log scale"
    effect = f"; {effect_words(found)}" if effect_words(found) else ""
    p = p_words(found.p).replace(" ", _NO_BREAK)
    return f"{told} (95 % interval {_interval(found, unit)}); {p}, {over}{effect}"


def _interval(found: Difference, unit: str) -> str:
    if found.low != found.low:
        return "–"
    return f"{_signed(found.low, '')} to {_signed(found.high, unit)}"


def _signed(value: float, unit: str) -> str:
    """A difference with its sign."""
    sign = "+" if value > 0 else "−" if value < 0 else ""
    return f"{sign}{three_digits(abs(value), unit)}"


def _doubts_of_names(images: Sequence[ImageObjects]) -> list[str]:
    """What is wrong with the names that say what belongs together."""
    told = []
    unnamed = sum(not image.specimen for image in images)
    if unnamed:
        told.append(
            f":material/warning: The specimen (animal, donor) of {counted(unnamed, 'image')} is not recorded, so no "
            "interval of the difference and no p value can be given: images of one specimen are not independent. "
            "Record specimens on the Data page."
        )
    for what, names in (("Conditions", [image.condition for image in images]),
                        ("Specimens", [image.specimen for image in images])):  # fmt: skip
        told += [
            f":material/warning: {what} that differ only in spelling count as different: {plain(', '.join(alike))}."
            for alike in spelled_alike(names)
        ]
    return told


def _doubts(members: Mapping[str, Sequence[ImageSummary]], found: Mapping[str, Difference]) -> list[str]:
    """What a reader must know before he believes a p value, or why there is none."""
    reference = next(iter(members))
    told = [text for other, each in found.items() for text in _design_words(members, reference, other, each)]
    least = min((min(each.units, each.reference_units) for each in found.values() if each.p == each.p), default=_FEW)
    if least == 2:
        told.append(
            ":material/warning: With 2 specimens in a condition their spread is hardly known: one more specimen may "
            "change p completely."
        )
    told += [f"{plain(words)}" for other, each in found.items() if (words := power_words(each, reference, other))]
    if least < _FEW:
        told.append("A large p value does not mean that the conditions are equal.")
    return told


def _design_words(
    members: Mapping[str, Sequence[ImageSummary]], reference: str, other: str, found: Difference
) -> Iterator[str]:
    """How the specimens of two conditions belong together, and why there is no p where there is none."""
    both, without = plain(f"{other} and {reference}"), "no interval or p value can be given"
    if found.design is Design.PAIRED:
        told = (
            f":material/info: The same specimens occur in both {both}, so the test is paired. If they are "
            "different animals, give them different names on the Data page."
        )
        if found.alone:
            told += (
                f" Specimens without a paired measurement: {found.alone}. They are excluded from the difference, "
                "but not from the means above."
            )
        yield told
    if found.design is Design.MIXED:
        names = {name: {row.image.specimen for row in members[name]} for name in (reference, other)}
        shared = sorted(names[reference] & names[other] - {""})
        yield (
            f":material/warning: {plain(some_of(shared))} occur in both {both}, other specimens in only one, so "
            f"neither a paired nor an unpaired test is valid and {without}. If these are different animals, give "
            "them different names on the Data page."
        )
    elif found.design is not Design.UNRECORDED and min(found.units, found.reference_units) < 2:
        count = (
            counted(found.units, "pair")
            if found.design is Design.PAIRED
            else f"{found.units} in {plain(other)} and {found.reference_units} in {plain(reference)}"
        )
        yield f"With {count}, {without}: the variation between specimens is unknown."
    elif found.design is not Design.UNRECORDED and found.p != found.p:
        yield f"All specimens of {both} have the same value, so {without}."


# Equal as long as nothing is measured anew: compared and drawn once, shown at every rerun.
@remembered("compared conditions", "differences between conditions", limit_bytes=16 * MB)
def _compared(
    images: tuple[ImageObjects, ...], scheme: LabelScheme, selection: Selection, reference: str, by: ComparedBy
) -> tuple[Compared, ...]:
    return compare(images, scheme, selection, reference, by)


@remembered("mixed models", "mixed models of conditions", limit_bytes=1 * MB)
def _mixed(rows: tuple[ImageSummary, ...], reference: str, other: str, by: ComparedBy) -> MixedModel | None:
    return mixed_model(rows, reference, other, by)


@remembered("figures of conditions", "drawn figures", limit_bytes=16 * MB)
def _drawn(compared: tuple[Compared, ...], reference: str) -> DrawnFigure:
    return differences(compared, reference)
