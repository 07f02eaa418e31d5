"""What a training uses: frozen, written without loss, kept apart from the test set."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.datasets.folder import load_case, open_dataset
from core.errors import DatasetError, JobCancelledError, NotFoundError
from core.learning.snapshot import Snapshot, take_snapshot, write_snapshot
from core.store import Store
from core.store.records import ProjectRecord, Split
from tests.core.rounds.conftest import add, label, some_labels

GREYS = {
    "uint8": np.arange(256, dtype=np.uint8).reshape(16, 16),
    "uint16": (np.arange(256, dtype=np.uint16) * 257).reshape(16, 16),
    "float32": np.linspace(-1, 1, 256, dtype=np.float32).reshape(16, 16),
}


@pytest.mark.parametrize("kind", list(GREYS))
def test_pixels_and_labels_come_out_as_they_went_in(
    store: Store, project: ProjectRecord, tmp_path: Path, kind: str
) -> None:
    image = add(store, project, "a", GREYS[kind], nm=4.5)
    revision = label(store, image, some_labels())
    snapshot = take_snapshot(store, project.id, [image.id, image.id])
    (case,) = snapshot.cases
    assert (case.revision_id, case.content_hash, case.pixel_size_nm) == (revision.id, image.content_hash, 4.5)
    assert Snapshot.from_json(json.loads(json.dumps(snapshot.to_json()))) == snapshot

    (written,) = open_dataset(write_snapshot(store, snapshot, tmp_path / "dataset")).cases
    read, labels = load_case(written)
    assert read.pixels_yx.dtype == GREYS[kind].dtype
    np.testing.assert_array_equal(read.pixels_yx, GREYS[kind])
    np.testing.assert_array_equal(labels, some_labels())
    assert written.pixel_size_nm == 4.5
    assert written.split == "train"


def test_groups_are_stacks_then_specimens_then_the_image(store: Store, project: ProjectRecord, tmp_path: Path) -> None:
    images = [
        add(store, project, "a", GREYS["uint8"], stack="s1", specimen="mouse"),
        add(store, project, "b", GREYS["uint16"], specimen="mouse"),
        add(store, project, "b", GREYS["float32"]),
    ]
    for image in images:
        label(store, image, some_labels())
    snapshot = take_snapshot(store, project.id, [image.id for image in images])
    expected = ["s1", "mouse", images[2].id]
    assert [case.group for case in snapshot.cases] == expected
    cases = open_dataset(write_snapshot(store, snapshot, tmp_path / "dataset")).cases
    assert {case.name: case.group for case in cases} == dict(
        zip((image.id for image in images), expected, strict=True)
    ), "two images of one name stay two"


def test_the_newest_reference_is_taken_and_stays(store: Store, project: ProjectRecord) -> None:
    image = add(store, project, "a", GREYS["uint8"])
    label(store, image, some_labels())
    second = label(store, image, np.full((16, 16), 3, np.uint8))
    snapshot = take_snapshot(store, project.id, [image.id])
    assert snapshot.cases[0].revision_id == second.id
    label(store, image, some_labels())
    assert snapshot.cases[0].revision_id == second.id


def test_a_half_written_folder_is_written_anew_and_a_whole_one_kept(
    store: Store, project: ProjectRecord, tmp_path: Path
) -> None:
    image = add(store, project, "a", GREYS["uint8"])
    label(store, image, some_labels())
    snapshot = take_snapshot(store, project.id, [image.id])
    folder = tmp_path / "dataset"
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "torn.png").write_bytes(b"x")
    write_snapshot(store, snapshot, folder)
    assert not (folder / "images" / "torn.png").exists()
    before = (folder / "dataset.json").stat().st_mtime_ns
    told: list[str] = []
    write_snapshot(store, snapshot, folder, on_progress=lambda _, message: told.append(message))
    assert (folder / "dataset.json").stat().st_mtime_ns == before
    assert told == []


def test_refusals(store: Store, project: ProjectRecord) -> None:
    bare = add(store, project, "bare", GREYS["uint8"])
    test = add(store, project, "frozen", GREYS["uint16"], split=Split.TEST)
    label(store, test, some_labels())
    other = store.projects.create("other", project.scheme)
    for where, ids, words in (
        (project.id, [], "images selected"),
        (project.id, [bare.id], "bare has no reference labels"),
        (project.id, [test.id], "frozen is in the test set"),
        (other.id, [bare.id], "another project"),
    ):
        with pytest.raises(DatasetError, match=words):
            take_snapshot(store, where, ids)
    with pytest.raises(NotFoundError):
        take_snapshot(store, project.id, ["nobody"])


def test_what_has_gone_is_named_and_cancelling_leaves_nothing(
    store: Store, project: ProjectRecord, tmp_path: Path
) -> None:
    image = add(store, project, "gone.tif", GREYS["uint8"])
    label(store, image, some_labels())
    snapshot = take_snapshot(store, project.id, [image.id])
    with pytest.raises(JobCancelledError):
        write_snapshot(store, snapshot, tmp_path / "dataset", should_cancel=lambda: True)
    assert not (tmp_path / "dataset").exists()
    store.images.delete(image.id)
    with pytest.raises(DatasetError, match=r"gone\.tif"):
        write_snapshot(store, snapshot, tmp_path / "dataset")
    assert not (tmp_path / "dataset").exists()


def test_other_json_is_no_snapshot() -> None:
    with pytest.raises(DatasetError, match="not a training snapshot"):
        Snapshot.from_json({"cases": [{}]})
