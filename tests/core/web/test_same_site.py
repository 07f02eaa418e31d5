"""Requests that other sites have caused: refused before any route; links, own pages and programs pass."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from core.errors import SettingsError
from core.settings import ROOT, load_settings
from core.web.origins import Origin, origin_of, parse_origins
from core.web.same_site import SameSite
from core.web.security_headers import SecurityHeaders, inline_hashes

LOCAL = ("localhost", "127.0.0.1", "::1", "em.lab.example")
OWN = "http://localhost:8501"
BROWSER = {"user-agent": "Mozilla/5.0 (X11) Gecko"}
DOWNLOAD = "/api/revisions/1/download/labels.tif"
REACHED: list[str] = []


def client_for(*, public: str = "", framed_by: str = "", base_url: str = OWN) -> TestClient:
    """The middleware in front of one page, one route, and one WebSocket; `REACHED` says what got through."""
    REACHED.clear()

    async def answer(request: Request) -> PlainTextResponse:
        REACHED.append(request.url.path)
        return PlainTextResponse("here")

    async def socket(websocket: WebSocket) -> None:
        REACHED.append(f"origin {websocket.headers.get('origin')}")
        await websocket.accept()
        await websocket.close()

    framing = parse_origins(framed_by)
    app = Starlette(
        routes=[
            WebSocketRoute("/_stcore/stream", socket),
            Route("/{path:path}", answer, methods=["GET", "HEAD", "PUT", "POST", "OPTIONS"]),
        ],
        middleware=[
            Middleware(SecurityHeaders, framed_by=framing),
            Middleware(SameSite, allowed_hosts=lambda: LOCAL, public=parse_origins(public), framed_by=framing),
        ],
    )
    return TestClient(app, base_url=base_url, headers={"user-agent": "a program"})


LINK = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
IMAGE = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}
COOKIE = {"cookie": "_streamlit_xsrf=2|a|b|1"}

REQUESTS = [
    ("GET", DOWNLOAD, {}, 200, "a program without a browser"),
    ("GET", DOWNLOAD, {"sec-fetch-site": "same-origin"}, 200, "our own page"),
    ("GET", DOWNLOAD, {"sec-fetch-site": "none"}, 200, "a typed address"),
    ("GET", DOWNLOAD, IMAGE, 403, "an image on another site"),
    ("GET", "/segment", IMAGE, 403, "an image that points at a page"),
    ("GET", DOWNLOAD, LINK, 403, "a link from another site straight to a download"),
    ("GET", "/_stcore/health", LINK, 403, "a link to what is no page"),
    ("GET", "/segment?image=1", LINK, 200, "a link to a page"),
    ("HEAD", "/segment", LINK, 200, "a link checker in a browser"),
    ("GET", "/segment", LINK | {"sec-fetch-dest": "iframe"}, 403, "a frame on another site"),
    ("GET", "/segment", LINK | {"sec-fetch-dest": "object"}, 403, "an object on another site"),
    ("GET", "/segment", IMAGE | {"sec-fetch-site": "same-site"}, 403, "an image on another port of localhost"),
    ("GET", "/segment", {"sec-fetch-site": "sideways"}, 403, "a value that nobody knows"),
    ("POST", "/segment", LINK, 403, "a form on another site"),
    ("PUT", "/api/uploads", {"origin": OWN}, 200, "writing from our own page"),
    ("PUT", "/api/uploads", {"origin": "http://LOCALHOST:8501"}, 200, "our own name in capitals"),
    ("PUT", "/api/uploads", {"origin": "http://evil.example"}, 403, "writing from another site"),
    ("PUT", "/api/uploads", {"origin": "http://localhost:9999"}, 403, "another port of localhost"),
    ("PUT", "/api/uploads", {"origin": "http://localhost"}, 403, "no port is port 80"),
    ("PUT", "/api/uploads", {"origin": "https://localhost:8501"}, 403, "another scheme"),
    ("PUT", "/api/uploads", {"origin": "http://127.0.0.1:8501"}, 403, "another name of this machine"),
    ("PUT", "/api/uploads", {"origin": "null"}, 403, "a sandboxed frame"),
    ("PUT", "/api/uploads", {"origin": "file://"}, 403, "a file"),
    ("PUT", "/api/uploads", {"origin": "http://["}, 400, "no address"),
    ("PUT", "/api/uploads", {"origin": "http://localhost:99999"}, 400, "no port"),
    ("PUT", "/api/uploads", {"origin": "http://a@localhost:8501"}, 400, "a user name"),
    ("GET", "/_stcore/health", {"origin": "http://evil.example"}, 403, "reading with an origin"),
    ("OPTIONS", "/api/uploads", {"origin": "http://evil.example"}, 403, "asking before writing"),
    ("GET", DOWNLOAD, BROWSER, 403, "an image in an old browser that says nothing"),
    ("GET", DOWNLOAD, BROWSER | COOKIE, 200, "an old browser with our cookie"),
    ("GET", DOWNLOAD, BROWSER | {"cookie": "other=1"}, 403, "an old browser with another cookie"),
    ("GET", "/segment", BROWSER, 200, "an old browser that opens a page"),
    ("GET", DOWNLOAD, BROWSER | {"referer": f"{OWN}/segment"}, 200, "an old browser on our own page"),
    ("GET", DOWNLOAD, BROWSER | {"referer": "http://evil.example/"}, 403, "an old browser on another site"),
    ("GET", DOWNLOAD, BROWSER | COOKIE | {"referer": "http://localhost:9999/"}, 403, "the same on another port"),
    ("GET", "/segment", BROWSER | {"referer": "http://evil.example/"}, 200, "a link in an old browser"),
    ("POST", "/api/drafts/1/tiles", BROWSER | {"referer": "http://evil.example/"}, 403, "a form in an old browser"),
    ("GET", DOWNLOAD, {"referer": "http://["}, 400, "a referer that is no address"),
    ("GET", "/segment", {"host": "evil.example:8501"}, 403, "another name for this machine"),
    ("GET", "/segment", {"host": "["}, 400, "a host that is no name"),
    ("GET", "/segment", {"host": ""}, 400, "not a host name"),
    ("GET", "/segment", {"host": "localhost:port"}, 400, "a port that is no number"),
    ("GET", "/segment", {"host": "localhost:8501/x"}, 400, "a path in the host"),
    ("GET", "/segment", {"host": "localhost:8501; script-src *"}, 400, "another header's words in the host"),
]


@pytest.mark.parametrize(("method", "path", "headers", "status", "what"), REQUESTS, ids=[each[-1] for each in REQUESTS])
def test_requests(method: str, path: str, headers: dict[str, str], status: int, what: str) -> None:
    answer = client_for().request(method, path, headers=headers)
    assert answer.status_code == status, what
    assert ([path.partition("?")[0]] if status == 200 else []) == REACHED
    if status != 200 and method != "HEAD":
        assert set(answer.json()) == {"cause", "remedy"}


def test_two_hosts_or_origins_are_none() -> None:
    two = [("host", "localhost:8501"), ("host", "evil.example")]
    assert client_for().get("/segment", headers=two).status_code == 400
    two = [("origin", OWN), ("origin", "http://evil.example")]
    assert client_for().put("/api/uploads", headers=two).status_code == 400


@pytest.mark.parametrize(
    ("origin", "base_url", "public", "seen"),
    [
        pytest.param(OWN, OWN, "", f"origin {OWN}", id="our own page"),
        pytest.param(None, OWN, "", "origin None", id="no browser"),
        pytest.param("http://evil.example", OWN, "", None, id="another site"),
        pytest.param("http://localhost:9999", OWN, "", None, id="another port"),
        pytest.param("http://127.0.0.1:8501", OWN, "", None, id="another name"),
        pytest.param("null", OWN, "", None, id="sandbox"),
        pytest.param("http://[", OWN, "", None, id="no address"),
        pytest.param("https://em.lab.example", "https://em.lab.example", "", "origin https://em.lab.example", id="TLS"),
        pytest.param("https://em.lab.example", "http://em.lab.example", "", None, id="a proxy that does not say TLS"),
        # not passed on: Streamlit would look up addresses on the internet where Origin and Host differ
        pytest.param("https://em.lab.example", OWN, "https://em.lab.example", "origin None", id="configured"),
    ],
)
def test_web_sockets(origin: str | None, base_url: str, public: str, seen: str | None) -> None:
    client = client_for(public=public, base_url=base_url)
    headers, stream = {"origin": origin} if origin else {}, base_url.replace("http", "ws", 1) + "/_stcore/stream"
    if seen is None:
        with pytest.raises(WebSocketDisconnect), client.websocket_connect(stream, headers=headers):
            pass
        assert REACHED == []
    else:
        with client.websocket_connect(stream, headers=headers):
            pass
        assert [seen] == REACHED


def test_a_web_socket_under_another_name_is_refused() -> None:
    client = client_for(base_url="http://evil.example")
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("ws://evil.example/_stcore/stream"):
        pass
    assert REACHED == []


def test_a_refused_web_socket_is_told_the_status() -> None:
    async def asked(extensions: dict[str, Any]) -> list[Any]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def nothing(*_: Any) -> None:
            raise AssertionError("reached")

        headers = [(b"host", b"localhost:8501"), (b"origin", b"http://[")]
        scope = {"type": "websocket", "scheme": "ws", "path": "/", "headers": headers, "extensions": extensions}
        await SameSite(nothing, lambda: LOCAL)(scope, nothing, send)
        return sent

    assert asyncio.run(asked({"websocket.http.response": {}}))[0]["status"] == 400
    assert asyncio.run(asked({}))[0]["type"] == "websocket.close"


def test_behind_a_proxy_the_configured_address_is_ours() -> None:
    public = "https://em.lab.example"
    client = client_for(public=public)
    assert client.put("/api/uploads", headers={"origin": public}).status_code == 200
    assert client.put("/api/uploads", headers={"origin": "https://em.lab.example:8443"}).status_code == 403
    refused = client_for(base_url="http://em.lab.example").put("/api/uploads", headers={"origin": public})
    assert refused.status_code == 403
    assert "CRISTAE_PUBLIC_ADDRESSES" in refused.json()["remedy"]


def test_a_frame_only_where_the_settings_name_the_site() -> None:
    frame = LINK | {"sec-fetch-dest": "iframe"}
    for framed_by, status, ancestors in (
        ("", 403, "frame-ancestors 'self'"),
        ("https://portal.lab.example", 200, "frame-ancestors 'self' https://portal.lab.example"),
    ):
        answer = client_for(framed_by=framed_by).get("/segment", headers=frame)
        assert answer.status_code == status
        assert ancestors in answer.headers["content-security-policy"].split("; ")
        assert ("x-frame-options" in answer.headers) is (not framed_by)


@pytest.mark.parametrize(
    ("base_url", "trusted"),
    [(OWN, True), ("http://em.lab.example", False), ("https://em.lab.example", True)],
    ids=["localhost", "plain", "TLS"],
)
def test_every_answer_has_the_headers(base_url: str, trusted: bool) -> None:
    client = client_for(base_url=base_url)
    for headers in ({}, {"origin": "http://evil.example"}):
        answer = client.get("/segment", headers=headers)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "camera=()" in answer.headers["permissions-policy"]
        assert ("cross-origin-opener-policy" in answer.headers) is trusted
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self' blob: 'wasm-unsafe-eval';" in policy
        assert "object-src 'none'" in policy


def test_inline_scripts_of_a_page_are_allowed_by_what_they_say(tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    page.write_text("<script>a = 1</script><script type='module' src='b.js'></script><SCRIPT>\nc\n</SCRIPT>", "utf-8")
    assert inline_hashes(page) == (
        "'sha256-tbwf/ZCRL7GL7259gJCRksemSSiWMgFW1n+68QTGVEo='",
        "'sha256-0aCoy9sGjVsY9R344IuC6OrLmR6MFg6vty9i2OcU+R0='",
    )
    assert inline_hashes(tmp_path / "none.html") == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("https://a.example, http://b.example:8080/", [("https", "a.example", 443), ("http", "b.example", 8080)]),
        ("http://[::1]:8501", [("http", "::1", 8501)]),
    ],
)
def test_configured_origins(text: str, expected: Sequence[tuple[str, str, int]]) -> None:
    assert list(parse_origins(text)) == [Origin(*each) for each in expected]


@pytest.mark.parametrize(
    "text", ["a.example", "https://", "https://a.example/x", "*", "https://*.a b", "http://a:99999"]
)
def test_what_is_no_origin_is_refused_in_the_settings(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError):
        parse_origins(text)
    monkeypatch.setenv("CRISTAE_CONFIG", str(ROOT / "there is none"))
    for name in ("PUBLIC_ADDRESSES", "FRAMED_BY"):
        monkeypatch.setenv(f"CRISTAE_{name}", text)
        if text != "http://a:99999":
            with pytest.raises(SettingsError, match=name):
                load_settings()
        monkeypatch.delenv(f"CRISTAE_{name}")


@pytest.mark.parametrize("text", ["http://localhost:8501", "https://a.example", "http://[::1]:80"])
def test_an_origin_is_written_as_browsers_write_it(text: str) -> None:
    assert str(origin_of(text)) == text.removesuffix(":80")


def test_the_app_stands_behind_it() -> None:
    source = (ROOT / "app.py").read_text(encoding="utf-8")
    assert source.index("SecurityHeaders,\n") < source.index("SameSite,\n")
