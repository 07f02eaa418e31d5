"""Which part of a black and white mask is the object: the light one, the dark one, or the painted one.

Viewers show the same numbers light or dark, as the file's header or palette asks. Most masks are light on dark and need
no question. Where the header turns values over, both readings are common; then the smaller part is taken, with a
remark, and a mask whose object would be most of the picture is not guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import UnclearMaskError
from core.imaging.formats.source import Channels, Plane

MOST: Final = 0.5
"""Share of the picture above which an object is no longer plausible where the header turns values over."""


DOUBT: Final = "--foreground"
"""In a remark: a person may know better."""


class Foreground(StrEnum):
    """Which part of a mask is the object, as image viewers show it."""

    LIGHT = "light"
    """Light object on dark ground."""

    DARK = "dark"
    """Dark object on light ground."""


@dataclass(frozen=True, slots=True, eq=False)
class Brightness:
    """One value for each pixel of a mask.

    Parameters
    ----------
    values_yx
        Shape (rows, columns), any real data type; 0 where transparent.
    painted_yx
        bool, same shape: what is at least half opaque; None where all of it is.
    inverting
        Whether viewers show high values dark: white stored as zero, or a palette from white to black.
    as_written
        Whether the program that wrote the file keeps object as high value, however viewers show it.
    by_palette
        Whether a palette, not the header, makes high values dark.
    colored
        Whether the picture has colours, not only greys.
    """

    values_yx: NDArray[Any]
    painted_yx: NDArray[np.bool_] | None = None
    inverting: bool = False
    as_written: bool = False
    by_palette: bool = False
    colored: bool = False

    @property
    def dark_paint(self) -> bool:
        """Whether something is painted in dark on transparent: then the paint itself is the mask."""
        if self.painted_yx is None or self.painted_yx.all() or not self.painted_yx.any():
            return False
        lightest = float(self.values_yx.max(initial=0, where=self.painted_yx))
        return lightest < full_scale(self.values_yx.dtype) / 2


def full_scale(dtype: np.dtype[Any]) -> float:
    """The value that means full in samples of this data type: 255, 65535, 1."""
    return float(np.iinfo(dtype).max) if dtype.kind in "ui" else 1.0


def palette_runs_to_black(plane: Plane) -> bool:
    """Whether the palette is grey and falls from white to black: an inverting look-up table, as Fiji saves masks.

    Examples
    --------
    >>> ramp = np.arange(255, -1, -1, dtype=np.uint8)
    >>> palette_runs_to_black(Plane(np.zeros((1, 1), np.uint8), Channels.PALETTE, np.stack([ramp] * 3, axis=1)))
    True
    """
    palette = plane.palette
    if plane.channels is not Channels.PALETTE or palette is None or len(palette) < 2:
        return False
    grey = palette[:, 0].astype(int)
    same = np.array_equal(palette[:, 0], palette[:, 1]) and np.array_equal(palette[:, 0], palette[:, 2])
    return same and bool(np.all(np.diff(grey) <= 0)) and grey[0] == 255 and grey[-1] < 128


def chosen_part(
    high_yx: NDArray[np.bool_], shown: Brightness, name: str, foreground: Foreground | None
) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """The object, of what is high and what is not.

    Parameters
    ----------
    high_yx
        bool, shape (rows, columns): where the stored value is high.
    shown
        What the values mean.
    name
        Of the file.
    foreground
        As the person says; None: as the file suggests.

    Returns
    -------
    ndarray, tuple of str
        bool, same shape; and what a person should know, one sentence each.

    Raises
    ------
    UnclearMaskError
        The file leaves it open, and most of the picture would be object.
    """
    if foreground is not None:
        return _asked_for(high_yx, shown, foreground), ()
    if shown.dark_paint and shown.painted_yx is not None:
        share = _share(shown.painted_yx)
        if share > MOST:
            raise _unclear(name, "is dark on a transparent background", share)
        return shown.painted_yx, (
            (f"{name} is dark on a transparent background; the dark part was read as the object."),
        )
    if not shown.inverting:
        return high_yx, _remark_on_most(high_yx, name)
    by_look = high_yx.dtype == bool and shown.values_yx.dtype == bool and not shown.as_written
    part = ~high_yx if by_look else high_yx
    share = _share(part)
    how = "has a palette from white to black" if shown.by_palette else "stores white as zero"
    if share > MOST:
        raise _unclear(name, f"{how}, so viewers show its high values dark", share)
    look = "light" if by_look else "dark"
    return part, (
        f"{name} {how}: its {look} part, {share:.0%} of the image, was read as the object. If that is wrong, "
        f"choose the other part (on the command line --foreground {'dark' if by_look else 'light'}).",
    )


def _asked_for(high_yx: NDArray[np.bool_], shown: Brightness, foreground: Foreground) -> NDArray[np.bool_]:
    high_is_dark = shown.inverting
    part = high_yx if high_is_dark == (foreground is Foreground.DARK) else ~high_yx
    return part if shown.painted_yx is None else part & shown.painted_yx


def _share(part_yx: NDArray[np.bool_]) -> float:
    return float(np.count_nonzero(part_yx)) / max(part_yx.size, 1)


def _remark_on_most(part_yx: NDArray[np.bool_], name: str) -> tuple[str, ...]:
    """An ordinary mask may cover most of a picture, but it may also be black on white."""
    share = _share(part_yx)
    if share <= MOST or share == 1:
        return ()
    return (
        f"{name}: the light part, {share:.0%} of the image, was read as the object. If the dark part is the "
        "object, choose it (on the command line --foreground dark).",
    )


def _unclear(name: str, how: str, share: float) -> UnclearMaskError:
    return UnclearMaskError(
        f"{name} {how}; read as usual, {share:.0%} of the image would be the object.",
        "Choose in the import preview whether the object is light or dark in viewers, or use --foreground light "
        "or --foreground dark on the command line.",
    )


def unclear_colors(name: str, share: float) -> UnclearMaskError:
    """The error for a coloured mask on white."""
    return _unclear(name, "is in colour on white", share)
