"""Comments, marks and assignments."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import AccessError, DecidedError, NotFoundError, ReviewError
from core.review.decisions import decide
from core.review.discussion import (
    add_mark,
    asked_changes,
    assign,
    comment,
    marks,
    remove_mark,
    resolve_mark,
    thread,
)
from core.review.records import Box, Decision, Mark
from core.review.rows import review
from core.store import Store
from core.store.records import ImageRecord
from tests.core.review.conftest import add_labels

BLANK = np.zeros((4, 4), np.uint8)


def open_marks(store: Store, image_id: str, author: str) -> tuple[Mark, ...]:
    """What the author's page shows as still to be dealt with."""
    asked = asked_changes(store, image_id, author)
    return tuple(mark for each in asked for mark in marks(store, each) if mark.resolved_at is None)


def test_the_thread_goes_on_over_versions(store: Store, image: ImageRecord) -> None:
    first = add_labels(store, image, BLANK)
    comment(store, first.id, "Bo", " the membrane is open ")
    decide(store, first.id, "Bo", Decision.REQUEST_CHANGES, "see the thread")
    second = add_labels(store, image, BLANK, parent=first)
    comment(store, second.id, "Ada", "closed it")
    assert [(each.author, each.text) for each in thread(store, second.id)] == [
        ("Bo", "the membrane is open"),
        ("Ada", "closed it"),
    ]
    for text in (" ", "x" * 4001):
        with pytest.raises(ReviewError, match="characters"):
            comment(store, second.id, "Ada", text)


def test_marks_are_numbered_cut_to_the_image_and_resolved_one_by_one(store: Store, image: ImageRecord) -> None:
    revision = add_labels(store, image, BLANK)
    add_mark(store, revision.id, "Bo", Box(-1, 2, 3, 9), "cristae", "missing")
    add_mark(store, revision.id, "Bo", Box(0, 0, 1, 1), "edge")
    first, second = marks(store, revision.id)
    assert (first.number, first.box, first.label, first.note) == (1, Box(0, 2, 2, 2), "cristae", "missing")
    assert second.number == 2
    assert open_marks(store, image.id, "Ada") == (), "the review goes on"
    decide(store, revision.id, "Bo", Decision.REQUEST_CHANGES, "two places")
    assert [each.number for each in open_marks(store, image.id, "ada")] == [1, 2]
    assert open_marks(store, image.id, "Dee") == ()
    resolved = resolve_mark(store, revision.id, 1, "Ada")
    assert resolved.resolved_by == "Ada"
    assert resolved.resolved_at is not None
    assert [each.number for each in open_marks(store, image.id, "Ada")] == [2]
    resolve_mark(store, revision.id, 1, "Bo", resolved=False)
    assert [each.number for each in open_marks(store, image.id, "Ada")] == [1, 2]


def test_marks_that_cannot_be(store: Store, image: ImageRecord) -> None:
    revision = add_labels(store, image, BLANK)
    with pytest.raises(ReviewError, match="outside"):
        add_mark(store, revision.id, "Bo", Box(4, 0, 1, 1), "x")
    with pytest.raises(ReviewError, match="label of 0"):
        add_mark(store, revision.id, "Bo", Box(0, 0, 1, 1), " ")
    with pytest.raises(NotFoundError, match="no mark 7"):
        resolve_mark(store, revision.id, 7, "Bo")
    add_mark(store, revision.id, "Bo", Box(0, 0, 1, 1), "x")
    with pytest.raises(AccessError, match="belongs to Bo"):
        remove_mark(store, revision.id, 1, "Cy")
    remove_mark(store, revision.id, 1, "Bo")
    assert marks(store, revision.id) == ()
    decide(store, revision.id, "Bo", Decision.APPROVE)
    with pytest.raises(DecidedError, match="The review is finished"):
        add_mark(store, revision.id, "Bo", Box(0, 0, 1, 1), "x")


def test_assignments_follow_the_newest_version_and_spare_the_author(store: Store, image: ImageRecord) -> None:
    first = add_labels(store, image, BLANK)
    assign(store, first.id, "Bo", by="Cy")
    second = add_labels(store, image, BLANK, parent=first)
    assert review(store, second.id).assignee == "Bo"
    with pytest.raises(ReviewError, match="own work"):
        assign(store, second.id, "Ada", by="Cy")
    assign(store, second.id, "", by="Cy")
    assert review(store, second.id).assignee == ""
