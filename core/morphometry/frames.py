"""Measured objects as tables for statistics programs: a row per object, a row per image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from core.label_scheme import LabelScheme
from core.morphometry.class_figures import class_figures
from core.morphometry.conditions import Compared, ComparedBy
from core.morphometry.coverage import area_um2
from core.morphometry.doubts import interval_json
from core.morphometry.edges import edge_weights
from core.morphometry.measures import MEASURES, Measure, measures_of, measures_to
from core.morphometry.mixed_model import Key, MixedModel
from core.morphometry.objects import ObjectTable
from core.morphometry.summary import ImageObjects, ImageSummary, Selection, figure_ratios
from core.morphometry.words import test_name

_WHICH: Final = (
    "image",
    "specimen",
    "stack",
    "condition",
    "labels",
    "class",
    "object",
    "object_id",
    "counted_by",
    "row_px",
    "column_px",
    "cut_off",
    "area_px",
)
_HOW: Final = (
    "orientation_degrees",
    "branch_points",
    "end_points",
    "pixel_size_nm",
    "contact_within_nm",
    "confirmed_percent",
    "edge_weight",
    "counts_for",
    "neighbours_from_px",
)

FILTER: Final = "filter"
"""The column that says which objects a table holds."""


def objects_frame(
    images: Sequence[ImageObjects],
    scheme: LabelScheme,
    *,
    physical: bool,
    made_by: str,
    selection: Selection | None = None,
) -> pd.DataFrame:
    """A row per object, with all measures: what statistics programs read. The last column says which objects these are.

    Parameters
    ----------
    images
        With their objects.
    scheme
        The classes.
    physical
        Units, as in `core.morphometry.measures.Measure.of`.
    made_by
        Where the label maps come from, in words.
    selection
        Only these objects, of one class; their numbers are those among all. None: every object of every class.
    """
    class_ids = scheme.ids if selection is None else (selection.class_id,)
    frames = [
        _class_frame(image, scheme, class_id, physical=physical, made_by=made_by, selection=selection)
        for image in images
        for class_id in class_ids
    ]
    filled = [frame for frame in frames if len(frame)] or frames[:1]
    frame = pd.concat(filled, ignore_index=True).reindex(columns=objects_columns(scheme, physical=physical))
    frame[FILTER] = "all objects" if selection is None else selection_words(selection, scheme)
    return frame


def selection_words(selection: Selection, scheme: LabelScheme) -> str:
    """Which objects a selection takes: "mitochondria, 0.01 µm² or larger, whole objects only"."""
    least = f"{selection.least_um2:g} µm²" if selection.physical else f"{selection.least_px} px"
    parts = [scheme.name_of(selection.class_id)]
    if selection.least_um2 if selection.physical else selection.least_px:
        parts.append(f"{least} or larger")
    parts.append("whole objects only" if selection.whole_only else "including objects cut off by the image edge")
    return ", ".join(parts)


def objects_columns(scheme: LabelScheme, *, physical: bool) -> list[str]:
    """All columns in order: those to a class stand where the scheme has it, whichever objects there are."""
    to_classes = [each.column(physical=physical) for item in scheme.classes for each in measures_to(scheme, item)]
    own = [measure.column(physical=physical) for measure in MEASURES[0 if physical else 1 :]]
    return [*_WHICH, *own, *to_classes, *_HOW]


def _class_frame(
    image: ImageObjects,
    scheme: LabelScheme,
    class_id: int,
    *,
    physical: bool,
    made_by: str,
    selection: Selection | None,
) -> pd.DataFrame:
    """The objects of one class of one image."""
    table = image.table.where(image.table.class_id == class_id)
    facts: dict[str, Any] = {
        "image": image.name,
        "specimen": image.specimen,
        "stack": image.stack,
        "condition": image.condition,
        "labels": made_by,
        "class": scheme.name_of(class_id),
        "object": range(1, len(table) + 1),
        "object_id": pd.Series(table.object_id, dtype="Int64").mask(table.object_id == 0),
        "counted_by": str(table.counted_by(class_id)),
        "row_px": table.row.round(2),
        "column_px": table.column.round(2),
        "cut_off": table.cut,
        "area_px": table.area_px,
    }
    by_id = class_id in table.classes_by_id
    large = np.ones(len(table), bool) if selection is None else selection.chosen(table, cut_too=True)
    of_large = table.where(large)
    # the area in pixels is there already
    for measure in measures_of(scheme, class_id, by_id=by_id)[0 if physical else 1 :]:
        figures = np.full(len(table), np.nan)
        figures[large] = measure.of(of_large, physical=physical)
        facts[measure.column(physical=physical)] = figures
    facts["orientation_degrees"] = table.orientation.round(2)
    facts["branch_points"], facts["end_points"] = table.branch_points, table.end_points
    facts["pixel_size_nm"] = table.pixel_size_nm if table.pixel_size_nm is not None else float("nan")
    facts["contact_within_nm"] = table.contact_nm
    facts["confirmed_percent"] = round(100 * image.confirmed, 2)
    facts["edge_weight"] = np.where(table.cut, np.nan, edge_weights(table.fits).round(4))
    facts["counts_for"] = table.part.round(4)
    facts["neighbours_from_px"] = neighbours_from(table, scheme)
    frame = pd.DataFrame(facts, index=range(len(table)))
    return frame if selection is None else frame[selection.chosen(table)]


def neighbours_from(table: ObjectTable, scheme: LabelScheme) -> str:
    """From how many pixels on objects of each class count in distances and contacts, where not every one does."""
    return "; ".join(
        f"{scheme.name_of(class_id)} {'unknown' if area != area else f'{area:.4g}'}"
        for class_id, area in zip(table.class_ids, table.seen_px, strict=True)
        if area != 0 and class_id in scheme.ids
    )


def images_frame(
    rows: Sequence[ImageSummary], measure: Measure, *, physical: bool, scheme: LabelScheme | None = None
) -> pd.DataFrame:
    """A row per image: how many objects, how dense, and the measure's mean, median and standard deviation.

    Parameters
    ----------
    rows
        As `core.morphometry.summary.summarise` gives them, for this measure.
    measure
        Whose figures they are.
    physical
        Units.
    scheme
        The classes: then the figures of the class (`core.morphometry.class_figures`) are columns too.
    """
    name = measure.column(physical=physical)
    figures = class_figures(scheme, rows[0].selection.class_id) if scheme is not None and rows else ()
    of_class = {each.column(physical=physical): [of.value for of in figure_ratios(rows, each)] for each in figures}
    intervals = pd.DataFrame([interval_json(row.interval) for row in rows], columns=list(interval_json(None)))
    columns: dict[str, Any] = {
        "image": [row.image.name for row in rows],
        "specimen": [row.image.specimen for row in rows],
        "stack": [row.image.stack for row in rows],
        "condition": [row.image.condition for row in rows],
        "objects": [row.objects for row in rows],
        **{str(column): intervals[column].astype("Int64") for column in intervals},
        "counted_by": [str(row.counted_by) for row in rows],
        "cut_off": [row.cut for row in rows],
        "too_large": [row.too_large for row in rows],
        "labelled_um2": [area_um2(row.image.table.labelled_px, row.image.table.pixel_size_nm) for row in rows],
        "objects_per_100_um2": [row.density for row in rows],
        "area_percent": [100 * row.area_fraction for row in rows],
        "measured": [len(row.values) for row in rows],
        f"{name}_mean": [row.mean for row in rows],
        f"{name}_median": [row.median for row in rows],
        f"{name}_sd": [row.deviation for row in rows],
        **of_class,
        "confirmed_percent": [round(100 * row.image.confirmed, 2) for row in rows],
    }
    return pd.DataFrame(columns)


def differences_frame(
    compared: Sequence[Compared], reference: str, second: Mapping[Key, MixedModel] | None = None
) -> pd.DataFrame:
    """A row per figure and condition: both means, the difference with its interval, p, and what counted.

    Parameters
    ----------
    compared
        As `core.morphometry.conditions.compare` gives them.
    reference
        What the others were compared with.
    second
        The second analysis, as `core.morphometry.mixed_model.mixed_models` gives it: columns ``mixed_…`` then.
    """
    frame = pd.DataFrame(
        [
            {
                "measure": each.title,
                "unit": each.unit,
                "reference": reference,
                "condition": each.condition,
                "reference_mean": each.difference.reference,
                "condition_mean": each.difference.mean,
                "difference": each.difference.value,
                "difference_low": each.difference.low,
                "difference_high": each.difference.high,
                "difference_percent": each.percent,
                "p": each.difference.p,
                "p_holm": each.p_adjusted,
                "reference_units": each.difference.reference_units,
                "condition_units": each.difference.units,
                "design": str(each.difference.design),
                "test": test_name(each.difference.design) if each.difference.p == each.difference.p else "",
                "scale": str(each.difference.by),
                "hedges_g": each.difference.effect.size,
                "hedges_g_low": each.difference.effect.low,
                "hedges_g_high": each.difference.effect.high,
                "minimum_detectable_difference": each.difference.smallest,
                "p_any_condition": each.together.p,
            }
            for each in compared
        ]
    )
    if second is None:
        return frame
    models = [second.get((each.name, each.condition)) for each in compared]
    told = [_mixed_columns(model) for model in models]
    return pd.concat([frame, pd.DataFrame(told, columns=list(_mixed_columns(None)))], axis=1)


def _mixed_columns(found: MixedModel | None) -> dict[str, float | str]:
    """Of one comparison; the difference in the figure's unit, by ratios in per cent of the reference."""
    if found is None:
        names = ("difference", "low", "high", "p", "freedom", "specimen_share", "image_share")
        return {f"mixed_{name}": float("nan") for name in names} | {"mixed_unit": ""}
    ratio = found.by is ComparedBy.RATIO
    factor = 100.0 if ratio else 1.0
    return {
        "mixed_difference": factor * found.difference,
        "mixed_low": factor * found.low,
        "mixed_high": factor * found.high,
        "mixed_p": found.p,
        "mixed_freedom": float(found.freedom),
        "mixed_specimen_share": found.specimen_share,
        "mixed_image_share": found.image_share,
        "mixed_unit": "percent of reference" if ratio else "as the measure",
    }
