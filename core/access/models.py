"""Who may see, download and change a model: it belongs to the project that it was made for, or to all.

A model of a project is its members': whoever may see the project sees and downloads the model, whoever may train there
renames, archives and trashes it. Others see it only where a project of theirs has promoted it, or where it is the
default of the model store. A model of all (the
starter, and what was imported for all) is seen by everybody with a role and changed by those who are admin everywhere;
so is one whose project was deleted, which nobody else sees. What is changed stands in the audit log.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from core.access.roles import (
    Permission,
    everywhere_admins,
    refusal,
    require_anywhere_within,
    require_within,
    role_within,
)
from core.errors import AccessError, ModelError, NotFoundError
from core.models.store import SHARED, ModelStore, StoredModel, TrashedModel, open_model
from core.settings import Access, Settings
from core.store.database import Transaction
from core.store.members import roles_within
from core.store.people import person_key
from core.store.projects import has_project_within
from core.store.rounds import promoting_within
from core.store.store import Store


def visible_models(store: Store, models: Iterable[StoredModel], person: str) -> tuple[StoredModel, ...]:
    """Those of the models that a person may see, in their order."""
    if store.settings.access is Access.OPEN:
        return tuple(models)
    with store.database.reading() as session:
        return tuple(model for model in models if sees_model(session, store.settings, model, person))


def shown_name(store: Store, models: ModelStore, model_id: str, person: str) -> str:
    """A model's name, archived or not, as a person may know it; its id where it is not in the store (any more).

    A model of another project, whose label maps were copied here with their images, is not named.
    """
    try:
        found = models.get(model_id)
    except (NotFoundError, ModelError):
        return model_id
    return found.card.name if visible_models(store, [found], person) else "a model of another project"


def require_visible_model(store: Store, model: StoredModel, person: str) -> None:
    """Refuse a model that a person may not see, in the words of one that is not there.

    Raises
    ------
    NotFoundError
        They may not.
    """
    with store.database.reading() as session:
        if not sees_model(session, store.settings, model, person):
            raise unknown_model(model.id)


def require_taking(store: Store, model_id: str, person: str) -> None:
    """Refuse a download: a model's files name the project, its images and its people.

    Raises
    ------
    AccessError
        The person has no role in the model's project; for a model of all, none at all.
    """
    with store.database.reading() as session:
        require_anywhere_within(session, store.settings, person, Permission.VIEW)
        if store.settings.access is Access.OPEN:
            return
        owner = owner_of(ModelStore(store.settings.models_dir).get(model_id))
        if owner is not None:
            _require_owned(session, store.settings, owner, person, Permission.VIEW)


def may_take_model(store: Store, model: StoredModel, person: str) -> bool:
    """Whether a person may download a model, and see what it learned from. For pages: routes ask again."""
    try:
        require_taking(store, model.id, person)
    except AccessError:
        return False
    return True


def may_change_model(store: Store, model: StoredModel, person: str) -> bool:
    """Whether a person may rename, archive or trash a model. For pages: what changes it asks again."""
    with store.database.reading() as session:
        try:
            require_changing(session, store.settings, owner_of(model), person)
        except AccessError:
            return False
    return True


def may_manage_store(store: Store, person: str) -> bool:
    """Whether a person may choose the default of the model store and change models of all."""
    with store.database.reading() as session:
        try:
            require_everywhere(session, store.settings, person)
        except AccessError:
            return False
    return True


def owner_of(model: StoredModel) -> str | None:
    """The project that a model belongs to; None: to all."""
    return None if model.project_id in ("", SHARED) else model.project_id


def sees_model(session: Transaction, settings: Settings, model: StoredModel, person: str) -> bool:
    """Whether a person may see a model, within a transaction."""
    if settings.access is Access.OPEN:
        return True
    owner = owner_of(model)
    try:
        if owner is None:
            require_anywhere_within(session, settings, person, Permission.VIEW)
        else:
            _require_owned(session, settings, owner, person, Permission.VIEW)
    except AccessError:
        if ModelStore(settings.models_dir).chosen_default() == model.id:
            return any_role(session, person)
        promoting = promoting_within(session, model.id)
        return any(role_within(session, settings, project_id, person) is not None for project_id in promoting)
    return True


def any_role(session: Transaction, person: str) -> bool:
    """Whether a person has a role in any project."""
    return bool(roles_within(session, person_key(person)))


def require_changing(session: Transaction, settings: Settings, owner: str | None, person: str) -> None:
    """Refuse a change of a model that belongs to a project, or to all (None); an import for it too.

    Raises
    ------
    AccessError
        The person may not train in the project; for all, is not admin everywhere.
    """
    if owner is None:
        require_everywhere(session, settings, person)
    else:
        _require_owned(session, settings, owner, person, Permission.TRAIN)


def _require_owned(session: Transaction, settings: Settings, owner: str, person: str, needed: Permission) -> None:
    """Refuse what a person may not do with a model of a project, which may have been deleted."""
    if not has_project_within(session, owner):
        require_everywhere(session, settings, person)
    else:
        require_within(session, settings, owner, person, needed)


def require_everywhere(session: Transaction, settings: Settings, person: str) -> None:
    """Refuse whoever is not admin everywhere; where the settings name nobody, admins of any project stand in.

    Raises
    ------
    AccessError
        They are not.
    """
    admins = everywhere_admins(settings)
    if settings.access is Access.OPEN or (person_key(person) and person_key(person) in admins):
        return
    if admins:
        if not person_key(person):
            raise refusal(person, None, Permission.MANAGE)
        raise AccessError("This requires an admin of all projects.", ("Ask one of the admins listed in the settings."))
    require_anywhere_within(session, settings, person, Permission.MANAGE)


def trashed_owner(item: TrashedModel) -> str | None:
    """`owner_of` of what lies in the trash; None for a folder that is no usable model: nobody knows whose it was."""
    try:
        return owner_of(open_model(item.path))
    except (ModelError, OSError):
        return None


def visible_trash(store: Store, models: ModelStore, person: str) -> tuple[TrashedModel, ...]:
    """What a person could restore, newest first."""
    found = []
    with store.database.reading() as session:
        for item in models.trashed():
            with suppress(AccessError):
                require_changing(session, store.settings, trashed_owner(item), person)
                found.append(item)
    return tuple(found)


def unknown_model(model_id: str) -> NotFoundError:
    return NotFoundError(
        f"There is no model {model_id[:64]!r}.", ("It may have been deleted, or you cannot access it.")
    )
