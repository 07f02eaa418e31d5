"""What the labels of a dataset say about single objects: which classes have ids, and how many objects touch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from core.objects.contacts import touching_pairs

if TYPE_CHECKING:
    from core.datasets.folder import Case

LEAST_PAIRS: Final = 5
"""Pairs of touching objects of a class that are needed to learn how to part them."""


@dataclass(slots=True)
class ObjectLabels:
    """Of one class.

    Parameters
    ----------
    pairs
        Pairs of objects that touch, over all images.
    images, without_ids
        Label maps that show the class, and those of them without ids.
    """

    pairs: int = 0
    images: int = 0
    without_ids: int = 0

    def sentence(self, name: str) -> str:
        """What is learned, for people."""
        text = f"{name}: {self.pairs:,} pairs of touching objects in the labels; the model learns to separate them."
        if self.without_ids:
            text += (
                f" {self.without_ids} of {self.images} label maps have no ids of objects, so that touching ones in "
                "them are learned as one. Give them ids, or leave these images out."
            )
        return text


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
    found = {class_id: ObjectLabels() for class_id in class_ids}
    with_ids: set[int] = set()
    for case in cases:
        report(f"Reading the objects of {case.name}")
        image, labels_yx = load_case(case)
        ids_yx = load_objects(case, image.shape)
        shown = np.bincount(labels_yx.ravel(), minlength=256) > 0
        known = shown & False if ids_yx is None else np.bincount(labels_yx[ids_yx > 0], minlength=256) > 0
        pairs = {} if ids_yx is None else touching_pairs(labels_yx, ids_yx, class_ids)
        for class_id, labels in found.items():
            labels.images += bool(shown[class_id])
            labels.without_ids += bool(shown[class_id] and not known[class_id])
            labels.pairs += pairs.get(class_id, 0)
            if known[class_id]:
                with_ids.add(class_id)
    return {class_id: found[class_id] for class_id in class_ids if class_id in with_ids}
