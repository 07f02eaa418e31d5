"""How much of an image each class covers, and in how many objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from core.errors import LabelMapError
from core.imaging.object_pyramid import ObjectIds
from core.imaging.row_bands import id_counts
from core.label_scheme import IGNORE_ID, LabelScheme
from core.labels.numbering import CountedBy, counted_by, number_objects
from core.morphometry.doubts import CountInterval, Doubts, count_interval, interval_json

NM2_PER_UM2: Final = 1e6
"""Square nanometres in a square micrometre."""

SMALL_PX: Final = 20
"""Pieces below this are more often specks of a prediction than organelles, at the pixel sizes of cells."""


class Pieces(Protocol):
    """The objects of the classes of a label map, as `core.objects.pieces.piece_table` finds them."""

    @property
    def class_id(self) -> NDArray[np.uint8]:
        """Shape (n,)."""
        ...

    @property
    def area_px(self) -> NDArray[np.int64]:
        """Shape (n,)."""
        ...


@dataclass(frozen=True, slots=True)
class ClassCoverage:
    """One row of the coverage table.

    Parameters
    ----------
    class_id, name
        The class; id 0 is background.
    pixels
        Pixels of the class.
    fraction
        Of all pixels that are not *ignore*, 0 to 1; NaN when every pixel is *ignore*.
    area_um2
        Square micrometres, or None where the pixel size is unknown.
    objects
        How many; None for background.
    small_objects
        How many of them have fewer than `SMALL_PX` pixels; None for background, and where they were not measured.
    counted_by
        What the objects are: pieces, or ids where the label map tells objects of this class apart.
    interval
        Of ``objects``, from questions that nobody has answered; None where nothing is in doubt.
    """

    class_id: int
    name: str
    pixels: int
    fraction: float
    area_um2: float | None
    objects: int | None
    small_objects: int | None = None
    counted_by: CountedBy = CountedBy.PIECES
    interval: CountInterval | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "class_id": self.class_id,
            "name": self.name,
            "pixels": self.pixels,
            "fraction": None if np.isnan(self.fraction) else self.fraction,
            "area_um2": self.area_um2,
            "objects": self.objects,
            "small_objects": self.small_objects,
            "counted_by": str(self.counted_by),
            **interval_json(self.interval),
        }


def coverage_table(
    labels_yx: NDArray[np.uint8],
    scheme: LabelScheme,
    pixel_size_nm: float | None,
    *,
    pieces: Pieces | None = None,
    objects: ObjectIds | None = None,
    doubts: Doubts | None = None,
) -> tuple[ClassCoverage, ...]:
    """Pixels, share, area and number of objects of each class, background first, every class of the scheme listed.

    Objects are as `core.labels.numbering` says, counted with no smallest size. 255 (*ignore*) counts nowhere.

    Parameters
    ----------
    labels_yx
        uint8, shape (rows, columns), class ids.
    scheme
        The classes.
    pixel_size_nm
        Edge of a pixel in nm, or None where unknown.
    pieces
        Those of the label map, where they are known; None: they are found here.
    objects
        Ids of its objects, same shape; None: connected pieces are objects.
    doubts
        Unanswered places where one object may be two, or two one; None: none.

    Raises
    ------
    LabelMapError
        The label map holds an id that is not in the scheme.

    Examples
    --------
    >>> import numpy as np
    >>> from core.label_scheme import DEFAULT_SCHEME
    >>> labels = np.array([[1, 0, 1], [0, 0, 0]], np.uint8)
    >>> row = coverage_table(labels, DEFAULT_SCHEME, 1000.0)[1]
    >>> row.name, row.pixels, row.area_um2, row.objects
    ('mitochondria', 2, 2.0, 2)
    """
    counts = id_counts(labels_yx)
    check_ids(counts, scheme)
    number, small = _counts(_found(labels_yx, scheme, objects) if pieces is None else pieces)
    counted = int(counts[:IGNORE_ID].sum())
    rows = []
    for class_id in (0, *scheme.ids):
        pixels = int(counts[class_id])
        rows.append(
            ClassCoverage(
                class_id=class_id,
                name=scheme.name_of(class_id),
                pixels=pixels,
                fraction=pixels / counted if counted else float("nan"),
                area_um2=area_um2(pixels, pixel_size_nm),
                objects=None if class_id == 0 else int(number[class_id]),
                small_objects=None if class_id == 0 else int(small[class_id]),
                counted_by=counted_by(class_id, objects),
                interval=_interval(class_id, int(number[class_id]), doubts),
            )
        )
    return tuple(rows)


def _interval(class_id: int, objects: int, doubts: Doubts | None) -> CountInterval | None:
    return None if doubts is None or not class_id else count_interval(objects, doubts.of_class(class_id).changes())


def check_ids(counts: NDArray[np.int64], scheme: LabelScheme) -> None:
    """Refuse a label map with ids that are not in the scheme.

    Parameters
    ----------
    counts
        Pixels of each of the 256 ids.
    scheme
        The classes.

    Raises
    ------
    LabelMapError
        There are such ids.
    """
    unknown = [int(i) for i in np.flatnonzero(counts) if i not in (0, IGNORE_ID, *scheme.ids)]
    if unknown:
        raise LabelMapError(
            f"The label map holds {int(counts[unknown].sum())} px with the unknown class ids {unknown}.",
            f"Use the ids {(0, *scheme.ids)}, or 255 for ignore.",
        )


def area_um2(pixels: int, pixel_size_nm: float | None) -> float | None:
    """Area of so many pixels in square micrometres, None where the pixel size is unknown.

    >>> area_um2(3, 1000.0)
    3.0
    """
    return None if pixel_size_nm is None else pixels * pixel_size_nm**2 / NM2_PER_UM2


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """As `Pieces`."""

    class_id: NDArray[np.uint8]
    area_px: NDArray[np.int64]


def _found(labels_yx: NDArray[np.uint8], scheme: LabelScheme, objects: ObjectIds | None) -> _Found:
    """All objects of a label map."""
    numbered = number_objects(labels_yx, scheme.ids, objects)
    return _Found(numbered.class_of[1:], numbered.area_px[1:])


def _counts(pieces: Pieces) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Objects of each of the 256 ids, and how many of them are small."""
    small = pieces.class_id[pieces.area_px < SMALL_PX]
    return np.bincount(pieces.class_id, minlength=256), np.bincount(small, minlength=256)
