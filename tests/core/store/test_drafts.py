"""Drafts in the store: one open per author, one tab at a time, every post once and whole."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

import core.store.drafts as drafts
from core.errors import DraftClosedError, DraftHeldError, NotFoundError
from core.imaging.image import Image
from core.label_scheme import LabelScheme
from core.store import Store
from core.store.records import DraftRecord, DraftState, DraftTileRecord


@pytest.fixture
def draft(store: Store) -> DraftRecord:
    project = store.projects.create("nerve", LabelScheme.from_names({"axon": 1}))
    image = store.images.add(project.id, Image(np.zeros((4, 4), np.uint8), name="a.tif"))
    return store.drafts.open(image.id, " Ada ", None)[0]


def tile(row: int, column: int, pixels: int = 1) -> tuple[DraftTileRecord, bytes]:
    return DraftTileRecord(row, column, 0, {"1": pixels}, {"1": pixels}, {"0": 16}), bytes([pixels])


def post(store: Store, draft: DraftRecord, *tiles: tuple[DraftTileRecord, bytes], **keywords: object) -> DraftRecord:
    wanted = {"holder": "tab", "sequence": 1, "seconds": 2.5, "strokes": 3, **keywords}
    return store.drafts.write_tiles(draft.id, wanted.pop("holder"), wanted.pop("sequence"), tiles, **wanted)  # type: ignore[arg-type]


def test_an_author_has_one_open_draft_of_an_image(store: Store, draft: DraftRecord) -> None:
    assert store.drafts.open(draft.image_id, "Ada", None) == (draft, True)
    assert store.drafts.open(draft.image_id, " ada ", None) == (draft, True), "another spelling is the same person"
    other, was_open = store.drafts.open(draft.image_id, "Bob", None)
    assert (other.author, was_open) == ("Bob", False)
    store.drafts.close(draft.id, DraftState.DISCARDED, holder="")
    assert store.drafts.open(draft.image_id, "Ada", None)[0].id != draft.id
    with pytest.raises(NotFoundError):
        store.drafts.open(draft.image_id, "Cleo", "no such revision")


def test_a_post_counts_once_however_often_it_is_sent(store: Store, draft: DraftRecord) -> None:
    first = post(store, draft, tile(0, 0), tile(0, 1))
    assert (first.version, first.seconds, first.strokes) == (2, 2.5, 3)
    assert post(store, draft, tile(0, 0, 9)) == store.drafts.get(draft.id)
    assert store.drafts.get(draft.id).strokes == 3
    second = post(store, draft, tile(0, 1, 5), sequence=2)
    assert (second.version, second.seconds, second.strokes) == (3, 5.0, 6)
    assert [(t.row, t.column, t.version, t.covered) for t in store.drafts.tiles(draft.id)] == [
        (0, 0, 2, {"1": 1}),
        (0, 1, 3, {"1": 5}),
    ]
    assert store.drafts.tile_data(draft.id, [(0, 1), (7, 7)]) == {(0, 1): b"\x05"}


def test_a_post_is_kept_whole_or_not_at_all(store: Store, draft: DraftRecord) -> None:
    broken = (DraftTileRecord(0, 1, 0, {"1": {1, 2}}, {}, {}), b"")  # type: ignore[dict-item]
    with pytest.raises(Exception, match="JSON"):
        post(store, draft, tile(0, 0), broken)
    assert store.drafts.tiles(draft.id) == ()
    assert store.drafts.get(draft.id) == draft
    assert not store.drafts.has_post(draft.id, "tab", 1)


def test_a_tab_that_is_silent_for_long_is_replaced_without_asking(
    store: Store, draft: DraftRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store.drafts.hold(draft.id, "one", "Ada")[1] == ""
    with pytest.raises(DraftHeldError, match="Ada has this draft open") as refused:
        store.drafts.hold(draft.id, "two", "Ada")
    assert refused.value.holder["id"] == "one"
    assert store.drafts.hold(draft.id, "one", "Ada", renew=True)[1] == "one"
    monkeypatch.setattr(drafts, "HOLD", timedelta(0))
    assert store.drafts.hold(draft.id, "two", "Ada")[1] == "one"


def test_only_the_tab_that_has_the_draft_changes_it_however_silent_it_is(
    store: Store, draft: DraftRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.drafts.hold(draft.id, "one", "Ada")
    monkeypatch.setattr(drafts, "HOLD", timedelta(0))
    held = store.drafts.get(draft.id)
    for change in (
        lambda: post(store, draft, tile(0, 0), holder="two"),
        lambda: post(store, draft, tile(0, 0), holder="one", sent_by="two"),
        lambda: store.drafts.set_whole_image(draft.id, "two", True),
        lambda: store.drafts.hold(draft.id, "two", "Ada", renew=True),
        lambda: store.drafts.close(draft.id, DraftState.DISCARDED, holder="two"),
    ):
        with pytest.raises(DraftHeldError):
            change()
    assert store.drafts.get(draft.id) == held
    assert post(store, draft, tile(0, 0), holder="closed before", sent_by="one").holder_id == "one"


def test_a_closed_draft_does_not_change(store: Store, draft: DraftRecord) -> None:
    post(store, draft, tile(0, 0))
    with pytest.raises(DraftHeldError, match="edited during"):
        store.drafts.close(draft.id, DraftState.SUBMITTED, holder="tab", version=1)
    store.drafts.close(draft.id, DraftState.SUBMITTED, holder="tab", version=2)
    assert store.drafts.tiles(draft.id) == ()
    with pytest.raises(DraftClosedError, match="submitted"):
        post(store, draft, tile(0, 0), sequence=2)
    with pytest.raises(DraftClosedError):
        store.drafts.hold(draft.id, "tab", "Ada", take_over=True)


def test_a_draft_goes_with_its_image(store: Store, draft: DraftRecord) -> None:
    post(store, draft, tile(0, 0))
    store.images.delete(draft.image_id)
    with pytest.raises(NotFoundError):
        post(store, draft, tile(0, 0), sequence=2)
