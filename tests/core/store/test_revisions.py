"""Revisions: written once, then unchanged; half-written ones vanish with their writers."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from core.errors import NotFoundError, StoreError
from core.imaging.image import Image
from core.imaging.pyramid import LabelPyramidWriter, write_label_pyramid
from core.label_scheme import DEFAULT_SCHEME
from core.store import ImageRecord, RevisionKind, RevisionState, Store


@pytest.fixture
def image(store: Store) -> ImageRecord:
    """A 3 x 4 px image."""
    project = store.projects.create("p", DEFAULT_SCHEME)
    return store.images.add(project.id, Image(np.zeros((3, 4), np.uint8)))


def write(store: Store, revision_id: str) -> None:
    """A finished label map of background."""
    write_label_pyramid(store.revisions.pyramid_path(revision_id), np.zeros((3, 4), np.uint8), pixel_size_nm=None)


def complete(store: Store, image: ImageRecord, **more: object) -> str:
    """The id of a complete revision."""
    revision = store.revisions.begin(image.id, "prediction", **more)  # type: ignore[arg-type]
    write(store, revision.id)
    return store.revisions.complete(revision.id).id


def test_a_revision_from_its_beginning_to_its_end(store: Store, image: ImageRecord) -> None:
    begun = store.revisions.begin(
        image.id, RevisionKind.PREDICTION, model_id="m", author="ada", settings_key="k", details={"step": 0.5}
    )
    assert (begun.state, begun.version, begun.completed_at) == (RevisionState.WRITING, 1, None)
    assert store.revisions.of_image(image.id) == ()
    assert store.revisions.of_image(image.id, state=None) == (begun,)
    updated = store.revisions.update_details(begun.id, progress=0.5)
    assert (updated.details, updated.version) == ({"step": 0.5, "progress": 0.5}, 2)
    write(store, begun.id)
    done = store.revisions.complete(begun.id, coverage=[{"class_id": 0, "pixels": 12}], seconds=3.5)
    assert done.details == {"step": 0.5, "progress": 1.0, "seconds": 3.5}
    assert (done.coverage, done.version, done.state) == (
        ({"class_id": 0, "pixels": 12},), 3, RevisionState.COMPLETE,
    )  # fmt: skip
    assert store.revisions.get(begun.id) == done
    assert (done.model_id, done.author, done.settings_key) == ("m", "ada", "k")


def test_a_complete_revision_does_not_change(store: Store, image: ImageRecord) -> None:
    done = complete(store, image)
    for change in (
        lambda: store.revisions.update_details(done, progress=0.1),
        lambda: store.revisions.complete(done),
        lambda: store.revisions.discard(done),
    ):
        with pytest.raises(StoreError, match="complete and cannot be changed"):
            change()
    assert store.revisions.pyramid_path(done).is_dir()


def test_completing_needs_a_finished_pyramid(store: Store, image: ImageRecord) -> None:
    begun = store.revisions.begin(image.id, "reference")
    with pytest.raises(StoreError, match="is incomplete"):
        store.revisions.complete(begun.id)
    writer = LabelPyramidWriter(store.revisions.pyramid_path(begun.id), (3, 4), pixel_size_nm=None)
    with pytest.raises(StoreError, match="is incomplete"):
        store.revisions.complete(begun.id)
    writer.finish()
    assert store.revisions.complete(begun.id).state is RevisionState.COMPLETE


def test_a_discarded_revision_leaves_nothing(store: Store, image: ImageRecord) -> None:
    begun = store.revisions.begin(image.id, "prediction")
    write(store, begun.id)
    store.revisions.discard(begun.id)
    store.revisions.discard(begun.id)
    assert list(store.labels_dir.iterdir()) == []
    with pytest.raises(NotFoundError, match="revision"):
        store.revisions.get(begun.id)


def test_unknown_images_and_parents_are_refused(store: Store, image: ImageRecord) -> None:
    with pytest.raises(NotFoundError, match="image"):
        store.revisions.begin("nope", "prediction")
    with pytest.raises(NotFoundError, match="revision"):
        store.revisions.begin(image.id, "correction", parent_id="nope")
    assert store.revisions.of_image(image.id, state=None) == ()


def test_revisions_are_found_by_what_made_them(store: Store, image: ImageRecord) -> None:
    first = complete(store, image, model_id="a", settings_key="1")
    second = complete(store, image, model_id="b", settings_key="2")
    assert [r.id for r in store.revisions.of_image(image.id)] == [second, first]
    assert [r.id for r in store.revisions.of_image(image.id, model_id="a")] == [first]
    assert [r.id for r in store.revisions.of_image(image.id, settings_key="2")] == [second]
    assert store.revisions.of_image(image.id, kind="reference") == ()


def test_a_child_survives_its_parent(store: Store, image: ImageRecord) -> None:
    parent = complete(store, image)
    child = complete(store, image, parent_id=parent)
    store.revisions.delete(parent)
    assert store.revisions.get(child).parent_id is None
    assert not store.revisions.pyramid_path(parent).exists()


def test_deleting_the_image_deletes_its_revisions(store: Store, image: ImageRecord) -> None:
    done = complete(store, image)
    store.images.delete(image.id)
    with pytest.raises(NotFoundError):
        store.revisions.get(done)
    assert list(store.labels_dir.iterdir()) == []


def test_writing_on_after_the_image_was_deleted_is_told(store: Store, image: ImageRecord) -> None:
    begun = store.revisions.begin(image.id, "prediction")
    store.images.delete(image.id)
    with pytest.raises(NotFoundError):
        store.revisions.update_details(begun.id, progress=0.1)
    store.revisions.discard(begun.id)


def test_a_half_written_revision_is_swept_once_its_writer_is_dead(store: Store, image: ImageRecord) -> None:
    code = (
        "import sys, time\n"
        "from core.settings import load_settings\nfrom core.store import Store\n"
        "from core.imaging.pyramid import LabelPyramidWriter\n"
        "store = Store(load_settings(data_dir=sys.argv[1], min_free_bytes=0))\n"
        "begun = store.revisions.begin(sys.argv[2], 'prediction')\n"
        "writer = LabelPyramidWriter(store.revisions.pyramid_path(begun.id), (3, 4), pixel_size_nm=None)\n"
        "print(begun.id, flush=True)\ntime.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(store.settings.data_dir), image.id], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        revision_id = writer.stdout.readline().strip()
        try:
            assert store.sweep() == 0
            assert store.revisions.get(revision_id).state is RevisionState.WRITING
            assert store.revisions.pyramid_path(revision_id).is_dir()
        finally:
            writer.kill()
            writer.wait(10)
    assert store.sweep() == 1
    assert store.revisions.of_image(image.id, state=None) == ()
    assert list(store.labels_dir.iterdir()) == []


def test_sweeping_leaves_complete_revisions_alone(store: Store, image: ImageRecord) -> None:
    done = complete(store, image)
    stray = store.labels_dir / "stray"
    stray.mkdir()
    other = Store(store.settings)
    assert stray.exists()  # opening removes nothing
    other.sweep()
    assert other.revisions.get(done).state is RevisionState.COMPLETE
    other.close()
    assert not stray.exists()
    assert store.revisions.pyramid_path(done).is_dir()
