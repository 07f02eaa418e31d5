"""Painting over HTTP: what is acknowledged is kept, once; what is refused changes nothing."""

from __future__ import annotations

import gzip
import json
import struct
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from httpx import Response
from starlette.applications import Starlette
from starlette.testclient import TestClient

import core.annotation.submission as submission
import core.store.drafts as draft_store
import core.web.drafts as draft_web
from core.annotation.draft_post import MOST_TILES
from core.errors import StorageFullError, StoreBusyError
from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import open_pyramid, write_label_pyramid
from core.label_scheme import LabelScheme
from core.review.label_maps import LabelMap
from core.review.queue import queue
from core.settings import Access, Settings
from core.store import RevisionKind, Store
from core.store.records import DraftState
from core.web.people import PERSON_COOKIE
from core.web.routes import routes

SCHEME = LabelScheme.from_names({"axon": 1, "myelin": 2})
SHAPE = (600, 700)
TILE_SHAPES = {(0, 0): (512, 512), (0, 1): (512, 188), (1, 0): (88, 512), (1, 1): (88, 188)}

Planes = dict[tuple[int, int], tuple[np.ndarray, np.ndarray]]


def post_body(
    tiles: Planes, *, seconds: float = 2.0, strokes: int = 1, pack: Callable[[bytes], bytes] = gzip.compress
) -> bytes:
    """As the browser packs changed tiles."""
    entries = [{"row": r, "column": c, "height": p[0].shape[0], "width": p[0].shape[1]} for (r, c), p in tiles.items()]
    stroke = {"tool": "brush", "class_id": 1, "seconds": seconds, "strokes": strokes}
    header = json.dumps({"tiles": entries, "stroke": stroke}).encode()
    planes = b"".join(
        labels.astype(np.uint8).tobytes() + cover.astype(np.uint8).tobytes() for labels, cover in tiles.values()
    )
    return pack(struct.pack("<I", len(header)) + header + planes)


class World:
    """An image with a prediction, a draft on it, and the routes."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.settings = Settings(
            data_dir=folder / "data", models_dir=folder / "models", min_free_bytes=0, admins="Root", **settings
        )
        self.store = Store(self.settings)
        self.project = self.store.projects.create("nerve", SCHEME)
        pixels = np.random.default_rng(0).integers(0, 255, SHAPE, np.uint8)
        self.image = self.store.images.add(self.project.id, Image(pixels, PixelSize.from_user(5.0), name="a.tif"))
        self.before = np.zeros(SHAPE, np.uint8)
        self.before[100:200, 100:600] = 1
        begun = self.store.revisions.begin(self.image.id, RevisionKind.PREDICTION)
        write_label_pyramid(self.store.revisions.pyramid_path(begun.id), self.before, pixel_size_nm=5.0, scheme=SCHEME)
        self.prediction = self.store.revisions.complete(begun.id)
        self.draft, _ = self.store.drafts.open(self.image.id, "Ada", self.prediction.id)
        self.client = TestClient(Starlette(routes=routes(self.settings, self.store)))
        self.base = f"/api/drafts/{self.draft.id}"

    def get(self, path: str = "") -> Response:
        return self.client.get(self.base + path)

    def post(self, what: str, *, person: str = "Ada", proof: str = "t", **keywords: Any) -> Response:
        headers = {"x-xsrftoken": proof, "cookie": f"_streamlit_xsrf=t; {PERSON_COOKIE}={person}"}
        return self.client.post(f"{self.base}/{what}", headers=headers, **keywords)

    def hold(self, holder: str, *, name: str = "Ada", take_over: bool = False) -> Response:
        return self.post("hold", json={"holder": holder, "name": name, "take_over": take_over})

    def paint(self, tiles: Planes, *, holder: str = "tab", sequence: int = 1, **keywords: Any) -> Response:
        body = keywords.pop("body", None) or post_body(tiles)
        return self.post(f"tiles?holder={holder}&sequence={sequence}", content=body, **keywords)

    def planes(self, row: int, column: int) -> tuple[np.ndarray, np.ndarray]:
        """Labels and coverage as the server has them now."""
        shape = TILE_SHAPES[row, column]
        return tuple(  # type: ignore[return-value]
            np.frombuffer(self.get(f"/{plane}/0/{row}/{column}").content, np.uint8).reshape(shape)
            for plane in ("labels", "coverage")
        )


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.store.close()


def painted(world: World, row: int = 0, column: int = 0, *, class_id: int = 2) -> Planes:
    """A tile with a square of a class, confirmed."""
    labels, cover = (plane.copy() for plane in world.planes(row, column))
    labels[10:50, 20:80] = class_id
    cover[10:50, 20:80] = 1
    return {(row, column): (labels, cover)}


def test_what_was_painted_is_there_again_on_every_level(world: World) -> None:
    tiles = painted(world) | painted(world, 1, 1)
    answer = world.paint(tiles)
    assert answer.status_code == 200
    for place, (labels, cover) in tiles.items():
        assert all(np.array_equal(a, b) for a, b in zip(world.planes(*place), (labels, cover), strict=True))
    told = world.get().json()
    assert told["tiles"] == [[0, 0], [1, 1]]
    assert told["covered"] == {"2": 2 * 40 * 60}
    assert (told["version"], told["seconds"], told["strokes"]) == (answer.json()["version"], 2.0, 1)
    coarse = np.frombuffer(world.get("/labels/1/0/0").content, np.uint8).reshape(300, 350)
    assert (coarse[5:25, 10:40] == 2).all()
    assert (coarse[60:90, 60:200] == 1).all(), "what was not painted is still the prediction"


def test_the_same_post_again_changes_nothing(world: World) -> None:
    first = world.paint(painted(world))
    labels, cover = world.planes(0, 0)
    again = world.paint({(0, 0): (np.zeros_like(labels), np.zeros_like(cover))})
    assert (again.status_code, again.json()["version"]) == (200, first.json()["version"])
    assert np.array_equal(world.planes(0, 0)[0], labels)
    assert world.store.drafts.get(world.draft.id).strokes == 1


def unknown_class(world: World) -> Response:
    return world.paint(painted(world, class_id=9))


def other_size(world: World) -> Response:
    return world.paint({(0, 1): (np.zeros((512, 512), np.uint8), np.zeros((512, 512), np.uint8))})


def no_such_tile(world: World) -> Response:
    return world.paint({(7, 7): (np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint8))})


def not_packed(world: World) -> Response:
    return world.paint({}, body=b"this is no gzip")


def other_origin(world: World) -> Response:
    return world.paint(painted(world), proof="somebody else's")


def too_large(world: World) -> Response:
    return world.paint({}, body=b"x" * (draft_web.MOST_POSTED_BYTES + 1))


def a_bomb(world: World) -> Response:
    return world.paint({}, body=gzip.compress(bytes(64 * 1024**2), 9))


def too_many(world: World) -> Response:
    tile = np.zeros((512, 512), np.uint8)
    return world.paint({(row, 0): (tile, tile) for row in range(MOST_TILES + 1)})


def without_a_tab(world: World) -> Response:
    return world.post("tiles?sequence=1", content=post_body(painted(world)))


def without_a_number(world: World) -> Response:
    return world.post("tiles?holder=tab&sequence=-1", content=post_body(painted(world)))


@pytest.mark.parametrize(
    ("refused", "status"),
    [
        (unknown_class, 400), (other_size, 400), (no_such_tile, 400), (not_packed, 400), (other_origin, 403),
        (too_large, 413), (a_bomb, 413), (too_many, 413), (without_a_tab, 400), (without_a_number, 400),
    ],
)  # fmt: skip
def test_what_is_refused_leaves_the_draft_as_it_was(
    world: World, refused: Callable[[World], Response], status: int
) -> None:
    before = world.get().json()
    answer = refused(world)
    assert answer.status_code == status
    assert answer.json()["cause"]
    assert "Traceback" not in answer.text
    assert world.get().json() == before


def test_a_class_that_was_removed_may_stay_but_not_be_painted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Earlier versions let it be removed while drafts had it."""
    monkeypatch.setattr("core.store.project_classes._drawn", lambda *_: set())
    world.paint(painted(world))
    world.store.projects.update(world.project.id, scheme=LabelScheme.from_names({"axon": 1}))
    labels, cover = world.planes(0, 0)
    assert (labels == 2).any()
    cover = cover.copy()
    cover[300:310, :] = 1
    assert world.paint({(0, 0): (labels, cover)}, sequence=2).status_code == 200
    answer = world.paint(painted(world, 0, 1), sequence=3)
    assert answer.status_code == 400
    assert "Class 2 is not in the project's label scheme" in answer.json()["cause"]


def test_a_page_that_was_opened_before_a_class_was_removed_loses_no_stroke(world: World) -> None:
    """Only predictions had the class, so that it could go; its pixels are background now, what was painted stays."""
    store = world.store
    begun = store.revisions.begin(world.image.id, RevisionKind.PREDICTION, details={"scheme": SCHEME.to_json()})
    write_label_pyramid(store.revisions.pyramid_path(begun.id), world.before, pixel_size_nm=5.0)
    store.revisions.complete(begun.id)
    world.base = f"/api/drafts/{store.drafts.open(world.image.id, 'Bo', begun.id)[0].id}"
    tiles = painted(world)
    store.projects.update(world.project.id, scheme=LabelScheme.from_names({"myelin": 2}))
    assert world.paint(tiles).status_code == 200
    labels, cover = world.planes(0, 0)
    sent, sent_cover = tiles[0, 0]
    assert np.array_equal(labels, np.where(sent == 1, 0, sent))
    assert np.array_equal(cover, sent_cover)
    tiles[0, 0][0][:5] = 1  # painted, and not what was there
    assert world.paint(tiles, sequence=2).status_code == 400


def test_a_second_tab_is_told_and_may_take_over(world: World) -> None:
    assert world.hold("one").status_code == 200
    answer = world.hold("two", name="Bob")
    assert answer.status_code == 409
    assert answer.json()["holder"]["id"] == "one"
    assert answer.json()["holder"]["name"] == "Ada"
    assert world.paint(painted(world), holder="two").status_code == 409
    assert world.get().json()["tiles"] == []
    assert world.hold("two", name="Bob", take_over=True).status_code == 200
    assert world.paint(painted(world), holder="one").status_code == 409
    assert world.paint(painted(world), holder="two").status_code == 200


def test_what_a_closed_tab_could_not_send_is_sent_by_the_next_one(world: World) -> None:
    world.hold("closed")
    assert world.hold("open", take_over=True).json()["held_before"] == "closed"
    tiles = painted(world)
    answer = world.paint(tiles, holder="closed&sent_by=open")
    assert answer.status_code == 200
    assert world.paint(tiles, holder="closed&sent_by=open").json()["version"] == answer.json()["version"], "only once"
    assert world.paint(painted(world, 1, 1), holder="open", sequence=1).status_code == 200, "numbers of its own"
    assert world.paint(painted(world), holder="closed", sequence=2).status_code == 409, "it is not open any more"
    assert world.get().json()["tiles"] == [[0, 0], [1, 1]]


def test_a_tab_that_slept_while_another_painted_is_told_before_it_overwrites(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.hold("sleeper")
    asleep = painted(world, class_id=1)
    monkeypatch.setattr(draft_store, "HOLD", timedelta(0))
    assert world.hold("other").status_code == 200, "nothing was heard of the first for long"
    assert world.paint(painted(world, class_id=2), holder="other").status_code == 200
    assert world.post("hold", json={"holder": "sleeper", "name": "Ada", "renew": True}).status_code == 409
    assert world.paint(asleep, holder="sleeper").status_code == 409
    assert world.post("whole-image", json={"holder": "sleeper", "value": True}).status_code == 409
    assert world.post("submit", json={"holder": "sleeper", "note": ""}).status_code == 409
    assert (world.planes(0, 0)[0][10:50, 20:80] == 2).all()
    assert world.hold("sleeper").json()["held_before"] == "other"


def test_a_busy_database_is_worth_another_try(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: Any, **__: Any) -> None:
        raise StoreBusyError("The database stayed locked.", "Try again.")

    monkeypatch.setattr(world.store.drafts, "write_tiles", busy)
    assert world.paint(painted(world)).status_code == 503, "browsers send again after 5xx, and stop after 4xx"


def test_a_full_disk_is_told_and_keeps_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise StorageFullError("The disk is full.", "Free some space.")

    monkeypatch.setattr(world.store, "require_free_space", full)
    assert world.paint(painted(world)).status_code == 507
    monkeypatch.undo()
    assert world.get().json()["tiles"] == []
    assert world.paint(painted(world)).status_code == 200


def test_submitting_makes_the_same_pixels_a_revision_once(world: World) -> None:
    world.hold("tab")
    tiles = painted(world) | painted(world, 1, 1)
    world.paint(tiles)
    answer = world.post("submit", json={"holder": "tab", "note": "two squares"})
    assert answer.status_code == 200
    revision = world.store.revisions.get(answer.json()["revision_id"])
    wanted = world.before.copy()
    wanted[10:50, 20:80] = wanted[522:562, 532:592] = 2
    pyramid = open_pyramid(world.store.revisions.pyramid_path(revision.id))
    assert np.array_equal(pyramid.read(0, slice(None), slice(None)), wanted)
    assert (revision.kind, revision.author, revision.parent_id) == (
        RevisionKind.CORRECTION, "Ada", world.prediction.id,
    )  # fmt: skip
    assert (revision.details["note"], revision.details["strokes"], revision.details["seconds"]) == ("two squares", 1, 2)
    assert answer.json()["changes"] == {"pixels": 4800, "classes": [[0, 0, 4800], [2, 4800, 0]], "covered": {"2": 4800}}
    confirmed = LabelMap(world.store, revision.id, SHAPE).confirmed(slice(None))
    assert np.array_equal(confirmed, np.where(wanted == 2, 2, 255))
    assert {row["name"]: row["pixels"] for row in revision.coverage}["axon"] == 50_000
    assert [review.revision_id for review in queue(world.store, world.project.id, person="Root")] == [revision.id]
    again = world.post("submit", json={"holder": "tab", "note": "two squares"})
    assert again.json() == answer.json(), "the answer was lost on its way"
    assert len(world.store.revisions.of_image(world.image.id, kind=RevisionKind.CORRECTION)) == 1
    assert world.paint(painted(world), sequence=9).status_code == 410


def test_the_whole_image_is_confirmed_in_one_click(world: World) -> None:
    world.hold("tab")
    assert world.post("submit", json={"holder": "tab", "note": ""}).status_code == 400, "nothing was done yet"
    assert world.post("whole-image", json={"holder": "tab", "value": True}).json()["whole_image"] is True
    revision_id = world.post("submit", json={"holder": "tab", "note": ""}).json()["revision_id"]
    assert np.array_equal(LabelMap(world.store, revision_id, SHAPE).confirmed(slice(None)), world.before)


def test_what_was_confirmed_of_a_correction_can_be_seen(world: World) -> None:
    """A reviewer saw how many pixels were confirmed, and not which."""
    tiles = painted(world)
    world.paint(tiles)
    revision_id = world.post("submit", json={"holder": "tab", "note": ""}).json()["revision_id"]
    answer = world.client.get(f"/api/revisions/{revision_id}/coverage/0/0/0")
    assert answer.status_code == 200
    assert np.array_equal(np.frombuffer(answer.content, np.uint8).reshape(512, 512), tiles[0, 0][1])
    assert world.client.get(f"/api/revisions/{world.prediction.id}/coverage/0/0/0").status_code == 404


def test_a_draft_that_is_painted_on_while_it_is_submitted_stays_open(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.hold("tab")
    world.paint(painted(world))
    tiles = painted(world, 1, 1)
    monkeypatch.setattr(submission, "sync_tree", lambda _: world.paint(tiles, sequence=2))
    assert world.post("submit", json={"holder": "tab", "note": ""}).status_code == 409
    assert world.store.drafts.get(world.draft.id).state is DraftState.OPEN
    assert world.store.revisions.of_image(world.image.id, kind=RevisionKind.CORRECTION) == ()
    assert world.get().json()["tiles"] == [[0, 0], [1, 1]]


def test_with_roles_a_draft_is_painted_by_its_author_only(tmp_path: Path) -> None:
    world = World(tmp_path, access=Access.ROLES)
    assert world.paint(painted_by_hand(), person="Root").status_code == 403
    assert world.paint(painted_by_hand(), person="Stranger").status_code == 403
    world.store.close()


def painted_by_hand() -> Planes:
    return {(1, 1): (np.ones((88, 188), np.uint8), np.ones((88, 188), np.uint8))}


def test_unknown_drafts_planes_and_tiles_are_404(world: World) -> None:
    assert world.client.get("/api/drafts/none").status_code == 404
    assert world.get("/greys/0/0/0").status_code == 404
    assert world.get("/labels/0/5/5").status_code == 404
    world.store.images.delete(world.image.id)
    assert world.get().status_code == 404


def test_an_acknowledged_post_survives_a_kill(world: World) -> None:
    """The writing process ends itself without any clean-up in the moment after the acknowledgement."""
    body = world.settings.data_dir / "body"
    body.write_bytes(post_body(painted(world)))
    script = """
        import os, signal, sys
        from pathlib import Path
        from starlette.applications import Starlette
        from starlette.testclient import TestClient
        from core.settings import Settings
        from core.store import Store
        from core.web.routes import routes
        data, models, body, address = sys.argv[1:]
        settings = Settings(data_dir=Path(data), models_dir=Path(models), min_free_bytes=0)
        client = TestClient(Starlette(routes=routes(settings, Store(settings))))
        headers = {"x-xsrftoken": "t", "cookie": "_streamlit_xsrf=t"}
        print(client.post(address, content=Path(body).read_bytes(), headers=headers).status_code, flush=True)
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
    """
    places = [str(path) for path in (world.settings.data_dir, world.settings.models_dir, body)]
    command = [sys.executable, "-c", textwrap.dedent(script), *places, f"{world.base}/tiles?holder=tab&sequence=1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "200", done.stderr
    assert world.get().json()["tiles"] == [[0, 0]]
    assert (world.planes(0, 0)[0][10:50, 20:80] == 2).all()
