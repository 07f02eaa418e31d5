"""What a training keeps of its images, so that predictions can say whether an image is like them.

Own images give the usual values, altered ones the threshold. What the network says is taken from images that it has not
seen, where there are any; their labels also fit the temperature of its confidence.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import CristaeError, DatasetError
from core.evaluation.temperature import Calibration, fitted
from core.familiarity.alterations import ALTERATIONS, altered
from core.familiarity.looks import KnownLooks, SampledImage
from core.imaging.image import Image
from core.label_scheme import IGNORE_ID
from core.labels.translation import match_classes
from core.models.store import StoredModel
from core.segmentation.array_sink import ArraySink
from core.segmentation.predictor import Predictor
from core.segmentation.tile_source import find_frame
from core.segmentation.window_sample import WindowSample

if TYPE_CHECKING:
    from core.datasets.folder import Case, DatasetFolder
    from core.training.preparation import PreparedDataset

LEAST_S: Final = 2.0
"""Seconds of computing that looking at images may take at least, ..."""

TIME_SHARE: Final = 0.06
"""... and as a share of the training."""

OWN_SHARE: Final = 0.5
"""Of that time for own images; the rest is for altered ones."""

LEAST_IMAGES: Final = 4
"""Own images that are looked at however long it takes, and so is each alteration of one image."""

OWN_PX: Final = 1024
ALTERED_PX: Final = 512
"""Sides, at the model's pixel size, of the middle of an own and of an altered image: bounds the time of each."""

MOST_IMAGES: Final = 24
"""Own images that are looked at."""

ALTERED_IMAGES: Final = 3
"""Each alteration is applied to this many images, as long as there is time."""

STEP: Final = 0.75
"""Of the tiles: nearly the scores of the usual half, in less than half the time."""

Reference = Callable[["Case", Image, NDArray[np.uint8]], NDArray[np.uint8]]
"""Labels of a held-out image, with *ignore* where the network has seen it."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What goes into the card."""

    looks: KnownLooks
    calibration: Calibration


def looks_after_training(
    model: StoredModel, cases: Sequence[Case], prepared: PreparedDataset, prepared_folder: Path, *, elapsed_s: float
) -> Learned:
    """Statistics of the images of a training, and the temperature of its network.

    Parameters
    ----------
    model
        As it was just trained.
    cases
        Of its dataset.
    prepared, prepared_folder
        What the preparation decided, and where its cases lie.
    elapsed_s
        Seconds that the training took; a share of it may be spent here.
    """
    from core.training.object_rules import held_out_reference

    by_name = {case.name: case for case in cases}
    training = {prepared.image_of_case[name] for name in prepared.training}
    validation = {prepared.image_of_case[name] for name in prepared.validation} if prepared.held_out else set()

    def reference(case: Case, image: Image, labels_yx: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return held_out_reference(case.name, image, labels_yx, prepared, prepared_folder)

    order = [*_spread(sorted(validation)), *_spread(sorted(training - validation))]
    known = {name: by_name[name] for name in order if name in by_name}
    seconds = max(LEAST_S, TIME_SHARE * elapsed_s)
    predictor = Predictor(model, backend="torch")
    return _learned(predictor, known, validation, validation - training, reference, seconds)


def looks_from_images(
    model: StoredModel,
    dataset: DatasetFolder,
    *,
    seconds: float = 120.0,
    on_progress: Callable[[float, str], object] = lambda fraction, message: None,
) -> Learned:
    """The same for any model, from images that somebody says it was made for.

    Parameters
    ----------
    model
        For example an imported one.
    dataset
        Its images, as if none had been seen by the network; label maps fit the temperature where all classes match.
    seconds
        That may be spent.
    on_progress
        Told a fraction, 0 to 1, and what is done.

    Raises
    ------
    DatasetError
        No image is large enough to be judged.
    """
    cases = {case.name: case for case in dataset.cases}
    match = match_classes(dataset.scheme, model.scheme)
    lookup = match.lookup() if match.any_in_common else None

    def reference(case: Case, image: Image, labels_yx: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return np.full_like(labels_yx, IGNORE_ID) if lookup is None else lookup[labels_yx]

    names = _spread(sorted(cases))
    known = {name: cases[name] for name in names}
    found = _learned(Predictor(model), known, set(names), set(names), reference, seconds, on_progress)
    if not found.looks.known:
        raise DatasetError("No image of the dataset is large enough to be judged.", "Choose larger images.")
    return found


def _spread(names: Sequence[str]) -> list[str]:
    """At most `MOST_IMAGES`, evenly."""
    if len(names) <= MOST_IMAGES:
        return list(names)
    return [names[place] for place in np.linspace(0, len(names) - 1, MOST_IMAGES).astype(int)]


def _learned(
    predictor: Predictor,
    cases: Mapping[str, Case],
    labelled: set[str],
    unseen: set[str],
    reference: Reference,
    seconds: float,
    on_progress: Callable[[float, str], object] = lambda fraction, message: None,
) -> Learned:
    """Look at own images, the unseen ones first, then at altered ones."""
    began = time.process_time()  # so that a busy machine does not learn less
    own: list[SampledImage] = []
    pairs: list[tuple[NDArray[np.float32], NDArray[np.integer]]] = []
    images: list[Image] = []
    for number, (name, case) in enumerate(cases.items()):
        if number >= LEAST_IMAGES and time.process_time() - began > OWN_SHARE * seconds:
            break
        on_progress(OWN_SHARE * number / len(cases), name)
        image, labels_yx = _loaded(case)
        if labels_yx is not None:
            labels_yx = reference(case, image, labels_yx) if name in labelled else None
        image, labels_yx = _middle(image, labels_yx, predictor.model, OWN_PX)
        sample = _sampled(predictor, image)
        if sample is None:
            continue
        own.append(SampledImage(sample.features(), name in unseen))
        images.append(image)
        if labels_yx is not None:
            pairs += _pairs(sample, image, labels_yx, predictor.model)
    far = list(_altered(predictor, images[:ALTERED_IMAGES], began + seconds))
    on_progress(1.0, "done")
    return Learned(KnownLooks.learned(own, far), fitted(pairs))


def _loaded(case: Case) -> tuple[Image, NDArray[np.uint8] | None]:
    from core.datasets.loading import load_case, load_image

    return (load_image(case), None) if case.label_path is None else load_case(case)


def _middle(
    image: Image, labels_yx: NDArray[np.uint8] | None, model: StoredModel, side_px: int
) -> tuple[Image, NDArray[np.uint8] | None]:
    """The middle of an image and of its labels, as large as ``side_px`` at the model's pixel size."""
    image_nm, model_nm = image.pixel_size.nm, model.pixel_size_nm
    side = side_px if image_nm is None or model_nm is None else max(round(side_px * model_nm / image_nm), 1)
    rows, columns = (slice(max((length - side) // 2, 0), max((length - side) // 2, 0) + side) for length in image.shape)
    part = Image(np.ascontiguousarray(image.pixels_yx[rows, columns]), image.pixel_size, image.name)
    return part, None if labels_yx is None else labels_yx[rows, columns]


def _sampled(predictor: Predictor, image: Image) -> WindowSample | None:
    """Windows of an image; None where the model cannot take it."""
    kept: list[WindowSample] = []
    try:
        predictor.predict(image, ArraySink(image.shape), step=STEP, take_sample=kept.append)
    except CristaeError:
        return None
    return kept[0]


def _altered(predictor: Predictor, images: Sequence[Image], deadline: float) -> Iterator[NDArray[np.float64]]:
    """Features of altered images, while there is time; every alteration of one image before the next image."""
    for place, whole in enumerate(images):
        image, _ = _middle(whole, None, predictor.model, ALTERED_PX)
        for number, name in enumerate(ALTERATIONS):
            if place and time.process_time() > deadline:
                return
            made = Image(altered(image.pixels_yx, name, number), image.pixel_size, image.name)
            sample = _sampled(predictor, made)
            if sample is not None and sample.windows:
                yield sample.features()


def _pairs(
    sample: WindowSample, image: Image, reference_yx: NDArray[np.uint8], model: StoredModel
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.integer]]]:
    """Scores and true classes of the labelled pixels of each window."""
    frame = find_frame(image.pixels_yx)
    framed = reference_yx[slice(*frame.rows), slice(*frame.columns)]
    place_of = np.full(256, -1, np.int16)
    place_of[list(model.card.class_outputs)] = range(len(model.card.class_outputs))
    for window in sample.windows:
        height, width = window.scores.shape[1:]
        rows, columns = (
            ((np.arange(first, first + length) + 0.5) * whole / grid).astype(int)
            for first, length, whole, grid in zip(
                (window.row, window.column), (height, width), framed.shape, sample.shape_yx, strict=True
            )
        )
        truth = place_of[framed[np.ix_(rows, columns)].ravel()]
        known = truth >= 0
        yield window.scores.reshape(len(window.scores), -1).T[known], truth[known]
