"""Uploads: streamed to disk under a name of ours, refused with the right status, nothing left after trouble."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.errors import NotFoundError
from core.settings import Settings
from core.store.uploads import clean_leftovers, delete_upload, find_upload
from core.web.uploads import upload_routes

TOKEN = "2|abc|def|1700000000"  # noqa: S105


def client_for(settings: Settings) -> TestClient:
    client = TestClient(Starlette(routes=upload_routes(settings)), base_url="http://127.0.0.1:8501")
    client.cookies.set("_streamlit_xsrf", TOKEN, domain="127.0.0.1")
    client.headers["X-Xsrftoken"] = TOKEN
    return client


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", max_upload_bytes=1000, min_free_bytes=0)


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    with client_for(settings) as client:
        yield client


def left_behind(settings: Settings) -> list[str]:
    folder = settings.uploads_dir
    return sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []


def test_the_bytes_arrive_under_an_id_with_the_name_as_a_label(client: TestClient, settings: Settings) -> None:
    answer = client.put("/api/uploads", params={"name": "Leber Größe 肝臓.tif"}, content=b"II*\0data")
    body = answer.json()
    assert answer.status_code == 200
    assert (body["name"], body["bytes"]) == ("Leber Größe 肝臓.tif", 8)
    upload = find_upload(settings, body["upload_id"])
    assert upload.path.read_bytes() == b"II*\0data"
    assert (upload.name, upload.size_bytes) == ("Leber Größe 肝臓.tif", 8)
    assert left_behind(settings) == [f"{upload.id}.json", f"{upload.id}.upload"]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("../../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("C:\\scans\\a b.tif", "a b.tif"),
        ("/", "unnamed"),
        ("..", "unnamed"),
        ("", "unnamed"),
        ("a\x00b\nc.tif", "abc.tif"),
        ("x" * 500 + ".tif", "x" * 59 + "…" + "x" * 55 + ".tif"),
        ("e\u0301.tif", "é.tif"),
        ("\u202egnp.exe", "gnp.exe"),
    ],
    ids=["up", "backslash", "drive", "slash", "dots", "empty", "control", "long", "composed", "right-to-left"],
)
def test_a_client_name_is_a_label_never_a_path(
    name: str, label: str, client: TestClient, settings: Settings, tmp_path: Path
) -> None:
    body = client.put("/api/uploads", params={"name": name}, content=b"1").json()
    assert body["name"] == label
    assert find_upload(settings, body["upload_id"]).path.parent == settings.uploads_dir
    assert [p.name for p in tmp_path.iterdir()] == ["data"]


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"X-Xsrftoken": "other"}, "XSRF"),
        ({"X-Xsrftoken": ""}, "XSRF"),
        ({"Origin": "http://evil.example"}, "evil.example"),
        ({"Origin": "null"}, "null"),
    ],
    ids=["wrong-token", "no-token", "other-origin", "opaque-origin"],
)
def test_requests_of_other_sites_are_refused(
    headers: dict[str, str], words: str, client: TestClient, settings: Settings
) -> None:
    answer = client.put("/api/uploads", params={"name": "a.tif"}, content=b"1", headers=headers)
    assert answer.status_code == 403
    assert words in answer.json()["cause"]
    assert left_behind(settings) == []


def test_an_empty_token_does_not_match_an_absent_cookie(settings: Settings) -> None:
    with TestClient(Starlette(routes=upload_routes(settings))) as client:
        answer = client.put("/api/uploads", content=b"1", headers={"X-Xsrftoken": ""})
    assert answer.status_code == 403


def test_the_same_origin_is_served(client: TestClient) -> None:
    answer = client.put("/api/uploads", content=b"1", headers={"Origin": "http://127.0.0.1:8501"})
    assert answer.status_code == 200


def test_a_declared_length_above_the_limit_is_refused(client: TestClient, settings: Settings) -> None:
    answer = client.put("/api/uploads", content=b"x" * 1001)
    assert answer.status_code == 413
    assert "1,001 bytes" in answer.json()["cause"]
    assert "CRISTAE_MAX_UPLOAD_BYTES" in answer.json()["remedy"]
    assert left_behind(settings) == []


def test_a_body_that_grows_above_the_limit_is_refused(client: TestClient, settings: Settings) -> None:
    answer = client.put("/api/uploads", content=(b"x" * 400 for _ in range(3)))  # chunked: no Content-Length
    assert answer.status_code == 413
    assert left_behind(settings) == []


def test_an_empty_file_is_refused(client: TestClient, settings: Settings) -> None:
    answer = client.put("/api/uploads", params={"name": "a.tif"}, content=b"")
    assert (answer.status_code, answer.json()["cause"]) == (400, "a.tif is empty (0 bytes).")
    assert left_behind(settings) == []


def test_too_little_free_space_is_refused(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", min_free_bytes=10**18)
    with client_for(settings) as client:
        answer = client.put("/api/uploads", content=b"1")
    assert answer.status_code == 507
    assert "CRISTAE_MIN_FREE_BYTES" in answer.json()["remedy"]
    assert left_behind(settings) == []


def test_a_disk_that_fills_up_leaves_nothing(
    client: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.web.uploads.write_json", full)
    answer = client.put("/api/uploads", content=b"1")
    assert answer.status_code == 507
    assert left_behind(settings) == []


@pytest.mark.skipif(os.name == "nt" or getattr(os, "geteuid", lambda: 1)() == 0, reason="needs ordinary permissions")
def test_a_read_only_data_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o500)
    with client_for(Settings(data_dir=tmp_path / "data", min_free_bytes=0)) as client:
        answer = client.put("/api/uploads", content=b"1")
    assert answer.status_code == 507
    assert "is not writable" in answer.json()["cause"]


@pytest.mark.parametrize("ending", ["disconnect", "short"])
def test_an_upload_that_breaks_off_leaves_nothing(ending: str, settings: Settings) -> None:
    app = Starlette(routes=upload_routes(settings))
    parts = [{"type": "http.request", "body": b"x" * 10, "more_body": True}]
    parts.append({"type": "http.disconnect"} if ending == "disconnect" else {"type": "http.request", "body": b""})

    async def receive() -> dict[str, Any]:
        return parts.pop(0)

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    headers = {"host": "h", "cookie": f"_streamlit_xsrf={TOKEN}", "x-xsrftoken": TOKEN, "content-length": "20"}
    scope = {
        "type": "http", "method": "PUT", "path": "/api/uploads", "query_string": b"name=a.tif",
        "headers": [(k.encode(), v.encode()) for k, v in headers.items()],
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == (499 if ending == "disconnect" else 400)
    assert left_behind(settings) == []


def test_leftovers_of_earlier_days_are_cleaned_and_fresh_ones_kept(settings: Settings) -> None:
    folder = settings.uploads_dir
    folder.mkdir(parents=True)
    for name in ("old.partial", "old.upload", "old.json", "new.partial"):
        (folder / name).write_bytes(b"1")
        if name.startswith("old"):
            os.utime(folder / name, (time.time() - 90_000,) * 2)
    settings.downloads_dir.mkdir()
    (settings.downloads_dir / "broken-off.zip").write_bytes(b"1")
    os.utime(settings.downloads_dir / "broken-off.zip", (time.time() - 90_000,) * 2)
    assert clean_leftovers(settings) == 4
    assert left_behind(settings) == ["new.partial"]
    assert list(settings.downloads_dir.iterdir()) == []


def test_an_upload_can_be_forgotten(client: TestClient, settings: Settings) -> None:
    upload_id = client.put("/api/uploads", content=b"1").json()["upload_id"]
    assert client.delete(f"/api/uploads/{upload_id}").status_code == 204
    assert left_behind(settings) == []
    with pytest.raises(NotFoundError, match="no upload"):
        find_upload(settings, upload_id)


@pytest.mark.parametrize("upload_id", ["../x", "", "0" * 31, "0" * 32, "G" * 32])
def test_unknown_ids_are_no_paths(upload_id: str, settings: Settings) -> None:
    with pytest.raises(NotFoundError):
        find_upload(settings, upload_id)
    delete_upload(settings, upload_id)


def test_the_note_is_json_and_the_upload_is_whole_before_it_exists(client: TestClient, settings: Settings) -> None:
    upload_id = client.put("/api/uploads", params={"name": "b.tif"}, content=b"12345").json()["upload_id"]
    note = settings.uploads_dir / f"{upload_id}.json"
    assert json.loads(note.read_text(encoding="utf-8")) == {"name": "b.tif", "bytes": 5}
