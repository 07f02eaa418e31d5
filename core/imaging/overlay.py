"""Figures of a micrograph with its label map: coloured classes, outline, legend, scale bar."""

from __future__ import annotations

import functools
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage
from PIL import ImageDraw, ImageFont
from scipy import ndimage

from core.errors import LabelMapError
from core.imaging.row_bands import id_counts, row_bands
from core.label_scheme import LabelScheme

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

_BAR_SHARE: Final = 0.2
"""The scale bar is the longest 1-2-5 length that is at most this share of the image's width."""

_LEGEND_LINE: Final = 3.6
"""Height of a line of the legend, in hundredths of the figure's width."""

NM_PER_UM: Final = 1000.0

_Entry = tuple[float, int, int]
"""Of a legend: column, line, class."""


@dataclass(frozen=True, slots=True)
class OverlayStyle:
    """How an overlay figure looks.

    Parameters
    ----------
    opacity
        Of the class colours, 0 to 1.
    outline
        Draw the borders of the classes instead of filling them.
    safe_colors
        Use the colour-blind-safe palette.
    class_ids
        The classes to draw; None for all.
    legend, scale_bar
        Whether to draw them. A scale bar needs a pixel size.
    """

    opacity: float = 0.45
    outline: bool = False
    safe_colors: bool = False
    class_ids: frozenset[int] | None = None
    legend: bool = True
    scale_bar: bool = True


@dataclass(frozen=True, slots=True)
class ScaleBar:
    """A round physical length and how many pixels it takes."""

    length_nm: float
    length_px: float

    @property
    def text(self) -> str:
        """ "500 nm" or "2 µm"."""
        if self.length_nm < NM_PER_UM:
            return f"{self.length_nm:g} nm"
        return f"{self.length_nm / NM_PER_UM:g} µm"


def scale_bar(width_px: int, pixel_size_nm: float, share: float = _BAR_SHARE) -> ScaleBar:
    """The longest bar of 1, 2 or 5 times a power of ten nm that takes at most ``share`` of the width.

    Examples
    --------
    >>> scale_bar(1000, 8.0).text
    '1 µm'
    """
    longest_nm = width_px * share * pixel_size_nm
    decade = 10.0 ** math.floor(math.log10(longest_nm))
    factor = max(f for f in (1, 2, 5) if f * decade <= longest_nm * (1 + 1e-9))
    return ScaleBar(factor * decade, factor * decade / pixel_size_nm)


def color_table(scheme: LabelScheme, *, safe_colors: bool = False) -> NDArray[np.uint8]:
    """Colours by id.

    Returns
    -------
    ndarray
        uint8, shape (256, 3); black for ids that are not classes.
    """
    table = np.zeros((256, 3), np.uint8)
    for item in scheme.classes:
        table[item.id] = item.rgb(safe=safe_colors)
    return table


def render_overlay(
    display_yx: NDArray[np.uint8],
    labels_yx: NDArray[np.uint8],
    scheme: LabelScheme,
    pixel_size_nm: float | None,
    style: OverlayStyle | None = None,
) -> PilImage.Image:
    """A figure: the micrograph with its classes, a scale bar, and a legend below.

    Parameters
    ----------
    display_yx
        uint8 grey values, shape (rows, columns).
    labels_yx
        uint8 class ids, same shape.
    scheme
        Names and colours.
    pixel_size_nm
        Edge of a pixel of these arrays in nm; None leaves the scale bar out.

    Raises
    ------
    LabelMapError
        The two arrays differ in size.
    """
    style = style or OverlayStyle()
    if display_yx.shape != labels_yx.shape:
        raise LabelMapError(
            f"The image is {display_yx.shape} px but its label map is {labels_yx.shape} px.",
            "Use both at the same size.",
        )
    shown = scheme.ids if style.class_ids is None else tuple(i for i in scheme.ids if i in style.class_ids)
    rows, columns = display_yx.shape
    entries: list[_Entry] = []
    legend_rows = 0
    if style.legend:
        pixels = id_counts(labels_yx)
        entries, legend_rows = _legend(columns, scheme, [i for i in shown if pixels[i]])
    figure = PilImage.new("RGB", (columns, rows + legend_rows), "white")
    for row, rgb in _blended(display_yx, labels_yx, _blend_table(scheme, shown, style), style.outline):
        figure.paste(PilImage.fromarray(rgb), (0, row))
    if style.scale_bar and pixel_size_nm is not None and columns >= 32:
        draw_scale_bar(figure, scale_bar(columns, pixel_size_nm), bottom_px=rows)
    _draw_legend(figure, rows, entries, scheme, style)
    return figure


def boundaries(labels_yx: NDArray[np.uint8], width_px: int = 1) -> NDArray[np.bool_]:
    """Pixels of a class that touch another value within ``width_px``, diagonals included.

    Returns
    -------
    ndarray
        bool, same shape; background pixels are never boundaries.
    """
    size = 2 * width_px + 1
    highest = ndimage.maximum_filter(labels_yx, size, mode="nearest")
    lowest = ndimage.minimum_filter(labels_yx, size, mode="nearest")
    edge: NDArray[np.bool_] = (highest != lowest) & (labels_yx != 0)
    return edge


def _blended(
    display_yx: NDArray[np.uint8], labels_yx: NDArray[np.uint8], table: NDArray[np.uint8], outline: bool
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Grey image with class colours mixed in, band by band: the first row and RGB."""
    width = max(1, round(max(display_yx.shape) / 1000))
    for band in row_bands(display_yx.shape):
        ids = labels_yx[band]
        if outline:
            top = max(band.start - width, 0)
            edge = boundaries(labels_yx[top : band.stop + width], width)[band.start - top : band.stop - top]
            ids = np.where(edge, ids, np.uint8(0))
        yield band.start, table[ids, display_yx[band]]


def _blend_table(scheme: LabelScheme, shown: Collection[int], style: OverlayStyle) -> NDArray[np.uint8]:
    """Colour of every id on every grey value: uint8, shape (256, 256, 3)."""
    grey = np.arange(256, dtype=np.uint8)[:, None]
    table = np.tile(grey, (256, 1, 3))
    share = np.float32(1.0 if style.outline else style.opacity)
    if share > 0:
        colors = color_table(scheme, safe_colors=style.safe_colors).astype(np.float32)
        for class_id in shown:
            table[class_id] = np.rint(grey * (1 - share) + colors[class_id] * share)
    return table


def draw_scale_bar(
    figure: PilImage.Image, bar: ScaleBar, unit_px: float | None = None, *, bottom_px: int | None = None
) -> None:
    """White bar on a dark plate in the lower right corner, in place; its letters are 2.2 times the unit high.

    ``bottom_px`` is where the micrograph ends, for figures with something below it.
    """
    unit = max(figure.width, 400) / 100 if unit_px is None else unit_px
    font = _font(round(2.2 * unit))
    draw = ImageDraw.Draw(figure, "RGBA")
    text_width = draw.textlength(bar.text, font=font)
    height = 1.0 * unit
    width = max(bar.length_px, text_width)
    left, bottom = figure.width - width - 3 * unit, (bottom_px or figure.height) - 2.4 * unit
    plate = (left - unit, bottom - height - 3.8 * unit, left + width + unit, bottom + unit)
    draw.rectangle(plate, fill=(0, 0, 0, 150))
    start = left + (width - bar.length_px) / 2
    draw.rectangle((start, bottom - height, start + bar.length_px - 1, bottom), fill=(255, 255, 255, 255))
    draw.text((left + width / 2, bottom - height - 0.7 * unit), bar.text, fill="white", font=font, anchor="mb")


def _legend(figure_px: int, scheme: LabelScheme, shown: Collection[int]) -> tuple[list[_Entry], int]:
    """Where the classes of a legend stand below a figure of this width, and how many rows they take."""
    unit = max(figure_px, 400) / 100
    font = _font(round(2.0 * unit))
    measure = ImageDraw.Draw(PilImage.new("RGB", (1, 1)))
    entries: list[_Entry] = []
    x, row = unit, 0
    for class_id in shown:
        width = 4 * unit + measure.textlength(scheme[class_id].name, font=font) + 2 * unit
        if x + width > figure_px and x > unit:
            x, row = unit, row + 1
        entries.append((x, row, class_id))
        x += width
    return entries, round((row + 1) * _LEGEND_LINE * unit + unit) if entries else 0


def _draw_legend(
    figure: PilImage.Image, top: int, entries: Sequence[_Entry], scheme: LabelScheme, style: OverlayStyle
) -> None:
    """Swatches and names below the micrograph, in place."""
    unit = max(figure.width, 400) / 100
    font = _font(round(2.0 * unit))
    draw = ImageDraw.Draw(figure)
    for x, row, class_id in entries:
        middle = top + unit / 2 + (row + 0.5) * _LEGEND_LINE * unit
        color: Any = scheme[class_id].rgb(safe=style.safe_colors)
        draw.rectangle((x, middle - unit, x + 2.6 * unit, middle + unit), fill=color, outline=(110, 110, 110))
        draw.text((x + 3.6 * unit, middle), scheme[class_id].name, fill=(30, 30, 30), font=font, anchor="lm")


@functools.lru_cache(maxsize=8)
def _font(size_px: int) -> FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib: the same on every machine, with µ and most alphabets."""
    import matplotlib

    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size_px)
