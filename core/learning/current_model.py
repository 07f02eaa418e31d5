"""Which model a project uses unless somebody chooses another: one rule for every page and command. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.models.store import ModelStore, StoredModel
from core.store.records import RevisionKind
from core.store.store import Store
from core.training.verdict import verdict_of


class Reason(StrEnum):
    """Why a model is the current one, in the order in which the reasons count."""

    PROMOTED = "promoted"
    """A round or a person has promoted it in the project."""
    TRAINED_HERE = "trained_here"
    """The newest that was trained on the project's data and that nobody has turned down; undertrained ones last."""
    MADE_PREDICTION = "made_prediction"
    """It made the newest prediction of the image."""
    MOST_USED = "most_used"
    """It made more of the project's predictions than any other."""
    DEFAULT = "default"
    """The project has none of its own: the default of the model store."""


@dataclass(frozen=True, slots=True)
class CurrentModel:
    """A project's current model.

    Parameters
    ----------
    model
        A model of the store.
    reason
        Why it is this one.
    """

    model: StoredModel
    reason: Reason

    @property
    def own(self) -> bool:
        """Whether it was promoted in the project or trained on its data."""
        return self.reason in (Reason.PROMOTED, Reason.TRAINED_HERE)


def current_model(
    store: Store, models: ModelStore, project_id: str | None, image_id: str | None = None
) -> CurrentModel | None:
    """The model that is proposed wherever a project or an image needs one, and why.

    The project's promoted model; else the newest that was trained on its data and not turned down, undertrained ones
    only where there is no other; else the maker of
    the image's newest prediction; else of most of the project's predictions; else the default. Models that are
    archived, turned down or of an undecided round are proposed only where they are promoted.

    Parameters
    ----------
    project_id
        None: no project is known, which leaves the default.
    image_id
        The image that is about to be segmented or looked at, if there is one.

    Returns
    -------
    CurrentModel or None
        None where the model store is empty.
    """
    known = {model.id: model for model in models.list()}
    if project_id is not None:
        found = _of_project(store, known, project_id, image_id)
        if found is not None:
            return found
    default = models.default()
    return CurrentModel(default, Reason.DEFAULT) if default else None


def proposed_model(
    store: Store, models: ModelStore, project_id: str | None, image_id: str | None = None
) -> StoredModel | None:
    """The model of `current_model`, without the reason."""
    found = current_model(store, models, project_id, image_id)
    return found.model if found else None


def opening_model(store: Store, models: ModelStore, project_id: str, image_id: str) -> StoredModel | None:
    """The model to show an image with: the current one, unless only others have segmented the image.

    An image that was segmented opens with its masks: where the current model has made none of them, the newest
    prediction's maker is shown, archived or not; None where the model store is empty.
    """
    proposed = proposed_model(store, models, project_id, image_id)
    makers = [revision.model_id for revision in store.revisions.of_image(image_id, kind=RevisionKind.PREDICTION)]
    if proposed is None or proposed.id in makers:
        return proposed
    known = {model.id: model for model in models.list()}
    return next((known[model_id] for model_id in makers if model_id in known), proposed)


@dataclass(frozen=True, slots=True)
class NewModel:
    """A trained model that nobody has said yet whether the project uses it.

    Parameters
    ----------
    before
        What the project would use without it; None: nothing.
    """

    model: StoredModel
    before: StoredModel | None


def _newest(trained: Sequence[StoredModel]) -> StoredModel | None:
    """The first of the models, newest first, that was trained long enough; else the first."""
    enough = (model for model in trained if not verdict_of(model.card).undertrained)
    return next(enough, next(iter(trained), None))


def model_to_ask_about(store: Store, models: ModelStore, project_id: str) -> NewModel | None:
    """The newest model that was trained on a project's data since one was promoted, unless somebody has answered.

    A round asks by itself, so its models are never asked about here.

    Returns
    -------
    NewModel or None
        None where there is nothing to ask.
    """
    promoted = store.rounds.promoted_model(project_id)
    declined = store.model_choices.declined(project_id)
    trained = (model for model in models.list() if model.project_id == project_id and not model.archived)
    newest = next((each for each in trained if each.id not in declined), None)
    if newest is None or (promoted is not None and promoted.model_id == newest.id):
        return None
    if promoted is not None and newest.card.created <= promoted.at.isoformat(timespec="seconds"):
        return None
    others = {model.id: model for model in models.list() if model.id != newest.id}
    before = _of_project(store, others, project_id, None)
    return NewModel(newest, before.model if before else models.next_default(newest.id))


def _of_project(
    store: Store, known: Mapping[str, StoredModel], project_id: str, image_id: str | None
) -> CurrentModel | None:
    promoted = store.rounds.promoted_model(project_id)
    if promoted is not None and promoted.model_id in known:
        return CurrentModel(known[promoted.model_id], Reason.PROMOTED)
    declined = store.model_choices.declined(project_id)  # evaluating them has made predictions, too
    offered = {model_id: each for model_id, each in known.items() if not each.archived and model_id not in declined}
    trained = _newest([model for model in offered.values() if model.project_id == project_id])
    if trained is not None:
        return CurrentModel(trained, Reason.TRAINED_HERE)
    if image_id is not None:
        for revision in store.revisions.of_image(image_id, kind=RevisionKind.PREDICTION):
            if revision.model_id in offered:
                return CurrentModel(offered[revision.model_id], Reason.MADE_PREDICTION)
    counts = store.model_choices.prediction_counts(project_id)
    used = [model_id for model_id in counts if model_id in offered]
    if used:
        return CurrentModel(offered[max(used, key=lambda model_id: counts[model_id])], Reason.MOST_USED)
    return None
