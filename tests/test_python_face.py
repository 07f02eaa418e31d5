"""The names that other programs may rely on, used as docs/python.md shows them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image as PilImage

import cristae
from core.program import ROOT
from core.settings import current_settings

SCHEME = cristae.LabelScheme(
    (cristae.LabelClass(1, "mitochondria", "#ff0000", "#d55e00"), cristae.LabelClass(2, "ER", "#00ff00", "#0072b2"))
)


@pytest.fixture
def labels_yx() -> np.ndarray:
    """Two mitochondria of 4 and 6 px, one ER of 3 px."""
    labels = np.zeros((8, 10), np.uint8)
    labels[1:3, 1:3] = 1
    labels[5:7, 1:4] = 1
    labels[4, 6:9] = 2
    return labels


def test_every_public_name_is_there_and_documented() -> None:
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    for name in cristae.__all__:
        value = getattr(cristae, name)
        assert name == "__version__" or (value.__doc__ and name in page), name
    assert set(re.findall(r"cristae\.(\w+)\(", page)) <= set(cristae.__all__)


def test_importing_it_loads_neither_torch_nor_streamlit() -> None:
    code = "import sys, cristae; sys.exit(str({'torch', 'streamlit', 'sqlalchemy', 'pandas'} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.stderr.strip() == "set()"


def test_a_page_of_a_stack_is_read_by_its_number(tmp_path: Path) -> None:
    stack = np.stack([np.full((4, 6), value, np.uint8) for value in (10, 20, 30)])
    tifffile.imwrite(tmp_path / "stack.tif", stack, photometric="minisblack")
    assert int(cristae.read_image(tmp_path / "stack.tif", page=2).pixels_yx[0, 0]) == 20
    with pytest.raises(cristae.CristaeError, match="3 pages"):
        cristae.read_image(tmp_path / "stack.tif")
    for page in (0, 4, -1):
        with pytest.raises(cristae.CristaeError, match=f"no page {page}"):
            cristae.read_image(tmp_path / "stack.tif", page=page)


def test_a_pixel_size_that_is_given_counts(tmp_path: Path) -> None:
    PilImage.fromarray(np.zeros((4, 6), np.uint8)).save(tmp_path / "a.png")
    assert cristae.read_image(tmp_path / "a.png").pixel_size.nm is None
    image = cristae.read_image(str(tmp_path / "a.png"), pixel_size_nm=5)
    assert (image.shape, image.pixel_size.nm, image.name) == ((4, 6), 5, "a.png")


def test_scores_are_a_table_of_classes_and_metrics(labels_yx: np.ndarray) -> None:
    predicted = labels_yx.copy()
    predicted[1:3, 1:3] = 0
    table = cristae.score(labels_yx, predicted, SCHEME)
    assert table.index.tolist() == ["mitochondria", "ER"]
    assert table.loc["mitochondria", "dice"] == pytest.approx(2 * 6 / (2 * 6 + 4))
    assert table.loc["ER", "iou"] == 1
    assert np.isnan(table.loc["ER", "hd95"]), "without a pixel size there are no distances"
    assert cristae.score(labels_yx, labels_yx, SCHEME, 8.0).loc["ER", "hd95"] == 0


def test_objects_are_a_table_in_physical_units(labels_yx: np.ndarray) -> None:
    table = cristae.measure(labels_yx, SCHEME, 100.0, image="a")
    assert table.groupby("class")["area_um2"].apply(list).to_dict() == {
        "mitochondria": pytest.approx([0.04, 0.06]), "ER": pytest.approx([0.03])
    }  # fmt: skip
    assert set(table["image"]) == {"a"}
    assert "area_um2" not in cristae.measure(labels_yx, SCHEME, None)


@pytest.mark.filterwarnings("ignore")  # of torch and OpenVINO
def test_a_micrograph_becomes_a_label_map_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.phantom.phantom import generate_phantom

    monkeypatch.setenv("CRISTAE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CRISTAE_MODELS_DIR", str(ROOT / "models"))
    current_settings.cache_clear()
    try:
        phantom = generate_phantom(5, 256)
        image = cristae.Image(phantom.image_yx, name="phantom")
        assert cristae.models()[0] == "starter"
        result = cristae.segment(image, ROOT / "models" / "starter", pixel_size_nm=8, exact=True)
        assert (result.labels_yx == phantom.labels_yx).mean() > 0.6
        assert (result.model_id, result.pixel_size_nm, result.image_name) == ("starter", 8, "phantom")
        with pytest.raises(ValueError, match="read-only"):
            result.labels_yx[0, 0] = 1
        cristae.write_labels(tmp_path / "labels.tif", result)
        assert np.array_equal(cristae.read_labels(tmp_path / "labels.tif", result.classes), result.labels_yx)
        assert cristae.read_image(tmp_path / "labels.tif").pixel_size.nm == pytest.approx(8)
        raw = cristae.segment(image, "starter", pixel_size_nm=8, exact=True, clean=False)
        assert not np.array_equal(raw.labels_yx, result.labels_yx), "specks are removed unless one asks for them"
        with pytest.raises(cristae.CristaeError, match="no model 'none'"):
            cristae.segment(image, "none")
    finally:
        current_settings.cache_clear()


def test_ids_tell_objects_apart_that_touch() -> None:
    labels = np.array([[1, 1, 1, 1]], np.uint8)
    ids = np.array([[7, 7, 9, 9]], np.uint32)
    assert cristae.measure(labels, SCHEME, 100.0, ids_yx=ids)["object_id"].tolist() == [7, 9]
    assert len(cristae.measure(labels, SCHEME, 100.0)) == 1
    scores = cristae.score(labels, labels, SCHEME, reference_ids_yx=ids)
    (row,) = [scores.loc[name] for name in scores.index if scores.loc[name, "dice"] == 1]
    assert (row["merges"], row["splits"]) == (1, 0)
    assert ids.tolist() == [[7, 7, 9, 9]]
