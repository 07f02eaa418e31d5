"""Limits per person and in all, slow bodies, deep JSON, a locked database, a data folder that has gone."""

from __future__ import annotations

import asyncio
import gzip
import sqlite3
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.testclient import TestClient

from core.errors import DataFolderGoneError, StoreBusyError
from core.settings import Access, Settings
from core.store import Store
from core.web.health import health_routes
from core.web.people import PERSON_COOKIE
from core.web.responses import RequestRefusedError
from core.web.routes import routes
from core.web.shares import Limits, Shares, arriving
from tests.core.review.conftest import add_image, add_project

HEADERS = {"x-xsrftoken": "t", "cookie": "_streamlit_xsrf=t; " + f"{PERSON_COOKIE}=Ada"}


class Site:
    def __init__(self, folder: Path, **settings: Any) -> None:
        self.settings = Settings(
            data_dir=folder / "data", models_dir=folder / "models", min_free_bytes=0, admins="Ada", **settings
        )
        self.store = Store(self.settings)
        self.store.database.set_patience(reading_s=0.1, writing_s=0.1)
        self.image = add_image(self.store, add_project(self.store))
        self.draft = self.store.drafts.open(self.image.id, "Ada", None)[0]
        ours = [*routes(self.settings, self.store), *health_routes(self.settings, lambda: self.store)]
        self.app = Starlette(routes=ours)
        self.client = TestClient(self.app, headers=HEADERS)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path, access=Access.ROLES)
    yield made
    made.store.close()


def refused(work: Callable[[], Any]) -> RequestRefusedError:
    with pytest.raises(RequestRefusedError) as told:
        work()
    return told.value


def test_one_person_takes_no_more_than_their_share() -> None:
    shares = Shares(Limits("uploads", most=3, most_per_person=2, retry_after_s=7))
    with shares.place("ada"), shares.place("ada"):
        mine = refused(lambda: shares.place("ada").__enter__())
        assert (mine.status, mine.retry_after_s) == (429, 7)
        with shares.place("bo"):
            others = refused(lambda: shares.place("cy").__enter__())
            assert (others.status, others.retry_after_s) == (503, 7)
        with shares.place("cy"):
            pass
    with pytest.raises(ZeroDivisionError), shares.place("ada"):
        _ = 1 / 0
    with shares.place("ada"), shares.place("ada"):
        pass


def body_of(parts: list[tuple[float, bytes]], **limits: float) -> bytes:
    """What arrives when the parts come after these pauses."""

    async def stream() -> AsyncIterator[bytes]:
        for pause_s, part in parts:
            await asyncio.sleep(pause_s)
            yield part

    async def read() -> bytes:
        request = Request({"type": "http", "headers": []})
        request.stream = stream  # type: ignore[method-assign]
        return b"".join([part async for part in arriving(request, **limits)])

    return asyncio.run(read())


def test_a_body_that_stands_still_or_trickles_is_given_up() -> None:
    assert body_of([(0, b"a"), (0.01, b"b")], idle_s=5) == b"ab"
    assert "No data arrived" in refused(lambda: body_of([(0, b"a"), (5, b"b")], idle_s=0.05)).cause
    trickle = [(0.02, b"x")] * 50
    told = refused(lambda: body_of(trickle, grace_s=0.1, least_bytes_per_s=1000))
    assert told.status == 408
    assert body_of(trickle, grace_s=0.1, least_bytes_per_s=1) == b"x" * 50


def test_slow_bodies_take_the_share_of_who_sends_them_and_nobody_elses(site: Site) -> None:
    """32 posts of one person that never end: another one saves meanwhile."""

    async def scene() -> tuple[list[int], int]:
        never = asyncio.Event()

        async def post(person: str, receive: Callable[[], Any]) -> int:
            cookie = f"_streamlit_xsrf=t; {PERSON_COOKIE}={person}"
            scope = {
                "type": "http", "method": "POST", "path": f"/api/drafts/{site.draft.id}/hold", "query_string": b"",
                "headers": [(b"cookie", cookie.encode()), (b"x-xsrftoken", b"t"), (b"host", b"h")],
                "client": ("127.0.0.1", 1),
            }  # fmt: skip
            sent: list[Any] = []

            async def send(message: Any) -> None:
                sent.append(message)

            await site.app(scope, receive, send)
            return int(sent[0]["status"])

        async def stuck() -> Any:
            await never.wait()
            return {"type": "http.disconnect"}

        async def whole() -> Any:
            return {"type": "http.request", "body": b'{"holder": "tab"}', "more_body": False}

        slow = [asyncio.create_task(post("Mallory", stuck)) for _ in range(32)]
        for _ in range(300):  # a busy machine takes its time
            if sum(task.done() for task in slow) >= 16:
                break
            await asyncio.sleep(0.1)
        early = [task.result() for task in slow if task.done()]
        saved = await post("Ada", whole)
        never.set()
        await asyncio.gather(*slow)
        return early, saved

    site.store._data.settings = site.settings.model_copy(update={"admins": "Ada, Mallory"})
    early, saved = asyncio.run(scene())
    assert saved == 200
    assert early == [429] * 16


DEEP = "[" * 50_000 + "]" * 50_000


def packed(header: bytes) -> bytes:
    return gzip.compress(struct.pack("<I", len(header)) + header)


@pytest.mark.parametrize(
    ("what", "body", "status"),
    [
        ("hold", (b'{"a":' + b"[" * 20_000), 400),
        ("submit", DEEP.encode()[:60_000], 400),
        ("whole-image", b"[]", 400),
        ("hold", b'"' + b"x" * 70_000 + b'"', 413),
        ("tiles?holder=tab&sequence=1", packed(DEEP.encode()), 400),
        ("tiles?holder=tab&sequence=1", b"x" * (21 * 1024**2), 413),
    ],
    ids=["deep", "deeper", "no object", "large", "deep header of tiles", "large tiles"],
)
def test_senseless_bodies_are_refused(site: Site, what: str, body: bytes, status: int) -> None:
    assert site.client.post(f"/api/drafts/{site.draft.id}/{what}", content=body).status_code == status


def test_a_locked_database_keeps_tiles_going_and_tells_the_rest_when_to_come_again(site: Site) -> None:
    tile, hold = f"/api/images/{site.image.id}/tiles/0/0/0", f"/api/drafts/{site.draft.id}/hold"
    assert site.client.get(tile).status_code == 200
    other = add_image(site.store, site.store.projects.all()[0], "other.tif")
    site.store.database._engine.dispose()
    blocker = sqlite3.connect(site.settings.data_dir / "cristae.sqlite3", isolation_level=None)
    blocker.execute("PRAGMA locking_mode = EXCLUSIVE")
    blocker.execute("BEGIN EXCLUSIVE")
    try:
        began_s = time.monotonic()
        assert site.client.get(tile).status_code == 200
        unknown, save = f"/api/images/{other.id}/tiles/0/0/0", b'{"holder": "tab"}'
        for answer in (site.client.get(unknown), site.client.post(hold, content=save)):
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "5"
        assert time.monotonic() - began_s < 5
        assert site.client.get("/healthz").json()["database"] == "failed"
    finally:
        blocker.close()
    assert site.client.post(hold, content=b'{"holder": "tab"}').status_code == 200


def test_a_data_folder_that_has_gone_acknowledges_nothing(site: Site, tmp_path: Path) -> None:
    tiles = f"/api/drafts/{site.draft.id}/whole-image"
    hold, confirm = f"/api/drafts/{site.draft.id}/hold", b'{"holder": "tab", "value": true}'
    assert site.client.post(hold, content=b'{"holder": "tab"}').status_code == 200
    assert site.client.post(tiles, content=confirm).status_code == 200
    away = site.settings.data_dir.rename(tmp_path / "away")
    for answer in (
        site.client.post(tiles, content=b'{"holder": "tab", "value": false}'),
        site.client.put("/api/uploads?name=a.tif", content=b"abc"),
        site.client.get(f"/api/drafts/{site.draft.id}"),
    ):
        assert answer.status_code == 503, answer.text
        assert "is missing" in answer.json()["cause"]
        assert "retry-after" in answer.headers
    assert not site.settings.data_dir.exists(), "nothing made it anew"
    assert site.client.get("/healthz").status_code == 503
    site.settings.data_dir.mkdir()  # an empty mount point
    assert site.client.put("/api/uploads?name=a.tif", content=b"abc").status_code == 503
    assert list(site.settings.data_dir.iterdir()) == []
    site.settings.data_dir.rmdir()
    away.rename(site.settings.data_dir)
    assert site.client.get(f"/api/drafts/{site.draft.id}").json()["whole_image"] is True
    assert site.client.post(tiles, content=b'{"holder": "tab", "value": false}').status_code == 200


def test_what_is_committed_as_the_folder_goes_is_not_acknowledged(site: Site, tmp_path: Path) -> None:
    with pytest.raises(DataFolderGoneError), site.store.database.writing():
        site.settings.data_dir.rename(tmp_path / "away")
    (tmp_path / "away").rename(site.settings.data_dir)


def test_the_health_check_looks_at_everything(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def parts() -> tuple[int, dict[str, str]]:
        app = Starlette(routes=health_routes(site.settings, lambda: site.store))
        answer = TestClient(app).get("/healthz")
        return answer.status_code, answer.json()

    fine = {"database": "ok", "data_folder": "ok", "disk": "ok", "engine": "starting"}
    assert parts() == (200, fine)
    assert [path.name for path in site.settings.data_dir.iterdir() if path.name.startswith(".")] == []
    monkeypatch.setattr("core.web.health.STARTING_S", -1.0)
    assert parts() == (503, fine | {"engine": "missing"})
    monkeypatch.setattr("core.web.health.STARTING_S", 100.0)

    def locked() -> Any:
        raise StoreBusyError("locked")

    with monkeypatch.context() as broken:
        broken.setattr(site.store.projects, "all", locked)
        assert parts() == (503, fine | {"database": "failed"})
    site.settings = site.settings.model_copy(update={"min_free_bytes": 2**62})
    assert parts()[1]["disk"] == "full"
