"""Projects and images: what is kept, once, whole or not at all."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import core.imaging.pyramid as pyramid
from core.doctor import doctor
from core.errors import ImageError, NotFoundError, StorageFullError, StoreError
from core.imaging.image import Image, PixelSize, PixelSizeSource
from core.imaging.image_content import content_hash
from core.label_scheme import DEFAULT_SCHEME, LabelScheme
from core.settings import load_settings
from core.store import ProjectRecord, Split, Store


@pytest.fixture
def project(store: Store) -> ProjectRecord:
    """An empty project."""
    return store.projects.create("liver", DEFAULT_SCHEME, 8.0)


def grey(value: int = 0, shape: tuple[int, int] = (4, 6), name: str = "a") -> Image:
    """A small image whose first pixel is ``value``."""
    pixels = np.arange(shape[0] * shape[1], dtype=np.uint8).reshape(shape)
    pixels[0, 0] = value
    return Image(pixels, PixelSize(8.0, PixelSizeSource.FILE, "test"), name, ("noted",))


def test_a_project_comes_back_as_it_was_made(store: Store) -> None:
    scheme = LabelScheme.from_names({"background": 0, "axon": 1, "myelin": 7})
    made = store.projects.create("  nerve ", scheme, 5.5)
    assert (made.name, made.scheme, made.pixel_size_nm) == ("nerve", scheme, 5.5)
    assert store.projects.get(made.id) == made
    assert store.projects.all() == (made,)


@pytest.mark.parametrize("name", ["", "   ", "x" * 201], ids=["empty", "blank", "too-long"])
def test_bad_project_names_are_refused(store: Store, name: str) -> None:
    with pytest.raises(StoreError, match="characters"):
        store.projects.create(name, DEFAULT_SCHEME)


def test_a_name_is_given_once(store: Store, project: ProjectRecord) -> None:
    with pytest.raises(StoreError, match="already"):
        store.projects.create(project.name, DEFAULT_SCHEME)


def test_a_negative_pixel_size_is_refused(store: Store) -> None:
    with pytest.raises(ImageError):
        store.projects.create("x", DEFAULT_SCHEME, -1.0)


def test_an_image_comes_back_with_all_that_is_known(store: Store, project: ProjectRecord) -> None:
    made = store.images.add(
        project.id,
        grey(9),
        split="test",
        specimen="mouse 3",
        condition="fasted",
        stack="s.tif",
        z_index=2,
        example=True,
    )
    assert store.images.get(made.id) == made
    assert store.images.all(project.id) == store.images.all() == (made,)
    assert (made.shape_yx, made.dtype, made.name, made.notices) == ((4, 6), "uint8", "a", ("noted",))
    assert made.pixel_size == grey().pixel_size
    assert (made.split, made.specimen, made.condition, made.stack, made.z_index, made.example) == (
        Split.TEST, "mouse 3", "fasted", "s.tif", 2, True,
    )  # fmt: skip
    assert made.window[0] < made.window[1]
    kept = pyramid.open_pyramid(store.images.pyramid_path(made.id)).read(0, slice(None), slice(None))
    np.testing.assert_array_equal(kept, grey(9).pixels_yx)


def test_the_same_content_is_kept_once_per_project(store: Store, project: ProjectRecord) -> None:
    first, new = store.images.add_once(project.id, grey(name="a"))
    again, newer = store.images.add_once(project.id, grey(name="another name"))
    assert (new, newer) == (True, False)
    assert again == first
    elsewhere = store.images.add(store.projects.create("b", DEFAULT_SCHEME).id, grey())
    assert elsewhere.id != first.id
    assert elsewhere.content_hash == first.content_hash
    assert len(list(store.images_dir.iterdir())) == 2


def test_planes_that_are_alike_are_all_kept(store: Store, project: ProjectRecord) -> None:
    """Blank planes vanished from their volume."""
    planes = [store.images.add_once(project.id, grey(), stack="s.tif", z_index=z) for z in range(3)]
    assert [new for _, new in planes] == [True] * 3
    assert [(image.stack, image.z_index) for image in store.images.all(project.id)] == [("s.tif", z) for z in range(3)]
    assert store.images.add_once(project.id, grey(), stack="s.tif", z_index=1) == (planes[1][0], False)
    assert store.images.add_once(project.id, grey(), stack="t.tif", z_index=1)[1]
    assert store.images.add_once(project.id, grey())[1]


def test_long_names_of_stacks_are_cut_before_they_are_compared(store: Store, project: ProjectRecord) -> None:
    first, second = (store.images.add_once(project.id, grey(), stack="s" * 600, z_index=0) for _ in range(2))
    assert second == (first[0], False)


def test_the_same_content_at_the_same_time_is_kept_once(store: Store, project: ProjectRecord) -> None:
    others = [Store(store.settings) for _ in range(3)]
    records, gate = [], threading.Barrier(3)

    def add(each: Store) -> None:
        gate.wait(10)
        records.append(each.images.add(project.id, grey()))

    threads = [threading.Thread(target=add, args=(each,)) for each in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len({record.id for record in records}) == 1
    assert len(records) == 3
    assert [path.name for path in store.images_dir.iterdir()] == [records[0].id]
    for each in others:
        each.close()


def test_an_unknown_project_is_refused_and_nothing_is_written(store: Store) -> None:
    with pytest.raises(NotFoundError, match="project 'nope'"):
        store.images.add("nope", grey())
    assert list(store.images_dir.iterdir()) == []


def test_a_row_that_cannot_be_written_leaves_no_pyramid(
    store: Store, project: ProjectRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_row: object) -> None:
        raise StorageFullError("full", "free some")

    monkeypatch.setattr(store.images, "_insert_image", refuse)
    with pytest.raises(StorageFullError):
        store.images.add(project.id, grey())
    assert list(store.images_dir.iterdir()) == []
    assert store.images.all() == ()


def test_too_little_space_is_said_before_anything_is_written(tmp_path: Path) -> None:
    store = Store(load_settings(data_dir=tmp_path, min_free_bytes=10**18))
    project = store.projects.create("x", DEFAULT_SCHEME)
    with pytest.raises(StorageFullError, match=r"GB free.*CRISTAE_MIN_FREE_BYTES"):
        store.images.add(project.id, grey())
    assert list(store.images_dir.iterdir()) == []
    store.close()


def test_a_process_killed_while_it_writes_a_pyramid_leaves_a_leftover_that_is_swept(
    store: Store, project: ProjectRecord
) -> None:
    code = (
        "import os, sys, numpy as np\n"
        "from core.settings import load_settings\nfrom core.store import Store\nfrom core.imaging import pyramid\n"
        "from core.imaging.image import Image\n"
        "store = Store(load_settings(data_dir=sys.argv[1], min_free_bytes=0))\n"
        "pyramid.halve_mean = lambda level: os._exit(9)\n"
        "store.images.add(sys.argv[2], Image(np.zeros((999, 999), np.uint8)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(store.settings.data_dir), project.id], timeout=60)
    assert done.returncode == 9
    assert len(list(store.images_dir.iterdir())) == 1
    assert store.sweep() == 1
    assert list(store.images_dir.iterdir()) == []


def test_another_database_costs_no_image_and_no_label_map(
    store: Store, project: ProjectRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = store.images.add(project.id, grey())
    done = store.revisions.begin(made.id, "prediction").id
    pyramid.write_label_pyramid(store.revisions.pyramid_path(done), np.zeros((4, 6), np.uint8), pixel_size_nm=8.0)
    store.revisions.complete(done)
    monkeypatch.setenv("CRISTAE_DATA_DIR", str(store.settings.data_dir))
    monkeypatch.setenv("CRISTAE_DATABASE_URL", f"sqlite:///{store.settings.data_dir / 'other.sqlite'}")
    with closing(Store(load_settings(min_free_bytes=0))) as other:
        other.sweep()
        findings = doctor._database(other.settings)
    assert store.images.pyramid_path(made.id).is_dir()
    assert store.revisions.pyramid_path(done).is_dir()
    assert [finding.level for finding in findings] == [doctor.Level.OK, doctor.Level.NOTE]
    assert findings[1].detail.startswith("1 images and 1 label maps (0.00 GiB)")
    assert len(doctor._database(store.settings)) == 1


def test_what_could_not_be_removed_is_swept_later(
    store: Store, project: ProjectRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = store.images.add(project.id, grey())
    with monkeypatch.context() as broken:
        broken.setattr(shutil, "rmtree", lambda *_, **__: None)
        store.images.delete(made.id)
    assert store.images.pyramid_path(made.id).is_dir()
    assert store.sweep() == 1
    assert list(store.images_dir.iterdir()) == []


def test_what_is_being_written_is_not_swept(store: Store) -> None:
    other = Store(store.settings)
    with store._data.holds.holding("abc") as took:
        assert took
        (store.images_dir / "abc").mkdir()
        (store.images_dir / ".abc.123.partial").mkdir()
        assert other.sweep() == 0
    assert other.sweep() == 2
    other.close()


def test_a_corrected_pixel_size_is_kept_in_row_and_pyramid(store: Store, project: ProjectRecord) -> None:
    made = store.images.add(project.id, grey())
    changed = store.images.set_pixel_size(made.id, PixelSize.from_user(4.0))
    assert store.images.get(made.id) == changed
    assert changed.pixel_size == PixelSize.from_user(4.0)
    assert pyramid.open_pyramid(store.images.pyramid_path(made.id)).pixel_size_nm == 4.0


def test_deleting_an_image_removes_its_files(store: Store, project: ProjectRecord) -> None:
    made, kept = store.images.add(project.id, grey(1)), store.images.add(project.id, grey(2))
    store.images.delete(made.id)
    assert store.images.all() == (kept,)
    assert [path.name for path in store.images_dir.iterdir()] == [kept.id]
    with pytest.raises(NotFoundError, match="image"):
        store.images.delete(made.id)


def test_deleting_a_project_removes_its_images_only(store: Store, project: ProjectRecord) -> None:
    other = store.projects.create("other", DEFAULT_SCHEME)
    store.images.add(project.id, grey())
    kept = store.images.add(other.id, grey())
    store.projects.delete(project.id)
    assert store.projects.all() == (other,)
    assert store.images.all() == (kept,)
    assert [path.name for path in store.images_dir.iterdir()] == [kept.id]


@given(
    hnp.arrays(
        st.sampled_from([np.uint8, np.uint16, np.float32]),
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=4),
        elements={"allow_nan": False, "allow_infinity": False},
    )
)
def test_content_hash_depends_on_values_type_and_shape_alone(pixels: np.ndarray) -> None:
    digest = content_hash(Image(pixels))
    assert digest == content_hash(Image(np.asfortranarray(pixels), PixelSize.from_user(3), "name"))
    changed = pixels.copy()
    changed.view(np.uint8).reshape(-1)[0] ^= 1
    if np.isfinite(changed).all():
        assert digest != content_hash(Image(changed))
    if pixels.dtype == np.uint8:
        assert digest != content_hash(Image(pixels.astype(np.uint16)))
    if pixels.shape[0] != pixels.shape[1]:
        assert digest != content_hash(Image(pixels.reshape(pixels.shape[::-1])))


def test_hashing_in_parts_equals_hashing_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    image = grey(shape=(7, 6))
    whole = content_hash(image)
    monkeypatch.setattr("core.imaging.image_content._HASH_ROWS_BYTES", 12)
    assert content_hash(image) == whole


def test_ids_do_not_lead_out_of_the_data_folder(store: Store) -> None:
    with pytest.raises(NotFoundError):
        store.images.delete(f"..{os.sep}..")
