"""Objects of a draft over HTTP: split, saved, submitted, and learned from with the ids that the person saw."""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.annotation.history import difference
from core.errors import StoreError
from core.imaging.pyramid import open_pyramid
from core.label_scheme import LabelScheme
from core.learning.merged_objects import MergedIds
from core.review.label_maps import LabelMap
from core.review.object_changes import ObjectChanges, submitted_changes
from tests.core.web.test_draft_routes import SHAPE, TILE_SHAPES, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.store.close()


def edit(world: World, **request: Any) -> dict[str, Any]:
    """Ask what an edit changes, and post it as the browser does."""
    answer = world.post("objects", json=request)
    assert answer.status_code == 200, answer.json()
    told: dict[str, Any] = answer.json()
    for number, tile in enumerate(told["tiles"]):
        place = tile["row"], tile["column"]
        labels, cover = (plane.copy() for plane in world.planes(*place))
        ids = ids_of(world, *place)
        for start, length, value in np.reshape(tile["runs"], (-1, 3)).tolist():
            ids.ravel()[start : start + length] = value
            cover.ravel()[start : start + length] = 1
            if told["label"] is not None:
                labels.ravel()[start : start + length] = told["label"]
        sent = post(world, place, labels, cover, ids, world.store.drafts.get(world.draft.id).version * 10 + number)
        assert sent.status_code == 200, sent.json()
    return told


def post(
    world: World,
    place: tuple[int, int],
    labels: np.ndarray,
    cover: np.ndarray,
    ids: np.ndarray | None,
    sequence: int,
) -> Any:
    entry = {"row": place[0], "column": place[1], "height": labels.shape[0], "width": labels.shape[1]}
    header = json.dumps({"tiles": [entry | ({"ids": True} if ids is not None else {})], "stroke": {}}).encode()
    planes = labels.tobytes() + cover.astype(np.uint8).tobytes() + (b"" if ids is None else ids.astype("<u4").tobytes())
    return world.paint({}, sequence=sequence, body=gzip.compress(struct.pack("<I", len(header)) + header + planes))


def ids_of(world: World, row: int, column: int) -> np.ndarray:
    """Ids of a tile as the server has them now."""
    content = world.get(f"/objects/0/{row}/{column}").content
    shape = TILE_SHAPES[row, column]
    return np.frombuffer(content, "<u4").reshape(shape).copy() if content else np.zeros(shape, np.uint32)


def submitted(world: World) -> str:
    answer = world.post("submit", json={"holder": "tab"})
    assert answer.status_code == 200, answer.json()
    return str(answer.json()["revision_id"])


def test_what_was_split_is_submitted_and_learned_from_as_two(world: World) -> None:
    assert world.get("/objects").json() == {"classes": [], "next_id": 1}
    told = edit(world, action="split", line=[[90, 520.5], [210, 520.5]])
    assert told["objects"] == [1, 2]
    assert world.get("/objects").json() == {"classes": [1], "next_id": 3}
    revision_id = submitted(world)
    labels, objects = (
        LabelMap(world.store, revision_id, SHAPE),
        open_pyramid(world.store.revisions.pyramid_path(revision_id)).object_ids(),
    )
    assert objects is not None
    assert objects.class_ids == (1,)
    np.testing.assert_array_equal(labels.labels(slice(None)), world.before)
    assert np.unique(objects.ids_yx[100:200, 100:520]).tolist() == [1]
    assert np.unique(objects.ids_yx[100:200, 521:600]).tolist() == [2]
    learned = MergedIds(world.store, [revision_id], SHAPE).whole()
    assert learned is not None
    np.testing.assert_array_equal(learned.ids_yx, objects.ids_yx, "all of both is confirmed")
    row = next(row for row in world.store.revisions.get(revision_id).coverage if row["class_id"] == 1)
    assert row["objects"] == 2


def test_split_then_merged_is_one_again(world: World) -> None:
    edit(world, action="split", line=[[90, 520], [210, 520]])
    told = edit(world, action="merge", points=[[150, 200], [150, 590]])
    assert told["objects"] == [1]
    objects = open_pyramid(world.store.revisions.pyramid_path(submitted(world))).object_ids()
    assert objects is not None
    assert np.unique(objects.ids_yx).tolist() == [0, 1]


def test_a_page_that_knows_no_ids_keeps_those_that_are_there(world: World) -> None:
    edit(world, action="split", line=[[90, 300], [210, 300]])
    labels, cover = (plane.copy() for plane in world.planes(0, 0))
    labels[150:, :] = 0
    labels[300:320, 10:30] = 2
    assert post(world, (0, 0), labels, cover, None, 99).status_code == 200
    ids = ids_of(world, 0, 0)
    assert np.unique(ids[100:150, 100:500]).tolist() == [1, 2]
    assert not ids[150:].any()


def test_an_object_may_be_refused_and_nothing_changes(world: World) -> None:
    answer = world.post("objects", json={"action": "split", "line": [[10, 10], [20, 20]]})
    assert answer.status_code == 400
    assert answer.json()["cause"] == "There is no object under the line."
    assert answer.json()["remedy"]
    assert not world.store.drafts.tiles(world.draft.id)
    assert world.post("objects", content=b"[1]").status_code == 400


def test_somebody_without_the_right_cannot_ask(tmp_path: Path) -> None:
    from core.settings import Access

    closed = World(tmp_path, access=Access.ROLES)
    answer = closed.post("objects", person="Eve", json={"action": "delete", "point": [150, 200]})
    assert answer.status_code == 403
    closed.store.close()


def test_ids_on_background_are_not_kept(world: World) -> None:
    labels, cover = (plane.copy() for plane in world.planes(0, 0))
    assert post(world, (0, 0), labels, cover, np.full(labels.shape, 2**32 - 1, np.uint32), 1).status_code == 200
    ids = ids_of(world, 0, 0)
    np.testing.assert_array_equal(ids != 0, labels != 0)
    assert ids.max() == 2**32 - 1, "the largest id that there is"


def test_ids_that_are_cut_short_are_refused(world: World) -> None:
    labels, cover = (plane.copy() for plane in world.planes(0, 0))
    answer = post(world, (0, 0), labels, cover, np.zeros(7, np.uint32), 1)
    assert answer.status_code == 400
    assert not world.store.drafts.tiles(world.draft.id)


def test_a_class_with_objects_in_an_open_draft_cannot_be_removed(world: World) -> None:
    edit(world, action="split", line=[[90, 300], [210, 300]])
    with pytest.raises(StoreError, match="Open drafts"):
        world.store.projects.update(world.project.id, scheme=LabelScheme.from_names({"myelin": 2}))
    objects = open_pyramid(world.store.revisions.pyramid_path(submitted(world))).object_ids()
    assert objects is not None


def test_a_draft_from_nothing_may_have_objects(world: World) -> None:
    world.draft, _ = world.store.drafts.open(world.image.id, "Bea", None)
    world.base = f"/api/drafts/{world.draft.id}"
    labels, ids = np.zeros((512, 512), np.uint8), np.zeros((512, 512), np.uint32)
    labels[10:20, 10:40] = 1
    ids[10:20, 10:40] = 5
    ids[10:20, 25:40] = 9
    assert post(world, (0, 0), labels, labels, ids, 1).status_code == 200
    objects = open_pyramid(world.store.revisions.pyramid_path(submitted(world))).object_ids()
    assert objects is not None
    assert np.unique(objects.ids_yx).tolist() == [0, 5, 9]


def test_each_piece_gets_an_id_across_tiles_and_nothing_is_confirmed(world: World) -> None:
    labels, cover = (plane.copy() for plane in world.planes(0, 0))
    labels[505:512, 300:310] = labels[10:20, 10:20] = labels[20:30, 20:30] = 1  # the last two touch at a corner
    assert post(world, (0, 0), labels, cover, None, 1).status_code == 200
    below, cover_below = (plane.copy() for plane in world.planes(1, 0))
    below[:9, 310:320] = 1  # over a corner, across the border of tiles
    assert post(world, (1, 0), below, cover_below, None, 2).status_code == 200
    answer = world.post("objects", json={"action": "start", "class_id": 1, "holder": "tab"})
    assert answer.json() == {"count": 3}
    ids = {place: ids_of(world, *place) for place in TILE_SHAPES}
    assert np.unique(ids[0, 0]).tolist() == [0, 1, 2, 3]
    assert ids[0, 0][508, 305] == ids[1, 0][4, 315] != 0
    assert ids[0, 0][12, 12] == ids[0, 0][25, 25]
    assert ids[0, 0][150, 500] == ids[0, 1][150, 20] != 0
    assert not world.planes(0, 0)[1].any()
    answer = world.post("objects", json={"action": "start", "class_id": 1, "holder": "tab"})
    assert (answer.status_code, answer.json()["cause"]) == (400, "Every object of this class has an id already.")
    assert world.post("objects", json={"action": "start", "class_id": 9, "holder": "tab"}).status_code == 400
    world.hold("other", take_over=True)
    refused = world.post("objects", json={"action": "start", "class_id": 2, "holder": "tab"})
    assert refused.status_code in (400, 409)


def test_what_was_submitted_says_what_became_of_objects(world: World) -> None:
    edit(world, action="split", line=[[90, 300], [210, 300]])
    revision = world.store.revisions.get(submitted(world))
    assert submitted_changes(revision).words == "1 object split"
    found = difference(world.store, world.prediction.id, revision.id)
    assert (found.changes.pixels, found.objects) == (0, ObjectChanges(split=1))
