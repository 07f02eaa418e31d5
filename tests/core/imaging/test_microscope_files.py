"""Files as microscopes and their programs write them, where reading them plainly gives wrong sizes, values or sides."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image as PilImage

from core.errors import ImageError
from core.imaging.formats.tiff_ome import OmeImage, image_of_page
from core.imaging.image import Image
from core.imaging.reader import Micrograph, open_micrograph, read_image
from tests.core.imaging.files import GREY, mrc, nifti, pil, png, tiff

ROWS, COLUMNS = GREY.shape


def _opened(folder: Path, content: bytes) -> Micrograph:
    path = folder / "image"
    path.write_bytes(content)
    return open_micrograph(path)


def _read(folder: Path, content: bytes) -> Image:
    with _opened(folder, content) as file:
        return file.read()


def _ome(images: str) -> str:
    return f'<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">{images}</OME>'


def _ome_image(number: int, shape: tuple[int, int], size: str = "", data: str | None = None, z: int = 1) -> str:
    data = f'<TiffData IFD="{number}" PlaneCount="1"/>' if data is None else data
    return (
        f'<Image ID="Image:{number}" Name="i{number}"><Pixels ID="Pixels:{number}" DimensionOrder="XYZCT" Type="uint8" '
        f'SizeX="{shape[1]}" SizeY="{shape[0]}" SizeZ="{z}" SizeC="1" SizeT="1" {size}>'
        f'<Channel ID="Channel:{number}:0" SamplesPerPixel="1"/>{data}</Pixels></Image>'
    )


def _size(nm: float) -> str:
    return f'PhysicalSizeX="{nm / 1000}" PhysicalSizeY="{nm / 1000}"'


def _pages(*pages: np.ndarray, description: str | None = None, **options: Any) -> bytes:
    import io

    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        for number, page in enumerate(pages):
            text = description if number == 0 else None
            writer.write(page, description=text, metadata=None, contiguous=False,
                         **{"photometric": "rgb" if page.ndim == 3 else "minisblack", **options})  # fmt: skip
    return out.getvalue()


# ---- sizes ----


@pytest.mark.parametrize("overview_first", [True, False])
def test_the_ome_size_of_the_image_that_is_read(tmp_path: Path, overview_first: bool) -> None:
    overview = GREY[:10, :20]
    pages = (overview, GREY) if overview_first else (GREY, overview)
    sizes = (400.0, 8.0) if overview_first else (8.0, 400.0)
    xml = _ome("".join(_ome_image(i, p.shape, _size(nm)) for i, (p, nm) in enumerate(zip(pages, sizes, strict=True))))
    with _opened(tmp_path, _pages(*pages, description=xml)) as file:
        assert file.shape_yx == GREY.shape
        assert file.pixel_size.nm == pytest.approx(8.0)
        other = next(s for s in file.storage.sizes if not s.taken)
        assert (other.x_nm, other.reason) == (pytest.approx(400), "of a different image in the file")


def test_equal_ome_images_are_told_apart_by_their_pages(tmp_path: Path) -> None:
    xml = _ome(_ome_image(1, GREY.shape, _size(400)) + _ome_image(0, GREY.shape, _size(8)))
    with _opened(tmp_path, _pages(GREY, GREY // 2, description=xml)) as file:
        wanted = 8.0 if np.array_equal(file.read().pixels_yx, GREY) else 400.0
        assert file.pixel_size.nm == pytest.approx(wanted)


def test_no_size_is_borrowed_from_another_ome_image(tmp_path: Path) -> None:
    xml = _ome(_ome_image(0, (10, 20), _size(400)) + _ome_image(1, GREY.shape))
    with _opened(tmp_path, _pages(GREY[:10, :20], GREY, description=xml)) as file:
        assert file.pixel_size.nm is None
        assert "of a different image" in " ".join(file.notices)


@pytest.mark.parametrize("unit", ["&#181;m", "&#xB5;m", "&#956;m", "µm", "um"])
def test_micrometres_in_every_spelling(tmp_path: Path, unit: str) -> None:
    size = f'PhysicalSizeX="0.008" PhysicalSizeY="8" PhysicalSizeXUnit="{unit}" PhysicalSizeYUnit="nm"'
    xml = _ome(_ome_image(0, GREY.shape, size)).encode()
    with _opened(tmp_path, _pages(GREY, description=xml)) as file:  # type: ignore[arg-type]
        assert file.pixel_size.nm == pytest.approx(8)


def test_imagej_axes_have_units_of_their_own(tmp_path: Path) -> None:
    content = tiff(GREY, description="ImageJ=1.54f\nunit=nm\nyunit=um\n", metadata=None, resolution=(0.125, 125.0))
    with _opened(tmp_path, content) as file:
        assert (file.pixel_size.nm, file.notices) == (pytest.approx(8.0), ())


@pytest.mark.parametrize("unit", [b"\\u00B5m", b"\xb5m", b"\xc2\xb5m", b"micron", b"um"])
def test_imagej_micrometres_as_its_versions_wrote_them(tmp_path: Path, unit: bytes) -> None:
    content = tiff(GREY, description="ImageJ=1.54f\nunit=@@@@@@@@\n", metadata=None, resolution=(125.0, 125.0))
    with _opened(
        tmp_path, content.replace(b"unit=@@@@@@@@\n", b"unit=" + unit + b"\n" + b" " * (8 - len(unit)))
    ) as file:
        assert file.pixel_size.nm == pytest.approx(8.0)


def test_imagej_axis_without_a_length_is_no_size(tmp_path: Path) -> None:
    content = tiff(GREY, description="ImageJ=1.54f\nunit=nm\nyunit=sec\n", metadata=None, resolution=(0.125, 125.0))
    with _opened(tmp_path, content) as file:
        assert file.pixel_size.nm is None
        assert file.storage.sizes[0].reason == "no length"


@pytest.mark.parametrize(("columns", "nm"), [(512, 8.0), (1024, 4.0), (2048, 2.0), (3072, 4 / 3), (700, None)])
def test_zeiss_pixel_size_is_of_a_screen(tmp_path: Path, columns: int, nm: float | None) -> None:
    """Zeiss's two sizes: of the stored image, and of a screen 1,024 px wide."""
    text = "0\r\n0\r\n0\r\n4e-009\r\nAP_PIXEL_SIZE\r\nPixel Size = 4.0 nm\r\n"
    content = tiff(np.zeros((9, columns), np.uint8), extratags=[(34118, 2, None, text, True)])
    with _opened(tmp_path, content) as file:
        assert file.pixel_size.nm == (None if nm is None else pytest.approx(nm, rel=1e-5))
        assert (nm is None) == ("cropped" in " ".join(file.notices))
    named = text + "AP_IMAGE_PIXEL_SIZE\r\nImage Pixel Size = 3.0 nm\r\n"
    content = tiff(np.zeros((9, columns), np.uint8), extratags=[(34118, 2, None, named, True)])
    with _opened(tmp_path, content) as file:
        assert file.pixel_size.nm == 3.0


def _sis(metres: float) -> bytes:
    """An Olympus SIS block as tifffile reads it: a header, one tag of general data; ``offset`` is filled in later."""
    head = struct.pack("<4s6xhhhhh6x32sH", b"SIS0", 1, 2, 3, 4, 118, b"s", 1)
    return head, struct.pack("<10xhdd8xd2x34s32s", -9, metres * 1e9, metres * 1e9, 6e5, b"cam", b"tem")  # type: ignore[return-value]


def test_the_raw_page_and_its_size_not_the_picture_of_it(tmp_path: Path) -> None:
    """Olympus iTEM writes an RGB picture with the scale bar drawn in, then the 16-bit image with the pixel size."""
    raw = GREY.astype(np.uint16) * 100
    picture = np.stack([GREY] * 3, axis=-1)
    head, general = _sis(2.4e-11)
    plain = _pages(picture, raw)
    at = len(plain) + len(head) + 8
    block = head + struct.pack("<hhI", 1, 1, at) + general
    content = bytearray(_pages(picture, raw))
    content += block
    with tifffile.TiffFile(_saved(tmp_path, plain)) as made:
        page = made.pages[1]
        at_directory = page.offset
        fields = struct.unpack("<H", plain[at_directory : at_directory + 2])[0]
        body = plain[at_directory + 2 : at_directory + 2 + 12 * fields]
    sis = struct.pack("<HHII", 33560, 4, 1, len(plain))
    moved = len(content)
    content += struct.pack("<H", fields + 1) + body + sis + struct.pack("<I", 0)
    with tifffile.TiffFile(tmp_path / "plain") as made:
        first = made.pages[0].offset
    link = first + 2 + 12 * struct.unpack("<H", plain[first : first + 2])[0]
    content[link : link + 4] = struct.pack("<I", moved)
    with _opened(tmp_path, bytes(content)) as file:
        assert (file.dtype, file.storage.read) == (np.dtype(np.uint16), "page 2 of 2")
        np.testing.assert_array_equal(file.read().pixels_yx, raw)
        assert file.pixel_size.nm == pytest.approx(0.024)
        assert "RGB" in file.notices[0]


@pytest.mark.parametrize(
    ("pages", "read"),
    [
        (("rgb", "mask"), 0),
        (("rgb", "bits"), 0),
        (("mask", "grey"), 1),
        (("grey", "float"), 0),
        (("grey", "grey16"), 1),
        (("rgb", "grey"), 1),
        (("big copy", "grey"), 1),
    ],
    ids=["rgb-mask", "rgb-bits", "mask-grey", "grey-float", "grey-grey16", "rgb-grey", "copy-grey"],
)
def test_which_of_several_images_is_read(tmp_path: Path, pages: tuple[str, ...], read: int) -> None:
    made: dict[str, tuple[np.ndarray, dict[str, Any]]] = {
        "grey": (GREY, {}),
        "grey16": (GREY.astype(np.uint16) * 9, {}),
        "float": (GREY.astype(np.float32) / 7, {}),
        "rgb": (np.stack([GREY, GREY // 2, GREY // 3], axis=-1), {"photometric": "rgb"}),
        "bits": (GREY > 99, {}),
        "mask": (GREY > 99, {"subfiletype": 4}),
        "big copy": (np.pad(GREY, 9), {"subfiletype": 1}),
    }
    with tifffile.TiffWriter(tmp_path / "a") as writer:
        for page in pages:
            pixels, options = made[page]
            writer.write(pixels, metadata=None, **{"photometric": "minisblack", **options})
    with open_micrograph(tmp_path / "a") as file:
        assert file.storage.read == f"page {read + 1} of 2"
        assert len(file.notices) == 1


def _saved(folder: Path, content: bytes) -> Path:
    path = folder / "plain"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("tags", "nm", "field"),
    [
        ([(50431, 1, None, b"\x00\x01[MAIN]\nPixelSizeX=2.5e-9\nPixelSizeY=2.5e-9\n", True)], 2.5, "Tescan PixelSizeX"),
        ([(65003, 2, None, "nm", True), (65004, 2, None, "nm", True), (65009, 12, 1, 3.0, True),
          (65010, 12, 1, 3.0, True)], 3.0, "Gatan DigitalMicrograph scale"),
        ([(34683, 2, None, '<M><BinaryResult><PixelSize><X unit="m">1.2E-9</X><Y unit="m">1.2E-9</Y></PixelSize>'
           "</BinaryResult></M>", True)], 1.2, "Thermo/FEI PixelSize"),
        ([(34682, 2, None, "[EScan]\r\nPixelWidth=6e-9\r\nPixelHeight=6e-9\r\n", True)], 6.0,
         "Thermo/FEI EScan PixelWidth"),
    ],
    ids=["tescan", "gatan", "fei-xml", "fei-escan"],
)  # fmt: skip
def test_private_tags(tmp_path: Path, tags: list[Any], nm: float, field: str) -> None:
    with _opened(tmp_path, tiff(GREY, extratags=tags)) as file:
        assert (file.pixel_size.nm, file.pixel_size.detail) == (pytest.approx(nm), field)


def test_statements_that_differ_are_named(tmp_path: Path) -> None:
    tags = [(34682, 2, None, "[Scan]\r\nPixelWidth=8e-9\r\nPixelHeight=8e-9\r\n", True)]
    content = tiff(GREY, extratags=tags, resolution=(2.5e6, 2.5e6), resolutionunit="CENTIMETER")
    with _opened(tmp_path, content) as file:
        assert file.pixel_size.nm == pytest.approx(8)
        assert "gives 8 x 8 nm and TIFF resolution tags gives 4 x 4 nm" in file.notices[0]
        assert [s.taken for s in file.storage.sizes] == [True, False]


def test_pages_with_sizes_of_their_own_keep_them(tmp_path: Path) -> None:
    import io

    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        for nm in (8, 8, 40):
            writer.write(GREY, photometric="minisblack", metadata=None, contiguous=False, software=f"{nm}",
                         resolution=(1e7 / nm, 1e7 / nm), resolutionunit="CENTIMETER")  # fmt: skip
    with _opened(tmp_path, out.getvalue()) as file:
        assert [file.read(page).pixel_size.nm for page in range(3)] == [8.0, 8.0, 40.0]
        assert "different pixel sizes" in file.notices[0]


def test_a_paper_resolution_is_listed_with_its_reason(tmp_path: Path) -> None:
    for content in (pil(GREY, "PNG", dpi=(96, 96)), tiff(GREY, resolution=(96, 96), resolutionunit="INCH")):
        with _opened(tmp_path, content) as file:
            (statement,) = file.storage.sizes
            assert statement.text.startswith("96")
            assert (statement.taken, statement.reason) == (False, "a print or screen resolution")


# ---- values ----


def test_one_bit_palette(tmp_path: Path) -> None:
    content = tiff(GREY > 99, extratags=[(320, 3, 6, (65535, 0) * 3, True)])
    content = content.replace(struct.pack("<HHIHH", 262, 3, 1, 1, 0), struct.pack("<HHIHH", 262, 3, 1, 3, 0))
    np.testing.assert_array_equal(_read(tmp_path, content).pixels_yx, np.where(GREY > 99, 0, 255))


def test_palette_of_8_bit_colours(tmp_path: Path) -> None:
    """Some programs write the colours with 8 bits where the standard has 16."""
    colors = np.array([np.arange(256)[::-1]] * 3, np.uint16)
    content = tiff(GREY, photometric="palette", colormap=colors)
    np.testing.assert_array_equal(_read(tmp_path, content).pixels_yx, 255 - GREY)


def test_a_palette_that_says_nothing_is_refused(tmp_path: Path) -> None:
    """One colour instead of 3 x 256; and indices of 32 bits, whose palette would fill the memory."""
    (tmp_path / "a").write_bytes(tiff(GREY, photometric="palette", colormap=np.zeros((3, 256), np.uint16)))
    content = bytearray((tmp_path / "a").read_bytes())
    at = content.index(struct.pack("<HHI", 320, 3, 768))
    content[at + 4 : at + 8] = struct.pack("<I", 1)
    wide = tiff(GREY.astype(np.uint32) * 2**24, extratags=[(320, 3, 6, (65535, 0) * 3, True)])
    wide = wide.replace(struct.pack("<HHIHH", 262, 3, 1, 1, 0), struct.pack("<HHIHH", 262, 3, 1, 3, 0))
    for damaged in (bytes(content), wide):
        with pytest.raises(ImageError, match="palette of shape"):
            _read(tmp_path, damaged)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32])
def test_signed_white_is_zero_has_its_order_reversed(tmp_path: Path, dtype: Any) -> None:
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    stored = np.array([[low, -1, 0, 5, high]] * 40, dtype)
    pixels = _read(tmp_path, tiff(stored, photometric="miniswhite")).pixels_yx.astype(np.float64)
    assert (np.diff(pixels[0]) < 0).all()
    assert pixels[0, 0] == pytest.approx(high)


@pytest.mark.parametrize(("extra", "channels"), [([0], "RGB"), ([1], "RGB with alpha"), ([2], "RGB with alpha")])
def test_a_fourth_sample_is_opacity_only_where_the_file_says_so(
    tmp_path: Path, extra: list[int], channels: str
) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (60, 90, 4), np.uint8)
    with _opened(tmp_path, tiff(pixels, photometric="rgb", extrasamples=extra)) as file:
        plane = file.read_plane()
    assert plane.channels.value == channels
    np.testing.assert_array_equal(plane.pixels[..., :3], pixels[..., :3])


def _mrc_with(folder: Path, pixels: np.ndarray, **fields: tuple[int, bytes]) -> bytes:
    content = bytearray(mrc(folder, pixels))
    for at, value in fields.values():
        content[at : at + len(value)] = value
    return bytes(content)


_RANGE = 76
_VERSION = 108
_STAMP = 152


@pytest.mark.parametrize(
    ("limits", "version", "stamp", "unsigned"),
    [
        ((0, 255), 0, None, True),
        ((0, 255), 20140, None, True),
        ((-128, 127), 0, None, False),
        ((0, 0), 20140, None, False),
        ((0, 0), 0, None, True),
        ((0, 255), 20140, 1, False),
        ((0, 0), 20140, 0, True),
    ],
    ids=["old", "new-but-255", "old-negative", "new-unknown", "old-unknown", "imod-signed", "imod-unsigned"],
)
def test_mrc_bytes_have_a_sign_or_none(
    tmp_path: Path, limits: tuple[int, int], version: int, stamp: int | None, unsigned: bool
) -> None:
    content = _mrc_with(
        tmp_path, GREY.view(np.int8), limits=(_RANGE, struct.pack("<2f", *limits)),
        version=(_VERSION, struct.pack("<i", version)),
        stamp=(_STAMP, bytes(8) if stamp is None else struct.pack("<2i", 1146047817, stamp)),
    )  # fmt: skip
    expected = GREY if unsigned else GREY.view(np.int8)
    np.testing.assert_array_equal(_read(tmp_path, content).pixels_yx, expected)


def test_mrc_16_bit_values_above_the_signed_range(tmp_path: Path) -> None:
    values = GREY.astype(np.uint16) * 257
    content = _mrc_with(tmp_path, values.view(np.int16), limits=(_RANGE, struct.pack("<2f", 0, 65535)))
    np.testing.assert_array_equal(_read(tmp_path, content).pixels_yx, values)


def test_mrc_of_four_bits_and_of_colours(tmp_path: Path) -> None:
    header = bytearray(mrc(tmp_path, GREY.view(np.int8))[:1024])
    values = GREY % 16
    odd = values[:, :89]
    padded = np.pad(odd, [(0, 0), (0, 1)])
    header[:16] = struct.pack("<4i", 89, ROWS, 1, 101)
    packed = (padded[:, ::2] | (padded[:, 1::2] << 4)).astype(np.uint8)
    np.testing.assert_array_equal(_read(tmp_path, bytes(header) + packed.tobytes()).pixels_yx, odd)
    header[:16] = struct.pack("<4i", COLUMNS, ROWS, 1, 16)
    colors = np.stack([GREY, GREY, GREY], axis=-1)
    np.testing.assert_array_equal(_read(tmp_path, bytes(header) + colors.tobytes()).pixels_yx, GREY)


# ---- sides ----


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_upright(tmp_path: Path, orientation: int) -> None:
    """Against Pillow's own turning of the same file."""
    content = tiff(GREY, extratags=[(274, 3, 1, orientation, True)], resolution=(1.25e6, 0.625e6),
                   resolutionunit="CENTIMETER")  # fmt: skip
    turn: Callable[[np.ndarray], np.ndarray] = {
        1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud, 5: np.transpose,
        6: lambda a: np.rot90(a, -1), 7: lambda a: np.rot90(a, 2).T, 8: np.rot90,
    }[orientation]  # fmt: skip
    expected = turn(GREY)
    with _opened(tmp_path, content) as file:
        assert file.shape_yx == expected.shape
        np.testing.assert_array_equal(file.read().pixels_yx, expected)
        assert any("orientation" in notice for notice in file.notices) == (orientation > 1)
        (stated,) = file.storage.sizes
        sides = (8.0, 16.0) if orientation < 5 else (16.0, 8.0)
        assert (stated.x_nm, stated.y_nm) == (pytest.approx(sides[0]), pytest.approx(sides[1]))
    (tmp_path / "a.png").write_bytes(png(GREY))
    with PilImage.open(tmp_path / "a.png") as picture:
        exif = picture.getexif()
        exif[274] = orientation
        for kind in ("PNG", "JPEG"):
            picture.save(tmp_path / "turned", kind, exif=exif, **({"quality": 95} if kind == "JPEG" else {}))
            assert read_image(tmp_path / "turned").pixels_yx.shape == expected.shape
            difference = read_image(tmp_path / "turned").pixels_yx.astype(int) - expected
            assert np.abs(difference).mean() < (0.001 if kind == "PNG" else 12)


def test_mrc_axes_in_another_order(tmp_path: Path) -> None:
    content = _mrc_with(
        tmp_path, GREY.astype(np.uint16),
        grid=(28, struct.pack("<3i", ROWS, 1, COLUMNS)), cell=(40, struct.pack("<3f", 80 * ROWS, 60, 40 * COLUMNS)),
        order=(64, struct.pack("<3i", 3, 1, 2)),
    )  # fmt: skip
    with _opened(tmp_path, content) as file:
        (stated,) = file.storage.sizes
        assert (stated.x_nm, stated.y_nm) == (pytest.approx(8), pytest.approx(4))  # x is 80 A, z 40 A
        np.testing.assert_array_equal(file.read().pixels_yx, GREY.T)
        notices = " ".join(file.notices)
        assert "not square" in notices
        assert "order z, x, y" in notices


def test_mrc_axis_order_of_zeros_is_the_usual_one(tmp_path: Path) -> None:
    content = _mrc_with(
        tmp_path, GREY.astype(np.uint16), order=(64, bytes(12)), cell=(40, struct.pack("<3f", 7200, 4800, 80))
    )
    with _opened(tmp_path, content) as file:
        assert file.pixel_size.nm == pytest.approx(8)
        np.testing.assert_array_equal(file.read().pixels_yx, GREY)


@pytest.mark.parametrize(
    ("stored", "pages"),
    [(GREY[None], 1), (GREY.T[:, None, :], 1), (GREY[None, :, :, None], 1), (np.stack([GREY] * 3, axis=-1)[None], 3)],
    ids=["1-rows-columns", "x-1-z", "four-axes", "pages"],
)
def test_nifti_with_an_axis_of_length_1_is_no_stack_of_lines(tmp_path: Path, stored: np.ndarray, pages: int) -> None:
    with _opened(tmp_path, nifti(stored, (8e-6, 8e-6, 8e-6), "mm")) as file:
        assert (file.pages, file.shape_yx) == (pages, GREY.shape)
        np.testing.assert_array_equal(file.read(pages - 1).pixels_yx, GREY)
        assert file.pixel_size.nm == pytest.approx(8)
        assert "60 rows and 90 columns" in " ".join(file.notices)


def test_nifti_of_real_volumes_is_read_as_before(tmp_path: Path) -> None:
    volume = np.random.default_rng(2).integers(0, 99, (7, 5, 3), np.uint8)
    for stored in (volume, volume[:1, :, :1], volume[:, :1, :1]):
        with _opened(tmp_path, nifti(stored)) as file:
            assert (file.pages, file.shape_yx) == (stored.shape[2], (stored.shape[1], stored.shape[0]))


def test_nifti_sizes_without_a_unit_are_named(tmp_path: Path) -> None:
    with _opened(tmp_path, nifti(GREY.T[..., None], (8e-6, 8e-6, 1))) as file:
        assert file.pixel_size.nm is None
        assert "in millimetres it would be 8 nm" in file.notices[0]


def test_nifti_directions(tmp_path: Path) -> None:
    with _opened(tmp_path, nifti(GREY.T[..., None], (-8e-6, 8e-6, 1), "mm")) as file:
        assert file.storage.axes == "columns to the left (L), rows to the front (A)"


# ---- what else there is ----


def test_missing_planes_are_named_and_the_others_are_read(tmp_path: Path) -> None:
    xml = _ome(_ome_image(0, GREY.shape, _size(8), data="<TiffData/>", z=4))
    with _opened(tmp_path, _pages(GREY, GREY // 2, description=xml)) as file:
        assert file.pages == 2
        np.testing.assert_array_equal(file.read(1).pixels_yx, GREY // 2)
        assert file.read(1).name == "image (z 2)"
        assert "declares 4 planes but holds 2; missing: 3, 4" in file.notices[0]


def test_images_that_imagej_names_and_the_file_lacks_are_named(tmp_path: Path) -> None:
    for number, missing in ((5, True), (1, False)):
        description = f"ImageJ=1.54f\nimages={number}\nslices={number}\n"
        with _opened(tmp_path, tiff(GREY, description=description, metadata=None)) as file:
            assert file.pages == 1
            assert any("names 5 images but the file holds 1" in notice for notice in file.notices) == missing
    with _opened(tmp_path, tiff(np.stack([GREY] * 3), imagej=True, metadata={"axes": "ZYX"})) as file:
        assert (file.pages, file.notices) == (3, ())


@pytest.mark.parametrize(
    ("scan_rows", "bar", "noticed"), [(50, 10, 10), (50, 0, 10), (60, 10, 0), (10, 50, 0)],
    ids=["height", "no-height", "saved-without", "absurd"],
)  # fmt: skip
def test_the_data_bar_is_noticed(tmp_path: Path, scan_rows: int, bar: int, noticed: int) -> None:
    text = f"[Image]\r\nResolutionX={COLUMNS}\r\nResolutionY={scan_rows}\r\n[PrivateFei]\r\nDatabarHeight={bar}\r\n"
    image = _read(tmp_path, tiff(GREY, extratags=[(34682, 2, None, text, True)]))
    assert image.shape == GREY.shape
    said = [notice for notice in image.notices if "data bar" in notice]
    assert said == ([] if not noticed else [said[0]])
    assert not noticed or "bottom 10 rows (51 to 60)" in said[0]


@pytest.mark.parametrize(
    ("head", "name", "what"),
    [
        (struct.pack(">3i", 3, 8_000_000, 1), "a.dm3", "a Gatan DM3 file"),
        (struct.pack(">iqi", 4, 8_000_000, 0), "a.dm4", "a Gatan DM4 file"),
        (b"# AmiraMesh BINARY-LITTLE-ENDIAN 2.1\n", "a.am", "an Amira mesh file"),
        (b"II\x97\x01" + bytes(30), "a.ser", "an FEI SER file"),
        (b"\x89HDF\r\n\x1a\n", "a.emd", "an EMD file"),
        (b"\x89HDF\r\n\x1a\n", "a.h5", "an HDF5 file"),
        (b"ZISRAWFILE", "a.czi", "a Zeiss CZI file"),
        (b"p\0\0\0\x10\0\0\0*\0", "a.lif", "a Leica LIF file"),
        (b"\xda\xce\xbe\n", "a.nd2", "a Nikon ND2 file"),
        (b"NRRD0004\n", "a.nrrd", "an NRRD file"),
        (b"P5\n90 60\n255\n", "a.pgm", "a portable bitmap"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("a.") else "",
)
def test_other_formats_are_named_with_the_way_out(tmp_path: Path, head: bytes, name: str, what: str) -> None:
    (tmp_path / name).write_bytes(head.ljust(5000, b"\xf1"))
    with pytest.raises(ImageError, match=f"looks like {what}") as caught:
        open_micrograph(tmp_path / name)
    assert "TIFF" in caught.value.remedy.removesuffix("Cristae reads PNG, JPEG, TIFF, NIfTI, MRC.")


def _expected_of_shared(shared: Path) -> dict[str, dict[str, Any]]:
    expected: dict[str, dict[str, Any]] = json.loads((shared / "cases" / "expected.json").read_text("utf-8"))
    return expected


def test_shared_cases_of_images(shared_data: Path) -> None:
    """The collection of reported files, where it is there: the size of a pixel, or what the refusal says."""
    if not (shared_data / "cases").is_dir():
        pytest.skip("the collection of reported files is not on this machine")
    sizes = {"S38": 8.0, "S14": 2.0, "S03": 8.0, "S29": 8.0, "Q06": 8.0, "S24": 0.0239279, "S23": 2.5, "P26": 8.0}
    said = {"P26": "missing: 3, 4", "S23": "bottom 59 rows", "Q24": "order z, x, y", "P29": "orientation is 4"}
    refused = {"Q19": "Gatan DM3", "Q21": "Amira"}
    for case, details in _expected_of_shared(shared_data).items():
        if details["kind"] not in ("image", "segment"):
            continue
        (path,) = (shared_data / "cases" / case).iterdir()
        if case in refused:
            with pytest.raises(ImageError, match=refused[case]):
                open_micrograph(path)
            continue
        with open_micrograph(path) as file:
            image = file.read(file.pages - 1)
        if case in sizes:
            assert image.pixel_size.nm == pytest.approx(sizes[case]), case
        assert said.get(case, "") in " ".join(image.notices), case


def test_shared_files_of_microscopes(shared_data: Path) -> None:
    folder = shared_data / "rawfiles"
    if not folder.is_dir():
        pytest.skip("the files of microscopes are not on this machine")
    sizes = {"EMD-3197": 1.14, "temp.mrc": 0.2, "rbc1": 1.07917, "FEI-Helios": 3372.4, "512pix": 11.65}
    for path in folder.iterdir():
        nm = next((nm for part, nm in sizes.items() if part in path.name), None)
        if nm is not None:
            with open_micrograph(path) as file:
                assert file.pixel_size.nm == pytest.approx(nm, rel=1e-4), path.name
        elif path.suffix in (".dm3", ".dm4", ".ser", ".emd"):
            with pytest.raises(ImageError, match=r"Gatan DM[34]|FEI SER|EMD"):
                open_micrograph(path)


def test_an_ome_image_that_names_no_page_is_known_by_its_size() -> None:
    images = tuple(
        OmeImage(number, "", shape, 1, frozenset({0}), frozenset(), None)
        for number, shape in enumerate([(10, 20), (60, 90)])
    )
    assert image_of_page(images, 1, 1, (60, 90)) is images[1]
    assert image_of_page(images, 0, 0, (60, 90)) is images[1]
    assert image_of_page(images, 0, 0, (7, 7)) is None
