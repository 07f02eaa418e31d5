"""``segment``: label maps of micrographs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.markup import escape
from rich.table import Table

from core.cli.console import UsageError, done, notice, progress_bar, stdout
from core.cli.model import find_model, model_warning, warn_of
from core.cli.pixel_size import pixel_size_option
from core.cli.refused import RefusedFiles
from core.errors import ImageError, PredictionError
from core.familiarity.verdict import Level, Verdict
from core.files import replacing, write_json
from core.imaging.display import percentile_window, to_display
from core.imaging.guarded_micrograph import GuardedMicrograph, open_guarded
from core.imaging.image import Image
from core.imaging.overlay import OverlayStyle, render_overlay
from core.labels.files import FileFacts, write_label_tiff, write_object_tiff
from core.morphometry.coverage import ClassCoverage, coverage_table
from core.morphometry.doubts import count_text, interval_words
from core.morphometry.words import three_digits
from core.objects.asking import questions_of
from core.objects.question_files import questions_target, write_doubts
from core.objects.report import ClassCleaning, clean_prediction, cleaning_sentence
from core.objects.separating import object_ids
from core.segmentation.array_sink import ArraySink
from core.segmentation.parting import PartingRows
from core.segmentation.resampling import taken_pixel_size
from core.settings import BackendChoice, Precision, current_settings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.models.store import StoredModel
    from core.segmentation.prediction_summary import PredictionSummary


_NOTHING_CLEANED: tuple[ClassCleaning, ...] = ()


def segment(
    image: Annotated[list[Path], typer.Argument(help="Micrographs: PNG, JPEG, TIFF, OME-TIFF, MRC, NIfTI.")],
    out: Annotated[
        Path | None, typer.Option(help="Label map to write (.tif); a folder when there are several images.")
    ] = None,
    model: Annotated[str, typer.Option(help="Model id or model folder. Empty: the default model.")] = "",
    overlay: Annotated[Path | None, typer.Option(help="Overlay image to write (.png), or a folder.")] = None,
    json: Annotated[Path | None, typer.Option(help="Coverage and settings to write (.json), or a folder.")] = None,
    pixel_size: Annotated[float | None, pixel_size_option("Pixel size, if it is missing or wrong in the file.")] = None,
    page: Annotated[
        list[int] | None,
        typer.Option(min=1, help="Page of a multi-page file, counted from 1; repeatable."),
    ] = None,
    step: Annotated[float, typer.Option(min=0.1, max=1.0, help="Tile step as a fraction of the tile size.")] = 0.5,
    mirroring: Annotated[bool, typer.Option(help="Test-time augmentation by mirroring; up to 4x slower.")] = False,
    backend: Annotated[
        BackendChoice | None,
        typer.Option(metavar="NAME", help=f"Library that runs the network: {', '.join(BackendChoice)}."),
    ] = None,
    precision: Annotated[
        Precision | None, typer.Option(help=("Number precision: exact (float32), or the fastest on this machine."))
    ] = None,
    clean: Annotated[bool, typer.Option(help="Remove objects below the minimum sizes learned by the model.")] = True,
    project: Annotated[
        str, typer.Option(help="Queue the images for the engine and add them to this project (name or id).")
    ] = "",
    who: Annotated[str, typer.Option("--as", help="With --project: your name.")] = "",
    wait: Annotated[bool, typer.Option(help="With --project: wait until all images are segmented.")] = False,
) -> None:
    """Segment micrographs.

    Example: `python -m core segment liver.tif --out labels.tif --overlay overlay.png --json labels.json`

    Several images with another model: `python -m core segment *.tif --model round-2 --out labels/`

    In a project, by the engine in the background:
    `python -m core segment *.tif --project "My images" --model round-2`

    All pages of a multi-page file are segmented, into files numbered by page: `stack_page_07.tif`.
    """
    if project:
        _refuse_files(out=out, overlay=overlay, json=json, page=page)
        from core.cli.segment_project import segment_into

        segment_into(
            project, image, model_id=model, pixel_size_nm=pixel_size, step=step, mirroring=mirroring, who=who, wait=wait
        )
        return
    if out is None:
        raise UsageError(
            "No output is specified.", ("Use --out FILE, or --project NAME to queue the images for the engine.")
        )
    from core.segmentation.predictor import Predictor

    settings = current_settings()
    stored = find_model(model)
    refused = RefusedFiles(len(image))
    sources = _sources(image, page, settings.max_image_px, refused)
    several = len(set(image)) > 1  # also where only one of them can be read: the folder was meant as one
    targets = _targets(out, sources, ".tif", several=several)
    overlays = _targets(overlay, sources, ".png", several=several) if overlay else None
    summaries = _targets(json, sources, ".json", several=several) if json else None
    warn_of(stored)
    predictor = Predictor(
        stored,
        backend=backend or settings.backend,
        precision=precision or settings.precision,
        threads=settings.resolved_threads,
        cache_dir=settings.data_dir / "cache",
    )
    for number, source in enumerate(sources):
        loaded = None
        with refused.boundary(source.title):
            loaded = source.file.read(source.page)
        if loaded is None:
            continue
        for text in loaded.notices:
            notice(f"{source.title}: {text}")
        sink, found = ArraySink(loaded.shape), list[PartingRows]()
        with progress_bar(source.title) as progress:
            summary = predictor.predict(
                loaded,
                sink,
                pixel_size_nm=pixel_size,
                step=step,
                mirroring=mirroring,
                on_progress=lambda fraction, message, _: progress(fraction, message),
                take_parting=found.append,
            )
        verdict = Verdict.from_json(summary.verdict)
        if verdict.level in (Level.DIFFERENT, Level.UNSEEN):
            notice(f"{source.title}: {verdict.sentence} {verdict.error_sentence}")
        for text in summary.notices:
            notice(f"{source.title}: {text}")
        used_nm = summary.pixel_size_nm
        labels_yx, cleaning, rules = sink.labels_yx, _NOTHING_CLEANED, stored.card.object_rules
        separation, parting = stored.card.separation, found[0] if found else None
        rules_nm = taken_pixel_size(used_nm, stored.pixel_size_nm)
        if clean and rules.rules:
            labels_yx, cleaning = clean_prediction(labels_yx, rules, rules_nm, stored.scheme, separation, parting)
            notice(f"{source.title}: {cleaning_sentence(cleaning) or 'No objects below the minimum size.'}")
        objects = object_ids(labels_yx, parting, separation, rules.limits(rules_nm))
        questions = questions_of(labels_yx, objects, parting, separation, rules.limits(rules_nm))
        rows = coverage_table(labels_yx, stored.scheme, used_nm, objects=objects, doubts=questions.doubts())
        facts = FileFacts(
            pixel_size_nm=used_nm,
            scheme=stored.scheme,
            image=loaded.name,
            made_by=f"prediction of {stored.card.name} ({stored.id})",
        )
        write_label_tiff(targets[number], labels_yx, facts)
        if objects is not None:
            ids_path = targets[number].with_name(f"{targets[number].stem}_objects.tif")
            write_object_tiff(ids_path, objects.ids_yx, facts)
            done(f"Ids of objects: {ids_path}")
            write_doubts(questions_target(targets[number]), questions.doubts(), labels_yx)
        if overlays:
            _write_overlay(overlays[number], loaded, labels_yx, stored, used_nm)
        if summaries:
            write_json(summaries[number], _summary_json(source, stored, used_nm, rows, summary, cleaning))
        _print(source.title, rows)
        done(f"Label map: {targets[number]}")
    refused.end()


@dataclass(frozen=True, slots=True)
class _Source:
    """One page to segment.

    `suffix` is what its results' names have behind that of the file: empty where the file has one page.
    """

    path: Path
    file: GuardedMicrograph
    page: int
    suffix: str

    @property
    def title(self) -> str:
        """The file, and its page where it has several."""
        return self.path.name if self.file.pages == 1 else f"{self.path.name}, page {self.page + 1}"


def _refuse_files(**given: object) -> None:
    """Options that mean files beside the project."""
    named = [f"--{name}" for name, value in given.items() if value]
    if named:
        raise UsageError(
            f"{', '.join(named)} cannot be used with --project.",
            "The engine keeps the label maps in the project; export them from there.",
        )


def _sources(paths: list[Path], wanted: list[int] | None, max_px: int, refused: RefusedFiles) -> list[_Source]:
    """Every page to segment; which ones is said for files of several pages. Unreadable files go to ``refused``.

    Raises
    ------
    PredictionError
        A file has no such page.
    ImageError
        No file can be read.
    """
    sources = []
    for path in paths:
        file = None
        with refused.boundary(path.name):
            file = open_guarded(path, max_px=max_px)
        if file is None:
            continue
        pages = sorted(set(wanted)) if wanted else list(range(1, file.pages + 1))
        missing = [page for page in pages if page > file.pages]
        if missing:
            raise PredictionError(
                f"{path.name} has no page {missing[0]}.", f"It has {file.pages} page(s), counted from 1."
            )
        if file.pages > 1:
            chosen = "all are" if len(pages) == file.pages else f"page {', '.join(map(str, pages))} of them is"
            notice(f"{path.name} has {file.pages} pages; {chosen} segmented.")
        digits = len(str(file.pages))
        named = file.pages > 1 and (len(pages) > 1 or len(paths) > 1)
        sources += [_Source(path, file, page - 1, f"_page_{page:0{digits}d}" if named else "") for page in pages]
    if not sources:
        refused.show()
        raise ImageError("No images can be read.", "Fix the problems listed above.")
    return sources


def _targets(given: Path, sources: list[_Source], suffix: str, *, several: bool) -> list[Path]:
    """The file to write for each page: as given, or one per page in the given folder; never an image itself."""
    targets = [_target(given, source, suffix, several=several) for source in sources]
    inputs = {source.path.resolve() for source in sources}
    for number, target in enumerate(targets):
        if target.resolve() in inputs:
            raise PredictionError(
                f"The result would overwrite the input image {target}.",
                "Choose another output file or folder.",
            )
        if target in targets[:number]:
            raise PredictionError(
                f"Several images would be written to {target}.",
                "Segment them one by one, or rename them: results have the names of the images.",
            )
    return targets


def _target(given: Path, source: _Source, suffix: str, *, several: bool) -> Path:
    """The file to write for one page."""
    if several and given.suffix and not given.is_dir():
        raise UsageError(
            f"Several images cannot all be written to {given}.", "Specify a folder without file extension."
        )
    if several or given.is_dir() or (source.suffix and not given.suffix):
        name = source.path.name.removesuffix(".gz")
        return given / f"{Path(name).stem}{source.suffix}{suffix}"
    return given.with_name(f"{given.stem}{source.suffix}{given.suffix}") if source.suffix else given


def _write_overlay(
    path: Path, image: Image, labels_yx: NDArray[np.uint8], model: StoredModel, pixel_size_nm: float | None
) -> None:
    """Write the overlay picture."""
    display = to_display(image.pixels_yx, *percentile_window(image.pixels_yx))
    figure = render_overlay(display, labels_yx, model.scheme, pixel_size_nm, OverlayStyle())
    with replacing(path) as temporary:
        figure.save(temporary, format="PNG")


def _summary_json(
    source: _Source,
    model: StoredModel,
    pixel_size_nm: float | None,
    rows: tuple[ClassCoverage, ...],
    summary: PredictionSummary,
    cleaning: tuple[ClassCleaning, ...],
) -> dict[str, Any]:
    """What was done and found, as plain values."""
    return {
        "format": "cristae-segmentation",
        "version": 1,
        "image": source.path.name,
        "page": source.page + 1,
        "pages": source.file.pages,
        "model": {"id": model.id, "name": model.card.name, "warning": model_warning(model)},
        "pixel_size_nm": pixel_size_nm,
        "verdict": {**summary.verdict, "sentence": Verdict.from_json(summary.verdict).sentence},
        "prediction": asdict(summary),
        "coverage": [row.to_json() for row in rows],
        "cleaning": [row.to_json() for row in cleaning],
    }


def _print(title: str, rows: tuple[ClassCoverage, ...]) -> None:
    """Coverage as a table."""
    table = Table(title=title)
    table.add_column("class")
    for column in ("pixels", "%", "µm²", "objects"):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(
            row.name,
            f"{row.pixels:,}",
            "–" if np.isnan(row.fraction) else f"{row.fraction * 100:.2f}",
            three_digits(row.area_um2),
            "–" if row.objects is None else count_text(row.objects, row.interval),
        )
    stdout.print(table)
    for row in rows:
        if row.interval is not None:
            stdout.print(f"{escape(row.name)}: {row.objects:,} objects, {interval_words(row.interval)}.")
