"""The worst errors of an evaluation as small pictures: a crop with the outlines of reference and prediction."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage

from core.errors import CristaeError
from core.evaluation.error_objects import ConnectedError
from core.evaluations.read import EvaluatedImage
from core.evaluations.report.findings import Findings
from core.imaging.display import to_display
from core.imaging.overlay import boundaries, draw_scale_bar, scale_bar
from core.imaging.pyramid import Pyramid, open_pyramid
from core.store.label_maps import open_label_map
from core.store.store import Store

SHOWN: Final = 9
"""Pictures in a report: one page of print, some 200 kB."""

PER_IMAGE: Final = 3
"""One bad image does not push out all others."""

EDGE_PX: Final = 320
"""Of a picture: about 55 mm at 150 dots an inch."""

_LEAST_CROP_PX: Final = 96
"""Less around a small error shows no tissue."""

_AROUND: Final = 1.6
"""Edge of the crop in terms of the error's longer edge."""

_BAR_UNIT_PX: Final = 6.0
"""Letters of 13 px, which a third of the page shows as 9 px."""

REFERENCE_COLOR: Final = (86, 180, 233)
PREDICTION_COLOR: Final = (230, 159, 0)
"""Sky blue and orange of Okabe and Ito: told apart by the colour-blind, and both bright on grey."""


@dataclass(frozen=True, slots=True)
class ErrorPicture:
    """One error, and its picture as JPEG; None where the image or a label map has been deleted since."""

    image: EvaluatedImage
    error: ConnectedError
    jpeg: bytes | None


def worst_errors(found: Findings) -> tuple[tuple[EvaluatedImage, ConnectedError], ...]:
    """The largest errors over all images, by area where every image has a pixel size, else by pixels."""
    candidates = [
        (image, error) for image in found.images for error in found.errors.get(image.image_id, ())[:PER_IMAGE]
    ]
    physical = all(error.area_um2 is not None for _, error in candidates)

    def size(one: tuple[EvaluatedImage, ConnectedError]) -> float:
        return (one[1].area_um2 or 0.0) if physical else one[1].pixels

    return tuple(sorted(candidates, key=size, reverse=True)[:SHOWN])


def error_pictures(
    store: Store, found: Findings, wanted: Iterable[tuple[EvaluatedImage, ConnectedError]]
) -> tuple[ErrorPicture, ...]:
    """Draw them, reading only the crops."""
    return tuple(ErrorPicture(image, error, _picture(store, found, image, error)) for image, error in wanted)


def _picture(store: Store, found: Findings, image: EvaluatedImage, error: ConnectedError) -> bytes | None:
    if image.reference_id is None or image.prediction_id is None:
        return None
    try:
        record = store.images.get(image.image_id)
        micrograph = open_pyramid(store.images.pyramid_path(image.image_id))
        reference = open_label_map(store, image.reference_id)
        prediction = open_label_map(store, image.prediction_id)
        level, rows, columns = _crop(micrograph, error)
        grey = to_display(micrograph.read(level, rows, columns), *record.window)
        wanted = _read(reference, level, rows, columns)
        made = _read(prediction, level, rows, columns)
    except CristaeError:  # deleted since: the figures stand without the picture
        return None
    pixel_size_nm = None if record.pixel_size.nm is None else record.pixel_size.nm * 2**level
    return _drawn(grey, wanted, made, error, pixel_size_nm)


def _crop(micrograph: Pyramid, error: ConnectedError) -> tuple[int, slice, slice]:
    """Level, rows and columns of a square around an error, at a level where it is not much more than the picture."""
    edge = max(_LEAST_CROP_PX, round(max(error.height, error.width) * _AROUND))
    level = 0
    while level + 1 < micrograph.levels and edge / 2**level > 2 * EDGE_PX:
        level += 1
    shape = micrograph.level_shape(level)
    scale = 2**level
    centre = ((error.row + error.height / 2) / scale, (error.column + error.width / 2) / scale)
    length = max(round(edge / scale), 1)
    spans = []
    for middle, size in zip(centre, shape, strict=True):
        start = min(max(round(middle - length / 2), 0), max(size - length, 0))
        spans.append(slice(start, min(start + length, size)))
    return level, spans[0], spans[1]


def _read(labels: Pyramid, level: int, rows: slice, columns: slice) -> NDArray[np.uint8]:
    return np.asarray(labels.read(level, rows, columns), np.uint8)


def _drawn(
    grey: NDArray[np.uint8],
    reference: NDArray[np.uint8],
    prediction: NDArray[np.uint8],
    error: ConnectedError,
    pixel_size_nm: float | None,
) -> bytes:
    """JPEG with the outlines of the two classes that the error is about; a thin line where they coincide."""
    scale = EDGE_PX / max(grey.shape)
    size = (max(round(grey.shape[1] * scale), 1), max(round(grey.shape[0] * scale), 1))
    enlarged = PilImage.fromarray(grey).resize(
        size, PilImage.Resampling.BICUBIC if scale > 1 else PilImage.Resampling.BOX
    )
    rgb = np.repeat(np.asarray(enlarged)[..., None], 3, axis=2)
    about = [i for i in (error.reference_id, error.prediction_id) if i]
    for labels, color, width in ((reference, REFERENCE_COLOR, 4), (prediction, PREDICTION_COLOR, 2)):
        shown = np.where(np.isin(labels, about), labels, 0).astype(np.uint8)
        nearest = PilImage.fromarray(shown).resize(size, PilImage.Resampling.NEAREST)
        rgb[boundaries(np.asarray(nearest), width)] = color
    picture = PilImage.fromarray(rgb)
    if pixel_size_nm is not None and picture.width >= _LEAST_CROP_PX:
        draw_scale_bar(picture, scale_bar(picture.width, pixel_size_nm / scale), _BAR_UNIT_PX)
    buffer = io.BytesIO()
    picture.save(buffer, format="JPEG", quality=85)
    return buffer.getvalue()
