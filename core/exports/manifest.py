"""The manifest of a package: for each image what it is, where its label map comes from, its files, what is missing."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from core import __version__
from core.datasets.image_facts import FACTS, facts_of
from core.exports.choice import ChosenMap
from core.exports.label_maps import made_by
from core.exports.request import COUNTS, TRAINING, ExportRequest, Form
from core.exports.sinks import Written
from core.label_scheme import IGNORE_ID
from core.predictions.verdicts import VERDICT_COLUMNS, verdict_texts
from core.program import COMMAND
from core.spreadsheets import not_a_formula
from core.store.label_maps import label_classes
from core.store.records import ProjectRecord, RevisionRecord
from core.store.store import Store

FORMAT: Final = "cristae-export"
VERSION: Final = 1

_COLUMNS: Final = (
    "file", "kind", "bytes", "sha256", "image", "image_id", "content_sha256", "rows", "columns", "pixel_size_nm",
    "pixel_size_source", "pixel_size_detail", *FACTS, "split", "stack", "z_index", "label_map_id",
    "label_map_kind", "label_map_source", "model_id", "author", "date", *VERDICT_COLUMNS, "left_out",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PackedFile:
    """A file of a package, and what kind it is."""

    kind: str
    written: Written


@dataclass(slots=True)
class PackedImage:
    """An image of a package.

    Parameters
    ----------
    chosen
        The image and its label map.
    stem
        How its files are named.
    files
        What is in the package of it.
    left_out
        What is not and why, one sentence each.
    """

    chosen: ChosenMap
    stem: str
    files: list[PackedFile] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def manifest_json(
    store: Store,
    project: ProjectRecord,
    request: ExportRequest,
    images: Sequence[PackedImage],
    shared: Sequence[PackedFile],
    gone: Sequence[str],
) -> dict[str, Any]:
    """Everything about a package as plain values.

    Parameters
    ----------
    store
        Where label maps are described.
    project, request
        What was asked for.
    images
        As packed.
    shared
        Files of no single image: tables, dataset.json.
    gone
        Ids of images that had been deleted.
    """
    return {
        "format": FORMAT,
        "version": VERSION,
        "software": f"Cristae {__version__}",
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "title": request.title,
        "project": {"id": project.id, "name": project.name, "classes": project.scheme.to_json()},
        "label_maps": request.labels,
        "form": request.form.value,
        "values": {"0": "background", str(IGNORE_ID): "not annotated (ignore)"},
        "images": [_image_json(store, image) for image in images],
        "files": [_file_json(each) for each in shared],
        "left_out": [
            {"image": image.chosen.image.name, "reasons": image.left_out} for image in images if image.left_out
        ]
        + [{"image": image_id, "reasons": ["The image has been deleted."]} for image_id in gone],
    }


def manifest_csv(store: Store, images: Sequence[PackedImage], shared: Sequence[PackedFile]) -> bytes:
    """A row per file, with what its image is; a row without a file for what was left out."""
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    for image in images:
        facts = _cells(_image_json(store, image))
        writer.writerows({**facts, **_file_cells(file)} for file in image.files)
        writer.writerows({**facts, "left_out": not_a_formula(reason)} for reason in image.left_out)
    writer.writerows(_file_cells(file) for file in shared)
    return buffer.getvalue().encode("utf-8-sig")


def readme(request: ExportRequest, project: ProjectRecord, images: Sequence[PackedImage]) -> str:
    """What is in the package, for who opens it in a year."""
    whole = sum(not image.left_out for image in images)
    which = {
        COUNTS: (
            "for each image the newest approved correction, otherwise the newest prediction, otherwise the reference"
        ),
        TRAINING: "references and approved corrections combined; 255 where no one has confirmed the label",
    }.get(request.labels, request.labels)
    lines = [
        request.title or project.name,
        "",
        f"{len(images)} images of the project {project.name}, {whole} of them complete.",
        f"Created with Cristae {__version__}.",
        f"Label maps: {which}.",
        "Values of a label map: 0 background, 255 not annotated (ignore), and",
        *(f"  {item.id:3} {item.name} ({item.color})" for item in project.scheme.classes),
        "",
        "manifest.json and manifest.csv list every file with its image, pixel size, source and SHA-256, and all "
        "skipped files with the reason.",
    ]
    if request.form is not Form.FILES:
        lines.append(f"Import this folder on the Data page, or with `{COMMAND} dataset check`.")
    return "\n".join(lines) + "\n"


def _image_json(store: Store, packed: PackedImage) -> dict[str, Any]:
    image = packed.chosen.image
    return {
        "id": image.id,
        "name": image.name,
        "stem": packed.stem,
        "content_sha256": image.content_hash,
        "rows": image.shape_yx[0],
        "columns": image.shape_yx[1],
        "dtype": image.dtype,
        "pixel_size_nm": image.pixel_size.nm,
        "pixel_size_source": image.pixel_size.source.value,
        "pixel_size_detail": image.pixel_size.detail,
        **facts_of(image),
        "split": image.split.value,
        "stack": image.stack,
        "z_index": image.z_index,
        "label_maps": [_label_map_json(store, layer) for layer in packed.chosen.layers],
        "files": [_file_json(file) for file in packed.files],
        "left_out": packed.left_out,
    }


def _label_map_json(store: Store, revision: RevisionRecord) -> dict[str, Any]:
    when = revision.completed_at or revision.created_at
    return {
        "id": revision.id,
        "kind": revision.kind.value,
        "source": made_by(store, revision),
        "model_id": revision.model_id,
        "author": revision.author,
        "date": when.isoformat(timespec="seconds"),
        **dict(zip(VERDICT_COLUMNS, verdict_texts(store, revision), strict=True)),
        "classes": label_classes(store, revision).to_json(),
    }


def _file_json(file: PackedFile) -> dict[str, Any]:
    return {
        "path": file.written.path,
        "kind": file.kind,
        "bytes": file.written.size_bytes,
        "sha256": file.written.sha256,
    }


def _file_cells(file: PackedFile) -> dict[str, Any]:
    """As they are called in the table."""
    values = _file_json(file)
    return {"file": not_a_formula(values.pop("path")), **values}


def _cells(image: dict[str, Any]) -> dict[str, Any]:
    """An image's columns of the table."""
    labels = image["label_maps"]
    named = {"image": image["name"], "image_id": image["id"]}
    named |= {name: image[name] for name in _COLUMNS if name in image and name not in ("left_out",)}
    named |= {
        "label_map_id": " ".join(label["id"] for label in labels),
        "label_map_kind": " + ".join(label["kind"] for label in labels),
        "label_map_source": " + ".join(label["source"] for label in labels),
        "model_id": " ".join(label["model_id"] for label in labels if label["model_id"]),
        "author": " + ".join(label["author"] for label in labels if label["author"]),
        "date": labels[-1]["date"] if labels else "",
        **{name: " + ".join(label[name] for label in labels if label[name]) for name in VERDICT_COLUMNS},
    }
    return {name: not_a_formula(value) if isinstance(value, str) else value for name, value in named.items()}
