"""Requests that another web site has caused are refused before any route, and before Streamlit, sees them.

Any page that somebody has open can point an image, a form, a frame or a WebSocket at this server. What a browser says
about where a request comes from (``Origin``, ``Sec-Fetch-*``, ``Referer``) decides. Links from elsewhere to a page of
the app work: nothing but the page itself is given out, and it asks for its content from its own origin.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from core.web.hosts import is_known
from core.web.origins import CHECKED, Origin, origin_of, own_origin
from core.web.responses import RequestRefusedError, error_response

logger = logging.getLogger(__name__)

XSRF_COOKIE: Final = "_streamlit_xsrf"

_READING: Final = frozenset({"GET", "HEAD"})

_OURS: Final = frozenset({"same-origin", "none"})
"""Values of ``Sec-Fetch-Site``; "none" is an address that was typed, or a bookmark."""

_NO_PAGES: Final = ("/api/", "/_stcore/", "/media/", "/component/", "/oauth2callback", "/auth/")
"""What lies under these is never the aim of a link from elsewhere."""


class SameSite:
    """ASGI middleware: only requests of this server's own pages, and links to them, pass.

    Parameters
    ----------
    app
        What answers the requests that pass.
    allowed_hosts
        Gives the host names that the server answers to, as `core.web.hosts.is_known` takes them; asked every time.
    public
        Origins under which browsers see this server where a proxy hides that from it.
    framed_by
        Origins that may show the app in a frame.
    """

    def __init__(
        self,
        app: ASGIApp,
        allowed_hosts: Callable[[], Sequence[str]],
        public: Collection[Origin] = (),
        framed_by: Collection[Origin] = (),
    ) -> None:
        self._app, self._allowed_hosts = app, allowed_hosts
        self._public, self._framed = frozenset(public), bool(framed_by)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        try:
            inner = self._checked(scope)
        except RequestRefusedError as refused:
            logger.warning("refused %s %s: %s", scope.get("method", "WebSocket"), scope["path"][:80], refused.cause)
            await _refuse(scope, receive, send, error_response(refused))
            return
        await self._app(inner, receive, send)

    def _checked(self, scope: Scope) -> Scope:
        """The scope to pass on.

        Raises
        ------
        RequestRefusedError
            400: a header that says who or where is malformed; 403: another site is behind it.
        """
        headers = Headers(scope=scope)
        try:
            own = own_origin(scope)
        except ValueError:
            raise RequestRefusedError(
                400, f"The Host header is {headers.get('host', '')[:80]!r}.", "Use the name of this server."
            ) from None
        if not is_known(headers["host"], self._allowed_hosts()):
            raise RequestRefusedError(
                403,
                f"This server does not accept the host name {headers['host'][:80]!r}.",
                "Open it as localhost, or add the name to allowedHosts in .streamlit/config.toml.",
            )
        ours = {own, *self._public}
        origin = _origin_header(headers)
        if origin is not None:
            _refuse_foreign(origin, ours, own)
        elif scope["type"] == "http":
            self._refuse_by_hints(scope, headers, ours)
        inner = {**scope, CHECKED: True}
        if scope["type"] == "websocket" and origin not in (None, own):
            # Streamlit compares with Host alone and looks its own address up on the internet where they differ.
            inner["headers"] = [(name, value) for name, value in scope["headers"] if name != b"origin"]
        return inner

    def _refuse_by_hints(self, scope: Scope, headers: Headers, ours: Collection[Origin]) -> None:
        """Judge a request without ``Origin``, as browsers send for reading: by what else they say."""
        site = headers.get("sec-fetch-site")
        link = scope["method"] in _READING and not scope["path"].startswith(_NO_PAGES)
        if site is not None:
            if site not in _OURS and not (link and self._is_opened(headers)):
                raise _foreign("another web site")
            return
        referer = headers.get("referer")
        if referer is not None:
            try:
                came_from = origin_of(referer)
            except ValueError:
                raise RequestRefusedError(
                    400, f"The Referer is {referer[:80]!r}.", "Send a valid address or none."
                ) from None
            if came_from not in ours and not link:
                raise _foreign(str(came_from or "another place"))
            return
        # Older browsers, and newer ones without TLS, can be kept from saying anything. Then the cookie of our own pages
        # decides, which they do not send along from elsewhere (SameSite). Programs that are no browsers may read.
        browser = headers.get("user-agent", "").startswith("Mozilla/")
        if browser and not link and XSRF_COOKIE not in cookie_parser(headers.get("cookie", "")):
            raise _foreign("an unknown page")

    def _is_opened(self, headers: Headers) -> bool:
        """Whether somebody follows a link, and the page fills a tab (or a frame that the settings allow)."""
        aims = {"document"} | ({"iframe", "frame"} if self._framed else set())
        return headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") in aims


def refuse_foreign_origin(scope: Scope) -> None:
    """Check the ``Origin`` of a request again, for a route that stands without the middleware.

    Raises
    ------
    RequestRefusedError
        As `SameSite`.
    """
    if scope.get(CHECKED):
        return
    try:
        own = own_origin(scope)
    except ValueError:
        raise RequestRefusedError(400, "The Host header is malformed.", "Use the name of this server.") from None
    origin = _origin_header(Headers(scope=scope))
    if origin is not None:
        _refuse_foreign(origin, {own}, own)


def _origin_header(headers: Headers) -> Origin | str | None:
    """What stands in ``Origin``: None without it, a text where it names no site ("null").

    Raises
    ------
    RequestRefusedError
        400: it is malformed, or there are several.
    """
    given = headers.getlist("origin")
    if not given:
        return None
    try:
        if len(given) > 1:
            raise ValueError(given)
        return origin_of(given[0]) or given[0]
    except ValueError:
        raise RequestRefusedError(400, f"The Origin is {given[0][:80]!r}.", "Send a valid address or none.") from None


def _refuse_foreign(origin: Origin | str, ours: Collection[Origin], own: Origin) -> None:
    if origin in ours:
        return
    if isinstance(origin, Origin) and (origin.host, origin.scheme) == (own.host, "https"):
        raise RequestRefusedError(
            403,
            f"The request comes from {origin}, but this server was addressed as {own}.",
            "If a TLS proxy is used, it must send X-Forwarded-Proto; otherwise set CRISTAE_PUBLIC_ADDRESSES.",
        )
    raise _foreign(str(origin)[:80])


def _foreign(who: str) -> RequestRefusedError:
    return RequestRefusedError(403, f"The request comes from {who}.", "Open Cristae in its own tab and try again.")


async def _refuse(scope: Scope, receive: Receive, send: Send, answer: JSONResponse) -> None:
    """Answer; a WebSocket that is closed before it is accepted gets 403, or another status if that can be sent."""
    if scope["type"] == "http":
        await answer(scope, receive, send)
    elif answer.status_code != 403 and "websocket.http.response" in scope.get("extensions", {}):
        await send(
            {"type": "websocket.http.response.start", "status": answer.status_code, "headers": answer.raw_headers}
        )
        await send({"type": "websocket.http.response.body", "body": bytes(answer.body)})
    else:
        await send({"type": "websocket.close", "code": 1008})
