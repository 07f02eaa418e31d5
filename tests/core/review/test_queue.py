"""What waits for review, what it changes, what comes next."""

from __future__ import annotations

import numpy as np
import pytest

from core.access.roles import Role, set_approve_own, set_member
from core.errors import AccessError
from core.imaging.pyramid import write_label_pyramid
from core.review import changes
from core.review.changes import changed_regions
from core.review.decisions import decide
from core.review.discussion import assign
from core.review.label_maps import COVERAGE
from core.review.queue import QueueFilter, next_review, queue
from core.review.records import Box, Changes, ClassChange, Decision, ReviewState
from core.review.rows import review
from core.store import RevisionKind, Store
from core.store.records import ImageRecord, ProjectRecord
from tests.core.review.conftest import ADMIN, add_image, add_labels, add_project

BLANK = np.zeros((4, 4), np.uint8)

PREDICTED = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 2], [0, 0, 0, 2]], np.uint8)
CORRECTED = np.array([[1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 2], [255, 0, 2, 2]], np.uint8)
REFERENCE = np.array([[1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 2, 2], [0, 0, 2, 2]], np.uint8)


def test_a_row_tells_size_place_and_classes_of_the_changes(
    store: Store, project: ProjectRecord, image: ImageRecord
) -> None:
    predicted = add_labels(store, image, PREDICTED, RevisionKind.PREDICTION)
    revision = add_labels(store, image, CORRECTED, parent=predicted)
    (row,) = queue(store, project.id)
    assert (row.revision_id, row.image_name, row.authors, row.state) == (
        revision.id,
        "a.tif",
        ("Ada",),
        ReviewState.SUBMITTED,
    )
    assert row.changes == Changes(
        2, Box(1, 1, 3, 2), (ClassChange(0, 1, 1), ClassChange(1, 0, 1), ClassChange(2, 1, 0))
    )
    assert row.effect is None
    assert [(region.box, region.pixels, region.before, region.after) for region in changed_regions(store, row)] == [
        (Box(1, 1, 1, 1), 1, 1, 0),
        (Box(3, 2, 1, 1), 1, 0, 2),
    ]


def test_the_largest_region_comes_first_and_pieces_join_over_corners(store: Store, image: ImageRecord) -> None:
    labels = np.array([[1, 0, 0, 0], [0, 0, 0, 2], [0, 0, 2, 0], [0, 0, 0, 0]], np.uint8)
    row = review(store, add_labels(store, image, labels).id)
    assert [(each.box, each.pixels) for each in changed_regions(store, row)] == [
        (Box(1, 2, 2, 2), 2),
        (Box(0, 0, 1, 1), 1),
    ]


def test_effect_is_dice_before_and_after_where_there_is_a_reference(
    store: Store, project: ProjectRecord, image: ImageRecord
) -> None:
    add_labels(store, image, REFERENCE, RevisionKind.REFERENCE)
    predicted = add_labels(store, image, PREDICTED, RevisionKind.PREDICTION)
    add_labels(store, image, CORRECTED, parent=predicted)
    (row,) = queue(store, project.id)
    assert row.effect is not None
    # Axon: 4 px predicted, 3 true, 3 in common; then 3 of 3. Myelin: 2 and 4, 2 in common; then 3 and 4, 3 in common.
    assert row.effect.before == {1: pytest.approx(6 / 7), 2: pytest.approx(4 / 6)}
    assert row.effect.after == {1: 1.0, 2: pytest.approx(6 / 7)}
    assert row.effect.mean_difference == pytest.approx(((1 - 6 / 7) + (6 / 7 - 4 / 6)) / 2)


def test_a_correction_of_the_reference_itself_has_no_effect_to_tell(
    store: Store, project: ProjectRecord, image: ImageRecord
) -> None:
    reference = add_labels(store, image, REFERENCE, RevisionKind.REFERENCE)
    add_labels(store, image, CORRECTED, parent=reference)
    assert queue(store, project.id)[0].effect is None


def test_changes_are_worked_out_once_and_the_effect_anew_with_a_new_reference(
    store: Store, project: ProjectRecord, image: ImageRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_labels(store, image, REFERENCE, RevisionKind.REFERENCE)
    add_labels(store, image, CORRECTED)
    first = queue(store, project.id)
    monkeypatch.setattr(changes, "changes_between", lambda *_: pytest.fail("worked out again"))
    with monkeypatch.context() as patched:
        patched.setattr(changes, "effect_on_score", lambda *_: pytest.fail("worked out again"))
        assert queue(store, project.id) == first
    add_labels(store, image, CORRECTED, RevisionKind.REFERENCE)
    (row,) = queue(store, project.id)
    assert row.effect is not None
    assert row.effect.after == {1: 1.0, 2: 1.0}


def test_filters(store: Store, project: ProjectRecord) -> None:
    images = [add_image(store, project, name) for name in ("a.tif", "b.tif")]
    first = add_labels(store, images[0], BLANK, author="Ada")
    second = add_labels(store, images[1], BLANK, author="Dee")
    third = add_labels(store, images[0], BLANK, parent=first, author="Ada")
    assign(store, second.id, "Bo", by="Bo")
    decide(store, second.id, "Bo", Decision.APPROVE)
    everything = frozenset(ReviewState)

    def ids(**keywords: object) -> list[str]:
        return [row.revision_id for row in queue(store, project.id, QueueFilter(**keywords), measure=False)]  # type: ignore[arg-type]

    assert ids() == [third.id], "the first was replaced, the second is decided"
    assert ids(states=everything) == [second.id, third.id]
    assert ids(states=everything, superseded=True) == [first.id, second.id, third.id]
    assert ids(states=everything, author=" DEE") == [second.id]
    assert ids(states=everything, assignee="bo") == [second.id]
    assert ids(states=everything, text="B.T") == [second.id]
    assert ids(states=everything, image_id=images[0].id) == [third.id]
    store.trash.put([images[0].id])
    assert ids(states=everything) == [second.id]


def test_the_next_review_is_mine_then_anybodys_never_my_own_work(store: Store, project: ProjectRecord) -> None:
    image = add_image(store, project)
    own, anybodys, others, mine = (add_labels(store, image, BLANK, author=name) for name in ("Bo", "Ada", "Ada", "Ada"))
    assign(store, mine.id, "Bo", by="Bo")
    assign(store, others.id, "Cy", by="Bo")

    def following(after: str | None = None) -> str:
        found = next_review(store, project.id, "bo", after=after)
        return found.revision_id if found else ""

    assert following() == mine.id
    assert following(mine.id) == anybodys.id
    assert following(anybodys.id) == mine.id
    decide(store, mine.id, "Bo", Decision.APPROVE)
    assert following(anybodys.id) == "", "nothing but what is being looked at"
    set_approve_own(store, project.id, True, by="Bo")
    assert following(anybodys.id) == own.id


def test_who_may_look(guarded: Store) -> None:
    project = add_project(guarded)
    set_member(guarded, project.id, "Vi", Role.VIEWER, by=ADMIN)
    assert queue(guarded, project.id, person="Vi") == ()
    with pytest.raises(AccessError):
        next_review(guarded, project.id, "Vi")
    with pytest.raises(AccessError):
        queue(guarded, project.id, person="Stranger")


def test_coverage_beside_the_labels_does_not_hide_a_change(
    store: Store, project: ProjectRecord, image: ImageRecord
) -> None:
    begun = store.revisions.begin(image.id, RevisionKind.CORRECTION, author="Ada")
    path = store.revisions.pyramid_path(begun.id)
    write_label_pyramid(path, PREDICTED, pixel_size_nm=8.0)
    write_label_pyramid(path / COVERAGE, BLANK, pixel_size_nm=8.0)
    store.revisions.complete(begun.id)
    (row,) = queue(store, project.id)
    assert row.changes is not None
    assert row.changes.pixels == 6


def test_a_resubmission_is_held_against_the_last_label_map_that_counts(
    store: Store, project: ProjectRecord, image: ImageRecord
) -> None:
    # Bug: it was held against the author's own first submission, of which nobody had approved anything.
    predicted = add_labels(store, image, PREDICTED, RevisionKind.PREDICTION)
    first = add_labels(store, image, CORRECTED, parent=predicted)
    assert [row.before_id for row in queue(store, project.id)] == [predicted.id]
    decide(store, first.id, "Bo", Decision.REQUEST_CHANGES, "one pixel more")
    labels = CORRECTED.copy()
    labels[0, 0] = 2
    second = add_labels(store, image, labels, parent=first)
    (row,) = queue(store, project.id)
    assert (row.revision_id, row.before_id) == (second.id, predicted.id)
    assert row.changes is not None
    assert row.changes.pixels == 3, "two of the first submission and the one since"
    assert sum(region.pixels for region in changed_regions(store, row)) == 3
    assert review(store, second.id).before_id == predicted.id, "kept"


def test_what_was_counted_against_another_label_map_is_counted_anew(
    store: Store, project: ProjectRecord, image: ImageRecord
) -> None:
    predicted = add_labels(store, image, PREDICTED, RevisionKind.PREDICTION)
    add_labels(store, image, REFERENCE, RevisionKind.REFERENCE)
    first = add_labels(store, image, CORRECTED, parent=predicted, author="Dee")
    second = add_labels(store, image, REFERENCE, parent=first)

    def seen() -> tuple[str | None, int, float]:
        row = next(row for row in queue(store, project.id) if row.revision_id == second.id)
        assert row.changes is not None
        assert row.effect is not None
        return row.before_id, row.changes.pixels, row.effect.before[1] or 0.0

    assert seen() == (predicted.id, 3, pytest.approx(6 / 7))
    decide(store, first.id, "Bo", Decision.APPROVE)
    assert seen() == (first.id, 2, 1.0)


def test_changes_of_different_kinds_that_touch_are_pieces_of_their_own(store: Store, image: ImageRecord) -> None:
    # Bug: they were one region, named by two majorities: here "2 to 1", which nothing did.
    before = np.array([[2, 2, 2, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]], np.uint8)
    after = np.array([[0, 0, 0, 1], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]], np.uint8)
    predicted = add_labels(store, image, before, RevisionKind.PREDICTION)
    row = review(store, add_labels(store, image, after, parent=predicted).id)
    found = changed_regions(store, row)
    assert [(each.pixels, each.before, each.after) for each in found] == [(3, 2, 0), (2, 0, 1), (1, 0, 1)]
