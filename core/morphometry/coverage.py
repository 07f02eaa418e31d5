"""How much of an image each class covers, and in how many pieces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from core.errors import LabelMapError
from core.imaging.row_bands import id_counts, row_bands
from core.label_scheme import IGNORE_ID, LabelScheme

NM2_PER_UM2: Final = 1e6
"""Square nanometres in a square micrometre."""

SMALL_PX: Final = 20
"""Pieces below this are more often specks of a prediction than organelles, at the pixel sizes of cells."""


class Pieces(Protocol):
    """The 8-connected pieces of the classes of a label map, as `core.objects.pieces.piece_table` finds them."""

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
        Number of 8-connected pieces; None for background.
    small_objects
        How many of them have fewer than `SMALL_PX` pixels; None for background, and where they were not measured.
    """

    class_id: int
    name: str
    pixels: int
    fraction: float
    area_um2: float | None
    objects: int | None
    small_objects: int | None = None

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
        }


def coverage_table(
    labels_yx: NDArray[np.uint8],
    scheme: LabelScheme,
    pixel_size_nm: float | None,
    *,
    pieces: Pieces | None = None,
) -> tuple[ClassCoverage, ...]:
    """Pixels, share, area and number of objects of each class, background first, every class of the scheme listed.

    Objects are 8-connected pieces of one class, counted with no smallest size. 255 (*ignore*) counts nowhere.

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
    objects, small = _objects_per_class(labels_yx) if pieces is None else _counts(pieces)
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
                objects=None if class_id == 0 else int(objects[class_id]),
                small_objects=None if class_id == 0 else int(small[class_id]),
            )
        )
    return tuple(rows)


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
            f"The label map holds {int(counts[unknown].sum())} px with the ids {unknown}, not in the label scheme.",
            f"Use the ids {(0, *scheme.ids)}, or 255 for ignore.",
        )


def area_um2(pixels: int, pixel_size_nm: float | None) -> float | None:
    """Area of so many pixels in square micrometres, None where the pixel size is unknown.

    >>> area_um2(3, 1000.0)
    3.0
    """
    return None if pixel_size_nm is None else pixels * pixel_size_nm**2 / NM2_PER_UM2


def _counts(pieces: Pieces) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """As `_objects_per_class`, of pieces that were found before."""
    small = pieces.class_id[pieces.area_px < SMALL_PX]
    return np.bincount(pieces.class_id, minlength=256), np.bincount(small, minlength=256)


def _objects_per_class(labels_yx: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number of 8-connected pieces for each of the 256 possible values, and of those that are small; in one pass."""
    import cc3d

    writeable = labels_yx if labels_yx.flags.writeable else labels_yx.copy()  # its wrapper takes no read-only array
    pieces, count = cc3d.connected_components(writeable, connectivity=8, return_N=True)
    class_of_piece = np.zeros(count + 1, np.uint8)
    pixels = np.zeros(count + 1, np.int64)
    for rows in row_bands(labels_yx.shape):
        found = pieces[rows].ravel()
        class_of_piece[found] = labels_yx[rows].ravel()
        counted = np.bincount(found)
        pixels[: counted.size] += counted
    small = class_of_piece[1:][pixels[1:] < SMALL_PX]
    return np.bincount(class_of_piece[1:], minlength=256), np.bincount(small, minlength=256)
