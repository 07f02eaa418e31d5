"""What somebody asks to take away: which images, which label maps, which files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from core.errors import DatasetError
from core.exports.files import USUAL_PARTS, Part

MOST_IMAGES: Final = 20_000
"""Of one export: a volume of 20,000 sections is exported in parts."""

TITLE_CHARS: Final = 120


class Form(StrEnum):
    """How the package is laid out."""

    FILES = "files"
    """A folder per kind of file, for looking, counting and other programs."""
    DATASET = "dataset"
    """images/, labels/, dataset.json: imports again."""
    NNUNET = "nnunet"
    """imagesTr/, labelsTr/, imagesTs/, labelsTs/, dataset.json: nnU-Net's raw folder; imports again."""


COUNTS: Final = "counts"
"""Of each image the label map that counts: its newest approved correction, else its newest reference, else the newest
prediction of the project's model."""

TRAINING: Final = "training"
"""What a training learns from: references and approved corrections together, 255 where nobody has confirmed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequest:
    """A package to be made.

    Parameters
    ----------
    project_id
        All images are of this project.
    image_ids
        At least one, in the order of the package.
    labels
        `COUNTS`, `TRAINING`, or the key of a `core.measurements.sources.Source`: "reference", "approved", "model:ID",
        "imported:NAME".
    form
        How it is laid out.
    parts
        With `Form.FILES`: which files.
    title
        For people: names the package and its job.
    full_size
        Overlays with every pixel of the image instead of at most 4,096 px.
    """

    project_id: str
    image_ids: tuple[str, ...]
    labels: str = COUNTS
    form: Form = Form.FILES
    parts: tuple[Part, ...] = USUAL_PARTS
    title: str = ""
    full_size: bool = False

    def __post_init__(self) -> None:
        if not self.image_ids:
            raise DatasetError("The export contains no images.", "Select at least one image.")
        if len(self.image_ids) > MOST_IMAGES:
            raise DatasetError(
                f"The export contains {len(self.image_ids):,} images, but at most {MOST_IMAGES:,} are allowed.",
                "Export fewer images at once.",
            )
        if self.form is Form.FILES and not self.parts:
            raise DatasetError("No file type is selected.", "Select at least one file type.")
        if self.form is Form.FILES and self.labels == TRAINING:
            raise DatasetError(
                "Training labels combine several label maps, which only a dataset folder can contain.",
                "Choose a dataset folder, or other label maps.",
            )

    def to_json(self) -> dict[str, Any]:
        """Plain values, for a job's parameters and the manifest."""
        return {
            "project_id": self.project_id,
            "image_ids": list(self.image_ids),
            "labels": self.labels,
            "form": self.form.value,
            "parts": [part.value for part in self.parts],
            "title": self.title,
            "full_size": self.full_size,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ExportRequest:
        """The inverse of `to_json`.

        Raises
        ------
        DatasetError
            Something is missing or of the wrong kind.
        """
        try:
            return cls(
                project_id=str(value["project_id"]),
                image_ids=tuple(str(image_id) for image_id in value["image_ids"]),
                labels=str(value.get("labels", COUNTS)),
                form=Form(value.get("form", Form.FILES)),
                parts=tuple(Part(part) for part in value.get("parts", USUAL_PARTS)),
                title=str(value.get("title", ""))[:TITLE_CHARS],
                full_size=bool(value.get("full_size", False)),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DatasetError(f"The export request is invalid: {error!r}.", "Start the export again.") from error
