"""Approved corrections of test images as the truth that models are measured by."""

from __future__ import annotations

import numpy as np
import pytest

from core.access.roles import Role, set_member
from core.errors import AccessError
from core.evaluations.checks import EvaluationPlan, check_evaluation
from core.imaging.pyramid import open_pyramid, write_label_pyramid
from core.learning.drawn_references import DRAWN_FROM, drawn_images, make_references
from core.review.audit_log import audit_entries
from core.review.decisions import decide, take_back_approval
from core.review.label_maps import COVERAGE
from core.review.records import Decision
from core.settings import Access
from core.store.records import ImageRecord, ProjectRecord, RevisionKind, RevisionRecord, Split
from core.store.store import Store
from tests.core.rounds.conftest import SCHEME, add, label

GREY = np.arange(16, dtype=np.uint8).reshape(4, 4)


@pytest.fixture
def project(store: Store) -> ProjectRecord:
    return store.projects.create("nerve", SCHEME)


@pytest.fixture
def image(store: Store, project: ProjectRecord) -> ImageRecord:
    return add(store, project, "test.tif", GREY, split=Split.TEST)


def correction(store: Store, image: ImageRecord, class_id: int, *rows: int, approved: bool = True) -> RevisionRecord:
    """One class everywhere, confirmed in some rows."""
    covered = np.zeros((4, 4), np.uint8)
    covered[list(rows)] = 1
    begun = store.revisions.begin(image.id, RevisionKind.CORRECTION, author="Ada")
    path = store.revisions.pyramid_path(begun.id)
    write_label_pyramid(path, np.full((4, 4), class_id, np.uint8), pixel_size_nm=8.0)
    write_label_pyramid(path / COVERAGE, covered, pixel_size_nm=8.0)
    made = store.revisions.complete(begun.id, covered={str(class_id): int(covered.sum())})
    if approved:
        decide(store, made.id, "Bo", Decision.APPROVE, "")
    return made


def labels_of(store: Store, revision: RevisionRecord) -> list[list[int]]:
    pyramid = open_pyramid(store.revisions.pyramid_path(revision.id))
    return np.asarray(pyramid.read(0, slice(None), slice(None))).tolist()


def test_confirmed_pixels_of_all_approved_corrections_become_the_reference(
    store: Store, project: ProjectRecord, image: ImageRecord
) -> None:
    """Who draws everything in the app could never evaluate a model: only imported label maps were references."""
    plan = EvaluationPlan(project.id)
    assert "None of the images has reference labels" in str(check_evaluation(store, plan).refusals[0])
    first, second = correction(store, image, 3, 0, 1), correction(store, image, 7, 1)
    correction(store, image, 7, 3, approved=False)
    (made,) = make_references(store, project.id, by="Cy")
    assert labels_of(store, made) == [[3] * 4, [7] * 4, [255] * 4, [255] * 4]
    assert (made.kind, made.author, made.parent_id) == (RevisionKind.REFERENCE, "Ada", second.id)
    assert made.details[DRAWN_FROM] == [first.id, second.id]
    assert {row["class_id"]: row["pixels"] for row in made.coverage} == {0: 0, 3: 4, 7: 4}
    assert not any("reference" in str(text) for text in check_evaluation(store, plan).refusals)
    (line,) = [each for each in audit_entries(store, project.id, by="Cy") if each.what == "reference_made"]
    assert (line.who, line.subject, line.details["confirmed_px"]) == ("Cy", made.id, 8)


def test_it_is_offered_again_only_when_something_newer_was_approved(
    store: Store, project: ProjectRecord, image: ImageRecord
) -> None:
    correction(store, image, 3, 0)
    (made,) = make_references(store, project.id, by="Cy")
    assert drawn_images(store, project.id) == ()
    assert make_references(store, project.id, by="Cy") == ()
    correction(store, image, 7, 3)
    (drawn,) = drawn_images(store, project.id)
    assert drawn.before is not None
    assert drawn.before.id == made.id
    (newer,) = make_references(store, project.id, by="Cy")
    assert labels_of(store, newer)[3] == [7] * 4


def test_an_approval_that_is_taken_back_is_told(store: Store, project: ProjectRecord, image: ImageRecord) -> None:
    first, plan = correction(store, image, 3, 0), EvaluationPlan(project.id)
    make_references(store, project.id, by="Cy")
    assert not any("no longer approved" in text for text in check_evaluation(store, plan).warnings)
    take_back_approval(store, first.id, "Bo", "it was wrong")
    assert "The reference of test.tif was created from a correction" in "".join(check_evaluation(store, plan).warnings)
    correction(store, image, 7, 1)
    (newer,) = make_references(store, project.id, by="Cy")
    assert labels_of(store, newer) == [[255] * 4, [7] * 4, [255] * 4, [255] * 4]
    assert not any("no longer approved" in text for text in check_evaluation(store, plan).warnings)


def test_imported_references_and_images_that_train_are_left_alone(
    store: Store, project: ProjectRecord, image: ImageRecord
) -> None:
    label(store, image, np.zeros((4, 4), np.uint8))
    correction(store, image, 3, 0)
    correction(store, add(store, project, "train.tif", GREY + 1), 3, 0)
    assert drawn_images(store, project.id) == ()


def test_an_annotator_does_not_make_references(store: Store, project: ProjectRecord, image: ImageRecord) -> None:
    set_member(store, project.id, "Cy", Role.ANNOTATOR, by="")
    correction(store, image, 3, 0)
    roles = Store(store.settings.model_copy(update={"access": Access.ROLES}))
    with pytest.raises(AccessError):
        make_references(roles, project.id, by="Cy")
    assert store.revisions.of_image(image.id, kind=RevisionKind.REFERENCE) == ()
    roles.close()
