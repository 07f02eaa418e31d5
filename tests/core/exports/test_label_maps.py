"""Downloads hold what the store holds."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image as PilImage

from core.errors import NotFoundError, StoreError
from core.exports.label_maps import DOWNLOADS, render_download
from core.imaging.display import to_display
from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import write_label_pyramid
from core.label_scheme import DEFAULT_SCHEME, LabelScheme
from core.labels.files import STRIP_ROWS
from core.morphometry.coverage import coverage_table
from core.store.records import RevisionKind
from core.store.store import Store

LABELS = np.zeros((300, 700), np.uint8)
LABELS[10:60, 20:120] = 1
LABELS[200:220, 300:640] = 4


@pytest.fixture
def revision_id(store: Store) -> str:
    project = store.projects.create("p", DEFAULT_SCHEME, None)
    pixels = np.full(LABELS.shape, 90, np.uint8)
    pixels[0, 0] = 200
    image = store.images.add(project.id, Image(pixels, PixelSize.from_user(8.0), "=../Leber ä.ome.tif"))
    revision = store.revisions.begin(image.id, RevisionKind.PREDICTION, model_id="m")
    write_label_pyramid(store.revisions.pyramid_path(revision.id), LABELS, pixel_size_nm=8.0, scheme=DEFAULT_SCHEME)
    rows = coverage_table(LABELS, DEFAULT_SCHEME, 8.0)
    store.revisions.complete(revision.id, coverage=[row.to_json() for row in rows])
    return revision.id


def _path(content: Path | bytes) -> Path:
    assert isinstance(content, Path)
    return content


def test_label_files_hold_the_label_map(store: Store, revision_id: str) -> None:
    tiff, media_type, name = render_download(store, revision_id, "labels.tif", {})
    assert np.array_equal(tifffile.imread(_path(tiff)), LABELS)
    assert media_type == "image/tiff"
    assert name == "Leber_ä_labels.tif"
    png, _, _ = render_download(store, revision_id, "labels.png", {})
    with PilImage.open(_path(png)) as picture:
        assert np.array_equal(np.asarray(picture), LABELS)


def test_every_file_has_the_names_and_colours_of_the_project_of_now(store: Store, revision_id: str) -> None:
    """They had those of the model, or of the day when they were written."""
    image = store.images.get(store.revisions.get(revision_id).image_id)
    classes = [replace(item, name=f"{item.name} 2", color=f"#0{item.id}0203") for item in DEFAULT_SCHEME.classes]
    store.projects.update(image.project_id, scheme=LabelScheme(tuple(classes)))
    png, _, _ = render_download(store, revision_id, "labels.png", {})
    with PilImage.open(_path(png)) as picture:
        palette = picture.getpalette() or []
    assert palette[3:6] == [1, 2, 3]
    table, _, _ = render_download(store, revision_id, "coverage.csv", {})
    assert b"mitochondria 2" in (table if isinstance(table, bytes) else table.read_bytes())
    archive, _, _ = render_download(store, revision_id, "ome-zarr.zip", {})
    with zipfile.ZipFile(_path(archive)) as opened:
        (name,) = [each for each in opened.namelist() if each.endswith("labels/organelles/zarr.json")]
        label = json.loads(opened.read(name))["attributes"]["ome"]["image-label"]
    assert label["colors"][0] == {"label-value": 1, "rgba": [1, 2, 3, 255]}
    assert label["properties"][3] == {"label-value": 4, "name": "lipid droplets 2"}
    overlay, _, _ = render_download(store, revision_id, "overlay.png", {"opacity": "1"})
    with PilImage.open(_path(overlay)) as picture:
        assert picture.convert("RGB").getpixel((70, 35)) == (1, 2, 3)


@pytest.mark.parametrize("shape", [(512, 40), (513, 40), (1300, 601), (1, 1)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_a_tiff_written_by_bands_equals_the_label_map(store: Store, shape: tuple[int, int]) -> None:
    labels = np.random.default_rng(1).choice([0, 1, 4, 255], shape).astype(np.uint8)
    project = store.projects.create("p", DEFAULT_SCHEME, None)
    image = store.images.add(project.id, Image(np.full(shape, 90, np.uint8), PixelSize.from_user(4.0), "a.tif"))
    revision = store.revisions.begin(image.id, RevisionKind.PREDICTION, model_id="m")
    write_label_pyramid(store.revisions.pyramid_path(revision.id), labels, pixel_size_nm=4.0, scheme=DEFAULT_SCHEME)
    store.revisions.complete(revision.id, coverage=[])
    content, _, _ = render_download(store, revision.id, "labels.tif", {})
    with tifffile.TiffFile(_path(content)) as file:
        page = file.pages.first
        assert len(page.dataoffsets) == -(-shape[0] // STRIP_ROWS)
        assert page.resolution == (250.0, 250.0)  # pixels per µm
        assert np.array_equal(page.asarray(), labels)
    with PilImage.open(_path(content)) as picture:
        assert np.array_equal(np.asarray(picture), labels)


def test_overlay_follows_its_options(store: Store, revision_id: str) -> None:
    def pixel(**options: str) -> tuple[int, ...]:
        content, _, _ = render_download(store, revision_id, "overlay.png", options)
        with PilImage.open(_path(content)) as picture:
            assert picture.width == 700
            found = picture.getpixel((50, 30))
        assert isinstance(found, tuple)
        return found

    assert pixel(opacity="1") == (255, 0, 0)
    assert pixel(opacity="1", palette="safe") == DEFAULT_SCHEME[1].rgb(safe=True)
    red, green, blue = pixel(opacity="1", classes="4")
    assert red == green == blue
    assert pixel(opacity="nan", max_px="inf", classes="1,²,x") == pixel(classes="1")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_an_overlay_shows_every_row_in_the_window_of_the_image(store: Store, dtype: type) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (1100, 40)).astype(dtype)
    project = store.projects.create("p", DEFAULT_SCHEME, None)
    image = store.images.add(project.id, Image(pixels, PixelSize(), "a.tif"))
    revision = store.revisions.begin(image.id, RevisionKind.PREDICTION, model_id="m")
    labels = np.zeros(pixels.shape, np.uint8)
    write_label_pyramid(store.revisions.pyramid_path(revision.id), labels, pixel_size_nm=None, scheme=DEFAULT_SCHEME)
    store.revisions.complete(revision.id, coverage=[])
    content, _, _ = render_download(store, revision.id, "overlay.png", {})
    with PilImage.open(_path(content)) as picture:
        expected = to_display(pixels, *image.window)
        assert np.array_equal(np.asarray(picture), np.stack([expected] * 3, axis=-1))


def test_table_has_areas_and_no_formula(store: Store, revision_id: str) -> None:
    content, _, _ = render_download(store, revision_id, "coverage.csv", {})
    assert isinstance(content, bytes)
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    mitochondria = next(row for row in rows if row["class"] == "mitochondria")
    assert int(mitochondria["pixels"]) == 5000
    assert float(mitochondria["area_um2"]) == pytest.approx(5000 * 64 / 1e6)
    assert float(mitochondria["percent"]) == pytest.approx(100 * 5000 / LABELS.size, abs=1e-3)
    assert mitochondria["objects"] == "1"
    assert mitochondria["image"].startswith("'=")


def test_zip_opens_as_ome_zarr_with_labels(store: Store, revision_id: str, tmp_path: Path) -> None:
    content, _, _ = render_download(store, revision_id, "ome-zarr.zip", {})
    with zipfile.ZipFile(_path(content)) as archive:
        archive.extractall(tmp_path / "out")
    (root,) = (tmp_path / "out").iterdir()
    assert root.name.endswith(".ome.zarr")
    group = zarr.open_group(root, mode="r")
    assert np.asarray(group["0"])[0, 0] == 200
    assert np.array_equal(np.asarray(group["labels/organelles/0"]), LABELS)
    assert json.loads((root / "labels" / "zarr.json").read_text())["attributes"]["ome"]["labels"] == ["organelles"]


def test_unknown_downloads_and_unfinished_maps_are_refused(store: Store, revision_id: str) -> None:
    with pytest.raises(NotFoundError, match=r"no download 'labels\.exe'"):
        render_download(store, revision_id, "labels.exe", {})
    image_id = store.revisions.get(revision_id).image_id
    unfinished = store.revisions.begin(image_id, RevisionKind.PREDICTION)
    for what in DOWNLOADS:
        with pytest.raises(StoreError, match="still being written"):
            render_download(store, unfinished.id, what, {})
