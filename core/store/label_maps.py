"""The label maps of a project, read in the project's classes, whichever classes they were written in.

New label maps are in the project's classes. Predictions that earlier versions wrote are in their model's: they are
translated by name while they are read, until ``doctor --repair`` writes them anew.
"""

from __future__ import annotations

import json
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import LabelMapError
from core.imaging.object_pyramid import translated_classes
from core.imaging.pyramid import Pyramid, open_pyramid
from core.label_scheme import LabelScheme
from core.labels.translation import BACKGROUND_ID, ClassMap, ClassTranslation, match_classes, own_classes
from core.program import COMMAND
from core.store.records import ProjectRecord, RevisionKind, RevisionRecord
from core.store.store import Store

MATCH: Final = "class_match"
"""Among the details of a prediction that is in its project's classes: what became of its model's classes."""

REWRITTEN: Final = "translated.json"
"""In the folder of a pyramid that was written anew in the project's classes, before its row says so."""


def label_classes(store: Store, revision: RevisionRecord) -> LabelScheme:
    """The classes of a label map: those of its project, with their names and colours of now."""
    return store.projects.get(store.images.get(revision.image_id).project_id).scheme


def program_of(revision: RevisionRecord) -> str:
    """The name of the program that made a label map, for predictions of no model here."""
    return str(revision.details.get("maker") or "another program")


def in_model_classes(store: Store, revision: RevisionRecord) -> bool:
    """Whether a label map was written by an earlier version, in the classes of its model."""
    return (
        revision.kind is RevisionKind.PREDICTION
        and revision.model_id is not None
        and MATCH not in revision.details
        and bool(revision.details.get("scheme"))
        and not (store.revisions.pyramid_path(revision.id) / REWRITTEN).is_file()
    )


def model_classes(
    store: Store, project: ProjectRecord, source: LabelScheme, model_id: str, class_map: ClassMap | None = None
) -> ClassTranslation:
    """What a model's classes are in a project: by name, by earlier names, and as people have decided.

    Parameters
    ----------
    project
        Of the images.
    source
        The model's classes.
    model_id
        In the model store.
    class_map
        Comes before what was decided in the project.

    Raises
    ------
    LabelMapError
        ``class_map`` names a class that there is not.
    """
    decided = {**store.projects.class_map(project.id, source, model_id), **(class_map or {})}
    return match_classes(source, project.scheme, decided, former=project.former_names)


def translation_of(store: Store, revision: RevisionRecord) -> ClassTranslation:
    """How the ids in the files of a label map become those of its project.

    Raises
    ------
    LabelMapError
        It is in its model's classes and none of them is one of the project's: it cannot be read.
    NotFoundError
        Its image has been deleted.
    """
    project = store.projects.get(store.images.get(revision.image_id).project_id)
    recorded = revision.details.get("scheme")
    written = LabelScheme.from_json(recorded) if recorded else project.scheme
    if not in_model_classes(store, revision):
        translation = own_classes(written, project.scheme, project.former_classes)
        anew = None if translation.identity else _rewritten_in(store, revision)
        return translation if anew is None else own_classes(anew, project.scheme, project.former_classes)
    translation = model_classes(store, project, written, str(revision.model_id))
    if not translation.any_in_common:
        raise LabelMapError(
            f"This prediction uses the classes of its model ({', '.join(translation.left_out)}), of which the "
            f"project {project.name!r} has none ({', '.join(item.name for item in project.scheme.classes)}).",
            "Segment the image again: Cristae asks you to match the classes.",
        )
    return translation


def open_label_map(store: Store, revision: RevisionRecord | str) -> Pyramid:
    """Open the pyramid of a label map, also one that is being written, to be read in the project's classes.

    Raises
    ------
    LabelMapError
        As for `translation_of`.
    NotFoundError
        There is no such revision.
    ImageError
        Its files are gone or damaged.
    """
    record = store.revisions.get(revision) if isinstance(revision, str) else revision
    return in_project_classes(store, record, open_pyramid(store.revisions.pyramid_path(record.id)))


def in_project_classes(store: Store, revision: RevisionRecord, pyramid: Pyramid) -> Pyramid:
    """The opened pyramid of a label map, to be read in the project's classes. Raises as `translation_of`."""
    translation = translation_of(store, revision)
    return pyramid if translation.identity else TranslatedPyramid(pyramid, translation)


def coverage_of(store: Store, revision: RevisionRecord) -> tuple[dict[str, Any], ...]:
    """The coverage table of a label map, with the classes of its project and their names of now.

    Returns
    -------
    tuple of dict
        As `ClassCoverage.to_json`, background first. What became background counts there; of several classes that
        became one, pieces are not counted.
    """
    scheme = label_classes(store, revision)
    try:
        ids = translation_of(store, revision).ids
    except LabelMapError:  # none of its classes is one of the project's
        ids = {}
    parts: dict[int, list[dict[str, Any]]] = {BACKGROUND_ID: []}
    for row in revision.coverage:
        parts.setdefault(ids.get(int(row["class_id"]), BACKGROUND_ID), []).append(row)
    order = [i for i in (BACKGROUND_ID, *scheme.ids) if parts.get(i)]
    return tuple(_joined(class_id, scheme.name_of(class_id), parts[class_id]) for class_id in order)


def _joined(class_id: int, name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The rows of several classes as that of one."""
    joined = {**rows[0], "class_id": class_id, "name": name}
    if len(rows) > 1:
        for part in ("pixels", "fraction", "area_um2"):
            values = [row.get(part) for row in rows]
            joined[part] = None if None in values else sum(value or 0 for value in values)
        joined |= dict.fromkeys(("objects", "small_objects", "objects_low", "objects_high"))
    return joined


def has_project_ids(store: Store, revision: RevisionRecord) -> bool:
    """Whether no id in the files of a label map means another class than in its project; removed classes apart."""
    try:
        ids = translation_of(store, revision).ids
    except LabelMapError:
        return False
    if in_model_classes(store, revision):
        return all(one == other for one, other in ids.items())
    return all(other in (one, BACKGROUND_ID) for one, other in ids.items())


def require_project_classes(store: Store, revision: RevisionRecord) -> None:
    """Refuse a label map whose files have other ids than its project.

    Raises
    ------
    LabelMapError
        They have; what is worked out of them is kept beside them and would not fit the project.
    """
    if not has_project_ids(store, revision):
        raise LabelMapError(
            "An earlier version wrote this label map with classes that differ from the project's.",
            f"Segment the image again, or stop Cristae and run `{COMMAND} doctor --repair`.",
        )


class TranslatedPyramid(Pyramid):
    """A label pyramid whose ids are translated as they are read.

    Parameters
    ----------
    pyramid
        Of labels.
    translation
        From the ids in its files.
    """

    def __init__(self, pyramid: Pyramid, translation: ClassTranslation) -> None:
        self._lookup = translation.lookup()
        classes = translated_classes(pyramid.object_classes, self._lookup)
        super().__init__(
            pyramid.path, pyramid._levels, pyramid.pixel_size_nm, pyramid.confidence, pyramid.objects, classes
        )
        self.untranslated = pyramid

    def read(self, level: int, rows: slice, columns: slice) -> NDArray[Any]:
        """As `Pyramid.read`, in the project's ids."""
        return np.asarray(self._lookup[super().read(level, rows, columns)])


def _rewritten_in(store: Store, revision: RevisionRecord) -> LabelScheme | None:
    """The classes that the pyramid of a label map was written anew in, while its row does not say so yet."""
    path = store.revisions.pyramid_path(revision.id) / REWRITTEN
    if not path.is_file():
        return None
    return LabelScheme.from_json(json.loads(path.read_text(encoding="utf-8"))["scheme"])
