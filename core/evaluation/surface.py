"""Distances between the surfaces of a class in reference and prediction: NSD at a tolerance, and HD95, in nm.

A surface pixel of a class is one with a neighbour (up, down, left, right) of another class. The frame of the image and
the edge of what nobody reviewed (255) are no surface. Distances go from the centre of a pixel to the centre of the
nearest surface pixel of the other map; exact, from k-d trees, so memory grows with surfaces and not with images.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from core.evaluation.counts import Counts, ratio
from core.evaluation.label_pair import LabelPair
from core.evaluation.metric import Family
from core.label_scheme import IGNORE_ID

HD_PERCENTILE = 95
"""Of the distances; the largest of all is decided by one stray pixel."""


@dataclass(frozen=True, slots=True)
class SurfaceCounts(Counts):
    """Surface pixels of one class.

    Parameters
    ----------
    reference_px, reference_near_px
        Of the reference: all, and those within the tolerance of the prediction's surface.
    prediction_px, prediction_near_px
        The other way round.
    hd95_nm
        The larger of the two 95th percentiles of distances; NaN for undefined and for pooled counts.
    """

    reference_px: int
    reference_near_px: int
    prediction_px: int
    prediction_near_px: int
    hd95_nm: float

    def __add__(self, other: Self) -> Self:
        return type(self)(
            self.reference_px + other.reference_px,
            self.reference_near_px + other.reference_near_px,
            self.prediction_px + other.prediction_px,
            self.prediction_near_px + other.prediction_near_px,
            float("nan"),
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "reference_px": self.reference_px,
            "reference_near_px": self.reference_near_px,
            "prediction_px": self.prediction_px,
            "prediction_near_px": self.prediction_near_px,
            "hd95_nm": None if np.isnan(self.hd95_nm) else self.hd95_nm,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        return cls(**{**values, "hd95_nm": float("nan") if values["hd95_nm"] is None else values["hd95_nm"]})


def nsd(counts: SurfaceCounts) -> float:
    """Normalised surface distance: share of both surfaces that is within the tolerance of the other."""
    return ratio(counts.reference_near_px + counts.prediction_near_px, counts.reference_px + counts.prediction_px)


def hd95(counts: SurfaceCounts) -> float:
    """95th percentile of the surface distances, the larger of both directions, in nm."""
    return counts.hd95_nm


def measure_surfaces(pair: LabelPair, class_ids: tuple[int, ...]) -> dict[int, SurfaceCounts]:
    """Surface counts of the classes.

    Parameters
    ----------
    pair
        With a pixel size.
    class_ids
        Of the scheme.

    Returns
    -------
    dict
        Class id to counts. One map without a surface: nothing is near, HD95 is the image's diagonal. Both without:
        no surface pixels, HD95 is NaN.
    """
    reference = surface_points(pair.reference_yx, class_ids)
    prediction = surface_points(pair.prediction_covered_yx, class_ids)
    return {class_id: _compare(reference[class_id], prediction[class_id], pair) for class_id in class_ids}


def surface_points(labels_yx: NDArray[np.uint8], class_ids: tuple[int, ...]) -> dict[int, NDArray[np.int64]]:
    """Surface pixels of each class.

    Parameters
    ----------
    labels_yx
        uint8, class ids, 255 for what does not count.
    class_ids
        The classes wanted.

    Returns
    -------
    dict
        Class id to int64 positions in ``labels_yx.ravel()``, ascending.

    Examples
    --------
    >>> import numpy as np
    >>> surface_points(np.array([[1, 1, 1, 0]], np.uint8), (1,))[1].tolist()
    [2]
    """
    on_surface = np.zeros(labels_yx.shape, bool)
    for axis in (0, 1):
        before = labels_yx[:-1] if axis == 0 else labels_yx[:, :-1]
        after = labels_yx[1:] if axis == 0 else labels_yx[:, 1:]
        differs = (before != after) & (before != IGNORE_ID) & (after != IGNORE_ID)
        (on_surface[:-1] if axis == 0 else on_surface[:, :-1])[differs] = True
        (on_surface[1:] if axis == 0 else on_surface[:, 1:])[differs] = True
    positions = np.flatnonzero(on_surface)
    classes = labels_yx.ravel()[positions]
    return {class_id: positions[classes == class_id] for class_id in class_ids}


def _compare(reference: NDArray[np.int64], prediction: NDArray[np.int64], pair: LabelPair) -> SurfaceCounts:
    """Counts from the surface pixels of both maps."""
    n_reference, n_prediction = len(reference), len(prediction)
    if not (n_reference and n_prediction):
        neither = n_reference == n_prediction
        return SurfaceCounts(n_reference, 0, n_prediction, 0, float("nan") if neither else pair.diagonal_nm)
    width, size_nm = pair.reference_yx.shape[1], pair.pixel_size_nm or float("nan")
    tolerance = (pair.settings.tolerance_nm or 0.0) * (1 + 1e-9)  # 3 pixels of 1.1 nm are 3.3000000000000003 nm
    to_prediction = _distances_px(reference, prediction, width) * size_nm
    to_reference = _distances_px(prediction, reference, width) * size_nm
    return SurfaceCounts(
        n_reference,
        int(np.count_nonzero(to_prediction <= tolerance)),
        n_prediction,
        int(np.count_nonzero(to_reference <= tolerance)),
        float(max(np.percentile(to_prediction, HD_PERCENTILE), np.percentile(to_reference, HD_PERCENTILE))),
    )


def _distances_px(points: NDArray[np.int64], targets: NDArray[np.int64], width: int) -> NDArray[np.float64]:
    """Distance of each point to the nearest target, both as positions in an image of this width."""
    distances = np.zeros(len(points))
    places = np.minimum(np.searchsorted(targets, points), len(targets) - 1)
    away = targets[places] != points
    if away.any():
        tree = cKDTree(_yx(targets, width), balanced_tree=False, compact_nodes=False)  # quicker to build, as exact
        distances[away] = tree.query(_yx(points[away], width))[0]
    return distances


def _yx(positions: NDArray[np.int64], width: int) -> NDArray[np.float64]:
    """Rows and columns of flat positions."""
    return np.stack(np.divmod(positions, width), axis=1).astype(np.float64)


def _classes(pair: LabelPair) -> tuple[int, ...]:
    """All classes that are there, where the pixel size is known."""
    if pair.pixel_size_nm is None or pair.settings.tolerance_nm is None:
        return ()
    return tuple(i for i in pair.scheme.ids if not pair.empty_in_both(i))


SURFACE = Family("surface", _classes, measure_surfaces, SurfaceCounts)
