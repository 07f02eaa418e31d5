"""Size, shape and surroundings of every object of a label map: one row each, measured in pixels.

Objects are as `core.labels.numbering` says, as in the coverage table. Lengths and areas in nm and µm come from
`core.morphometry.measures`, so that all of a table but its contacts outlives a pixel size that is entered later.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core.errors import LabelMapError
from core.imaging.array_archive import load_arrays, save_arrays
from core.imaging.object_pyramid import ObjectIds
from core.imaging.row_bands import id_counts, row_bands
from core.label_scheme import IGNORE_ID, LabelScheme
from core.labels.numbering import CountedBy, number_objects
from core.morphometry.coverage import SMALL_PX, check_ids
from core.morphometry.edges import box_fits
from core.morphometry.extents import ellipses, perimeters
from core.morphometry.holes import filled
from core.morphometry.hulls import hulls
from core.morphometry.neighbours import neighbours, outlines
from core.morphometry.regions import fitting, parts, windows_inside
from core.morphometry.structure import structure

VERSION: Final = 4
"""Of the measurement; grows when a number would come out otherwise."""

CONTACT_NM: Final = 30.0
"""Outlines as close as this count as contact, unless asked otherwise. Giacomello and Pellegrini 2016,
10.1038/cdd.2016.52, give 10 to 50 nm between mitochondria and smooth ER, 50 to 80 nm and rough ER."""

_COLUMNS: Final = (
    "class_id", "object_id", "area_px", "row", "column", "top", "left", "bottom", "right", "perimeter_px", "filled_px",
    "outer_px", "major_px", "minor_px", "orientation", "feret_px", "least_feret_px", "hull_px", "boundary_px",
    "line_px", "branch_points", "end_points", "grey_mean", "grey_sd", "cut", "part", "fits", "confidence",
    "gap_px", "near", "gap_levels", "near_levels",
)  # fmt: skip


@dataclass(frozen=True, eq=False, slots=True)
class ObjectTable:
    """Objects of one label map, numbered as they are met from the top left.

    Parameters
    ----------
    class_id
        uint8, shape (n,).
    object_id
        int64, its id in the label map; 0 for a connected piece, which has none.
    area_px
        int64, pixels.
    row, column
        float64, centre of gravity; the middle of the first pixel is 0.
    top, left, bottom, right
        int64, bounding box; bottom and right lie outside.
    perimeter_px
        float64, by Crofton's formula in four directions, the rims of holes with it.
    filled_px, outer_px
        int64 and float64, area and perimeter with the holes filled.
    major_px, minor_px
        float64, axes of the ellipse with the same second moments.
    orientation
        float64, degrees from 0 to 180 that its longer axis is turned from the image's rows, against the clock.
    feret_px, least_feret_px, hull_px
        float64, largest and smallest Feret diameter and area of the convex hull: `core.morphometry.hulls`.
    boundary_px, line_px, branch_points, end_points
        float64, boundary inside the image, and its lines when it is thinned: `core.morphometry.structure`.
    grey_mean, grey_sd
        float64, mean and standard deviation of the image's grey values in it; NaN where no image was given.
    cut
        bool, touches the image's edge or, also over a corner, pixels that nobody labelled (255): more of it may lie
        beyond.
    part
        float64, how much it adds to the number of objects in ``frame_px``. Of an image that is labelled everywhere
        1, or 0 for objects at the top or the left edge: the unbiased counting frame of Gundersen 1977,
        10.1111/j.1365-2818.1977.tb00062.x. Where labels have gaps as `core.morphometry.regions.parts` has it.
    fits
        float64, in what share of the places of a single pixel, 0 to 1, it would lie whole in the labelled region.
    confidence
        float64, mean confidence of its pixels, 0 to 1; NaN without a confidence map.
    gap_px
        float64, shape (n, classes): distance between the nearest pixel centres of the object and of each class, less
        one pixel; 0 where they touch, also over a corner; NaN for classes that are not there. In the column of its own
        class, to the nearest other object of it where ids tell the objects of the class apart; NaN where not.
    near
        float64, shape (n, classes): share of its outline, 0 to 1, whose gap to each class is no wider than
        ``contact_nm``; 0 for classes that are not there, NaN everywhere without a pixel size. In the column of its own
        class as ``gap_px``; 0 there for the only object of a class that has ids.
    gap_levels, near_levels
        float64, shape (n, classes, levels): as ``gap_px`` and ``near``, to the objects of each class from the area on
        that ``levels_px`` has. ``gap_px`` and ``near`` are one of the levels: see `cleaned`.
    class_ids
        The classes of the columns of ``gap_px`` and ``near``.
    shape_yx
        Rows and columns of the label map.
    labelled_px
        Pixels that are not 255.
    frame_px
        The area that the sum of ``part`` belongs to.
    pixel_size_nm, contact_nm
        With which ``near`` was measured.
    classes_by_id
        The classes whose objects ids tell apart.
    levels_px
        For each class areas in pixels, ascending.
    seen_px
        For each class the area from which on its objects count in ``gap_px`` and ``near``; NaN where these are not
        known for the area that was asked for.
    """

    class_id: NDArray[np.uint8]
    object_id: NDArray[np.int64]
    area_px: NDArray[np.int64]
    row: NDArray[np.float64]
    column: NDArray[np.float64]
    top: NDArray[np.int64]
    left: NDArray[np.int64]
    bottom: NDArray[np.int64]
    right: NDArray[np.int64]
    perimeter_px: NDArray[np.float64]
    filled_px: NDArray[np.int64]
    outer_px: NDArray[np.float64]
    major_px: NDArray[np.float64]
    minor_px: NDArray[np.float64]
    orientation: NDArray[np.float64]
    feret_px: NDArray[np.float64]
    least_feret_px: NDArray[np.float64]
    hull_px: NDArray[np.float64]
    boundary_px: NDArray[np.float64]
    line_px: NDArray[np.float64]
    branch_points: NDArray[np.float64]
    end_points: NDArray[np.float64]
    grey_mean: NDArray[np.float64]
    grey_sd: NDArray[np.float64]
    cut: NDArray[np.bool_]
    part: NDArray[np.float64]
    fits: NDArray[np.float64]
    confidence: NDArray[np.float64]
    gap_px: NDArray[np.float64]
    near: NDArray[np.float64]
    gap_levels: NDArray[np.float64]
    near_levels: NDArray[np.float64]
    class_ids: tuple[int, ...]
    shape_yx: tuple[int, int]
    labelled_px: int
    frame_px: int
    pixel_size_nm: float | None
    contact_nm: float
    classes_by_id: tuple[int, ...] = ()
    levels_px: tuple[tuple[float, ...], ...] = ()
    seen_px: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for name in _COLUMNS:
            column = getattr(self, name)
            if len(column) != len(self.class_id):
                raise ValueError(f"{name} has {len(column)} rows, class_id {len(self.class_id)}")
            column.setflags(write=False)

    def __len__(self) -> int:
        return len(self.class_id)

    def where(self, chosen: NDArray[np.bool_]) -> ObjectTable:
        """Only the chosen objects."""
        columns = {name: getattr(self, name)[chosen] for name in _COLUMNS}
        return ObjectTable(**columns, **self._facts())

    def counted_by(self, class_id: int) -> CountedBy:
        """What the objects of a class are."""
        return CountedBy.IDS if class_id in self.classes_by_id else CountedBy.PIECES

    def without_contacts(self, pixel_size_nm: float | None, contact_nm: float) -> ObjectTable:
        """The same objects with another pixel size or contact distance; contacts are NaN."""
        return dataclasses.replace(
            self, near=np.full_like(self.near, np.nan), near_levels=np.full_like(self.near_levels, np.nan),
            pixel_size_nm=pixel_size_nm, contact_nm=contact_nm,
        )  # fmt: skip

    def cleaned(self, least_px: Mapping[int, float]) -> ObjectTable:
        """The same objects, whose distances and contacts are to objects of at least so many pixels.

        Nothing is measured: an area fits the kept level that the same objects reach. Where there is none the column is
        NaN, and so is ``seen_px``.

        Parameters
        ----------
        least_px
            For each class; 0 where it is missing.
        """
        gap, near = np.full_like(self.gap_px, np.nan), np.full_like(self.near, np.nan)
        seen = []
        for position, class_id in enumerate(self.class_ids):
            areas, least = self.area_px[self.class_id == class_id], least_px.get(class_id, 0.0)
            reaching = np.count_nonzero(areas >= least)
            alike = (
                n for n, kept in enumerate(self.levels_px[position]) if np.count_nonzero(areas >= kept) == reaching
            )
            level = next(alike, None)
            seen.append(float("nan") if level is None else float(least))
            if level is not None:
                gap[:, position], near[:, position] = (
                    self.gap_levels[:, position, level],
                    self.near_levels[:, position, level],
                )
        return dataclasses.replace(self, gap_px=gap, near=near, seen_px=tuple(seen))

    def save(self, path: Path) -> None:
        """Write as NumPy's archive, atomically. Raises StorageFullError where the disk is full."""
        facts = json.dumps({"version": VERSION, **self._facts()})
        save_arrays(path, facts=np.array(facts), **{name: getattr(self, name) for name in _COLUMNS})

    @classmethod
    def load(cls, path: Path) -> ObjectTable | None:
        """Read what `save` wrote; None where there is none, or one of another version."""
        try:
            kept = load_arrays(path)
            if kept is None:
                return None
            facts = json.loads(str(kept["facts"]))
            if facts.pop("version") != VERSION:
                return None
            facts["class_ids"], facts["shape_yx"] = tuple(facts["class_ids"]), tuple(facts["shape_yx"])
            facts["classes_by_id"], facts["seen_px"] = tuple(facts["classes_by_id"]), tuple(facts["seen_px"])
            facts["levels_px"] = tuple(tuple(of) for of in facts["levels_px"])
            columns: dict[str, Any] = {name: kept[name] for name in _COLUMNS}
            return cls(**columns, **facts)
        except (LabelMapError, ValueError, KeyError):
            return None

    def _facts(self) -> dict[str, Any]:
        return {
            "class_ids": self.class_ids,
            "shape_yx": self.shape_yx,
            "labelled_px": self.labelled_px,
            "frame_px": self.frame_px,
            "pixel_size_nm": self.pixel_size_nm,
            "contact_nm": self.contact_nm,
            "classes_by_id": self.classes_by_id,
            "levels_px": self.levels_px,
            "seen_px": self.seen_px,
        }


def measure_objects(
    labels_yx: NDArray[np.uint8],
    scheme: LabelScheme,
    pixel_size_nm: float | None,
    *,
    confidence_yx: NDArray[np.uint8] | None = None,
    objects: ObjectIds | None = None,
    grey_of: Callable[[slice], NDArray[Any]] | None = None,
    contact_nm: float = CONTACT_NM,
    least_px: Mapping[int, float] | None = None,
    progress: Callable[[float], None] = lambda fraction: None,
) -> ObjectTable:
    """Measure every object of every class.

    Parameters
    ----------
    labels_yx
        uint8, shape (rows, columns), class ids; 255 belongs to nothing.
    scheme
        The classes.
    pixel_size_nm
        Edge of a pixel in nm, None where unknown: then nothing is said about contacts.
    confidence_yx
        uint8 of the same shape, 255 times the probability of the predicted class.
    objects
        Ids of its objects, same shape; None: connected pieces are objects.
    grey_of
        Gives rows of the image that it belongs to, shape (rows, columns); None: nothing is said about grey values.
    contact_nm
        Greatest gap that counts as contact.
    least_px
        For each class, the pixels from which on its objects are seen by others: specks of it have no distance and no
        contact. None: every object is. Distances to every object, and to those of `SMALL_PX` or more, are kept beside.
    progress
        Told a fraction, 0 to 1; may raise to stop.

    Returns
    -------
    ObjectTable
        Without rows where the map holds no class.

    Raises
    ------
    LabelMapError
        The map is not 2D, holds an id that is not in the scheme, or its confidence map has another size.

    Examples
    --------
    >>> import numpy as np
    >>> from core.label_scheme import DEFAULT_SCHEME
    >>> labels = np.array([[0, 1, 1, 0], [0, 0, 0, 0], [0, 3, 0, 0]], np.uint8)
    >>> table = measure_objects(labels, DEFAULT_SCHEME, 10.0)
    >>> table.area_px.tolist(), table.gap_px[0, 2].item(), table.near[0, 2].item()
    ([2, 1], 1.0, 1.0)
    """
    labelled_px = _checked(labels_yx, scheme, confidence_yx)
    numbered = number_objects(labels_yx, scheme.ids, objects)
    pieces_yx, class_of, area_px, count = numbered.numbers_yx, numbered.class_of, numbered.area_px, numbered.count
    by_id = () if objects is None else tuple(i for i in scheme.ids if i in objects.class_ids)
    progress(0.1)
    boxes = ndimage.find_objects(_signed(pieces_yx)) if count else []
    box = np.array([(rows.start, columns.start, rows.stop, columns.stop) for rows, columns in boxes], np.int64)
    box = box.reshape(count, 4)
    area_px = area_px[1:]
    centre, major_px, minor_px, orientation = ellipses(pieces_yx, area_px)
    progress(0.2)
    perimeter_px = perimeters(pieces_yx, count)
    filled_px, outer_px = filled(pieces_yx, box, area_px, perimeter_px, numbered.id_of[1:] > 0, perimeters)
    convex = hulls(pieces_yx, count)
    progress(0.3)
    lines = structure(labels_yx, pieces_yx, class_of, scheme.ids)
    progress(0.45)
    outline = outlines(pieces_yx, labels_yx, count)
    grey_mean, grey_sd = _grey_values(pieces_yx, grey_of, area_px)
    progress(0.5)
    levels = _levels(scheme, class_of, numbered.area_px, least_px or {})
    gaps, near = neighbours(
        outline, class_of, numbered.area_px, levels, None if pixel_size_nm is None else contact_nm / pixel_size_nm,
        lambda fraction: progress(0.5 + 0.5 * fraction), by_id=by_id,
    )  # fmt: skip
    rows, columns = labels_yx.shape
    at_edge = (box[:, 0] == 0) | (box[:, 1] == 0) | (box[:, 2] == rows) | (box[:, 3] == columns)
    cut = at_edge | outline.beside_ignored
    part, fits, frame_px = _in_regions(pieces_yx, labels_yx, box, cut, labelled_px)
    table = ObjectTable(
        class_of[1:], numbered.id_of[1:], area_px, centre[:, 0], centre[:, 1], box[:, 0], box[:, 1], box[:, 2],
        box[:, 3], perimeter_px, filled_px, outer_px, major_px, minor_px, orientation, *convex, *lines, grey_mean,
        grey_sd, cut, part, fits, _confidence(pieces_yx, confidence_yx, area_px), gaps[:, :, 0], near[:, :, 0], gaps,
        near, scheme.ids, (int(rows), int(columns)),
        labelled_px, frame_px, pixel_size_nm, float(contact_nm), by_id,
        tuple(levels.values()), (0.0,) * len(scheme.ids),
    )  # fmt: skip
    return table if least_px is None else table.cleaned(least_px)


def _levels(
    scheme: LabelScheme, class_of: NDArray[np.uint8], area_px: NDArray[np.int64], least_px: Mapping[int, float]
) -> dict[int, tuple[float, ...]]:
    """For each class the areas from which on distances are kept, as many for each: those that differ in objects."""
    found = {}
    for class_id in scheme.ids:
        areas = area_px[1:][class_of[1:] == class_id]
        reached = {int(np.count_nonzero(areas >= area)): area for area in (least_px.get(class_id, 0.0), SMALL_PX, 0.0)}
        found[class_id] = tuple(sorted(float(area) for area in reached.values()))
    depth = max(len(of) for of in found.values())
    return {class_id: of + of[-1:] * (depth - len(of)) for class_id, of in found.items()}


def _in_regions(
    pieces_yx: NDArray[Any],
    labels_yx: NDArray[np.uint8],
    box: NDArray[np.int64],
    cut: NDArray[np.bool_],
    labelled_px: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """``part``, ``fits`` and ``frame_px``."""
    if labelled_px < labels_yx.size:
        shares = parts(pieces_yx, labels_yx, box, cut), fitting(pieces_yx, labels_yx, box)
        return *shares, windows_inside(labels_yx)
    shape_yx = (int(labels_yx.shape[0]), int(labels_yx.shape[1]))
    framed = (box[:, 0] > 0) & (box[:, 1] > 0)
    return framed.astype(np.float64), box_fits(box[:, 2] - box[:, 0], box[:, 3] - box[:, 1], shape_yx), labelled_px


def _signed(numbers_yx: NDArray[Any]) -> NDArray[Any]:
    """As SciPy takes it: fewer than 2³¹ objects are in any label map."""
    return numbers_yx.view(np.int32) if numbers_yx.dtype == np.uint32 else numbers_yx


def _checked(labels_yx: NDArray[np.uint8], scheme: LabelScheme, confidence_yx: NDArray[np.uint8] | None) -> int:
    """Refuse what cannot be measured; the pixels that are not 255."""
    if labels_yx.ndim != 2:
        raise LabelMapError(f"The label map has {labels_yx.ndim} dimensions.", "Measure one 2D label map at a time.")
    counts = id_counts(labels_yx)
    check_ids(counts, scheme)
    if confidence_yx is not None and confidence_yx.shape != labels_yx.shape:
        raise LabelMapError(
            f"The confidence map has the shape {confidence_yx.shape} but the label map {labels_yx.shape}.",
            "Use both from the same prediction.",
        )
    return int(counts[:IGNORE_ID].sum())


def _grey_values(
    pieces_yx: NDArray[Any], grey_of: Callable[[slice], NDArray[Any]] | None, area_px: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each object's pixels."""
    if grey_of is None:
        return np.full(len(area_px), np.nan), np.full(len(area_px), np.nan)
    sums = np.zeros((2, len(area_px) + 1))
    for band in row_bands(pieces_yx.shape):
        grey = grey_of(band).astype(np.float64).ravel()
        for total, values in zip(sums, (grey, grey * grey), strict=True):
            total += np.bincount(pieces_yx[band].ravel(), values, len(total))
    mean, square = sums[:, 1:] / np.maximum(area_px, 1)
    return mean, np.sqrt(np.maximum(square - mean * mean, 0.0))


def _confidence(
    pieces_yx: NDArray[Any], confidence_yx: NDArray[np.uint8] | None, area_px: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Mean confidence of each object."""
    if confidence_yx is None:
        return np.full(len(area_px), np.nan)
    sums = np.zeros(len(area_px) + 1)
    for band in row_bands(pieces_yx.shape):
        sums += np.bincount(pieces_yx[band].ravel(), confidence_yx[band].ravel(), len(sums))
    return np.asarray(sums[1:] / np.maximum(area_px, 1) / 255)
