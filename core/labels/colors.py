"""One picture with a colour per class into a label map; antialiased edges are told from unknown colours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core.errors import LabelMapError, UnknownColorsError
from core.imaging.formats.source import Channels, Plane
from core.imaging.placement import Placement
from core.imaging.row_bands import row_bands
from core.label_scheme import IGNORE_ID, LabelScheme
from core.labels.bands import LabelFile, opened_labels
from core.labels.coded_picture import CLEAR, CodedPicture, PictureCoder
from core.labels.found_colors import NEAR, Color, FoundColors, colors_of, own_colors
from core.labels.planes import check_class, classes_of, hide_transparent, listed_numbers, packed, painted
from core.labels.polarity import full_scale
from core.labels.report import LabelImport, LabelRule, RuleCount

_BLACK: Final[Color] = (0, 0, 0)

_EDGE_PX: Final = 2
"""How far from both of its colours a blend may lie: soft edges of exports are 1 to 2 px wide."""

_BLEND_DISTANCE: Final = 40.0
"""How far a blend may lie from the line between its colours, in steps of 8-bit RGB: room for gamma and rounding."""

_STRAY_SHARE: Final = 1e-4
"""At most this share of the pixels (100 in a million) may have unknown colours; they become ignore."""

_UNKNOWN: Final = 255
"""Mark in maps of colour numbers, of which there are at most 255 (254 classes and ignore less one)."""


def read_rgb_labels(
    path: Path,
    scheme: LabelScheme,
    shape_yx: tuple[int, int],
    *,
    colors: Mapping[Color, int] | None = None,
    name: str | None = None,
    placement: Placement | None = None,
) -> LabelImport:
    """Read labels from a picture in which every class has one colour; black is background.

    A pixel of almost a known colour (32 steps of 8-bit RGB or fewer) is of that colour, unless the picture has the
    known colour exactly and the other was painted with, too. Another is the edge of an antialiased export if it lies
    within 2 px of two or more known colours and is a blend of them; then it takes the nearest of them. What remains is
    unknown: up to 1 in 10,000 pixels become ignore, more are refused. Colours that are all almost black are class
    numbers in one channel, as VAST and labelme write them; they are taken as such, or refused.

    Parameters
    ----------
    path
        PNG or TIFF in RGB, with or without alpha, or with a palette.
    scheme
        Which ids there are.
    shape_yx
        Of the image that it belongs to.
    colors
        Red, green, blue (0 to 255) to class id, for pictures with other colours than the scheme's. 0 and 255 may be
        among the ids. Without it, the scheme's own colours or its colour-blind-safe ones, whichever fit better.
    name
        What to call the file in messages.
    placement
        Where the image's header places it.

    Returns
    -------
    LabelImport
        uint8 of the image's shape, with counts.

    Raises
    ------
    UnknownColorsError
        Colours that no class has, with how often each was found.
    LabelMapError
        Unreadable, compressed with losses, a stack, another size, or grey.
    """
    with opened_labels(path, shape_yx, name=name, placement=placement) as file:
        picture, counts = _coded(file)
        labels, applied = _labels(picture, scheme, colors, file.name)
        labels = np.ascontiguousarray(file.laid(labels))
        return LabelImport.of(labels, [*counts, *applied], list(file.remarks))


def _labels(
    picture: CodedPicture, scheme: LabelScheme, colors: Mapping[Color, int] | None, name: str
) -> tuple[NDArray[np.uint8], list[RuleCount]]:
    """Class ids of a picture, and what was decided."""
    found, pixels = picture.counted()
    codes = _codes(found, pixels, scheme, name) if colors is None else None
    if codes is not None:
        listing = listed_numbers(found[found != 0], pixels[found != 0])
        taken = RuleCount(LabelRule.COLOR_CODES, int(pixels[found != 0].sum()), name, listing)
        return picture.mapped(codes[np.searchsorted(found, picture.visible)]), [taken]
    table = _table(found, pixels, scheme, colors, name)
    numbers = _exact_numbers(found, table)
    counts: list[RuleCount] = []
    unknown = bool((numbers == _UNKNOWN).any())
    palette = np.array(list(table), dtype=np.float64)
    if unknown:
        own = own_colors(picture, found, pixels) if _holds(found, table) else np.zeros(len(found), bool)
        near = _resolve_near(numbers, found, palette, own)
        counts.append(RuleCount(LabelRule.NEAR_COLOR, int(pixels[near].sum()), name))
    of_color = numbers[np.searchsorted(found, picture.visible)]
    of_color[picture.colors == CLEAR] = 0  # whatever black means: it is set to background at the end
    which = picture.mapped(of_color)
    if unknown:
        counts.append(RuleCount(LabelRule.BLEND_TO_NEARER, _resolve_blends(which, picture, palette), name))
        counts += _check_few(which, picture, scheme, table, name)
    ids = np.full(256, IGNORE_ID, dtype=np.uint8)
    ids[: len(table)] = list(table.values())
    clear = picture.colors == CLEAR
    for band in row_bands(which.shape):
        which[band] = ids[which[band]]
        if clear.any():
            which[band][clear[picture.codes_yx[band]]] = 0
    return which, counts


def find_colors(path: Path, *, name: str | None = None) -> FoundColors:
    """The colours of a picture, before anybody says what they mean.

    Parameters
    ----------
    path
        As for `read_rgb_labels`.
    name
        What to call the file in messages.

    Raises
    ------
    LabelMapError
        As for `read_rgb_labels`.
    """
    with opened_labels(path, None, name=name) as file:
        return colors_of(_coded(file)[0])


def _coded(file: LabelFile) -> tuple[CodedPicture, list[RuleCount]]:
    """A colour picture with a number for each colour, and what its transparency changed."""
    coder = PictureCoder(file.shape_yx)
    hidden = 0
    for top, plane in file.bands():
        for rows in row_bands(plane.pixels.shape):
            part = _picture(replace(plane, pixels=plane.pixels[rows]), file.name)
            coder.add(top + rows.start, packed(part.rgb), part.clear)
            hidden += sum(count.pixels for count in part.counts)
    return coder.picture(), [RuleCount(LabelRule.TRANSPARENT_TO_BACKGROUND, hidden, file.name)]


@dataclass(frozen=True, slots=True, eq=False)
class _Picture:
    """8-bit colours, transparent pixels black; where these are (None: nowhere); what that changed."""

    rgb: NDArray[np.uint8]
    clear: NDArray[np.bool_] | None
    counts: list[RuleCount]


def _picture(plane: Plane, name: str) -> _Picture:
    """8-bit red, green, blue of a colour picture."""
    pixels, kind = plane.pixels, plane.channels
    if kind is Channels.PALETTE and plane.palette is not None:
        palette = np.zeros((max(len(plane.palette), int(pixels.max(initial=0)) + 1), 3), dtype=np.uint8)
        palette[: len(plane.palette)] = plane.palette
        if plane.palette_alpha is None:
            return _Picture(palette[pixels], None, [])
        alpha = np.full(len(palette), 255, dtype=np.uint8)
        alpha[: len(plane.palette_alpha)] = plane.palette_alpha
        return _without_transparent(palette[pixels], alpha[pixels], name)
    if kind not in (Channels.RGB, Channels.RGB_ALPHA):
        raise LabelMapError(
            f"{name} is {kind.value}, not a colour image.",
            "Import it as a label image or as masks, or export it in RGB with one colour per class.",
        )
    rgb: NDArray[Any] = pixels[..., :3]
    if rgb.dtype != np.uint8:
        rgb = np.rint(np.clip(rgb / full_scale(rgb.dtype), 0, 1) * 255).astype(np.uint8)
    return _Picture(rgb, None, []) if kind is Channels.RGB else _without_transparent(rgb, pixels[..., 3], name)


def _without_transparent(rgb: NDArray[np.uint8], alpha: NDArray[Any], name: str) -> _Picture:
    hidden, counts = hide_transparent(rgb, alpha, name)
    return _Picture(hidden, ~painted(alpha), counts)


def _codes(
    found: NDArray[np.uint32], pixels: NDArray[np.int64], scheme: LabelScheme, name: str
) -> NDArray[np.uint8] | None:
    """The class ids that colours stand for, where all of them are almost black; None where some are colours."""
    parts = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=1).astype(np.int64)
    coded = parts[found != 0]
    if not len(coded) or np.any(np.linalg.norm(coded, axis=1) > NEAR):
        return None
    ids = coded.max(axis=1)
    one_channel = np.count_nonzero(coded.any(axis=0)) == 1
    grey = bool(np.all(coded == ids[:, np.newaxis]))
    if not (one_channel or grey) or not np.isin(ids, scheme.ids).all():
        rest = found[found != 0]
        raise UnknownColorsError(
            f"{name} contains only nearly black colours: {listed_numbers(rest, pixels[found != 0])}. They look "
            "like class numbers, but do not match the classes.",
            "Assign a class to each colour (on the command line --color NAME=#rrggbb); the classes are "
            f"{classes_of(scheme)}.",
        )
    result = np.zeros(len(found), np.uint8)
    result[found != 0] = ids
    return result


def _holds(found: NDArray[np.uint32], table: Mapping[Color, int]) -> bool:
    """Whether a picture has any of the known colours exactly."""
    return bool(np.isin(found, [_number(color) for color in table]).any())


def _table(
    found: NDArray[np.uint32],
    pixels: NDArray[np.int64],
    scheme: LabelScheme,
    colors: Mapping[Color, int] | None,
    name: str,
) -> dict[Color, int]:
    """Colour to id: as given, or the scheme's palette that explains more pixels."""
    if colors is not None:
        for color, class_id in colors.items():
            check_class(class_id, scheme, f"Colour #{_number(color):06x} of {name}")
        return {_BLACK: 0, **colors}
    palettes = [{_BLACK: 0, **{c.rgb(safe=safe): c.id for c in scheme.classes}} for safe in (False, True)]
    explained = [int(pixels[np.isin(found, [_number(c) for c in palette])].sum()) for palette in palettes]
    return palettes[int(explained[1] > explained[0])]


def _exact_numbers(found: NDArray[np.uint32], table: Mapping[Color, int]) -> NDArray[np.uint8]:
    """The place in the table of each colour that it has exactly."""
    numbers = np.full(len(found), _UNKNOWN, np.uint8)
    for number, color in enumerate(table):
        numbers[found == _number(color)] = number
    return numbers


def _number(color: Color) -> int:
    return color[0] << 16 | color[1] << 8 | color[2]


def _resolve_near(
    numbers: NDArray[np.uint8], found: NDArray[np.uint32], palette: NDArray[np.float64], own: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Give almost known colours their number; ``numbers`` is changed. Which of the colours.

    A colour that was painted with (``own``) is no variant of one that the picture has exactly.
    """
    unknown = np.flatnonzero(numbers == _UNKNOWN)
    values = _parts(found[unknown])
    best = np.full(len(unknown), np.inf)
    nearest = np.full(len(unknown), _UNKNOWN, dtype=np.uint8)
    for number, color in enumerate(palette):
        distance = np.linalg.norm(values - color, axis=1)
        if np.isin(_number((int(color[0]), int(color[1]), int(color[2]))), found):
            distance = np.where(own[unknown], np.inf, distance)
        nearest[distance < best] = number
        np.minimum(best, distance, out=best)
    nearest[best > NEAR] = _UNKNOWN
    numbers[unknown] = nearest
    resolved = np.zeros(len(found), bool)
    resolved[unknown] = nearest != _UNKNOWN
    return resolved


def _parts(colors: NDArray[np.uint32]) -> NDArray[np.float64]:
    """Red, green and blue of colours, 0xrrggbb: shape (colours, 3)."""
    return np.stack([colors >> 16, colors >> 8 & 255, colors & 255], axis=1).astype(np.float64)


def _resolve_blends(which: NDArray[np.uint8], picture: CodedPicture, palette: NDArray[np.float64]) -> int:
    """Give blends of neighbouring colours to the nearest of them; ``which`` is changed. How many."""
    resolved = 0
    above = which[:0].copy()  # as it was, before blends were given a colour
    for band in row_bands(which.shape):
        window = np.concatenate([above, which[band.start : band.stop + _EDGE_PX]])
        own = slice(len(above), len(above) + band.stop - band.start)
        above = window[: own.stop][-_EDGE_PX:].copy()
        if (window[own] == _UNKNOWN).any():
            resolved += _resolve_blends_of(window, own, picture[band], palette)
            which[band] = window[own]
    return resolved


def _resolve_blends_of(
    window: NDArray[np.uint8], own: slice, colors: NDArray[np.uint32], palette: NDArray[np.float64]
) -> int:
    """As `_resolve_blends`, for the rows ``own`` of a window with rows above and below; these are changed."""
    rows, columns = np.nonzero(window[own] == _UNKNOWN)
    pixels = _parts(colors[rows, columns])
    near = {}
    for number in np.unique(window[window != _UNKNOWN]).tolist():
        grown = ndimage.maximum_filter((window == number).view(np.uint8), size=2 * _EDGE_PX + 1)
        near[number] = grown[own][rows, columns].astype(bool)
    best = np.full(len(rows), _BLEND_DISTANCE)
    winner = np.full(len(rows), _UNKNOWN, dtype=np.uint8)
    for (first, near_first), (second, near_second) in combinations(near.items(), 2):
        both = np.flatnonzero(near_first & near_second)
        start, way = palette[first], palette[second] - palette[first]
        along = np.clip((pixels[both] - start) @ way / (way @ way), 0, 1)
        distance = np.linalg.norm(pixels[both] - start - along[:, np.newaxis] * way, axis=1)
        better = distance < best[both]
        best[both[better]] = distance[better]
        winner[both[better]] = np.where(along[better] < 0.5, first, second)
    _resolve_junctions(winner, pixels, near, palette)
    window[own][rows, columns] = winner
    return int(np.count_nonzero(winner != _UNKNOWN))


def _resolve_junctions(
    winner: NDArray[np.uint8],
    pixels: NDArray[np.float64],
    near: Mapping[int, NDArray[np.bool_]],
    palette: NDArray[np.float64],
) -> None:
    """Where three or more colours meet: the nearest of them, if no channel is beyond theirs; ``winner`` is changed."""
    crowd = np.sum(list(near.values()), axis=0) if near else np.zeros(len(winner))
    for index in np.flatnonzero((winner == _UNKNOWN) & (crowd >= 3)):
        numbers = [number for number, present in near.items() if present[index]]
        colors, pixel = palette[numbers], pixels[index]
        if np.all((pixel >= colors.min(axis=0) - NEAR) & (pixel <= colors.max(axis=0) + NEAR)):
            winner[index] = numbers[int(np.argmin(np.linalg.norm(colors - pixel, axis=1)))]


def _check_few(
    which: NDArray[np.uint8], picture: CodedPicture, scheme: LabelScheme, table: Mapping[Color, int], name: str
) -> list[RuleCount]:
    """Count what is left unknown, and refuse it if it is more than a little."""
    of_color = np.zeros(len(picture.colors), np.int64)
    for band in row_bands(which.shape):
        unknown = picture.codes_yx[band][which[band] == _UNKNOWN]
        of_color += np.bincount(unknown, minlength=len(of_color))
    number = int(of_color.sum())
    if number == 0:
        return []
    order = np.argsort(picture.colors)
    order = order[of_color[order] > 0]
    found = listed_numbers(picture.colors[order], of_color[order])
    if number > _STRAY_SHARE * which.size:
        known = ", ".join(f"#{_number(c):06x} {scheme.name_of(i)}" for c, i in table.items())
        raise UnknownColorsError(
            f"{name} contains colours that match no class: {found}.",
            f"The colours are {known}. Assign a class to each colour (on the command line --color NAME=#rrggbb), "
            "or export the labels without antialiasing.",
        )
    return [RuleCount(LabelRule.UNKNOWN_TO_IGNORE, number, name, found)]
