"""Making a package: image by image, file by file, onto the disk. What fails is named and does not stop the rest."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.access.roles import Permission, require
from core.errors import CristaeError, DatasetError, JobCancelledError, StorageFullError
from core.exports.choice import ChosenMap, chosen_maps
from core.exports.dataset import DatasetFiles
from core.exports.files import Made, Part, image_files, micrograph_file
from core.exports.label_maps import LabelledImage
from core.exports.manifest import PackedFile, PackedImage, manifest_csv, manifest_json, readme
from core.exports.names import distinct_stems
from core.exports.request import ExportRequest, Form
from core.exports.sinks import Sink
from core.exports.tables import CoverageTable, ObjectsTable
from core.files import json_bytes, require_free_space
from core.store.records import ProjectRecord
from core.store.store import Store

Progress = Callable[[float, str], None]
"""Told the fraction, 0 to 1, and the image; may raise `JobCancelledError`."""

_BYTES_PER_PX: Final = 12
"""Free disk asked for before an image: its files and their copies, at their largest."""

_FAILURES: Final = (CristaeError, OSError, ValueError, KeyError, RuntimeError, MemoryError)
"""What reading a damaged or half-deleted image can raise; it costs that file, not the package."""

_TABLES: Final = (Part.COVERAGE, Part.OBJECTS)


@dataclass(frozen=True, slots=True)
class Packed:
    """What became of a package.

    Parameters
    ----------
    images
        Images of which anything is in it.
    files
        How many files it holds.
    left_out
        One sentence for each thing that is missing, with the image's name.
    revision_ids
        Label maps whose pixels or figures are in it.
    """

    images: int
    files: int
    left_out: tuple[str, ...]
    revision_ids: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values for a job's result."""
        return {
            "images": self.images,
            "files": self.files,
            "left_out": list(self.left_out),
            "revision_ids": list(self.revision_ids),
        }


def write_package(
    store: Store, request: ExportRequest, sink: Sink, *, person: str | None, work: Path, progress: Progress
) -> Packed:
    """Write everything that is asked for into a sink.

    Parameters
    ----------
    store
        Where images and label maps are.
    request
        What is asked for.
    sink
        Where it goes.
    person
        Who asks: they may look at the project, and what a blind assignment hides from them is left out. None: whoever
        may read the data folder itself, on the command line.
    work
        A folder on the same disk, for the files of one image at a time.
    progress
        Told how far it is.

    Raises
    ------
    AccessError
        The person may not look at the project.
    DatasetError
        Nothing of what is asked for could be written; the message has the first reason.
    StorageFullError
        The disk is full.
    JobCancelledError
        As ``progress`` raises it.
    """
    if person is not None:
        require(store, request.project_id, person, Permission.VIEW)
    project = store.projects.get(request.project_id)
    chosen = chosen_maps(store, project.id, request.labels, person, request.image_ids)
    there = {each.image.id for each in chosen}
    gone = [image_id for image_id in request.image_ids if image_id not in there]
    with tempfile.TemporaryDirectory(prefix=".export-", dir=work) as folder:
        packer = _Packer(store, project, request, sink, Path(folder))
        stems = distinct_stems(each.image.name for each in chosen)
        for number, (each, stem) in enumerate(zip(chosen, stems, strict=True)):
            progress(number / len(chosen), f"{each.image.name} ({number + 1} of {len(chosen)})")

            def within(fraction: float, number: int = number) -> None:
                progress((number + min(max(fraction, 0.0), 1.0)) / len(chosen), "")

            packer.add(each, stem, within)
        return packer.finish(gone)


class _Packer:
    """Packs image by image, then what belongs to all of them."""

    def __init__(self, store: Store, project: ProjectRecord, request: ExportRequest, sink: Sink, work: Path) -> None:
        self._store, self._project, self._request = store, project, request
        self._sink, self._work = sink, work
        self._images: list[PackedImage] = []
        self._coverage = CoverageTable(work / "coverage.csv") if self._wants(Part.COVERAGE) else None
        self._objects = ObjectsTable(work / "objects.csv", project.scheme) if self._wants(Part.OBJECTS) else None
        self._dataset = None if request.form is Form.FILES else DatasetFiles(store, project, request.form)

    def _wants(self, part: Part) -> bool:
        return self._request.form is Form.FILES and part in self._request.parts

    def add(self, chosen: ChosenMap, stem: str, progress: Callable[[float], None]) -> None:
        """All files of an image."""
        packed = PackedImage(chosen, stem)
        self._images.append(packed)
        image = chosen.image
        keep = self._store.settings.min_free_bytes
        require_free_space(self._work, image.shape_yx[0] * image.shape_yx[1] * _BYTES_PER_PX, keep_bytes=keep)
        if self._dataset is not None:
            dataset = self._dataset
            self._try(packed, "Image and labels", lambda folder: dataset.image_files(chosen, stem, folder))
            packed.left_out += dataset.remarks.pop(image.id, [])
            return
        steps = [part for part in Part if part in self._request.parts]
        for number, part in enumerate(steps):
            progress(number / len(steps))
            self._add_part(packed, part, lambda fraction, n=number: progress((n + fraction) / len(steps)))  # type: ignore[misc]

    def _add_part(self, packed: PackedImage, part: Part, progress: Callable[[float], None]) -> None:
        chosen, stem = packed.chosen, packed.stem
        if chosen.revision is None:
            if part is Part.MICROGRAPHS:
                self._try(packed, part.value, lambda folder: [micrograph_file(self._store, chosen.image, stem, folder)])
            elif chosen.reason not in packed.left_out:
                packed.left_out.append(chosen.reason)
            return
        source = LabelledImage(self._store, chosen.image, chosen.revision)
        if part is Part.OBJECT_IDS and self._request.parts == (part,) and not source.has_objects:
            packed.left_out.append("Its label map has no ids of objects.")
        elif part is Part.COVERAGE and self._coverage is not None:
            coverage = self._coverage
            self._try(packed, part.value, lambda _: _into_table(lambda: coverage.add(source)))
        elif part is Part.OBJECTS and self._objects is not None:
            objects = self._objects
            self._try(packed, part.value, lambda _: _into_table(lambda: objects.add(source, progress)))
        else:
            full = self._request.full_size
            self._try(packed, part.value, lambda folder: image_files(source, part, stem, folder, full_size=full))

    def _try(self, packed: PackedImage, kind: str, make: Callable[[Path], Iterable[Made]]) -> None:
        """Make files and move them into the package; a file that cannot be made is named instead."""
        with tempfile.TemporaryDirectory(dir=self._work) as folder:
            try:
                for path, content in make(Path(folder)):
                    packed.files.append(PackedFile(kind, self._sink.add(path, content)))
                    if isinstance(content, Path) and content.is_relative_to(folder):
                        content.unlink(missing_ok=True)
            except (StorageFullError, JobCancelledError):
                raise
            except _FAILURES as error:
                packed.left_out.append(f"{kind}: {_reason(error)}")

    def finish(self, gone: list[str]) -> Packed:
        """Tables, dataset.json, manifest."""
        shared = []
        for table, name in ((self._coverage, "coverage.csv"), (self._objects, "objects.csv")):
            if table is not None and table.rows:
                shared.append(PackedFile("table", self._sink.add(f"tables/{name}", table.path)))
        filled = [image for image in self._images if image.files or (shared and image.chosen.revision is not None)]
        if not filled:
            first = next((image for image in self._images if image.left_out), None)
            raise DatasetError(
                "No files could be exported. "
                + (f"{first.chosen.image.name}: {first.left_out[0]}" if first else "The images have been deleted."),
                "Choose other images, label maps or files.",
            )
        if self._dataset is not None:
            shared.append(PackedFile("dataset", self._sink.add("dataset.json", json_bytes(self._dataset.describe()))))
        facts = (self._store, self._project, self._request, self._images, shared, gone)
        self._sink.add("README.txt", readme(self._request, self._project, self._images).encode())
        self._sink.add("manifest.csv", manifest_csv(self._store, self._images, shared))
        self._sink.add("manifest.json", json_bytes(manifest_json(*facts)))
        return Packed(
            len(filled),
            sum(len(image.files) for image in self._images) + len(shared) + 3,
            tuple(f"{image.chosen.image.name}: {reason}" for image in self._images for reason in image.left_out)
            + tuple(f"{image_id}: the image has been deleted." for image_id in gone),
            tuple(layer.id for each in filled for layer in each.chosen.layers),
        )


def _reason(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "out of memory."
    return error.cause if isinstance(error, CristaeError) else f"{type(error).__name__}: {error}"


def _into_table(add: Callable[[], None]) -> tuple[Made, ...]:
    """Add an image to a table that is a file of its own; no file comes of it for the image."""
    add()
    return ()
