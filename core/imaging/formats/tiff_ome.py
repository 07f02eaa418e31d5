"""What the OME-XML in a TIFF declares: its images, their planes, their pixel sizes. Read by ourselves, before tifffile.

Schema: https://docs.openmicroscopy.org/ome-model/6.3.1/ome-tiff/specification.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from core.errors import ImageError
from core.imaging.formats.source import MAX_PAGES
from core.imaging.formats.xml_text import parsed_xml
from core.imaging.pixel_size import SizeStatement, nm_per_unit

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_COUNTS: Final = ("SizeZ", "SizeT", "SizeC")
_PLACES: Final = ("IFD", "FirstZ", "FirstT", "FirstC", "PlaneCount")
_DEFAULT_UNIT: Final = "µm"


@dataclass(frozen=True, slots=True)
class OmeImage:
    """One ``Image`` element.

    Parameters
    ----------
    number
        Its place among the images, from 0.
    name
        As given, or empty.
    shape_yx
        Rows and columns of its planes.
    planes
        How many planes it declares, SizeZ x SizeT x SizeC.
    pages
        Directories that its ``TiffData`` elements name as their first, from 0; empty: not said.
    files
        Names of other files that hold planes of it.
    size
        What it states about its pixels, None: nothing.
    """

    number: int
    name: str
    shape_yx: tuple[int, int]
    planes: int
    pages: frozenset[int]
    files: frozenset[str]
    size: SizeStatement | None


def ome_images(description: str, file_name: str) -> tuple[OmeImage, ...]:
    """The images that a description declares; none where it is no OME-XML or damaged.

    Parameters
    ----------
    description
        Of the first page.
    file_name
        For messages.

    Raises
    ------
    ImageError
        It declares more planes than any file has, or numbers that are none.
    """
    root = parsed_xml(description) if "OME>" in description[-20:] else None
    if root is None:
        return ()
    images: list[OmeImage] = []
    for element in root:
        pixels = next((child for child in element if _plain(child.tag) == "Pixels"), None)
        if _plain(element.tag) == "Image" and pixels is not None:
            images.append(_image(len(images), element, pixels, file_name))
    return tuple(images)


def image_of_page(images: tuple[OmeImage, ...], number: int, page: int, shape_yx: tuple[int, int]) -> OmeImage | None:
    """Which image a page belongs to.

    Parameters
    ----------
    images
        All of them.
    number
        Which of the file's series the page is of, from 0: decides where nothing else does.
    page
        Directory of the page, from 0.
    shape_yx
        Its rows and columns in the file.
    """
    alike = [image for image in images if image.shape_yx == shape_yx]
    if len(alike) < 2:
        return alike[0] if alike else None
    named = [image for image in alike if page in image.pages]
    if len(named) == 1:
        return named[0]
    return next((image for image in alike if image.number == number), alike[0])


def _image(number: int, element: Element, pixels: Element, file_name: str) -> OmeImage:
    """One image, its numbers checked."""
    planes = 1
    for name in _COUNTS:
        planes *= _whole(pixels.get(name, "1"), name, file_name)
        if planes > MAX_PAGES:
            declared = " x ".join(f"{key} {pixels.get(key, '1')}" for key in _COUNTS)
            raise ImageError(
                f"{file_name} declares {declared} planes, more than any file has ({MAX_PAGES:,}).",
                "Its OME description is wrong; export it again, or save the image as a plain TIFF.",
            )
    pages: set[int] = set()
    files: set[str] = set()
    for data in pixels:
        if _plain(data.tag) != "TiffData":
            continue
        places = {name: _whole(data.get(name, "0"), name, file_name) for name in _PLACES}
        if max(places.values()) > MAX_PAGES:
            raise ImageError(
                f"{file_name} names plane or page {max(places.values()):,} in its OME description.",
                "The description is wrong; export it again, or save the image as a plain TIFF.",
            )
        named = [child.get("FileName", "") for child in data if _plain(child.tag) == "UUID"]
        files.update(name for name in named if name)
        pages.add(places["IFD"])
    shape = _whole(pixels.get("SizeY", "0"), "SizeY", file_name), _whole(pixels.get("SizeX", "0"), "SizeX", file_name)
    return OmeImage(
        number, element.get("Name", ""), shape, planes, frozenset(pages), frozenset(files), _size(pixels.attrib)
    )


def _whole(text: str, name: str, file_name: str) -> int:
    """A count."""
    try:
        value = int(text)
    except ValueError:
        value = -1
    if value < 0:
        raise ImageError(
            f"{file_name} declares {name}={text[:40]!r} in its OME description.",
            "The description is damaged; export the file again, or save the image as a plain TIFF.",
        )
    return value


def _size(attributes: dict[str, str]) -> SizeStatement | None:
    """PhysicalSizeX and Y, each in its own unit; micrometres unless another is named."""
    sides: dict[str, float] = {}
    words = []
    for axis in "XY":
        text = attributes.get(f"PhysicalSize{axis}")
        if text is None:
            continue
        unit = attributes.get(f"PhysicalSize{axis}Unit", _DEFAULT_UNIT)
        words.append(f"{text} {unit}")
        factor = nm_per_unit(unit)
        try:
            number = float(text)
        except ValueError:
            continue
        if factor is not None:
            sides[axis] = number * factor
    if not words:
        return None
    if not sides:
        return SizeStatement("OME PhysicalSizeX", value=" x ".join(words)[:80], reason="no length")
    first = next(iter(sides.values()))
    return SizeStatement("OME PhysicalSizeX", sides.get("X", first), sides.get("Y", first))


def _plain(tag: str) -> str:
    """An element's name without its namespace."""
    return tag.rpartition("}")[2]
