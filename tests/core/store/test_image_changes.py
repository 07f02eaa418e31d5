"""Changing images in place, and the trash."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from core.datasets.leakage import Straddle, straddling
from core.errors import NotFoundError, StoreError
from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import open_pyramid, write_label_pyramid
from core.label_scheme import DEFAULT_SCHEME, LabelScheme
from core.store import ImageRecord, RevisionKind, Split, Store
from core.store.base import now
from core.store.tables import ImageRow


def _image(value: int, name: str = "a") -> Image:
    return Image(np.full((3, 4), value, np.uint8), name=name)


def _labelled(store: Store, record: ImageRecord, class_id: int = 1) -> str:
    revision = store.revisions.begin(record.id, RevisionKind.REFERENCE)
    labels = np.full(record.shape_yx, class_id, np.uint8)
    write_label_pyramid(store.revisions.pyramid_path(revision.id), labels, pixel_size_nm=None, scheme=DEFAULT_SCHEME)
    store.revisions.complete(revision.id, coverage=[{"class_id": class_id, "pixels": labels.size}])
    return revision.id


def test_only_what_is_given_changes(store: Store) -> None:
    project = store.projects.create("one", DEFAULT_SCHEME)
    record = store.images.add(project.id, _image(1), specimen="liver 1", condition="control")
    changed = store.images.update(record.id, name=" b ", split="test", stack="s", z_index=3)
    assert (changed.name, changed.split, changed.stack, changed.z_index) == ("b", Split.TEST, "s", 3)
    assert (changed.specimen, changed.condition) == ("liver 1", "control")
    assert store.images.update(record.id, condition=" treated ").condition == "treated"
    assert store.images.update(record.id, condition="").condition == ""
    sized = store.images.update(record.id, pixel_size=PixelSize.from_user(8.0))
    assert sized.pixel_size.nm == 8.0
    assert open_pyramid(store.images.pyramid_path(record.id)).pixel_size_nm == 8.0
    assert store.images.update(record.id, stack="").z_index is None
    assert store.images.get(record.id).name == "b"


@pytest.mark.parametrize(("change", "words"), [({"name": " "}, "name is empty"), ({"split": "val"}, "no split 'val'")])
def test_senseless_changes_are_refused(store: Store, change: dict[str, str], words: str) -> None:
    project = store.projects.create("one", DEFAULT_SCHEME)
    record = store.images.add(project.id, _image(1))
    with pytest.raises(StoreError, match=words):
        store.images.update(record.id, **change)  # type: ignore[arg-type]
    assert store.images.get(record.id) == record


def test_the_trash_gives_everything_back(store: Store) -> None:
    project = store.projects.create("one", DEFAULT_SCHEME)
    kept, gone = store.images.add(project.id, _image(1)), store.images.add(project.id, _image(2, "b"))
    revision = _labelled(store, gone)
    assert store.trash.put([gone.id, gone.id, "unknown"]) == 1
    assert store.trash.put([gone.id]) == 0
    assert store.images.all(project.id) == (kept,)
    assert store.images.all() == (kept,)
    assert store.trash.images(project.id) == (gone,)
    assert store.revisions.newest_of_project(project.id, RevisionKind.REFERENCE) == {}
    store.sweep()
    assert store.trash.restore([gone.id, kept.id]) == 1
    assert store.images.all(project.id) == (kept, gone)
    assert store.trash.images() == ()
    assert store.revisions.of_image(gone.id)[0].id == revision
    assert store.revisions.pyramid_path(revision).is_dir()


def test_adding_what_is_in_the_trash_takes_it_out(store: Store) -> None:
    project = store.projects.create("one", DEFAULT_SCHEME)
    record = store.images.add(project.id, _image(1))
    store.trash.put([record.id])
    assert store.images.add_once(project.id, _image(1, "other name")) == (record, False)
    assert store.images.all(project.id) == (record,)


def test_old_trash_is_removed_when_it_is_purged(store: Store) -> None:
    project = store.projects.create("one", DEFAULT_SCHEME)
    old, young = store.images.add(project.id, _image(1)), store.images.add(project.id, _image(2))
    revision = _labelled(store, old)
    store.trash.put([old.id, young.id])
    with store.database.writing() as session:
        session.get_one(ImageRow, old.id).trashed_at = now() - timedelta(days=31)
    Store(store.settings).close()
    assert store.trash.images() == (young, old)  # opening removes nothing
    assert store.trash.purge() == 1
    assert store.trash.images() == (young,)
    with pytest.raises(NotFoundError):
        store.images.get(old.id)
    assert not store.images.pyramid_path(old.id).exists()
    assert not store.revisions.pyramid_path(revision).exists()
    assert store.images.pyramid_path(young.id).is_dir()


def test_kinds_of_labels_come_in_one_answer(store: Store) -> None:
    project = store.projects.create("one", DEFAULT_SCHEME)
    record = store.images.add(project.id, _image(1))
    store.images.add(project.id, _image(2))
    _labelled(store, record)
    store.revisions.begin(record.id, RevisionKind.PREDICTION)  # not complete: does not count
    assert store.revisions.kinds_of_project(project.id) == {record.id: frozenset({RevisionKind.REFERENCE})}


def test_a_project_changes_but_keeps_classes_in_use(store: Store) -> None:
    project = store.projects.create("one", DEFAULT_SCHEME, 8.0)
    other = store.projects.create("two", DEFAULT_SCHEME)
    _labelled(store, store.images.add(project.id, _image(1)), class_id=2)
    smaller = LabelScheme(tuple(item for item in DEFAULT_SCHEME.classes if item.id != 1))
    changed = store.projects.update(project.id, name="first", scheme=smaller, pixel_size_nm=0)
    assert (changed.name, changed.scheme, changed.pixel_size_nm) == ("first", smaller, None)
    without = LabelScheme(tuple(item for item in smaller.classes if item.id != 2))
    with pytest.raises(StoreError, match=r"pixels of nucleus \(2\)"):
        store.projects.update(project.id, scheme=without)
    with pytest.raises(StoreError, match="'first' already"):
        store.projects.update(other.id, name="first")
    assert store.projects.get(project.id) == changed
    assert store.projects.update(other.id, scheme=without).scheme == without


def test_a_stack_or_specimen_on_both_sides_is_found(store: Store) -> None:
    project = store.projects.create("one", DEFAULT_SCHEME)
    places = [("train", "s", "m1"), ("train", "s", "m1"), ("test", "s", "m2"), ("pool", "t", "m1"), ("test", "t", "")]
    for value, (split, stack, specimen) in enumerate(places):
        record = store.images.add(project.id, _image(value), split=split, specimen=specimen)
        store.images.update(record.id, stack=stack)
    assert straddling(store.images.all(project.id)) == (Straddle("stack", "s", 2, 1),)
    assert straddling([]) == ()
