"""Which corrections a training learns from, and where."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.datasets.folder import load_case, open_dataset
from core.errors import DatasetError
from core.imaging.pyramid import write_label_pyramid
from core.learning.snapshot import Snapshot, take_snapshot, write_snapshot
from core.learning.training_labels import labels_to_learn_from
from core.review.decisions import approve_with_fixes, decide, take_back_approval
from core.review.label_maps import COVERAGE
from core.review.records import Decision
from core.store import RevisionKind, Store
from core.store.records import ImageRecord, ProjectRecord, RevisionRecord, Split
from tests.core.rounds.conftest import add, label

GREY = np.arange(16, dtype=np.uint8).reshape(4, 4)
REFERENCE = np.array([[3, 3, 0, 0], [3, 3, 0, 0], [0, 0, 0, 0], [255, 255, 255, 255]], np.uint8)


@pytest.fixture
def image(store: Store, project: ProjectRecord) -> ImageRecord:
    return add(store, project, "a.tif", GREY)


def correct(
    store: Store, image: ImageRecord, labels: object, covered: object, *, parent: str | None = None, author: str = "Ada"
) -> RevisionRecord:
    """A submitted correction; only what is covered was confirmed."""
    begun = store.revisions.begin(image.id, RevisionKind.CORRECTION, author=author, parent_id=parent)
    path = store.revisions.pyramid_path(begun.id)
    write_label_pyramid(path, np.array(labels, np.uint8), pixel_size_nm=8.0)
    write_label_pyramid(path / COVERAGE, np.array(covered, np.uint8), pixel_size_nm=8.0)
    return store.revisions.complete(begun.id, covered={"7": int(np.sum(covered))})


def rows(*numbers: int) -> np.ndarray:
    """Coverage of whole rows."""
    covered = np.zeros((4, 4), np.uint8)
    covered[list(numbers)] = 1
    return covered


MYELIN = np.full((4, 4), 7, np.uint8)


def learned(store: Store, project: ProjectRecord, image: ImageRecord, folder: Path) -> np.ndarray:
    snapshot = take_snapshot(store, project.id, [image.id])
    assert Snapshot.from_json(json.loads(json.dumps(snapshot.to_json()))) == snapshot
    (case,) = open_dataset(write_snapshot(store, snapshot, folder)).cases
    return load_case(case)[1]


def test_an_approved_correction_counts_where_it_is_covered_over_the_reference(
    store: Store, project: ProjectRecord, image: ImageRecord, tmp_path: Path
) -> None:
    label(store, image, REFERENCE)
    correction = correct(store, image, MYELIN, rows(0, 3))
    np.testing.assert_array_equal(learned(store, project, image, tmp_path / "waiting"), REFERENCE)
    decide(store, correction.id, "Bo", Decision.APPROVE)
    expected = [[7, 7, 7, 7], [3, 3, 0, 0], [0, 0, 0, 0], [7, 7, 7, 7]]
    assert learned(store, project, image, tmp_path / "approved").tolist() == expected
    take_back_approval(store, correction.id, "Bo", "wrong class")
    np.testing.assert_array_equal(learned(store, project, image, tmp_path / "taken back"), REFERENCE)


def test_without_a_reference_the_rest_is_ignored(
    store: Store, project: ProjectRecord, image: ImageRecord, tmp_path: Path
) -> None:
    correction = correct(store, image, MYELIN, rows(1))
    with pytest.raises(DatasetError, match="no approved correction"):
        take_snapshot(store, project.id, [image.id])
    assert labels_to_learn_from(store, project.id) == {}
    decide(store, correction.id, "Bo", Decision.APPROVE)
    expected = np.full((4, 4), 255)
    expected[1] = 7
    assert learned(store, project, image, tmp_path / "d").tolist() == expected.tolist()
    assert [(row["class_id"], row["pixels"]) for row in labels_to_learn_from(store, project.id)[image.id].coverage] == [
        (7, 4)
    ]


@pytest.mark.parametrize("decision", [Decision.REJECT, Decision.REQUEST_CHANGES])
def test_what_is_not_approved_does_not_enter(
    store: Store, project: ProjectRecord, image: ImageRecord, decision: Decision
) -> None:
    label(store, image, REFERENCE)
    decide(store, correct(store, image, MYELIN, rows(1)).id, "Bo", decision, "no")
    assert take_snapshot(store, project.id, [image.id]).cases[0].over == ()


def test_later_corrections_lie_over_earlier_ones_and_small_fixes_over_both(
    store: Store, project: ProjectRecord, image: ImageRecord, tmp_path: Path
) -> None:
    first = correct(store, image, MYELIN, rows(0, 1))
    fixed = correct(store, image, np.full((4, 4), 3), rows(1), parent=first.id, author="Bo")
    approve_with_fixes(store, first.id, "Bo", fixed.id)
    assert take_snapshot(store, project.id, [image.id]).cases[0].revision_ids == (first.id, fixed.id)
    assert learned(store, project, image, tmp_path / "d").tolist() == [[7] * 4, [3] * 4, [255] * 4, [255] * 4]


def test_a_newer_reference_lies_over_older_corrections(
    store: Store, project: ProjectRecord, image: ImageRecord, tmp_path: Path
) -> None:
    decide(store, correct(store, image, MYELIN, rows(0, 3)).id, "Bo", Decision.APPROVE)
    label(store, image, REFERENCE)
    assert learned(store, project, image, tmp_path / "d").tolist() == [*REFERENCE[:3].tolist(), [7] * 4]


def test_corrections_of_a_test_image_never_enter(store: Store, project: ProjectRecord) -> None:
    frozen = add(store, project, "frozen.tif", GREY, split=Split.TEST)
    decide(store, correct(store, frozen, MYELIN, rows(0, 1, 2, 3)).id, "Bo", Decision.APPROVE)
    with pytest.raises(DatasetError, match=r"frozen\.tif is in the test set"):
        take_snapshot(store, project.id, [frozen.id])


def test_a_correction_that_was_deleted_since_is_named(
    store: Store, project: ProjectRecord, image: ImageRecord, tmp_path: Path
) -> None:
    label(store, image, REFERENCE)
    correction = correct(store, image, MYELIN, rows(1))
    decide(store, correction.id, "Bo", Decision.APPROVE)
    snapshot = take_snapshot(store, project.id, [image.id])
    store.revisions.delete(correction.id)
    with pytest.raises(DatasetError, match=r"a\.tif, or its label map"):
        write_snapshot(store, snapshot, tmp_path / "d")


def test_snapshots_from_before_corrections_can_be_read() -> None:
    case = {"image_id": "i", "revision_id": "r", "content_hash": "", "name": "", "group": "", "pixel_size_nm": None}
    read = Snapshot.from_json({"project_id": "p", "project": "", "scheme": [], "cases": [case]})
    assert read.cases[0].revision_ids == ("r",)
