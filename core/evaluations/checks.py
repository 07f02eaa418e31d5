"""What to know before an evaluation begins: which images, what they lack, what the scores cannot show."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.datasets.leakage import straddling
from core.errors import CristaeError, Refusal, SettingsError
from core.evaluation.settings import EvaluationSettings
from core.imaging.pyramid import open_pyramid
from core.learning.drawn_references import doubted
from core.models.card import read_json
from core.models.store import ModelStore, StoredModel
from core.models.stored_model import SNAPSHOT_FILE
from core.store.label_maps import model_classes
from core.store.records import ImageRecord, ProjectRecord, RevisionKind, RevisionRecord, Split
from core.store.store import Store
from core.wording import some_of

_NAMED = 3
"""Names in a sentence; of more it says how many."""


@dataclass(frozen=True, slots=True)
class EvaluationPlan:
    """What a person asks for; checked when it is started.

    Parameters
    ----------
    project_id
        Whose classes count.
    model_id
        The model to evaluate; None: ``predictions`` of another program.
    image_ids
        Images of the project; None: all of the test set.
    predictions
        Image id to the revision to score. Images without one are predicted by the model; without a model they have no
        score.
    settings
        What differs from `core.evaluation.settings.EvaluationSettings`, plain values.
    name
        As shown in lists; "": the model's.
    """

    project_id: str
    model_id: str | None = None
    image_ids: Sequence[str] | None = None
    predictions: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""


@dataclass(frozen=True, slots=True)
class EvaluationCheck:
    """What a plan means.

    Parameters
    ----------
    images
        The images in their order, those without a reference too.
    without_reference
        Names of those that cannot be scored: the result will be partial.
    warnings
        Sentences; the evaluation is possible all the same.
    refusals
        Why it is not.
    """

    images: tuple[ImageRecord, ...]
    without_reference: tuple[str, ...]
    warnings: tuple[str, ...]
    refusals: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan with everything that it names.

    Parameters
    ----------
    references
        Image id to its newest reference.
    """

    plan: EvaluationPlan
    project: ProjectRecord
    everything: tuple[ImageRecord, ...]
    images: tuple[ImageRecord, ...]
    references: Mapping[str, RevisionRecord]
    model: StoredModel | None
    refusals: tuple[Refusal, ...]


def check_evaluation(store: Store, plan: EvaluationPlan) -> EvaluationCheck:
    """Look at a plan before it is started; reads rows, and of pictures nothing but the sizes of given predictions.

    Raises
    ------
    NotFoundError
        There is no such project.
    SettingsError
        Settings that make no sense.
    """
    return check_planned(store, planned(store, plan))


def planned(store: Store, plan: EvaluationPlan) -> Planned:
    """Look up what a plan names. Raises as `check_evaluation`."""
    project = store.projects.get(plan.project_id)
    settings_of(plan.settings)
    everything = store.images.all(plan.project_id)
    by_id = {image.id: image for image in everything}
    refusals: list[Refusal] = []
    if plan.image_ids is None:
        images = tuple(image for image in everything if image.split is Split.TEST)
        if not images:
            refusals.append(
                Refusal("The test set is empty.", ("Assign images to the test set on the Data page, or select images."))
            )
    else:
        wanted = tuple(dict.fromkeys(plan.image_ids))
        images = tuple(by_id[image_id] for image_id in wanted if image_id in by_id)
        if len(images) < len(wanted):
            refusals.append(
                Refusal(
                    f"{len(wanted) - len(images)} of the selected images are no longer in this project.",
                    "Select the images again.",
                )
            )
        if not wanted:
            refusals.append(Refusal("No images selected.", "Select at least one image with reference labels."))
    references = store.revisions.newest_of_project(plan.project_id, RevisionKind.REFERENCE)
    model = None
    if plan.model_id is not None:
        try:
            model = ModelStore(store.settings.models_dir).get(plan.model_id)
        except CristaeError as error:
            refusals.append(Refusal.of(error))
    return Planned(plan, project, everything, images, references, model, tuple(refusals))


def check_planned(store: Store, what: Planned) -> EvaluationCheck:
    """As `check_evaluation`, of a plan that is looked up."""
    bare = tuple(image.name for image in what.images if image.id not in what.references)
    labelled = [image for image in what.images if image.id in what.references]
    refusals = [*what.refusals, *_predictions(store, what)]
    warnings: list[str] = []
    if what.images and not labelled:
        refusals.append(
            Refusal(
                "None of the images has reference labels.",
                "Import their label maps on the Data page, or annotate them on the Correct page and approve the "
                "corrections.",
            )
        )
    elif bare:
        warnings.append(
            f"{some(bare)} no reference labels and will not be scored: the result will be marked as partial."
        )
    if what.model is not None:
        problems, forbidden = _classes(store, what.model, what.project)
        warnings += problems
        refusals += forbidden
        warnings += _trained_on(what.model, labelled)
    elif what.plan.model_id is None and not what.plan.predictions:
        refusals.append(
            Refusal("No model and no predictions are selected.", ("Select a model or imported predictions."))
        )
    shaky = doubted(store, what.plan.project_id, {image.id: what.references[image.id] for image in labelled})
    if names := [image.name for image in labelled if image.id in shaky]:
        warnings.append(
            f"The reference of {some_of(names, _NAMED)} was created from a correction that is no longer approved: "
            "approve another correction and use it as reference."
        )
    warnings += [*_shared(labelled, what.everything), *_splits(what.plan, labelled), *_sizes(labelled)]
    return EvaluationCheck(what.images, bare, tuple(warnings), tuple(refusals))


def settings_of(values: Mapping[str, Any]) -> EvaluationSettings:
    """Settings from what differs from the usual.

    Raises
    ------
    SettingsError
        There is no such setting, or a value makes no sense.
    """
    usual = EvaluationSettings().to_json()
    strange = sorted(set(values) - set(usual))
    if strange:
        raise SettingsError(
            f"Unknown evaluation setting: {', '.join(strange)}.", f"The settings are {', '.join(usual)}."
        )
    try:
        return EvaluationSettings.from_json(usual | dict(values))
    except (TypeError, ValueError) as error:
        raise SettingsError(f"The settings of the evaluation cannot be used: {error}.", "Use numbers.") from error


def seen_before(
    store: Store, project_id: str, image_ids: Collection[str], model: StoredModel | None
) -> tuple[str, ...]:
    """What makes the figures of these images look too good: they, or their specimens, were trained on."""
    everything = store.images.all(project_id)
    images = [image for image in everything if image.id in image_ids]
    return (*(_trained_on(model, images) if model else ()), *_shared(images, everything))


def some(names: Sequence[str]) -> str:
    """A few of the names, with "has" or "have".

    >>> some(["a"]), some(["a", "b", "c", "d"])
    ('a has', 'a, b, c and 1 more have')
    """
    return some_of(names, _NAMED) + (" has" if len(names) == 1 else " have")


def _predictions(store: Store, what: Planned) -> list[Refusal]:
    """What is wrong with the predictions that are given."""
    sentences = []
    for image in what.images:
        revision_id = what.plan.predictions.get(image.id)
        if revision_id is None:
            continue
        try:
            revision = store.revisions.get(revision_id)
            shape = open_pyramid(store.revisions.pyramid_path(revision_id)).shape_yx
        except CristaeError as error:
            sentences.append(Refusal.of(error, image.name))
            continue
        if revision.image_id != image.id:
            sentences.append(
                Refusal(f"{image.name}: its prediction belongs to another image.", "Select the predictions again.")
            )
        elif shape != image.shape_yx:
            sentences.append(
                Refusal(
                    f"{image.name} is {_size(image.shape_yx)} but its prediction is {_size(shape)}.",
                    "Export the prediction at the image's full size.",
                )
            )
    return sentences


def _size(shape_yx: tuple[int, int]) -> str:
    return f"{shape_yx[0]} x {shape_yx[1]} px"


def _classes(store: Store, model: StoredModel, project: ProjectRecord) -> tuple[list[str], list[Refusal]]:
    """Classes that only one side has: warnings and refusals."""
    match = model_classes(store, project, model.scheme, model.id)
    names = ", ".join(item.name for item in model.scheme.classes)
    if not match.any_in_common:
        return [], [
            Refusal(
                f"The model has classes ({names}) that the project does not have.",
                "Match them on the Segment page (open an image with this model), or choose another model.",
            )
        ]
    sentences = []
    if match.missing:
        sentences.append(f"The model does not have the classes {', '.join(match.missing)}: they score 0.")
    if match.left_out:
        sentences.append(f"The model's classes {', '.join(match.left_out)} count as background in this project.")
    return sentences, []


def _trained_on(model: StoredModel, images: Sequence[ImageRecord]) -> list[str]:
    """Whether the model has seen the images, as far as its snapshot tells."""
    path = model.path / SNAPSHOT_FILE
    if not path.is_file():
        return []
    try:
        seen = {str(case["content_hash"]) for case in read_json(path)["cases"]}
    except (CristaeError, KeyError, TypeError):
        return ["The model's training data are unknown, so test images may have been used for training."]
    names = [image.name for image in images if image.content_hash in seen]
    if not names:
        return []
    return [f"The model was trained on {some_of(names, _NAMED)}: the scores do not show its performance on new images."]


def _shared(images: Sequence[ImageRecord], everything: Sequence[ImageRecord]) -> list[str]:
    """Stacks and specimens of these images that training draws from too."""
    stacks, specimens = {image.stack for image in images}, {image.specimen for image in images}
    return [
        f"The {group.what} {group.name!r} is in the training set and in the test set: scores will be too high."
        for group in straddling(everything)
        if group.name in (stacks if group.what == "stack" else specimens)
    ]


def _splits(plan: EvaluationPlan, images: Sequence[ImageRecord]) -> list[str]:
    other = [image.name for image in images if image.split is not Split.TEST]
    if plan.image_ids is None or not other:
        return []
    verb = "is" if len(other) == 1 else "are"
    return [f"{some_of(other, _NAMED)} {verb} not in the test set: report only scores of the fixed test set."]


def _sizes(images: Sequence[ImageRecord]) -> list[str]:
    unknown = [image.name for image in images if image.pixel_size.nm is None]
    if not unknown:
        return []
    return [
        (
            f"The pixel size of {some_of(unknown, _NAMED)} is unknown: distance metrics (surface Dice, HD95) cannot be "
            "computed for them."
        )
    ]
