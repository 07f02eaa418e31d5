"""The history of an image, worked out by hand on 4 x 4 pixels."""

from __future__ import annotations

import numpy as np
import pytest

from core.annotation.history import difference, history, restore
from core.errors import AnnotationError
from core.imaging.image import Image
from core.imaging.pyramid import write_label_pyramid
from core.label_scheme import LabelScheme
from core.review.records import Box, ClassChange, ReviewState
from core.store import RevisionKind, Store
from core.store.records import ImageRecord, RevisionRecord


@pytest.fixture
def image(store: Store) -> ImageRecord:
    return add_image(store, 0)


def add_image(store: Store, seed: int) -> ImageRecord:
    project = store.projects.create(f"project {seed}", LabelScheme.from_names({"axon": 1, "myelin": 2}))
    return store.images.add(project.id, Image(np.random.default_rng(seed).integers(0, 255, (4, 4), np.uint8)))


def add(store: Store, image: ImageRecord, rows: list[list[int]], kind: RevisionKind) -> RevisionRecord:
    begun = store.revisions.begin(image.id, kind, author="Ada")
    write_label_pyramid(store.revisions.pyramid_path(begun.id), np.array(rows, np.uint8), pixel_size_nm=8.0)
    return store.revisions.complete(begun.id)


BEFORE = [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 2]]
AFTER = [[1, 1, 0, 0], [1, 2, 0, 0], [0, 0, 0, 0], [0, 0, 1, 1]]


def test_newest_first_with_the_state_of_review(store: Store, image: ImageRecord) -> None:
    prediction = add(store, image, BEFORE, RevisionKind.PREDICTION)
    correction = add(store, image, AFTER, RevisionKind.CORRECTION)
    store.revisions.begin(image.id, RevisionKind.PREDICTION)  # being written: not history yet
    entries = history(store, image.id)
    assert [(e.revision.id, e.review) for e in entries] == [
        (correction.id, ReviewState.SUBMITTED),
        (prediction.id, None),
    ]
    assert [e.revision.id for e in history(store, image.id, hidden={correction.id})] == [prediction.id]


def test_the_difference_is_counted_and_listed_piece_by_piece(store: Store, image: ImageRecord) -> None:
    one, two = add(store, image, BEFORE, RevisionKind.PREDICTION), add(store, image, AFTER, RevisionKind.CORRECTION)
    found = difference(store, one.id, two.id)
    assert found.changes.pixels == 3
    assert found.changes.box == Box(1, 1, 3, 3)
    assert found.changes.classes == (ClassChange(0, 0, 1), ClassChange(1, 2, 1), ClassChange(2, 1, 1))
    assert {(r.box, r.pixels, r.before, r.after) for r in found.regions} == {
        (Box(1, 1, 1, 1), 1, 1, 2),
        (Box(3, 2, 1, 1), 1, 0, 1),
        (Box(3, 3, 1, 1), 1, 2, 1),
    }, "pieces of different kinds that touch are two"


def test_the_same_twice_differs_in_nothing_and_from_empty_in_everything(store: Store, image: ImageRecord) -> None:
    one = add(store, image, BEFORE, RevisionKind.PREDICTION)
    assert difference(store, one.id, one.id).regions == ()
    assert difference(store, None, one.id).changes.pixels == 5


def test_revisions_of_two_images_are_not_compared(store: Store, image: ImageRecord) -> None:
    one, other = add(store, image, BEFORE, RevisionKind.PREDICTION), add_image(store, 1)
    with pytest.raises(AnnotationError, match="different images"):
        difference(store, one.id, add(store, other, AFTER, RevisionKind.PREDICTION).id)


def test_an_older_revision_is_restored_as_a_draft_but_never_over_an_open_one(store: Store, image: ImageRecord) -> None:
    one, two = add(store, image, BEFORE, RevisionKind.PREDICTION), add(store, image, AFTER, RevisionKind.CORRECTION)
    draft = restore(store, one.id, "Ada")
    assert (draft.base_revision_id, draft.author) == (one.id, "Ada")
    assert restore(store, one.id, "Ada").id == draft.id
    with pytest.raises(AnnotationError, match="open draft"):
        restore(store, two.id, "Ada")
    assert restore(store, two.id, "Bob").base_revision_id == two.id
