"""Room for files that are made while a person waits: few at once, a short queue, and nothing that tiles share.

Starlette runs plain endpoints in one pool of 40 threads. Downloads that wait there for their turn take the threads that
tiles and drafts need, so they have threads and a queue of their own.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Lock
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from core.errors import CristaeError
from core.settings import Settings
from core.web.people import asker
from core.web.responses import RequestRefusedError, error_response

Downloads = Callable[[Callable[[Request], Response]], Callable[[Request], Awaitable[Response]]]
"""From what makes a file to the endpoint that makes it in a slot: `downloading` with its slots and settings."""

AT_ONCE: Final = 2
"""Files made at the same time: each may hold whole arrays, a picture some bytes per pixel."""

MOST_WAITING: Final = 12
"""Requests that wait for their turn; a file takes seconds, so the last of them waits about a minute."""

MOST_PER_PERSON: Final = 4
"""Requests of one person that wait or are worked on."""

RETRY_AFTER_S: Final = 15
"""Told to those who are refused: the time of a few files."""

LOOK_S: Final = 0.5
"""How often it is looked whether the person who waits has left."""

_CLIENT_LEFT: Final = 499


class DownloadSlots:
    """A bounded pool of threads with a bounded queue.

    Parameters
    ----------
    at_once
        Files made at the same time.
    most_waiting
        Requests that may wait beyond them.
    most_per_person
        Requests of one person, waiting or worked on.
    """

    def __init__(
        self, at_once: int = AT_ONCE, most_waiting: int = MOST_WAITING, most_per_person: int = MOST_PER_PERSON
    ) -> None:
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="download")
        self._most = at_once + most_waiting
        self._most_per_person = most_per_person
        self._lock = Lock()
        self._taken: Counter[str] = Counter()

    async def run(self, work: Callable[[], Response], request: Request, person: str) -> Response:
        """Make the file when its turn comes.

        Parameters
        ----------
        work
            Makes the answer, in a thread of this pool.
        request
            Whoever sent it may leave before the turn comes; then nothing is made.
        person
            Who asks: their key, or the address of their machine.

        Raises
        ------
        RequestRefusedError
            503, with the seconds after which to ask again: the queue is full, or this person's share of it.
        """
        with self._place(person) as give_back:
            future = self._pool.submit(work)
            # The thread gives the place back, not the request: work that has begun goes on when its reader has left.
            future.add_done_callback(lambda _: give_back())
        return await self._wait(future, request)

    @contextlib.contextmanager
    def _place(self, person: str) -> Iterator[Callable[[], None]]:
        """Count the request; the count is given back at once where the work could not be queued."""
        with self._lock:
            if self._taken[person] >= self._most_per_person:
                raise RequestRefusedError(
                    503,
                    f"{self._taken[person]} of your downloads are already in preparation.",
                    "Wait until one of them is finished, then try again.",
                    retry_after_s=RETRY_AFTER_S,
                )
            if self._taken.total() >= self._most:
                raise RequestRefusedError(
                    503,
                    f"The server is preparing {self._taken.total()} downloads for other people.",
                    f"Try again in {RETRY_AFTER_S} seconds.",
                    retry_after_s=RETRY_AFTER_S,
                )
            self._taken[person] += 1

        def give_back() -> None:
            with self._lock:
                self._taken[person] -= 1
                if self._taken[person] <= 0:
                    del self._taken[person]

        try:
            yield give_back
        except BaseException:
            give_back()
            raise

    async def _wait(self, future: Future[Response], request: Request) -> Response:
        """The answer; work that has not begun is dropped when the person has left."""
        waiting = asyncio.wrap_future(future)
        while not waiting.done():
            await asyncio.wait({waiting}, timeout=LOOK_S)
            if not waiting.done() and await request.is_disconnected() and future.cancel():
                return Response(status_code=_CLIENT_LEFT)
        return await waiting


def downloading(
    work: Callable[[Request], Response], slots: DownloadSlots, settings: Settings
) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that makes its file in one of the slots; what it raises becomes an answer.

    Parameters
    ----------
    work
        Makes the answer to a request.
    slots
        Shared by all routes that make files.
    settings
        They say who sends a request.
    """

    async def endpoint(request: Request) -> Response:
        try:
            return await slots.run(partial(work, request), request, asker(request, settings))
        except Exception as error:
            return _refusal(error, request)

    return endpoint


def _refusal(error: Exception, request: Request) -> Response:
    """A link is opened by the browser itself, which then shows words, not JSON."""
    answer = error_response(error)
    if not isinstance(error, CristaeError) or "text/html" not in request.headers.get("accept", ""):
        return answer
    headers = {name: value for name, value in answer.headers.items() if name == "retry-after"}
    headers |= {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    text = f"{error.cause}\n{error.remedy}\n"
    return PlainTextResponse(text, status_code=answer.status_code, headers=headers)
