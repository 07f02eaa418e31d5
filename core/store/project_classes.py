"""Changing the classes of a project without changing what its label maps mean, and whose classes are whose."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.errors import LabelMapError, StoreError
from core.label_scheme import LabelScheme
from core.labels.translation import BACKGROUND_ID, ClassMap
from core.store.records import DraftState, RevisionKind
from core.store.tables import DraftRow, DraftTileRow, ImageRow, ProjectRow, RevisionRow


def change_classes(session: Session, row: ProjectRow, scheme: LabelScheme) -> None:
    """Give a project other classes, and remember what they were called.

    Raises
    ------
    StoreError
        A class that is in use would be taken away or get another number, or one would get the number of another.
    """
    old = LabelScheme.from_json(row.scheme)
    if old.to_json() == scheme.to_json():
        return
    former = [(int(former_classe["id"]), str(former_classe["name"])) for former_classe in row.former_classes]
    _refuse_removal(session, row, old, scheme)
    _refuse_other_numbers(session, row, old, scheme)
    _refuse_used_again(session, row, old, scheme, former)
    before = {item.id: item.name for item in old.classes}
    now = {item.id: item.name for item in scheme.classes}
    former += [(i, name) for i, name in before.items() if now.get(i) != name]
    kept = dict.fromkeys(each for each in former if now.get(each[0]) != each[1])
    row.former_classes = [{"id": class_id, "name": name} for class_id, name in kept]
    row.scheme = scheme.to_json()


def decided_classes(row: ProjectRow, source: LabelScheme, model_id: str) -> dict[str, str | None]:
    """What was decided of a model's classes, as far as both sides still have them."""
    now = LabelScheme.from_json(row.scheme)
    kept = row.class_maps.get(model_id, {})
    names = {item.name for item in source.classes}
    return {
        name: now[class_id].name if class_id else None
        for name, class_id in kept.items()
        if name in names and (class_id == BACKGROUND_ID or class_id in now.ids)
    }


def keep_decision(row: ProjectRow, model_id: str, class_map: ClassMap) -> None:
    """Remember it by the ids of the project's classes, which stay when they are renamed."""
    now = {item.name.strip().casefold(): item.id for item in LabelScheme.from_json(row.scheme).classes}
    ids = {}
    for name, wanted in class_map.items():
        class_id = BACKGROUND_ID if wanted is None else now.get(wanted.strip().casefold())
        if class_id is None:
            raise LabelMapError(
                f"The class {name!r} is matched to {wanted!r}, which the project does not have.",
                "Choose one of its classes, or add it to the project.",
            )
        ids[name] = class_id
    row.class_maps = {**row.class_maps, model_id: {**row.class_maps.get(model_id, {}), **ids}}


def _refuse_removal(session: Session, row: ProjectRow, old: LabelScheme, new: LabelScheme) -> None:
    """What people have labelled keeps its class."""
    gone = set(old.ids) - set(new.ids)
    if not gone:
        return
    used = _used(session, row, gone, predictions=False)
    if used:
        raise StoreError(
            f"Label maps of the project contain pixels of {_names(old, used)}.",
            "Keep the class (it may be renamed), or delete the images with these labels first.",
        )
    drawn = _drawn(session, row, gone)
    if drawn:
        raise StoreError(
            f"Open drafts of the project contain pixels of {_names(old, drawn)}.",
            "Keep the class (it may be renamed), or submit or discard these drafts on the Correct page first.",
        )


def _refuse_other_numbers(session: Session, row: ProjectRow, old: LabelScheme, new: LabelScheme) -> None:
    """The number of a class is what label maps hold: it stays."""
    before = {item.name.strip().casefold(): item.id for item in old.classes}
    moved = {
        before[name]: item.id
        for item in new.classes
        if (name := item.name.strip().casefold()) in before and before[name] != item.id
    }
    if not moved:
        return
    ids = {*moved, *moved.values()}
    used = _used(session, row, ids, predictions=True) | _drawn(session, row, ids)
    if used:
        text = ", ".join(f"{old.name_of(one)} from {one} to {other}" for one, other in sorted(moved.items()))
        raise StoreError(
            f"The number of a class would change ({text}), but label maps or drafts hold {_listed(sorted(used))}: "
            "these pixels would change their class.",
            "Keep the numbers; names and colours may be changed. To move labels to another class, correct the images.",
        )


def _refuse_used_again(
    session: Session, row: ProjectRow, old: LabelScheme, new: LabelScheme, former: Collection[tuple[int, str]]
) -> None:
    """A number whose class was removed stays free while label maps hold it, unless the same class comes back."""
    names = {class_id: name for class_id, name in former if class_id not in old.ids}
    again = {i for i in set(new.ids) & set(names) if new[i].name.strip().casefold() != names[i].strip().casefold()}
    used = _used(session, row, again, predictions=True) if again else set()
    if used:
        first = min(used)
        raise StoreError(
            f"Predictions of the project hold {first} for {names[first]}, which was removed; as number {first}, "
            f"{new[first].name} would be shown instead.",
            f"Give {new[first].name} another number.",
        )


def _used(session: Session, row: ProjectRow, ids: Collection[int], *, predictions: bool) -> set[int]:
    """Those of the ids that complete label maps of the project have pixels of."""
    wanted = (
        select(RevisionRow.coverage)
        .join(ImageRow, ImageRow.id == RevisionRow.image_id)
        .where(ImageRow.project_id == row.id)
    )
    if not predictions:
        wanted = wanted.where(RevisionRow.kind != RevisionKind.PREDICTION.value)
    tables = session.scalars(wanted)
    return {int(each["class_id"]) for table in tables for each in table if each.get("pixels")} & set(ids)


def _drawn(session: Session, row: ProjectRow, ids: Collection[int]) -> set[int]:
    """Those of the ids that open drafts of the project have pixels of."""
    wanted = (
        select(DraftTileRow.counts)
        .join(DraftRow, DraftRow.id == DraftTileRow.draft_id)
        .join(ImageRow, ImageRow.id == DraftRow.image_id)
        .where(ImageRow.project_id == row.id, DraftRow.state == DraftState.OPEN.value)
    )
    return {class_id for counts in session.scalars(wanted) for class_id in _ids(counts)} & set(ids)


def _ids(counts: dict[str, Any]) -> Iterator[int]:
    return (int(class_id) for class_id, pixels in counts.items() if pixels)


def _names(scheme: LabelScheme, ids: Collection[int]) -> str:
    return ", ".join(f"{scheme.name_of(class_id)} ({class_id})" for class_id in sorted(ids))


def _listed(ids: Collection[int]) -> str:
    return "the number " + str(min(ids)) if len(ids) == 1 else "the numbers " + ", ".join(map(str, ids))
