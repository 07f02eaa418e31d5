"""A project with everything that an export has to carry."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.exports.package import Packed, write_package
from core.exports.request import ExportRequest
from core.exports.sinks import folder_sink
from core.imaging.image import Image, PixelSize, PixelSizeSource
from core.imaging.pyramid import write_label_pyramid
from core.label_scheme import LabelClass, LabelScheme
from core.morphometry.coverage import coverage_table
from core.review.decisions import Decision, decide
from core.store.records import ImageRecord, RevisionKind, RevisionRecord
from core.store.store import Store

SCHEME = LabelScheme(
    (
        LabelClass(2, "mitochondria", "#12ab34", "#d55e00", "1"),
        LabelClass(7, "ER, rough", "#0000fe", "#0072b2", "2"),
        LabelClass(9, "Lipid: große", "#ffff00", "#009e73", "3"),
    )
)
"""Ids with gaps, colours of its own, names that are no file names."""

SHAPE = (40, 52)


@dataclass
class Tissue:
    """A project, its images by name, and their newest label maps."""

    store: Store
    project_id: str = ""
    images: dict[str, ImageRecord] = field(default_factory=dict)
    labels: dict[str, NDArray[np.uint8]] = field(default_factory=dict)
    revisions: dict[str, RevisionRecord] = field(default_factory=dict)

    def add(self, name: str, pixels: NDArray[np.generic], nm: float | None = 8.0, **facts: object) -> ImageRecord:
        """An image."""
        size = PixelSize() if nm is None else PixelSize(nm, PixelSizeSource.FILE, "TIFF")
        image = self.store.images.add(self.project_id, Image(pixels, size, name), **facts)  # type: ignore[arg-type]
        self.images[name] = image
        return image

    def label(
        self,
        name: str,
        kind: RevisionKind,
        seed: int,
        *,
        model: str | None = None,
        author: str = "",
        ignore: bool = False,
    ) -> RevisionRecord:
        """A label map of an image."""
        image = self.images[name]
        labels = np.random.default_rng(seed).choice([0, 2, 7, 9], image.shape_yx).astype(np.uint8)
        if ignore:
            labels[:5] = 255
        begun = self.store.revisions.begin(
            image.id, kind, model_id=model, author=author, details={"scheme": SCHEME.to_json()}
        )
        path = self.store.revisions.pyramid_path(begun.id)
        write_label_pyramid(path, labels, pixel_size_nm=image.pixel_size.nm, scheme=SCHEME)
        rows = coverage_table(labels, SCHEME, image.pixel_size.nm)
        done = self.store.revisions.complete(begun.id, coverage=[row.to_json() for row in rows])
        self.labels[name], self.revisions[name] = labels, done
        return done

    def approve(self, name: str, seed: int, author: str = "Ada", *, ignore: bool = False) -> RevisionRecord:
        """A correction that somebody else has approved."""
        revision = self.label(name, RevisionKind.CORRECTION, seed, author=author, ignore=ignore)
        decide(self.store, revision.id, "Rex", Decision.APPROVE, "")
        return revision

    def request(self, *names: str, **options: object) -> ExportRequest:
        """An export of these images, or of all."""
        ids = tuple(self.images[name].id for name in names or self.images)
        return ExportRequest(project_id=self.project_id, image_ids=ids, **options)  # type: ignore[arg-type]

    def export(self, out: Path, request: ExportRequest, person: str | None = "Ada") -> Packed:
        """Into a folder."""
        with folder_sink(out) as sink:
            return write_package(
                self.store, request, sink, person=person, work=out.parent, progress=lambda fraction, message: None
            )


def noise(seed: int, dtype: type = np.uint8) -> NDArray[np.generic]:
    """Pixels of this type."""
    values = np.random.default_rng(seed).random(SHAPE) * 250
    return values.astype(dtype)


@pytest.fixture
def tissue(store: Store) -> Tissue:
    made = Tissue(store, store.projects.create("Liver", SCHEME, 8.0).id)
    made.add("Liver 1.tif", noise(1), 8.0, split="train", specimen="mouse 1", condition="control")
    made.add("liver 1.png", noise(2, np.uint16), 4.6, split="test", specimen="mouse 2", condition="=treated")
    made.add("CON", noise(3, np.float32), None, split="pool")
    for z in range(3):
        made.add(f"vol z{z}", np.full(SHAPE, 90, np.uint8), 12.5, split="train", stack="vol", z_index=z)
    made.label("Liver 1.tif", RevisionKind.REFERENCE, 11)
    made.approve("liver 1.png", 12, ignore=True)
    made.label("CON", RevisionKind.PREDICTION, 13, model="m")
    made.label("vol z0", RevisionKind.REFERENCE, 14)
    return made
