"""A web server on this machine that behaves as badly as real ones do."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Served:
    """What one path answers, and how.

    Parameters
    ----------
    content
        The file.
    etag, date
        Of its version; "": not sent.
    answers
        Status codes to give first, one a request, before the file is given.
    headers
        Sent with those answers.
    cuts
        After so many bytes of the body the connection breaks, one number a request; then no more.
    announced
        A length that is announced in place of the true one.
    location
        Redirects there.
    ranges
        Whether parts are given.
    """

    content: bytes = b""
    etag: str = '"v1"'
    date: str = ""
    answers: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    announced: int | None = None
    location: str = ""
    ranges: bool = True
    wrong_range: bool = False
    chunked: bool = False
    silent: threading.Event | None = None
    """After the body nothing comes, and the connection stays open, until it is set."""


@dataclass
class FileServer:
    """Paths to what they answer; remembers what was asked."""

    url: str
    files: dict[str, Served] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Path and ``Range`` of every request."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        here = self.server.here
        here.asked.append((self.path, self.headers.get("Range", "")))
        served = here.files.get(self.path.partition("?")[0])
        self.close_connection = True
        if served is None:
            return self._head(404, {"Content-Length": "0"})
        if served.answers:
            return self._head(served.answers.pop(0), {"Content-Length": "0", **served.headers})
        if served.location:
            return self._head(302, {"Location": served.location, "Content-Length": "0"})
        return self._give(served)

    def _give(self, served: Served) -> None:
        start, total = 0, len(served.content)
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        same = self.headers.get("If-Range", "") in ("", served.etag, served.date)
        stop = total
        if wanted and same and served.ranges:
            start = int(wanted[1])
            stop = min(total, int(wanted[2]) + 1) if wanted[2] else total
            if start >= total:
                return self._head(416, {"Content-Range": f"bytes */{total}", "Content-Length": "0"})
        partial = bool(wanted and same and served.ranges)
        body = served.content[start:stop]
        headers = {"Content-Length": str(len(body) if served.announced is None else served.announced)}
        if served.chunked:
            headers = {"Transfer-Encoding": "chunked"}
        if served.etag:
            headers["ETag"] = served.etag
        if served.date:
            headers["Last-Modified"] = served.date
        if partial:
            shift = 1 if served.wrong_range else 0
            headers["Content-Range"] = f"bytes {start + shift}-{stop - 1}/{total}"
        self._head(206 if partial else 200, {**headers, **served.headers})
        cut = served.cuts.pop(0) if served.cuts else None
        if served.chunked:
            self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
        else:
            self.wfile.write(body if cut is None else body[:cut])
        self.wfile.flush()
        if served.silent is not None:
            served.silent.wait(50)
        return None

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    here: FileServer

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is no news."""


@contextmanager
def serving() -> Iterator[FileServer]:
    """The server, on a free port."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.here = FileServer(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.here
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
