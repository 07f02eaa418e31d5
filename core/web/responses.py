"""What every route answers with: JSON errors with cause and remedy, and bytes with the right caching headers."""

from __future__ import annotations

import functools
import gzip
import hashlib
import logging
import uuid
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from core.errors import (
    AccessError,
    CristaeError,
    DataFolderGoneError,
    DecidedError,
    DraftClosedError,
    DraftHeldError,
    NotFoundError,
    PostTooLargeError,
    StorageFullError,
    StoreBusyError,
)

logger = logging.getLogger(__name__)

Endpoint = Callable[[Request], Response]

IMMUTABLE: Final = "private, max-age=31536000, immutable"
"""For addresses whose content can never change: a finished revision, a hashed module."""

REVALIDATE: Final = "private, no-cache"
"""Kept by the browser, but asked for again (an ETag makes that cheap)."""

GZIP_LEVEL: Final = 1
"""Label tiles are long runs: level 1 packs them 20 to 100 times in under a millisecond."""


_BUSY_S: Final = 5
"""Told to those who meet a locked database, or a disk that is away."""


class RequestRefusedError(CristaeError):
    """A request that is not served, with the HTTP status that says why.

    Parameters
    ----------
    status
        400 to 599.
    cause, remedy
        As in `CristaeError`.
    retry_after_s
        With 503 and 429: after how many seconds the same request may be sent again.
    """

    def __init__(self, status: int, cause: str, remedy: str = "", *, retry_after_s: int | None = None) -> None:
        super().__init__(cause, remedy)
        self.status = status
        self.retry_after_s = retry_after_s


def too_heavy(why: str, page: str) -> RequestRefusedError:
    """409 for a file that is not made while somebody waits.

    Parameters
    ----------
    why
        What makes it large.
    page
        Where it can be asked for as a job.
    """
    return RequestRefusedError(
        409, f"{why} Its files take long to create.", f"Use Prepare on the {page} page, which runs as a job."
    )


def error_response(error: Exception) -> JSONResponse:
    """The JSON answer to an error: ``{"cause", "remedy"}``, never a stack trace.

    An error that Cristae did not raise on purpose is logged with an id and answered with that id.
    """
    if isinstance(error, CristaeError):
        answer: dict[str, Any] = {"cause": error.cause, "remedy": error.remedy}
        if isinstance(error, DraftHeldError):
            answer["holder"] = error.holder
        return JSONResponse(answer, status_code=_status_of(error), headers=_retry_after(error))
    incident = uuid.uuid4().hex[:8]
    logger.error("request failed, incident %s", incident, exc_info=error)
    return JSONResponse(
        {
            "cause": "The server had an unexpected error.",
            "remedy": f"See incident {incident} in the server log.",
        },
        status_code=500,
    )


def answering(endpoint: Endpoint) -> Endpoint:
    """Let an endpoint raise: what it raises becomes a JSON answer. The one boundary of the web routes."""

    @functools.wraps(endpoint)
    def guarded(request: Request) -> Response:
        try:
            return endpoint(request)
        except Exception as error:
            return error_response(error)

    return guarded


def int_parameter(request: Request, name: str, *, minimum: int = 0) -> int:
    """A whole number from the path or the query.

    Raises
    ------
    RequestRefusedError
        400: it is missing, not a whole number, or below ``minimum``.
    """
    text = str(request.path_params.get(name, request.query_params.get(name, "")))
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) < minimum:
        raise RequestRefusedError(400, f"{name} is {text[:40]!r}.", f"Use an integer of at least {minimum}.")
    return int(text)


def float_parameter(request: Request, name: str) -> float | None:
    """A finite number from the query, None where absent.

    Raises
    ------
    RequestRefusedError
        400: it is not a finite number.
    """
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):
        raise RequestRefusedError(400, f"{name} is {text[:40]!r}.", "Use a finite number.")
    return value


def cached_bytes(
    request: Request, content: bytes, media_type: str, *, cache_control: str, packed: bool = False
) -> Response:
    """Bytes with an ETag; 304 when the browser has them already.

    Parameters
    ----------
    request
        Its ``If-None-Match`` and ``Accept-Encoding`` decide what is sent.
    content
        As it shall arrive.
    media_type
        For example "image/jpeg".
    cache_control
        `IMMUTABLE` or `REVALIDATE`.
    packed
        Send it gzip-encoded where the browser can read that.
    """
    etag = f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'
    headers = {"ETag": etag, "Cache-Control": cache_control}
    seen = request.headers.get("if-none-match", "")
    if etag in (part.strip().removeprefix("W/") for part in seen.split(",")):
        return Response(status_code=304, headers=headers)
    if packed and "gzip" in request.headers.get("accept-encoding", ""):
        headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        content = gzip.compress(content, GZIP_LEVEL, mtime=0)
    return Response(content, media_type=media_type, headers=headers)


def ids_response(request: Request, ids_yx: NDArray[np.uint32], *, cache_control: str) -> Response:
    """A tile of object ids: uint32, little-endian; no bytes where no pixel has one."""
    content = ids_yx.astype("<u4").tobytes() if ids_yx.any() else b""
    response = cached_bytes(request, content, "application/octet-stream", cache_control=cache_control, packed=True)
    response.headers["X-Tile-Shape"] = f"{ids_yx.shape[0]},{ids_yx.shape[1]}"
    return response


def json_response(value: Any) -> JSONResponse:
    """A JSON answer that is never kept."""
    return JSONResponse(value, headers={"Cache-Control": "no-store"})


def _retry_after(error: CristaeError) -> dict[str, str]:
    """When to ask again, where that is known."""
    if isinstance(error, StoreBusyError | DataFolderGoneError):
        return {"Retry-After": str(_BUSY_S)}
    seconds = error.retry_after_s if isinstance(error, RequestRefusedError) else None
    return {} if seconds is None else {"Retry-After": str(seconds)}


def _status_of(error: CristaeError) -> int:
    """HTTP status of an error that was raised on purpose."""
    if isinstance(error, RequestRefusedError):
        return error.status
    if isinstance(error, NotFoundError):
        return 404
    if isinstance(error, StorageFullError):
        return 507
    if isinstance(error, PostTooLargeError):
        return 413
    if isinstance(error, StoreBusyError | DataFolderGoneError):
        return 503
    if isinstance(error, AccessError):
        return 403
    if isinstance(error, DecidedError | DraftHeldError):
        return 409
    if isinstance(error, DraftClosedError):
        return 410
    return 400
