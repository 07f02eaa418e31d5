"""``labels``: label images, masks per organelle or colours into label maps with the project's ids."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from core.cli.console import UsageError, done, notice, stdout
from core.cli.label_options import (
    Classes,
    Colors,
    Foregrounds,
    Overlaps,
    Values,
    chosen_source,
    label_reading,
    masks_by_class,
    tell_missing,
)
from core.cli.pairing import checked_cases, shares
from core.cli.pixel_size import pixel_size_option
from core.cli.refused import RefusedFiles
from core.datasets.plan import plan_dataset, read_case
from core.errors import LabelMapError
from core.files import write_json
from core.imaging.guarded_micrograph import open_guarded
from core.imaging.reader import check_single
from core.labels.files import FileFacts, write_label_png, write_label_tiff, write_object_tiff
from core.labels.guarded_reading import open_label_file, read_guarded, read_masks_guarded
from core.labels.importing import Overlap
from core.labels.object_files import objects_target
from core.labels.reading import LabelReading, LabelSource, image_files, pair_by_name
from core.wording import counted

if TYPE_CHECKING:
    from core.imaging.placement import Placement
    from core.label_scheme import LabelScheme
    from core.labels.report import LabelImport, LabelReport

_BY_CLASS: Final = (LabelSource.MASKS, LabelSource.OBJECTS)

_WRITTEN: Final = (".tif", ".tiff", ".png")


def labels(
    out: Annotated[Path, typer.Option(help="Label map to write, .tif or .png; for folders, a folder for .tif files.")],
    files: Annotated[
        list[str] | None, typer.Argument(help="More masks (from shell patterns such as --masks *.png).")
    ] = None,
    label_image: Annotated[
        Path | None,
        typer.Option("--labels", help=("Label image with class ids as grey values, or a folder of label images.")),
    ] = None,
    masks: Annotated[
        list[str] | None,
        typer.Option(help="Masks, one per class, matched by the end of the file name; or CLASS=FILE; or a folder."),
    ] = None,
    rgb: Annotated[Path | None, typer.Option(help="Image with one colour per class, or a folder of them.")] = None,
    objects: Annotated[
        list[str] | None,
        typer.Option(
            help="Files whose values are ids of objects, one per class, found as masks are; or CLASS=FILE; or a "
            "folder. With --labels: the ids of the objects of that label image, of all classes."
        ),
    ] = None,
    image: Annotated[
        Path | None, typer.Option(help="Micrograph of the labels, to check the size; or a folder of micrographs.")
    ] = None,
    classes: Classes = None,
    color: Colors = None,
    value: Values = None,
    overlap: Overlaps = Overlap.IGNORE,
    foreground: Foregrounds = None,
    pixel_size: Annotated[
        float | None, pixel_size_option("Pixel size of the label map; default: that of the micrograph.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option(help=("Report to write (.json): all conversion rules with pixel counts."))
    ] = None,
) -> None:
    """Convert label images, masks per organelle or colour images to label maps with the project's class ids.

    Example: `python -m core labels --masks vnc_12_*.png --classes vnc/dataset.json --image vnc_12.png --out vnc_12.tif`

    By colour: `python -m core labels --rgb a.png --color "ER=#00ff00" --color "nucleus=#0000ff" --out a.tif`

    Object ids are kept next to the label map, in a.tif and a_objects.tif: `python -m core labels --objects
    mitochondria=cp_masks.tif --out a.tif`

    A whole dataset, matched by name: `python -m core labels --masks masks/ --image images/ --out labels/`
    """
    if files and not masks:
        raise UsageError(f"The label type of {files[0]} is not specified.", "Put --masks, --labels or --rgb before it.")
    beside = _beside(label_image, objects)
    source, _ = chosen_source(label_image, masks or None, rgb, (objects or None) if beside is None else None)
    reading = label_reading(source, classes, overlap=overlap, colors=color, values=value, foreground=foreground)
    given = [*(masks or objects or ()), *(files or ())] if source in _BY_CLASS else [str(label_image or rgb)]
    folder = Path(given[0]) if len(given) == 1 and Path(given[0]).is_dir() else None
    refused = RefusedFiles(1)
    if folder is not None and (image is None or not image.is_file()):
        rows, refused = _many(folder, image, out, reading, pixel_size)
    else:
        chosen = given if folder is None or image is None else _of_image(folder, image)
        rows = [_one(chosen, image, out, reading, pixel_size, beside)]
    if json is not None:
        write_json(
            json,
            {"format": "cristae-labels", "version": 1, "classes": reading.scheme.to_json(), "label_maps": rows},
        )
        done(f"Report: {json}")
    refused.end()


def _one(
    given: list[str],
    image: Path | None,
    out: Path,
    reading: LabelReading,
    pixel_size_nm: float | None,
    objects: Path | None = None,
) -> dict[str, Any]:
    """The label map of one image."""
    if out.is_dir() or out.suffix.lower() not in _WRITTEN:
        raise UsageError(f"{out} does not have the extension .tif or .png.", "Use a file name such as labels.tif.")
    by_class: Mapping[int, Path] = {}
    if reading.source in _BY_CLASS:
        by_class = masks_by_class(given, reading.scheme)
    elif len(given) > 1:
        raise UsageError(f"{', '.join(given)} are several files, but one is expected.", "Specify one of them.")
    paths = list(by_class.values()) or [Path(given[0])]
    inputs = [*paths, *([image] if image else []), *([objects] if objects else [])]
    for target in (out, objects_target(out)):
        _keep_inputs(target, inputs)
    shape_yx, size_nm, placement = _size(image or paths[0], is_image=image is not None)
    if by_class:
        result = read_masks_guarded(reading, by_class, shape_yx, placement)
    else:
        result = read_guarded(reading, paths, shape_yx, placement, objects=objects)
    _write(out, result, reading.scheme, pixel_size_nm or size_nm)
    for sentence in result.report.sentences:
        notice(sentence)
    if by_class:
        tell_missing(by_class, reading.scheme)
    for class_id, path in by_class.items():
        done(f"{reading.scheme.name_of(class_id)}: {path.name}")
    _print(result.report, reading.scheme)
    done(f"Label map: {out}")
    if result.objects is not None:
        done(f"Object ids: {objects_target(out)}")
    return _row(image, paths, out, result.report)


def _of_image(folder: Path, image: Path) -> list[str]:
    """The files of a folder that bear an image's name."""
    found = pair_by_name([image], image_files(folder)).files[image]
    if not found:
        raise LabelMapError(
            f"No file in {folder} matches {image.name}.", "Label file names must begin with the image name."
        )
    return [str(path) for path in found]


def _many(
    folder: Path, images: Path | None, out: Path, reading: LabelReading, pixel_size_nm: float | None
) -> tuple[list[dict[str, Any]], RefusedFiles]:
    """The label maps of a folder of images, and the images whose files cannot be used."""
    if images is None or not images.is_dir():
        raise UsageError(
            f"{folder} is a folder of labels, but their images are not specified.",
            ("Specify the image folder with --image."),
        )
    if out.is_file() or out.suffix.lower() in _WRITTEN:
        raise UsageError(f"Several label maps cannot all be written to {out}.", "Specify a folder.")
    images = images / "images" if (images / "images").is_dir() else images
    plan = plan_dataset(images, folder)
    inputs = [path for case in plan.cases for path in (case.image_path, *case.label_paths)]
    targets = {case.name: out / f"{case.name}.tif" for case in plan.cases if case.label_paths}
    for target in targets.values():
        _keep_inputs(target, inputs)
    rows = []
    refused = RefusedFiles(len(plan.cases))
    for item in checked_cases(plan, reading, refused, pixel_size_nm=pixel_size_nm):
        if not item.case.label_paths:
            notice(f"{item.case.image_path.name} has no labels.")
            continue
        new, report = read_case(item.case, reading, pixel_size_nm=pixel_size_nm)
        if new.labels_yx is not None and report is not None:
            facts = FileFacts(pixel_size_nm=new.image.pixel_size.nm, scheme=reading.scheme, image=new.name)
            write_label_tiff(targets[new.name], new.labels_yx, facts)
            if new.objects is not None:
                write_object_tiff(objects_target(targets[new.name]), new.objects.ids_yx, facts)
            rows.append(_row(item.case.image_path, list(item.case.label_paths), targets[new.name], report))
    done(f"{counted(len(rows), 'label map')} in {out}")
    return rows, refused


def _size(path: Path, *, is_image: bool) -> tuple[tuple[int, int], float | None, Placement | None]:
    """Rows and columns, and the pixel size and the place that the file states."""
    with open_guarded(path) if is_image else open_label_file(path) as file:
        check_single(file)
        return file.shape_yx, file.pixel_size.nm, file.placement


def _keep_inputs(out: Path, inputs: list[Path]) -> None:
    """Refuse to write over what is read."""
    if any(path.resolve() == out.resolve() for path in inputs):
        raise LabelMapError(f"The label map would overwrite the input file {out}.", "Choose another file or folder.")


def _write(out: Path, result: LabelImport, scheme: LabelScheme, pixel_size_nm: float | None) -> None:
    """By the file's ending."""
    facts = FileFacts(pixel_size_nm=pixel_size_nm, scheme=scheme)
    if out.suffix.lower() == ".png":
        write_label_png(out, result.labels_yx, facts)
    else:
        write_label_tiff(out, result.labels_yx, facts)
    if result.objects is not None:
        write_object_tiff(objects_target(out), result.objects.ids_yx, facts)


def _beside(label_image: Path | None, objects: list[str] | None) -> Path | None:
    """The ids of the objects of a label image; None where --objects is not given with one."""
    if label_image is None or not objects:
        return None
    if len(objects) > 1 or label_image.is_dir():
        raise UsageError(
            "--objects beside --labels takes one file for one label image.",
            "In folders, name the ids as their label images with _objects: a.tif, a_objects.tif.",
        )
    return Path(objects[0])


def _row(image: Path | None, paths: list[Path], out: Path, report: LabelReport) -> dict[str, Any]:
    """One label map in the report."""
    return {
        "image": image.name if image else "",
        "files": [path.name for path in paths],
        "label_map": out.name,
        **report.to_json(),
    }


def _print(report: LabelReport, scheme: LabelScheme) -> None:
    """What the label map holds."""
    pixels = dict(report.class_pixels)
    stdout.print(f"Of {sum(pixels.values()):,} pixels: {shares(pixels, scheme)}", highlight=False, markup=False)
