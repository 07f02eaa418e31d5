"""One image of an import: its files, and what is said about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.datasets.case import Split
from core.datasets.folder import DESCRIPTION_FILE
from core.datasets.image_facts import ImageFacts, facts_of, read_facts_of
from core.errors import (
    DatasetError,
    ImageError,
    LabelMapError,
)
from core.imaging.image import PixelSize, PixelSizeSource
from core.labels.polarity import Foreground
from core.labels.reading import LabelSource
from core.outside.links import require_no_link

PREDICTED_BY_CHARS: Final = 100
"""As long as the name of any other program that made predictions."""


@dataclass(frozen=True, slots=True)
class ImportCase(ImageFacts):
    """One image of an import and what belongs to it; nothing is opened yet.

    Parameters
    ----------
    name
        What the image shall be called.
    image_path, label_paths
        Files; no label path for an image without labels.
    class_ids
        For masks in folders named by class: the class of each label path. Empty: classes are found by file name.
    source
        How the labels are given; None: found out from the files (`guessed_source`).
    values
        For label images: pairs of value in the file and class id; empty: values are ids.
    exact_values
        Whether a pixel with another value than these refuses the file, as where a dataset.json says them; otherwise a
        few pass for soft edges.
    colors
        For labels by colour: pairs of colour (0xrrggbb) and class id; empty: the project's colours.
    foreground
        For masks that leave it open: whether the object is light or dark; None: as each file suggests.
    foregrounds
        The same for single masks, where they differ: pairs of place in ``label_paths`` and answer.
    objects_path
        Ids of the objects of the label map in ``label_paths``; None: it has none.
    split, stack, z_index
        Its place in the project.
    known_place
        Stack and z come from where the image was exported, not from its name: planes that look the same all stay.
    predicted_by
        What made the labels, where no person has confirmed them: they stay a prediction. "": they are a reference.
    pixel_size_nm, pixel_size_source
        Instead of what the image file says: as entered, or as a dataset.json says; None: as the file says.
    """

    name: str
    image_path: Path
    label_paths: tuple[Path, ...] = ()
    class_ids: tuple[int, ...] = ()
    source: LabelSource | None = None
    values: tuple[tuple[int, int], ...] = ()
    exact_values: bool = False
    split: Split = Split.POOL
    stack: str = ""
    z_index: int | None = None
    pixel_size_nm: float | None = None
    pixel_size_source: PixelSizeSource = PixelSizeSource.USER
    known_place: bool = False
    predicted_by: str = ""
    colors: tuple[tuple[int, int], ...] = ()
    foreground: Foreground | None = None
    foregrounds: tuple[tuple[int, Foreground], ...] = ()
    objects_path: Path | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every file of the case."""
        return (self.image_path, *self.label_paths, *((self.objects_path,) if self.objects_path else ()))

    def to_json(self) -> dict[str, Any]:
        """Plain values, for a job's parameters."""
        return {
            "name": self.name,
            "image_path": str(self.image_path),
            "label_paths": [str(path) for path in self.label_paths],
            "class_ids": list(self.class_ids),
            "source": self.source.value if self.source else None,
            "values": [list(pair) for pair in self.values],
            "exact_values": self.exact_values,
            "colors": [list(pair) for pair in self.colors],
            "foreground": self.foreground.value if self.foreground else None,
            "foregrounds": [[place, answer.value] for place, answer in self.foregrounds],
            "split": self.split.value,
            **facts_of(self),
            "stack": self.stack,
            "z_index": self.z_index,
            "pixel_size_nm": self.pixel_size_nm,
            "pixel_size_source": self.pixel_size_source.value,
            "known_place": self.known_place,
            "predicted_by": self.predicted_by,
            "objects_path": str(self.objects_path) if self.objects_path else None,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ImportCase:
        """The inverse of `to_json`.

        Raises
        ------
        DatasetError
            Something is missing or of the wrong kind.
        """
        try:
            size, z_index = value.get("pixel_size_nm"), value.get("z_index")
            return cls(
                name=str(value["name"]),
                image_path=Path(value["image_path"]),
                label_paths=tuple(Path(path) for path in value.get("label_paths", ())),
                class_ids=tuple(int(class_id) for class_id in value.get("class_ids", ())),
                source=LabelSource(value["source"]) if value.get("source") else None,
                values=tuple((int(old), int(new)) for old, new in value.get("values", ())),
                exact_values=bool(value.get("exact_values", False)),
                colors=tuple((int(color), int(new)) for color, new in value.get("colors", ())),
                foreground=Foreground(value["foreground"]) if value.get("foreground") else None,
                foregrounds=tuple((int(place), Foreground(each)) for place, each in value.get("foregrounds", ())),
                split=Split(value.get("split", Split.POOL)),
                **read_facts_of(value),
                stack=str(value.get("stack", "")),
                z_index=None if z_index is None else int(z_index),
                pixel_size_nm=None if size is None else float(size),
                pixel_size_source=PixelSizeSource(value.get("pixel_size_source", PixelSizeSource.USER)),
                known_place=bool(value.get("known_place", False)),
                predicted_by=str(value.get("predicted_by", ""))[:PREDICTED_BY_CHARS],
                objects_path=Path(value["objects_path"]) if value.get("objects_path") else None,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DatasetError(f"A case of the import cannot be used: {error!r}.", "Plan the import again.") from error

    def pixel_size(self, of_file: PixelSize) -> PixelSize:
        """The pixel size that counts, with its provenance."""
        if self.pixel_size_nm is None or self.pixel_size_nm == of_file.nm:
            return of_file
        if self.pixel_size_source is PixelSizeSource.FILE:
            return PixelSize(self.pixel_size_nm, PixelSizeSource.FILE, DESCRIPTION_FILE)
        return PixelSize.from_user(self.pixel_size_nm)


def refuse_links(case: ImportCase) -> None:
    """Refuse a case with a file that is a link.

    Raises
    ------
    ImageError, LabelMapError
        Names the file.
    """
    require_no_link(case.image_path, ImageError)
    for path in case.paths[1:]:
        require_no_link(path, LabelMapError)
