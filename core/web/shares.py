"""What one person, and all together, may have under way at once, and how slowly a body may arrive.

A connection costs nothing to whoever opens it. Without limits some hundred that send a byte now and then take the
places, and the open files, of everybody else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Final

import anyio
from starlette.requests import Request

from core.web.responses import RequestRefusedError

IDLE_S: Final = 30.0
"""A body of which nothing arrives for so long is given up."""

GRACE_S: Final = 60.0
"""From then on a body must have come at `LEAST_BYTES_PER_S` on average."""

LEAST_BYTES_PER_S: Final = 2_000
"""Of a telephone line; a whole 20 MB post of tiles takes less than three hours even so."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many of one kind of request.

    Parameters
    ----------
    kind
        What they are, for people: "uploads".
    most
        Of all together.
    most_per_person
        Of one.
    retry_after_s
        Told to those who are refused.
    """

    kind: str
    most: int
    most_per_person: int
    retry_after_s: int


class Shares:
    """Counts the requests of one kind that are under way."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lock = Lock()
        self._taken: Counter[str] = Counter()

    @contextmanager
    def place(self, person: str) -> Iterator[None]:
        """Count a request for as long as the block lasts.

        Parameters
        ----------
        person
            As `core.web.people.asker` names them.

        Raises
        ------
        RequestRefusedError
            429: this person has enough under way; 503: all together have. With the seconds after which to ask again.
        """
        limits = self._limits
        with self._lock:
            if self._taken[person] >= limits.most_per_person:
                raise RequestRefusedError(
                    429,
                    f"{self._taken[person]} {limits.kind} of yours are running.",
                    "The request is repeated automatically once some of them have finished.",
                    retry_after_s=limits.retry_after_s,
                )
            if self._taken.total() >= limits.most:
                raise RequestRefusedError(
                    503,
                    f"The server takes {limits.most} {limits.kind} at once, and all are in use.",
                    "The request is repeated automatically.",
                    retry_after_s=limits.retry_after_s,
                )
            self._taken[person] += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken[person] -= 1
                if self._taken[person] <= 0:
                    del self._taken[person]


async def arriving(
    request: Request,
    *,
    idle_s: float = IDLE_S,
    grace_s: float = GRACE_S,
    least_bytes_per_s: float = LEAST_BYTES_PER_S,
) -> AsyncIterator[bytes]:
    """The parts of a body as they come, unless they come too slowly.

    Raises
    ------
    RequestRefusedError
        408: nothing came for ``idle_s``, or less than ``least_bytes_per_s`` on average after ``grace_s``.
    ClientDisconnect
        The client left.
    """
    parts, began_s, size = request.stream(), anyio.current_time(), 0
    while True:
        try:
            with anyio.fail_after(idle_s):
                part = await anext(parts)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise _too_slow(f"No data arrived for {idle_s:g} s") from None
        size += len(part)
        took_s = anyio.current_time() - began_s
        if took_s > grace_s and size < least_bytes_per_s * took_s:
            raise _too_slow(f"{size:,} bytes arrived in {took_s:.0f} s")
        yield part


def _too_slow(what: str) -> RequestRefusedError:
    return RequestRefusedError(408, f"{what}.", "Check the connection and try again.")
