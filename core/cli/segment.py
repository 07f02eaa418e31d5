"""``segment``: label maps of micrographs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.table import Table

from core.cli.console import done, notice, progress_bar, stdout
from core.cli.model import find_model
from core.errors import PredictionError
from core.files import replacing, write_json
from core.imaging.display import percentile_window, to_display
from core.imaging.image import Image
from core.imaging.label_files import FileFacts, write_label_tiff
from core.imaging.overlay import OverlayStyle, render_overlay
from core.imaging.reader import open_micrograph
from core.morphometry.coverage import ClassCoverage, coverage_table
from core.morphometry.words import three_digits
from core.segmentation.array_sink import ArraySink
from core.settings import BackendChoice, Precision, current_settings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.segmentation.model_store import StoredModel
    from core.segmentation.prediction_summary import PredictionSummary


def segment(
    image: Annotated[list[Path], typer.Argument(help="Micrographs: PNG, JPEG, TIFF, OME-TIFF, MRC, NIfTI.")],
    out: Annotated[Path, typer.Option(help="Label map to write (.tif); a folder when there are several images.")],
    model: Annotated[
        str, typer.Option(help="Id in the model store, or a model folder. Empty: the default model.")
    ] = "",
    overlay: Annotated[Path | None, typer.Option(help="Overlay picture to write (.png), or a folder.")] = None,
    json: Annotated[Path | None, typer.Option(help="Coverage and settings to write (.json), or a folder.")] = None,
    pixel_size: Annotated[
        float | None, typer.Option(help="Edge of a pixel in nm, where the file does not say or is wrong.")
    ] = None,
    page: Annotated[int, typer.Option(min=1, help="Page of a multi-page file, counted from 1.")] = 1,
    step: Annotated[float, typer.Option(min=0.1, max=1.0, help="Tile step as a share of the tile.")] = 0.5,
    mirroring: Annotated[bool, typer.Option(help="Average over mirrored copies: up to four times slower.")] = False,
    backend: Annotated[
        BackendChoice | None,
        typer.Option(metavar="NAME", help=f"Library that runs the network: {', '.join(BackendChoice)}."),
    ] = None,
    precision: Annotated[Precision | None, typer.Option(help="exact is float32; fast is the quickest here.")] = None,
) -> None:
    """Segment micrographs.

    Example: `python -m core segment liver.tif --out labels.tif --overlay overlay.png --json labels.json`

    Several at once, with a model of your own: `python -m core segment *.tif --model round-2 --out labels/`
    """
    from core.segmentation.predictor import Predictor

    settings = current_settings()
    stored = find_model(model)
    if stored.card.warning:
        notice(stored.card.warning)
    predictor = Predictor(
        stored,
        backend=backend or settings.backend,
        precision=precision or settings.precision,
        threads=settings.resolved_threads,
        cache_dir=settings.data_dir / "cache",
    )
    targets = _targets(out, image, ".tif")
    overlays = _targets(overlay, image, ".png") if overlay else None
    summaries = _targets(json, image, ".json") if json else None
    for number, path in enumerate(image):
        with open_micrograph(path, max_px=settings.max_image_px) as micrograph:
            loaded = micrograph.read(page - 1)
        for text in loaded.notices:
            notice(f"{path.name}: {text}")
        sink = ArraySink(loaded.shape)
        with progress_bar(path.name) as progress:
            summary = predictor.predict(
                loaded,
                sink,
                pixel_size_nm=pixel_size,
                step=step,
                mirroring=mirroring,
                on_progress=lambda fraction, message, _: progress(fraction, message),
            )
        for text in summary.notices:
            notice(f"{path.name}: {text}")
        used_nm = summary.pixel_size_nm
        rows = coverage_table(sink.labels_yx, stored.scheme, used_nm)
        facts = FileFacts(
            pixel_size_nm=used_nm,
            scheme=stored.scheme,
            image=path.name,
            made_by=f"prediction of {stored.card.name} ({stored.id})",
        )
        write_label_tiff(targets[number], sink.labels_yx, facts)
        if overlays:
            _write_overlay(overlays[number], loaded, sink.labels_yx, stored, used_nm)
        if summaries:
            write_json(summaries[number], _summary_json(path, stored, used_nm, rows, summary))
        _print(path, rows)
        done(f"Label map: {targets[number]}")


def _targets(given: Path, images: list[Path], suffix: str) -> list[Path]:
    """The file to write for each image: as given, or one per image in the given folder; never an image itself."""
    targets = [_target(given, image, suffix, several=len(images) > 1) for image in images]
    inputs = {image.resolve() for image in images}
    for number, target in enumerate(targets):
        if target.resolve() in inputs:
            raise PredictionError(
                f"The result would replace the image {target}.", "Name another file or folder for the results."
            )
        if target in targets[:number]:
            raise PredictionError(
                f"Several images would be written to {target}.",
                "Segment them one by one, or rename them: results are named as their images.",
            )
    return targets


def _target(given: Path, image: Path, suffix: str, *, several: bool) -> Path:
    """The file to write for one image."""
    if several and given.suffix and not given.is_dir():
        raise PredictionError(
            f"Several images cannot all be written to {given}.", "Name a folder for the results, without a suffix."
        )
    if several or given.is_dir():
        name = image.name.removesuffix(".gz")
        return given / f"{Path(name).stem}{suffix}"
    return given


def _write_overlay(
    path: Path, image: Image, labels_yx: NDArray[np.uint8], model: StoredModel, pixel_size_nm: float | None
) -> None:
    """Write the overlay picture."""
    display = to_display(image.pixels_yx, *percentile_window(image.pixels_yx))
    figure = render_overlay(display, labels_yx, model.scheme, pixel_size_nm, OverlayStyle())
    with replacing(path) as temporary:
        figure.save(temporary, format="PNG")


def _summary_json(
    path: Path,
    model: StoredModel,
    pixel_size_nm: float | None,
    rows: tuple[ClassCoverage, ...],
    summary: PredictionSummary,
) -> dict[str, Any]:
    """What was done and found, as plain values."""
    return {
        "format": "cristae-segmentation",
        "version": 1,
        "image": path.name,
        "model": {"id": model.id, "name": model.card.name, "warning": model.card.warning},
        "pixel_size_nm": pixel_size_nm,
        "prediction": asdict(summary),
        "coverage": [row.to_json() for row in rows],
    }


def _print(path: Path, rows: tuple[ClassCoverage, ...]) -> None:
    """Coverage as a table."""
    table = Table(title=path.name)
    table.add_column("class")
    for column in ("pixels", "%", "µm²", "objects"):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(
            row.name,
            f"{row.pixels:,}",
            "–" if np.isnan(row.fraction) else f"{row.fraction * 100:.2f}",
            three_digits(row.area_um2),
            "–" if row.objects is None else f"{row.objects:,}",
        )
    stdout.print(table)
