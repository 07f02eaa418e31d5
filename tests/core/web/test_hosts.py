"""Only known host names are answered: a foreign site may have pointed its own at this machine."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence

import pytest

from core.settings import ROOT
from core.web.hosts import is_known

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


def test_the_app_is_configured_for_this_machine_only() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert tuple(config["server"]["allowedHosts"]) == LOCAL
    # Streamlit would ask a site on the internet for its own address, to print it or to compare it.
    assert config["browser"] == {"gatherUsageStats": False, "serverAddress": "localhost"}
