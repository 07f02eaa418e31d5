"""``evaluate``: score predictions against references."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer
from numpy.typing import NDArray

from core.cli.console import done, notice, progress_bar
from core.cli.evaluate_tables import print_report
from core.cli.refused import RefusedFiles
from core.datasets.folder import Case, DatasetFolder, open_dataset, read_classes
from core.datasets.loading import read_one_image
from core.errors import DatasetError, LabelMapError
from core.evaluation.image_scores import ImageScores
from core.evaluation.report import (
    EvaluationReport,
    TestImage,
    build_report,
    resolved_settings,
    score_test_image,
)
from core.evaluation.settings import EvaluationSettings, UnitChoice, parsed_settings
from core.files import write_json
from core.imaging.formats import FORMATS
from core.imaging.object_pyramid import ObjectIds
from core.label_scheme import LabelScheme
from core.labels.guarded_reading import objects_guarded, open_label_file, read_guarded
from core.labels.reading import LabelReading, LabelSource
from core.labels.translation import ClassTranslation, match_classes
from core.outside.links import require_no_link
from core.wording import some_of

_SUFFIXES: Final = tuple(suffix for row in FORMATS for suffix in row.suffixes if row.name != "JPEG")
"""Of label maps: JPEG files change values and are refused."""


def evaluate(
    dataset: Annotated[Path, typer.Option(help="dataset.json or its folder, with the classes and test images.")],
    reference: Annotated[Path, typer.Option(help="Folder with the reference label maps.")],
    prediction: Annotated[Path, typer.Option(help="Folder of predicted label maps with the names of the images.")],
    out: Annotated[Path, typer.Option(help="JSON report to write.")],
    prediction_classes: Annotated[
        Path | None,
        typer.Option(
            help="dataset.json (or its folder) with the classes of the predictions, if their numbers differ from "
            "the dataset's. Default: the one in the prediction folder."
        ),
    ] = None,
    all_images: Annotated[
        bool, typer.Option("--all", help="Score all images with both label maps, not only the test set.")
    ] = False,
    confidence: Annotated[
        Path | None, typer.Option(help="Folder of 8-bit confidence maps; adds the calibration error.")
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(help=("Tolerance of surface Dice (NSD) in nm. Default: two pixels of the median image.")),
    ] = None,
    thin: Annotated[
        str | None, typer.Option(help="Thin classes scored with clDice, comma-separated. Default: chosen by name.")
    ] = None,
    objects: Annotated[
        str | None,
        typer.Option(help=("Classes scored as objects, comma-separated. Default: all classes that are not thin.")),
    ] = None,
    min_object_px: Annotated[int, typer.Option(help="Smallest object in pixels; smaller objects are excluded.")] = 1,
    chosen: Annotated[
        list[str] | None, typer.Option("--set", help="Any other setting as name=value; can be given several times.")
    ] = None,
    intervals: Annotated[
        UnitChoice,
        typer.Option(help="What intervals are over: specimens (else stacks), images, or whichever is recorded."),
    ] = UnitChoice.AUTO,
) -> None:
    """Score predicted label maps against references: overlap, surfaces, topology, objects, calibration.

    Scores of every image and class, means with 95 % intervals, confusion matrix. Definitions: docs/metrics.md.
    Unreadable images are listed at the end and in the report ("unscored"), with exit code 1.

    Example: `python -m core evaluate --dataset vnc/dataset.json --reference vnc/labels --prediction out --out out.json`
    """
    described = open_dataset(dataset.parent if dataset.is_file() else dataset)
    names = _names(described, reference, prediction, all_images=all_images)
    numbers: dict[str, Any] = {"tolerance_nm": tolerance, "min_object_px": min_object_px}
    settings = EvaluationSettings(
        thin_ids=_ids(thin, described.scheme),
        object_ids=_ids(objects, described.scheme),
        intervals_over=intervals,
        **numbers | parsed_settings(chosen or ()),
    )
    cases = {case.name: case for case in described.cases}
    theirs = _prediction_classes(described.scheme, prediction, prediction_classes)
    images = [_test_image(cases[name], reference, prediction, confidence, theirs) for name in names]
    refused = RefusedFiles(len(images))
    report = _report(images, described.scheme, settings, refused)
    write_json(out, report.to_json())
    print_report(report)
    done(f"Report with counts per image: {out}")
    refused.end()


def _report(
    images: Sequence[TestImage], scheme: LabelScheme, settings: EvaluationSettings, refused: RefusedFiles
) -> EvaluationReport:
    """Scores of all images whose files can be read; the report names the others."""
    used = resolved_settings(images, scheme, settings)
    scores: list[ImageScores] = []
    with progress_bar("evaluate") as progress:
        for number, image in enumerate(images, start=1):
            with refused.boundary(image.name):
                scores.append(score_test_image(image, scheme, used))
            progress(number / len(images), image.name)
    if images and not scores:
        refused.show()
        raise DatasetError("No images can be scored; nothing was written.", "Fix the problems listed above.")
    unscored = {refusal.where: refusal.cause for refusal in refused.refusals}
    return build_report(scores, scheme, used, unscored=unscored)


def _prediction_classes(scheme: LabelScheme, prediction: Path, given: Path | None) -> ClassTranslation:
    """What the numbers of the predictions mean: matched by name where it is said, else as in the dataset."""
    source = given or (prediction if (prediction / "dataset.json").is_file() else None)
    if source is None:
        return match_classes(scheme, scheme)
    translation = match_classes(read_classes(source), scheme)
    if not translation.any_in_common:
        raise LabelMapError(
            f"The predictions have other classes ({', '.join(translation.left_out)}) than the dataset "
            f"({', '.join(item.name for item in scheme.classes)}).",
            "Use the same class names in both dataset.json files.",
        )
    for sentence in translation.sentences("The prediction"):
        notice(sentence)
    return translation


def _test_image(
    case: Case, reference: Path, prediction: Path, confidence: Path | None, theirs: ClassTranslation
) -> TestImage:
    """One image of the test set; its files are read when its turn comes."""
    return TestImage(
        case.name,
        lambda: _labels(reference, case, case.scheme),
        lambda: theirs.translated(_labels(prediction, case, theirs.source)),
        case.group,
        case.pixel_size_nm,
        None if confidence is None else lambda: _confidence(confidence, case.name),
        _ids_of(reference, case, case.scheme),
        _ids_of(prediction, case, case.scheme),
        "" if case.facts is None else case.facts.specimen,
    )


def _ids_of(folder: Path, case: Case, scheme: LabelScheme) -> Callable[[NDArray[np.uint8]], ObjectIds | None] | None:
    """Ids of the objects of a label map: NAME_objects.tif beside it, or objects/NAME.tif beside its folder."""
    found = _find(folder, f"{case.name}_objects") or _find(folder.parent / "objects", case.name)
    if found is None:
        return None
    path = found

    def read(labels_yx: NDArray[np.uint8]) -> ObjectIds | None:
        objects, counts, remarks = objects_guarded(path, labels_yx, scheme)
        for sentence in (*(count.sentence for count in counts), *remarks):
            notice(sentence)
        return objects

    return read


def _labels(folder: Path, case: Case, scheme: LabelScheme) -> NDArray[np.uint8]:
    """A label map of a folder."""
    path = _file(folder, case.name)
    with open_label_file(path) as opened:
        return read_guarded(LabelReading(LabelSource.IMAGE, scheme), (path,), opened.shape_yx).labels_yx


def _confidence(folder: Path, name: str) -> NDArray[np.uint8]:
    """An 8-bit confidence map of a folder."""
    path = _file(folder, name)
    pixels = read_one_image(path).pixels_yx
    if pixels.dtype != np.uint8:
        raise LabelMapError(
            f"{path.name} is {pixels.dtype}, not 8-bit.", "Give confidence as 0 to 255, as `segment` writes it."
        )
    return pixels.astype(np.uint8)


def _ids(names: str | None, scheme: LabelScheme) -> tuple[int, ...] | None:
    """Ids of comma-separated class names; None for none given."""
    if names is None:
        return None
    known = {item.name.casefold(): item.id for item in scheme.classes}
    wanted = [name.strip().casefold() for name in names.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise LabelMapError(
            f"There is no class {', '.join(unknown)}.", f"The classes are {', '.join(c.name for c in scheme.classes)}."
        )
    return tuple(known[name] for name in wanted)


def _names(described: DatasetFolder, reference: Path, prediction: Path, *, all_images: bool) -> list[str]:
    """The images to score; missing files of the test set are an error, not a smaller test set."""
    cases = [case.name for case in described.cases]
    if all_images:
        return [name for name in cases if _find(reference, name) and _find(prediction, name)]
    names = [case.name for case in described.cases if case.split == "test"]
    if not names:
        raise DatasetError(
            "dataset.json names no test images.", 'List them under "test", or score every image with --all.'
        )
    for what, folder in (("reference", reference), ("prediction", prediction)):
        missing = [name for name in names if not _find(folder, name)]
        if missing:
            raise DatasetError(
                f"{len(missing)} of {len(names)} test images have no {what} in {folder}: {some_of(missing)}.",
                "Add them, or score only the images that have both with --all.",
            )
    return names


def _find(folder: Path, name: str) -> Path | None:
    """The label map of an image, whatever its format."""
    return next((path for suffix in _SUFFIXES if (path := folder / f"{name}{suffix}").is_file()), None)


def _file(folder: Path, name: str) -> Path:
    """As `_find`, or an error."""
    path = _find(folder, name)
    if path is None:
        raise DatasetError(
            f"{folder} has no file of {name}.",
            (f"Add a file named {name} with one of the extensions {', '.join(_SUFFIXES)}."),
        )
    require_no_link(path)
    return path
