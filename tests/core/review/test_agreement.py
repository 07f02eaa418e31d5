"""Two annotators of one image: what they may see of each other, and how far they agree."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.access.roles import Role, set_member
from core.annotation.draft_start import begin_draft
from core.errors import AccessError, AnnotationError, ReviewError
from core.imaging.pyramid import write_label_pyramid
from core.review.agreement import (
    agreement_between,
    agreement_of,
    image_agreements,
    together,
)
from core.review.decisions import withdraw
from core.review.double_annotation import (
    OwnWork,
    ask_to_annotate,
    assignments,
    excuse,
    hidden_authors,
    hidden_revisions,
    own_work,
    require_visible,
)
from core.review.label_maps import COVERAGE
from core.review.queue import queue
from core.store import RevisionKind, Store
from core.store.records import ImageRecord, ProjectRecord
from tests.core.review.conftest import ADMIN, SCHEME, add_image, add_labels, add_project

FIRST = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 255, 255], [0, 0, 2, 2]], np.uint8)
SECOND = np.array([[1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 2, 2], [1, 0, 255, 2]], np.uint8)


def test_agreement_worked_out_by_hand() -> None:
    """13 px are shared. Axon: 4 and 3, 2 in common. Myelin: 1 and 1, 1 in common. Background: 8 and 9, 7 in common."""
    found = agreement_of(FIRST, SECOND, SCHEME)
    assert found.shared_px == 13
    assert found.differing_px == 3
    assert found.dice == {0: pytest.approx(14 / 17), 1: pytest.approx(4 / 7), 2: 1.0}
    assert agreement_of(SECOND, FIRST, SCHEME).dice == pytest.approx(found.dice)


def test_nothing_in_common_is_undefined() -> None:
    nothing = np.full((4, 4), 255, np.uint8)
    found = agreement_of(nothing, SECOND, SCHEME)
    assert found.shared_px == 0
    assert all(math.isnan(value) for value in found.dice.values())


def test_only_what_both_confirmed_counts(store: Store, image: ImageRecord) -> None:
    one = add_labels(store, image, np.where(FIRST == 255, 0, FIRST), author="Ada")
    begun = store.revisions.begin(image.id, RevisionKind.CORRECTION, author="Dee")
    path = store.revisions.pyramid_path(begun.id)
    write_label_pyramid(path, np.full((4, 4), 1, np.uint8), pixel_size_nm=8.0)
    covered = np.zeros((4, 4), np.uint8)
    covered[:2] = 1
    write_label_pyramid(path / COVERAGE, covered, pixel_size_nm=8.0)
    other = store.revisions.complete(begun.id)
    found = agreement_between(store, one.id, other.id)
    assert (found.shared_px, found.differing_px) == (8, 4)
    assert found.dice[1] == pytest.approx(8 / 12)


def test_revisions_of_different_images_are_not_compared(store: Store, project: ProjectRecord) -> None:
    ids = [add_labels(store, add_image(store, project, name), FIRST).id for name in ("a", "b")]
    with pytest.raises(ReviewError, match="different images"):
        agreement_between(store, *ids)


def test_blind_annotators_see_each_other_when_both_have_submitted(
    store: Store, project: ProjectRecord, image: ImageRecord
) -> None:
    ask_to_annotate(store, image.id, ["Ada", " Dee "], by="Bo")
    ada = add_labels(store, image, FIRST, author="Ada")
    bystander = add_labels(store, image, FIRST, author="Cy")
    assert hidden_revisions(store, project.id, "Dee") == {ada.id}
    assert hidden_authors(store, image.id, "dee") == {"ada"}
    assert hidden_revisions(store, project.id, "Bo") == frozenset()
    assert [row.revision_id for row in queue(store, project.id, person="Dee")] == [bystander.id]
    with pytest.raises(AccessError, match="independent"):
        require_visible(store, ada.id, "Dee")
    require_visible(store, ada.id, "Ada")
    require_visible(store, ada.id, "Bo")
    assert image_agreements(store, project.id, person="Bo") == ()

    dee = add_labels(store, image, SECOND, author="DEE")
    assert hidden_revisions(store, project.id, "Dee") == frozenset()
    require_visible(store, ada.id, "Dee")
    (found,) = image_agreements(store, project.id, person="Dee")
    assert (found.people, found.revision_ids) == (("Ada", "Dee"), (ada.id, dee.id))
    assert together([found, found]).shared_px == 2 * found.agreement.shared_px == 26
    assert together([found, found]).dice == pytest.approx(found.agreement.dice)

    withdraw(store, dee.id, "Dee")
    assert hidden_revisions(store, project.id, "Dee") == {ada.id}


def test_earlier_work_is_no_answer_and_whoever_is_excused_hides_nothing(
    store: Store, project: ProjectRecord, image: ImageRecord
) -> None:
    add_labels(store, image, FIRST, author="Ada")
    ask_to_annotate(store, image.id, ["Ada", "Dee"], by="Bo")
    assert [(each.person, each.revision_id) for each in assignments(store, project.id)] == [
        ("Ada", None),
        ("Dee", None),
    ]
    excuse(store, image.id, "DEE", by="Bo")
    assert [each.person for each in assignments(store, project.id)] == ["Ada"]
    assert hidden_revisions(store, project.id, "Dee") == frozenset()


def test_all_who_are_asked_begin_from_the_prediction_of_then(store: Store, image: ImageRecord) -> None:
    def predicted(value: int) -> str:
        begun = store.revisions.begin(image.id, RevisionKind.PREDICTION, model_id="m")
        write_label_pyramid(store.revisions.pyramid_path(begun.id), np.full((4, 4), value, np.uint8), pixel_size_nm=8.0)
        return store.revisions.complete(begun.id).id

    first = predicted(1)
    correction = add_labels(store, image, FIRST, author="Cy")
    ask_to_annotate(store, image.id, ["Ada", "Dee"], by="Bo")
    later = predicted(2)
    assert [own_work(store, image.id, name) for name in ("ada", "Dee")] == [OwnWork("Bo", first)] * 2
    assert own_work(store, image.id, "Cy") is None
    for other in (later, correction.id, None):
        with pytest.raises(AnnotationError, match="same label map"):
            begin_draft(store, image.id, "Ada", other)
    draft, _ = begin_draft(store, image.id, "Ada", first)
    assert draft.base_revision_id == first
    begin_draft(store, image.id, "Cy", later)
    add_labels(store, image, SECOND, author="Dee")
    assert own_work(store, image.id, "Dee") is None, "what comes after is free"


def test_whoever_has_begun_already_is_not_asked(store: Store, image: ImageRecord) -> None:
    store.drafts.open(image.id, "Ada", None)
    with pytest.raises(ReviewError, match="Ada already has an open draft"):
        ask_to_annotate(store, image.id, ["Dee", "Ada"], by="Bo")
    assert own_work(store, image.id, "Dee") is None, "nobody was asked"


def test_who_may_ask_and_be_asked(guarded: Store) -> None:
    project = add_project(guarded)
    image = add_image(guarded, project)
    set_member(guarded, project.id, "Ada", Role.ANNOTATOR, by=ADMIN)
    set_member(guarded, project.id, "Vi", Role.VIEWER, by=ADMIN)
    with pytest.raises(AccessError, match="Ada is annotator"):
        ask_to_annotate(guarded, image.id, ["Ada"], by="Ada")
    with pytest.raises(AccessError, match="Vi is viewer"):
        ask_to_annotate(guarded, image.id, ["Ada", "Vi"], by=ADMIN)
    with pytest.raises(ReviewError, match="No annotators selected"):
        ask_to_annotate(guarded, image.id, [" "], by=ADMIN)
    assert assignments(guarded, project.id) == (), "of all who are named, or of none"
