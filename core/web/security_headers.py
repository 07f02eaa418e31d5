"""Headers that tell browsers what pages of this server may do, and who may show them."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.web.origins import Origin, own_origin

_INLINE_SCRIPT: Final = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)

_PERMISSIONS: Final = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer", "microphone", "midi",
        "payment", "usb",
    )
)  # fmt: skip
"""Devices and sensors that no page of ours asks for."""

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class SecurityHeaders:
    """ASGI middleware that adds the headers to every answer that does not have them yet.

    Parameters
    ----------
    app
        What answers.
    inline_scripts
        Sources for ``script-src`` of scripts that stand in Streamlit's own page, as `inline_hashes` makes them.
    framed_by
        Origins that may show the app in a frame, beside itself.
    """

    def __init__(self, app: ASGIApp, inline_scripts: Iterable[str] = (), framed_by: Collection[Origin] = ()) -> None:
        self._app = app
        self._policy = content_policy(inline_scripts, framed_by)
        self._framed = bool(framed_by)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def adding(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                for name, value in self._headers(scope):
                    headers.setdefault(name, value)
                message["headers"] = headers.raw
            await send(message)

        await self._app(scope, receive, adding)

    def _headers(self, scope: Scope) -> list[tuple[str, str]]:
        found = [
            ("Content-Security-Policy", self._policy),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "same-origin"),
            ("Permissions-Policy", _PERMISSIONS),
            ("Cross-Origin-Resource-Policy", "same-origin"),
        ]
        if not self._framed:
            found.append(("X-Frame-Options", "SAMEORIGIN"))  # for browsers that do not know frame-ancestors
        if _is_trustworthy(scope):
            found.append(("Cross-Origin-Opener-Policy", "same-origin"))
        return found


def content_policy(inline_scripts: Iterable[str], framed_by: Collection[Origin]) -> str:
    """The ``Content-Security-Policy`` of pages.

    Everything comes from this server. Streamlit makes its style sheets in the page, and imports the shim of a
    component from a blob; pictures are data and blobs too. Its protocol buffers need WebAssembly.
    """
    scripts = " ".join(("'self'", "blob:", "'wasm-unsafe-eval'", *inline_scripts))
    frames = " ".join(("'self'", *map(str, framed_by)))
    return (
        f"default-src 'self'; script-src {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "font-src 'self' data:; connect-src 'self' data: blob:; worker-src 'self' blob:; media-src 'self' data: blob:; "
        f"object-src 'none'; base-uri 'self'; form-action 'self'; frame-src 'self' blob:; frame-ancestors {frames}"
    )


def inline_hashes(page: Path) -> tuple[str, ...]:
    """Sources that allow the inline scripts of an HTML file, and no others.

    Parameters
    ----------
    page
        The file; without one there are no scripts in it.
    """
    if not page.is_file():
        return ()
    scripts = _INLINE_SCRIPT.findall(page.read_text(encoding="utf-8"))
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    return tuple(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


def _is_trustworthy(scope: Scope) -> bool:
    """Whether browsers take the address for secure; elsewhere they ignore some headers, with an error."""
    try:
        own = own_origin(scope)
    except ValueError:
        return False
    return own.scheme == "https" or own.host in _LOOPBACK
