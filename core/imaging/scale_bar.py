"""Where a burnt-in scale bar is likely: a start for the line that a person then puts in place, never more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.imaging.pyramid import Pyramid

SEARCHED_SHARE: Final = 0.3
"""Of the image, from below: microscopes write bars into a lower corner or a strip under the image."""

SEARCHED_ROWS: Final = 2048
"""At most, so that looking into a very large image stays quick."""

_TOLERANCE_SHARE: Final = 0.15
"""Of the grey range: JPEG and resampling blur what was black or white."""

_LEAST_WIDTH_SHARE: Final = 0.04
_LEAST_WIDTH_PX: Final = 32
"""Shorter runs occur in tissue, and a bar that short tells the size of a pixel to 5 % at best."""
_MOST_WIDTH_SHARE: Final = 0.9
"""Longer runs are frames and the strip itself."""

_LEAST_ROWS: Final = 2
_LEAST_ASPECT: Final = 4.0
"""Length over thickness."""

_MOST_BESIDE: Final = 0.3
"""Of the bar's length that has its grey value just above or below it: else it is a gap between letters in a strip."""

_GAP_PX: Final = 2
"""Pixels of another value within a row of a bar, as JPEG leaves them."""

_MARGIN_PX: Final = 2
"""Between a bar and what counts as beside it, for blur."""

_SAME_END_PX: Final = 2
"""How far ends of the rows of one bar differ."""


@dataclass(frozen=True, slots=True)
class ScaleBarLine:
    """A line along the middle of a bar, in pixels of the image; ends are edges, so length is end minus start.

    Parameters
    ----------
    row
        Height of the line.
    column_start, column_end
        Left edge of the first and right edge of the last pixel of the bar.
    """

    row: float
    column_start: float
    column_end: float


def find_scale_bar(image_yx: NDArray[Any], *, row_offset: int = 0) -> ScaleBarLine | None:
    """The longest bar of the darkest or the brightest grey value that does not touch the image's sides.

    Parameters
    ----------
    image_yx
        Where to look, any real data type: the lower part of an image.
    row_offset
        Rows of the image above it.

    Returns
    -------
    ScaleBarLine or None
        None where nothing looks like a bar.

    >>> image = np.full((60, 200), 90, np.uint8)
    >>> image[40:46, 120:180] = 255
    >>> find_scale_bar(image)
    ScaleBarLine(row=43.0, column_start=120.0, column_end=180.0)
    """
    low, high = float(image_yx.min()), float(image_yx.max())
    if not np.isfinite([low, high]).all() or high <= low:
        return None
    tolerance = (high - low) * _TOLERANCE_SHARE
    bars = [*_bars(image_yx >= high - tolerance), *_bars(image_yx <= low + tolerance)]
    if not bars:
        return None
    row_start, row_end, start, end = max(bars, key=lambda bar: (bar[3] - bar[2], bar[0]))
    return ScaleBarLine(row_offset + (row_start + row_end) / 2, float(start), float(end))


def likely_scale_bar(pyramid: Pyramid) -> ScaleBarLine | None:
    """As `find_scale_bar`, in the lower part of a stored image."""
    rows, columns = pyramid.shape_yx
    searched = min(SEARCHED_ROWS, max(1, round(rows * SEARCHED_SHARE)))
    lower = np.asarray(pyramid.read(0, slice(rows - searched, rows), slice(0, columns)))
    return find_scale_bar(lower, row_offset=rows - searched)


def _bars(mask_yx: NDArray[np.bool_]) -> list[tuple[int, int, int, int]]:
    """Rectangles (first row, row behind the last, first column, column behind the last) that may be bars."""
    width = mask_yx.shape[1]
    least = max(_LEAST_WIDTH_PX, round(width * _LEAST_WIDTH_SHARE))
    open_bars: list[tuple[int, int, int, int]] = []
    found: list[tuple[int, int, int, int]] = []
    for row, runs in enumerate(_runs(mask_yx, least)):
        going = []
        for start, end in runs:
            above = next(
                (bar for bar in open_bars if abs(bar[2] - start) <= _SAME_END_PX and abs(bar[3] - end) <= _SAME_END_PX),
                None,
            )
            going.append((row, row + 1, start, end) if above is None else (above[0], row + 1, above[2], above[3]))
        found += [bar for bar in open_bars if (bar[0], bar[2]) not in {(other[0], other[2]) for other in going}]
        open_bars = going
    return [bar for bar in (*found, *open_bars) if _is_bar(bar, mask_yx)]


def _is_bar(bar: tuple[int, int, int, int], mask_yx: NDArray[np.bool_]) -> bool:
    """Whether a rectangle has the shape of a bar and stands alone."""
    rows, columns = mask_yx.shape
    row_start, row_end, start, end = bar
    length, thickness = end - start, row_end - row_start
    if thickness < _LEAST_ROWS or length < _LEAST_ASPECT * thickness or length > _MOST_WIDTH_SHARE * columns:
        return False
    if start == 0 or end == columns or row_end == rows:
        return False
    beside = [row for row in (row_start - 1 - _MARGIN_PX, row_end + _MARGIN_PX) if 0 <= row < rows]
    return all(mask_yx[row, start:end].mean() <= _MOST_BESIDE for row in beside)


def _runs(mask_yx: NDArray[np.bool_], least: int) -> list[list[tuple[int, int]]]:
    """For each row the runs of at least so many pixels, as (first column, column behind the last)."""
    padded = np.zeros((mask_yx.shape[0], mask_yx.shape[1] + 2), np.int8)
    padded[:, 1:-1] = mask_yx
    edges = np.diff(padded, axis=1)
    rows, starts = np.nonzero(edges == 1)
    _, ends = np.nonzero(edges == -1)
    apart = (rows[1:] != rows[:-1]) | (starts[1:] - ends[:-1] > _GAP_PX) if len(rows) else np.zeros(0, np.bool_)
    first, last = np.concatenate([[True], apart]), np.concatenate([apart, [True]])
    if len(rows):
        rows, starts, ends = rows[first], starts[first], ends[last]
    long = ends - starts >= least
    found: list[list[tuple[int, int]]] = [[] for _ in range(mask_yx.shape[0])]
    for row, start, end in zip(rows[long].tolist(), starts[long].tolist(), ends[long].tolist(), strict=True):
        found[row].append((start, end))
    return found
