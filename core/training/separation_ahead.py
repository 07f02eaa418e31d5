"""Which classes a training learns to separate touching objects of, and what is said of it before it begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from core.label_scheme import LabelScheme
from core.objects.separation import UNSEPARATED, Separation, SeparationWay
from core.training.object_labels import KEPT, LEAST_PAIRS, MOST_LABELS, ObjectLabels
from core.wording import counted

NO_IDS: Final = "Touching objects of a class will be counted as one: no label map has object ids."


def planned_separation(
    seen: Mapping[int, ObjectLabels], scheme_ids: Sequence[int], way: SeparationWay, inherited: Separation = UNSEPARATED
) -> Separation:
    """Which classes get an output more: the parent's, and those whose labels show enough touching objects.

    Parameters
    ----------
    seen
        As `core.training.object_labels.objects_in_labels` gives it.
    scheme_ids
        The classes of the dataset.
    way
        What was asked for; not `SeparationWay.NONE`.
    inherited
        What the parent has learned, in the ids of the dataset; its way counts, and its classes stay.

    Returns
    -------
    Separation
        `UNSEPARATED` where there is nothing to learn and nothing to keep.
    """
    known = inherited.class_ids if inherited.learned else ()
    way = inherited.way if known else way
    least = LEAST_PAIRS if way is SeparationWay.SEAMS else 0
    class_ids = tuple(
        class_id for class_id in scheme_ids if class_id in known or (class_id in seen and seen[class_id].pairs >= least)
    )[: MOST_LABELS - len(scheme_ids)]
    if not class_ids:
        return UNSEPARATED
    return Separation(way, class_ids, pairs={each: seen[each].pairs for each in class_ids if each in seen})


def separation_ahead(planned: Separation, seen: Mapping[int, ObjectLabels], scheme: LabelScheme) -> list[str]:
    """What the model will learn of touching objects, a sentence or two for each class that has ids.

    Parameters
    ----------
    planned
        As `planned_separation` gives it for ``seen``.
    scheme
        The classes.

    Examples
    --------
    >>> separation_ahead(UNSEPARATED, {}, LabelScheme.from_names({"background": 0, "cell": 1}))
    ['Touching objects of a class will be counted as one: no label map has object ids.']
    """
    kept = [item.name for item in scheme.classes if item.id in planned.class_ids and item.id not in seen]
    told = [f"{', '.join(kept)}: {KEPT}"] if kept else []
    for item in scheme.classes:
        if item.id in seen:
            labels = seen[item.id]
            told.append(labels.sentence(item.name) if item.id in planned.class_ids else _too_few(item.name, labels))
    return told or [NO_IDS]


def _too_few(name: str, labels: ObjectLabels) -> str:
    """Of a class with ids that is not separated all the same."""
    why = (
        f"the labels show {counted(labels.pairs, 'pair')} of them, and {LEAST_PAIRS} are needed"
        if labels.pairs < LEAST_PAIRS
        else "the dataset has too many classes"
    )
    return f"{name}: touching objects will be counted as one, because {why}."
