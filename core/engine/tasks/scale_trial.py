"""``scale_trial``: a crop segmented as if its pixels were of several sizes, to choose by eye where nobody knows.

Params: ``image_id``, ``model_id``; optionally ``candidates_nm`` (list of numbers). Result: ``trials``, one entry per
size with ``pixel_size_nm``, ``path`` of an overlay picture (PNG) and ``confidence`` (mean, 0 to 1).
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Final

from core.engine.context import JobContext
from core.engine.warm import warm_predictor
from core.errors import PredictionError
from core.files import replacing
from core.imaging.display import to_display
from core.imaging.image import Image
from core.imaging.overlay import OverlayStyle, render_overlay
from core.imaging.pyramid import open_pyramid
from core.jobs.kinds import ScaleTrial, ScaleTrialParams, ScaleTrialResult
from core.labels.translation import ClassTranslation, match_classes
from core.models.store import ModelStore, StoredModel
from core.segmentation.array_sink import ArraySink
from core.store.label_maps import model_classes
from core.store.records import ImageRecord

FACTORS: Final = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Candidates as multiples of the model's pixel size."""

SEEN_PX: Final = 1024
"""Edge of the crop as the network sees it, about: every candidate costs about the same."""

CROP_PX: Final = (256, 1536)
"""Least and greatest edge of a crop in the image's own pixels."""

STEP: Final = 0.75
"""Of the tiles: half the time of 0.5, and good enough to choose by."""

KEPT_S: Final = 24 * 3600
"""Pictures of older trials are thrown away."""


def run(context: JobContext[ScaleTrialParams]) -> ScaleTrialResult:
    """Segment a crop from the middle at every candidate.

    Raises
    ------
    PredictionError
        The model's own pixel size is unknown, so nothing depends on the image's.
    """
    image = context.store.images.get(context.params.image_id)
    model = ModelStore(context.settings.models_dir).get(context.params.model_id)
    sizes_nm = _candidates(model, context.params.candidates_nm)
    translation = _shown_classes(context, image, model)
    folder = context.settings.data_dir / "trials"
    _throw_away_old(folder)
    predictor = warm_predictor(model, context.settings)
    trials = []
    for number, size_nm in enumerate(sizes_nm):
        context.progress(number / len(sizes_nm), f"{size_nm:g} nm per pixel")
        crop = _crop(context, image, size_nm / (model.pixel_size_nm or size_nm))
        sink = ArraySink(crop.shape)
        predictor.predict(crop, sink, pixel_size_nm=size_nm, step=STEP, should_cancel=context.cancelled)
        display = to_display(crop.pixels_yx, *image.window)
        style = OverlayStyle(legend=False, opacity=0.4)
        path = folder / context.id / f"{number}.png"
        with replacing(path) as temporary:
            labels_yx = translation.translated(sink.labels_yx)
            render_overlay(display, labels_yx, translation.target, size_nm, style).save(temporary, format="PNG")
        trials.append(ScaleTrial(pixel_size_nm=size_nm, path=str(path), confidence=sink.mean_confidence))
    return ScaleTrialResult(trials=tuple(trials))


def _shown_classes(context: JobContext[ScaleTrialParams], image: ImageRecord, model: StoredModel) -> ClassTranslation:
    """From the model's classes to the project's; those that it does not have are shown as they would be added."""
    project = context.store.projects.get(image.project_id)
    known = model_classes(context.store, project, model.scheme, model.id)
    scheme = project.scheme.with_classes(known.undecided, project.retired_ids)
    decided = context.store.projects.class_map(project.id, model.scheme, model.id)
    return match_classes(model.scheme, scheme, decided, former=project.former_names)


def _throw_away_old(folder: Path) -> None:
    """Remove the pictures of trials that nobody looks at any more."""
    limit = time.time() - KEPT_S
    for old in folder.iterdir() if folder.is_dir() else ():
        if old.is_dir() and old.stat().st_mtime < limit:
            shutil.rmtree(old, ignore_errors=True)


def _candidates(model: StoredModel, given: tuple[float, ...]) -> list[float]:
    """Pixel sizes to try, in nm."""
    if given:
        return list(given)
    if model.pixel_size_nm is None:
        raise PredictionError(
            f"The training pixel size of {model.id} is unknown.",
            "Sizes cannot be tried: images are not rescaled.",
        )
    return [round(model.pixel_size_nm * factor, 3) for factor in FACTORS]


def _crop(context: JobContext[ScaleTrialParams], record: ImageRecord, factor: float) -> Image:
    """The middle of the image, the larger the less the network enlarges it."""
    pyramid = open_pyramid(context.store.images.pyramid_path(record.id))
    edge = int(min(max(SEEN_PX / factor, CROP_PX[0]), CROP_PX[1]))
    rows, columns = (_middle(n, edge) for n in pyramid.shape_yx)
    return Image(pyramid.read(0, rows, columns), name=record.name)


def _middle(length: int, edge: int) -> slice:
    """At most ``edge`` pixels in the middle of an axis."""
    start = max(0, (length - edge) // 2)
    return slice(start, min(length, start + edge))
