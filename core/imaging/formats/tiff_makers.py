"""Private tags in which makers of microscopes state the size of a pixel, and how many rows their data bar takes.

Each function gets a page of tifffile and gives its statements, the most trustworthy first. Units are the makers':
metres for Thermo/FEI, Zeiss, Olympus SIS, Tescan and Zeiss LSM, nanometres for TVIPS, named ones for Gatan.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from core.imaging.formats.xml_text import parsed_xml
from core.imaging.pixel_size import SizeStatement, nm_per_unit

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_FEI_TAGS: Final = (34682, 34680)
_FEI_SECTIONS: Final = ("Scan", "EScan", "IScan", "PScan")
_FEI_XML_TAG: Final = 34683
_FEI_XML_NAMES: Final = ("pixelsize", "pixelssize")
_ZEISS_TAG: Final = 34118
_ZEISS_SCREEN_PX: Final = 1024
"""Zeiss's "Pixel Size" is of a screen this wide, whatever the width of the image that was stored."""
_SIS_TAGS: Final = (33560, 33471)
_TVIPS_TAG: Final = 37706
_TESCAN_TAG: Final = 50431
_TESCAN_SIZE: Final = re.compile(rb"PixelSize([XY])\s*=\s*([0-9.eE+-]+)")
_GATAN_TAGS: Final = {"x": (65003, 65009), "y": (65004, 65010)}
"""Unit and size of each axis, as DigitalMicrograph exports them."""
_LSM_TAG: Final = 34412
_NM_PER_M: Final = 1e9


def maker_statements(page: Any) -> list[SizeStatement]:
    """What a page's private tags state.

    Parameters
    ----------
    page
        A ``tifffile.TiffPage``.
    """
    return [statement for source in _SOURCES for statement in source(page)]


def data_bar_rows(page: Any) -> int:
    """How many rows at the bottom are the microscope's data bar; 0 where none are, or it is not said.

    Thermo/FEI notes the rows of the scan and, often, the height of the bar: what the file has beyond the scan is the
    bar, whatever height is noted (there are files that note 0).
    """
    rows, columns = int(page.imagelength), int(page.imagewidth)
    for metadata in _fei_metadata(page):
        image = metadata.get("Image")
        if not isinstance(image, Mapping):
            continue
        scan_rows, scan_columns = number(image.get("ResolutionY")), number(image.get("ResolutionX"))
        if not scan_rows or scan_rows < 1 or (scan_columns and scan_columns != columns):
            continue
        beyond = rows - int(scan_rows)
        return beyond if 0 < beyond < rows // 2 else 0
    return 0


def number(value: Any) -> float | None:
    """A float, None for anything that is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _fei_metadata(page: Any) -> Iterator[Mapping[str, Any]]:
    for code in _FEI_TAGS:
        metadata = page.tags.valueof(code)
        if isinstance(metadata, Mapping):
            yield metadata


def _fei(page: Any) -> Iterator[SizeStatement]:
    """PixelWidth and PixelHeight of the beam that scanned."""
    for metadata in _fei_metadata(page):
        for section in _FEI_SECTIONS:
            fields = metadata.get(section)
            if not isinstance(fields, Mapping):
                continue
            width, height = number(fields.get("PixelWidth")), number(fields.get("PixelHeight"))
            if width:
                sides = width * _NM_PER_M, (height or width) * _NM_PER_M
                yield SizeStatement(f"Thermo/FEI {section} PixelWidth", *sides)
                return


def _fei_xml(page: Any) -> Iterator[SizeStatement]:
    """X and Y in the element PixelSize of the XML that Thermo/FEI's newer programs write."""
    text = page.tags.valueof(_FEI_XML_TAG)
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    root = parsed_xml(text) if isinstance(text, str) else None
    if root is None:
        return
    for element in root.iter():
        if element.tag.rpartition("}")[2].casefold() not in _FEI_XML_NAMES:
            continue
        sides = {child.tag.rpartition("}")[2].upper(): child for child in element}
        lengths = [_xml_length(sides[axis]) if axis in sides else None for axis in "XY"]
        if lengths[0]:
            yield SizeStatement("Thermo/FEI PixelSize", lengths[0], lengths[1] or lengths[0])
            return


def _xml_length(element: Element) -> float | None:
    """In nm; metres unless the element names another unit."""
    size, unit = number(element.text), nm_per_unit(element.get("unit", "m"))
    return size * unit if size and unit else None


def _zeiss(page: Any) -> Iterator[SizeStatement]:
    """Image Pixel Size is the image's; Pixel Size, and the unnamed fourth value, are a screen's 1,024 px wide.

    Zeiss stores images 512, 1,024, 2,048, 3,072, ... px wide. Another width has been cut out by some program, and its
    pixels cannot be worked out from its width.
    """
    metadata = page.tags.valueof(_ZEISS_TAG)
    if not isinstance(metadata, Mapping):
        return
    named = _zeiss_length(metadata.get("ap_image_pixel_size"))
    if named:
        yield SizeStatement("Zeiss Image Pixel Size", named, named)
    columns = int(page.imagewidth)
    on_screen = _zeiss_length(metadata.get("ap_pixel_size"))
    field = "Zeiss Pixel Size"
    if not on_screen:
        unnamed = metadata.get("", ())
        metres = number(unnamed[3]) if isinstance(unnamed, tuple) and len(unnamed) > 3 else None
        on_screen, field = (metres or 0) * _NM_PER_M, "Zeiss pixel size"
    if on_screen and columns and columns % 512 and 1024 % columns:
        yield SizeStatement(
            field, on_screen, on_screen, reason="of a screen 1,024 px wide, and the image seems cropped"
        )
    elif on_screen and columns:
        side = on_screen * _ZEISS_SCREEN_PX / columns
        scaled = "" if columns == _ZEISS_SCREEN_PX else f" x {_ZEISS_SCREEN_PX} / {columns} columns"
        yield SizeStatement(field + scaled, side, side)


def _zeiss_length(value: Any) -> float | None:
    """A named value with a unit, in nm."""
    if not isinstance(value, tuple) or len(value) != 3:
        return None
    size, unit = number(value[1]), nm_per_unit(str(value[2]))
    return size * unit if size and unit else None


def _sis(page: Any) -> Iterator[SizeStatement]:
    for code in _SIS_TAGS:
        metadata = page.tags.valueof(code)
        if isinstance(metadata, Mapping):
            x, y = number(metadata.get("pixelsizex")), number(metadata.get("pixelsizey"))
            if x:
                yield SizeStatement("Olympus SIS pixel size", x * _NM_PER_M, (y or x) * _NM_PER_M)
                return


def _tvips(page: Any) -> Iterator[SizeStatement]:
    metadata = page.tags.valueof(_TVIPS_TAG)
    if isinstance(metadata, Mapping):
        x, y = number(metadata.get("PixelSizeX")), number(metadata.get("PixelSizeY"))
        if x:
            yield SizeStatement("TVIPS PixelSizeX", x, y or x)


def _tescan(page: Any) -> Iterator[SizeStatement]:
    value = page.tags.valueof(_TESCAN_TAG)
    text = value.encode("latin-1", "replace") if isinstance(value, str) else value
    if not isinstance(text, bytes):
        return
    sides = {axis: number(size.decode("ascii")) for axis, size in _TESCAN_SIZE.findall(text)}
    x = sides.get(b"X")
    if x:
        yield SizeStatement("Tescan PixelSizeX", x * _NM_PER_M, (sides.get(b"Y") or x) * _NM_PER_M)


def _gatan(page: Any) -> Iterator[SizeStatement]:
    lengths = []
    for unit_tag, size_tag in _GATAN_TAGS.values():
        unit = nm_per_unit(str(page.tags.valueof(unit_tag, default="")))
        size = number(page.tags.valueof(size_tag))
        lengths.append(size * unit if size and unit else None)
    if lengths[0]:
        yield SizeStatement("Gatan DigitalMicrograph scale", lengths[0], lengths[1] or lengths[0])


def _lsm(page: Any) -> Iterator[SizeStatement]:
    metadata = page.tags.valueof(_LSM_TAG)
    if isinstance(metadata, Mapping):
        x, y = number(metadata.get("VoxelSizeX")), number(metadata.get("VoxelSizeY"))
        if x:
            yield SizeStatement("Zeiss LSM VoxelSizeX", x * _NM_PER_M, (y or x) * _NM_PER_M)


_SOURCES: Final[tuple[Callable[[Any], Iterator[SizeStatement]], ...]] = (
    _fei, _fei_xml, _zeiss, _sis, _tvips, _tescan, _gatan, _lsm,
)  # fmt: skip
