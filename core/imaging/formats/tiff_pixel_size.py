"""Where TIFF files state their pixel size: OME, makers of microscopes, ImageJ, resolution tags, in this order.

A statement belongs to its page: what another page or another image of the file says is named, never taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from core.imaging.formats.tiff_makers import maker_statements, number
from core.imaging.formats.tiff_ome import OmeImage
from core.imaging.pixel_size import FoundSize, SizeStatement, choose_size, nm_per_unit, print_statement

_NM_PER_RESOLUTION_UNIT: Final = {2: 25.4e6, 3: 1e7}


def tiff_pixel_size(tiff: Any, page: Any, images: tuple[OmeImage, ...], own: OmeImage | None) -> FoundSize:
    """The first statement that belongs to the page and gives a plausible size.

    Parameters
    ----------
    tiff
        A ``tifffile.TiffFile``.
    page
        The page that is read, a ``tifffile.TiffPage``.
    images
        What an OME description declares.
    own
        The image among them that the page belongs to, None where it says nothing of the page.
    """
    statements = [own.size] if own is not None and own.size is not None else []
    statements += page_statements(tiff, page)
    foreign = [
        replace(image.size, field=f"{image.size.field} of image {image.number + 1}", reason=_OTHER_IMAGE)
        for image in images
        if image is not own and image.size is not None
    ]
    first = tiff.pages.first
    if first.index != page.index:
        foreign += [
            replace(statement, field=f"{statement.field} of page {first.index + 1}", reason=_OTHER_IMAGE)
            for statement in page_statements(tiff, first)
            if not statement.reason
        ]
    found = choose_size([*statements, *foreign])
    refused = [statement for statement in found.statements if statement.x_nm is not None and statement.reason]
    if found.size.nm is None and refused and not found.notices:
        stated = f"{refused[0].field} gives {refused[0].text} per pixel, but it is {refused[0].reason}"
        return replace(found, notices=(f"{stated}; the pixel size is unknown until you enter it.",))
    return found


_OTHER_IMAGE: Final = "of a different image in the file"


def page_statements(tiff: Any, page: Any) -> list[SizeStatement]:
    """What the tags of one page state, OME apart."""
    try:
        statements = maker_statements(page)
    except (ValueError, TypeError, IndexError, AttributeError, KeyError):  # damaged metadata do not hide the image
        statements = []
    return [*statements, *_imagej(tiff, page), *_resolution(tiff, page)]


def _imagej(tiff: Any, page: Any) -> Iterator[SizeStatement]:
    """Resolution tags in the units that ImageJ notes in the description: unit for x, and yunit where y has its own."""
    metadata = _imagej_metadata(tiff, page)
    if "unit" not in metadata:
        return
    x_unit = str(metadata["unit"])
    y_unit = str(metadata.get("yunit", x_unit))
    x, y = _ratio(page, "XResolution"), _ratio(page, "YResolution")
    if not x or not y:
        return
    x_nm, y_nm = nm_per_unit(x_unit), nm_per_unit(y_unit)
    if x_nm is None or y_nm is None:
        words = x_unit if x_unit == y_unit else f"{x_unit} and {y_unit}"
        if words:
            value = f"{1 / x:.6g} x {1 / y:.6g} {words}"
            yield SizeStatement("ImageJ resolution", value=value[:80], reason="no length")
        return
    yield SizeStatement("ImageJ resolution", x_nm / x, y_nm / y)


def _resolution(tiff: Any, page: Any) -> Iterator[SizeStatement]:
    """The baseline tags, in inch or centimetre, if they cannot be meant for print."""
    if "unit" in _imagej_metadata(tiff, page):  # there the tags are in ImageJ's own unit
        return
    unit = number(page.tags.valueof("ResolutionUnit", default=2))
    x, y = _ratio(page, "XResolution"), _ratio(page, "YResolution")
    nm = _NM_PER_RESOLUTION_UNIT.get(int(unit or 0))
    if nm and x and y:
        yield from print_statement("TIFF resolution tags", x, y, nm)


def _imagej_metadata(tiff: Any, page: Any) -> dict[str, Any]:
    """ImageJ's description, which stands on the first page and is of its series."""
    if not tiff.is_imagej:
        return {}
    first = tiff.pages.first
    alike = (page.imagelength, page.imagewidth) == (first.imagelength, first.imagewidth)
    return dict(tiff.imagej_metadata or {}) if alike else {}


def _ratio(page: Any, name: str) -> float | None:
    """A rational tag as a number."""
    value = page.tags.valueof(name)
    if not isinstance(value, tuple) or len(value) != 2:
        return None
    numerator, denominator = (number(v) for v in value)
    return numerator / denominator if numerator and denominator else None
