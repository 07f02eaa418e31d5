"""Downloads have room of their own: tiles never wait for them, and who comes too many is told when to come again."""

from __future__ import annotations

import itertools
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path

import httpx
import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import write_label_pyramid
from core.label_scheme import DEFAULT_SCHEME
from core.settings import Settings
from core.store.store import Store
from core.web.download_slots import AT_ONCE, MOST_PER_PERSON, MOST_WAITING, RETRY_AFTER_S
from core.web.people import PERSON_COOKIE
from core.web.routes import routes

LIMIT_S = 30
"""Fails instead of hanging where tiles wait for downloads; nothing waits for it otherwise."""

THREADS_OF_ENDPOINTS = 40
"""Starlette's pool: as many waiting downloads used to take every thread of it."""


class Site:
    """A server in one event loop, whose label maps are exported only once `release` is set."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, client: TestClient, store: Store) -> None:
        self.client, self.release, self.begun = client, threading.Event(), threading.Semaphore(0)
        self.finished = 0
        project = store.projects.create("p", DEFAULT_SCHEME, None)
        self.image = store.images.add(project.id, Image(np.full((60, 80), 90, np.uint8), PixelSize.from_user(8.0), "a"))
        self.revision = store.revisions.begin(self.image.id, "reference")
        path = store.revisions.pyramid_path(self.revision.id)
        write_label_pyramid(path, np.ones((60, 80), np.uint8), pixel_size_nm=8.0, scheme=DEFAULT_SCHEME)
        store.revisions.complete(self.revision.id)
        self.folder = store.settings.data_dir / "tmp"

        def held(*_: object) -> tuple[Path, str, str]:
            self.begun.release()
            assert self.release.wait(LIMIT_S)
            self.folder.mkdir(parents=True, exist_ok=True)
            file = self.folder / f"{uuid.uuid4().hex}.png"
            file.write_bytes(b"picture")
            self.finished += 1
            return file, "image/png", "a.png"

        monkeypatch.setattr("core.web.revisions.render_download", held)
        self.pool = ThreadPoolExecutor(THREADS_OF_ENDPOINTS + 20)

    def ask(self, person: str, **headers: str) -> Future[httpx.Response]:
        """A download asked for in another thread."""
        cookie = {"Cookie": f"{PERSON_COOKIE}={person}", **headers}
        return self.pool.submit(
            self.client.get, f"/api/revisions/{self.revision.id}/download/labels.png", headers=cookie
        )

    def busy(self) -> list[Future[httpx.Response]]:
        """Every slot held: as many downloads, of different people, as are made at once."""
        asked = [self.ask(f"busy{number}") for number in range(AT_ONCE)]
        assert all(self.begun.acquire(timeout=LIMIT_S) for _ in asked)
        return asked


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    settings = Settings(data_dir=tmp_path / "data", models_dir=tmp_path / "models", min_free_bytes=0)
    store = Store(settings)
    with TestClient(Starlette(routes=routes(settings, store))) as client:  # one loop for all requests, as in a server
        made = Site(tmp_path, monkeypatch, client, store)
        yield made
        made.release.set()
        made.pool.shutdown()
    store.close()


def test_tiles_are_answered_while_every_download_waits(site: Site) -> None:
    asked = site.busy() + [site.ask(f"person{number}") for number in range(THREADS_OF_ENDPOINTS)]
    tiles = [
        site.pool.submit(site.client.get, address)
        for address in (
            f"/api/images/{site.image.id}/tiles/0/0/0",
            f"/api/revisions/{site.revision.id}/labels/0/0/0",
            f"/api/images/{site.image.id}",
        )
    ]
    assert [tile.result(LIMIT_S).status_code for tile in tiles] == [200, 200, 200]
    assert site.finished == 0  # the tiles came while no download had
    site.release.set()
    codes = [future.result(LIMIT_S).status_code for future in asked]
    assert codes.count(200) == AT_ONCE + MOST_WAITING
    assert codes.count(503) == THREADS_OF_ENDPOINTS - MOST_WAITING
    assert list(site.folder.iterdir()) == []


def test_a_full_queue_says_when_to_come_again(site: Site) -> None:
    asked = site.busy()
    waiting = [site.ask(f"person{number}") for number in range(THREADS_OF_ENDPOINTS)]
    refused = next(as_completed(waiting, LIMIT_S)).result()
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == str(RETRY_AFTER_S)
    assert refused.json()["cause"] == f"The server is preparing {AT_ONCE + MOST_WAITING} downloads for other people."
    assert str(RETRY_AFTER_S) in refused.json()["remedy"]
    site.release.set()
    assert all(future.result(LIMIT_S).status_code == 200 for future in asked)
    again = site.ask("person0").result(LIMIT_S)
    assert again.status_code == 200  # places are given back


def test_one_person_cannot_take_the_whole_queue(site: Site) -> None:
    site.busy()
    mine = [site.ask("Ada") for _ in range(MOST_PER_PERSON + 3)]
    answers = [future.result() for future in itertools.islice(as_completed(mine, LIMIT_S), 3)]
    assert {answer.status_code for answer in answers} == {503}
    assert f"{MOST_PER_PERSON} of your downloads" in answers[0].json()["cause"]
    other = site.ask("Eve")
    site.release.set()
    assert other.result(LIMIT_S).status_code == 200


def test_a_browser_is_told_in_words(site: Site) -> None:
    site.busy()
    mine = [site.ask("Ada", Accept="text/html,*/*") for _ in range(MOST_PER_PERSON + 1)]
    refused = next(as_completed(mine, LIMIT_S)).result()
    assert refused.headers["content-type"].startswith("text/plain")
    assert refused.headers["retry-after"] == str(RETRY_AFTER_S)
    assert "Wait until one of them is finished" in refused.text
