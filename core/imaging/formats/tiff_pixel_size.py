"""Where TIFF files state their pixel size: OME, Thermo/FEI, Zeiss, ImageJ, plain resolution tags, in this order."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from core.imaging.image import UNKNOWN_PIXEL_SIZE, PixelSize
from core.imaging.pixel_size import nm_per_unit, pixel_size_from_file, print_resolution

_PIXELS_ELEMENT: Final = re.compile(r"<(?:\w+:)?Pixels\b[^>]*>")
_ATTRIBUTE: Final = re.compile(r'\b(PhysicalSize[XY](?:Unit)?)\s*=\s*["\']([^"\']*)["\']')
_FEI_TAGS: Final = (34682, 34680)
_FEI_SECTIONS: Final = ("Scan", "EScan", "IScan", "PScan")
_ZEISS_TAG: Final = 34118
_ZEISS_KEYS: Final = ("ap_image_pixel_size", "ap_pixel_size")
_NM_PER_RESOLUTION_UNIT: Final = {2: 25.4e6, 3: 1e7}

Found = tuple[PixelSize, tuple[str, ...]]
_NOTHING: Final[Found] = (UNKNOWN_PIXEL_SIZE, ())


def tiff_pixel_size(tiff: Any) -> Found:
    """The first statement that gives a plausible size; notices of those before it that did not.

    Parameters
    ----------
    tiff
        A ``tifffile.TiffFile``.
    """
    notices: tuple[str, ...] = ()
    sources: tuple[Callable[[Any], Found], ...] = (_ome, _fei, _zeiss, _imagej, _resolution)
    for source in sources:
        size, said = source(tiff)
        notices += said
        if size.nm is not None:
            return size, said
    return UNKNOWN_PIXEL_SIZE, notices


def _ome(tiff: Any) -> Found:
    """PhysicalSizeX and Y of the first Pixels element; micrometres unless another unit is named."""
    element = _PIXELS_ELEMENT.search(tiff.ome_metadata or "") if tiff.is_ome else None
    if element is None:
        return _NOTHING
    values = dict(_ATTRIBUTE.findall(element.group()))
    sizes = []
    for axis in "XY":
        unit = nm_per_unit(values.get(f"PhysicalSize{axis}Unit", "µm"))
        size = _number(values.get(f"PhysicalSize{axis}"))
        if unit is not None and size is not None:
            sizes.append(size * unit)
    return pixel_size_from_file(sizes[0], sizes[-1], "OME PhysicalSizeX") if sizes else _NOTHING


def _fei(tiff: Any) -> Found:
    """PixelWidth and PixelHeight in metres, of the beam that scanned."""
    for code in _FEI_TAGS:
        metadata = tiff.pages.first.tags.valueof(code)
        if not isinstance(metadata, Mapping):
            continue
        for section in _FEI_SECTIONS:
            fields = metadata.get(section)
            if not isinstance(fields, Mapping):
                continue
            width, height = _number(fields.get("PixelWidth")), _number(fields.get("PixelHeight"))
            if width:
                return pixel_size_from_file(width * 1e9, (height or width) * 1e9, f"Thermo/FEI {section} PixelWidth")
    return _NOTHING


def _zeiss(tiff: Any) -> Found:
    """The named pixel size of a Zeiss SEM, or the unnamed fourth value, in metres."""
    metadata = tiff.pages.first.tags.valueof(_ZEISS_TAG)
    if not isinstance(metadata, Mapping):
        return _NOTHING
    for key in _ZEISS_KEYS:
        value = metadata.get(key)
        if isinstance(value, tuple) and len(value) == 3:
            size, unit = _number(value[1]), nm_per_unit(str(value[2]))
            if size and unit:
                return pixel_size_from_file(size * unit, size * unit, f"Zeiss {value[0]}")
    unnamed = metadata.get("", ())
    size = _number(unnamed[3]) if isinstance(unnamed, tuple) and len(unnamed) > 3 else None
    return pixel_size_from_file(size * 1e9, size * 1e9, "Zeiss pixel size") if size else _NOTHING


def _imagej(tiff: Any) -> Found:
    """Resolution tags in the unit that ImageJ notes in the description."""
    if not tiff.is_imagej:
        return _NOTHING
    unit = nm_per_unit(str((tiff.imagej_metadata or {}).get("unit", "")))
    x, y = (_ratio(tiff, name) for name in ("XResolution", "YResolution"))
    if unit is None or not x or not y:
        return _NOTHING
    return pixel_size_from_file(unit / x, unit / y, "ImageJ resolution")


def _resolution(tiff: Any) -> Found:
    """The baseline tags, in inch or centimetre, if they cannot be meant for print."""
    if tiff.is_imagej:  # there the tags are in ImageJ's own unit
        return _NOTHING
    unit = _number(tiff.pages.first.tags.valueof("ResolutionUnit", default=2))
    x, y = (_ratio(tiff, name) for name in ("XResolution", "YResolution"))
    nm = _NM_PER_RESOLUTION_UNIT.get(int(unit or 0))
    return (print_resolution(x, y, nm, "TIFF resolution tags"), ()) if nm and x and y else _NOTHING


def _ratio(tiff: Any, name: str) -> float | None:
    """A rational tag as a number."""
    value = tiff.pages.first.tags.valueof(name)
    if not isinstance(value, tuple) or len(value) != 2:
        return None
    numerator, denominator = (_number(v) for v in value)
    return numerator / denominator if numerator and denominator else None


def _number(value: Any) -> float | None:
    """A float, None for anything that is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None
