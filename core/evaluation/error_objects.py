"""The largest connected errors of an image, each with a guess of what went wrong.

A connected error is an 8-connected piece of pixels with the same mistake (the same class in the reference predicted as
the same other class). Its kind is decided in this order:

1. *missed object*: predicted as background, and less than `FOUND_SHARE` of the reference's object was found.
   *false object*: background in the reference, and less than `FOUND_SHARE` of the predicted object is right.
2. *merged*: it touches two or more right parts of a predicted object that are separate objects in the reference.
   *split*: it touches two or more predicted objects that are one in the reference.
3. *wrong class*: neither side is background, and it is wider than the tolerance.
4. *boundary shift*: the rest.

Objects that are told apart by ids may be merged or split without one wrong pixel. So where a map has ids, every object
that holds several of the other map's is listed itself: its pixels, its bounding box, and the objects in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core.evaluation.error_map import UNCOVERED, error_map, split_error
from core.evaluation.instances import merged_and_split, overlaps
from core.evaluation.label_pair import LabelPair
from core.evaluation.settings import DEFAULT_TOLERANCE_PX
from core.labels.numbering import connected_pieces

FOUND_SHARE: Final = 0.1
"""An object of which less is right counts as missed, or as false."""

_AROUND: Final = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))


class ErrorKind(StrEnum):
    """What went wrong."""

    MISSED_OBJECT = "missed object"
    FALSE_OBJECT = "false object"
    MERGED = "merged"
    SPLIT = "split"
    WRONG_CLASS = "wrong class"
    BOUNDARY_SHIFT = "boundary shift"


@dataclass(frozen=True, slots=True)
class ConnectedError:
    """One connected error.

    Parameters
    ----------
    kind
        What went wrong.
    reference_id, prediction_id
        The class that it is and the class that it was taken for; 0 for background.
    pixels
        Its size.
    row, column, height, width
        Its bounding box in pixels.
    area_um2
        Square micrometres, None where the pixel size is unknown.
    objects
        Of a merged or split object as a whole: the ids of the two or more objects that it holds (merged: of the
        reference; split: of the prediction), negative for a piece without an id: its number from the top left. Empty
        for other errors.
    """

    kind: ErrorKind
    reference_id: int
    prediction_id: int
    pixels: int
    row: int
    column: int
    height: int
    width: int
    area_um2: float | None
    objects: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {name: getattr(self, name) for name in self.__slots__} | {
            "kind": str(self.kind),
            "objects": list(self.objects),
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> ConnectedError:
        """The inverse of `to_json`."""
        objects = tuple(values.get("objects", ()))
        return cls(**{**values, "kind": ErrorKind(values["kind"]), "objects": objects})


def largest_errors(pair: LabelPair, *, limit: int = 200, min_px: int = 1) -> tuple[ConnectedError, ...]:
    """The largest connected errors, largest first.

    Parameters
    ----------
    pair
        Reference and prediction.
    limit
        How many at most.
    min_px
        Smaller ones are left out.

    Returns
    -------
    tuple
        Empty where the prediction is right.
    """
    objects = _joined_objects(pair, min_px)
    pieces = _pieces_of_errors(pair, limit, min_px)
    return tuple(sorted([*objects, *pieces], key=lambda error: -error.pixels)[:limit])


def _pieces_of_errors(pair: LabelPair, limit: int, min_px: int) -> list[ConnectedError]:
    """The largest connected pieces of wrong pixels."""
    codes = error_map(pair)
    codes[codes == UNCOVERED] = 0
    pieces, count = connected_pieces(codes)
    sizes, boxes = _measured(pieces, count)
    order = np.argsort(-sizes, kind="stable")[:limit]
    chosen = order[sizes[order] >= max(min_px, 1)] + 1
    if not len(chosen):
        return []
    places = _Places(pieces, chosen, count)
    of_piece = codes.ravel()[places.first].astype(np.int64)
    kinds = _kinds(pair, places, of_piece, sizes[chosen - 1])
    errors = []
    for code, number, kind in zip(of_piece.tolist(), chosen.tolist(), kinds, strict=True):
        reference_id, prediction_id = split_error(code)
        pixels = int(sizes[number - 1])
        errors.append(_error(pair, kind, reference_id, prediction_id, pixels, boxes[number - 1]))
    return errors


def _joined_objects(pair: LabelPair, min_px: int) -> list[ConnectedError]:
    """Objects that hold several of the other map's, of classes that have ids in one of the maps."""
    with_ids = {i for objects in (pair.reference_ids, pair.prediction_ids) if objects for i in objects.class_ids}
    if not with_ids:
        return []
    merged, split = merged_and_split(pair)
    errors: list[ConnectedError] = []
    for kind, held, whole, parts in (
        (ErrorKind.MERGED, merged, pair.prediction_objects, pair.reference_objects),
        (ErrorKind.SPLIT, split, pair.reference_objects, pair.prediction_objects),
    ):
        held = {number: inside for number, inside in held.items() if int(whole.class_of[number]) in with_ids}
        boxes = _boxes(whole.numbers_yx) if held else []
        for number, inside in held.items():
            class_id, pixels = int(whole.class_of[number]), int(whole.area_px[number])
            if pixels >= min_px:
                names = tuple(int(parts.id_of[part]) or -part for part in inside)
                errors.append(_error(pair, kind, class_id, class_id, pixels, boxes[number - 1], names))
    return errors


def _boxes(numbers_yx: NDArray[Any]) -> list[tuple[int, int, int, int]]:
    """Bounding box (row, column, height, width) of every number from 1 on."""
    found = ndimage.find_objects(numbers_yx.view(np.int32) if numbers_yx.dtype == np.uint32 else numbers_yx)
    return [(y.start, x.start, y.stop - y.start, x.stop - x.start) for y, x in found]


def _error(
    pair: LabelPair,
    kind: ErrorKind,
    reference_id: int,
    prediction_id: int,
    pixels: int,
    box: tuple[int, int, int, int],
    objects: tuple[int, ...] = (),
) -> ConnectedError:
    area_um2 = None if pair.pixel_size_nm is None else pixels * pair.pixel_size_nm**2 / 1e6
    return ConnectedError(kind, reference_id, prediction_id, pixels, *box, area_um2, objects)


class _Places:
    """Pixels of the chosen pieces: ``at[i]`` is one of piece ``of[i]`` (0 to n - 1); ``first`` is one of each."""

    def __init__(self, pieces_yx: NDArray[Any], chosen: NDArray[np.int64], count: int) -> None:
        rank = np.full(count + 1, -1, np.int64)
        rank[chosen] = range(len(chosen))
        everywhere = np.flatnonzero(pieces_yx)
        of = rank[pieces_yx.ravel()[everywhere]]
        self.shape = pieces_yx.shape
        self.at, self.of, self.count = everywhere[of >= 0], of[of >= 0], len(chosen)
        self.first = np.zeros(len(chosen), np.int64)
        self.first[self.of[::-1]] = self.at[::-1]

    def beside(self) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """For each direction: pieces and the pixels beside theirs, inside the image."""
        rows, columns = np.divmod(self.at, self.shape[1])
        found = []
        for dy, dx in _AROUND:
            y, x = rows + dy, columns + dx
            inside = (y >= 0) & (y < self.shape[0]) & (x >= 0) & (x < self.shape[1])
            found.append((self.of[inside], (y * self.shape[1] + x)[inside]))
        return found


def _measured(pieces: NDArray[Any], count: int) -> tuple[NDArray[np.int64], list[tuple[int, int, int, int]]]:
    """Sizes and bounding boxes (row, column, height, width) of pieces 1 to n."""
    if count == 0:
        return np.zeros(0, np.int64), []
    import cc3d

    found = cc3d.statistics(pieces, no_slice_conversion=True)
    corners = np.asarray(found["bounding_boxes"])[1:].astype(np.int64)
    boxes = [(int(b[0]), int(b[2]), int(b[1] - b[0] + 1), int(b[3] - b[2] + 1)) for b in corners]
    return np.asarray(found["voxel_counts"])[1:].astype(np.int64), boxes


def _kinds(pair: LabelPair, places: _Places, codes: NDArray[np.int64], sizes: NDArray[np.int64]) -> list[ErrorKind]:
    """Kind of each chosen piece."""
    reference_id, prediction_id = codes >> 8, codes & 0xFF
    reference, reference_px = pair.reference_objects.numbers_yx, pair.reference_objects.area_px
    prediction, prediction_px = pair.prediction_objects.numbers_yx, pair.prediction_objects.area_px
    right = pair.reference_yx == pair.prediction_yx
    found_px, correct_px = _right_px(reference, right, reference_px), _right_px(prediction, right, prediction_px)
    of_reference, of_prediction = reference.ravel()[places.first], prediction.ravel()[places.first]
    missed = (prediction_id == 0) & (found_px[of_reference] < FOUND_SHARE * reference_px[of_reference])
    false = (reference_id == 0) & (correct_px[of_prediction] < FOUND_SHARE * prediction_px[of_prediction])
    merged = _joins(places, right, prediction, of_prediction, reference) & (prediction_id != 0)
    split = _joins(places, right, reference, of_reference, prediction) & (reference_id != 0)
    swapped = (reference_id != 0) & (prediction_id != 0) & (_widths_px(places, sizes) > _tolerance_px(pair))
    kinds = np.select(
        [missed, false, merged, split, swapped], [0, 1, 2, 3, 4], default=5
    )  # in the order that the module's docstring gives
    order = list(ErrorKind)
    return [order[kind] for kind in kinds.tolist()]


def _right_px(objects: NDArray[Any], right: NDArray[np.bool_], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pixels of each object that are right."""
    numbers, _, shared = overlaps(objects, right.astype(np.uint8))
    counts = np.zeros(len(sizes), np.int64)
    counts[numbers] = shared
    return counts


def _joins(
    places: _Places,
    right: NDArray[np.bool_],
    whole: NDArray[Any],
    whole_of_piece: NDArray[Any],
    parts: NDArray[Any],
) -> NDArray[np.bool_]:
    """Whether a piece touches two parts, right ones, of the object of ``whole`` that it belongs to itself."""
    pairs = []
    for piece, at in places.beside():
        same = right.ravel()[at] & (whole.ravel()[at] == whole_of_piece[piece]) & (whole_of_piece[piece] != 0)
        pairs.append(np.unique(piece[same] << 32 | parts.ravel()[at[same]]))
    touched = np.unique(np.concatenate(pairs)) >> 32
    several: NDArray[np.bool_] = np.bincount(touched, minlength=places.count) >= 2
    return several


def _widths_px(places: _Places, sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean width of each piece: twice its area over the number of pixels at its edge, at least 1."""
    member = np.full(places.shape[0] * places.shape[1], -1, np.int32)
    member[places.at] = places.of
    rows, columns = np.divmod(places.at, places.shape[1])
    edge = np.zeros(len(places.at), bool)
    for dy, dx in ((-1, 0), (0, -1), (0, 1), (1, 0)):
        y, x = rows + dy, columns + dx
        inside = (y >= 0) & (y < places.shape[0]) & (x >= 0) & (x < places.shape[1])
        beside = np.full(len(places.at), -1, np.int32)
        beside[inside] = member[(y * places.shape[1] + x)[inside]]
        edge |= beside != places.of
    edges = np.bincount(places.of[edge], minlength=places.count)
    widths: NDArray[np.float64] = np.where(edges == sizes, 1.0, 2 * sizes / edges)
    return widths


def _tolerance_px(pair: LabelPair) -> float:
    """Two pixels, or NSD's tolerance where that is more."""
    if pair.pixel_size_nm is None or pair.settings.tolerance_nm is None:
        return DEFAULT_TOLERANCE_PX
    return max(pair.settings.tolerance_nm / pair.pixel_size_nm, DEFAULT_TOLERANCE_PX)
