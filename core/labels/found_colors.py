"""The colours of a picture that people painted with: what a class is, what an edge is, what the ground is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from core.imaging.row_bands import row_bands
from core.label_scheme import LabelScheme
from core.labels.coded_picture import CodedPicture

Color = tuple[int, int, int]

NEAR: Final = 32.0
"""Up to this distance, in steps of 8-bit RGB, a colour is meant to be the known one: rounding, colour profiles."""

_INSIDE: Final = 0.3
"""A colour that was painted with is surrounded by itself in this share of its pixels; one of an edge is not."""

_SMALLEST_PX: Final = 5
"""Pixels of a colour that can have an inside."""

_THIN_SHARE: Final = 1e-4
"""Thin lines have no inside; their colour counts from this share of the pixels."""

_LISTED: Final = 60
"""Colours that are told apart; more are no labels but a photograph."""

_BLEND: Final = 40.0
"""How far a blend may lie from the line between its colours: room for gamma and rounding."""


@dataclass(frozen=True, slots=True)
class FoundColor:
    """A colour of a picture, with those that are almost the same.

    Parameters
    ----------
    color
        Red, green, blue, 0 to 255: the most frequent of them.
    pixels
        Of all of them.
    variants
        How many different values.
    """

    color: Color
    pixels: int
    variants: int = 1

    @property
    def code(self) -> str:
        """As people write it: ``#ff0000``."""
        return "#{:02x}{:02x}{:02x}".format(*self.color)


@dataclass(frozen=True, slots=True)
class FoundColors:
    """The colours of one picture, or of several together.

    Parameters
    ----------
    colors
        The most frequent first.
    edge_pixels
        With blends of these colours.
    transparent_pixels
        Less than half opaque.
    total_pixels
        Of all pictures.
    unlisted_pixels
        With further colours, beyond those that are told apart.
    """

    colors: tuple[FoundColor, ...]
    edge_pixels: int
    transparent_pixels: int
    total_pixels: int
    unlisted_pixels: int = 0

    def share(self, pixels: int) -> float:
        """Part of all pixels, 0 to 1."""
        return pixels / max(self.total_pixels, 1)


class Rows(Protocol):
    """A picture whose rows can be asked for: an array, or one that keeps its colours as numbers."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""

    def __getitem__(self, rows: slice, /) -> NDArray[np.uint32]:
        """0xrrggbb of some rows."""


def own_colors(image: Rows, found: NDArray[np.uint32], pixels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which colours of a picture have an inside, so that they were painted with.

    Parameters
    ----------
    image
        0xrrggbb, shape (rows, columns).
    found, pixels
        Its different colours, ascending, and how often each occurs.

    Returns
    -------
    ndarray
        bool, one for each colour.
    """
    inside = np.zeros(len(found), np.int64)
    for band in row_bands(image.shape):
        top = max(band.start - 1, 0)
        part = image[top : band.stop + 1]
        if min(part.shape) < 3:
            continue
        middle = part[1:-1, 1:-1]
        same = (
            (middle == part[:-2, 1:-1])
            & (middle == part[2:, 1:-1])
            & (middle == part[1:-1, :-2])
            & (middle == part[1:-1, 2:])
        )
        values, numbers = np.unique(middle[same], return_counts=True)
        inside[np.searchsorted(found, values)] += numbers
    result: NDArray[np.bool_] = (inside >= _INSIDE * pixels) & (pixels >= _SMALLEST_PX)
    return result


def colors_of(picture: CodedPicture) -> FoundColors:
    """The colours of a picture, edges set apart; those of transparent pixels do not count.

    Parameters
    ----------
    picture
        As it was read.
    """
    found, pixels = picture.counted()
    own = own_colors(picture, found, pixels)
    transparent = picture.clear_pixels
    if transparent:
        pixels[np.searchsorted(found, 0)] -= transparent
    order = [int(i) for i in np.argsort(-pixels, kind="stable") if pixels[i] > 0]
    thin = max(_THIN_SHARE * picture.size, _SMALLEST_PX)
    groups: list[list[Any]] = []
    edges = unlisted = 0
    centres = np.zeros((0, 3))
    for index in order:
        value = _rgb(int(found[index]))
        distances = np.linalg.norm(centres - value, axis=1)
        near = int(np.argmin(distances)) if len(distances) else -1
        if near >= 0 and distances[near] <= NEAR and not own[index]:
            groups[near][1] += int(pixels[index])
            groups[near][2] += 1
        elif len(groups) < _LISTED and (own[index] or (pixels[index] >= thin and not _is_blend(value, centres))):
            groups.append([value, int(pixels[index]), 1])
            centres = np.vstack([centres, value])
        elif _is_blend(value, centres):
            edges += int(pixels[index])
        else:
            unlisted += int(pixels[index])
    colors = [FoundColor((int(v[0]), int(v[1]), int(v[2])), number, variants) for v, number, variants in groups]
    colors.sort(key=lambda item: (-item.pixels, item.color))
    return FoundColors(tuple(colors), edges, transparent, picture.size, unlisted)


def together(pictures: Iterable[FoundColors]) -> FoundColors:
    """The colours of several pictures as one list."""
    pixels: dict[Color, int] = {}
    variants: dict[Color, int] = {}
    edges = transparent = total = unlisted = 0
    for picture in pictures:
        for item in picture.colors:
            pixels[item.color] = pixels.get(item.color, 0) + item.pixels
            variants[item.color] = max(variants.get(item.color, 0), item.variants)
        edges += picture.edge_pixels
        transparent += picture.transparent_pixels
        total += picture.total_pixels
        unlisted += picture.unlisted_pixels
    colors = [FoundColor(color, number, variants[color]) for color, number in pixels.items()]
    colors.sort(key=lambda item: (-item.pixels, item.color))
    return FoundColors(tuple(colors), edges, transparent, total, unlisted)


def proposed_classes(found: FoundColors, scheme: LabelScheme) -> dict[Color, int | None]:
    """A class for each colour: of the project's colours, or background; None where nobody can know.

    Black is background, and so is white where it is the most frequent colour and there is no black.

    Parameters
    ----------
    found
        The colours.
    scheme
        The project's classes.
    """
    codes = _coded_classes(found, scheme)
    if codes is not None:
        return codes
    proposed: dict[Color, int | None] = {}
    palettes = [{c.rgb(safe=safe): c.id for c in scheme.classes} for safe in (False, True)]
    explained = [sum(i.pixels for i in found.colors if _nearest(i.color, palette) is not None) for palette in palettes]
    palette = palettes[int(explained[1] > explained[0])]
    black = any(max(item.color) <= NEAR / 2 for item in found.colors)
    for item in found.colors:
        proposed[item.color] = _nearest(item.color, palette)
    for item in found.colors:
        if item.color == (0, 0, 0) and proposed[item.color] is None:
            proposed[item.color] = 0
    if found.colors and not black and not found.transparent_pixels:
        first = found.colors[0].color
        if min(first) >= 255 - NEAR / 2 and proposed[first] is None:
            proposed[first] = 0
    return proposed


def are_class_numbers(found: FoundColors, scheme: LabelScheme) -> bool:
    """Whether all colours of a picture are class numbers in one channel, which need no question."""
    codes = _coded_classes(found, scheme)
    return codes is not None and None not in codes.values()


def _coded_classes(found: FoundColors, scheme: LabelScheme) -> dict[Color, int | None] | None:
    """The class numbers that colours in one channel stand for, where all are almost black; None where they are not."""
    coded = [item.color for item in found.colors if item.color != (0, 0, 0)]
    if not coded or max(float(np.linalg.norm(color)) for color in coded) > NEAR:
        return None
    one_channel = sum(any(color[i] for color in coded) for i in range(3)) == 1
    if not (one_channel or all(len(set(color)) == 1 for color in coded)):
        return None
    numbers: dict[Color, int | None] = {item.color: max(item.color) for item in found.colors}
    return {color: number if number in (0, *scheme.ids) else None for color, number in numbers.items()}


def _nearest(color: Color, palette: Mapping[Color, int]) -> int | None:
    distances = {known: float(np.linalg.norm(np.subtract(known, color))) for known in palette}
    best = min(distances, key=lambda known: distances[known], default=None)
    return palette[best] if best is not None and distances[best] <= NEAR else None


def _is_blend(value: NDArray[np.float64], centres: NDArray[np.float64]) -> bool:
    """Whether a colour lies between two others."""
    for first in range(len(centres)):
        start, ways = centres[first], centres[first + 1 :] - centres[first]
        if not len(ways):
            continue
        along = np.clip((ways @ (value - start)) / np.maximum((ways**2).sum(axis=1), 1e-9), 0, 1)
        distance = np.linalg.norm(value - start - along[:, np.newaxis] * ways, axis=1)
        if bool(np.any(distance <= _BLEND)):
            return True
    return False


def color_of(number: int) -> Color:
    """Red, green, blue of 0xrrggbb.

    >>> color_of(0xFF8000)
    (255, 128, 0)
    """
    return number >> 16 & 255, number >> 8 & 255, number & 255


def number_of(color: Color) -> int:
    """0xrrggbb of red, green, blue.

    >>> hex(number_of((255, 128, 0)))
    '0xff8000'
    """
    return color[0] << 16 | color[1] << 8 | color[2]


def _rgb(number: int) -> NDArray[np.float64]:
    return np.array([number >> 16, number >> 8 & 255, number & 255], dtype=np.float64)
