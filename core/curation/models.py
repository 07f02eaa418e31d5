"""What people change about models: asked for their rights at that moment, and told in the audit log."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from core.access.models import owner_of, require_changing, require_everywhere, trashed_owner, unknown_model
from core.access.roles import role_within
from core.curation.model_use import trash_model
from core.errors import ModelError
from core.models.store import ModelStore, StoredModel, TrashedModel
from core.store.audit import note
from core.store.rounds import promoting_within
from core.store.store import Store

Made = TypeVar("Made")


def rename_model(store: Store, models: ModelStore, model_id: str, name: str, *, by: str) -> StoredModel:
    """`ModelStore.rename`, by a person.

    Raises
    ------
    AccessError
        ``by`` may not change the model (any more).
    """
    before = models.get(model_id)
    details = {"before": before.card.name, "after": " ".join(name.split())}
    return _changed(store, before, by, "model_renamed", lambda: models.rename(model_id, name), **details)


def archive_model(store: Store, models: ModelStore, model_id: str, archived: bool, *, by: str) -> StoredModel:
    """`ModelStore.archive`, by a person.

    Raises
    ------
    AccessError
        As `rename_model`.
    """
    what = "model_archived" if archived else "model_offered"
    return _changed(store, models.get(model_id), by, what, lambda: models.archive(model_id, archived))


def set_model_pixel_size(store: Store, models: ModelStore, model_id: str, nm: float, *, by: str) -> StoredModel:
    """`ModelStore.set_pixel_size`, by a person.

    Raises
    ------
    AccessError
        As `rename_model`.
    """
    model = models.get(model_id)
    return _changed(store, model, by, "model_pixel_size", lambda: models.set_pixel_size(model_id, nm), nm=nm)


def set_default_model(store: Store, models: ModelStore, model_id: str, *, by: str) -> None:
    """`ModelStore.set_default`, by a person: it counts for every project without a model of its own.

    Raises
    ------
    AccessError
        ``by`` is not admin everywhere, or may not change the model.
    """
    model, default = models.get(model_id), models.default()
    with store.database.writing() as session:
        require_everywhere(session, store.settings, by)
        require_changing(session, store.settings, owner_of(model), by)
        models.set_default(model_id)
        note(session, by, "model_default", owner_of(model) or "", model_id, before=default.id if default else None)


def trash_model_as(store: Store, models: ModelStore, model_id: str, *, by: str) -> TrashedModel:
    """`core.curation.model_use.trash_model`, by a person. Broken folders of the store are for who is admin everywhere.

    Raises
    ------
    AccessError
        As `rename_model`.
    ModelError, NotFoundError
        As `trash_model`; projects that ``by`` may not see are not named.
    """
    found = next((model for model in models.list() if model.id == model_id), None)
    owner = owner_of(found) if found is not None else None
    with store.database.reading() as session:
        require_changing(session, store.settings, owner, by)
        promoting = promoting_within(session, model_id)
        unseen = [each for each in promoting if role_within(session, store.settings, each, by) is None]
    if unseen:
        raise ModelError(
            f"Model {model_id} is the current model of a project that you cannot access.",
            "Ask an admin of all projects to promote another model there.",
        )
    gone = trash_model(store, models, model_id)  # asks the database itself, so outside of the transaction
    with store.database.writing() as session:
        note(session, by, "model_trashed", owner or "", model_id, name=gone.name)
    return gone


def restore_model(store: Store, models: ModelStore, model_id: str, *, by: str) -> None:
    """`ModelStore.restore`, by a person.

    Raises
    ------
    AccessError
        As `rename_model`.
    NotFoundError, ModelError
        As `ModelStore.restore`.
    """
    trashed = next((item for item in models.trashed() if item.id == model_id), None)
    if trashed is None:
        raise unknown_model(model_id)
    owner = trashed_owner(trashed)
    with store.database.writing() as session:
        require_changing(session, store.settings, owner, by)
        models.restore(model_id)
        note(session, by, "model_restored", owner or "", model_id, name=trashed.name)


def _changed(
    store: Store, model: StoredModel, by: str, what: str, change: Callable[[], Made], **details: object
) -> Made:
    """Make a change of a model and its line in the log, if this person may at this moment."""
    owner = owner_of(model)
    with store.database.writing() as session:
        require_changing(session, store.settings, owner, by)
        made = change()
        note(session, by, what, owner or "", model.id, name=model.card.name, **details)
    return made
