"""How objects were measured and compared, in sentences for a methods section and for the legend of a figure.

The definitions stand in docs/metrics.md; here is what somebody needs who wants the same numbers from the same images.
"""

from __future__ import annotations

import math
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Final

import numpy as np

from core import __version__
from core.label_scheme import LabelScheme
from core.labels.numbering import CountedBy
from core.morphometry.class_figures import class_figures
from core.morphometry.condition_names import conditions as conditions_of
from core.morphometry.conditions import (
    Compared,
    ComparedBy,
    Design,
    kind_of_units,
    measure_difference,
    scale_of,
    unit_means,
)
from core.morphometry.measures import Measure
from core.morphometry.mixed_model import MOST_OBJECTS, MixedModel
from core.morphometry.summary import DENSITY_UM2, ImageSummary, Selection, overall
from core.morphometry.words import p_words, test_name, three_digits
from core.wording import counted, some_of

_LIBRARIES: Final = ("numpy", "scipy", "statsmodels")


@dataclass(frozen=True, slots=True)
class Study:
    """What is described.

    Parameters
    ----------
    rows
        Images with the shown measure, as `core.morphometry.summary.summarise` gives them; one at least.
    measure
        The shown one.
    selection
        Which objects count.
    scheme
        The classes.
    labels
        Where the label maps come from, in words.
    compared
        All comparisons that were made at once; none without a reference.
    reference
        The condition that others are held against; "" where conditions are not compared.
    by
        On which scale conditions are compared.
    mixed
        The second analysis of the shown measure, of each condition that has one, where somebody asked for it.
    """

    rows: Sequence[ImageSummary]
    measure: Measure
    selection: Selection
    scheme: LabelScheme
    labels: str
    compared: Sequence[Compared] = ()
    reference: str = ""
    by: ComparedBy = ComparedBy.DIFFERENCE
    mixed: Sequence[MixedModel] = ()


def methods_text(study: Study) -> str:
    """Paragraphs of a methods section, parted by empty lines."""
    parts = (_images(study), _objects(study), _figures(study), _statistics(study), _second(study), _programs(study))
    return "\n\n".join(part for part in parts if part)


def legend_text(study: Study) -> str:
    """The legend of the page's figure: what marks, lines and p are, with every n."""
    unit = study.measure.unit(physical=study.selection.physical)
    title = study.measure.title + (f" ({unit})" if unit else "")
    told = [f"{title} of {study.scheme.name_of(study.selection.class_id)}. Dots: objects."]
    if not study.reference:
        found = overall(study.rows)
        told.append(f"Marks: means of images (n = {found.images}).")
        if found.low == found.low:
            over = counted(found.units, str(found.unit_kind).removesuffix("s"))
            told.append(f"Line: mean with 95 % confidence interval over {over}.")
        return " ".join(told)
    kind = kind_of_units(row.image for row in study.rows if row.image.condition)
    told.append(f"Marks: means of {kind}s. Lines: mean ± SD of the marks.")
    for name, members in _conditions(study):
        units = unit_means(members)
        images, objects = sum(len(each.image_ids) for each in units), sum(len(row.values) for row in members)
        told.append(
            f"{name}: n = {counted(len(units), kind)}"
            + ("" if kind == "image" else f", {counted(images, 'image')}")
            + f", {counted(objects, 'object')}."
        )
    for name, _ in _conditions(study):
        test = measure_difference(study.rows, study.reference, name, scale_of(study.measure.quantity, study.by))
        if name != study.reference and test.p == test.p:
            scale = " of logarithms" if test.by is ComparedBy.RATIO else ""
            told.append(
                f"{name} and {study.reference}: {p_words(test.p)}, two-sided {test_name(test.design)}{scale} over "
                f"{kind}s, not adjusted."
            )
    return " ".join(told)


def _conditions(study: Study) -> list[tuple[str, list[ImageSummary]]]:
    names = conditions_of((row.image for row in study.rows), study.reference)
    return [(name, [row for row in study.rows if row.image.condition == name]) for name in names]


def _images(study: Study) -> str:
    images = [row.image for row in study.rows]
    specimens = {image.specimen for image in images if image.specimen}
    of = f" of {counted(len(specimens), 'specimen')}" if specimens else ""
    unknown = sum(not image.specimen for image in images)
    told = f"{study.labels} of {counted(len(images), 'image')}{of} were measured."
    if unknown:
        told += f" The specimen of {counted(unknown, 'image')} was not recorded."
    sizes = sorted({image.table.pixel_size_nm for image in images if image.table.pixel_size_nm is not None})
    if sizes:
        told += f" The pixel size was {some_of(f'{size:g}' for size in sizes)} nm."
    shares = [image.confirmed for image in images if image.confirmed == image.confirmed]
    if shares:
        told += f" People had confirmed {100 * np.mean(shares):.0f} % of the pixels of these label maps"
        told += "." if len(shares) == len(images) else f" (known for {counted(len(shares), 'image')})."
    return told


def _objects(study: Study) -> str:
    selection, rows = study.selection, study.rows
    name = study.scheme.name_of(selection.class_id)
    ways = {row.counted_by for row in rows}
    told = {
        frozenset((CountedBy.IDS,)): f"Objects of {name} are the pixels of one object id.",
        frozenset((CountedBy.PIECES,)): f"Objects of {name} are connected regions of its pixels (corners connect).",
    }.get(frozenset(ways), f"Objects of {name} are the pixels of one object id, or connected regions without ids.")
    total = sum(row.objects for row in rows)
    every = sum(int(np.count_nonzero(row.image.table.class_id == selection.class_id)) for row in rows)
    least = f"{selection.least_um2:g} µm²" if selection.physical else f"{selection.least_px} px"
    if selection.least_um2 if selection.physical else selection.least_px:
        told += f" Objects smaller than {least} were excluded ({every - total:,} of {every:,})."
    cut = sum(row.cut for row in rows)
    if selection.whole_only:
        told += (
            f" Objects that touch the image edge or unannotated pixels ({cut:,} of {total:,}) were counted but not "
            "measured; means of the others are weighted by the inverse of the area from which an object of that size "
            "touches no edge (Miles 1978, doi:10.1007/BF00140871)."
        )
    else:
        told += f" Objects that touch the image edge or unannotated pixels ({cut:,} of {total:,}) were measured too."
    if selection.physical:
        told += (
            f" Objects per {DENSITY_UM2:g} µm² were counted by an unbiased frame (Gundersen 1977, "
            f"doi:10.1111/j.1365-2818.1977.tb00062.x){_gaps(rows)}. They are profiles in the plane of the section, "
            "not organelles: larger organelles are cut by more sections."
        )
    return told


def _gaps(rows: Sequence[ImageSummary]) -> str:
    gaps = sum(row.image.table.labelled_px < math.prod(row.image.table.shape_yx) for row in rows)
    if not gaps:
        return ""
    return (
        f"; in the {counted(gaps, 'image')} with unannotated pixels, cut objects counted as the share of their "
        "outline's turning within the annotated region (Euler number)"
    )


def _figures(study: Study) -> str:
    told = f"{study.measure.title}: {study.measure.formula}"
    told += f" (doi:{study.measure.source})." if study.measure.source else "."
    contacts = sorted({row.image.table.contact_nm for row in study.rows})
    told += f" Contact is a gap of at most {some_of(f'{nm:g}' for nm in contacts)} nm."
    told += " Distances lie in the plane of the section, between the nearest pixels."
    told += _neighbours(study)
    figures = class_figures(study.scheme, study.selection.class_id)
    return told + "".join(f" {each.title}: {each.formula}." for each in figures)


def _neighbours(study: Study) -> str:
    """From which size objects of other classes count as neighbours, where it is the same in all images."""
    sizes = [dict(zip(row.image.table.class_ids, row.image.table.seen_px, strict=False)) for row in study.rows]
    first = sizes[0] if sizes else {}
    known = {i: px for i, px in first.items() if px > 0 and all(each.get(i) == px for each in sizes)}
    if not known:
        return ""
    listed = ", ".join(f"{study.scheme.name_of(i)} {px:g} px" for i, px in known.items())
    return f" Objects count as neighbours from the smallest size of their class on: {listed}."


def _statistics(study: Study) -> str:
    rows = study.rows
    if not study.reference:
        found = overall(rows)
        told = (
            f"Figures of specimens are ratios of their images' sums; n is the number of {found.unit_kind} "
            f"(n = {found.units})."
        )
        if found.low == found.low:
            told += " Intervals are 95 % t intervals over them, on the log scale."
        return told
    kind = kind_of_units(row.image for row in rows if row.image.condition)
    tests = [
        measure_difference(rows, study.reference, name, scale_of(study.measure.quantity, study.by))
        for name, _ in _conditions(study)
        if name != study.reference
    ]
    told = f"Conditions were compared with {study.reference} over means of {kind}s, each the ratio of its images' sums."
    if any(each.design is Design.UNRECORDED for each in tests):
        return told + " Specimens were not recorded, so no test was made."
    names = sorted({test_name(each.design) for each in tests if each.p == each.p})
    if not names:
        return told + " There were too few specimens for a test."
    told += f" Tests: two-sided {' and '.join(names)}"
    told += (
        ", for sizes, distances and numbers over natural logarithms of the means (ratios of geometric means)"
        if study.by is ComparedBy.RATIO
        else ""
    )
    told += "; differences with 95 % confidence intervals; effect sizes are Hedges' g (doi:10.3102/10769986006002107)."
    if any(each.together.p == each.together.p for each in study.compared):
        told += " All conditions together: Welch's analysis of variance (doi:10.1093/biomet/38.3-4.330)."
    count = sum(each.difference.p == each.difference.p for each in study.compared)
    if count:
        told += f" P values were adjusted for {counted(count, 'comparison')} (Holm 1979)."
    return told


def _second(study: Study) -> str:
    if not study.mixed:
        return ""
    objects = " and ".join(f"{each.objects:,}" for each in study.mixed)
    freedoms = " and ".join(f"{each.freedom}" for each in study.mixed)
    ratio = any(each.by is ComparedBy.RATIO for each in study.mixed)
    told = (
        f"Second analysis: linear mixed model over objects (n = {objects}) of two conditions at a time, with random "
        "intercepts of specimens and of images (restricted maximum likelihood), unweighted"
    )
    if any(each.taken < each.objects for each in study.mixed):
        told += f", over at most {MOST_OBJECTS:,} objects, evenly over their sizes"
    if ratio:
        told += ", over natural logarithms"
    return f"{told}; t tests with {freedoms} degrees of freedom (between-within)."


def _programs(study: Study) -> str:
    used = _LIBRARIES if study.mixed else _LIBRARIES[:2]
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in used)
    return f"Software: Cristae {__version__}, {versions}, Python {platform.python_version()}."


def mixed_words(found: MixedModel, unit: str) -> str:
    """The second analysis in a sentence.

    >>> found = MixedModel(0.2, -0.1, 0.6, 0.14, 4, 6, 24, 593, 0.04, 0.05, ComparedBy.RATIO, 593)
    >>> mixed_words(found, "µm²").split(";")[0]
    '+20.0 % (95 % interval −10.0 to +60.0 %), p = 0.14'
    """
    factor, shown = (100.0, "%") if found.by is ComparedBy.RATIO else (1.0, unit)
    middle, low, high = (
        f"{'+' if value > 0 else '−' if value < 0 else ''}{three_digits(abs(factor * value))}"
        for value in (found.difference, found.low, found.high)
    )
    rest = 1 - found.specimen_share - found.image_share
    shares = (
        f"within conditions, specimens make {100 * found.specimen_share:.0f} % of the variance, images of a specimen "
        f"{100 * found.image_share:.0f} %, objects of an image {100 * rest:.0f} %"
    )
    suffix = f" {shown}" if shown else ""
    return f"{middle}{suffix} (95 % interval {low} to {high}{suffix}), {p_words(found.p)}; {shares}"
