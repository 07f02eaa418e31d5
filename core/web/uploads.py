"""Files from a browser, streamed to disk: never whole in memory, never under a name of the client's choosing."""

from __future__ import annotations

import hmac
import logging
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

from anyio import to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core.files import explained_os_errors, require_free_space, write_json
from core.imaging.names import display_name
from core.settings import Settings
from core.store.presence import require_there
from core.store.uploads import Upload, delete_upload
from core.web.people import asker
from core.web.responses import RequestRefusedError, error_response, json_response
from core.web.same_site import XSRF_COOKIE, refuse_foreign_origin
from core.web.shares import Limits, Shares, arriving

logger = logging.getLogger(__name__)

BATCH_BYTES: Final = 4 * 1024**2
"""Written at once: few thread changes, little memory."""

XSRF_HEADER: Final = "x-xsrftoken"

UPLOADS: Final = Limits("uploads", most=64, most_per_person=8, retry_after_s=5)
"""Files that arrive at the same time; a page sends one after the other."""

IDLE_S: Final = 60.0
"""An upload of which nothing arrives for so long is broken off, and nothing is kept of it."""

Arrival = Callable[[Request, Upload], dict[str, Any]]
"""Called with a request and the file that it brought; its values are added to the answer. What it raises refuses it."""


def upload_routes(settings: Settings, arrival: Arrival = lambda request, upload: {}) -> list[Route]:
    """``PUT /api/uploads`` and ``DELETE /api/uploads/{id}``.

    Parameters
    ----------
    arrival
        Called on another thread once a file has arrived whole.
    """

    shares = Shares(UPLOADS)

    async def put(request: Request) -> Response:
        try:
            refuse_foreign(request)
            require_there(settings.data_dir)
            with shares.place(asker(request, settings)):
                return await _receive(request, settings, arrival)
        except ClientDisconnect:
            logger.info("upload was broken off by the client")
            return Response(status_code=499)
        except Exception as error:
            return error_response(error)

    def delete(request: Request) -> Response:
        try:
            refuse_foreign(request)
            delete_upload(settings, request.path_params["id"])
            return Response(status_code=204)
        except Exception as error:
            return error_response(error)

    return [
        Route("/api/uploads", put, methods=["PUT"]),
        Route("/api/uploads/{id}", delete, methods=["DELETE"]),
    ]


def refuse_foreign(request: Request) -> None:
    """Refuse a writing request that another site may have caused.

    Raises
    ------
    RequestRefusedError
        403: the ``Origin`` is another host's, or the XSRF header does not equal the cookie.
    """
    refuse_foreign_origin(request.scope)
    cookie = request.cookies.get(XSRF_COOKIE, "")
    header = request.headers.get(XSRF_HEADER, "")
    if not cookie or not hmac.compare_digest(cookie.encode(), header.encode()):
        raise RequestRefusedError(
            403,
            "The request has no valid XSRF token.",
            "Reload the page (cookies must be allowed for this address) and try again.",
        )


async def _receive(request: Request, settings: Settings, arrival: Arrival) -> JSONResponse:
    """Stream the body to a temporary name, then give it its final one, then do what shall be done with it."""
    declared = _declared_bytes(request, settings)
    name = display_name(request.query_params.get("name", ""))
    folder = settings.uploads_dir
    with explained_os_errors(folder / "upload"):
        await to_thread.run_sync(lambda: folder.mkdir(parents=True, exist_ok=True))
        require_free_space(folder, declared or 0, keep_bytes=settings.min_free_bytes)
        upload_id = uuid.uuid4().hex
        partial = folder / f"{upload_id}.partial"
        whole = False
        try:
            size = await _stream_to(partial, arriving(request, idle_s=IDLE_S), settings)
            if declared is not None and size != declared:
                raise RequestRefusedError(
                    400, f"{name} was cut off after {size:,} of {declared:,} bytes.", "Try again."
                )
            if size == 0:
                raise RequestRefusedError(
                    400, f"{name} is empty (0 bytes).", "Choose the file again, or export it again."
                )
            await to_thread.run_sync(partial.replace, folder / f"{upload_id}.upload")
            await to_thread.run_sync(write_json, folder / f"{upload_id}.json", {"name": name, "bytes": size})
            upload = Upload(upload_id, name, folder / f"{upload_id}.upload", size)
            more = await to_thread.run_sync(arrival, request, upload)
            whole = True
        finally:
            partial.unlink(missing_ok=True)
            if not whole:
                delete_upload(settings, upload_id)
    return json_response({"upload_id": upload_id, "name": name, "bytes": size, **more})


async def _stream_to(path: Path, chunks: AsyncIterator[bytes], settings: Settings) -> int:
    """Write the chunks in batches, on another thread. Returns the bytes written."""
    size = 0
    batch = bytearray()
    with path.open("wb") as handle:
        async for chunk in chunks:
            size += len(chunk)
            if size > settings.max_upload_bytes:
                raise _too_large(f"more than {settings.max_upload_bytes:,} bytes", settings)
            batch += chunk
            if len(batch) >= BATCH_BYTES:
                require_free_space(path.parent, len(batch), keep_bytes=settings.min_free_bytes)
                await to_thread.run_sync(handle.write, bytes(batch))
                batch.clear()
        await to_thread.run_sync(handle.write, bytes(batch))
    return size


def _declared_bytes(request: Request, settings: Settings) -> int | None:
    """The announced length, if any; refused before a byte is read when it is too large."""
    text = request.headers.get("content-length", "")
    if not text.isdigit():
        return None
    if int(text) > settings.max_upload_bytes:
        raise _too_large(f"{int(text):,} bytes", settings)
    return int(text)


def _too_large(what: str, settings: Settings) -> RequestRefusedError:
    """413, with the setting that changes it."""
    return RequestRefusedError(
        413,
        f"The file has {what}; {settings.max_upload_bytes:,} bytes are allowed.",
        (
            "Ask the server's administrator to raise CRISTAE_MAX_UPLOAD_BYTES, or enter the path of the file on the "
            "server."
        ),
    )
