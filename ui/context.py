"""What pages ask for again and again: the store, the models, the project that uploads go to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from core.access.models import shown_name, visible_models
from core.learning.current_model import CurrentModel, Reason
from core.learning.current_model import current_model as core_current_model
from core.learning.current_model import opening_model as core_opening_model
from core.models.store import ModelStore, StoredModel
from core.predictions.shown import shown_prediction
from core.settings import current_settings
from core.store.records import ImageRecord, RevisionRecord
from core.store.store import Store, current_store
from ui.person import person

RECENT: Final = 12
"""Images shown in a gallery."""


def store() -> Store:
    """The store of this server."""
    return current_store()


def models() -> ModelStore:
    """The model store of this server."""
    return ModelStore(current_settings().models_dir)


def seen_models() -> tuple[StoredModel, ...]:
    """The models that this person may see, newest first, archived ones too."""
    return visible_models(store(), models().list(), person())


def _seen(model: StoredModel | None) -> StoredModel | None:
    """A model that is proposed; the newest that is offered where this person may not see it."""
    if model is None or visible_models(store(), [model], person()):
        return model
    return next(iter(offered_models().values()), None)


def offered_models(chosen_id: str | None = None) -> dict[str, StoredModel]:
    """Models to choose from, newest first, by id: not those put aside, except one that is chosen already."""
    return {model.id: model for model in seen_models() if not model.archived or model.id == chosen_id}


def current_model(project_id: str | None, image_id: str | None = None) -> StoredModel | None:
    """The model that is proposed for a project, and for one of its images: `core.learning.current_model`."""
    found = find_current_model(project_id, image_id)
    return found.model if found else None


def find_current_model(project_id: str | None, image_id: str | None = None) -> CurrentModel | None:
    """`current_model` with the reason; a default of another project, which this person may not see, is not proposed."""
    found = core_current_model(store(), models(), project_id, image_id)
    seen = _seen(found.model if found else None)
    return found if found is None or seen is found.model else CurrentModel(seen, Reason.DEFAULT) if seen else None


def opening_model(image: ImageRecord) -> StoredModel | None:
    """The model that an image is shown with: `core.learning.current_model.opening_model`."""
    return _seen(core_opening_model(store(), models(), image.project_id, image.id))


def model_name(model_id: str) -> str:
    """`core.access.models.shown_name`, for who uses this browser."""
    return shown_name(store(), models(), model_id, person())


def newest_first(images: Sequence[ImageRecord]) -> list[ImageRecord]:
    """Most recent images first."""
    return sorted(images, key=lambda image: image.created_at, reverse=True)


def prediction(image_id: str, model_id: str) -> RevisionRecord | None:
    """The label map of an image that was last asked of a model: `core.predictions.shown.shown_prediction`."""
    return shown_prediction(store(), image_id, model_id)
