"""Masks and label maps as other programs really write them: polarity, ids, transparency, losses, place in space."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import tifffile
from PIL import Image as PilImage

from core.datasets.folder import load_case, open_dataset
from core.datasets.import_case import ImportCase
from core.datasets.import_check import Question, check_import
from core.errors import LabelMapError, UnclearMaskError, UnknownColorsError
from core.imaging.reader import placement_of
from core.label_scheme import DEFAULT_SCHEME
from core.labels.importing import LabelRule, read_label_image, read_masks, read_rgb_labels
from core.labels.polarity import Foreground
from core.labels.report import NO_BACKGROUND
from tests.core.imaging.files import pil, png, tiff

SHAPE = (40, 60)
OBJECT = np.zeros(SHAPE, bool)
OBJECT[8:24, 10:34] = True  # 16 % of the picture


def _saved(folder: Path, content: bytes, name: str = "a.tif") -> Path:
    (folder / name).write_bytes(content)
    return folder / name


def _mask(path: Path, foreground: Foreground | None = None) -> tuple[np.ndarray, tuple[str, ...]]:
    read = read_masks({2: path}, DEFAULT_SCHEME, SHAPE, foreground=foreground)
    assert set(np.unique(read.labels_yx)) <= {0, 2}
    return read.labels_yx == 2, read.report.sentences


def _palette(pixels: np.ndarray, palette: np.ndarray, **options: Any) -> bytes:
    picture = PilImage.fromarray(pixels.astype(np.uint8), "P")
    picture.putpalette(palette.astype(np.uint8).ravel().tolist())
    out = io.BytesIO()
    picture.save(out, "PNG", **options)
    return out.getvalue()


FALLING = np.repeat(np.arange(255, -1, -1)[:, None], 3, axis=1)
PLAIN = {"software": "", "metadata": None}
FIJI = {"photometric": "miniswhite", "description": "ImageJ=1.54f\n", **PLAIN}


@pytest.mark.parametrize("part", [OBJECT, ~OBJECT], ids=["small object", "object is most"])
@pytest.mark.parametrize(
    ("write", "look"),
    [
        (lambda m: tiff(m * np.uint8(255)), Foreground.LIGHT),
        (lambda m: tiff(m, photometric="minisblack", **PLAIN), Foreground.LIGHT),
        (lambda m: tiff(m, photometric="miniswhite"), Foreground.DARK),  # tifffile's way with boolean arrays
        (lambda m: tiff(~m, photometric="miniswhite", **PLAIN), Foreground.LIGHT),
        (lambda m: tiff(m * np.uint8(255), **FIJI), Foreground.DARK),
        (lambda m: _palette(m * 255, FALLING), Foreground.DARK),
        (lambda m: _palette(m, np.array([[255] * 3, [0] * 3])), Foreground.DARK),
        (lambda m: pil(m, "PNG"), Foreground.LIGHT),
        (lambda m: pil(m, "TIFF"), Foreground.LIGHT),
    ],
    ids=[
        "grey",
        "1 bit",
        "1 bit of tifffile",
        "1 bit white is zero",
        "Fiji",
        "Fiji as PNG",
        "two colours",
        "PNG",
        "PIL",
    ],
)
def test_the_object_of_a_mask_is_never_turned_over_without_a_word(
    tmp_path: Path, write: Callable[[np.ndarray], bytes], look: Foreground, part: np.ndarray
) -> None:
    path = _saved(tmp_path, write(part), "a.png")
    read, _ = _mask(path, look)
    np.testing.assert_array_equal(read, part)
    other = Foreground.DARK if look is Foreground.LIGHT else Foreground.LIGHT
    np.testing.assert_array_equal(_mask(path, other)[0], ~part)
    try:
        read, sentences = _mask(path)
    except UnclearMaskError as error:
        assert part.sum() > OBJECT.sum()
        assert "--foreground" in error.remedy
        return
    np.testing.assert_array_equal(read, part)
    if part is not OBJECT:
        assert any("--foreground" in sentence for sentence in sentences)


@pytest.mark.parametrize(
    "write",
    [
        lambda m: tiff(~m, photometric="miniswhite"),
        lambda m: tiff(~m * np.uint8(255), **FIJI),
        lambda m: _palette(~m * 255, FALLING),
    ],
)
def test_what_is_not_certain_and_would_be_most_of_the_picture_is_asked(
    tmp_path: Path, write: Callable[[np.ndarray], bytes]
) -> None:
    path = _saved(tmp_path, write(OBJECT), "a_nucleus.tif")
    with pytest.raises(UnclearMaskError, match="84% of the image"):
        _mask(path)
    image = _saved(tmp_path, tiff(np.ones(SHAPE, np.uint8)), "a.tif")
    check = check_import(ImportCase("a", image, (path,)), DEFAULT_SCHEME, deep=True, max_px=10**6)
    assert check.refusal is not None
    assert check.question is Question.FOREGROUND
    answered = ImportCase("a", image, (path,), foreground=Foreground.LIGHT)
    assert ImportCase.from_json(answered.to_json()) == answered
    assert check_import(answered, DEFAULT_SCHEME, deep=True, max_px=10**6).refusal is None


def test_a_one_bit_label_image_is_read_like_a_mask(tmp_path: Path) -> None:
    path = _saved(tmp_path, tiff(OBJECT, photometric="miniswhite"))
    np.testing.assert_array_equal(read_label_image(path, DEFAULT_SCHEME, SHAPE).labels_yx, OBJECT)
    _saved(tmp_path, tiff(~OBJECT, photometric="miniswhite"))
    with pytest.raises(UnclearMaskError):
        read_label_image(path, DEFAULT_SCHEME, SHAPE)
    light = read_label_image(path, DEFAULT_SCHEME, SHAPE, foreground=Foreground.LIGHT)
    np.testing.assert_array_equal(light.labels_yx, OBJECT)


RED_ON_WHITE = np.where(OBJECT[..., None], np.uint8([220, 0, 0]), np.uint8(255))


def test_a_mask_in_colour_on_white_is_asked_about(tmp_path: Path) -> None:
    path = _saved(tmp_path, png(RED_ON_WHITE), "a.png")
    with pytest.raises(UnclearMaskError, match="in colour on white"):
        _mask(path)
    np.testing.assert_array_equal(_mask(path, Foreground.DARK)[0], OBJECT)


@pytest.mark.parametrize("color", [(0, 0, 0), (60, 0, 0), (255, 255, 255), (0, 200, 0)])
def test_paint_on_transparent_is_the_mask_in_whatever_colour(tmp_path: Path, color: tuple[int, int, int]) -> None:
    canvas = np.zeros((*SHAPE, 4), np.uint8)
    canvas[OBJECT] = (*color, 255)
    canvas[24, 10:34, 3] = 90  # a soft lower edge
    np.testing.assert_array_equal(_mask(_saved(tmp_path, png(canvas), "a.png"))[0], OBJECT)


def test_dark_paint_over_most_of_a_transparent_canvas_is_asked_about(tmp_path: Path) -> None:
    canvas = np.zeros((*SHAPE, 4), np.uint8)
    canvas[~OBJECT, 3] = 255
    with pytest.raises(UnclearMaskError, match="dark on a transparent"):
        _mask(_saved(tmp_path, png(canvas), "a.png"))


def _ids(kind: type[np.generic], values: list[int]) -> np.ndarray:
    """Objects side by side; the second touches the first."""
    result = np.zeros(SHAPE, kind)
    for place, value in enumerate(values):
        row, column = divmod(place, 8)
        result[row * 8 + 1 : row * 8 + 6, column * 7 + (0 if place == 1 else 1) : column * 7 + 7] = value
    return result


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (np.uint8, [1, 2, 3]),
        (np.uint8, [5, 6]),
        (np.uint16, list(range(1, 31))),
        (np.uint16, [1001, 1002, 2001, 2002]),
        (np.uint32, [7, 70_000, 900_000]),
        (np.int32, [3, 12, 240, 1022]),
        (np.float32, [1, 2, 3, 4]),
        (np.uint8, list(range(226, 256))),
    ],
)
def test_every_object_of_instance_ids_is_kept(tmp_path: Path, kind: type[np.generic], values: list[int]) -> None:
    labels = _ids(kind, values)
    read, sentences = _mask(_saved(tmp_path, tiff(labels)))
    np.testing.assert_array_equal(read, labels != 0)
    assert f"{len(values)} objects, ids {min(values)} to {max(values)}" in sentences[0]


def test_one_object_that_touches_a_larger_one_with_a_higher_id_is_kept(tmp_path: Path) -> None:
    labels = np.zeros(SHAPE, np.uint16)
    labels[2:30, 2:30], labels[2:12, 30:40] = 900, 40
    np.testing.assert_array_equal(_mask(_saved(tmp_path, tiff(labels)))[0], labels != 0)


def test_soft_edges_are_no_objects_and_levels_are_no_mask(tmp_path: Path) -> None:
    soft = OBJECT * np.uint8(255)
    soft[8, 10:34], soft[7, 10:34] = 200, 60
    read, sentences = _mask(_saved(tmp_path, tiff(soft)))
    np.testing.assert_array_equal(read, OBJECT)
    assert "thresholded at half" in sentences[0]
    for other in (127, 85):
        levels = _ids(np.uint8, [255, other, 255, other])
        with pytest.raises(LabelMapError, match="not a mask of one class"):
            _mask(_saved(tmp_path, tiff(levels)))
    slope = np.broadcast_to(np.arange(60, dtype=np.uint8) * 4, SHAPE).copy()
    slope += np.arange(40, dtype=np.uint8)[:, None] % 3
    with pytest.raises(LabelMapError, match="probability map"):
        _mask(_saved(tmp_path, tiff(slope)))


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"compression": "jpeg", "compressionargs": {"level": 90}}, "JPEG"),
        ({"compression": "jpeg2000", "compressionargs": {"level": 30}}, "JPEG 2000"),
        ({"compression": "webp", "photometric": "rgb", "compressionargs": {"level": 60, "lossless": False}}, "WebP"),
        ({"compression": "lerc", "compressionargs": {"level": 2}}, "LERC"),
    ],
)
def test_labels_compressed_with_losses_are_refused(tmp_path: Path, options: dict[str, Any], name: str) -> None:
    labels = _ids(np.uint8, [1, 2, 3, 4])
    pixels = np.stack([labels] * 3, axis=-1) if name == "WebP" else labels
    path = _saved(tmp_path, tiff(pixels, **options))
    for read in (read_label_image, lambda file, scheme, shape: read_masks({1: file}, scheme, shape)):
        with pytest.raises(LabelMapError, match=f"compressed with {name}, which changes") as caught:
            read(path, DEFAULT_SCHEME, SHAPE)
        assert "PNG" in caught.value.remedy


@pytest.mark.parametrize("compression", ["lzw", "zlib", "zstd", "lzma", "packbits", "jpeg2000", "lerc"])
def test_compression_without_losses_is_fine(tmp_path: Path, compression: str) -> None:
    labels = _ids(np.uint8, [1, 2, 3, 4])
    path = _saved(tmp_path, tiff(labels, compression=compression))
    np.testing.assert_array_equal(read_label_image(path, DEFAULT_SCHEME, SHAPE).labels_yx, labels)


def test_a_label_map_without_background_says_so(tmp_path: Path) -> None:
    labels = OBJECT + np.uint8(1)
    path = _saved(tmp_path, tiff(labels))
    assert NO_BACKGROUND in read_label_image(path, DEFAULT_SCHEME, SHAPE).report.sentences
    mapped = read_label_image(path, DEFAULT_SCHEME, SHAPE, value_map={1: 0, 2: 1})
    np.testing.assert_array_equal(mapped.labels_yx, OBJECT)
    assert NO_BACKGROUND not in mapped.report.sentences


def test_255_stays_ignore_and_negative_values_can_be_mapped(tmp_path: Path) -> None:
    labels = np.zeros(SHAPE, np.int16)
    labels[:10], labels[10:12], labels[20:22], labels[30] = 10, 255, -1, 3
    path = _saved(tmp_path, tiff(labels))
    read = read_label_image(path, DEFAULT_SCHEME, SHAPE, value_map={10: 2, -1: 255})
    expected = np.select([labels == 10, labels == 255, labels == -1, labels == 3], [2, 255, 255, 3], 0)
    np.testing.assert_array_equal(read.labels_yx, expected)
    assert read.report.pixels(LabelRule.IGNORE_VALUE) == 120
    assert read.report.pixels(LabelRule.CLASS_NUMBER) == 60
    with pytest.raises(LabelMapError, match="unassigned values"):  # 2 is the class that 10 stands for
        labels[30] = 2
        read_label_image(
            _saved(tmp_path, tiff(labels)), DEFAULT_SCHEME, SHAPE, value_map={10: 2, -1: 255}, stray_share=0.001
        )


@pytest.mark.parametrize("kind", ["masks", "labels", "colours"])
def test_transparent_entries_of_a_palette_are_background(tmp_path: Path, kind: str) -> None:
    path = _saved(
        tmp_path, _palette(OBJECT + 1, np.array([[9] * 3, [255, 0, 0], [255, 0, 0]]), transparency=1), "a.png"
    )
    if kind == "masks":
        np.testing.assert_array_equal(_mask(path)[0], OBJECT)
    elif kind == "labels":
        np.testing.assert_array_equal(read_label_image(path, DEFAULT_SCHEME, SHAPE).labels_yx, OBJECT * 2)
    else:
        read = read_rgb_labels(path, DEFAULT_SCHEME, SHAPE, colors={(255, 0, 0): 3})
        np.testing.assert_array_equal(read.labels_yx, OBJECT * 3)


@pytest.mark.parametrize("channel", [0, 1, 2, slice(None)])
def test_class_numbers_in_a_channel_are_no_black(tmp_path: Path, channel: Any) -> None:
    numbers = _ids(np.uint8, [1, 2, 3, 5])
    picture = np.zeros((*SHAPE, 3), np.uint8)
    picture[..., channel] = numbers if isinstance(channel, int) else numbers[..., None]
    path = _saved(tmp_path, png(picture), "a.png")
    np.testing.assert_array_equal(read_rgb_labels(path, DEFAULT_SCHEME, SHAPE).labels_yx, numbers)
    picture[picture == 5] = 9
    with pytest.raises(UnknownColorsError, match="#"):
        read_rgb_labels(_saved(tmp_path, png(picture), "a.png"), DEFAULT_SCHEME, SHAPE)


def test_a_colour_close_to_that_of_a_class_is_another_where_both_were_painted_with(tmp_path: Path) -> None:
    picture = np.zeros((*SHAPE, 3), np.uint8)
    picture[OBJECT] = (255, 0, 0)
    picture[30:36, 5:20] = (240, 0, 0)
    with pytest.raises(UnknownColorsError, match="#f00000"):
        read_rgb_labels(_saved(tmp_path, png(picture), "a.png"), DEFAULT_SCHEME, SHAPE)


def test_a_palette_in_the_colours_of_other_classes_is_remarked_and_found_out(tmp_path: Path) -> None:
    red, blue = DEFAULT_SCHEME.classes[0].rgb(), DEFAULT_SCHEME.classes[1].rgb()
    path = _saved(tmp_path, _palette(OBJECT * 1, np.array([[0] * 3, blue, red])), "a_labels.png")
    told = read_label_image(path, DEFAULT_SCHEME, SHAPE).report.sentences
    assert "value 1 was read as mitochondria, but its palette shows the colour of nucleus" in told[0]
    image = _saved(tmp_path, tiff(np.ones(SHAPE, np.uint8)), "a.tif")
    check = check_import(ImportCase("a", image, (path,)), DEFAULT_SCHEME, deep=True, max_px=10**6)
    assert check.refusal is None
    assert not any("palette" in note for note in check.notes)  # read by colour


def _nifti(pixels: np.ndarray, affine: np.ndarray) -> bytes:
    image = nibabel.Nifti1Image(pixels.T[..., None], affine)
    image.header.set_xyzt_units("mm")
    return bytes(image.to_bytes())


STEP = np.diag([8e-6, 8e-6, 8e-6, 1.0])


def _mirrored(*axes: int, shift: float = 0) -> np.ndarray:
    affine = STEP.copy()
    for axis in axes:
        affine[axis, axis] *= -1
        affine[axis, 3] = ((SHAPE[1], SHAPE[0])[axis] - 1 + shift) * 8e-6
    return affine


@pytest.mark.parametrize("axes", [(), (0,), (1,), (0, 1)], ids=["same", "columns", "rows", "both"])
def test_a_nifti_is_laid_over_its_image_as_both_headers_say(tmp_path: Path, axes: tuple[int, ...]) -> None:
    image = _saved(tmp_path, _nifti(np.ones(SHAPE, np.uint8), STEP), "a.nii")
    stored = np.flip(OBJECT, [1 - axis for axis in axes]).astype(np.uint8)
    labels = _saved(tmp_path, _nifti(stored, _mirrored(*axes)), "a_labels.nii")
    read = read_label_image(labels, DEFAULT_SCHEME, SHAPE, placement=placement_of(image))
    np.testing.assert_array_equal(read.labels_yx, OBJECT)
    assert bool(read.report.sentences) == bool(axes)


def test_a_nifti_that_is_mirrored_to_another_place_is_refused_and_one_without_a_place_is_not(tmp_path: Path) -> None:
    image = placement_of(_saved(tmp_path, _nifti(np.ones(SHAPE, np.uint8), STEP), "a.nii"))
    labels = OBJECT.astype(np.uint8)
    away = _saved(tmp_path, _nifti(labels, _mirrored(0, shift=30)), "b.nii")
    with pytest.raises(LabelMapError, match=r"columns of b\.nii run in the opposite direction"):
        read_label_image(away, DEFAULT_SCHEME, SHAPE, placement=image)
    shifted = STEP.copy()
    shifted[0, 3] = 1
    beside = read_label_image(
        _saved(tmp_path, _nifti(labels, shifted), "c.nii"), DEFAULT_SCHEME, SHAPE, placement=image
    )
    assert "a different position" in beside.report.sentences[0]
    np.testing.assert_array_equal(beside.labels_yx, labels)
    for path in (_saved(tmp_path, _nifti(labels, np.eye(4)), "d.nii"), _saved(tmp_path, tiff(labels), "e.tif")):
        assert read_label_image(path, DEFAULT_SCHEME, SHAPE, placement=image).report.sentences == ()


def test_a_dataset_folder_of_niftis_is_read_by_their_headers(tmp_path: Path) -> None:
    for folder in ("imagesTr", "labelsTr"):
        (tmp_path / folder).mkdir()
    _saved(tmp_path / "imagesTr", _nifti(np.ones(SHAPE, np.uint8), STEP), "a_0000.nii")
    _saved(tmp_path / "labelsTr", _nifti(OBJECT[:, ::-1].astype(np.uint8), _mirrored(0)), "a.nii")
    described = {"labels": {"background": 0, "ER": 1}, "channel_names": {"0": "EM"}, "file_ending": ".nii"}
    (tmp_path / "dataset.json").write_text(json.dumps(described))
    np.testing.assert_array_equal(load_case(open_dataset(tmp_path).case("a"))[1], OBJECT)


def test_sparse_masks_are_read_however_small_their_files(tmp_path: Path) -> None:
    shape = (9000, 9000)
    mask = np.zeros(shape, bool)
    mask[10:200, 10:200] = True
    tifffile.imwrite(tmp_path / "z.tif", mask.view(np.uint8), compression="zstd", tile=(1024, 1024))
    PilImage.fromarray(mask).save(tmp_path / "p.png")
    for name in ("z.tif", "p.png"):
        assert (tmp_path / name).stat().st_size < mask.size / 4_000
        read = read_masks({1: tmp_path / name}, DEFAULT_SCHEME, shape)
        assert dict(read.report.class_pixels)[1] == 190 * 190


CASES: dict[str, Callable[[Path], object]] = {
    "L38": lambda f: _share(read_masks({2: f / "a_nucleus.tif"}, DEFAULT_SCHEME, (96, 160)), 2, 4000),
    "L26": lambda f: _share(read_label_image(f / "a.tif", DEFAULT_SCHEME), 1, 4000),
    "L18": lambda f: _share(read_masks({2: f / "a_nucleus.png"}, DEFAULT_SCHEME, (96, 160)), 2, 4000),
    "L22": lambda f: _share(read_rgb_labels(f / "a.png", DEFAULT_SCHEME, (96, 160), colors={(255, 0, 0): 2}), 2, 4000),
    "L43": lambda f: _refused(lambda: read_label_image(f / "a.tif", DEFAULT_SCHEME), "JPEG"),
    "L07": lambda f: _said(read_label_image(f / "a.tif", DEFAULT_SCHEME), NO_BACKGROUND),
    "L01": lambda f: _share(read_masks({1: f / "a_mitochondria.png"}, DEFAULT_SCHEME, (96, 160)), 1, 174),
    "L14": lambda f: _share(read_rgb_labels(f / "a.png", DEFAULT_SCHEME, (96, 160)), 4, 150),
    "L40": lambda f: _share(read_label_image(f / "a.png", DEFAULT_SCHEME, value_map={10: 2}), 255, 150),
    "L42": lambda f: _share(read_rgb_labels(f / "a.tif", DEFAULT_SCHEME, (96, 160)), 2, 2000),
    "L19": lambda f: _share(read_masks({2: f / "a_nucleus.png"}, DEFAULT_SCHEME, (96, 160)), 2, 4000),
    "L29": lambda f: _share(read_label_image(f / "a.tif", DEFAULT_SCHEME, value_map={-1: 255}), 5, 1040),
    "L33": lambda f: _said(
        read_label_image(f / "a.nii.gz", DEFAULT_SCHEME, placement=placement_of(f / "image.nii.gz")), "flipped"
    ),
}


def _share(read: Any, class_id: int, pixels: int) -> None:
    assert dict(read.report.class_pixels)[class_id] == pixels


def _refused(read: Callable[[], object], cause: str) -> None:
    with pytest.raises(LabelMapError, match=cause):
        read()


def _said(read: Any, words: str) -> None:
    assert any(words in sentence for sentence in read.report.sentences)


@pytest.mark.parametrize("case", CASES)
def test_files_after_public_reports(shared_data: Path, case: str) -> None:
    CASES[case](shared_data / "cases" / case)
