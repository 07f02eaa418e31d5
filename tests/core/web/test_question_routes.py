"""Questions "one or two?" over HTTP: answered in a draft, undone, submitted, learned from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.datasets.folder import load_case, load_objects, open_dataset
from core.imaging.pyramid import open_pyramid, write_label_pyramid
from core.learning.snapshot import take_snapshot, write_snapshot
from core.morphometry.coverage import coverage_table
from core.morphometry.doubts import CountInterval, interval_of
from core.objects.asking import questions_of as find
from core.objects.contacts import parting_target
from core.objects.rules import ObjectRules
from core.objects.separating import object_ids
from core.objects.separation import Separation, SeparationWay
from core.review.decisions import decide
from core.review.records import Decision
from core.segmentation.parting import PartingRows
from core.store import RevisionKind
from core.store.object_questions import doubts_of, questions_of
from core.store.records import RevisionRecord
from core.training.object_labels import objects_in_labels
from tests.core.web.test_draft_routes import SCHEME, SHAPE, World
from tests.core.web.test_object_routes import edit, submitted

SEAMS = Separation(SeparationWay.SEAMS, (1,))
CENTRES = ((60, 60), (60, 86), (60, 300), (60, 326), (300, 500), (300, 526), (500, 100))
"""Discs of 15 px: three that overlap another one, across the edge of a tile the last pair, and one alone."""


def shapes() -> tuple[np.ndarray, PartingRows]:
    """Labels, and what parts them: hardly enough in the first pair, nearly in the second and third."""
    row, column = np.mgrid[: SHAPE[0], : SHAPE[1]]
    labels, levels = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    for y, x in CENTRES:
        labels[(row - y) ** 2 + (column - x) ** 2 <= 15**2] = 1
    levels[40:80, 72:75], levels[40:80, 312:315], levels[280:320, 512:515] = 2, 1, 1
    parting = PartingRows(SHAPE)
    parting.push(levels)
    return labels, parting


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    labels, parting = shapes()
    limits = ObjectRules().limits(None)
    objects = object_ids(labels, parting, SEAMS, limits)
    begun = made.store.revisions.begin(made.image.id, RevisionKind.PREDICTION)
    path = made.store.revisions.pyramid_path(begun.id)
    write_label_pyramid(path, labels, pixel_size_nm=5.0, scheme=SCHEME, objects=objects)
    questions = find(labels, objects, parting, SEAMS, limits)
    questions.save(made.store.revisions.questions_path(begun.id))
    rows = coverage_table(labels, SCHEME, 5.0, objects=objects, doubts=questions.doubts())
    made.prediction = made.store.revisions.complete(begun.id, coverage=[row.to_json() for row in rows])
    begin(made, "Bea", made.prediction)
    yield made
    made.store.close()


def begin(world: World, author: str, revision: RevisionRecord) -> None:
    world.draft, _ = world.store.drafts.open(world.image.id, author, revision.id)
    world.base = f"/api/drafts/{world.draft.id}"


def asked(world: World) -> dict[str, dict[str, Any]]:
    """The questions by where they are."""
    told = world.get("/questions").json()
    assert told["looked"]
    assert told["left_out"] == 0
    names = {(0, 0): "pair", (0, 1): "half", (1, 2): "across"}
    return {names[item["row"] // 200, item["column"] // 200]: item for item in told["questions"]}


def answer(world: World, item: dict[str, Any], said: str) -> dict[str, Any]:
    return edit(world, action="answer", question=item["number"], answer=said)


def objects_now(world: World, revision_id: str) -> tuple[int, CountInterval | None]:
    row = next(row for row in world.store.revisions.get(revision_id).coverage if row["class_id"] == 1)
    return row["objects"], interval_of(row)


def test_all_are_open_at_first_and_the_count_says_so(world: World) -> None:
    found = asked(world)
    assert {name: (item["two"], item["answer"]) for name, item in found.items()} == {
        "pair": (True, None), "half": (False, None), "across": (False, None),
    }  # fmt: skip
    assert found["pair"]["p"] > found["half"]["p"] == found["across"]["p"]
    objects, interval = objects_now(world, world.prediction.id)
    assert objects == 5
    assert interval is not None
    assert interval.questions == 3


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"pair": "one", "half": "two", "across": "two"}, 6),
        ({"pair": "two", "half": "one", "across": "one"}, 5),
        ({"pair": "one", "half": "one", "across": "one"}, 4),
        ({"pair": "two", "half": "two", "across": "two"}, 7),
    ],
)
def test_answers_are_what_is_counted_without_doubt(world: World, said: dict[str, str], expected: int) -> None:
    for name, word in said.items():
        answer(world, asked(world)[name], word)
    assert {name: item["answer"] for name, item in asked(world).items()} == said
    revision_id = submitted(world)
    assert objects_now(world, revision_id) == (expected, None)
    revision = world.store.revisions.get(revision_id)
    assert len(doubts_of(world.store, revision)) == 0
    kept = {(item["row"] // 200, item["answer"]) for item in revision.details["answers"]}
    assert kept == {(0, said["pair"]), (0, said["half"]), (1, said["across"])}
    (line,) = [e for e in world.store.audit_log.entries(world.project.id) if e.what == "questions_answered"]
    assert (line.who, line.subject) == ("Bea", revision_id)
    assert (line.details["one"], line.details["two"]) == tuple(list(said.values()).count(w) for w in ("one", "two"))


def test_what_is_not_answered_stays_open_in_the_next_label_map(world: World) -> None:
    answer(world, asked(world)["half"], "two")
    revision_id = submitted(world)
    objects, interval = objects_now(world, revision_id)
    assert objects == 6
    assert interval is not None
    assert interval.questions == 2
    revision = world.store.revisions.get(revision_id)
    kept = questions_of(world.store, revision)
    assert kept is not None
    before = questions_of(world.store, world.prediction)
    assert before is not None
    assert sorted(kept.p.tolist()) == sorted([before.p[i] for i in range(3) if before.place[i, 1] // 200 != 1])
    begin(world, "Cem", revision)
    assert set(asked(world)) == {"pair", "across"}


def test_an_answer_may_be_changed(world: World) -> None:
    for word, objects in (("two", 2), ("one", 1), ("two", 2)):
        assert len(answer(world, asked(world)["half"], word)["objects"]) == objects
        assert asked(world)["half"]["answer"] == word


def test_whoever_takes_an_answer_back_is_asked_again(world: World) -> None:
    item = asked(world)["pair"]
    tiles = {(0, 0): tuple(plane.copy() for plane in world.planes(0, 0))}
    answer(world, item, "one")
    assert asked(world)["pair"]["answer"] == "one"
    world.paint(tiles, sequence=77)  # as undo posts them
    assert asked(world)["pair"]["answer"] is None


def test_the_whole_image_confirmed_leaves_no_doubt(world: World) -> None:
    assert world.post("whole-image", json={"value": True, "holder": "tab"}).status_code == 200
    assert {item["answer"] for item in asked(world).values()} == {"one", "two"}
    revision_id = submitted(world)
    assert objects_now(world, revision_id) == (5, None)
    assert "answers" not in world.store.revisions.get(revision_id).details, "nobody answered them one by one"


def test_the_cut_is_drawn_between_both_parts(world: World) -> None:
    for name, column in (("pair", 73), ("half", 313), ("across", 513)):
        lines = np.array(world.get(f"/questions/{asked(world)[name]['number']}").json()["lines"])
        assert len(lines) > 10
        assert np.abs(lines[:, 1] - column).max() <= 3, name
        ends = np.abs(lines[:, :2] - lines[:, 2:]).sum(axis=1)
        assert (ends == 1).all(), "edges of pixels"


def test_the_next_training_learns_a_seam_where_it_is_two_and_none_where_it_is_one(world: World, tmp_path: Path) -> None:
    found = asked(world)
    answer(world, found["half"], "two")
    answer(world, found["pair"], "one")
    revision_id = submitted(world)
    decide(world.store, revision_id, "Rey", Decision.APPROVE)
    write_snapshot(world.store, take_snapshot(world.store, world.project.id, [world.image.id]), tmp_path / "dataset")
    (case,) = open_dataset(tmp_path / "dataset").cases
    image, labels = load_case(case)
    ids = load_objects(case, image.shape)
    assert ids is not None
    assert (labels[300, 500], labels[500, 100], labels[0, 0]) == (255, 255, 255), "nobody said anything there"
    assert objects_in_labels([case], (1, 2))[1].pairs == 1
    target = parting_target(SeparationWay.SEAMS, labels, ids, (1,))
    assert target[60, 312:315].any()
    assert not target[40:80, 40:110].any(), "one object"
    column = np.nonzero(target)[1]
    assert np.abs(column - 313).max() <= 5
    assert ids[60, 60] == ids[60, 86] != 0
    assert ids[60, 300] != ids[60, 326]


def test_necks_are_looked_for_on_request_and_an_answer_gives_ids(world: World) -> None:
    labels, _ = shapes()
    begun = world.store.revisions.begin(world.image.id, RevisionKind.PREDICTION)
    write_label_pyramid(world.store.revisions.pyramid_path(begun.id), labels, pixel_size_nm=5.0, scheme=SCHEME)
    revision = world.store.revisions.complete(begun.id)
    begin(world, "Dee", revision)
    assert world.get("/questions").json() == {"looked": False, "questions": [], "left_out": 0, "guessed": True}
    assert world.get("/questions/0").status_code == 404
    told = world.post("questions", json={}).json()
    assert told["guessed"]
    assert len(told["questions"]) == 3
    assert len(doubts_of(world.store, revision)) == 0, "a guess about outlines alone changes no interval"
    items = asked(world)
    answer(world, items["pair"], "two")
    answer(world, items["half"], "one")
    assert {name: item["answer"] for name, item in asked(world).items()} == {
        "pair": "two", "half": "one", "across": None,
    }  # fmt: skip
    revision_id = submitted(world)
    ids = open_pyramid(world.store.revisions.pyramid_path(revision_id)).object_ids()
    assert ids is not None
    assert ids.ids_yx[60, 60] != ids.ids_yx[60, 86]
    assert objects_now(world, revision_id) == (5, None)


def test_what_makes_no_sense_is_refused(world: World) -> None:
    for body in (
        {"action": "answer", "question": 99, "answer": "one"},
        {"action": "answer", "question": "0", "answer": "one"},
        {"action": "answer", "question": 0, "answer": "three"},
    ):
        told = world.post("objects", json=body)
        assert told.status_code == 400, body
        assert told.json()["cause"]
    assert not world.store.drafts.tiles(world.draft.id)


def test_a_place_that_was_erased_cannot_be_answered(world: World) -> None:
    item = asked(world)["pair"]
    edit(world, action="delete", point=[60, 60])
    edit(world, action="delete", point=[60, 86])
    told = world.post("objects", json={"action": "answer", "question": item["number"], "answer": "one"})
    assert told.status_code == 400
    assert "was changed" in told.json()["cause"]
