"""The values of one mask: two levels, a soft edge between them, or an id for each object.

A soft edge lies beside the highest level and has no inside. Ids are whole numbers that are constant over areas. What is
neither is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core.errors import LabelMapError
from core.imaging.row_bands import row_bands, value_counts
from core.labels.planes import listed
from core.labels.report import LabelRule, RuleCount

SOFT_SHARE: Final = 0.02
"""At most this share of the pixels of a mask may lie between background and mask: edges, not a third grey level."""

_EDGE_PX: Final = 2
"""Soft edges of exports are 1 to 2 px wide."""

_EXPLAINED: Final = 0.9
"""Share of the pixels in between that must lie at an edge, or have almost one of the two levels."""

_FEW: Final = 1e-4
"""Share of the pixels up to which single stray values may lie anywhere."""

_ALMOST: Final = 0.1
"""Part of the highest value by which a value may miss one of the two levels."""

_FLAT: Final = 0.5
"""Share of neighbours in between that must be equal for ids: areas, not slopes."""

_SMALL_IDS: Final = 100
"""Masks with soft edges reach 255 or so; a highest value below this is an id."""

_LEVELS: Final = 8
"""Up to so many values that end at white are grey levels of several classes, such as 85, 170, 255."""


@dataclass(frozen=True, slots=True)
class _Between:
    """What lies between 0 and the highest value: shares of its pixels (explained, inside) or of pairs (flat)."""

    explained: float
    inside: float
    flat: float


def high_part(values_yx: NDArray[Any], name: str) -> tuple[NDArray[np.bool_], list[RuleCount]]:
    """Where a mask is set.

    Parameters
    ----------
    values_yx
        Shape (rows, columns): bool, integers or floats.
    name
        Of the file.

    Returns
    -------
    ndarray, list of RuleCount
        bool, same shape; what was decided.

    Raises
    ------
    LabelMapError
        Negative, NaN or infinite values; more than two levels that are neither edges nor ids.
    """
    if values_yx.dtype == bool:
        return values_yx, []
    values_yx = _whole_numbers(values_yx, name)
    low, high = values_yx.min(), values_yx.max()
    if low < 0:
        raise LabelMapError(f"{name} contains negative values, down to {low:g}.", "Export 0 as background.")
    number = _count_between(values_yx, high)
    if number == 0:
        return values_yx >= max(float(high), float(np.finfo(np.float32).tiny)), []
    between = _between(values_yx, float(high), number)
    whole = values_yx.dtype.kind in "iu"
    if whole and _are_ids(values_yx, int(high), between):
        return values_yx != 0, [_ids_count(values_yx, name)]
    at_edges = between.explained >= _EXPLAINED or number <= _FEW * values_yx.size
    soft = at_edges and between.inside <= 1 - _EXPLAINED
    if not soft or number > SOFT_SHARE * values_yx.size:
        raise _no_mask(values_yx, name)
    shown = values_yx[(values_yx != 0) & (values_yx != high)]
    return values_yx >= float(high) / 2, [RuleCount(LabelRule.CUT_AT_HALF, number, name, listed(shown))]


def _whole_numbers(values_yx: NDArray[Any], name: str) -> NDArray[Any]:
    """Floats that are whole and beyond 1 as integers: ids are saved like that, too."""
    if values_yx.dtype.kind != "f":
        return values_yx
    bands = list(row_bands(values_yx.shape))
    if not all(np.isfinite(values_yx[band]).all() for band in bands):
        raise LabelMapError(f"{name} contains NaN or infinite values.", "Export the mask as 8-bit PNG or TIFF.")
    if not 1 < values_yx.max() < 2**31 or values_yx.min() < 0:
        return values_yx
    whole = all(np.array_equal(values_yx[band], np.rint(values_yx[band])) for band in bands)
    return values_yx.astype(np.uint32) if whole else values_yx


def _count_between(values_yx: NDArray[Any], high: Any) -> int:
    bands = (values_yx[band] for band in row_bands(values_yx.shape))
    return sum(int(np.count_nonzero((band != 0) & (band != high))) for band in bands)


def _between(values_yx: NDArray[Any], high: float, number: int) -> _Between:
    """Where the pixels in between lie, band by band with the rows beside."""
    explained = inside = flat = pairs = 0
    for band in row_bands(values_yx.shape):
        top = max(band.start - _EDGE_PX, 0)
        values = values_yx[top : band.stop + _EDGE_PX]
        own = slice(band.start - top, band.stop - top)
        between = (values != 0) & (values != high)
        if not between[own].any():
            continue
        near = ndimage.maximum_filter((values == high).view(np.uint8), size=2 * _EDGE_PX + 1).view(bool)
        almost = (values <= _ALMOST * high) | (values >= (1 - _ALMOST) * high)
        explained += int(np.count_nonzero((between & (near | almost))[own]))
        inside += int(np.count_nonzero((between & _same_as_neighbours(values))[own]))
        for first, second in ((values[own][:, 1:], values[own][:, :-1]), (values[own][1:], values[own][:-1])):
            counted = (first != 0) & (second != 0) & ((first != high) | (second != high))
            pairs += int(np.count_nonzero(counted))
            flat += int(np.count_nonzero(counted & (first == second)))
    return _Between(explained / number, inside / number, flat / pairs if pairs else 0.0)


def _same_as_neighbours(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether the pixels above, below, left and right have the same value; never at the border."""
    result = np.zeros(values.shape, dtype=bool)
    if min(values.shape) < 3:
        return result
    middle = values[1:-1, 1:-1]
    result[1:-1, 1:-1] = (
        (middle == values[:-2, 1:-1])
        & (middle == values[2:, 1:-1])
        & (middle == values[1:-1, :-2])
        & (middle == values[1:-1, 2:])
    )
    return result


def _are_ids(values_yx: NDArray[Any], high: int, between: _Between) -> bool:
    """Whether every value is an object."""
    if between.flat < _FLAT:
        return False
    if high < _SMALL_IDS:
        return True
    if between.explained >= _EXPLAINED and between.inside <= 1 - _EXPLAINED:
        return False
    found = value_counts(values_yx)[0]
    white = int(np.iinfo(values_yx.dtype).max) if values_yx.dtype.itemsize < 4 else 0
    return bool(high not in (255, white) or np.count_nonzero(found) > _LEVELS)


def _ids_count(values_yx: NDArray[Any], name: str) -> RuleCount:
    found, pixels = value_counts(values_yx)
    objects = int(np.count_nonzero(found))
    detail = f"{objects:,} objects, ids {int(found[found != 0].min())} to {int(found.max())}"
    return RuleCount(LabelRule.OBJECT_IDS, int(pixels[found != 0].sum()), name, detail)


def _no_mask(values_yx: NDArray[Any], name: str) -> LabelMapError:
    if values_yx.dtype.kind == "f":
        held = f"values from {values_yx.min():g} to {values_yx.max():g}"
    else:
        held = listed(*value_counts(values_yx))
    return LabelMapError(
        f"{name} is not a mask of one class; it contains {held}.",
        "If each value is a class, import it as a label image and assign a class to each value; if it has soft "
        "edges, export it without smoothing; if it is a probability map, apply a threshold first.",
    )
