"""Ids of objects from files: instance maps of one class, or of all classes beside a class map.

Cellpose, micro-sam, empanada, ilastik, webKnossos and Fiji write them: an image whose values are ids, 16, 32 or 64 bits
wide, 0 where no object is. Nothing is dropped without a word: what does not fit is counted in the report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import LabelMapError
from core.imaging.formats.source import Plane
from core.imaging.object_pyramid import MOST_ID, ObjectIds
from core.imaging.placement import Placement
from core.imaging.row_bands import row_bands
from core.label_scheme import IGNORE_ID, LabelScheme
from core.labels.bands import opened_labels
from core.labels.numbering import parts_of_ids, runs
from core.labels.plane_values import label_values
from core.labels.report import LabelRule, RuleCount
from core.outside.child import report_progress
from core.wording import counted, some_of

_EXACT_IN_FLOAT32: Final = 2**24
"""Above this, neighbouring whole numbers are the same in 32-bit floats."""

_NAMED: Final = 5
"""Ids that a remark lists."""


@dataclass(frozen=True, slots=True, eq=False)
class ReadIds:
    """Ids as a file has them.

    Parameters
    ----------
    ids_yx
        uint32, shape of the image; 0: no object.
    counts, remarks
        What was done, and what a person should know.
    """

    ids_yx: NDArray[np.uint32]
    counts: tuple[RuleCount, ...] = ()
    remarks: tuple[str, ...] = ()


def objects_target(out: Path) -> Path:
    """Where ids of objects are written: "a_objects.tif" beside "a.png".

    >>> objects_target(Path("out/a.png")).name
    'a_objects.tif'
    """
    return out.with_name(f"{out.stem}_objects.tif")


def read_ids(path: Path, shape_yx: tuple[int, int] | None, placement: Placement | None = None) -> ReadIds:
    """Read an image whose values are ids of objects.

    Ids that do not fit into 32 bits are numbered anew, and counted.

    Parameters
    ----------
    path
        Any file that label images are read from.
    shape_yx
        Of its image; None: any.
    placement
        Where the image's header places it.

    Raises
    ------
    LabelMapError
        Unreadable, compressed with losses, a stack, another size, in colour, negative values or fractions.
    """
    counts: list[RuleCount] = []
    remarks: list[str] = []
    with opened_labels(path, shape_yx, placement=placement) as file:
        parts: list[NDArray[Any]] = []
        for _, plane in file.bands():
            report_progress()
            values, applied, notes = _id_values(plane, file.name)
            counts += applied
            remarks += notes
            parts.append(values)
        ids_yx, renumbered = _in_32_bits(parts, file.name)
        ids_yx = np.ascontiguousarray(file.laid(ids_yx))
        remarks = list(dict.fromkeys([*file.remarks, *remarks]))
    return ReadIds(ids_yx, (*counts, *renumbered), tuple(remarks))


def ids_of_plane(plane: Plane, name: str) -> ReadIds:
    """The same of a plane that was read. Raises as `read_ids`."""
    values, counts, remarks = _id_values(plane, name)
    ids_yx, renumbered = _in_32_bits([values], name)
    return ReadIds(ids_yx, (*counts, *renumbered), tuple(remarks))


def _id_values(plane: Plane, name: str) -> tuple[NDArray[Any], list[RuleCount], list[str]]:
    """Values that may be ids: uint32, or wider where some do not fit."""
    values, counts, notes = label_values(plane, name, None)
    remarks = list(notes)
    if values.size and values.min() < 0:
        raise LabelMapError(
            f"{name} contains negative values, down to {values.min()}.", "Export the ids with 0 as background."
        )
    highest = int(values.max(initial=0))
    if plane.pixels.dtype == np.float32 and highest > _EXACT_IN_FLOAT32:
        remarks.append(
            f"{name} has ids above {_EXACT_IN_FLOAT32:,} in 32-bit floats, which cannot tell neighbouring numbers of "
            "that size apart: objects may have become one. Export integers if you can."
        )
    return values.astype(np.uint32) if highest <= MOST_ID else values, counts, remarks


def _in_32_bits(parts: Sequence[NDArray[Any]], name: str) -> tuple[NDArray[np.uint32], list[RuleCount]]:
    """One map of the bands; larger ids get numbers that no other has, in their order."""
    if all(part.dtype == np.uint32 for part in parts):
        return parts[0] if len(parts) == 1 else np.concatenate(parts), []
    found = np.unique(np.concatenate([np.unique(part).astype(np.uint64) for part in parts]))
    large = found[found > MOST_ID]
    numbers = np.array(_free_ids(set(found[found <= MOST_ID].tolist()), len(large)), np.uint32)
    changed = 0
    ids_yx = np.zeros((sum(len(part) for part in parts), parts[0].shape[1]), np.uint32)
    top = 0
    for part in parts:
        beyond = part > MOST_ID
        ids = np.where(beyond, 0, part).astype(np.uint32)
        ids[beyond] = numbers[np.searchsorted(large, part[beyond].astype(np.uint64))]
        ids_yx[top : top + len(part)] = ids
        top += len(part)
        changed += int(np.count_nonzero(beyond))
    return ids_yx, [RuleCount(LabelRule.LARGE_IDS, changed, name, counted(len(large), "object"))]


def _free_ids(used: set[int], number: int) -> list[int]:
    """Ids that are not used: behind the largest, else the smallest free ones."""
    first = max(used, default=0) + 1
    if first + number - 1 <= MOST_ID:
        return list(range(first, first + number))
    found: list[int] = []
    candidate = 1
    while len(found) < number:
        if candidate not in used:
            found.append(candidate)
        candidate += 1
    return found


class ClassIds:
    """Ids of several files, one for each class, as one map in which an id belongs to one class.

    Parameters
    ----------
    shape_yx
        Rows and columns.
    """

    def __init__(self, shape_yx: tuple[int, int]) -> None:
        self._ids_yx = np.zeros(shape_yx, np.uint32)
        self._owner: dict[int, int] = {}
        self._classes: list[int] = []
        self.counts: list[RuleCount] = []

    @property
    def class_ids(self) -> tuple[int, ...]:
        """The classes of the files."""
        return tuple(self._classes)

    def add(self, class_id: int, ids_yx: NDArray[np.uint32], name: str) -> None:
        """Take the ids of a class over; those that another class has already are numbered anew."""
        found = _present(ids_yx)
        taken = np.array([number in self._owner for number in found.tolist()], bool)
        numbers = found.copy()
        used = set(self._owner) | set(found.tolist())
        numbers[taken] = _free_ids(used, int(taken.sum()))
        changed = 0
        for band in row_bands(ids_yx.shape):
            report_progress()
            ids, mine = ids_yx[band], self._ids_yx[band]
            set_here = (ids != 0) & (mine == 0)
            if not taken.any():
                np.copyto(mine, ids, where=set_here)
                continue
            place = np.searchsorted(found, ids)
            mine[set_here] = numbers[place[set_here]]
            changed += int(np.count_nonzero((ids != 0) & taken[np.minimum(place, len(found) - 1)]))
        self._owner.update(dict.fromkeys(numbers.tolist(), class_id))
        self._classes.append(class_id)
        if changed:
            detail = counted(int(taken.sum()), "object")
            self.counts.append(RuleCount(LabelRule.SHARED_IDS, changed, name, detail))

    def objects(self, labels_yx: NDArray[np.uint8]) -> NDArray[np.uint32]:
        """The ids where the label map has the class that they are of; 0 elsewhere, as where masks overlap."""
        if len(self._classes) == 1:
            for band in row_bands(labels_yx.shape):
                self._ids_yx[band][labels_yx[band] != self._classes[0]] = 0
            return self._ids_yx
        found = np.array(sorted(self._owner), np.uint32)
        owner = np.array([self._owner[number] for number in found.tolist()], np.uint8)
        for band in row_bands(labels_yx.shape):
            ids = self._ids_yx[band]
            if len(found):
                of_other = owner[np.minimum(np.searchsorted(found, ids), len(found) - 1)] != labels_yx[band]
                ids[of_other] = 0
        return self._ids_yx


def fitted_objects(
    labels_yx: NDArray[np.uint8], ids_yx: NDArray[np.uint32], scheme: LabelScheme, name: str = ""
) -> tuple[ObjectIds | None, list[RuleCount], list[str]]:
    """Make ids fit the classes of their label map.

    The label map decides which class a pixel has. An id on background, or where nobody reviewed, is dropped. An id in
    several classes stays that of the class where most of its pixels are; in the others it gets a new number. Pixels of
    a class with ids that have none stay without: the pieces that they form are objects of their own.

    Parameters
    ----------
    labels_yx
        uint8, class ids; 255 is *ignore*.
    ids_yx
        uint32, same shape; changed in place.
    scheme
        For the names of classes.
    name
        Of the file with the ids.

    Returns
    -------
    ObjectIds or None
        None where no class has an id.
    list of RuleCount
        Pixels whose id was dropped or changed.
    list of str
        Remarks: objects in several parts, pixels without an id.
    """
    report_progress()  # each of the steps takes some seconds in a large image
    starts, lengths = runs(labels_yx, ids_yx)
    classes, ids = labels_yx.ravel()[starts].astype(np.int64), ids_yx.ravel()[starts].astype(np.int64)
    has_class = (classes != 0) & (classes != IGNORE_ID)
    counts = _drop_outside(ids_yx, labels_yx, ids, lengths, has_class, name)
    counts += _part_classes(ids_yx, labels_yx, classes, ids, lengths, has_class, name)
    with_id = has_class & (ids != 0)
    class_ids = tuple(int(class_id) for class_id in np.unique(classes[with_id]))
    if not class_ids:
        return None, counts, [f"{name}: no object lies on a class of the label map."] if ids.any() else []
    report_progress()
    remarks = _in_parts(ids_yx, name)
    report_progress()
    for class_id in class_ids:
        bare = int(lengths[(classes == class_id) & (ids == 0)].sum())
        if bare:
            remarks.append(
                f"{bare:,} pixels of {scheme.name_of(class_id)} have no object id; their connected regions count "
                "as separate objects."
            )
    return ObjectIds(ids_yx, class_ids), counts, remarks


def _drop_outside(
    ids_yx: NDArray[np.uint32],
    labels_yx: NDArray[np.uint8],
    ids: NDArray[np.int64],
    lengths: NDArray[np.int64],
    has_class: NDArray[np.bool_],
    name: str,
) -> list[RuleCount]:
    """Set ids to 0 where the label map has no class."""
    outside = ~has_class & (ids != 0)
    if not outside.any():
        return []
    gone = np.setdiff1d(ids[outside], ids[has_class])
    for band in row_bands(ids_yx.shape):
        ids_yx[band][(labels_yx[band] == 0) | (labels_yx[band] == IGNORE_ID)] = 0
    detail = f"{len(gone):,} objects lie there as a whole: {_listed(gone)}" if len(gone) else "no object is gone"
    return [RuleCount(LabelRule.IDS_OUTSIDE, int(lengths[outside].sum()), name, detail)]


def _part_classes(
    ids_yx: NDArray[np.uint32],
    labels_yx: NDArray[np.uint8],
    classes: NDArray[np.int64],
    ids: NDArray[np.int64],
    lengths: NDArray[np.int64],
    has_class: NDArray[np.bool_],
    name: str,
) -> list[RuleCount]:
    """Give an id that several classes share a new number in all of them but the largest."""
    inside = has_class & (ids != 0)
    keys, place = np.unique(ids[inside] << 8 | classes[inside], return_inverse=True)
    pixels = np.bincount(place, lengths[inside], len(keys))
    order = np.lexsort((-pixels, keys >> 8))
    first = np.append(True, np.diff(keys[order] >> 8) != 0)[: len(order)]
    moved = keys[order[~first]]
    if not len(moved):
        return []
    fresh = _free_ids(set((keys >> 8).tolist()), len(moved))
    by_key = dict(zip(moved.tolist(), fresh, strict=True))
    changed = 0
    crossing = np.unique(moved >> 8).astype(np.uint32)
    for band in row_bands(ids_yx.shape):
        at = np.flatnonzero(np.isin(ids_yx[band].ravel(), crossing))
        flat, labels = ids_yx[band].ravel(), labels_yx[band].ravel()
        key = flat[at].astype(np.int64) << 8 | labels[at]
        numbers = np.array([by_key.get(each, 0) for each in key.tolist()], np.uint32)
        flat[at[numbers != 0]] = numbers[numbers != 0]
        changed += int(np.count_nonzero(numbers))
    detail = f"{counted(len(crossing), 'object')}: {_listed(crossing)}"
    return [RuleCount(LabelRule.IDS_CROSS_CLASSES, changed, name, detail)]


def _in_parts(ids_yx: NDArray[np.uint32], name: str) -> list[str]:
    """A remark on objects that are not connected."""
    found, parts = parts_of_ids(ids_yx)
    several = found[parts > 1]
    if not len(several):
        return []
    named = f"{name}: " if name else ""
    return [
        f"{named}{len(several):,} {'object is' if len(several) == 1 else 'objects are'} in two or more parts "
        f"({_listed(several)}); each counts as one object."
    ]


def _present(ids_yx: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The ids that occur, ascending, without 0."""
    bands = []
    for band in row_bands(ids_yx.shape):
        report_progress()
        bands.append(np.unique(ids_yx[band]))
    found = np.unique(np.concatenate(bands)) if bands else np.zeros(0, np.uint32)
    return np.asarray(found[found != 0], np.uint32)


def _listed(ids: NDArray[Any]) -> str:
    """ "ids 3, 8, 12 and 4 more"."""
    return f"{'id' if len(ids) == 1 else 'ids'} {some_of((int(number) for number in ids), _NAMED)}"
