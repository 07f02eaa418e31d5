"""Only known host names are answered: a foreign site may have pointed its own at this machine."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from core.settings import ROOT
from core.web.hosts import KnownHosts, is_known

LOCAL = ("localhost", "127.0.0.1", "::1")


@pytest.mark.parametrize(
    ("host", "allowed", "known"),
    [
        pytest.param("localhost:8501", LOCAL, True, id="name"),
        pytest.param("LOCALHOST.", LOCAL, True, id="case and dot"),
        pytest.param("[::1]:8501", LOCAL, True, id="IPv6"),
        pytest.param("evil.example:8501", LOCAL, False, id="foreign"),
        pytest.param("localhost.evil.example", LOCAL, False, id="foreign with our name in it"),
        pytest.param("localhost@evil.example", LOCAL, False, id="user name"),
        pytest.param("", LOCAL, False, id="none"),
        pytest.param("[::1", LOCAL, False, id="broken"),
        pytest.param("em.lab.example", ("*.lab.example",), True, id="below"),
        pytest.param("lab.example", ("*.lab.example",), False, id="not below"),
        pytest.param("any.example", ("*",), True, id="all"),
        pytest.param("any.example", (), True, id="no list"),
    ],
)
def test_hosts(host: str, allowed: Sequence[str], known: bool) -> None:
    assert is_known(host, allowed) is known


def test_a_foreign_name_is_refused_with_the_remedy() -> None:
    def page(_: Request) -> PlainTextResponse:
        return PlainTextResponse("here")

    app = Starlette(routes=[Route("/", page)], middleware=[Middleware(KnownHosts, allowed=lambda: LOCAL)])
    client = TestClient(app, base_url="http://localhost:8501")
    assert client.get("/").text == "here"
    answer = client.get("/", headers={"Host": "evil.example:8501"})
    assert answer.status_code == 403
    assert "evil.example" in answer.json()["cause"]
    assert "allowedHosts" in answer.json()["remedy"]


def test_the_app_is_configured_for_this_machine_only() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert tuple(config["server"]["allowedHosts"]) == LOCAL
    assert "KnownHosts" in (ROOT / "app.py").read_text(encoding="utf-8")
