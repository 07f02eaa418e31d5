"""Object rules of a model: learned from the labels that it was trained on, chosen on images that it was not.

After a training this runs in the training process; for models from elsewhere somebody names labelled images.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import DatasetError
from core.imaging.image import Image
from core.imaging.object_pyramid import ObjectIds
from core.label_scheme import IGNORE_ID, LabelScheme
from core.labels.translation import match_classes
from core.models.store import StoredModel
from core.objects.learning import LabelledImage, learn_rules
from core.objects.necks import learned_depths
from core.objects.rules import ObjectRules
from core.objects.separation import UNSEPARATED, Separation, SeparationWay
from core.segmentation.array_sink import ArraySink
from core.segmentation.parting import PartingRows
from core.segmentation.predictor import Predictor
from core.segmentation.resampling import taken_pixel_size
from core.segmentation.tile_source import find_frame
from core.training.object_choice import Prediction, choose_rules, separation_scores
from core.training.preparation import PreparedDataset
from core.training.question_odds import question_odds

if TYPE_CHECKING:
    from core.datasets.folder import Case, DatasetFolder

LEAST_S: Final = 5.0
"""Seconds that predicting validation images may take at least, …"""

TIME_SHARE: Final = 0.05
"""… and as a share of the training."""


def rules_after_training(
    model: StoredModel,
    cases: Sequence[Case],
    prepared: PreparedDataset,
    prepared_folder: Path,
    *,
    elapsed_s: float,
    inherited: ObjectRules,
) -> tuple[ObjectRules, Separation]:
    """Rules for the classes of a model, and what telling touching objects apart does.

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
    inherited
        Of the parent: kept for classes that the labels do not show.

    Returns
    -------
    ObjectRules
        Learned from the training images; with a validation part, the multiple of each area that is best there.
    Separation
        The model's, with scores where there is a validation part.
    """
    by_name = {case.name: case for case in cases}
    training = {prepared.image_of_case[name] for name in prepared.training}
    rules = learn_rules((_labelled(by_name[name]) for name in sorted(training)), model.scheme.ids)
    separation = model.card.separation
    if prepared.held_out:
        deadline = time.monotonic() + max(LEAST_S, TIME_SHARE * elapsed_s)
        predictions = list(_predictions(model, by_name, prepared, prepared_folder, deadline))
        rules = choose_rules(rules, predictions, model.scheme, separation)
        if separation.way is not SeparationWay.NONE:
            scores = separation_scores(rules, predictions, model.scheme, separation)
            separation = replace(separation, scores=scores, odds=question_odds(rules, predictions, separation))
    return with_inherited(rules, inherited), separation


def rules_from_references(
    model: StoredModel,
    dataset: DatasetFolder,
    *,
    predict_s: float = 0.0,
    on_progress: Callable[[float, str], object] = lambda fraction, message: None,
) -> ObjectRules:
    """Rules for the classes of any model, learned from labelled images.

    Parameters
    ----------
    model
        For example an imported one.
    dataset
        Its label maps; classes are matched to the model's by name.
    predict_s
        Seconds that may be spent on predicting these images, to choose the multiple of each area that is best; 0: none
        is predicted, the rules are as the labels say.
    on_progress
        Told a fraction, 0 to 1, and what is done.

    Returns
    -------
    ObjectRules
        In the ids of the model.

    Raises
    ------
    DatasetError
        No image has a label map, or no class has a counterpart in the model.
    """
    cases = [case for case in dataset.cases if case.label_path is not None]
    if not cases:
        raise DatasetError("The dataset has no label maps.", "Choose a dataset with labelled images.")
    match = match_classes(dataset.scheme, model.scheme)
    if not match.any_in_common:
        raise DatasetError(
            (
                f"The dataset has the classes {_names(dataset.scheme)}, the model {_names(model.scheme)}: they have no "
                "class in common."
            ),
            "Choose a dataset with the model's classes.",
        )
    lookup = match.lookup()
    known = {match.ids[class_id] for class_id in dataset.scheme.ids} - {0}

    def labelled() -> Iterator[LabelledImage]:
        for number, case in enumerate(cases):
            on_progress(0.5 * number / len(cases), f"labels of {case.name}")
            found = _labelled(case)
            objects = None if found.objects is None else found.objects.translated(lookup)
            yield LabelledImage(lookup[found.labels_yx], found.pixel_size_nm, objects)

    rules = learn_rules(labelled(), sorted(known))
    predictions = []
    predictor = Predictor(model) if predict_s > 0 else None
    deadline = time.monotonic() + predict_s
    for number, case in enumerate(cases if predictor else ()):
        if predictor is None or (number and time.monotonic() > deadline):
            break
        on_progress(0.5 + 0.5 * number / len(cases), f"predicting {case.name}")
        image, reference_yx = _loaded(case)
        objects = _objects(case, image)
        translated = None if objects is None else objects.translated(lookup)
        predictions.append(_predicted(predictor, image, lookup[reference_yx], translated))
    on_progress(1.0, "done")
    return choose_rules(rules, predictions, model.scheme, model.card.separation) if predictions else rules


def necks_from_references(
    dataset: DatasetFolder,
    scheme: LabelScheme,
    on_progress: Callable[[float, str], object] = lambda fraction, message: None,
) -> Separation:
    """How deep a neck must be to split a piece: the fallback for a model that has not learned to part objects.

    Parameters
    ----------
    dataset
        Its label maps, with or without ids; classes are matched to the model's by name.
    scheme
        The model's classes.
    on_progress
        Told a fraction, 0 to 1, and what is done.

    Returns
    -------
    Separation
        In the ids of the model; nothing to separate where the labelled objects have necks themselves.
    """
    lookup = match_classes(dataset.scheme, scheme).lookup()
    cases = [case for case in dataset.cases if case.label_path is not None]

    def label_maps() -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint32] | None]]:
        for number, case in enumerate(cases):
            on_progress(number / len(cases), f"necks of {case.name}")
            found = _labelled(case)
            yield lookup[found.labels_yx], None if found.objects is None else found.objects.ids_yx

    depths = learned_depths(label_maps(), scheme.ids)
    on_progress(1.0, "done")
    return Separation(SeparationWay.NECKS, tuple(depths), least_depth=depths) if depths else UNSEPARATED


def _names(scheme: LabelScheme) -> str:
    return ", ".join(item.name for item in scheme.classes)


def with_inherited(rules: ObjectRules, inherited: ObjectRules) -> ObjectRules:
    """The rules, and for classes that have none, the inherited ones, where both measure areas alike."""
    if inherited.unit is not rules.unit and rules.rules:
        return rules
    known = {rule.class_id for rule in rules.rules}
    added = tuple(rule for rule in inherited.rules if rule.class_id not in known)
    return dataclasses.replace(inherited if not rules.rules else rules, rules=rules.rules + added)


def _labelled(case: Case) -> LabelledImage:
    image, labels_yx = _loaded(case)
    return LabelledImage(labels_yx, image.pixel_size.nm, _objects(case, image))


def _objects(case: Case, image: Image) -> ObjectIds | None:
    """Ids of the objects of a label map; None where it has none."""
    from core.datasets.folder import load_objects

    ids_yx = load_objects(case, image.shape)
    return None if ids_yx is None else ObjectIds(ids_yx, case.scheme.ids)


def _loaded(case: Case) -> tuple[Image, NDArray[np.uint8]]:
    from core.datasets.folder import load_case

    return load_case(case)


def _predictions(
    model: StoredModel, by_name: dict[str, Case], prepared: PreparedDataset, folder: Path, deadline: float
) -> Iterator[Prediction]:
    """Predictions of validation images, as many as the time allows, one at least."""
    predictor = Predictor(model, backend="torch")
    validation = sorted({prepared.image_of_case[name] for name in prepared.validation})
    for number, name in enumerate(validation):
        if number and time.monotonic() > deadline:
            return
        case = by_name[name]
        image, reference_yx = _loaded(case)
        reference_yx = held_out_reference(name, image, reference_yx, prepared, folder)
        yield _predicted(predictor, image, reference_yx, _objects(case, image))


def held_out_reference(
    name: str, image: Image, reference_yx: NDArray[np.uint8], prepared: PreparedDataset, folder: Path
) -> NDArray[np.uint8]:
    """The reference of a validation image, with *ignore* where the training has seen it, too."""
    if name not in {prepared.image_of_case[case] for case in prepared.training}:
        return reference_yx
    return _held_out_part(reference_yx, image, _strip(folder, prepared, name))


def _predicted(
    predictor: Predictor, image: Image, reference_yx: NDArray[np.uint8], objects: ObjectIds | None
) -> Prediction:
    """The network's own map of an image beside its reference."""
    sink, parting = ArraySink(image.shape), list[PartingRows]()
    predictor.predict(image, sink, take_parting=parting.append)
    taken_nm = taken_pixel_size(image.pixel_size.nm, predictor.model.pixel_size_nm)
    return Prediction(reference_yx, sink.labels_yx, taken_nm, objects, parting[0] if parting else None)


def _strip(folder: Path, prepared: PreparedDataset, image_name: str) -> NDArray[np.bool_]:
    """Of an image of which a strip is held out: where that is, on the grid of the training."""
    import blosc2  # type: ignore[import-untyped]

    name = next(name for name in prepared.validation if prepared.image_of_case[name] == image_name)
    labels_yx: NDArray[Any] = blosc2.open(str(folder / f"{name}_seg.b2nd"), mode="r")[:][0, 0]
    return np.asarray(labels_yx != len(prepared.output_ids))  # the network's label of what is ignored


def _held_out_part(reference_yx: NDArray[np.uint8], image: Image, strip_yx: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The reference, with *ignore* outside the rows and columns of the strip."""
    frame = find_frame(image.pixels_yx)
    part: list[slice] = []
    for axis, (first, stop) in enumerate((frame.rows, frame.columns)):
        at, length = np.flatnonzero(strip_yx.any(axis=1 - axis)), strip_yx.shape[axis]
        if not at.size:
            return np.full_like(reference_yx, IGNORE_ID)
        low, high = at[0] / length, (at[-1] + 1) / length
        part.append(slice(first + round(low * (stop - first)), first + round(high * (stop - first))))
    kept = np.full_like(reference_yx, IGNORE_ID)
    kept[tuple(part)] = reference_yx[tuple(part)]
    return kept
