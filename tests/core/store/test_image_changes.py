"""Changing images in place, and the trash."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from core.errors import NotFoundError, StoreError
from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import open_pyramid, write_label_pyramid
from core.label_scheme import DEFAULT_SCHEME, LabelScheme
from core.store import ImageRecord, RevisionKind, Split, Store
from core.store.base import now
from core.store.splits import Straddle, straddling
from core.store.tables import ImageRow


def _image(value: int, name: str = "a") -> Image:
    return Image(np.full((3, 4), value, np.uint8), name=name)


def _labelled(store: Store, record: ImageRecord, class_id: int = 1) -> str:
    revision = store.begin_revision(record.id, RevisionKind.REFERENCE)
    labels = np.full(record.shape_yx, class_id, np.uint8)
    write_label_pyramid(store.label_pyramid_path(revision.id), labels, pixel_size_nm=None, scheme=DEFAULT_SCHEME)
    store.complete_revision(revision.id, coverage=[{"class_id": class_id, "pixels": labels.size}])
    return revision.id


def test_only_what_is_given_changes(store: Store) -> None:
    project = store.create_project("one", DEFAULT_SCHEME)
    record = store.add_image(project.id, _image(1), specimen="liver 1", condition="control")
    changed = store.update_image(record.id, name=" b ", split="test", stack="s", z_index=3)
    assert (changed.name, changed.split, changed.stack, changed.z_index) == ("b", Split.TEST, "s", 3)
    assert (changed.specimen, changed.condition) == ("liver 1", "control")
    assert store.update_image(record.id, condition=" treated ").condition == "treated"
    assert store.update_image(record.id, condition="").condition == ""
    sized = store.update_image(record.id, pixel_size=PixelSize.from_user(8.0))
    assert sized.pixel_size.nm == 8.0
    assert open_pyramid(store.image_pyramid_path(record.id)).pixel_size_nm == 8.0
    assert store.update_image(record.id, stack="").z_index is None
    assert store.image(record.id).name == "b"


@pytest.mark.parametrize(("change", "words"), [({"name": " "}, "name is empty"), ({"split": "val"}, "no split 'val'")])
def test_senseless_changes_are_refused(store: Store, change: dict[str, str], words: str) -> None:
    project = store.create_project("one", DEFAULT_SCHEME)
    record = store.add_image(project.id, _image(1))
    with pytest.raises(StoreError, match=words):
        store.update_image(record.id, **change)  # type: ignore[arg-type]
    assert store.image(record.id) == record


def test_the_trash_gives_everything_back(store: Store) -> None:
    project = store.create_project("one", DEFAULT_SCHEME)
    kept, gone = store.add_image(project.id, _image(1)), store.add_image(project.id, _image(2, "b"))
    revision = _labelled(store, gone)
    assert store.trash_images([gone.id, gone.id, "unknown"]) == 1
    assert store.trash_images([gone.id]) == 0
    assert store.images(project.id) == (kept,)
    assert store.images() == (kept,)
    assert store.trashed_images(project.id) == (gone,)
    assert store.project_revisions(project.id, RevisionKind.REFERENCE) == {}
    store.sweep()
    assert store.restore_images([gone.id, kept.id]) == 1
    assert store.images(project.id) == (kept, gone)
    assert store.trashed_images() == ()
    assert store.revisions(gone.id)[0].id == revision
    assert store.label_pyramid_path(revision).is_dir()


def test_adding_what_is_in_the_trash_takes_it_out(store: Store) -> None:
    project = store.create_project("one", DEFAULT_SCHEME)
    record = store.add_image(project.id, _image(1))
    store.trash_images([record.id])
    assert store.add_image_once(project.id, _image(1, "other name")) == (record, False)
    assert store.images(project.id) == (record,)


def test_old_trash_is_removed_when_it_is_purged(store: Store) -> None:
    project = store.create_project("one", DEFAULT_SCHEME)
    old, young = store.add_image(project.id, _image(1)), store.add_image(project.id, _image(2))
    revision = _labelled(store, old)
    store.trash_images([old.id, young.id])
    with store.database.writing() as session:
        session.get_one(ImageRow, old.id).trashed_at = now() - timedelta(days=31)
    Store(store.settings).close()
    assert store.trashed_images() == (young, old)  # opening removes nothing
    assert store.purge_images() == 1
    assert store.trashed_images() == (young,)
    with pytest.raises(NotFoundError):
        store.image(old.id)
    assert not store.image_pyramid_path(old.id).exists()
    assert not store.label_pyramid_path(revision).exists()
    assert store.image_pyramid_path(young.id).is_dir()


def test_kinds_of_labels_come_in_one_answer(store: Store) -> None:
    project = store.create_project("one", DEFAULT_SCHEME)
    record = store.add_image(project.id, _image(1))
    store.add_image(project.id, _image(2))
    _labelled(store, record)
    store.begin_revision(record.id, RevisionKind.PREDICTION)  # not complete: does not count
    assert store.label_kinds(project.id) == {record.id: frozenset({RevisionKind.REFERENCE})}


def test_a_project_changes_but_keeps_classes_in_use(store: Store) -> None:
    project = store.create_project("one", DEFAULT_SCHEME, 8.0)
    other = store.create_project("two", DEFAULT_SCHEME)
    _labelled(store, store.add_image(project.id, _image(1)), class_id=2)
    smaller = LabelScheme(tuple(item for item in DEFAULT_SCHEME.classes if item.id != 1))
    changed = store.update_project(project.id, name="first", scheme=smaller, pixel_size_nm=0)
    assert (changed.name, changed.scheme, changed.pixel_size_nm) == ("first", smaller, None)
    without = LabelScheme(tuple(item for item in smaller.classes if item.id != 2))
    with pytest.raises(StoreError, match=r"pixels of nucleus \(2\)"):
        store.update_project(project.id, scheme=without)
    with pytest.raises(StoreError, match="'first' already"):
        store.update_project(other.id, name="first")
    assert store.project(project.id) == changed
    assert store.update_project(other.id, scheme=without).scheme == without


def test_a_stack_or_specimen_on_both_sides_is_found(store: Store) -> None:
    project = store.create_project("one", DEFAULT_SCHEME)
    places = [("train", "s", "m1"), ("train", "s", "m1"), ("test", "s", "m2"), ("pool", "t", "m1"), ("test", "t", "")]
    for value, (split, stack, specimen) in enumerate(places):
        record = store.add_image(project.id, _image(value), split=split, specimen=specimen)
        store.update_image(record.id, stack=stack)
    assert straddling(store.images(project.id)) == (Straddle("stack", "s", 2, 1),)
    assert straddling([]) == ()
