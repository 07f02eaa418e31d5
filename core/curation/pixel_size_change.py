"""What a change of the pixel size makes outdated, and how long doing it again takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from core.predictions.shown import made_at_nm
from core.store.records import ImageRecord, RevisionKind, RevisionRecord
from core.store.store import Store

ASK_FROM_S: Final = 60.0
"""A change that costs less than a minute of computing, and nothing else, needs no question."""

_AT_ONCE: Final = 400
_RECENT: Final = 200
"""Predictions whose time is looked at: the newest, since machines change."""


@dataclass(frozen=True, slots=True)
class PixelSizeChange:
    """What follows from giving images another pixel size.

    Parameters
    ----------
    images
        How many get it, planes of their stacks included.
    predictions
        Label maps by models that were made with another size.
    measured
        Label maps whose objects were measured: their contacts have to be measured again, their sizes are converted.
    evaluations
        Evaluations with distances in nm of another size.
    seconds
        About how long the predictions take when they are made again; None where no earlier one tells.
    """

    images: int
    predictions: int
    measured: int
    evaluations: int
    seconds: float | None

    def __add__(self, other: PixelSizeChange) -> PixelSizeChange:
        """Both changes; an evaluation with images of both counts twice."""
        known = [seconds for seconds in (self.seconds, other.seconds) if seconds is not None]
        return PixelSizeChange(
            self.images + other.images,
            self.predictions + other.predictions,
            self.measured + other.measured,
            self.evaluations + other.evaluations,
            sum(known) if known else None,
        )

    @property
    def outdates(self) -> bool:
        """Whether anything has to be done again."""
        return bool(self.predictions or self.measured or self.evaluations)


NO_CHANGE: Final = PixelSizeChange(0, 0, 0, 0, None)


def change_of_pixel_size(store: Store, images: Sequence[ImageRecord], nm: float) -> PixelSizeChange:
    """Look at what giving these images a pixel size in nm would make outdated; nothing is changed.

    Parameters
    ----------
    images
        All that get it; an image that has the size already counts as none.
    """
    changing = {image.id: image for image in images if image.pixel_size.nm != nm}
    maps = store.revisions.of_images(changing)
    made = [row for row in maps if row.kind == RevisionKind.PREDICTION.value and row.model_id]
    outdated = [row for row in made if made_at_nm(row.details) != nm]
    measured = [row for row in maps if store.revisions.object_table_path(row.id).exists()]
    times = [_seconds(store, row, changing[row.image_id], nm) for row in outdated]
    known = [seconds for seconds in times if seconds is not None]
    return PixelSizeChange(
        images=len(changing),
        predictions=len(outdated),
        measured=len(measured),
        evaluations=len(store.evaluations.scored_at_other_size(changing, nm)),
        seconds=sum(known) * len(times) / len(known) if known else None,
    )


def change_of_model_size(store: Store, model_id: str, nm: float) -> PixelSizeChange:
    """Look at what saying at which pixel size (nm) a model was trained would make outdated; nothing is changed.

    Until then it took images as they are; from then on it brings images of other sizes to its own. Images that have
    its size, or an unknown one, are still taken as they are.
    """
    sizes = [(row, made_at_nm(row.details)) for row in store.revisions.predictions_by(model_id)]
    outdated = [(row, size) for row, size in sizes if size is not None and size != nm]
    rates = [(_seconds_per_mpx(row), _summary(row).get("shape_yx"), size / nm) for row, size in outdated]
    known = [rate * _mpx(shape) * scale**2 for rate, shape, scale in rates if rate is not None and shape]
    return PixelSizeChange(
        images=len({row.image_id for row, _ in outdated}),
        predictions=len(outdated),
        measured=0,
        evaluations=0,
        seconds=sum(known) * len(rates) / len(known) if known else None,
    )


def sized_words(store: Store, image: ImageRecord, nm: float) -> str:
    """What to say of an image of unknown pixel size that a file has given one.

    Parameters
    ----------
    image
        As it was before.
    nm
        What it has now.
    """
    return f"The pixel size was unknown; it was set to {nm:.4g} nm. {outdated_words(store, image, nm)}".strip()


def outdated_words(store: Store, image: ImageRecord, nm: float) -> str:
    """Which label maps by models become outdated with this pixel size; "" where none does."""
    count = change_of_pixel_size(store, [image], nm).predictions
    if not count:
        return ""
    maps, become = ("label map", "becomes") if count == 1 else ("label maps", "become")
    return f"{count:,} {maps} by models {become} outdated: segment the image again."


def seconds_to_segment(
    store: Store, image: ImageRecord, nm: float, model_id: str, model_nm: float | None
) -> float | None:
    """About how long a model takes for an image of a pixel size, from the times that it took before.

    Parameters
    ----------
    nm, model_nm
        Pixel sizes of the image and of the model; where the model's is unknown, images are used as they are.

    Returns
    -------
    float or None
        None where the model has segmented nothing yet.
    """
    recent = store.revisions.predictions_by(model_id, last=_RECENT)
    rates = [rate for prediction in recent if (rate := _seconds_per_mpx(prediction)) is not None]
    scale = nm / model_nm if model_nm else 1.0
    return median(rates) * _mpx(image.shape_yx) * scale**2 if rates else None


def _seconds(store: Store, row: RevisionRecord, image: ImageRecord, nm: float) -> float | None:
    """About how long this prediction takes with another pixel size: as long as before per pixel of the network."""
    rate, summary = _seconds_per_mpx(row), _summary(row)
    if rate is None:
        return None
    old_nm, scale = made_at_nm(row.details), float(summary.get("scale_factor") or 1.0)
    return rate * _mpx(image.shape_yx) * (scale * nm / old_nm if old_nm else scale) ** 2


def _seconds_per_mpx(row: RevisionRecord) -> float | None:
    """Seconds per megapixel of the image as the network saw it."""
    summary = _summary(row)
    seconds, shape, scale = summary.get("seconds"), summary.get("shape_yx"), summary.get("scale_factor") or 1.0
    if not seconds or not shape:
        return None
    return float(seconds) / (_mpx(shape) * float(scale) ** 2)


def _summary(row: RevisionRecord) -> dict[str, Any]:
    found: dict[str, Any] = row.details.get("summary") or {}
    return found


def _mpx(shape_yx: Sequence[int]) -> float:
    return float(shape_yx[0]) * float(shape_yx[1]) / 1e6
