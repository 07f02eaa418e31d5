"""``measure``: size, shape and surroundings of every object of label maps, as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.console import UsageError, done, notice, progress_bar
from core.cli.label_options import Classes, Values, label_reading
from core.cli.measure_tables import (
    AREA,
    comparison_table,
    images_table,
    print_classes,
    print_compared,
    specimens_table,
)
from core.cli.pixel_size import pixel_size_option
from core.cli.refused import RefusedFiles
from core.datasets.case import Case
from core.datasets.folder import load_case, open_dataset
from core.datasets.sample_sheet import Names, read_facts, read_sheet
from core.errors import DatasetError, LabelMapError
from core.files import write_bytes
from core.imaging.reader import case_stem
from core.label_scheme import LabelScheme
from core.labels.guarded_reading import objects_guarded, open_label_file, read_guarded
from core.labels.importing import Overlap
from core.labels.object_files import objects_target
from core.labels.reading import LabelReading, LabelSource
from core.morphometry.condition_names import ordered, spelled_alike
from core.morphometry.conditions import Compared, ComparedBy, adjusted_together, compare, kind_of_units
from core.morphometry.coverage import SMALL_PX, area_um2
from core.morphometry.doubts import Doubts
from core.morphometry.frames import objects_frame
from core.morphometry.methods import Study, methods_text
from core.morphometry.mixed_model import Key, MixedModel, mixed_models
from core.morphometry.objects import CONTACT_NM, measure_objects
from core.morphometry.summary import (
    ImageObjects,
    Selection,
    summarise,
    typical_size_nm,
)
from core.objects.question_files import questions_target, read_doubts
from core.spreadsheets import spreadsheet
from core.wording import counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.imaging.object_pyramid import ObjectIds

_Read = tuple["NDArray[np.uint8]", "ObjectIds | None", "float | None", "NDArray[Any] | None"]
"""Label map, ids of its objects, pixel size in nm, pixels of its image."""


@dataclass(frozen=True, slots=True)
class _Task:
    """A label map to measure; its file is read when its turn comes."""

    name: str
    specimen: str
    read: Callable[[], _Read]
    condition: str = ""
    stack: str = ""
    questions: Path | None = None


def measure(
    out: Annotated[Path, typer.Option(help="Table to write, one row per object (.csv).")],
    labels: Annotated[
        list[Path] | None,
        typer.Argument(help=("Label maps with class ids (PNG, TIFF, NIfTI, MRC). Alternatively use --dataset.")),
    ] = None,
    dataset: Annotated[
        Path | None, typer.Option(help="dataset.json or its folder, with label maps, pixel sizes and specimens.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Second table to write, one row per image and class (.csv).")
    ] = None,
    classes: Classes = None,
    value: Values = None,
    pixel_size: Annotated[
        float | None, pixel_size_option("Pixel size, if it is missing or wrong in the files.")
    ] = None,
    contact: Annotated[float, typer.Option(min=0, help="Largest gap that counts as contact, in nm.")] = CONTACT_NM,
    least: Annotated[
        int,
        typer.Option(
            min=0,
            help=(
                "Smallest object in the summary, in pixels of the median image, and for distances and contacts. The "
                "table contains all objects."
            ),
        ),
    ] = SMALL_PX,
    sheet: Annotated[
        Path | None,
        typer.Option(
            help=("Sample sheet (.csv) with image, specimen and condition; enables the comparison of conditions.")
        ),
    ] = None,
    reference: Annotated[str | None, typer.Option(help="Reference condition; default: the likely control.")] = None,
    comparison: Annotated[
        Path | None, typer.Option(help="Third table to write, one row per class, measure and condition (.csv).")
    ] = None,
    specimens: Annotated[
        Path | None,
        typer.Option(help="Table to write, one row per class and specimen, and per class and condition (.csv)."),
    ] = None,
    ratios: Annotated[
        bool, typer.Option("--ratios", help="Compare sizes, distances and numbers on the log scale, as ratios.")
    ] = False,
    mixed: Annotated[
        bool,
        typer.Option(
            "--mixed-model",
            help="Second analysis: a mixed model over objects; adds columns to the comparison. Takes longer.",
        ),
    ] = False,
    methods: Annotated[Path | None, typer.Option(help="Methods text to write, for areas (.txt).")] = None,
) -> None:
    """Measure every object: area, diameter, length, width, shape, distance to and contact with the other classes.

    Definitions: docs/metrics.md. Means and 95 % intervals are over specimens, else stacks or images.
    Conditions are compared over specimens.

    Example: `python -m core measure --dataset liver --out objects.csv --images images.csv`

    Label maps alone: `python -m core measure labels/*.tif --classes liver --pixel-size 8 --out objects.csv`

    Treated compared with control: add `--sheet samples.csv --comparison comparison.csv`

    For a paper: add `--specimens specimens.csv --methods methods.txt`

    Unreadable label maps are skipped and listed at the end, with exit code 1.
    """
    if sheet is None and (reference is not None or comparison is not None or ratios or mixed):
        raise UsageError(
            "--reference, --comparison, --ratios and --mixed-model require --sheet.",
            "Give a sample sheet with conditions.",
        )
    if (dataset is None) == (not labels):
        raise UsageError("Specify either label maps or a dataset.", "Pass files, or a folder with --dataset.")
    size_nm = pixel_size
    if dataset is not None:
        if classes is not None or value:
            raise UsageError("--classes and --value cannot be used with --dataset.", ("Remove these options."))
        scheme, tasks = _of_dataset(dataset, size_nm)
    else:
        reading = label_reading(LabelSource.IMAGE, classes, overlap=Overlap.IGNORE, colors=None, values=value)
        scheme, tasks = reading.scheme, [_of_file(path, reading, size_nm) for path in labels or ()]
    if sheet is not None:
        tasks = _told_of(tasks, sheet)
        reference = _reference(tasks, reference)
    refused = RefusedFiles(len(tasks))
    found = _measured(tasks, scheme, contact, least, refused)
    if not found:
        refused.show()
        raise LabelMapError("No label maps can be read; nothing was written.", "Fix the problems listed above.")
    if reference is not None and refused.refusals:
        reference = _reference_left(found, reference)
    physical = typical_size_nm(found) is not None
    if not physical:
        notice("The pixel size is unknown: sizes are in pixels and contacts are not measured. Use --pixel-size.")
    write_bytes(out, spreadsheet(objects_frame(found, scheme, physical=physical, made_by="label maps")))
    measurable = [each for each in found if not physical or each.table.pixel_size_nm is not None]
    rows = {i: summarise(measurable, AREA, _selection(i, least, found, physical=physical)) for i in scheme.ids}
    if images is not None:
        write_bytes(images, spreadsheet(images_table(rows, scheme, physical=physical)))
    print_classes(rows, scheme, physical=physical)
    small = sum(len(each.table) for each in measurable) - sum(row.objects for of in rows.values() for row in of)
    if small:
        notice(f"{counted(small, 'object')} of fewer than {least} px excluded. Use --least 0 to count all.")
    compared: dict[int, tuple[Compared, ...]] = {}
    second: dict[int, dict[Key, MixedModel]] = {}
    by = ComparedBy.RATIO if ratios else ComparedBy.DIFFERENCE
    if reference is not None:
        selections = {i: _selection(i, least, found, physical=physical) for i in scheme.ids}
        each_class = {i: compare(measurable, scheme, of, reference, by) for i, of in selections.items()}
        compared = adjusted_together(each_class)
        second = {i: mixed_models(measurable, scheme, of, reference, by) for i, of in selections.items() if mixed}
        if comparison is not None:
            write_bytes(comparison, spreadsheet(comparison_table(compared, scheme, reference, second)))
        kind = kind_of_units(each for each in measurable if each.condition)
        print_compared(compared, scheme, reference, kind, second)
    if specimens is not None:
        write_bytes(specimens, spreadsheet(specimens_table(rows, scheme, physical=physical)))
    if methods is not None:
        studies = [
            Study(
                of, AREA, _selection(i, least, found, physical=physical), scheme, "Label maps", compared.get(i, ()),
                reference or "", by, [each for (name, _), each in second.get(i, {}).items() if name == AREA.name],
            )
            for i, of in rows.items()
            if any(row.objects for row in of)
        ]  # fmt: skip
        texts = [f"{scheme.name_of(of.selection.class_id)}\n\n{methods_text(of)}\n" for of in studies]
        write_bytes(methods, "\n".join(texts).encode())
    done(f"Table of {sum(len(each.table) for each in found):,} objects: {out}")
    refused.end()


def _of_dataset(path: Path, size_nm: float | None) -> tuple[LabelScheme, list[_Task]]:
    """The label maps of a dataset folder; images without are left out."""
    described = open_dataset(path.parent if path.is_file() else path)
    cases = [case for case in described.cases if case.label_path is not None]
    if not cases:
        raise DatasetError(f"No image of {path} has labels.", "Give a dataset with labels, or label maps themselves.")
    return described.scheme, [_of_case(case, size_nm) for case in cases]


def _of_case(case: Case, size_nm: float | None) -> _Task:
    """A case; its group, which may be guessed from names, holds together what belongs together and is no specimen."""

    def read() -> _Read:
        image, labels_yx = load_case(case)
        objects = None
        if case.objects_path is not None:
            objects, counts, remarks = objects_guarded(case.objects_path, labels_yx, case.scheme)
            for sentence in (*(count.sentence for count in counts), *remarks):
                notice(f"{case.name}: {sentence}")
        return labels_yx, objects, size_nm or image.pixel_size.nm, image.pixels_yx

    specimen = "" if case.facts is None else case.facts.specimen
    stack = "" if case.group in (case.name, specimen) else case.group
    return _Task(case.name, specimen, read, stack=stack)


def _of_file(path: Path, reading: LabelReading, size_nm: float | None) -> _Task:
    """A label map by itself."""

    beside = objects_target(path)

    def read() -> _Read:
        with open_label_file(path) as opened:
            objects = beside if beside.is_file() else None
            found = read_guarded(reading, (path,), opened.shape_yx, objects=objects)
        for text in found.report.sentences:
            notice(f"{path.name}: {text}")
        return found.labels_yx, found.objects, opened.pixel_size.nm if size_nm is None else size_nm, None

    return _Task(case_stem(path), "", read, questions=questions_target(path))


def _told_of(tasks: Sequence[_Task], sheet: Path) -> list[_Task]:
    """The same, with the specimens and conditions of a sample sheet."""
    facts = read_facts(read_sheet(sheet), {str(number): Names(task.name) for number, task in enumerate(tasks)})
    if facts.strays:
        notice(f"{sheet.name} contains images that are not measured: {', '.join(facts.strays)}.")
    if facts.unclear:
        notice(f"Several label maps are named {', '.join(facts.unclear)}: {sheet.name} is not applied to them.")
    said = [facts.said.get(str(number), {}) for number in range(len(tasks))]
    sentences = [
        replace(task, specimen=row.get("specimen") or task.specimen, condition=row.get("condition", ""))
        for task, row in zip(tasks, said, strict=True)
    ]
    for alike in (
        *spelled_alike(task.condition for task in sentences),
        *spelled_alike(task.specimen for task in sentences),
    ):
        notice(f"Names that differ only in spelling count as different: {', '.join(alike)}.")
    unnamed = sum(not task.specimen for task in sentences if task.condition)
    if unnamed:
        notice(
            f"The specimen of {unnamed} label maps is unknown, so differences have no interval and no p: give the "
            f"animal or donor in the column specimen of {sheet.name}."
        )
    without = [task.name for task in sentences if not task.condition]
    if without:
        notice(f"{sheet.name} contains no condition for {', '.join(without)}.")
    return sentences


def _reference(tasks: Sequence[_Task | ImageObjects], wanted: str | None) -> str:
    """The condition to compare with; before anything is measured."""
    names = ordered(task.condition for task in tasks)
    if len(names) < 2:
        raise DatasetError(
            f"The sample sheet has {len(names)} conditions of these label maps: {', '.join(names) or 'none'}.",
            "Its column condition needs at least two.",
        )
    if wanted is None:
        return names[0]
    if wanted not in names:
        raise DatasetError(f"There is no condition {wanted!r}.", f"The sample sheet has {', '.join(names)}.")
    return wanted


def _reference_left(found: Sequence[ImageObjects], wanted: str) -> str | None:
    """The condition to compare with, None where too little could be read: then nothing is compared."""
    try:
        return _reference(found, wanted)
    except DatasetError as error:
        notice(f"Conditions are not compared. {error.cause}")
        return None


def _measured(
    tasks: Sequence[_Task], scheme: LabelScheme, contact_nm: float, least_px: int, refused: RefusedFiles
) -> list[ImageObjects]:
    """All that can be read, one after the other; the others are added to ``refused``."""
    found = []
    with progress_bar("measure") as progress:
        for number, task in enumerate(tasks):

            def advance(fraction: float, number: int = number, name: str = task.name) -> None:
                progress((number + fraction) / len(tasks), name)

            with refused.boundary(task.name):
                labels_yx, objects, size_nm, pixels_yx = task.read()
                table = measure_objects(
                    labels_yx,
                    scheme,
                    size_nm,
                    objects=objects,
                    contact_nm=contact_nm,
                    least_px=dict.fromkeys(scheme.ids, least_px),
                    progress=advance,
                    grey_of=None if pixels_yx is None else pixels_yx.__getitem__,
                )
                found.append(
                    ImageObjects(
                        str(number),
                        task.name,
                        task.specimen,
                        str(number),
                        table,
                        task.condition,
                        task.stack,
                        _doubts(task, labels_yx),
                    )
                )
        progress(1.0, "")
    without = [each.name for each in found if each.table.pixel_size_nm is None]
    if without and len(without) < len(found):
        notice(f"No physical sizes for {', '.join(without)}: the pixel size is unknown. Use --pixel-size.")
    return found


def _doubts(task: _Task, labels_yx: NDArray[np.uint8]) -> Doubts:
    """The unanswered questions in the file that `segment` wrote beside a label map."""
    if task.questions is None:
        return Doubts.none()
    doubts, why = read_doubts(task.questions, labels_yx)
    if why:
        notice(f"{task.name}: {why}")
    return Doubts.none() if doubts is None else doubts


def _selection(class_id: int, least_px: int, images: Sequence[ImageObjects], *, physical: bool) -> Selection:
    """The objects of the summary; a smallest size in pixels is an area of the typical image."""
    if not physical:
        return Selection(class_id, least_px=least_px, physical=False)
    return Selection(class_id, least_um2=area_um2(least_px, typical_size_nm(images)) or 0.0)
