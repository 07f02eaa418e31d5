"""Where the objects of a model that separates are lost: one part of its prediction after another replaced by the truth.

    python -m benchmarks.separation_losses --dataset DATASET --model MODEL

DATASET is a dataset folder whose labels have ids; its test images are predicted once, and scored for the model's first
separated class as follows. Each row differs from "as predicted" in the part that it names:

as predicted: cleaned class map, rims from an eighth of the class's odds, seeds and watershed of the product.
connected pieces: no separation.
not cleaned: the network's own class map.
rims from 1/50, from 1/1: the rims' other thresholds.
parts of any size: small parts beside rims are objects too.
true rims: the rims of the labels in the predicted class map, whose pixels outside true objects count as rims too; what
is left is lost by the class map and the watershed.
true ids: the true objects in the predicted class map, what lies outside them given to the nearest: the most that any
separation of this class map can reach.
true classes: the labels' class map with the predicted rims: what the rims alone cost.
true classes and rims: the most that this way to separate can reach.

"merged": true objects that are not found and lie, for the most part, in an object that holds half of another one too.
"split": of which two or more objects hold a fifth each. "missed": less than half is of the class. "ragged": the rest.
"false": objects that match none; "alone": those of them that touch no true object.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.separation import PART_OF_MERGE, PART_OF_SPLIT
from core.datasets.folder import Case, load_case, load_objects, open_dataset
from core.imaging.object_pyramid import ObjectIds
from core.labels.numbering import number_objects
from core.models.store import StoredModel, open_model
from core.objects.cleaning import cleaned
from core.objects.contacts import parting_target
from core.objects.separating import separated
from core.segmentation.array_sink import ArraySink
from core.segmentation.parting import ENOUGH, PartingRows
from core.segmentation.predictor import Predictor
from core.segmentation.resampling import taken_pixel_size
from core.training.object_labels import objects_in_labels

ROWS: Final = (
    "as predicted",
    "connected pieces",
    "not cleaned",
    "rims from 1/50",
    "rims from 1/1",
    "parts of any size",
    "true rims",
    "true ids",
    "true classes",
    "true classes and rims",
)
HARDLY, CLEARLY = ENOUGH - 1, ENOUGH + 1


@dataclass(slots=True)
class Losses:
    """Counts over images; see the head of this file."""

    matched: int = 0
    iou: float = 0.0
    true: int = 0
    found: int = 0
    merged: int = 0
    split: int = 0
    missed: int = 0
    ragged: int = 0
    alone: int = 0

    @property
    def panoptic_quality(self) -> float:
        """0 to 1; not a number without objects."""
        return self.iou / ((self.true + self.found) / 2) if self.true + self.found else float("nan")

    def add(self, true_yx: NDArray[np.int64], found_yx: NDArray[np.int64]) -> None:
        """Count one image.

        Parameters
        ----------
        true_yx, found_yx
            int64, shape (rows, columns), ids of objects, 0: none.
        """
        true_px, found_px = np.bincount(true_yx.ravel()), np.bincount(found_yx.ravel())
        true_px[0] = found_px[0] = 0
        pairs, shared = np.unique(np.stack([true_yx.ravel(), found_yx.ravel()]), axis=1, return_counts=True)
        inside = (pairs > 0).all(axis=0)
        true, found, shared = *pairs[:, inside], shared[inside]
        iou, part = shared / (true_px[true] + found_px[found] - shared), shared / true_px[true]
        self.matched += int((iou > 0.5).sum())
        self.iou += float(iou[iou > 0.5].sum())
        self.true += int(np.count_nonzero(true_px))
        self.found += int(np.count_nonzero(found_px))
        self.alone += int(np.count_nonzero(found_px)) - len(np.unique(found))

        covered = np.bincount(true, part, len(true_px))
        most = part >= PART_OF_MERGE
        together = np.bincount(found[most], minlength=len(found_px)) > 1
        in_merged = np.zeros(len(true_px), bool)
        in_merged[true[most & together[found]]] = True
        in_parts = np.bincount(true[part >= PART_OF_SPLIT], minlength=len(true_px)) > 1
        unmatched = true_px > 0
        unmatched[true[iou > 0.5]] = False
        for mask, name in (
            (covered < PART_OF_MERGE, "missed"),
            (in_merged, "merged"),
            (in_parts, "split"),
            (np.ones_like(unmatched), "ragged"),
        ):
            setattr(self, name, getattr(self, name) + int((unmatched & mask).sum()))
            unmatched &= ~mask


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    model, cases = open_model(options.model), open_dataset(options.dataset).cases
    if not model.card.separation.learned:
        parser.error(f"{options.model} has not learned to separate objects.")
    class_id = model.card.separation.class_ids[0]
    labelled = objects_in_labels([case for case in cases if case.split == "train"], model.scheme.ids)
    crowded = tuple(number for number, found in labelled.items() if found.crowded)
    losses = {row: Losses() for row in ROWS}
    for case in cases:
        if case.split == "test":
            for row, true_yx, found_yx in _versions(case, model, class_id, crowded, options.threads):
                losses[row].add(true_yx, found_yx)
    print(
        f"\n{model.scheme.name_of(class_id)}\n\n| objects from | PQ | SQ | true | matched | missed | merged | split | "
        "ragged | false | alone |\n|---|---|---|---|---|---|---|---|---|---|---|"
    )
    for row, found in losses.items():
        print(
            f"| {row} | {found.panoptic_quality:.3f} | {found.iou / max(found.matched, 1):.3f} | {found.true} | "
            f"{found.matched} | {found.missed} | {found.merged} | {found.split} | {found.ragged} | "
            f"{found.found - found.matched} | {found.alone} |"
        )


def _versions(
    case: Case, model: StoredModel, class_id: int, crowded: tuple[int, ...], threads: int
) -> Iterator[tuple[str, NDArray[np.int64], NDArray[np.int64]]]:
    """Rows of the table with true and found objects of one image."""
    image, reference_yx = load_case(case)
    ids_yx = load_objects(case, image.shape)
    own = (class_id,)
    objects = None if ids_yx is None else ObjectIds(ids_yx, own)
    true_yx = np.asarray(number_objects(reference_yx, own, objects).numbers_yx).astype(np.int64)
    sink, rows = ArraySink(image.shape), list[PartingRows]()
    Predictor(model, threads=threads).predict(image, sink, take_parting=rows.append)
    levels = rows[0].levels(slice(None)) if rows else np.zeros(image.shape, np.uint8)
    limits = model.card.object_rules.limits(taken_pixel_size(image.pixel_size.nm, model.pixel_size_nm))
    raw_yx = sink.labels_yx
    labels_yx, _ = cleaned(raw_yx, limits)
    least = model.card.separation.least_seed * limits.smallest
    enough = levels >= ENOUGH
    rims = parting_target(model.card.separation.way, reference_yx, true_yx.astype(np.uint32), own, crowded)

    def parted(
        classes_yx: NDArray[np.uint8], mask: NDArray[np.bool_], smallest: NDArray[np.float64]
    ) -> NDArray[np.int64]:
        return separated(classes_yx, mask, own, smallest).ids_yx.astype(np.int64)

    nothing = np.zeros(256)
    yield "as predicted", true_yx, parted(labels_yx, enough, least)
    yield "connected pieces", true_yx, parted(labels_yx, np.zeros_like(enough), least)
    yield "not cleaned", true_yx, parted(raw_yx, enough, least)
    yield "rims from 1/50", true_yx, parted(labels_yx, levels >= HARDLY, least)
    yield "rims from 1/1", true_yx, parted(labels_yx, levels >= CLEARLY, least)
    yield "parts of any size", true_yx, parted(labels_yx, enough, nothing)
    yield "true rims", true_yx, parted(labels_yx, rims | (true_yx == 0), least)
    yield "true ids", true_yx, true_ids_inside(labels_yx == class_id, true_yx)
    yield "true classes", true_yx, parted(reference_yx, enough, least)
    yield "true classes and rims", true_yx, parted(reference_yx, rims, least)


def true_ids_inside(own_yx: NDArray[np.bool_], true_yx: NDArray[np.int64]) -> NDArray[np.int64]:
    """The true objects in a predicted class: each pixel is of the nearest one in its piece; pieces without any are one
    false object each.

    Parameters
    ----------
    own_yx
        bool, shape (rows, columns): the predicted class.
    true_yx
        int64, same shape: ids of true objects, 0: none.

    Examples
    --------
    >>> own = np.array([[1, 1, 1, 1, 0, 1]], bool)
    >>> true_ids_inside(own, np.array([[3, 0, 0, 5, 5, 0]])).tolist()
    [[3, 3, 5, 5, 0, 7]]
    """
    pieces, count = ndimage.label(own_yx, np.ones((3, 3)))
    found = np.where(own_yx, true_yx, 0)
    hit = np.zeros(count + 1, bool)
    hit[pieces[found > 0]] = True
    for number, box in enumerate(ndimage.find_objects(pieces), start=1):
        inside = pieces[box] == number
        if not hit[number]:
            found[box][inside] = true_yx.max() + number
            continue
        part = np.where(inside, found[box], 0)
        nearest = ndimage.distance_transform_edt(part == 0, return_distances=False, return_indices=True)
        found[box][inside] = part[tuple(nearest)][inside]
    return found


if __name__ == "__main__":
    main()
