"""What the labels of a dataset say about single objects: which classes have ids, which touch, what is learned of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from core.imaging.object_pyramid import ObjectIds
from core.labels.numbering import object_counts
from core.objects.contacts import CROWDED, parting_target, touching_pairs
from core.objects.separation import Separation
from core.wording import counted

if TYPE_CHECKING:
    from core.datasets.folder import Case

LEAST_PAIRS: Final = 5
"""Pairs of touching objects of a class that are needed to learn seams."""

MOST_LABELS: Final = 125
"""Classes together with those among them whose objects are told apart: the labels of a network fit into 8 bits."""

KEPT: Final = (
    "no label map has object ids. The model keeps what its parent has learned about separating touching objects; this "
    "training does not change it."
)
DROPPED: Final = (
    "the parent separates touching objects of these classes. This training was started without separation, so the new "
    "model counts touching objects as one."
)


@dataclass(slots=True)
class ObjectLabels:
    """Of one class.

    Parameters
    ----------
    pairs, objects
        Pairs of objects that touch, and objects with an id, over all images.
    images, without_ids
        Label maps that show the class, and those of them without ids.
    """

    pairs: int = 0
    objects: int = 0
    images: int = 0
    without_ids: int = 0

    @property
    def crowded(self) -> bool:
        """Whether objects touch all around, and not here and there."""
        return self.pairs >= CROWDED * max(self.objects, 1)

    def sentence(self, name: str) -> str:
        """What is learned, for people."""
        known = f"{counted(self.objects, 'object')} with ids in {counted(self.images - self.without_ids, 'label map')}"
        text = (
            f"{name}: {known}, {counted(self.pairs, 'pair')} of them touching; the model learns to separate them."
            if self.pairs
            else f"{name}: {known}, none of them touching; the model learns from their outlines to separate objects."
        )
        if self.without_ids:
            text += (
                f" {self.without_ids} of {self.images} label maps have no object ids: from them it learns the class, "
                "but not where objects touch."
            )
        return text


class PartingLabels:
    """Labels of a network for the pixels that part objects: 1 to C are the classes, then one for each separated class.

    *Ignore* follows. Beyond it there is one label for each separated class again: its pixels where no object has an id,
    so that nobody knows which of them part objects. `core.training.trainer` takes the class or its parting output for
    them, whichever the network prefers.

    Parameters
    ----------
    scheme_ids
        Ids of the classes, in the order of the labels.
    separation
        Which are separated, and how.
    crowded
        Those of them whose objects touch all around.
    """

    def __init__(self, scheme_ids: Sequence[int], separation: Separation, crowded: Collection[int] = ()) -> None:
        self._separation, self._crowded = separation, crowded
        self._own = [1 + list(scheme_ids).index(class_id) for class_id in separation.class_ids]
        self._first = len(scheme_ids) + 1
        self.ignore = self._first + len(self._own)
        """The label of *ignore*."""

    def mark(self, target: NDArray[np.uint8], labels_yx: NDArray[np.uint8], ids_yx: NDArray[np.uint32] | None) -> bool:
        """Give the pixels that part objects their labels.

        Parameters
        ----------
        target
            uint8, shape (rows, columns): labels of the classes; changed in place.
        labels_yx
            uint8, same shape: class ids.
        ids_yx
            uint32, same shape: ids of objects, 0: none; None: there are none.

        Returns
        -------
        bool
            Whether pixels got a label beyond *ignore*: a class that the image shows has no ids in it.
        """
        class_ids = self._separation.class_ids
        known = set() if ids_yx is None else {int(class_id) for class_id in np.unique(labels_yx[ids_yx > 0])}
        with_ids = tuple(class_id for class_id in class_ids if class_id in known)
        parting = None
        if ids_yx is not None and with_ids:
            parting = parting_target(self._separation.way, labels_yx, ids_yx, with_ids, self._crowded)
        unknown = False
        for place, class_id in enumerate(class_ids):
            own = labels_yx == class_id
            if parting is not None and class_id in known:
                target[own & parting] = self._first + place
            elif own.any():
                target[own] = self.ignore + 1 + place
                unknown = True
        return unknown

    def as_classes(self, target: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Labels, those beyond *ignore* replaced by those of their classes."""
        table = np.arange(256, dtype=np.uint8)
        table[self.ignore + 1 : self.ignore + 1 + len(self._own)] = self._own
        return np.asarray(table[target])


def objects_in_labels(
    cases: Sequence[Case], class_ids: Sequence[int], report: Callable[[str], None] = lambda message: None
) -> dict[int, ObjectLabels]:
    """Look at the label maps with ids.

    Parameters
    ----------
    cases
        With label maps. If none has ids, none is read.
    class_ids
        The classes of the dataset.
    report
        Told what is read.

    Returns
    -------
    dict
        Class id to what was found, for classes that have ids somewhere.

    Raises
    ------
    CristaeError
        A file cannot be read.
    """
    from core.datasets.folder import load_case, load_objects

    if not any(case.objects_path is not None for case in cases):
        return {}
    found = []
    for case in cases:
        report(f"Reading the objects of {case.name}")
        image, labels_yx = load_case(case)
        found.append(objects_in_map(labels_yx, load_objects(case, image.shape), class_ids))
    return objects_together(found)


def objects_in_map(
    labels_yx: NDArray[np.uint8], ids_yx: NDArray[np.uint32] | None, class_ids: Sequence[int]
) -> dict[int, ObjectLabels]:
    """What one label map says.

    Parameters
    ----------
    labels_yx
        uint8, shape (rows, columns): class ids.
    ids_yx
        uint32, same shape: ids of objects, 0: none; None: there are none.
    class_ids
        The classes of the dataset.

    Returns
    -------
    dict
        Class id to what was found, for the classes that the label map shows.
    """
    shown = np.bincount(labels_yx.ravel(), minlength=256) > 0
    known = shown & False if ids_yx is None else np.bincount(labels_yx[ids_yx > 0], minlength=256) > 0
    pairs = {} if ids_yx is None else touching_pairs(labels_yx, ids_yx, class_ids)
    objects = {} if ids_yx is None else dict(object_counts(labels_yx, ObjectIds(ids_yx, tuple(class_ids))))
    return {
        class_id: ObjectLabels(
            pairs.get(class_id, 0), objects.get(class_id, 0), images=1, without_ids=int(not known[class_id])
        )
        for class_id in class_ids
        if shown[class_id]
    }


def objects_together(maps: Iterable[Mapping[int, ObjectLabels]]) -> dict[int, ObjectLabels]:
    """The sum over label maps as `objects_in_map` gives them, for classes that have ids somewhere."""
    found: dict[int, ObjectLabels] = {}
    for one in maps:
        for class_id, labels in one.items():
            known = found.get(class_id, ObjectLabels())
            found[class_id] = ObjectLabels(
                known.pairs + labels.pairs,
                known.objects + labels.objects,
                known.images + labels.images,
                known.without_ids + labels.without_ids,
            )
    return {class_id: labels for class_id, labels in found.items() if labels.images > labels.without_ids}
