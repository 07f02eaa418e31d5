"""Lines of the audit log in words: names of images, models and projects in place of their ids."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from core.errors import NotFoundError
from core.models.store import StoredModel
from core.store.audit import AuditEntry
from core.store.records import ProjectRecord
from core.store.store import Store

_SUBJECTS: Final = ("image", "round")
"""Details that say what a line is about, where its subject is an id."""

_EMPTY: Final[tuple[object, ...]] = ("", None, [], {})


class Names:
    """What ids are called, looked up once each.

    Parameters
    ----------
    store
        Knows images and their label maps.
    models, projects
        Those that the reader may see: nothing of others is named.
    """

    def __init__(self, store: Store, models: Iterable[StoredModel], projects: Iterable[ProjectRecord]) -> None:
        self._store = store
        self._projects = {project.id: project.name for project in projects}
        self._known = {model.id: model.card.name for model in models} | self._projects

    def of(self, text: str) -> str:
        """The name of what has this id; the text itself where nothing has."""
        if text not in self._known:
            self._known[text] = self._looked_up(text)
        return self._known[text]

    def _looked_up(self, text: str) -> str:
        try:
            image = self._store.images.get(text)
        except NotFoundError:
            try:
                image = self._store.images.get(self._store.revisions.get(text).image_id)
            except NotFoundError:
                return text
        return image.name if image.project_id in self._projects else text


def subject_text(entry: AuditEntry, names: Names) -> str:
    """What a line is about."""
    known = names.of(entry.subject)
    if known != entry.subject:
        return known
    if entry.details.get("image"):
        return str(entry.details["image"])
    return f"round {entry.details['round']}" if entry.what.startswith("round_") else known


def details_text(entry: AuditEntry, names: Names) -> str:
    """What else a line says: what its subject does not say already, and nothing empty."""
    subject = subject_text(entry, names)
    parts = []
    for name, value in entry.details.items():
        text = _value(value, names)
        repeated = text == subject or (name in _SUBJECTS and subject == f"{name} {text}")
        if value not in _EMPTY and not repeated:
            parts.append(f"{name.removesuffix('_id').replace('_', ' ')}: {text}")
    return ", ".join(parts)


def _value(value: object, names: Names) -> str:
    match value:
        case str():
            return names.of(value)
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(_value(item, names) for item in value)
        case dict():
            return ", ".join(f"{names.of(str(key))} = {_value(item, names)}" for key, item in value.items())
    return str(value)
