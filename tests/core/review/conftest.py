"""A project with an image, and corrections of it by named people."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import write_label_pyramid
from core.label_scheme import LabelScheme
from core.settings import Access, load_settings
from core.store import RevisionKind, Store
from core.store.records import ImageRecord, ProjectRecord, RevisionRecord

SCHEME = LabelScheme.from_names({"axon": 1, "myelin": 2})
ADMIN = "Root"

Correct = Callable[..., RevisionRecord]


def opened(folder: Path, access: Access = Access.OPEN) -> Store:
    """A store in this folder."""
    settings = load_settings(
        data_dir=folder / "data",
        models_dir=folder / "models",
        min_free_bytes=0,
        access=access,
        admins=f"{ADMIN}, Chief",
    )
    return Store(settings)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = opened(tmp_path)
    yield made
    made.close()


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Store]:
    """The store of an app with roles."""
    made = opened(tmp_path, Access.ROLES)
    yield made
    made.close()


def add_project(store: Store) -> ProjectRecord:
    """An empty project."""
    return store.projects.create("nerve", SCHEME)


def add_image(store: Store, project: ProjectRecord, name: str = "a.tif", **keywords: object) -> ImageRecord:
    """An image of 4 x 4 pixels, another one for each name."""
    pixels = np.random.default_rng(sum(name.encode())).integers(0, 255, (4, 4), np.uint8)
    return store.images.add(project.id, Image(pixels, PixelSize.from_user(8.0), name=name), **keywords)  # type: ignore[arg-type]


def add_labels(
    store: Store,
    image: ImageRecord,
    labels_yx: np.ndarray,
    kind: RevisionKind = RevisionKind.CORRECTION,
    *,
    author: str = "Ada",
    parent: RevisionRecord | None = None,
) -> RevisionRecord:
    """A complete label map; 255: not confirmed."""
    begun = store.revisions.begin(image.id, kind, author=author, parent_id=parent.id if parent else None)
    write_label_pyramid(store.revisions.pyramid_path(begun.id), labels_yx.astype(np.uint8), pixel_size_nm=8.0)
    return store.revisions.complete(begun.id)


@pytest.fixture
def project(store: Store) -> ProjectRecord:
    return add_project(store)


@pytest.fixture
def image(store: Store, project: ProjectRecord) -> ImageRecord:
    return add_image(store, project)
