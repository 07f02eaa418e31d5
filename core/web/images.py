"""Routes for micrographs: what an image is, its tiles as JPEG, and the grey value of one pixel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.cache import MB, Cache
from core.errors import NotFoundError
from core.imaging.display import to_display
from core.imaging.pyramid import TILE_PX, Pyramid
from core.imaging.scale_bar import likely_scale_bar
from core.store.label_maps import in_project_classes
from core.store.records import ImageRecord
from core.store.store import Store
from core.web.pyramids import OpenPyramids
from core.web.responses import (
    IMMUTABLE,
    RequestRefusedError,
    answering,
    cached_bytes,
    float_parameter,
    int_parameter,
    json_response,
)

JPEG_QUALITY: Final = 90
"""No visible blocks in electron micrographs; half the bytes of 95."""

RECORDS_BYTES: Final = 2 * MB
"""Image records remembered for tiles: an image's pixels and window never change."""


def image_routes(stores: Callable[[], Store], pyramids: OpenPyramids) -> list[Route]:
    """``GET /api/images/{id}``, its tiles, its pixels, and where a scale bar is likely."""

    records: Cache[ImageRecord] = Cache("images of tiles", "rows of images", limit_bytes=RECORDS_BYTES)

    def record_of(image_id: str) -> ImageRecord:
        return records.get_or_make(image_id, lambda: stores().images.get(image_id))

    def pyramid_of(request: Request) -> Pyramid:
        record = record_of(request.path_params["id"])  # an id that no image has becomes no path
        return pyramids.get(stores().images.pyramid_path(record.id))

    def describe(request: Request) -> Response:
        record = stores().images.get(request.path_params["id"])
        return json_response(image_json(record, pyramid_of(request)))

    def scale_bar(request: Request) -> Response:
        bar = likely_scale_bar(pyramid_of(request))
        return json_response({"bar": None if bar is None else asdict(bar)})

    def tile(request: Request) -> Response:
        record = record_of(request.path_params["id"])
        low, high = window_of(request, record)
        block = read_tile(pyramid_of(request), request)
        jpeg = encode_tile(block, low, high)
        return cached_bytes(request, jpeg, "image/jpeg", cache_control=IMMUTABLE)

    def pixel(request: Request) -> Response:
        row, column = int_parameter(request, "row"), int_parameter(request, "col")
        record_of(request.path_params["id"])
        value: dict[str, Any] = {"row": row, "col": column, "value": pixel_value(pyramid_of(request), row, column)}
        revision_id = request.query_params.get("revision")
        if revision_id:
            store, revision = stores(), stores().revisions.get(revision_id)
            labels = in_project_classes(store, revision, pyramids.get(store.revisions.pyramid_path(revision.id)))
            value["label"] = pixel_value(labels, row, column)
            if labels.confidence is not None:
                value["confidence"] = pixel_value(labels.confidence, row, column)
        return json_response(value)

    return [
        Route("/api/images/{id}", answering(describe)),
        Route("/api/images/{id}/tiles/{level}/{row}/{col}", answering(tile)),
        Route("/api/images/{id}/scale-bar", answering(scale_bar)),
        Route("/api/images/{id}/pixel", answering(pixel)),
    ]


def image_json(record: ImageRecord, pyramid: Pyramid) -> dict[str, Any]:
    """What a viewer needs to know about an image."""
    height, width = record.shape_yx
    low, high = record.window
    return {
        "id": record.id,
        "name": record.name,
        "width_px": width,
        "height_px": height,
        "levels": pyramid.levels,
        "tile_px": TILE_PX,
        "dtype": record.dtype,
        "pixel_size_nm": record.pixel_size.nm,
        "pixel_size_source": record.pixel_size.source.value,
        "pixel_size_detail": record.pixel_size.detail,
        "window_low": low,
        "window_high": high,
    }


def window_of(request: Request, record: ImageRecord) -> tuple[float, float]:
    """Grey values shown as black and as white: from the query, or the image's own.

    Raises
    ------
    RequestRefusedError
        400: one is not a number, or low is not below high.
    """
    low, high = float_parameter(request, "low"), float_parameter(request, "high")
    low = record.window[0] if low is None else low
    high = record.window[1] if high is None else high
    if (request.query_params.get("low") or request.query_params.get("high")) and not low < high:
        raise RequestRefusedError(
            400, f"Invalid display range {low:g} to {high:g}.", ("The lower limit must be less than the upper limit.")
        )
    return low, high


def read_tile(pyramid: Pyramid, request: Request) -> NDArray[Any]:
    """The tile that a request's level, row and column name.

    Raises
    ------
    NotFoundError
        There is no such level or tile.
    """
    level, row, column = (int_parameter(request, name) for name in ("level", "row", "col"))
    if level < pyramid.levels:
        height, width = pyramid.level_shape(level)
        if row * TILE_PX < height and column * TILE_PX < width:
            return pyramid.tile(level, row, column)
    raise NotFoundError(f"There is no tile {row}, {column} at level {level}.", "Reload the page.")


def encode_tile(block_yx: NDArray[Any], low: float, high: float) -> bytes:
    """A block as a grey JPEG, shown between two grey values.

    Parameters
    ----------
    block_yx
        uint8, uint16 or float32.
    low, high
        Grey values that become black and white.
    """
    shown = block_yx if block_yx.dtype == np.uint8 and (low, high) == (0, 255) else to_display(block_yx, low, high)
    return bytes(imagecodecs.jpeg8_encode(np.ascontiguousarray(shown), level=JPEG_QUALITY))


def pixel_value(pyramid: Pyramid, row: int, column: int) -> int | float:
    """One pixel of level 0.

    Raises
    ------
    NotFoundError
        It is outside.
    """
    height, width = pyramid.shape_yx
    if row >= height or column >= width:
        raise NotFoundError(
            f"Pixel row {row}, column {column} is outside the image ({height} x {width} px).",
            ("Use a position inside the image."),
        )
    value: int | float = pyramid.read(0, slice(row, row + 1), slice(column, column + 1))[0, 0].item()
    return value
