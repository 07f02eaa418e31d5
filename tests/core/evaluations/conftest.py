"""A store with a project whose images have references and predictions that are worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import core.engine.runner as runner
from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import write_label_pyramid
from core.jobs.rows import job
from core.jobs.transitions import claim
from core.label_scheme import LabelClass, LabelScheme
from core.store import ImageRecord, JobRecord, ProjectRecord, RevisionKind, Split, Store

SCHEME = LabelScheme(
    (LabelClass(1, "mitochondria", "#ff0000", "#d55e00"), LabelClass(2, "nucleus", "#0000ff", "#0072b2"))
)

REFERENCE = [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 2, 2], [255, 0, 2, 2]]
PREDICTION = [[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0], [2, 0, 2, 2]]
"""The corner counts nowhere: Dice of mitochondria is 2 * 4 / (4 + 6), of the nucleus 2 * 2 / (4 + 2)."""


@pytest.fixture
def project(store: Store) -> ProjectRecord:
    """An empty project of two classes."""
    return store.projects.create("cells", SCHEME)


def add_image(store: Store, project: ProjectRecord, name: str, number: int = 0, **place: Any) -> ImageRecord:
    """A 4 x 4 image of the test set; ``number`` makes its pixels its own."""
    image = Image(np.full((4, 4), number, np.uint8), PixelSize.from_user(1000.0), name)
    return store.images.add(project.id, image, **{"split": Split.TEST, **place})


def add_labels(
    store: Store,
    image: ImageRecord,
    labels: Sequence[Sequence[int]],
    kind: RevisionKind = RevisionKind.REFERENCE,
    scheme: LabelScheme | None = None,
) -> str:
    """A complete revision with these labels; its id."""
    details = {} if scheme is None else {"scheme": scheme.to_json()}
    revision = store.revisions.begin(image.id, kind, details=details)
    write_label_pyramid(store.revisions.pyramid_path(revision.id), np.array(labels, np.uint8), pixel_size_nm=1000.0)
    store.revisions.complete(revision.id)
    return revision.id


def run_job(store: Store, row: JobRecord) -> JobRecord:
    """The job, run to its end in this process."""
    assert claim(store, row, "here")
    runner.run_job(row.id, job(row.id, store=store).attempts)
    return job(row.id, store=store)
