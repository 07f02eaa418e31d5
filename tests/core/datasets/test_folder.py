"""Dataset folders: real ones, both layouts, round trips, and what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from core.datasets.case import guessed_groups
from core.datasets.folder import Layout, NewCase, Split, load_case, load_image, open_dataset, write_dataset
from core.datasets.import_plan import plan_import
from core.errors import DatasetError, ImageError, LabelMapError
from core.imaging.image import Image, PixelSize
from core.label_scheme import LabelClass, LabelScheme
from tests.core.imaging.files import GREY, png, tiff

SCHEME = LabelScheme.from_names({"nucleus": 2, "ER": 5})
LABELS = np.random.default_rng(0).choice(np.array([0, 2, 5], np.uint8), GREY.shape)
PARTLY = np.where(np.arange(GREY.shape[1]) < 9, 255, LABELS).astype(np.uint8)
DESCRIPTION: dict[str, Any] = {"labels": {"background": 0, "nucleus": 2, "ER": 5}, "train": ["a"], "test": ["b"]}


def _folder(root: Path, description: Any = DESCRIPTION, *, images: tuple[str, ...] = ("a", "b", "c")) -> Path:
    for part in ("images", "labels"):
        (root / part).mkdir(parents=True, exist_ok=True)
    for name in images:
        (root / "images" / f"{name}.png").write_bytes(png(GREY))
    for name in ("a", "b"):
        (root / "labels" / f"{name}.tif").write_bytes(tiff(LABELS))
    text = description if isinstance(description, str) else json.dumps(description)
    (root / "dataset.json").write_text(text, encoding="utf-8")
    return root


def test_our_layout(tmp_path: Path) -> None:
    dataset = open_dataset(_folder(tmp_path, {**DESCRIPTION, "pixel_size_nm": 8, "groups": {"a": "mouse 1"}}))
    assert dataset.layout is Layout.CRISTAE
    assert dataset.scheme.ids == (2, 5)
    assert [(c.name, c.split, c.group, c.pixel_size_nm) for c in dataset.cases] == [
        ("a", "train", "mouse 1", 8), ("b", "test", "b", 8), ("c", "pool", "c", 8),
    ]  # fmt: skip
    assert [c.name for c in dataset.of_split(Split.TEST)] == ["b"]
    image, labels = load_case(dataset.case("a"))
    np.testing.assert_array_equal(image.pixels_yx, GREY)
    np.testing.assert_array_equal(labels, LABELS)
    assert (image.pixel_size.nm, image.pixel_size.detail) == (8, "dataset.json")
    with pytest.raises(DatasetError, match="c has no label map"):
        load_case(dataset.case("c"))
    with pytest.raises(DatasetError, match="no case d"):
        dataset.case("d")
    assert open_dataset(tmp_path / "dataset.json") == dataset


def test_pixel_size_of_each_image_or_of_its_file(tmp_path: Path) -> None:
    folder = _folder(tmp_path, {**DESCRIPTION, "pixel_size_nm": {"a": 4.6}})
    (folder / "images" / "b.png").unlink()
    content = tiff(GREY, resolution=(1e6, 1e6), resolutionunit="CENTIMETER")
    (folder / "images" / "b.tiff").write_bytes(content)
    dataset = open_dataset(folder)
    assert [c.pixel_size_nm for c in dataset.cases] == [4.6, 10.0, None]
    assert load_image(dataset.case("b")).pixel_size.detail == "TIFF resolution tags"


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ("{", "cannot be read"),
        ([], "the whole"),
        ({"train": []}, "labels"),
        ({**DESCRIPTION, "pixel_size_nm": -1}, "pixel_size_nm"),
        ({**DESCRIPTION, "train": ["gone"]}, "under train that have no image: gone"),
        ({**DESCRIPTION, "train": ["../a"]}, "no image"),
        ({**DESCRIPTION, "pixel_size_nm": {"x": 3}}, "under pixel_size_nm"),
        ({**DESCRIPTION, "groups": {"x": "y"}}, "under groups"),
        ({**DESCRIPTION, "test": ["a"]}, "a under train and test"),
        ({**DESCRIPTION, "train": ["c"]}, "have no label map: c"),
        ({**DESCRIPTION, "labels": {"background": 0, "whole": [1, 2]}}, "region"),
        ({**DESCRIPTION, "labels": {"background": 1}}, "background has the id 1"),
        ({**DESCRIPTION, "labels": {"ER": 0}}, "has the id 0"),
        ({**DESCRIPTION, "labels": {"ER": True}}, "has the id True"),
    ],
    ids=[
        "no-json", "no-object", "no-labels", "pixel-size", "train-gone", "train-path", "size-gone", "group-gone",
        "in-both", "no-label-map", "region", "background", "class-0", "bool",
    ],
)  # fmt: skip
def test_senseless_descriptions(tmp_path: Path, change: Any, cause: str) -> None:
    with pytest.raises(DatasetError, match=cause) as caught:
        open_dataset(_folder(tmp_path, change))
    assert caught.value.remedy


def test_folders_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no folder"):
        open_dataset(tmp_path / "gone")
    with pytest.raises(DatasetError, match=r"no dataset\.json"):
        open_dataset(tmp_path)
    with pytest.raises(DatasetError, match="has no images"):
        open_dataset(_folder(tmp_path, {"labels": {"ER": 1}}, images=()))


def test_two_files_for_one_case(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    (folder / "images" / "a.tif").write_bytes(tiff(GREY))
    with pytest.raises(DatasetError, match=r"two files for a: a\.png and a\.tif"):
        open_dataset(folder)


def test_bad_files_are_named_when_loaded(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    (folder / "images" / "a.png").write_bytes(b"")
    (folder / "labels" / "b.tif").write_bytes(tiff(LABELS[:5]))
    dataset = open_dataset(folder)
    with pytest.raises(ImageError, match=r"a\.png is empty"):
        load_case(dataset.case("a"))
    with pytest.raises(LabelMapError, match=r"b\.tif is 90 x 5 px"):
        load_case(dataset.case("b"))


def test_nnunet_raw_folder_with_ignore(tmp_path: Path) -> None:
    for part in ("imagesTr", "labelsTr", "imagesTs", "labelsTs"):
        (tmp_path / part).mkdir()
    for part, name in (("Tr", "s_1"), ("Ts", "s_2"), ("Ts", "s_3")):
        (tmp_path / f"images{part}" / f"{name}_0000.png").write_bytes(png(GREY))
    marked = np.array([0, 9, 1, 9, 9, 2], np.uint8)[LABELS]
    marked[:3] = 3
    for part, name in (("Tr", "s_1"), ("Ts", "s_2")):
        (tmp_path / f"labels{part}" / f"{name}.png").write_bytes(png(marked))
    description = {
        "channel_names": {"0": "EM"}, "labels": {"background": 0, "nucleus": 1, "ER": 2, "ignore": 3},
        "numTraining": 1, "file_ending": ".png",
    }  # fmt: skip
    (tmp_path / "dataset.json").write_text(json.dumps(description))
    dataset = open_dataset(tmp_path)
    assert dataset.layout is Layout.NNUNET
    assert [(c.name, c.split, c.group) for c in dataset.cases] == [
        ("s_1", "train", "s_#"), ("s_2", "test", "s_#"), ("s_3", "pool", "s_#"),
    ]  # fmt: skip
    _, labels = load_case(dataset.case("s_1"))
    assert np.all(labels[:3] == 255)
    np.testing.assert_array_equal(labels[3:], np.array([0, 9, 1, 9, 9, 2], np.uint8)[LABELS[3:]])

    (tmp_path / "dataset.json").write_text(json.dumps({**description, "channel_names": {"0": "a", "1": "b"}}))
    with pytest.raises(DatasetError, match="2 channels"):
        open_dataset(tmp_path)


def _cases() -> list[NewCase]:
    size = PixelSize.from_user(8.0)
    return [
        NewCase("one", Image(GREY, size), PARTLY, Split.TRAIN, "mouse 1"),
        NewCase("two", Image(GREY.astype(np.uint16) * 200, size), LABELS, Split.TEST),
        NewCase("three ö", Image(GREY / np.float32(7), PixelSize.from_user(4.6)), LABELS, Split.TRAIN),
        NewCase("pool", Image(GREY), None, Split.POOL),
    ]


@pytest.mark.parametrize("layout", list(Layout))
def test_what_is_written_is_read(tmp_path: Path, layout: Layout) -> None:
    write_dataset(tmp_path / "new", iter(_cases()), SCHEME, layout=layout)
    assert [p.name for p in tmp_path.iterdir()] == ["new"]
    dataset = open_dataset(tmp_path / "new")
    assert dataset.layout is layout
    assert [c.name for c in dataset.scheme.classes] == ["nucleus", "ER"]
    renumbered = np.arange(256, dtype=np.uint8)
    renumbered[list(SCHEME.ids)] = dataset.scheme.ids
    for new in _cases():
        case = dataset.case(new.name)
        assert (case.split, case.group) == (new.split, new.group or new.name)
        assert case.pixel_size_nm == new.image.pixel_size.nm
        image = load_image(case)
        assert image.pixels_yx.dtype == new.image.pixels_yx.dtype
        np.testing.assert_array_equal(image.pixels_yx, new.image.pixels_yx)
        if new.labels_yx is not None:
            np.testing.assert_array_equal(load_case(case)[1], renumbered[new.labels_yx])


def test_nnunet_gets_consecutive_classes_with_ignore_last(tmp_path: Path) -> None:
    write_dataset(tmp_path / "raw", _cases(), SCHEME, layout=Layout.NNUNET)
    description = json.loads((tmp_path / "raw" / "dataset.json").read_text(encoding="utf-8"))
    assert description["labels"] == {"background": 0, "nucleus": 1, "ER": 2, "ignore": 3}
    assert (description["numTraining"], description["file_ending"]) == (2, ".tif")
    assert set(np.unique(tifffile.imread(tmp_path / "raw" / "labelsTr" / "one.tif"))) == {0, 1, 2, 3}
    assert not (tmp_path / "raw" / "labelsTs" / "pool.tif").exists()


@pytest.mark.parametrize(
    ("cases", "cause"),
    [
        ([], "has no cases"),
        ([NewCase("../x", Image(GREY), LABELS)], "is not a valid file name"),
        ([NewCase("con", Image(GREY), LABELS)], "is not a valid file name"),
        ([NewCase("a", Image(GREY), LABELS), NewCase("A", Image(GREY), LABELS)], "Two cases are named A"),
        ([NewCase("a", Image(GREY))], "no label map"),
        ([NewCase("a", Image(GREY), LABELS[:4])], "shape \\(4, 90\\)"),
        ([NewCase("a", Image(GREY), LABELS + np.uint8(1))], "contains unknown values"),
    ],
    ids=["none", "path", "device", "twice", "no-labels", "shape", "ids"],
)
def test_what_cannot_be_written_leaves_nothing(tmp_path: Path, cases: list[NewCase], cause: str) -> None:
    with pytest.raises(DatasetError, match=cause):
        write_dataset(tmp_path / "new", cases, SCHEME)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(DatasetError, match="not an empty folder"):
        write_dataset(tmp_path, _cases(), SCHEME)
    assert (tmp_path / "note.txt").read_text() == "mine"


@given(st.lists(st.text(max_size=8), unique=True))
def test_guessed_groups_are_never_shared_by_a_single_name(names: list[str]) -> None:
    groups = guessed_groups(names)
    assert set(groups) == set(names)
    for name, group in groups.items():
        assert group == name or list(groups.values()).count(group) > 1


def test_real_datasets(shared_data: Path) -> None:
    vnc = open_dataset(shared_data / "vnc")
    assert [len(vnc.of_split(split)) for split in Split] == [12, 4, 0]
    assert {c.group for c in vnc.cases} == {"vnc_#"}
    assert {c.pixel_size_nm for c in vnc.cases} == {4.6}
    nerve = open_dataset(shared_data / "sem_nerve")
    assert nerve.case("sub-rat5_sample-data14").pixel_size_nm == 130
    assert {c.group for c in nerve.of_split(Split.TRAIN)} == {
        "sub-rat1_sample-data1", "sub-rat2_sample-data5", "sub-rat3_sample-data#",
    }  # fmt: skip
    for dataset in (vnc, nerve):
        for case in dataset.cases[:3]:
            image, labels = load_case(case)
            assert image.shape == labels.shape
            assert set(np.unique(labels)) <= {0, 255, *dataset.scheme.ids}


def test_the_highest_class_id(tmp_path: Path) -> None:
    scheme = LabelScheme((LabelClass(253, "last", "#ffffff", "#ffffff"),))
    labels = np.where(LABELS > 0, 253, 0).astype(np.uint8)
    write_dataset(tmp_path / "new", [NewCase("a", Image(GREY), labels)], scheme)
    np.testing.assert_array_equal(load_case(open_dataset(tmp_path / "new").case("a"))[1], labels)


def test_one_odd_case_of_a_dataset_does_not_stop_the_import_of_the_others(tmp_path: Path) -> None:
    for part, names in (("images", ("a.png", "b.png", "b.tif", "c.png")), ("labels", ("a.png", "b.png"))):
        (tmp_path / part).mkdir()
        for name in names:
            (tmp_path / part / name).write_bytes(png(np.ones((4, 5), np.uint8)))
    described = {"labels": {"ER": 1}, "train": ["a", "c", "gone"], "test": ["b"], "groups": {"lost": "x"}}
    (tmp_path / "dataset.json").write_text(json.dumps(described))
    told: dict[str, str] = {}
    dataset = open_dataset(tmp_path, on_problem=lambda name, error: told.update({name: error.cause}))
    assert [case.name for case in dataset.cases] == ["a"]
    assert sorted(told) == ["b", "c", "gone", "lost"]
    assert "have no image: gone" in told["gone"]
    assert "two files for b" in told["b"]
    assert "no label map: c" in told["c"]
    plan = plan_import(tmp_path, LabelScheme.from_names({"ER": 1}))
    assert [case.name for case in plan.cases] == ["a"]
    assert sorted(refusal.where for refusal in plan.refusals) == ["b", "c", "gone", "lost"]
    with pytest.raises(DatasetError):
        open_dataset(tmp_path)
