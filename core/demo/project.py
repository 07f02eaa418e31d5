"""The demo project: synthetic micrographs with exact references and the starter model's predictions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from core.imaging.image import Image, PixelSize, PixelSizeSource
from core.label_scheme import DEFAULT_SCHEME
from core.phantom.phantom import Phantom, generate_phantom
from core.store.label_map_writing import add_label_map
from core.store.records import ImageRecord, ProjectRecord, RevisionKind, Split
from core.store.store import Store

DEMO_PROJECT: Final = "Demo: synthetic liver"

DEMO_IMAGES: Final = (
    ("synthetic liver A", 101, 1536),
    ("synthetic liver B", 102, 1536),
    ("synthetic liver C", 103, 2048),
)
"""Name, seed, edge in px. Seeds that no training of the starter model uses."""

DEMO_TESTS: Final = tuple((f"synthetic liver T{number}", 200 + number, 1024) for number in range(1, 6))
"""As `DEMO_IMAGES`, to evaluate models on; they are in no gallery. With those above a test set of eight."""

PROJECT_DELETED: Final = "project_deleted"
"""What the audit log calls the end of a project; see `core.curation.images.delete_project`."""

PIXEL_SIZE_NM: Final = 8.0
"""Of all its images."""

Progress = Callable[[float, str], None]


def demo_project(store: Store) -> ProjectRecord | None:
    """The demo project, None where it was not made or was deleted."""
    return next((item for item in store.projects.all() if item.name == DEMO_PROJECT), None)


def demo_was_deleted(store: Store) -> bool:
    """Whether there was a demo project and somebody deleted it: then no start of the app makes it again."""
    if demo_project(store) is not None:
        return False
    return any(details.get("name") == DEMO_PROJECT for details in store.audit_log.details(PROJECT_DELETED))


def prepare_demo_images(store: Store, on_progress: Progress | None = None) -> tuple[ImageRecord, ...]:
    """Make the demo project and its images where they are missing; what is there is left alone.

    Parameters
    ----------
    store
        Where to put them.
    on_progress
        Called with a fraction (0 to 1) and what is being done.

    Returns
    -------
    tuple of ImageRecord
        All demo images, in order.
    """
    return _prepare(store, DEMO_IMAGES, on_progress, example=True)


def prepare_demo_tests(store: Store, on_progress: Progress | None = None) -> tuple[ImageRecord, ...]:
    """As `prepare_demo_images`, for the images that only models are evaluated on."""
    return _prepare(store, DEMO_TESTS, on_progress, example=False)


def _prepare(
    store: Store, wanted: Sequence[tuple[str, int, int]], on_progress: Progress | None, *, example: bool
) -> tuple[ImageRecord, ...]:
    project = demo_project(store) or store.projects.create(DEMO_PROJECT, DEFAULT_SCHEME, PIXEL_SIZE_NM)
    there = {image.name: image for image in store.images.all(project.id)}
    records = []
    for number, (name, seed, edge) in enumerate(wanted):
        if on_progress:
            on_progress(number / len(wanted), f"drawing {name}")
        record = there.get(name)
        if record is None or not store.revisions.of_image(record.id, kind=RevisionKind.REFERENCE):
            phantom = generate_phantom(seed, edge, pixel_size_nm=PIXEL_SIZE_NM)
            record = _add(store, project, name, phantom, example=example)
        records.append(record)
    if on_progress:
        on_progress(1.0, "")
    return tuple(records)


def _add(store: Store, project: ProjectRecord, name: str, phantom: Phantom, *, example: bool) -> ImageRecord:
    """One image with its reference label map."""
    size = PixelSize(phantom.pixel_size_nm, PixelSizeSource.FILE, "synthetic")
    image = Image(phantom.image_yx, size, name, ("Synthetic image, not a real micrograph.",))
    record = store.images.add(project.id, image, split=Split.TEST, specimen=name, example=example)
    add_label_map(store, record, phantom.labels_yx, DEFAULT_SCHEME, RevisionKind.REFERENCE, author="generator")
    return record
