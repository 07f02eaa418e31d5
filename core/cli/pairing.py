"""Showing which labels belong to which image, and reading all of it before anything is written."""

from __future__ import annotations

from collections.abc import Mapping

from rich.markup import escape
from rich.table import Table

from core.cli.console import notice, progress_bar, stdout
from core.cli.label_options import tell_missing
from core.cli.refused import RefusedFiles
from core.datasets.plan import CheckedCase, DatasetPlan, check_case
from core.errors import DatasetError, Refusal
from core.label_scheme import LabelScheme
from core.labels.importing import match_masks
from core.labels.reading import LabelReading, LabelSource


def checked_cases(
    plan: DatasetPlan, reading: LabelReading, refused: RefusedFiles, *, pixel_size_nm: float | None = None
) -> tuple[CheckedCase, ...]:
    """Read every case of a plan, print what pairs with what.

    A case whose files cannot be read is added to ``refused``, and the others are given.

    Raises
    ------
    DatasetError
        Names alone rule something out: a label file of no image, a test image that is not there. Then nobody can say
        which image lacks it. Or no image with labels is left.
    """
    cases: list[CheckedCase] = []
    with progress_bar("read") as progress:
        for number, planned in enumerate(plan.cases, start=1):
            result = check_case(planned, reading, pixel_size_nm=pixel_size_nm)
            if isinstance(result, Refusal):
                refused.add(result)
            else:
                cases.append(result)
            progress(number / len(plan.cases), planned.name)
    _print_pairs(plan, cases, reading.scheme)
    for case in cases:
        for sentence in case.report.sentences if case.report else ():
            notice(f"{case.case.name}: {sentence}")
        if case.report and reading.source is LabelSource.MASKS:
            tell_missing(match_masks(case.case.label_paths, reading.scheme)[0], reading.scheme, case.case.name)
    if plan.refusals:
        unnamed = RefusedFiles(len(plan.refusals))
        for refusal in (*plan.refusals, *refused.refusals):
            unnamed.add(refusal)
        unnamed.show()
        raise DatasetError(
            f"{len(unnamed.refusals)} rejected; nothing was written.",
            ("Fix the problems listed above, then run the command again."),
        )
    if refused.refusals and not any(case.report for case in cases):
        refused.show()
        raise DatasetError(
            "No labelled images remain; nothing was written.",
            ("Fix the problems listed above, then run the command again."),
        )
    if all(case.report is None for case in cases):
        raise DatasetError(
            "No image has labels.", "Label file names must begin with the image name: a.tif, a_labels.png."
        )
    return tuple(cases)


def shares(class_pixels: Mapping[int, int], scheme: LabelScheme) -> str:
    """Share of each class that is there, ignore included: "ER 12.3 %, ignore 0.1 %"."""
    total = sum(class_pixels.values())
    shown = [i for i in sorted(class_pixels) if i != 0 and class_pixels[i]]
    return ", ".join(f"{scheme.name_of(i)} {class_pixels[i] / total:.2%}".replace("%", " %") for i in shown) or "none"


def size_text(shape_yx: tuple[int, int]) -> str:
    """Width x height, as people say it."""
    return f"{shape_yx[1]} x {shape_yx[0]}"


def nm_text(pixel_size_nm: float | None) -> str:
    """A pixel size, or a dash."""
    return "–" if pixel_size_nm is None else f"{pixel_size_nm:g}"


def _print_pairs(plan: DatasetPlan, cases: list[CheckedCase], scheme: LabelScheme) -> None:
    """What pairs with what, also where it is refused."""
    good = {item.case.name: item for item in cases}
    table = Table()
    for column in ("image", "labels", "split", "px", "nm", "classes"):
        table.add_column(column, overflow="fold")
    for case in plan.cases:
        files = escape("\n".join(path.name for path in case.label_paths)) or "–"
        item = good.get(case.name)
        if item is None:
            table.add_row(escape(case.image_path.name), files, "refused", "–", "–", "–")
            continue
        held = "–" if item.report is None else escape(shares(dict(item.report.class_pixels), scheme))
        size, nm = size_text(item.shape_yx), nm_text(item.pixel_size_nm)
        table.add_row(escape(case.image_path.name), files, case.split.value, size, nm, held)
    stdout.print(table)
