"""Routes for label maps: their state, their tiles as raw bytes (the browser colours them), their downloads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import numpy as np
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from core.errors import NotFoundError
from core.exports.heavy import heavy_label_map
from core.exports.label_maps import DOWNLOADS, render_download
from core.imaging.pyramid import Pyramid, has_objects
from core.imaging.pyramid_layout import OBJECTS
from core.labels.numbering import of_class
from core.review.label_maps import COVERAGE
from core.store.label_maps import coverage_of, has_project_ids, in_project_classes, label_classes, open_label_map
from core.store.records import RevisionRecord, RevisionState
from core.store.store import Store
from core.web.download_slots import Downloads
from core.web.images import read_tile
from core.web.pyramids import OpenPyramids
from core.web.responses import (
    IMMUTABLE,
    REVALIDATE,
    RequestRefusedError,
    answering,
    cached_bytes,
    ids_response,
    json_response,
    too_heavy,
)

RAW: Final = "application/octet-stream"


def revision_routes(stores: Callable[[], Store], pyramids: OpenPyramids, downloads: Downloads) -> list[Route]:
    """``GET /api/revisions/{id}``, its label and confidence tiles, its downloads.

    Parameters
    ----------
    stores, pyramids
        Where label maps are.
    downloads
        Gives what makes a file room apart from tiles, as `core.web.download_slots.downloading`.
    """
    finished: set[str] = set()
    own_ids: set[str] = set()

    def describe(request: Request) -> Response:
        return json_response(revision_json(stores(), stores().revisions.get(request.path_params["id"])))

    def is_finished(revision_id: str) -> bool:
        if revision_id not in finished and stores().revisions.get(revision_id).state is RevisionState.COMPLETE:
            finished.add(revision_id)
        return revision_id in finished

    def tile(request: Request) -> Response:
        revision_id = request.path_params["id"]
        # Asked before the pixels are read: a tile read while the last block arrives must not be kept for ever.
        lasting = is_finished(revision_id)
        pyramid = pyramids.get(stores().revisions.pyramid_path(revision_id))
        if revision_id not in own_ids:
            revision = stores().revisions.get(revision_id)
            if not has_project_ids(stores(), revision):
                lasting, pyramid = False, in_project_classes(stores(), revision, pyramid)
            elif lasting:
                own_ids.add(revision_id)
        layer = request.path_params["layer"]
        cache_control = IMMUTABLE if lasting else REVALIDATE
        if layer == OBJECTS:
            return _ids(request, pyramid, cache_control)
        confirmed = stores().revisions.pyramid_path(revision_id) / COVERAGE
        if layer == COVERAGE and (confirmed / "zarr.json").is_file():
            pyramid = pyramids.get(confirmed)
        else:
            pyramid = layer_of(pyramid, layer)
        block = np.ascontiguousarray(read_tile(pyramid, request), dtype=np.uint8)
        response = cached_bytes(request, block.tobytes(), RAW, cache_control=cache_control, packed=True)
        response.headers["X-Tile-Shape"] = f"{block.shape[0]},{block.shape[1]}"
        return response

    def download(request: Request) -> Response:
        revision_id, what, options = request.path_params["id"], request.path_params["what"], request.query_params
        image = stores().images.get(stores().revisions.get(revision_id).image_id)
        if what in DOWNLOADS and heavy_label_map(image, what, options):
            raise too_heavy(f"The image has {image.shape_yx[1]:,} x {image.shape_yx[0]:,} px.", "Segment")
        return attachment(*render_download(stores(), revision_id, what, dict(options)))

    return [
        Route("/api/revisions/{id}", answering(describe)),
        Route("/api/revisions/{id}/download/{what}", downloads(download)),
        Route("/api/revisions/{id}/{layer}/{level}/{row}/{col}", answering(tile)),
    ]


def _ids(request: Request, labels: Pyramid, cache_control: str) -> Response:
    """A tile of object ids, of the classes that have any."""
    if labels.objects is None or not labels.object_classes:
        raise NotFoundError("This label map has no object ids.", "Its connected pieces count as objects.")
    ids = np.array(read_tile(labels.objects, request), np.uint32)
    ids[of_class(np.asarray(read_tile(labels, request), np.uint8), labels.object_classes) == 0] = 0
    return ids_response(request, ids, cache_control=cache_control)


def layer_of(labels: Pyramid, layer: str) -> Pyramid:
    """The label map itself, or its confidence map.

    Raises
    ------
    NotFoundError
        It has no confidence map.
    RequestRefusedError
        404: no such layer.
    """
    if layer == "labels":
        return labels
    if layer == COVERAGE:
        raise NotFoundError("This label map is completely confirmed, or it is a prediction.", "Request its labels.")
    if layer != "confidence":
        raise RequestRefusedError(404, f"There is no layer {layer[:40]!r}.", "Use labels, confidence or objects.")
    if labels.confidence is None:
        raise NotFoundError("This label map has no confidence map.", "Only predictions have a confidence map.")
    return labels.confidence


class _TemporaryFile(FileResponse):
    """A file that is removed once it is sent, or once whoever asked for it has left."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            Path(self.path).unlink(missing_ok=True)


def attachment(content: Path | bytes, media_type: str, name: str) -> Response:
    """A file for the user to keep; a temporary one is removed once it is sent."""
    if isinstance(content, Path):
        response: Response = _TemporaryFile(content, media_type=media_type, filename=name)
    else:
        disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
        response = Response(content, media_type=media_type, headers={"Content-Disposition": disposition})
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _object_classes(store: Store, record: RevisionRecord) -> tuple[int, ...]:
    """The classes that have object ids."""
    if not has_objects(store.revisions.pyramid_path(record.id)):
        return ()
    return open_label_map(store, record).object_classes


def revision_json(store: Store, record: RevisionRecord) -> dict[str, Any]:
    """What a viewer needs to know about a label map; ``version`` grows while it is being written."""
    writing = record.state is RevisionState.WRITING
    return {
        "id": record.id,
        "image_id": record.image_id,
        "kind": record.kind.value,
        "state": record.state.value,
        "version": record.version,
        "progress": float(record.details.get("progress", 0.0)) if writing else 1.0,
        "coverage": list(coverage_of(store, record)),
        "object_classes": [] if writing else list(_object_classes(store, record)),
        "has_confidence": (store.revisions.pyramid_path(record.id) / "confidence" / "zarr.json").is_file(),
        "classes": label_classes(store, record).to_json(),
        "model_id": record.model_id,
        "author": record.author,
    }
