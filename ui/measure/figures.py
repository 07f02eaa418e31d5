"""Objects of a class over all images: the figure, what it comes to, a row per image, the files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
import streamlit as st

from core.cache import MB, remembered
from core.evaluation.intervals import caution
from core.evaluation.settings import EvaluationSettings
from core.exports.files import Part
from core.exports.heavy import LARGE_TABLE_ROWS
from core.exports.names import safe_stem
from core.exports.request import ExportRequest
from core.exports.start import start_export
from core.figures.drawn import DrawnFigure
from core.figures.objects import BRACKETED, DRAWN, object_dots
from core.label_scheme import LabelScheme
from core.learning.object_sizes import ProjectRules
from core.measurements.confirmed import confirmed_words
from core.measurements.model_bias import Biases
from core.measurements.smallest import usual_smallest
from core.measurements.sources import Source, SourceKind
from core.measurements.start import Measured
from core.morphometry.bias import without_bias
from core.morphometry.class_figures import AREA_FRACTION, class_figures
from core.morphometry.condition_names import conditions
from core.morphometry.conditions import ComparedBy
from core.morphometry.doubts import interval_words
from core.morphometry.frames import images_frame, objects_frame, selection_words
from core.morphometry.measures import Measure, measures_of
from core.morphometry.methods import Study
from core.morphometry.summary import (
    DENSITY_UM2,
    ImageObjects,
    ImageSummary,
    Overall,
    Selection,
    density_doubt,
    overall,
    overall_density,
    overall_figure,
    overall_median,
    overall_share,
    summarise,
    told_apart,
    too_large_words,
    total_interval,
    typical_size_nm,
)
from core.morphometry.words import three_digits
from core.spreadsheets import CSV_TYPE, spreadsheet
from core.wording import counted, some_of
from ui import context
from ui.address import kept_in_address, number_in_address, switch_in_address
from ui.errors import plain
from ui.figure import figure
from ui.measure.conditions import (
    Comparison,
    compared_conditions,
    comparison_choice,
    condition_numbers,
    conditions_panel,
    recording_hint,
    units_words,
)
from ui.measure.methods import methods_panel
from ui.measure.model_bias import bias_panel
from ui.measure.run import source_words
from ui.measure.smallest import other_class, smallest_words
from ui.measure.specimens import IMAGES, rows_choice, units_table
from ui.parts.columns import picked_row
from ui.parts.kept_files import prepare_button
from ui.parts.options import choice, titled, unequal
from ui.parts.takeaway import takeaway_button
from ui.parts.units import AREA_FORMAT
from ui.person import person
from ui.state import Query, query, set_query

_INTERVAL_HELP: Final = "95 % interval of the number of objects, from questions that nobody has answered"

_LOG_RANGE: Final = 100.0
"""Where the largest is so many times the smallest, the axis is logarithmic at first."""


@dataclass(frozen=True, eq=False, slots=True)
class Chosen:
    """What the page is about, for the panels below.

    Parameters
    ----------
    scheme
        The classes of the label maps.
    selection
        Which objects count.
    measure
        What is shown of them.
    rows
        The images.
    """

    scheme: LabelScheme
    selection: Selection
    measure: Measure
    rows: tuple[ImageSummary, ...]


def figures_panel(project_id: str, source: Source, found: Measured, rules: ProjectRules, contact_nm: float) -> Chosen:
    """Choices, figure, numbers, table, files."""
    scheme, size_nm = found.scheme, typical_size_nm(found.images)
    physical = size_nm is not None
    images = tuple(each for each in found.images if not physical or each.table.pixel_size_nm is not None)
    with st.container(border=True):
        measure, selection = _choices(scheme, images, size_nm, rules)
        rows = _rows(images, measure, selection)
        if source.kind in (SourceKind.APPROVED, SourceKind.COUNTS) and (words := confirmed_words(images)):
            st.warning(plain(words), icon=":material/warning:")
        _unknown_sizes(found.images, physical=physical)
        compared_how = comparison_choice(images)
        left, right = st.columns([1.9, 1], gap="medium")
        with left:
            _figure(rows, measure, scheme, selection, compared_how)
        with right:
            if compared_how is None:
                numbers = st.container()
                known = bias_panel(project_id, source, contact_nm, found.smallest, measure, selection, correct=True)
                with numbers:
                    _numbers(rows, measure, scheme, selection, known)
                study = Study(rows, measure, selection, scheme, source_words(source))
            else:
                compared = compared_conditions(images, scheme, selection, compared_how)
                mixed = condition_numbers(rows, measure, selection, compared_how, compared)
                known = bias_panel(project_id, source, contact_nm, found.smallest, measure, selection, correct=False)
    if compared_how is not None:
        conditions_panel(compared, scheme, selection, compared_how)
        study = Study(
            rows, measure, selection, scheme, source_words(source), compared, compared_how.reference, compared_how.by,
            mixed,
        )  # fmt: skip
    methods_panel(study)
    with st.container(border=True):
        if (shown := rows_choice()) != IMAGES:
            units_table(rows, measure, selection, shown)
        else:
            _table(
                rows, measure, scheme, selection, key=f"measure-images-{abs(hash((images, measure.name, selection)))}"
            )
        _files(found.images, rows, measure, scheme, source, selection, images)
    return Chosen(scheme, selection, measure, rows)


def _choices(
    scheme: LabelScheme, images: Sequence[ImageObjects], size_nm: float | None, rules: ProjectRules
) -> tuple[Measure, Selection]:
    """The class, the measure, and which objects count; in pixels where no size of them is known."""
    physical = size_nm is not None
    ids = [str(item.id) for item in scheme.classes]
    of_objects = EvaluationSettings().objects(scheme) or scheme.ids
    present = [i for i in of_objects if any((image.table.class_id == i).any() for image in images)]
    first = str(present[0]) if present else ids[0]
    key = "measure-class"
    changed = kept_in_address(Query.CLASS, key, ids, first)
    class_id = int(
        st.segmented_control(
            "Organelle",
            ids,
            format_func=titled(unequal({i: scheme.name_of(int(i)) for i in ids})),
            key=key,
            on_change=other_class,
            args=(changed,),
            required=True,
        )
        or first
    )
    if class_id not in of_objects:
        st.caption(
            f":material/info: {plain(scheme.name_of(class_id))} forms sheets or networks: separate profiles may "
            "belong to one structure, so their number and size mean little."
        )
    place, least, whole = st.columns([1.6, 1, 1.3], vertical_alignment="bottom")
    with place:
        measure = _measure(scheme, class_id, images, physical=physical)
    unit, name = ("µm²", Query.LEAST_UM2) if physical else ("px", Query.LEAST_PX)
    usual, learned = usual_smallest(rules, class_id, size_nm)
    changed = number_in_address(name, f"measure-smallest-{unit}", usual, 0.0, 1e9)
    smallest = least.number_input(
        f"Smallest object, {unit}",
        min_value=0.0,
        max_value=1e9,
        format="%g",
        step=0.01 if physical else 10.0,
        key=f"measure-smallest-{unit}",
        on_change=changed,
        help="Smaller objects are excluded everywhere on this page. " + smallest_words(rules, usual, unit, learned),
    )
    changed = switch_in_address(Query.WHOLE, "measure-whole", default=True)
    whole_only = whole.toggle(
        "Only whole objects",
        key="measure-whole",
        on_change=changed,
        help="Excludes objects that touch the image edge or unlabelled pixels, because their full size is "
        "unknown. They still count for number and area fraction. Large objects are cut off more often than "
        "small ones; means, medians and standard deviations are weighted for that (Miles-Lantuéjoul).",
    )
    if physical:
        return measure, Selection(class_id, least_um2=float(smallest), whole_only=whole_only)
    return measure, Selection(class_id, least_px=int(smallest), whole_only=whole_only, physical=False)


def _measure(scheme: LabelScheme, class_id: int, images: Sequence[ImageObjects], *, physical: bool) -> Measure:
    """What is shown of the objects; the choice is kept in the address."""
    measures = measures_of(scheme, class_id, by_id=told_apart(images, class_id))
    by_name = {each.name: each for each in measures if physical or not each.needs_size}
    if all(np.isnan(image.table.confidence).all() for image in images):
        by_name.pop("confidence")
    changed = kept_in_address(Query.MEASURE, "measure-measure", by_name, "area")
    asked = by_name.get(query(Query.MEASURE) or "area", by_name["area"])
    name = choice(
        "Measure",
        {name: each.heading(physical=physical) for name, each in by_name.items()},
        key="measure-measure",
        on_change=changed,
        help=f"{asked.formula[:1].upper()}{asked.formula[1:]}.{f' doi {asked.source}' if asked.source else ''}",
    )
    return by_name[name]


def _unknown_sizes(images: Sequence[ImageObjects], *, physical: bool) -> None:
    """Say which images cannot be measured in physical units."""
    if not physical:
        st.info(
            (
                "The pixel size is unknown: sizes are in pixels and contacts cannot be measured. Enter it on the Data "
                "page."
            ),
            icon=":material/straighten:",
        )
        return
    without = [image.name for image in images if image.table.pixel_size_nm is None]
    if without:
        told = f"{counted(len(without), 'image')} without a pixel size excluded: {some_of(without)}."
        st.warning(plain(f"{told} Enter it on the Data page."), icon=":material/straighten:")


def _figure(
    rows: tuple[ImageSummary, ...], measure: Measure, scheme: LabelScheme, selection: Selection, how: Comparison | None
) -> None:
    """Every object, every image or specimen; a click on a mark opens its image."""
    values = np.concatenate([row.values for row in rows]) if rows else np.zeros(0)
    if not len(values):
        st.info(_nothing_words(rows, selection), icon=":material/filter_alt_off:")
        return
    positive = values[values > 0]
    wide = bool(len(positive)) and positive.max() / positive.min() > _LOG_RANGE and len(positive) == len(values)
    logarithmic = st.toggle("Logarithmic axis", value=wide, key=f"measure-log-{selection.class_id}-{measure.name}")
    drawn = _drawn(rows, measure, scheme[selection.class_id].color, selection.physical, logarithmic, how)
    reference = how.reference if how else None
    key = f"measure-figure-{selection.class_id}-{measure.name}-{logarithmic}-{reference}"
    state = figure(drawn, name=f"{measure.name}", key=key, height=int(drawn.figure.layout.height))
    every = "Every dot is an object" if len(values) <= DRAWN else f"Dots are {DRAWN:,} of the {len(values):,} objects"
    hidden = len(values) - len(positive) if logarithmic else 0
    if hidden:
        st.caption(
            f":material/info: {counted(hidden, 'object')} with value 0 cannot be shown on a logarithmic axis; "
            "all means include them."
        )
    if reference is None:
        st.caption(
            f"{every}. Marks: mean of each image (click to open it). Line: mean over specimens, if recorded, or "
            "images, with 95 % interval (three or more)."
        )
        recording_hint([row.image for row in rows])
    else:
        images = [row.image for row in rows]
        many = len(conditions(images)) > BRACKETED + 1
        st.caption(
            f"{every}. Marks: mean of the objects of {units_words(images)} (click to open its first image). Line: mean "
            "of the marks with standard deviation. The p values of the tests are not "
            f"adjusted{' (see the table below)' if many else ''}."
        )
    if state.clicked:
        set_query(Query.IMAGE, state.clicked)
        st.rerun()


def _nothing_words(rows: Sequence[ImageSummary], selection: Selection) -> str:
    there = sum(row.objects for row in rows)
    if not there:
        return "No objects of this class and size in these label maps."
    if selection.whole_only and there == sum(row.cut for row in rows):
        told = "The only object touches" if there == 1 else f"All {there:,} objects touch"
        return f"{told} the image's edge or unlabelled pixels. Switch Only whole objects off."
    return (
        "This measure is undefined for all of these objects: the other organelle does not occur in these images, "
        "or contacts are not measured yet."
    )


def _numbers(
    rows: Sequence[ImageSummary], measure: Measure, scheme: LabelScheme, selection: Selection, known: Biases | None
) -> None:
    """What it comes to, with n and intervals; means corrected for a model's bias where that is asked for."""
    unit = measure.unit(physical=selection.physical)
    found = overall(rows)
    values = np.concatenate([row.values for row in rows]) if rows else np.zeros(0)
    objects, cut = sum(row.objects for row in rows), sum(row.cut for row in rows)
    told = f"{objects:,} in {counted(len(rows), 'image')}"
    smaller = sum(int(np.count_nonzero(row.image.table.class_id == selection.class_id)) for row in rows) - objects
    if cut:
        told += f", of which {cut:,} cut off" + (" (excluded)" if selection.whole_only else "")
    if smaller:
        told += f"; {counted(smaller, 'smaller object')} excluded"
    interval = total_interval(rows)
    if interval is not None:
        told += f"; 95 % interval {interval_words(interval)}"
    freed = "" if known is None else ", corrected for bias"
    mean = found if known is None else without_bias(found, known.mean)
    lines = [("Objects", told), (f"Mean {measure.words}{freed}", _with_interval(mean, unit))]
    if len(values):
        lines.append((f"Median {measure.words}", _with_interval(overall_median(rows), unit)))
    if selection.physical:
        density = overall_density(rows)
        if known is not None:
            density = without_bias(density, known.density)
        doubt = _doubt(rows) if known is None else ""
        lines.append((f"Objects per {DENSITY_UM2:g} µm²{freed}", _with_interval(density, "") + doubt))
    shares = overall_share(rows)
    if known is not None:
        shares = without_bias(shares, known.share)
    if shares.images:
        percent = replace(shares, mean=100 * shares.mean, low=100 * shares.low, high=100 * shares.high)
        lines.append((f"{AREA_FRACTION}{freed}", _with_interval(percent, "%")))
    for each in class_figures(scheme, selection.class_id):
        over = overall_figure(rows, each)
        if over.images:
            lines.append((each.title, _with_interval(over, each.unit(physical=selection.physical))))
    for title, text in lines:
        st.markdown(f"**{plain(title)}**  \n{plain(text)}")
    if words := too_large_words(rows, whole_only=selection.whole_only):
        st.caption(f":material/warning: {plain(words)}")
    if found.images:
        st.caption(caution(found.units, str(found.unit_kind)))


def _with_interval(found: Overall, unit: str) -> str:
    """A mean over images, its interval, and over what."""
    if not found.images:
        return "–"
    mean = three_digits(found.mean, unit)
    if found.low != found.low:
        return f"{mean}, from {counted(found.images, 'image')}"
    kind = str(found.unit_kind).removesuffix("s")
    over = counted(found.units, kind)
    return f"{mean} (95 % interval {three_digits(found.low)} to {three_digits(found.high, unit)}; {over})"


def _doubt(rows: Sequence[ImageSummary]) -> str:
    """How far answers to open questions may move the mean of the densities."""
    doubt = density_doubt(rows)
    return "" if doubt is None else f"; {three_digits(doubt[0])} to {three_digits(doubt[1])} from unanswered questions"


def _in(unit: str) -> str:
    return f", {unit}" if unit else ""


def _table(
    rows: tuple[ImageSummary, ...], measure: Measure, scheme: LabelScheme, selection: Selection, *, key: str
) -> None:
    """A row per image; a click opens it below."""
    frame = images_frame(rows, measure, physical=selection.physical, scheme=scheme)
    figures = class_figures(scheme, selection.class_id)
    name = measure.column(physical=selection.physical)
    unit = measure.unit(physical=selection.physical)
    suffix = f", {unit}" if unit else ""
    numbers, asked = st.column_config.NumberColumn, bool(frame["unanswered_questions"].sum())

    def opened() -> None:
        # Only when a row is clicked: a row that stays marked must not win over what is chosen elsewhere later.
        index = picked_row(st.session_state[key]["selection"])
        if index is not None:
            set_query(Query.IMAGE, rows[index].image.image_id)

    st.dataframe(
        frame,
        key=key,
        hide_index=True,
        placeholder="–",
        width="stretch",
        height=min(38 + 35 * len(frame), 320),
        column_config={
            "image": st.column_config.TextColumn("Image", width="medium"),
            "specimen": st.column_config.TextColumn("Specimen") if any(frame["specimen"]) else None,
            "stack": st.column_config.TextColumn("Stack") if any(frame["stack"]) else None,
            "condition": st.column_config.TextColumn("Condition") if any(frame["condition"]) else None,
            "confirmed_percent": numbers(
                "Confirmed, %", format="%.0f", help="Pixels that a person has painted or confirmed; the rest is as "
                                                    "predicted"
            ) if frame["confirmed_percent"].between(0, 100, inclusive="neither").any() else None,
            "objects": numbers("Objects", format="localized", help="Objects of this class, including cut-off ones"),
            "objects_low": numbers("From", format="localized", help=_INTERVAL_HELP) if asked else None,
            "objects_high": numbers("To", format="localized", help=_INTERVAL_HELP) if asked else None,
            "unanswered_questions": numbers("Unanswered", format="localized", help="Questions “one or two?” that "
                                            "nobody has answered on the Correct page") if asked else None,
            "counted_by": st.column_config.TextColumn(
                "Counted by", help="Object ids, or connected pieces of a class where there are none"
            ),
            "cut_off": numbers("Cut off", format="localized", help=("Objects at the image edge or at unlabelled "
                                                                   "pixels")),
            "too_large": numbers(
                "Too large", format="localized", help="Cut-off objects that hardly fit into the labelled region: mean "
                                                      "sizes do not stand for them"
            ) if frame["too_large"].any() else None,
            "labelled_um2": numbers("Labelled, µm²", format=AREA_FORMAT) if selection.physical else None,
            "objects_per_100_um2": numbers(
                "Per 100 µm²", format=AREA_FORMAT, help="Unbiased counting frame: objects at the top or left edge "
                "are not counted, objects at the other edges are. Where labels have gaps, a cut-off object counts as "
                "much as is seen of its outline"
            ) if selection.physical else None,
            "area_percent": numbers("% of area", format="%.2f"),
            **{
                each.column(physical=selection.physical): numbers(
                    f"{each.title}{_in(each.unit(physical=selection.physical))}", format=AREA_FORMAT, help=each.formula
                )
                for each in figures
            },
            "measured": numbers("Measured", format="localized", help="Number of objects in the following columns"),
            f"{name}_mean": numbers(f"Mean{suffix}", format=AREA_FORMAT),
            f"{name}_median": numbers(f"Median{suffix}", format=AREA_FORMAT),
            f"{name}_sd": numbers(f"SD{suffix}", format=AREA_FORMAT, help="Standard deviation of the image's objects"),
        },
        on_select=opened,
        selection_mode="single-cell",
    )  # fmt: skip


def _files(
    images: Sequence[ImageObjects],
    rows: Sequence[ImageSummary],
    measure: Measure,
    scheme: LabelScheme,
    source: Source,
    selection: Selection,
    shown: Sequence[ImageObjects],
) -> None:
    """Tables to take away: the objects that the page shows, and all."""
    made_by, physical = source_words(source), selection.physical
    few, every = sum(len(row.values) for row in rows), sum(len(image.table) for image in images)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            f"The {few:,} shown, CSV",
            lambda: spreadsheet(objects_frame(shown, scheme, physical=physical, made_by=made_by, selection=selection)),
            file_name=f"objects_{safe_stem(scheme.name_of(selection.class_id))}_shown.csv",
            mime=CSV_TYPE,
            icon=":material/download:",
            key="measure-shown-csv",
            on_click="ignore",
            disabled=not few,
            help=f"Only {plain(selection_words(selection, scheme))}. One row per object with all measures; the "
            "last column contains this filter.",
        )
        _all_objects(images, scheme, source, every, physical=physical)
        st.download_button(
            "These images, CSV",
            lambda: spreadsheet(images_frame(rows, measure, physical=physical, scheme=scheme)),
            file_name=f"images_{measure.name}.csv",
            mime=CSV_TYPE,
            icon=":material/download:",
            key="measure-images-csv",
            on_click="ignore",
            help="Downloads the table above.",
        )
        ids = [image.image_id for image in images]
        project_id = context.store().images.get(ids[0]).project_id
        takeaway_button("Export", project_id, ids, key="measure-takeaway", labels=source.key)
        st.caption(f"{counted(len(images), 'image')}. Click a row to see the image's objects.")


def _all_objects(
    images: Sequence[ImageObjects], scheme: LabelScheme, source: Source, count: int, *, physical: bool
) -> None:
    """Every object of every organelle; of very many as a job."""
    label = f"All {counted(count, 'object')}, CSV"
    told = "One row per object, all classes and all measures, for R, Prism or a spreadsheet."
    if count > LARGE_TABLE_ROWS:
        ids = tuple(image.image_id for image in images)
        request = ExportRequest(
            project_id=context.store().images.get(ids[0]).project_id, image_ids=ids, labels=source.key,
            parts=(Part.OBJECTS,), title="Objects",
        )  # fmt: skip
        ask = partial(start_export, context.store(), request, by=person())
        prepare_button(f"Prepare: {label}", ask, slot="measure-objects", help=told)
        return
    st.download_button(
        label,
        lambda: spreadsheet(objects_frame(images, scheme, physical=physical, made_by=source_words(source))),
        file_name="objects_all.csv",
        mime=CSV_TYPE,
        icon=":material/download:",
        key="measure-objects-csv",
        on_click="ignore",
        help=told,
    )


# Equal as long as nothing is measured anew: summed up and drawn once, shown at every rerun.
@remembered("measured images", "summaries of the objects of images", limit_bytes=64 * MB)
def _rows(images: tuple[ImageObjects, ...], measure: Measure, selection: Selection) -> tuple[ImageSummary, ...]:
    return tuple(summarise(images, measure, selection))


@remembered("figures of objects", "drawn figures", limit_bytes=64 * MB)
def _drawn(
    rows: tuple[ImageSummary, ...],
    measure: Measure,
    color: str,
    physical: bool,
    logarithmic: bool,
    how: Comparison | None,
) -> DrawnFigure:
    reference, by = (how.reference, how.by) if how else (None, ComparedBy.DIFFERENCE)
    return object_dots(rows, measure, color, physical=physical, logarithmic=logarithmic, reference=reference, by=by)
