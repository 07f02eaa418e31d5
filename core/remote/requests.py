"""One request: connect to a judged address, follow few redirects, and say plainly what the server has answered."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urljoin, urlsplit

from core import __version__
from core.errors import FetchDelayedError, FetchError
from core.remote.addresses import Reach, Target, judged, shown

CONNECT_S: Final = 15.0
"""To reach a server, each of its addresses."""

READ_S: Final = 60.0
"""Without a byte from the server; slow stores think for some seconds before the first."""

_LOOK_S: Final = 0.5
"""How often a wish to stop is looked for."""

MOST_REDIRECTS: Final = 5

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

_LATER: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers after which the same request may work."""

_WORDS: Final = {
    401: ("asks for a sign-in", "Download the file in a browser, and import it from a folder."),
    403: ("refuses to give it (403)", "It may need a sign-in or a consent: download it in a browser, and import it "
          "from a folder."),
    404: ("does not have it (404)", "It may have been moved: look at the source page, and correct the catalogue."),
    410: ("has removed it (410)", "Look at the source page for a newer version, and correct the catalogue."),
    416: ("does not have so many bytes (416)", "Start again from the beginning."),
    451: ("may not give it for legal reasons (451)", "Ask its owner."),
}  # fmt: skip
"""What an answer means and what helps."""

_BROKEN: Final = (http.client.HTTPException, OSError, EOFError)
"""What a connection raises that does not come about, or breaks."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server has answered; its body is read within the block of `opened`.

    Parameters
    ----------
    url
        Where it came from in the end.
    status
        200, or 206 for a part.
    headers
        Names in lower case.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    _body: http.client.HTTPResponse

    @property
    def length(self) -> int | None:
        """Bytes of the body as the server has announced them; None where it has not."""
        text = self.headers.get("content-length", "")
        return int(text) if text.isascii() and text.isdigit() else None

    def read(self, most: int) -> bytes:
        """The next bytes, as soon as any are there; empty at the end.

        Raises
        ------
        FetchDelayedError
            The connection broke, or nothing came for a minute.
        """
        try:
            chunk = self._body.read1(most)
        except _BROKEN as error:
            raise _cut(self.url, error) from error
        if not chunk and self._body.length:
            raise _cut(self.url, None)
        return chunk


@contextmanager
def opened(
    url: str,
    reach: Reach,
    headers: Mapping[str, str] | None = None,
    *,
    should_stop: Callable[[], bool] | None = None,
) -> Iterator[Answer]:
    """Ask for a file.

    Parameters
    ----------
    url
        Judged by `judged`, like every address that it redirects to.
    reach
        What may be asked.
    headers
        Further ones, such as ``Range``.
    should_stop
        Asked twice a second by another thread, also while nothing arrives: the connection is broken off then.

    Yields
    ------
    Answer
        With status 200 or 206.

    Raises
    ------
    FetchError
        The address may not be asked, or the server refuses the file.
    FetchDelayedError
        The server cannot be reached, is busy, or the connection broke.
    """
    target, seen = judged(url, reach), set[str]()
    while True:
        seen.add(target.url)
        connection = _connected(target, reach)
        over = _watched(connection, should_stop)
        try:
            response = _asked(connection, target, headers or {})
            if response.status in _REDIRECTS:
                following = _following(response, target, reach)
                if following.url in seen or len(seen) > MOST_REDIRECTS:
                    raise FetchError(
                        f"{shown(url)} redirects in a circle or more than {MOST_REDIRECTS} times.",
                        "Look at the source page for the right address.",
                    )
                target = following
                continue
            yield _answer(response, target)
            return
        finally:
            over.set()
            connection.close()


def _watched(connection: http.client.HTTPConnection, should_stop: Callable[[], bool] | None) -> threading.Event:
    """Break a connection off once somebody asks for it, however silent the server is; until the event is set."""
    over, sock = threading.Event(), connection.sock

    def watch() -> None:
        while not over.wait(_LOOK_S):
            if should_stop is not None and should_stop():
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
                return

    if should_stop is not None:
        threading.Thread(target=watch, name="download", daemon=True).start()
    return over


def _answer(response: http.client.HTTPResponse, target: Target) -> Answer:
    """What can be used of a response.

    Raises
    ------
    FetchError
        The server has no such file, or sends it changed.
    """
    headers = {name.lower(): value for name, value in response.getheaders()}
    if response.status not in (200, 206):
        raise _refused(response.status, headers, target)
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise FetchError(
            f"{target.host} sends {shown(target.url)} compressed ({headers['content-encoding']}) without being asked.",
            "Use an address that gives the file as it is.",
        )
    return Answer(target.url, response.status, headers, response)


def _following(response: http.client.HTTPResponse, target: Target, reach: Reach) -> Target:
    """Where a redirect leads, if that may be asked."""
    where = response.getheader("Location") or ""
    following = urljoin(target.url, where.strip())
    if not where or urlsplit(following).scheme not in ("http", "https"):
        raise FetchError(
            f"{target.host} redirects to {shown(ascii(where)[1:-1]) or 'nowhere'}, which is not a web address.",
            "Do not fetch from there, or look at the source page for the right address.",
        )
    found = judged(following, reach, came_from=target)
    if target.secure and not found.secure:
        raise FetchError(
            f"{target.host} redirects from https to http.", "Look at the source page for an encrypted address."
        )
    return found


def _connected(target: Target, reach: Reach) -> http.client.HTTPConnection:
    """A connection to one of the judged addresses."""
    if not target.numbers:
        return _through_proxy(target, reach.proxy)
    failure: Exception | None = None
    for number in target.numbers:
        connection = (
            http.client.HTTPSConnection(target.host, target.port, timeout=READ_S, context=_trust())
            if target.secure
            else http.client.HTTPConnection(target.host, target.port, timeout=READ_S)
        )
        try:
            plain = socket.create_connection((number, target.port), timeout=CONNECT_S)
            plain.settimeout(READ_S)
            connection.sock = _trust().wrap_socket(plain, server_hostname=target.host) if target.secure else plain
            return connection
        except ssl.SSLCertVerificationError as error:
            raise FetchError(
                f"The certificate of {target.host} is not valid ({error.verify_message}).",
                "Check the clock of this machine; behind a proxy that opens connections, name its certificates in "
                "SSL_CERT_FILE.",
            ) from error
        except OSError as error:
            failure = error
    raise FetchDelayedError(
        f"{target.host} cannot be reached ({_reason(failure)}).",
        "Check that this machine has a network connection, and try again.",
    ) from failure


def _through_proxy(target: Target, proxy: str) -> http.client.HTTPConnection:
    """A connection by way of the proxy that the environment names."""
    way = urlsplit(proxy if "//" in proxy else f"//{proxy}")
    if not target.secure or not way.hostname:
        raise FetchError(f"{target.host} cannot be reached by the proxy {way.hostname}.", "Check https_proxy.")
    try:
        connection = http.client.HTTPSConnection(way.hostname, way.port or 8080, timeout=READ_S, context=_trust())
        connection.set_tunnel(target.host, target.port)
        connection.connect()
    except _BROKEN as error:
        raise FetchDelayedError(
            f"{target.host} cannot be reached by the proxy {way.hostname} ({_reason(error)}).",
            "Check https_proxy, and try again.",
        ) from error
    return connection


def _trust() -> ssl.SSLContext:
    """Whose certificates count: the system's, or those that SSL_CERT_FILE names."""
    return ssl.create_default_context()


def _asked(
    connection: http.client.HTTPConnection, target: Target, headers: Mapping[str, str]
) -> http.client.HTTPResponse:
    asking = {"User-Agent": f"Cristae/{__version__}", "Accept": "*/*", "Accept-Encoding": "identity", **headers}
    try:
        connection.request("GET", target.path, headers=asking)
        return connection.getresponse()
    except _BROKEN as error:
        raise _cut(target.url, error) from error


def _refused(status: int, headers: Mapping[str, str], target: Target) -> FetchError:
    """What an answer without a file means."""
    if status in _LATER:
        error = FetchDelayedError(
            f"{target.host} is busy or has a fault ({status}) and does not give {shown(target.url)} now.",
            "Try again later.",
        )
        error.wait_s = _wait_s(headers.get("retry-after", ""))
        return error
    what, remedy = _WORDS.get(status, (f"answers with {status}", "Look at the source page."))
    return FetchError(f"{target.host} {what}: {shown(target.url)}.", remedy)


def _wait_s(text: str) -> float | None:
    """How long to wait, from ``Retry-After``: seconds or a date."""
    if text.strip().isascii() and text.strip().isdigit():
        return float(text)
    with suppress(ValueError, TypeError):
        when = parsedate_to_datetime(text)
        return max(0.0, (when - datetime.now(UTC)).total_seconds())
    return None


def _cut(url: str, error: Exception | None) -> FetchDelayedError:
    return FetchDelayedError(
        f"The connection to {urlsplit(url).hostname} broke" + (f" ({_reason(error)})." if error else "."),
        "Check the network connection, and try again.",
    )


def _reason(error: Exception | None) -> str:
    """In few words why a connection failed."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(getattr(error, "strerror", None) or error or type(error).__name__)[:200]
