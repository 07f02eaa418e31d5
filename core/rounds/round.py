"""Starting a round: the plan checked, the snapshot frozen. `core.rounds.advance` carries it on from there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from core.access.models import require_visible_model
from core.access.roles import Permission, require
from core.errors import CristaeError, DatasetError, Refusal
from core.label_scheme import LabelScheme
from core.learning.checks import TrainingCheck, check_training
from core.learning.current_model import proposed_model
from core.learning.snapshot import Snapshot, take_snapshot
from core.learning.start import training_params
from core.learning.training_labels import TrainingLabels, confirmed_rows, training_labels
from core.models.store import ModelStore
from core.rounds.gate import LEAST_IMAGES
from core.rounds.new_work import NewWork, last_round, new_work
from core.rounds.plan import RoundPlan
from core.rounds.scoring import frozen_test_set
from core.store.audit import note
from core.store.records import ImageRecord, ProjectRecord, RevisionRecord, Split
from core.store.round_records import RoundRecord
from core.store.store import Store
from core.wording import counted


@dataclass(frozen=True, slots=True)
class RoundCheck:
    """What a plan means.

    Parameters
    ----------
    images
        Images to learn from, those of the plan or all that have anything to learn.
    new
        What people have done since the last round.
    training
        Balance of classes; its warnings and refusals are among those below.
    warnings
        Sentences; the round is possible all the same, and keeps them as its notices.
    refusals
        Sentences; it is not.
    """

    images: tuple[ImageRecord, ...]
    new: NewWork
    training: TrainingCheck
    warnings: tuple[str, ...]
    refusals: tuple[Refusal, ...]


def check_round(store: Store, plan: RoundPlan) -> RoundCheck:
    """Look at a plan before it is started; reads rows only.

    Raises
    ------
    NotFoundError
        There is no such project, or one of the images is gone.
    """
    project, everything = store.projects.get(plan.project_id), store.images.all(plan.project_id)
    labels = training_labels(store, project.id)
    chosen = _chosen(plan, everything, labels)
    summaries = {image_id: _counted(found) for image_id, found in labels.items()}
    parent, refusals = _parent_scheme(store, plan)
    training = check_training(chosen, everything, summaries, project.scheme, parent_scheme=parent)
    new = new_work(store, project.id)
    warnings = (
        *training.warnings,
        *_nothing_new(new),
        *_uncovered(new, project.scheme),
        *_new_classes(store, project, chosen, labels),
        *_test_set(store, project.id),
    )
    return RoundCheck(chosen, new, training, warnings, (*training.refusals, *refusals))


def start_round(store: Store, plan: RoundPlan, who: str = "") -> RoundRecord:
    """Freeze the snapshot and begin the round; the engine takes it on from there.

    Raises
    ------
    AccessError
        ``who`` may not start rounds.
    DatasetError
        The images cannot be trained on: one of the test set, without labels, of another project; or none.
    TrainingError
        Numbers that make no sense.
    ModelError
        There is no such parent.
    RoundError
        A round of the project is under way.
    """
    require(store, plan.project_id, who, Permission.TRAIN)
    if plan.parent_id is not None:
        require_visible_model(store, ModelStore(store.settings.models_dir).get(plan.parent_id), who)
    check = check_round(store, plan)
    if not check.images:
        raise DatasetError(
            "The project has no training labels yet.",
            "Import label maps on the Data page, or correct images and approve the corrections.",
        )
    snapshot = take_snapshot(store, plan.project_id, [image.id for image in check.images])
    training_params(store, plan.training("round"), snapshot)  # what cannot be trained is refused here
    if check.refusals:
        raise DatasetError(check.refusals[0].cause, check.refusals[0].remedy)
    return store.rounds.create(
        plan.project_id,
        author=who,
        plan=plan.to_json(),
        snapshot=snapshot.to_json(),
        parent_model_id=plan.parent_id,
        notices=check.warnings,
        within=lambda session, it: note(
            session, who, "round_started", it.project_id, it.id, round=it.number, images=len(snapshot.cases)
        ),
    )


def usual_parent(store: Store, project_id: str) -> str | None:
    """The model to fine-tune unless somebody wants another: the project's current one; None: from scratch."""
    found = proposed_model(store, ModelStore(store.settings.models_dir), project_id)
    return found.id if found else None


def _chosen(
    plan: RoundPlan, everything: tuple[ImageRecord, ...], labels: Mapping[str, TrainingLabels]
) -> tuple[ImageRecord, ...]:
    if plan.image_ids is None:
        return tuple(image for image in everything if image.id in labels and image.split is not Split.TEST)
    by_id = {image.id: image for image in everything}
    strange = [image_id for image_id in plan.image_ids if image_id not in by_id]
    if strange:
        raise DatasetError(
            f"{len(strange)} of the selected images are no longer in this project.", "Select the images again."
        )
    return tuple(by_id[image_id] for image_id in dict.fromkeys(plan.image_ids))


def _counted(labels: TrainingLabels) -> RevisionRecord:
    """The first layer with the pixels of all: a correction may bring a class that the reference has not."""
    rows: dict[int, dict[str, int]] = {}
    for layer in labels.layers:
        for row in confirmed_rows(layer):
            class_id = int(row["class_id"])
            before = rows.get(class_id, {}).get("pixels", 0)
            rows[class_id] = {"class_id": class_id, "pixels": before + int(row["pixels"])}
    return replace(labels.layers[0], coverage=tuple(rows.values()))


def _parent_scheme(store: Store, plan: RoundPlan) -> tuple[LabelScheme | None, tuple[Refusal, ...]]:
    if plan.parent_id is None:
        return None, ()
    try:
        return ModelStore(store.settings.models_dir).get(plan.parent_id).scheme, ()
    except CristaeError as error:
        return None, (Refusal.of(error),)


def _nothing_new(new: NewWork) -> tuple[str, ...]:
    if new.since is None or not new.nothing:
        return ()
    return (f"No new labels since round {new.since}: the model is trained on the same label maps.",)


def _uncovered(new: NewWork, scheme: LabelScheme) -> tuple[str, ...]:
    """Classes that the new corrections say nothing of."""
    names = [item.name for item in scheme.classes if not new.covered.get(item.id)]
    if not new.corrections or not names:
        return ()
    return (
        (f"The new corrections contain no {', '.join(names)}: for these classes the training labels are unchanged."),
    )


def _new_classes(
    store: Store, project: ProjectRecord, chosen: tuple[ImageRecord, ...], labels: Mapping[str, TrainingLabels]
) -> tuple[str, ...]:
    """Classes that came into the scheme after the last round: older label maps call them something else."""
    last = last_round(store, project.id)
    if last is None:
        return ()
    known = LabelScheme.from_json(Snapshot.from_json(last.snapshot).scheme)
    names = [item.name for item in project.scheme.classes if item.id not in known.ids]
    if not names:
        return ()
    old = [
        image.name
        for image in chosen
        if any((layer.completed_at or layer.created_at) < last.created_at for layer in labels[image.id].layers)
    ] if all(image.id in labels for image in chosen) else []  # fmt: skip
    text = f"New since round {last.number}: {', '.join(names)}. Older models do not have it and score 0."
    if old:
        text += (
            f" {len(old)} of {len(chosen)} images have older label maps: {', '.join(names)} is not labelled in "
            "them and would be learned as another class. Correct them first."
        )
    return (text,)


def _test_set(store: Store, project_id: str) -> tuple[str, ...]:
    test_set, _ = frozen_test_set(store, project_id)
    if 0 < len(test_set) < LEAST_IMAGES:
        return (
            f"Only {counted(len(test_set), 'test image')} with reference labels: too few to compare the models. "
            f"Assign at least {LEAST_IMAGES} images to the test set on the Data page.",
        )
    if test_set:
        return ()
    return ("The test set has no images with reference labels: the models cannot be compared.",)
