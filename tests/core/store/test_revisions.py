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
    project = store.create_project("p", DEFAULT_SCHEME)
    return store.add_image(project.id, Image(np.zeros((3, 4), np.uint8)))


def write(store: Store, revision_id: str) -> None:
    """A finished label map of background."""
    write_label_pyramid(store.label_pyramid_path(revision_id), np.zeros((3, 4), np.uint8), pixel_size_nm=None)


def complete(store: Store, image: ImageRecord, **more: object) -> str:
    """The id of a complete revision."""
    revision = store.begin_revision(image.id, "prediction", **more)  # type: ignore[arg-type]
    write(store, revision.id)
    return store.complete_revision(revision.id).id


def test_a_revision_from_its_beginning_to_its_end(store: Store, image: ImageRecord) -> None:
    begun = store.begin_revision(
        image.id, RevisionKind.PREDICTION, model_id="m", author="ada", settings_key="k", details={"step": 0.5}
    )
    assert (begun.state, begun.version, begun.completed_at) == (RevisionState.WRITING, 1, None)
    assert store.revisions(image.id) == ()
    assert store.revisions(image.id, state=None) == (begun,)
    updated = store.update_revision_details(begun.id, progress=0.5)
    assert (updated.details, updated.version) == ({"step": 0.5, "progress": 0.5}, 2)
    write(store, begun.id)
    done = store.complete_revision(begun.id, coverage=[{"class_id": 0, "pixels": 12}], seconds=3.5)
    assert done.details == {"step": 0.5, "progress": 1.0, "seconds": 3.5}
    assert (done.coverage, done.version, done.state) == (
        ({"class_id": 0, "pixels": 12},), 3, RevisionState.COMPLETE,
    )  # fmt: skip
    assert store.revision(begun.id) == done
    assert (done.model_id, done.author, done.settings_key) == ("m", "ada", "k")


def test_a_complete_revision_does_not_change(store: Store, image: ImageRecord) -> None:
    done = complete(store, image)
    for change in (
        lambda: store.update_revision_details(done, progress=0.1),
        lambda: store.complete_revision(done),
        lambda: store.discard_revision(done),
    ):
        with pytest.raises(StoreError, match="complete and does not change"):
            change()
    assert store.label_pyramid_path(done).is_dir()


def test_completing_needs_a_finished_pyramid(store: Store, image: ImageRecord) -> None:
    begun = store.begin_revision(image.id, "reference")
    with pytest.raises(StoreError, match="not written to its end"):
        store.complete_revision(begun.id)
    writer = LabelPyramidWriter(store.label_pyramid_path(begun.id), (3, 4), pixel_size_nm=None)
    with pytest.raises(StoreError, match="not written to its end"):
        store.complete_revision(begun.id)
    writer.finish()
    assert store.complete_revision(begun.id).state is RevisionState.COMPLETE


def test_a_discarded_revision_leaves_nothing(store: Store, image: ImageRecord) -> None:
    begun = store.begin_revision(image.id, "prediction")
    write(store, begun.id)
    store.discard_revision(begun.id)
    store.discard_revision(begun.id)
    assert list(store.labels_dir.iterdir()) == []
    with pytest.raises(NotFoundError, match="revision"):
        store.revision(begun.id)


def test_unknown_images_and_parents_are_refused(store: Store, image: ImageRecord) -> None:
    with pytest.raises(NotFoundError, match="image"):
        store.begin_revision("nope", "prediction")
    with pytest.raises(NotFoundError, match="revision"):
        store.begin_revision(image.id, "correction", parent_id="nope")
    assert store.revisions(image.id, state=None) == ()


def test_revisions_are_found_by_what_made_them(store: Store, image: ImageRecord) -> None:
    first = complete(store, image, model_id="a", settings_key="1")
    second = complete(store, image, model_id="b", settings_key="2")
    assert [r.id for r in store.revisions(image.id)] == [second, first]
    assert [r.id for r in store.revisions(image.id, model_id="a")] == [first]
    assert [r.id for r in store.revisions(image.id, settings_key="2")] == [second]
    assert store.revisions(image.id, kind="reference") == ()


def test_a_child_survives_its_parent(store: Store, image: ImageRecord) -> None:
    parent = complete(store, image)
    child = complete(store, image, parent_id=parent)
    store.delete_revision(parent)
    assert store.revision(child).parent_id is None
    assert not store.label_pyramid_path(parent).exists()


def test_deleting_the_image_deletes_its_revisions(store: Store, image: ImageRecord) -> None:
    done = complete(store, image)
    store.delete_image(image.id)
    with pytest.raises(NotFoundError):
        store.revision(done)
    assert list(store.labels_dir.iterdir()) == []


def test_writing_on_after_the_image_was_deleted_is_told(store: Store, image: ImageRecord) -> None:
    begun = store.begin_revision(image.id, "prediction")
    store.delete_image(image.id)
    with pytest.raises(NotFoundError):
        store.update_revision_details(begun.id, progress=0.1)
    store.discard_revision(begun.id)


def test_a_half_written_revision_is_swept_once_its_writer_is_dead(store: Store, image: ImageRecord) -> None:
    code = (
        "import sys, time\n"
        "from core.settings import load_settings\nfrom core.store import Store\n"
        "from core.imaging.pyramid import LabelPyramidWriter\n"
        "store = Store(load_settings(data_dir=sys.argv[1], min_free_bytes=0))\n"
        "begun = store.begin_revision(sys.argv[2], 'prediction')\n"
        "writer = LabelPyramidWriter(store.label_pyramid_path(begun.id), (3, 4), pixel_size_nm=None)\n"
        "print(begun.id, flush=True)\ntime.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(store.settings.data_dir), image.id], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        revision_id = writer.stdout.readline().strip()
        try:
            assert store.sweep() == 0
            assert store.revision(revision_id).state is RevisionState.WRITING
            assert store.label_pyramid_path(revision_id).is_dir()
        finally:
            writer.kill()
            writer.wait(10)
    assert store.sweep() == 1
    assert store.revisions(image.id, state=None) == ()
    assert list(store.labels_dir.iterdir()) == []


def test_sweeping_leaves_complete_revisions_alone(store: Store, image: ImageRecord) -> None:
    done = complete(store, image)
    stray = store.labels_dir / "stray"
    stray.mkdir()
    other = Store(store.settings)
    assert stray.exists()  # opening removes nothing
    other.sweep()
    assert other.revision(done).state is RevisionState.COMPLETE
    other.close()
    assert not stray.exists()
    assert store.label_pyramid_path(done).is_dir()
