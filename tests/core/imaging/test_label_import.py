"""Labels in: every rule with its count, every refusal with what was found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PilImage

from core.errors import LabelMapError
from core.label_scheme import DEFAULT_SCHEME, LabelScheme
from core.labels.importing import LabelRule, Overlap, match_masks, read_label_image, read_masks, read_rgb_labels
from tests.core.imaging.files import pil, png, tiff

SCHEME = LabelScheme.from_names({"background": 0, "axon": 1, "myelin": 2})
SHAPE = (4, 4)
LABELS = np.array([[0, 1, 2, 255], [0, 1, 2, 255], [0, 0, 0, 0], [2, 2, 1, 1]], np.uint8)


def _saved(folder: Path, content: bytes, name: str = "labels.png") -> Path:
    (folder / name).write_bytes(content)
    return folder / name


@pytest.mark.parametrize(
    "content",
    [
        png(LABELS),
        tiff(LABELS.astype(np.uint16)),
        tiff(LABELS.astype(np.int32), compression="zlib"),
        tiff(LABELS.astype(np.float32)),
        png(np.stack([LABELS] * 3, axis=-1)),
        png(np.stack([LABELS, np.full_like(LABELS, 255)], axis=-1)),
    ],
    ids=["png", "uint16", "int32", "whole-floats", "grey-as-colour", "opaque-alpha"],
)
def test_label_image(tmp_path: Path, content: bytes) -> None:
    result = read_label_image(_saved(tmp_path, content), SCHEME, SHAPE)
    np.testing.assert_array_equal(result.labels_yx, LABELS)
    assert result.labels_yx.dtype == np.uint8
    assert result.report.sentences == ()
    assert result.report.class_pixels == ((0, 6), (1, 4), (2, 4), (255, 2))


def test_palette_indices_are_ids(tmp_path: Path) -> None:
    picture = PilImage.fromarray(LABELS).convert("P")
    picture.putpalette([0, 0, 0, 200, 0, 0, 0, 0, 200, *[9] * (253 * 3)])
    picture.save(tmp_path / "labels.png")
    np.testing.assert_array_equal(read_label_image(tmp_path / "labels.png", SCHEME, SHAPE).labels_yx, LABELS)


def test_transparent_is_background(tmp_path: Path) -> None:
    alpha = np.full_like(LABELS, 255)
    alpha[0], alpha[3, 0] = 127, 128
    result = read_label_image(_saved(tmp_path, png(np.stack([LABELS, alpha], -1))), SCHEME, SHAPE)
    assert result.labels_yx[0].tolist() == [0, 0, 0, 0]
    assert result.labels_yx[3, 0] == 2
    assert result.report.pixels(LabelRule.TRANSPARENT_TO_BACKGROUND) == 3


def test_a_mask_given_as_label_image_is_remarked(tmp_path: Path) -> None:
    result = read_label_image(_saved(tmp_path, png((LABELS == 1) * np.uint8(255))), SCHEME, SHAPE)
    assert "import it as a mask" in result.report.sentences[0]


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (png(LABELS[:, :3].copy()), "4 x 4 px .* but labels.png is 3 x 4 px"),
        (png(LABELS + np.uint8(5)), r"match no class: 5 \(6 px\), 6 \(4 px\), 7 \(4 px\), 4 \(2 px\)"),
        (tiff(LABELS.astype(np.int16) - 1), r"-1 \(6 px\)"),
        (tiff(LABELS / 3), "not integers"),
        (tiff(np.full(SHAPE, np.nan, np.float32)), "not integers"),
        (png(np.random.default_rng(0).integers(0, 255, (4, 4, 3), np.uint8)), "colour image"),
        (pil(LABELS, "JPEG"), "labels.png is a JPEG"),
        (tiff(np.stack([LABELS] * 2)), "stack of 2 pages"),
        (png(LABELS)[:50], "truncated"),
        (b"axon", "a text file"),
    ],
    ids=["size", "values", "negative", "fractions", "nan", "colour", "jpeg", "stack", "truncated", "text"],
)
def test_refused_label_images(tmp_path: Path, content: bytes, cause: str) -> None:
    with pytest.raises(LabelMapError, match=cause) as caught:
        read_label_image(_saved(tmp_path, content), SCHEME, SHAPE)
    assert caught.value.remedy
    assert "labels.png" in caught.value.cause


def test_value_map_and_the_strays_beside_it(tmp_path: Path) -> None:
    values = np.zeros((20, 20), np.uint8)
    values[:10], values[10:15], values[19, 0], values[19, 1] = 127, 250, 130, 188
    result = read_label_image(_saved(tmp_path, png(values)), SCHEME, (20, 20), value_map={127: 2, 250: 1})
    assert result.report.class_pixels == ((0, 98), (1, 100), (2, 202))  # 188 is 61 from 127 and 62 from 250
    assert result.report.pixels(LabelRule.VALUE_MAPPED) == 300
    assert result.report.pixels(LabelRule.STRAY_TO_NEAREST) == 2
    with pytest.raises(LabelMapError, match=r"unassigned values: 250 \(100 px\)"):
        read_label_image(tmp_path / "labels.png", SCHEME, (20, 20), value_map={127: 2})
    with pytest.raises(LabelMapError, match="class 9"):
        read_label_image(tmp_path / "labels.png", SCHEME, (20, 20), value_map={127: 9})


@pytest.mark.parametrize(
    "make",
    [
        lambda mask: png(mask * np.uint8(255)),
        lambda mask: png(mask * np.uint8(1)),
        lambda mask: tiff(mask),
        lambda mask: tiff(mask * np.float32(1)),
        lambda mask: png(mask[..., None] * np.array([200, 0, 90], np.uint8)),
        lambda mask: png(np.stack([np.full(mask.shape, 255, np.uint8), mask * np.uint8(255)], -1)),
    ],
    ids=["0-255", "0-1", "1-bit", "float", "in-colour", "on-transparent"],
)
def test_masks_of_any_kind(tmp_path: Path, make: Any) -> None:
    paths = {i: _saved(tmp_path, make(i == LABELS), f"{i}.png") for i in (1, 2)}
    result = read_masks(paths, SCHEME, SHAPE)
    np.testing.assert_array_equal(result.labels_yx, np.where(LABELS == 255, 0, LABELS))


WHITE_IS_ZERO = {"photometric": "miniswhite", "software": "", "metadata": None}
"""As programs write it that mean what viewers show."""


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param(lambda mask: tiff(~mask, **WHITE_IS_ZERO), id="1 bit"),
        pytest.param(lambda mask: pil(mask, "TIFF", compression="group4", tiffinfo={262: 0}), id="fax"),
        pytest.param(lambda mask: tiff(mask * np.uint8(255), **WHITE_IS_ZERO), id="ImageJ's inverting LUT"),
    ],
)
def test_a_mask_that_stores_white_as_zero_is_not_imported_inverted(tmp_path: Path, stored: Any) -> None:
    path = _saved(tmp_path, stored(LABELS == 1), "1.tif")
    np.testing.assert_array_equal(read_masks({1: path}, SCHEME, SHAPE).labels_yx, LABELS == 1)


def test_a_label_image_of_one_bit_that_stores_white_as_zero_is_not_imported_inverted(tmp_path: Path) -> None:
    path = _saved(tmp_path, tiff(LABELS != 1, **WHITE_IS_ZERO), "1.tif")
    np.testing.assert_array_equal(read_label_image(path, SCHEME, SHAPE).labels_yx, LABELS == 1)


def test_soft_edges_are_cut_at_half_and_counted(tmp_path: Path) -> None:
    mask = np.zeros((20, 20), np.uint8)
    mask[:5], mask[5, 0], mask[5, 1], mask[5, 2] = 250, 124, 125, 9
    result = read_masks({1: _saved(tmp_path, png(mask))}, SCHEME, (20, 20))
    assert result.report.class_pixels == ((0, 299), (1, 101))
    assert result.report.sentences == (
        "labels.png: 3 pixels had values between background and mask and were thresholded at half of the maximum "
        "(9 (1 px), 124 (1 px), 125 (1 px)).",
    )


def test_an_empty_and_a_full_mask_are_remarked(tmp_path: Path) -> None:
    empty, full = (_saved(tmp_path, png(np.full(SHAPE, v, np.uint8)), f"{v}.png") for v in (0, 255))
    result = read_masks({1: empty, 2: full}, SCHEME, SHAPE)
    assert np.all(result.labels_yx == 2)
    assert "0.png is empty: there is no axon in the image." in result.report.sentences


def _overlapping(folder: Path, shared: int) -> dict[int, Path]:
    first, second = np.zeros((10, 20), np.uint8), np.zeros((10, 20), np.uint8)
    first[:, :10], second[:, 10:] = 255, 255
    second[:shared, 9] = 255
    return {2: _saved(folder, png(second), "b.png"), 1: _saved(folder, png(first), "a.png")}


def test_a_small_overlap_is_nobodys(tmp_path: Path) -> None:
    result = read_masks(_overlapping(tmp_path, 3), SCHEME, (10, 20))
    assert result.report.class_pixels == ((1, 97), (2, 100), (255, 3))
    assert result.report.sentences[0] == "3 pixels belonged to more than one mask and became ignore (myelin and axon)."


def test_an_overlap_can_go_to_the_first(tmp_path: Path) -> None:
    result = read_masks(_overlapping(tmp_path, 10), SCHEME, (10, 20), overlap=Overlap.FIRST)
    assert result.report.class_pixels == ((1, 90), (2, 110))
    assert result.report.pixels(LabelRule.OVERLAP_TO_FIRST) == 10


def test_a_large_overlap_is_refused(tmp_path: Path) -> None:
    paths = _overlapping(tmp_path, 10)
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes())
    with pytest.raises(LabelMapError, match="masks of myelin and axon share 100 pixels, 100%"):
        read_masks(paths, SCHEME, (10, 20))


@pytest.mark.parametrize(
    ("content", "class_id", "cause"),
    [
        (
            png(np.repeat(np.array([[0, 127], [255, 0]], np.uint8), [3, 1], axis=0).repeat(2, axis=1)),
            1,
            "not a mask of one class; it contains 0",
        ),
        (png(LABELS[:3]), 1, "labels.png is 4 x 3 px"),
        (tiff(np.full(SHAPE, np.nan, np.float32)), 1, "NaN"),
        (tiff(np.full(SHAPE, -1, np.int16)), 1, "negative"),
        (png(LABELS), 7, "assigned to class 7"),
    ],
    ids=["three-levels", "size", "nan", "negative", "class"],
)
def test_refused_masks(tmp_path: Path, content: bytes, class_id: int, cause: str) -> None:
    with pytest.raises(LabelMapError, match=cause):
        read_masks({class_id: _saved(tmp_path, content)}, SCHEME, SHAPE)


def test_no_masks() -> None:
    with pytest.raises(LabelMapError, match="No mask"):
        read_masks({}, SCHEME, SHAPE)


def test_masks_are_matched_by_name(tmp_path: Path) -> None:
    names = [
        "A1_Cell-Boundaries.png",
        "A1_er.tif",
        "A1_lipid droplets.png",
        "A1.png",
        "liver.png",
        "A.1Nucleus_mask.ome.tif",
    ]
    found, rest = match_masks([tmp_path / n for n in names], DEFAULT_SCHEME)
    assert {i: p.name for i, p in found.items()} == {2: names[5], 3: names[1], 4: names[2], 5: names[0]}
    assert [p.name for p in rest] == ["A1.png", "liver.png"]
    with pytest.raises(LabelMapError, match="both match masks of ER"):
        match_masks([tmp_path / "a_ER.png", tmp_path / "b_ER.png"], DEFAULT_SCHEME)


COLORS = {(255, 0, 255): 1, (255, 255, 0): 2}


def _disk_and_bar(factor: int = 1) -> np.ndarray:
    """Ids of a disk of class 1 touching a bar of class 2, drawn `factor` times finer."""
    row, column = (np.mgrid[: 120 * factor, : 160 * factor] + 0.5) / factor
    labels = np.where((row - 60) ** 2 + (column - 50) ** 2 < 40**2, 1, 0)
    return np.where((column > 80) & (column < 130) & (row > 20.4), 2, labels).astype(np.uint8)


def _colored(labels: np.ndarray) -> np.ndarray:
    return np.array([(0, 0, 0), *COLORS], np.uint8)[labels]


def test_exact_colours(tmp_path: Path) -> None:
    labels = _disk_and_bar()
    result = read_rgb_labels(_saved(tmp_path, png(_colored(labels))), SCHEME, labels.shape, colors=COLORS)
    np.testing.assert_array_equal(result.labels_yx, labels)
    assert result.report.counts == ()


def test_antialiased_edges_take_the_nearer_class(tmp_path: Path) -> None:
    fine = _colored(_disk_and_bar(4)).astype(float)
    soft = np.rint(fine.reshape(120, 4, 160, 4, 3).mean(axis=(1, 3))).astype(np.uint8)
    result = read_rgb_labels(_saved(tmp_path, png(soft)), SCHEME, (120, 160), colors=COLORS)
    blends = result.report.pixels(LabelRule.BLEND_TO_NEARER)
    assert blends > 100
    assert result.report.pixels(LabelRule.UNKNOWN_TO_IGNORE) <= 1
    wrong = np.count_nonzero(result.labels_yx != _disk_and_bar())
    assert wrong < 0.3 * blends  # only where the edge cuts a pixel nearly in half
    assert set(np.unique(result.labels_yx)) <= {0, 1, 2, 255}


def test_a_blend_never_becomes_a_third_class(tmp_path: Path) -> None:
    """Red and blue blend to magenta, which is the default scheme's cell boundaries."""
    picture = np.zeros((20, 20, 3), np.uint8)
    picture[:, :10], picture[:, 10:], picture[:, 10] = (255, 0, 0), (0, 0, 255), (120, 0, 135)
    result = read_rgb_labels(_saved(tmp_path, png(picture)), DEFAULT_SCHEME, (20, 20))
    assert result.report.class_pixels == ((1, 200), (2, 200))


def test_almost_a_colour_is_that_colour(tmp_path: Path) -> None:
    picture = _colored(_disk_and_bar())
    picture[picture == 255] = 250
    result = read_rgb_labels(_saved(tmp_path, png(picture)), SCHEME, (120, 160), colors=COLORS)
    np.testing.assert_array_equal(result.labels_yx, _disk_and_bar())
    assert result.report.pixels(LabelRule.NEAR_COLOR) == np.count_nonzero(_disk_and_bar())


def test_few_unknown_colours_become_ignore_and_many_are_refused(tmp_path: Path) -> None:
    picture = _colored(_disk_and_bar())
    picture[2, 150] = (0, 255, 0)
    result = read_rgb_labels(_saved(tmp_path, png(picture)), SCHEME, (120, 160), colors=COLORS)
    assert result.labels_yx[2, 150] == 255
    assert result.report.pixels(LabelRule.UNKNOWN_TO_IGNORE) == 1
    picture[2:5, 150:153] = (0, 255, 0)
    with pytest.raises(LabelMapError, match=r"colours that match no class: #00ff00 \(9 px\)") as caught:
        read_rgb_labels(_saved(tmp_path, png(picture)), SCHEME, (120, 160), colors=COLORS)
    assert "#ff00ff axon" in caught.value.remedy


def test_the_colour_blind_safe_palette_is_recognised(tmp_path: Path) -> None:
    labels = np.repeat(np.arange(6, dtype=np.uint8)[None], 6, axis=0)
    palette = np.array([(0, 0, 0), *(c.rgb(safe=True) for c in DEFAULT_SCHEME.classes)], np.uint8)
    result = read_rgb_labels(_saved(tmp_path, png(palette[labels])), DEFAULT_SCHEME, (6, 6))
    np.testing.assert_array_equal(result.labels_yx, labels)


def test_transparent_colours_are_background_and_grey_is_refused(tmp_path: Path) -> None:
    picture = np.dstack([_colored(_disk_and_bar()), np.full((120, 160), 255, np.uint8)])
    picture[:60, :, 3] = 0
    result = read_rgb_labels(_saved(tmp_path, png(picture)), SCHEME, (120, 160), colors=COLORS)
    assert not result.labels_yx[:60].any()
    assert result.report.pixels(LabelRule.TRANSPARENT_TO_BACKGROUND) == np.count_nonzero(_disk_and_bar()[:60])
    with pytest.raises(LabelMapError, match="not a colour image"):
        read_rgb_labels(_saved(tmp_path, png(LABELS)), SCHEME, SHAPE)


def _scheme_of(folder: Path) -> LabelScheme:
    return LabelScheme.from_names(json.loads((folder / "dataset.json").read_text())["labels"])


def _pixels(path: Path) -> np.ndarray:
    with PilImage.open(path) as picture:
        return np.asarray(picture)


def test_a_real_section_by_masks_and_by_colour_equals_its_label_image(shared_data: Path) -> None:
    folder = shared_data / "vnc" / "masks_per_organelle"
    scheme, expected = _scheme_of(shared_data / "vnc"), _pixels(shared_data / "vnc" / "labels" / "vnc_12.png")
    masks, rest = match_masks(sorted(folder.glob("*.png")), scheme)
    assert [p.name for p in rest] == ["vnc_12_rgb.png"]
    colors = {(255, 0, 255): 1, (0, 255, 255): 2, (255, 0, 0): 3, (255, 255, 0): 4}
    for result in (
        read_masks(masks, scheme, (1024, 1024)),
        read_rgb_labels(folder / "vnc_12_rgb.png", scheme, (1024, 1024), colors=colors),
    ):
        np.testing.assert_array_equal(result.labels_yx, expected)
        assert result.report.sentences == ()


def test_real_masks_with_stray_values(shared_data: Path) -> None:
    """The nine pixels that both masks claim with stray values are the only difference to the clean label image."""
    scheme = _scheme_of(shared_data / "sem_nerve")
    paths = {i: shared_data / "messy" / f"stray_values_{n}_mask.png" for i, n in ((1, "axon"), (2, "myelin"))}
    result = read_masks(paths, scheme, (954, 1280))
    different = result.labels_yx != _pixels(shared_data / "sem_nerve" / "labels" / "sub-rat2_sample-data5.png")
    assert np.count_nonzero(different) == result.report.pixels(LabelRule.OVERLAP_TO_IGNORE) == 9
    assert result.report.pixels(LabelRule.CUT_AT_HALF) == 18
    first = read_masks(paths, scheme, (954, 1280), overlap=Overlap.FIRST)
    np.testing.assert_array_equal(
        first.labels_yx, _pixels(shared_data / "sem_nerve" / "labels" / "sub-rat2_sample-data5.png")
    )


def test_real_three_grey_levels_with_alpha(shared_data: Path) -> None:
    scheme, path = _scheme_of(shared_data / "sem_nerve"), shared_data / "messy" / "gray_alpha_mask.png"
    with pytest.raises(LabelMapError, match=r"127 \(1,182,110 px\)"):
        read_label_image(path, scheme, (1801, 1901))
    with pytest.raises(LabelMapError, match="not a mask of one class"):
        read_masks({1: path}, scheme, (1801, 1901))
    result = read_label_image(path, scheme, (1801, 1901), value_map={127: 2, 255: 1})
    expected = _pixels(shared_data / "sem_nerve" / "labels" / "sub-rat5_sample-data14.png")
    np.testing.assert_array_equal(result.labels_yx, expected)
