"""Which names the server answers to: any web site may point its own name at this machine (DNS rebinding)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from core.web.responses import RequestRefusedError, error_response


class KnownHosts:
    """ASGI middleware that refuses HTTP requests under other host names. Streamlit sees to its own WebSocket.

    Parameters
    ----------
    app
        What answers the requests that pass.
    allowed
        Gives the host names, as `is_known` takes them; asked at every request.
    """

    def __init__(self, app: ASGIApp, allowed: Callable[[], Sequence[str]]) -> None:
        self._app = app
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = Headers(scope=scope).get("host", "") if scope["type"] == "http" else ""
        if scope["type"] != "http" or is_known(host, self._allowed()):
            await self._app(scope, receive, send)
            return
        refused = RequestRefusedError(
            403,
            f"This server does not answer to the name {host[:80]!r}.",
            "Open it as localhost, or add the name to allowedHosts in .streamlit/config.toml.",
        )
        await error_response(refused)(scope, receive, send)


def is_known(host: str, allowed: Sequence[str]) -> bool:
    """Whether a ``Host`` header names one of the allowed hosts, whatever the port.

    Parameters
    ----------
    host
        As the client sent it, for example "localhost:8501".
    allowed
        Names; ``*.example.com`` stands for all below it, ``*`` for all. An empty list allows every host, as
        Streamlit's option of the same name does.

    Examples
    --------
    >>> [is_known(host, ["localhost", "::1"]) for host in ("localhost:8501", "[::1]:8501", "evil.example")]
    [True, True, False]
    """
    if not allowed:
        return True
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return False
    patterns = [pattern.strip().casefold().rstrip(".") for pattern in allowed]
    return any(
        pattern in ("*", name) or (pattern.startswith("*.") and name.endswith(pattern[1:])) for pattern in patterns
    )
