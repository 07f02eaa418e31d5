"""A project, and images with reference labels in it."""

from __future__ import annotations

import numpy as np
import pytest

from core.imaging.image import Image, PixelSize, PixelSizeSource
from core.imaging.pyramid import write_label_pyramid
from core.label_scheme import LabelScheme
from core.morphometry.coverage import coverage_table
from core.store import RevisionKind, Store
from core.store.records import ImageRecord, ProjectRecord, RevisionRecord, Split

SCHEME = LabelScheme.from_names({"axon": 3, "myelin": 7})


@pytest.fixture
def project(store: Store) -> ProjectRecord:
    return store.projects.create("nerve", SCHEME)


def add(
    store: Store,
    project: ProjectRecord,
    name: str,
    pixels: np.ndarray,
    *,
    nm: float | None = 8.0,
    split: Split = Split.TRAIN,
    specimen: str = "",
    stack: str = "",
) -> ImageRecord:
    size = PixelSize.from_user(nm) if nm is not None else PixelSize(None, PixelSizeSource.UNKNOWN)
    image = Image(pixels, size, name=name)
    return store.images.add(
        project.id, image, split=split, specimen=specimen, stack=stack, z_index=0 if stack else None
    )


def label(store: Store, image: ImageRecord, labels: np.ndarray) -> RevisionRecord:
    revision = store.revisions.begin(image.id, RevisionKind.REFERENCE)
    write_label_pyramid(store.revisions.pyramid_path(revision.id), labels, pixel_size_nm=8.0)
    rows = coverage_table(labels, SCHEME, 8.0)
    return store.revisions.complete(revision.id, coverage=[row.to_json() for row in rows])


def some_labels() -> np.ndarray:
    """16 x 16: 32 px of axon, 16 of myelin, 64 that nobody has looked at, else background."""
    labels = np.zeros((16, 16), np.uint8)
    labels[:2] = 3
    labels[2] = 7
    labels[12:] = 255
    return labels
