"""Images and label maps over HTTP: tiles equal the pixels, caches are told the truth, errors are JSON with a remedy."""

from __future__ import annotations

import gzip
import io
import logging
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import TILE_PX, LabelPyramidWriter
from core.label_scheme import DEFAULT_SCHEME
from core.settings import Settings
from core.store.records import ImageRecord, RevisionRecord
from core.store.store import Store
from core.web.routes import routes

HEIGHT, WIDTH = 700, 1100

COVERAGE: list[dict[str, Any]] = [
    {"class_id": 2, "name": "nucleus", "pixels": 100_000, "fraction": 0.13, "area_um2": 6.4, "objects": 1}
]


def grey_ramp() -> NDArray[np.uint16]:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return np.asarray(1000 + 20 * columns + 10 * rows, np.uint16)


def some_labels() -> NDArray[np.uint8]:
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[100:300, 400:900] = 2
    labels[500:, :50] = 5
    return labels


class World:
    """A store with one 16-bit image, one finished and one unfinished label map, behind the routes."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(data_dir=folder, min_free_bytes=0)
        self.store = Store(self.settings)
        project = self.store.projects.create("test", DEFAULT_SCHEME, 8.0)
        self.pixels = grey_ramp()
        self.labels = some_labels()
        self.confidence = np.asarray(self.labels + 100, np.uint8)
        self.image: ImageRecord = self.store.images.add(
            project.id, Image(self.pixels, PixelSize.from_user(8.0), "ramp äöü.tif")
        )
        self.revision = self._revision(with_confidence=True)
        self.reference = self._revision(with_confidence=False)
        self.writing = self.store.revisions.begin(self.image.id, "prediction")
        self.writer = LabelPyramidWriter(
            self.store.revisions.pyramid_path(self.writing.id), self.labels.shape, pixel_size_nm=8.0
        )
        self.client = TestClient(Starlette(routes=routes(self.settings, self.store)))

    def _revision(self, *, with_confidence: bool) -> RevisionRecord:
        record = self.store.revisions.begin(self.image.id, "prediction" if with_confidence else "reference")
        path = self.store.revisions.pyramid_path(record.id)
        writer = LabelPyramidWriter(path, self.labels.shape, pixel_size_nm=8.0, with_confidence=with_confidence)
        writer.write(0, 0, self.labels, self.confidence if with_confidence else None)
        writer.finish()
        return self.store.revisions.complete(record.id, coverage=COVERAGE)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("web"))


def test_a_likely_scale_bar_is_told_or_none(world: World) -> None:
    answer = world.client.get(f"/api/images/{world.image.id}/scale-bar")
    assert answer.status_code == 200
    assert answer.json() == {"bar": None}
    assert world.client.get("/api/images/nothing/scale-bar").status_code == 404


def test_an_image_is_described(world: World) -> None:
    body = world.client.get(f"/api/images/{world.image.id}").json()
    low, high = world.image.window
    assert body == {
        "id": world.image.id,
        "name": "ramp äöü.tif",
        "width_px": WIDTH,
        "height_px": HEIGHT,
        "levels": 3,
        "tile_px": TILE_PX,
        "dtype": "uint16",
        "pixel_size_nm": 8.0,
        "pixel_size_source": "user",
        "pixel_size_detail": "entered",
        "window_low": low,
        "window_high": high,
    }


@pytest.mark.parametrize(
    ("level", "row", "col", "shape"),
    [(0, 0, 0, (512, 512)), (0, 1, 2, (188, 76)), (1, 0, 1, (350, 38)), (2, 0, 0, (175, 275))],
    ids=["first", "corner", "half", "whole"],
)
def test_image_tiles_show_the_window(world: World, level: int, row: int, col: int, shape: tuple[int, int]) -> None:
    low, high = 1000, 30000
    answer = world.client.get(f"/api/images/{world.image.id}/tiles/{level}/{row}/{col}?low={low}&high={high}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    shown = np.asarray(PIL.Image.open(io.BytesIO(answer.content)), float)
    assert shown.shape == shape
    step = 2**level
    top, left = row * TILE_PX * step, col * TILE_PX * step
    source = world.pixels[top : top + shape[0] * step : step, left : left + shape[1] * step : step]
    expected = (source.astype(float) - low) * 255 / (high - low)
    assert np.abs(shown - expected).max() < 4


def test_the_window_defaults_to_the_images_own(world: World) -> None:
    address = f"/api/images/{world.image.id}/tiles/0/0/0"
    low, high = world.image.window
    assert world.client.get(address).content == world.client.get(f"{address}?low={low}&high={high}").content
    assert world.client.get(address).content != world.client.get(f"{address}?low=0&high=65535").content


def test_image_tiles_are_kept_and_asked_for_by_etag(world: World) -> None:
    address = f"/api/images/{world.image.id}/tiles/0/0/0"
    first = world.client.get(address)
    assert "immutable" in first.headers["cache-control"]
    again = world.client.get(address, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = world.client.get(address, headers={"If-None-Match": '"something else"'})
    assert other.status_code == 200


@pytest.mark.parametrize(
    ("row", "col", "height", "width"), [(0, 0, 512, 512), (1, 2, 188, 76)], ids=["first", "corner"]
)
@pytest.mark.parametrize("layer", ["labels", "confidence"])
def test_label_tiles_are_the_raw_pixels(world: World, layer: str, row: int, col: int, height: int, width: int) -> None:
    answer = world.client.get(f"/api/revisions/{world.revision.id}/{layer}/0/{row}/{col}")
    assert answer.headers["x-tile-shape"] == f"{height},{width}"
    tile = np.frombuffer(answer.content, np.uint8).reshape(height, width)
    source = world.labels if layer == "labels" else world.confidence
    assert np.array_equal(tile, source[row * 512 : row * 512 + height, col * 512 : col * 512 + width])


def test_label_tiles_are_packed_only_for_those_who_can_read_it(world: World) -> None:
    address = f"/api/revisions/{world.revision.id}/labels/0/0/0"
    plain = world.client.get(address, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    with world.client.stream("GET", address, headers={"Accept-Encoding": "gzip"}) as packed:
        raw = b"".join(packed.iter_raw())
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(raw) == plain.content
    assert len(raw) < len(plain.content) / 20


def test_only_tiles_of_a_finished_label_map_are_kept(world: World) -> None:
    finished = world.client.get(f"/api/revisions/{world.revision.id}/labels/0/0/0")
    writing = world.client.get(f"/api/revisions/{world.writing.id}/labels/0/0/0")
    assert "immutable" in finished.headers["cache-control"]
    assert "no-cache" in writing.headers["cache-control"]


def test_blocks_appear_while_a_label_map_is_written(world: World) -> None:
    address = f"/api/revisions/{world.writing.id}/labels/0/1/0"
    before = world.client.get(address)
    assert set(before.content) == {255}
    world.writer.write(512, 0, np.full((100, 100), 3, np.uint8), np.full((100, 100), 200, np.uint8))
    world.writer.flush()
    after = world.client.get(address, headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200
    tile = np.frombuffer(after.content, np.uint8).reshape(188, 512)
    assert set(tile[:100, :100].ravel()) == {3}
    assert set(tile[100:].ravel()) == {255}


def test_a_label_map_tells_its_state_and_its_version_grows(world: World) -> None:
    body = world.client.get(f"/api/revisions/{world.writing.id}").json()
    assert (body["state"], body["progress"], body["coverage"]) == ("writing", 0.0, [])
    world.store.revisions.update_details(world.writing.id, progress=0.25)
    later = world.client.get(f"/api/revisions/{world.writing.id}")
    assert later.json()["progress"] == 0.25
    assert later.json()["version"] > body["version"]
    assert later.headers["cache-control"] == "no-store"


def test_a_finished_label_map_tells_coverage_classes_and_confidence(world: World) -> None:
    body = world.client.get(f"/api/revisions/{world.revision.id}").json()
    assert (body["state"], body["progress"], body["has_confidence"]) == ("complete", 1.0, True)
    assert body["coverage"] == COVERAGE
    assert body["classes"] == DEFAULT_SCHEME.to_json()
    assert world.client.get(f"/api/revisions/{world.reference.id}").json()["has_confidence"] is False


def test_one_pixel_with_its_label(world: World) -> None:
    body = world.client.get(f"/api/images/{world.image.id}/pixel?row=150&col=500&revision={world.revision.id}").json()
    assert body == {"row": 150, "col": 500, "value": 1000 + 20 * 500 + 10 * 150, "label": 2, "confidence": 102}
    alone = world.client.get(f"/api/images/{world.image.id}/pixel?row=699&col=1099").json()
    assert alone == {"row": 699, "col": 1099, "value": 1000 + 20 * 1099 + 10 * 699}


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/api/images/nope", 404),
        ("/api/images/nope/tiles/0/0/0", 404),
        ("/api/images/nope/pixel?row=0&col=0", 404),
        ("/api/images/IMAGE/tiles/3/0/0", 404),
        ("/api/images/IMAGE/tiles/0/2/0", 404),
        ("/api/images/IMAGE/tiles/-1/0/0", 400),
        ("/api/images/IMAGE/tiles/x/0/0", 400),
        ("/api/images/IMAGE/tiles/0/0/99999999999999999999", 400),
        ("/api/images/IMAGE/tiles/0/0/0?low=5&high=5", 400),
        ("/api/images/IMAGE/tiles/0/0/0?low=nan", 400),
        ("/api/images/IMAGE/tiles/0/0/0?high=inf", 400),
        ("/api/images/IMAGE/pixel?row=700&col=0", 404),
        ("/api/images/IMAGE/pixel?row=0", 400),
        ("/api/images/IMAGE/pixel?row=0&col=0&revision=nope", 404),
        ("/api/images/IMAGE/pixel?row=0&col=0&revision=../../x", 404),
        ("/api/revisions/nope", 404),
        ("/api/revisions/nope/labels/0/0/0", 404),
        ("/api/revisions/REVISION/pictures/0/0/0", 404),
        ("/api/revisions/REFERENCE/confidence/0/0/0", 404),
        ("/api/revisions/REVISION/labels/0/9/9", 404),
        ("/api/revisions/REVISION/download/secrets.txt", 404),
        ("/api/revisions/nope/download/labels.tif", 404),
        ("/api/revisions/WRITING/download/labels.tif", 400),
    ],
)
def test_errors_are_json_with_cause_and_remedy(world: World, address: str, status: int) -> None:
    ids = {
        "IMAGE": world.image.id,
        "REVISION": world.revision.id,
        "REFERENCE": world.reference.id,
        "WRITING": world.writing.id,
    }
    for word, record_id in ids.items():
        address = address.replace(word, record_id)
    answer = world.client.get(address)
    assert answer.status_code == status
    assert set(answer.json()) == {"cause", "remedy"}
    assert answer.json()["cause"] and answer.json()["remedy"]
    assert "Traceback" not in answer.text


def test_the_unexpected_is_logged_with_an_id_and_no_details_leak(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("core.web.images.encode_tile", broken)
    with caplog.at_level(logging.ERROR):
        answer = world.client.get(f"/api/images/{world.image.id}/tiles/0/0/0")
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    incident = answer.json()["remedy"].split("incident ")[1].split()[0]
    assert incident in caplog.text and "secret detail" in caplog.text


def test_a_deleted_image_is_gone_although_its_pyramid_was_open(tmp_path: Path) -> None:
    world = World(tmp_path)
    address = f"/api/images/{world.image.id}/tiles/0/0/0"
    assert world.client.get(address).status_code == 200
    world.store.images.delete(world.image.id)
    assert world.client.get(address).status_code == 404


def test_a_download_comes_as_an_attachment_and_leaves_no_temporary_file(world: World) -> None:
    answer = world.client.get(f"/api/revisions/{world.revision.id}/download/labels.tif")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "ramp" in answer.headers["content-disposition"]
    assert answer.content[:2] in (b"II", b"MM")
    assert list((world.settings.data_dir / "tmp").glob("*.tif")) == []
    table = world.client.get(f"/api/revisions/{world.revision.id}/download/coverage.csv")
    assert table.status_code == 200
