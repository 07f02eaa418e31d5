"""A draft that begins from a correction keeps what was confirmed there."""

from __future__ import annotations

import numpy as np
import pytest

import core.annotation.draft_start as beginning
from core.access.roles import Role, set_member
from core.annotation.draft_start import begin_draft, discard_draft
from core.annotation.draft_tiles import unpack_tile
from core.annotation.history import restore
from core.annotation.submission import submit_draft
from core.errors import AccessError, NotFoundError
from core.imaging.image import Image
from core.imaging.pyramid import write_label_pyramid
from core.review.double_annotation import ask_to_annotate
from core.review.label_maps import COVERAGE, LabelMap
from core.settings import Access
from core.store import RevisionKind, Store
from core.store.records import DraftState, ImageRecord, ProjectRecord, RevisionRecord
from tests.core.review.conftest import project, store

__all__ = ["project", "store"]

SHAPE = (600, 700)


@pytest.fixture
def image(store: Store, project: ProjectRecord) -> ImageRecord:
    return store.images.add(project.id, Image(np.zeros(SHAPE, np.uint8)))


@pytest.fixture
def labels() -> np.ndarray:
    return np.random.default_rng(5).integers(0, 3, SHAPE, np.uint8)


@pytest.fixture
def covered() -> np.ndarray:
    found = np.zeros(SHAPE, np.uint8)
    found[500:520, 100:110] = 1
    return found


@pytest.fixture
def correction(store: Store, image: ImageRecord, labels: np.ndarray, covered: np.ndarray) -> RevisionRecord:
    begun = store.revisions.begin(image.id, RevisionKind.CORRECTION, author="Ada")
    path = store.revisions.pyramid_path(begun.id)
    write_label_pyramid(path, labels, pixel_size_nm=8.0)
    write_label_pyramid(path / COVERAGE, covered, pixel_size_nm=8.0)
    return store.revisions.complete(begun.id)


def test_labels_and_coverage_come_back_tile_by_tile(
    store: Store, image: ImageRecord, correction: RevisionRecord, labels: np.ndarray, covered: np.ndarray
) -> None:
    draft, was_open = begin_draft(store, image.id, "Ada", correction.id)
    assert not was_open
    tiles = store.drafts.tiles(draft.id)
    assert [(tile.row, tile.column) for tile in tiles] == [(0, 0), (1, 0)], "only those with something confirmed"
    packed = store.drafts.tile_data(draft.id, [(0, 0), (1, 0)])
    for place, rows in (((0, 0), slice(0, 512)), ((1, 0), slice(512, 600))):
        found = unpack_tile(packed[place], (rows.stop - rows.start, 512))
        np.testing.assert_array_equal(found[0], labels[rows, :512])
        np.testing.assert_array_equal(found[1], covered[rows, :512])
    assert begin_draft(store, image.id, "Ada", correction.id) == (store.drafts.get(draft.id), True), (
        "again is the same draft"
    )


def test_submitted_again_it_is_confirmed_where_it_was(
    store: Store, image: ImageRecord, correction: RevisionRecord, covered: np.ndarray
) -> None:
    draft, _ = begin_draft(store, image.id, "Bob", correction.id)
    again = submit_draft(store, draft.id, "tab")
    assert again.changes["pixels"] == 0
    confirmed = LabelMap(store, again.revision.id, SHAPE).confirmed(slice(None)) != 255
    np.testing.assert_array_equal(confirmed, covered > 0)


def test_a_whole_image_that_was_right_is_right_again(
    store: Store, image: ImageRecord, correction: RevisionRecord
) -> None:
    first, _ = begin_draft(store, image.id, "Ada", correction.id)
    store.drafts.set_whole_image(first.id, "tab", True)
    whole = submit_draft(store, first.id, "tab").revision
    draft, _ = begin_draft(store, image.id, "Bob", whole.id)
    assert draft.whole_image
    assert store.drafts.tiles(draft.id) == ()


def test_what_broke_off_is_completed_when_asked_again(
    store: Store, image: ImageRecord, correction: RevisionRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> object:
        raise OSError("the power went")

    monkeypatch.setattr(beginning, "pack_tile", broken)
    with pytest.raises(OSError, match="power"):
        begin_draft(store, image.id, "Ada", correction.id)
    monkeypatch.undo()
    draft, was_open = begin_draft(store, image.id, "Ada", correction.id)
    assert was_open
    assert len(store.drafts.tiles(draft.id)) == 2


def test_a_draft_that_a_tab_has_opened_is_left_as_it_is(
    store: Store, image: ImageRecord, correction: RevisionRecord
) -> None:
    draft, _ = store.drafts.open(image.id, "Ada", correction.id)
    store.drafts.hold(draft.id, "tab", "Ada")
    assert begin_draft(store, image.id, "Ada", correction.id) == (store.drafts.get(draft.id), True)
    assert store.drafts.tiles(draft.id) == ()


def test_a_prediction_confirms_nothing(store: Store, image: ImageRecord, labels: np.ndarray) -> None:
    begun = store.revisions.begin(image.id, RevisionKind.PREDICTION)
    write_label_pyramid(store.revisions.pyramid_path(begun.id), labels, pixel_size_nm=8.0)
    store.revisions.complete(begun.id)
    draft, _ = begin_draft(store, image.id, "Ada", begun.id)
    assert store.drafts.tiles(draft.id) == ()


@pytest.fixture
def by_roles(store: Store, project: ProjectRecord) -> Store:
    """Ada paints here, Vera only looks."""
    for name, role in (("Ada", Role.ANNOTATOR), ("Bob", Role.ANNOTATOR), ("Vera", Role.VIEWER)):
        set_member(store, project.id, name, role, by="")
    store._data.settings = store.settings.model_copy(update={"access": Access.ROLES, "admins": "Root"})
    return store


@pytest.mark.parametrize("person", ["", "Stranger", "Vera"])
def test_a_draft_is_begun_and_thrown_away_only_by_who_may_paint_at_that_moment(
    by_roles: Store, project: ProjectRecord, image: ImageRecord, correction: RevisionRecord, person: str
) -> None:
    """History offered a draft from a revision to viewers, and core began it."""
    for begin in (
        lambda: begin_draft(by_roles, image.id, person, correction.id),
        lambda: restore(by_roles, correction.id, person),
    ):
        with pytest.raises(AccessError):
            begin()
    draft, _ = begin_draft(by_roles, image.id, "Ada", correction.id)
    with pytest.raises(AccessError):
        discard_draft(by_roles, draft.id, by=person)
    with pytest.raises(AccessError, match="draft belongs to Ada"):
        discard_draft(by_roles, draft.id, by="Bob")
    set_member(by_roles, project.id, "Ada", Role.VIEWER, by="Root")
    with pytest.raises(AccessError, match="may not paint"):
        discard_draft(by_roles, draft.id, by="Ada")
    set_member(by_roles, project.id, "Ada", Role.ANNOTATOR, by="Root")
    discard_draft(by_roles, draft.id, by="ada")
    assert by_roles.drafts.get(draft.id).state is DraftState.DISCARDED


def test_a_draft_begins_from_no_other_image_and_from_nothing_that_is_hidden(
    store: Store, project: ProjectRecord, image: ImageRecord, correction: RevisionRecord
) -> None:
    other = store.images.add(project.id, Image(np.ones(SHAPE, np.uint8)))
    with pytest.raises(NotFoundError, match="This image has no revision"):
        begin_draft(store, other.id, "Ada", correction.id)
    ask_to_annotate(store, image.id, ["Ada", "Bob"], by="Root")
    with pytest.raises(AccessError, match="independent"):
        begin_draft(store, image.id, "Bob", correction.id)
    with pytest.raises(AccessError, match="independent"):
        restore(store, correction.id, "Bob")
    assert store.drafts.of_image(image.id) == ()
