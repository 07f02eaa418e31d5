"""Files that people take away: label map, overlay picture, coverage table, OME-Zarr."""

from __future__ import annotations

import csv
import io
import json
import math
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage

from core.cache import MB, remembered
from core.errors import CristaeError, NotFoundError, StoreError
from core.files import explained_os_errors
from core.imaging.display import to_display
from core.imaging.names import file_stem
from core.imaging.overlay import OverlayStyle, render_overlay
from core.imaging.png_writing import write_png
from core.imaging.pyramid import Pyramid, open_pyramid
from core.imaging.pyramid_layout import OBJECTS, with_colors
from core.labels.files import (
    STRIP_ROWS,
    FileFacts,
    write_label_png_by_rows,
    write_label_tiff_by_rows,
    write_object_tiff_by_rows,
)
from core.models.card import ModelCard, read_json
from core.models.stored_model import CARD_FILE
from core.morphometry.coverage import area_um2
from core.morphometry.doubts import interval_json, interval_of
from core.objects.report import ClassCleaning
from core.predictions.cleaning import cleaning_of
from core.predictions.verdicts import VERDICT_COLUMNS, verdict_texts
from core.spreadsheets import CSV_TYPE, not_a_formula
from core.store.label_maps import (
    REWRITTEN,
    coverage_of,
    label_classes,
    open_label_map,
    program_of,
    require_project_classes,
)
from core.store.records import ImageRecord, RevisionKind, RevisionRecord, RevisionState
from core.store.revisions import SIDE_FILES
from core.store.store import Store

Options = Mapping[str, str]
Rendered = tuple[Path | bytes, str, str]

DEFAULT_OVERLAY_PX: Final = 4096
"""Longest edge of an overlay picture unless asked otherwise; larger images are shown at the next pyramid level."""

MAX_OVERLAY_PX: Final = 16384


def render_download(store: Store, revision_id: str, what: str, options: Options) -> Rendered:
    """Make one of the downloads of a label map.

    Parameters
    ----------
    store
        Where the image and its label map are.
    revision_id
        A complete revision.
    what
        One of `DOWNLOADS`.
    options
        For overlay.png: ``opacity`` (0 to 1), ``outline`` (1), ``palette`` ("safe"), ``classes`` ("1,3"), ``max_px``.

    Returns
    -------
    tuple
        The bytes, or the path of a temporary file that the caller removes; its media type; its file name.

    Raises
    ------
    NotFoundError
        No such revision or download.
    StoreError
        The label map is still being written.
    """
    if what not in DOWNLOADS:
        raise NotFoundError(f"There is no download {what!r}.", f"There are {', '.join(DOWNLOADS)}.")
    revision = store.revisions.get(revision_id)
    if revision.state is not RevisionState.COMPLETE:
        raise StoreError("This label map is still being written.", "Wait until its prediction has finished.")
    image = store.images.get(revision.image_id)
    media_type, render = DOWNLOADS[what]
    return render(LabelledImage(store, image, revision), options), media_type, f"{file_stem(image.name)}_{what}"


def maker_of(store: Store, revision: RevisionRecord) -> str:
    """What made a prediction: "Liver 2 (liver-2)" for a model, the name of another program; "" for people's work."""
    if revision.kind is not RevisionKind.PREDICTION:
        return ""
    if revision.model_id is None:
        return program_of(revision)
    card = store.settings.models_dir / revision.model_id / CARD_FILE
    try:
        name = _model_name(card, card.stat().st_mtime_ns)
    except OSError:  # the model is gone, its label maps stay
        return revision.model_id
    return f"{name} ({revision.model_id})" if name else revision.model_id


@remembered("names of models", "names on the cards of models", limit_bytes=MB)
def _model_name(card: Path, _: int) -> str:
    """Of a model's card as it was written last; "" where it cannot be read."""
    try:
        return ModelCard.from_json(read_json(card), str(card)).name
    except CristaeError:
        return ""


def made_by(store: Store, revision: RevisionRecord) -> str:
    """Where a label map comes from, in words: "prediction of Liver 2 (liver-2)", "correction by Ada"."""
    maker = maker_of(store, revision)
    if maker:
        return f"prediction of {maker}"
    return f"{revision.kind.value} by {revision.author}" if revision.author else revision.kind.value


def write_figure(path: Path, figure: PilImage.Image, facts: FileFacts) -> None:
    """An RGB picture with its scale and what its colours mean."""
    pixels = np.asarray(figure)
    write_png(
        path,
        (figure.height, figure.width),
        lambda top, bottom: pixels[top:bottom],
        samples=3,
        pixel_size_nm=facts.pixel_size_nm,
        texts=facts.texts,
        level=3,
        grain=True,
    )


class LabelledImage:
    """What files are made from: an image with one of its label maps; pixels are read when needed."""

    def __init__(self, store: Store, image: ImageRecord, revision: RevisionRecord) -> None:
        self.store = store
        self.image = image
        self.revision = revision
        self.scheme = label_classes(store, revision)

    @property
    def labels(self) -> Pyramid:
        """The label pyramid."""
        return open_label_map(self.store, self.revision)

    @property
    def has_objects(self) -> bool:
        """Whether ids tell the objects of any class apart."""
        return bool(self.labels.object_classes)

    @property
    def micrograph(self) -> Pyramid:
        """The image pyramid."""
        return open_pyramid(self.store.images.pyramid_path(self.image.id))

    @property
    def facts(self) -> FileFacts:
        """What the files say of themselves."""
        return FileFacts(
            pixel_size_nm=self.image.pixel_size.nm,
            scheme=self.scheme,
            image=self.image.name,
            made_by=made_by(self.store, self.revision),
        )

    def temporary(self, suffix: str) -> Path:
        """A name for a file that the caller removes."""
        folder = self.store.settings.downloads_dir
        with explained_os_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{uuid.uuid4().hex}{suffix}"


def write_label_map(source: LabelledImage, path: Path) -> None:
    """Class ids as .tif or .png, by the path's ending, band by band."""
    write = write_label_tiff_by_rows if path.suffix == ".tif" else write_label_png_by_rows
    write(path, source.labels.shape_yx, label_rows(source.labels), source.facts)


def write_objects(source: LabelledImage, path: Path) -> None:
    """Ids of objects as a 32-bit .tif, band by band; only of a label map that has ids."""
    labels = source.labels
    write_object_tiff_by_rows(path, labels.shape_yx, object_rows(labels), source.facts)


def object_rows(labels: Pyramid) -> Callable[[int, int], NDArray[np.uint32]]:
    """Reads bands of rows of ids at full size: 0 where a label map has none."""

    def rows(top: int, bottom: int) -> NDArray[np.uint32]:
        band, everything = slice(top, bottom), slice(0, labels.shape_yx[1])
        classes = np.asarray(labels.read(0, band, everything), np.uint8)
        objects = labels.object_ids(band, everything)
        if objects is None:
            return np.zeros(classes.shape, np.uint32)
        return np.where(objects.valid(classes), objects.ids_yx, np.uint32(0))

    return rows


def _objects_tiff(source: LabelledImage, _: Options) -> Path:
    if not source.has_objects:
        raise NotFoundError(
            "This label map has no ids of objects: its connected pieces are its objects.", "Download the label map."
        )
    path = source.temporary(".tif")
    write_objects(source, path)
    return path


def _labels_tiff(source: LabelledImage, _: Options) -> Path:
    path = source.temporary(".tif")
    write_label_map(source, path)
    return path


def _labels_png(source: LabelledImage, _: Options) -> Path:
    path = source.temporary(".png")
    write_label_map(source, path)
    return path


def label_rows(labels: Pyramid) -> Callable[[int, int], NDArray[np.uint8]]:
    """Reads bands of rows of a label map at full size."""

    def rows(top: int, bottom: int) -> NDArray[np.uint8]:
        return np.asarray(labels.read(0, slice(top, bottom), slice(0, labels.shape_yx[1])), np.uint8)

    return rows


def _overlay_png(source: LabelledImage, options: Options) -> Path:
    path = source.temporary(".png")
    write_overlay(source, options, path)
    return path


def overlay_edge_px(options: Options) -> int:
    """Longest edge of an overlay picture, as asked for and within what picture viewers open."""
    return min(int(_number(options, "max_px", DEFAULT_OVERLAY_PX)), MAX_OVERLAY_PX)


def write_overlay(source: LabelledImage, options: Options, path: Path) -> None:
    """The figure, at the finest level whose longest edge is within the limit; options as in `render_download`."""
    longest = overlay_edge_px(options)
    labels, micrograph = source.labels, source.micrograph
    level = next((i for i in range(labels.levels) if max(labels.level_shape(i)) <= longest), labels.levels - 1)
    pixel_size = source.image.pixel_size.nm
    chosen = [int(i) for i in options.get("classes", "").split(",") if i.strip().isdecimal()]
    style = OverlayStyle(
        opacity=min(max(_number(options, "opacity", 0.45), 0.0), 1.0),
        outline=options.get("outline") == "1",
        safe_colors=options.get("palette") == "safe",
        class_ids=frozenset(chosen) if "classes" in options else None,
    )
    low, high = source.image.window
    level_nm = None if pixel_size is None else pixel_size * 2**level
    figure = render_overlay(
        _displayed(micrograph, level, low, high),
        labels.whole(level),
        source.scheme,
        level_nm,
        style,
    )
    write_figure(path, figure, replace(source.facts, pixel_size_nm=level_nm))


COVERAGE_COLUMNS: Final = (
    "image", "model", "class_id", "class", "pixels", "percent", "area_um2", "objects", "pixel_size_nm",
    "counted_by", "pixels_before_cleaning", "objects_before_cleaning", "smallest_object_um2", "smallest_object_px",
    "objects_low", "objects_high", "unanswered_questions", *VERDICT_COLUMNS,
)  # fmt: skip


def coverage_rows(source: LabelledImage) -> list[list[object]]:
    """The coverage table, a row per class with the cells of `COVERAGE_COLUMNS`; undefined ones are empty."""
    size = source.image.pixel_size.nm
    cleaned = {row.class_id: row for row in cleaning_of(source.revision)}
    verdict = [not_a_formula(text) for text in verdict_texts(source.store, source.revision)]
    rows: list[list[object]] = []
    for row in coverage_of(source.store, source.revision):
        area = area_um2(row["pixels"], size)
        rows.append(
            [
                not_a_formula(source.image.name),
                source.revision.model_id or "",
                row["class_id"],
                not_a_formula(row["name"]),
                row["pixels"],
                "" if row["fraction"] is None else f"{row['fraction'] * 100:.4f}",
                "" if area is None else f"{area:.6g}",
                "" if row["objects"] is None else row["objects"],
                "" if size is None else f"{size:g}",
                row.get("counted_by", "") if row["class_id"] else "",
                *_before_cleaning(cleaned.get(row["class_id"])),
                *("" if value is None else value for value in interval_json(interval_of(row)).values()),
                *verdict,
            ]
        )
    return rows


def _before_cleaning(row: ClassCleaning | None) -> tuple[object, ...]:
    """Pixels and objects before pieces were removed, and the smallest object; empty where nothing is known of that."""
    if row is None:
        return ("", "", "", "")
    smallest = "" if row.smallest_um2 is None else f"{row.smallest_um2:.6g}"
    return (row.pixels_before, row.objects_before, smallest, f"{row.smallest_px:.6g}")


def _coverage_csv(source: LabelledImage, _: Options) -> bytes:
    """The coverage table, with where the numbers come from in its columns."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(COVERAGE_COLUMNS)
    writer.writerows(coverage_rows(source))
    return buffer.getvalue().encode("utf-8-sig")


def _ome_zarr_zip(source: LabelledImage, _: Options) -> Path:
    """The image with its label map as one OME-Zarr: ``<name>.ome.zarr/`` with ``labels/organelles/`` inside."""
    path = source.temporary(".zip")
    root = f"{file_stem(source.image.name)}.ome.zarr"
    try:
        with explained_os_errors(path), zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for inside, content in ome_zarr_files(source):
                if isinstance(content, Path):
                    archive.write(content, f"{root}/{inside}")
                else:
                    archive.writestr(f"{root}/{inside}", content)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def ome_zarr_files(source: LabelledImage) -> Iterator[tuple[str, Path | bytes]]:
    """Path inside the OME-Zarr to its file or content: the image, and its label map under labels/organelles.

    Raises
    ------
    LabelMapError
        An earlier version wrote the label map in other classes; files are copied as they are.
    """
    require_project_classes(source.store, source.revision)
    group = {
        "zarr_format": 3,
        "node_type": "group",
        "attributes": {
            "ome": {"version": "0.5", "labels": ["organelles", *(["objects"] if source.has_objects else [])]}
        },
    }
    yield from _files_of(source.micrograph.path, "")
    yield "labels/zarr.json", json.dumps(group).encode()
    for inside, file in _files_of(source.labels.path, "labels/organelles/"):
        if inside.startswith(_OWN_OBJECTS):  # a label image of its own for other viewers
            yield f"labels/objects/{inside.removeprefix(_OWN_OBJECTS)}", file
            continue
        own = inside == "labels/organelles/zarr.json"
        yield inside, json.dumps(with_colors(json.loads(file.read_bytes()), source.scheme)).encode() if own else file


_OWN_OBJECTS: Final = f"labels/organelles/{OBJECTS}/"


def _files_of(folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    """All files of a pyramid, under another name."""
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.name != REWRITTEN and not any(name in file.name for name in SIDE_FILES):
            yield f"{prefix}{file.relative_to(folder).as_posix()}", file


def _displayed(micrograph: Pyramid, level: int, low: float, high: float) -> NDArray[np.uint8]:
    """All pixels of a level in 8 bits for the screen; one band of chunks is held as the file has it."""
    rows, columns = micrograph.level_shape(level)
    shown = np.empty((rows, columns), np.uint8)
    for top in range(0, rows, STRIP_ROWS):
        band = slice(top, min(top + STRIP_ROWS, rows))
        shown[band] = to_display(micrograph.read(level, band, slice(0, columns)), low, high)
    return shown


def _number(options: Options, name: str, default: float) -> float:
    """A finite number from a query, or the default where it is none."""
    try:
        value = float(options.get(name, default))
    except ValueError:
        return default
    return value if math.isfinite(value) else default


DOWNLOADS: Final[dict[str, tuple[str, Callable[[LabelledImage, Options], Path | bytes]]]] = {
    "labels.tif": ("image/tiff", _labels_tiff),
    "labels.png": ("image/png", _labels_png),
    "objects.tif": ("image/tiff", _objects_tiff),
    "overlay.png": ("image/png", _overlay_png),
    "coverage.csv": (CSV_TYPE, _coverage_csv),
    "ome-zarr.zip": ("application/zip", _ome_zarr_zip),
}
"""Name to media type and renderer."""
