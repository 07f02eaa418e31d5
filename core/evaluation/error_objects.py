"""The largest connected errors of an image, each with a guess of what went wrong.

A connected error is an 8-connected piece of pixels with the same mistake (the same class in the reference predicted as
the same other class). Its kind is decided in this order:

1. *missed object*: predicted as background, and less than `FOUND_SHARE` of the reference's object was found.
   *false object*: background in the reference, and less than `FOUND_SHARE` of the predicted object is right.
2. *merged*: it touches two or more right parts of a predicted object that are separate objects in the reference.
   *split*: it touches two or more predicted objects that are one in the reference.
3. *wrong class*: neither side is background, and it is wider than the tolerance.
4. *boundary shift*: the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.evaluation.error_map import UNCOVERED, error_map, split_error
from core.evaluation.instances import objects_of, overlaps
from core.evaluation.label_pair import LabelPair, connected_pieces
from core.evaluation.settings import DEFAULT_TOLERANCE_PX

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

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {name: getattr(self, name) for name in self.__slots__} | {"kind": str(self.kind)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> ConnectedError:
        """The inverse of `to_json`."""
        return cls(**{**values, "kind": ErrorKind(values["kind"])})


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
    codes = error_map(pair)
    codes[codes == UNCOVERED] = 0
    pieces, count = connected_pieces(codes)
    sizes, boxes = _measured(pieces, count)
    order = np.argsort(-sizes, kind="stable")[:limit]
    chosen = order[sizes[order] >= max(min_px, 1)] + 1
    if not len(chosen):
        return ()
    places = _Places(pieces, chosen, count)
    of_piece = codes.ravel()[places.first].astype(np.int64)
    kinds = _kinds(pair, places, of_piece, sizes[chosen - 1])
    size_um2 = None if pair.pixel_size_nm is None else pair.pixel_size_nm**2 / 1e6
    errors = []
    for code, number, kind in zip(of_piece.tolist(), chosen.tolist(), kinds, strict=True):
        reference_id, prediction_id = split_error(code)
        pixels, (row, column, height, width) = int(sizes[number - 1]), boxes[number - 1]
        area = None if size_um2 is None else pixels * size_um2
        errors.append(ConnectedError(kind, reference_id, prediction_id, pixels, row, column, height, width, area))
    return tuple(errors)


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
    reference, _, reference_px = objects_of(pair.reference_yx, pair.scheme.ids)
    prediction, _, prediction_px = objects_of(pair.prediction_covered_yx, pair.scheme.ids)
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
