"""The tasks: what ingest and predict write, reuse, refuse and leave behind. In this process, without an engine."""

from __future__ import annotations

import json
import os
import shutil
import threading
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

import core.engine.runner as runner
import core.engine.tasks.predict as predict_task
import core.engine.warm as warm
from core.cache import Cache
from core.engine.engine import ensure_engine
from core.errors import JobCancelledError
from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import open_pyramid, write_label_pyramid
from core.jobs.rows import job
from core.jobs.transitions import claim
from core.models.store import ModelStore, StoredModel
from core.objects.rules import ObjectRule, ObjectRules, RuleSource
from core.predictions.cleaning import cleaning_of, raw_labels
from core.review.audit_log import audit_entries
from core.segmentation.prediction_summary import PredictionSummary
from core.settings import Settings, load_settings
from core.store import ImageRecord, JobRecord, JobState, ProjectRecord, RevisionKind, RevisionState, Store
from tests.core.engine.conftest import PLUGINS, end, wait_for
from tests.core.networks import write_model
from tests.jobs import submit, submit_as_written


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings for an empty data folder and model store."""
    return load_settings(data_dir=tmp_path / "data", models_dir=tmp_path / "models", min_free_bytes=0)


@pytest.fixture(autouse=True)
def here(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's store is the process's."""
    monkeypatch.setattr(runner, "current_store", lambda: store)


@pytest.fixture
def project(store: Store) -> ProjectRecord:
    """An empty project, of the model's classes."""
    from core.label_scheme import LabelScheme

    names = {"cell boundaries": 1, "glia": 2, "mitochondria": 3, "synapse": 4}
    return store.projects.create("p", LabelScheme.from_names(names))


def do(store: Store, kind: str, **params: Any) -> JobRecord:
    """A job, run to its end."""
    row = submit(kind, params, author="ada", store=store)
    assert claim(store, row, "here")
    runner.run_job(row.id, 1)
    return job(row.id, store=store)


def upload(store: Store, name: str, content: bytes) -> str:
    """A file as the upload route leaves it."""
    upload_id = uuid.uuid4().hex
    (store.settings.uploads_dir / f"{upload_id}.upload").write_bytes(content)
    (store.settings.uploads_dir / f"{upload_id}.json").write_text(json.dumps({"name": name, "bytes": len(content)}))
    return upload_id


def tiff(path: Path, pixels: NDArray[Any]) -> bytes:
    """The bytes of a TIFF of these pages."""
    tifffile.imwrite(path, pixels, photometric="minisblack")
    return path.read_bytes()


def ramp(pages: int = 1) -> NDArray[np.uint8]:
    """Pages of 5 x 7 px, all different."""
    return np.arange(pages * 35, dtype=np.uint8).reshape(pages, 5, 7)


def test_an_upload_becomes_an_image_and_is_deleted(store: Store, project: ProjectRecord, tmp_path: Path) -> None:
    upload_id = upload(store, "cell.tif", tiff(tmp_path / "x.tif", ramp()[0]))
    done = do(store, "ingest", project_id=project.id, upload_id=upload_id, pixel_size_nm=5)
    assert done.state is JobState.SUCCEEDED, done
    (image,) = store.images.all(project.id)
    assert (done.result["image_ids"], done.result["duplicates"]) == ([image.id], [])
    assert done.result["notices"] == list(image.notices)
    assert any("only 7 x 5 px" in notice for notice in image.notices)
    assert (image.name, image.pixel_size, image.stack) == ("cell.tif", PixelSize.from_user(5.0), "")
    pixels = open_pyramid(store.images.pyramid_path(image.id)).read(0, slice(None), slice(None))
    np.testing.assert_array_equal(pixels, ramp()[0])
    assert list(store.settings.uploads_dir.iterdir()) == []


def test_a_file_on_the_server_stays_and_an_unknown_pixel_size_is_allowed(
    store: Store, project: ProjectRecord, tmp_path: Path
) -> None:
    tiff(tmp_path / "stack.tif", ramp(3))
    done = do(store, "ingest", project_id=project.id, path=str(tmp_path / "stack.tif"), pages=[0, 2])
    images = store.images.all(project.id)
    assert done.result["image_ids"] == [image.id for image in images]
    assert [(image.stack, image.z_index) for image in images] == [("stack.tif", 0), ("stack.tif", 2)]
    assert images[0].pixel_size.nm is None
    assert (tmp_path / "stack.tif").is_file()
    again = do(store, "ingest", project_id=project.id, path=str(tmp_path / "stack.tif"))
    assert again.result["duplicates"] == done.result["image_ids"]
    assert len(store.images.all(project.id)) == 3


def test_a_file_with_the_pixels_of_an_older_image_gives_it_the_size_it_lacks(
    store: Store, project: ProjectRecord, tmp_path: Path
) -> None:
    """Its pixel size was lost without a word, also when the older image lay in the trash."""
    for name in ("a.tif", "b.tif", "c.tif"):
        tiff(tmp_path / name, ramp()[0])
    (image_id,) = do(store, "ingest", project_id=project.id, path=str(tmp_path / "a.tif")).result["image_ids"]
    made = store.revisions.begin(image_id, RevisionKind.PREDICTION, model_id="m", details={"summary": {}})
    shape = store.images.get(image_id).shape_yx
    write_label_pyramid(store.revisions.pyramid_path(made.id), np.zeros(shape, np.uint8), pixel_size_nm=None)
    store.revisions.complete(made.id)
    store.trash.put([image_id])
    done = do(store, "ingest", project_id=project.id, path=str(tmp_path / "b.tif"), pixel_size_nm=5).result
    assert done["outdated"] == {image_id: "1 label map by models becomes outdated: segment the image again."}
    assert (done["duplicates"], done["restored"], done["sized"]) == ([image_id], [image_id], [image_id])
    assert done["sizes_nm"] == {}
    assert [(image.id, image.pixel_size.nm) for image in store.images.all(project.id)] == [(image_id, 5.0)]
    told = [entry.what for entry in audit_entries(store, project.id, by="")]
    assert told == ["images_restored", "image_changed"]
    other = do(store, "ingest", project_id=project.id, path=str(tmp_path / "c.tif"), pixel_size_nm=4).result
    assert (other["restored"], other["sized"], other["sizes_nm"]) == ([], [], {image_id: 4.0})
    assert other["outdated"] == {}
    assert store.images.get(image_id).pixel_size.nm == 5.0  # what was known first stays


def test_two_files_of_one_name_are_two_stacks(store: Store, project: ProjectRecord, tmp_path: Path) -> None:
    """Their planes were mixed into one stack."""
    stacks = []
    for pixels in (ramp(2), ramp(2) + 100, ramp(2)):
        tiff(tmp_path / "s.tif", pixels)
        done = do(store, "ingest", project_id=project.id, path=str(tmp_path / "s.tif"))
        stacks.append([store.images.get(image_id).stack for image_id in done.result["image_ids"]])
    assert stacks == [["s.tif"] * 2, ["s.tif (2)"] * 2, ["s.tif"] * 2]


def test_blank_planes_stay_in_their_stack(store: Store, project: ProjectRecord, tmp_path: Path) -> None:
    """Planes that were alike became one; so did files of one name that begin with a blank plane."""
    stacks = []
    for last in (7, 9):
        pixels = np.zeros((4, 5, 7), np.uint8)
        pixels[3] = last
        tiff(tmp_path / "s.tif", pixels)
        done = do(store, "ingest", project_id=project.id, path=str(tmp_path / "s.tif"))
        images = [store.images.get(image_id) for image_id in done.result["image_ids"]]
        assert [image.z_index for image in images] == [0, 1, 2, 3]
        assert len({image.id for image in images}) == 4
        stacks.append({image.stack for image in images})
    assert stacks == [{"s.tif"}, {"s.tif (2)"}]


def test_a_bad_file_fails_with_cause_and_remedy_and_leaves_nothing(store: Store, project: ProjectRecord) -> None:
    upload_id = upload(store, "../notes.tif", b"some text, not an image\n" * 10)
    done = do(store, "ingest", project_id=project.id, upload_id=upload_id)
    assert (done.state, "notes.tif" in done.error_cause, bool(done.error_remedy)) == (JobState.FAILED, True, True)
    assert store.images.all() == ()
    assert list(store.settings.uploads_dir.iterdir()) == []
    assert list(store.images_dir.iterdir()) == []


def test_a_file_that_is_no_model_is_refused_by_the_name_that_people_gave_it(store: Store) -> None:
    upload_id = upload(store, "liver model.zip", b"some text, not a zip\n" * 10)
    done = do(store, "import_model", upload_id=upload_id)
    assert done.state is JobState.FAILED
    assert done.error_cause.startswith("liver model.zip ")
    assert upload_id not in done.error_cause


def test_a_stack_that_breaks_in_the_middle_leaves_no_page(
    store: Store, project: ProjectRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.errors import ImageError
    from core.imaging.guarded_micrograph import GuardedMicrograph

    kept = store.images.add(project.id, Image(ramp(3)[0]))
    real = GuardedMicrograph.read

    def read(self: GuardedMicrograph, page: int = 0) -> Image:
        if page == 2:
            raise ImageError("page 3 is damaged", "export again")
        return real(self, page)

    monkeypatch.setattr(GuardedMicrograph, "read", read)
    tiff(tmp_path / "s.tif", ramp(3))
    done = do(store, "ingest", project_id=project.id, path=str(tmp_path / "s.tif"))
    assert (done.state, done.error_cause) == (JobState.FAILED, "page 3 is damaged")
    assert store.images.all() == (kept,)  # the page that was there before is


@pytest.mark.parametrize(
    ("params", "cause"),
    [
        ({}, "names no file"),
        ({"path": "/nowhere/x.tif"}, "x.tif"),
        ({"upload_id": "0" * 32}, "no upload"),
        ({"path": "{file}", "pages": [5]}, "has 1"),
        ({"path": "{file}", "project_id": "nope"}, "no project"),
        ({"path": "{file}", "pixel_size_nm": -3}, "-3"),
    ],
    ids=["no-file", "absent", "no-upload", "no-such-page", "project", "pixel-size"],
)
def test_unusable_ingest_parameters_are_explained(
    store: Store, project: ProjectRecord, tmp_path: Path, params: dict[str, Any], cause: str
) -> None:
    tiff(tmp_path / "x.tif", ramp()[0])
    filled = {k: str(tmp_path / "x.tif") if v == "{file}" else v for k, v in params.items()}
    done = do(store, "ingest", **{"project_id": project.id, **filled})
    assert done.state is JobState.FAILED
    assert cause in done.error_cause, done
    assert store.images.all() == ()


def weightless(path: Path) -> StoredModel:
    """A model that nothing can be predicted with."""
    import torch

    return write_model(path, [{"none": torch.zeros(1)}])


class FakePredictor:
    """Stands for the network: class 1 in the upper half, 2 below, in two blocks."""

    def __init__(self, during: Any = None) -> None:
        self.during = during
        self.calls: list[dict[str, Any]] = []

    def predict(self, image: Image, sink: Any, **options: Any) -> PredictionSummary:
        """Write two blocks; between them ``during`` looks around."""
        self.calls.append(options)
        rows, columns = image.shape
        for number, (start, stop) in enumerate(((0, rows // 2), (rows // 2, rows))):
            block = np.full((stop - start, columns), number + 1, np.uint8)
            sink.write(start, 0, block, block * 100)
            sink.flush()
            options["on_progress"]((number + 1) / 2, "tiles", 1.0)
            if number == 0 and self.during:
                self.during()
            if options["should_cancel"]():
                raise JobCancelledError("cancelled")
        return PredictionSummary(
            "tiny", "fake", "none", "float32", image.shape, 1.0, options["pixel_size_nm"], 2, options["step"],
            options["mirroring"], "gaussian", ("0",), 0.1,
        )  # fmt: skip


@pytest.fixture
def image(store: Store, project: ProjectRecord) -> ImageRecord:
    """6 x 4 px of 1000 nm."""
    return store.images.add(project.id, Image(np.zeros((6, 4), np.uint8), PixelSize.from_user(1000.0)))


@pytest.fixture
def predictor(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> FakePredictor:
    """A model in the store, and a stand-in that predicts for it."""
    weightless(settings.models_dir / "tiny")
    fake = FakePredictor()
    monkeypatch.setattr(predict_task, "warm_predictor", lambda _model, _settings: fake)
    return fake


def test_a_prediction_becomes_a_complete_revision(store: Store, image: ImageRecord, predictor: FakePredictor) -> None:
    seen: list[Any] = []

    def look() -> None:
        (row,) = store.revisions.of_image(image.id, state=None)
        blocks = open_pyramid(store.revisions.pyramid_path(row.id)).read(0, slice(None), slice(None))
        seen.append((row, blocks))

    predictor.during = look
    done = do(store, "predict", image_id=image.id, model_id="tiny", step=0.75)
    assert done.state is JobState.SUCCEEDED, done
    (revision,) = store.revisions.of_image(image.id)
    assert done.result["revision_id"] == revision.id
    assert done.result["reused"] is False
    assert done.result["summary"]["backend"] == "fake"
    assert (revision.author, revision.model_id, revision.details["summary"]["step"]) == ("ada", "tiny", 0.75)
    assert [each["name"] for each in revision.details["scheme"]][:2] == ["cell boundaries", "glia"]
    table = {row["name"]: (row["pixels"], row["area_um2"]) for row in revision.coverage}
    assert (table["cell boundaries"], table["glia"], table["background"]) == ((12, 12.0), (12, 12.0), (0, 0.0))
    row, blocks = seen[0]
    assert (row.state, row.details["progress"]) == (RevisionState.WRITING, 0.5)
    np.testing.assert_array_equal(blocks[:, 0], [1, 1, 1, 255, 255, 255])
    assert revision.version > row.version
    pyramid = open_pyramid(store.revisions.pyramid_path(revision.id))
    assert pyramid.complete
    np.testing.assert_array_equal(pyramid.read(0, slice(None), slice(None))[:, 0], [1, 1, 1, 2, 2, 2])


def test_specks_are_removed_as_blocks_arrive_and_the_map_before_is_kept(
    store: Store, image: ImageRecord, predictor: FakePredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = ModelStore(store.settings.models_dir)
    rules = ObjectRules((ObjectRule(class_id=1, smallest=20.0, smallest_cut=20.0),))  # the block has 12 px of 1 um2

    def predict(image: Image, sink: Any, **options: Any) -> PredictionSummary:
        monkeypatch.setattr(type(sink), "flush", lambda _self: None, raising=False)
        return FakePredictor.predict(predictor, image, sink, **options)

    monkeypatch.setattr(predictor, "predict", predict)
    before = do(store, "predict", image_id=image.id, model_id="tiny").result
    models.set_object_rules("tiny", rules)
    after = do(store, "predict", image_id=image.id, model_id="tiny").result
    assert after["reused"] is False
    revision = store.revisions.get(after["revision_id"])
    labels = open_pyramid(store.revisions.pyramid_path(revision.id)).read(0, slice(None), slice(None))
    np.testing.assert_array_equal(labels[:, 0], [2, 2, 2, 2, 2, 2])  # what surrounds the piece
    np.testing.assert_array_equal(raw_labels(store, revision)[:, 0], [1, 1, 1, 2, 2, 2])
    row = next(row for row in cleaning_of(revision) if row.class_id == 1)
    assert (row.removed, row.objects_before, row.objects, row.source) == (1, 1, 0, RuleSource.DEFAULT)
    untouched = cleaning_of(store.revisions.get(before["revision_id"]))
    assert [row.removed for row in untouched] == [0] * len(untouched)


def test_the_same_question_is_answered_from_memory(store: Store, image: ImageRecord, predictor: FakePredictor) -> None:
    params = {"image_id": image.id, "model_id": "tiny"}
    first = do(store, "predict", **params)
    same = do(store, "predict", **params, pixel_size_nm=1000, step=0.5, mirroring=False)
    assert same.result == {**first.result, "reused": True}
    assert len(predictor.calls) == 1
    for other in ({"step": 0.25}, {"mirroring": True}, {"pixel_size_nm": 500}):
        assert do(store, "predict", **params, **other).result["revision_id"] != first.result["revision_id"]
    store.images.set_pixel_size(image.id, PixelSize.from_user(2000.0))
    assert not do(store, "predict", **params).result["reused"]
    assert len(store.revisions.of_image(image.id)) == 5


def test_new_weights_under_the_same_id_are_asked_again(
    store: Store, image: ImageRecord, predictor: FakePredictor
) -> None:
    do(store, "predict", image_id=image.id, model_id="tiny")
    weights = ModelStore(store.settings.models_dir).get("tiny").weights("0")
    os.utime(weights, (1, 1))
    assert not do(store, "predict", image_id=image.id, model_id="tiny").result["reused"]


def test_a_cancelled_prediction_leaves_nothing(
    store: Store, image: ImageRecord, predictor: FakePredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.engine.context import JobContext

    ask = threading.Event()
    predictor.during = ask.set
    monkeypatch.setattr(JobContext, "cancelled", lambda _self: ask.is_set())
    done = do(store, "predict", image_id=image.id, model_id="tiny")
    assert (done.state, done.result) == (JobState.CANCELLED, {})
    assert store.revisions.of_image(image.id, state=None) == ()
    assert list(store.labels_dir.iterdir()) == []


def test_an_image_that_is_deleted_meanwhile_is_an_error_and_leaves_nothing(
    store: Store, image: ImageRecord, predictor: FakePredictor
) -> None:
    predictor.during = lambda: store.images.delete(image.id)
    done = do(store, "predict", image_id=image.id, model_id="tiny")
    assert done.state is JobState.FAILED
    assert list(store.labels_dir.iterdir()) == []


@pytest.mark.parametrize(
    ("params", "cause"),
    [
        ({"image_id": "nope", "model_id": "tiny"}, "no image 'nope'"),
        ({"model_id": "nope"}, "nope"),
        ({"model_id": "tiny", "step": "wide"}, "wide"),
        ({}, "model_id"),
    ],
    ids=["image", "model", "step", "missing"],
)
def test_unusable_predict_parameters_are_explained(
    store: Store, image: ImageRecord, predictor: FakePredictor, params: dict[str, Any], cause: str
) -> None:
    row = submit_as_written("predict", {"image_id": image.id, **params}, store=store)
    assert claim(store, row, "here")
    runner.run_job(row.id, 1)
    done = job(row.id, store=store)
    assert (done.state, cause in done.error_cause) == (JobState.FAILED, True), done
    assert store.revisions.of_image(image.id, state=None) == ()


def test_models_stay_loaded_but_not_all_of_them(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    import core.segmentation.predictor as predictor_module

    made: list[str] = []

    class Loaded:
        def __init__(self, model: Any, **_options: Any) -> None:
            made.append(model.id)

    monkeypatch.setattr(predictor_module, "Predictor", Loaded)
    monkeypatch.setattr(warm, "_loaded", Cache("loaded models", "", limit_bytes=10**9, most=warm.KEPT))
    models = {}
    for name in ("a", "b", "c"):
        models[name] = weightless(settings.models_dir / name)
    for name in "aabacab":
        warm.warm_predictor(models[name], settings)
    assert made == ["a", "b", "c", "b"]


@pytest.mark.slow
def test_a_real_prediction_through_the_engine(settings: Settings, store: Store, project: ProjectRecord) -> None:
    from core.models.weights import build_network

    network = build_network(weightless(settings.models_dir.parent / "blank"))
    network.apply(network.initialize)
    write_model(settings.models_dir / "tiny", [network.state_dict()])
    pixels = np.random.default_rng(1).integers(0, 255, (300, 200), dtype=np.uint8)
    image = store.images.add(project.id, Image(pixels, PixelSize.from_user(4.6)))
    info = ensure_engine(settings, plugins=PLUGINS)
    try:
        first = wait_for(
            store, submit("predict", {"image_id": image.id, "model_id": "tiny"}, store=store).id, limit_s=120
        )
        assert first.state is JobState.SUCCEEDED, first
        coverage = store.revisions.get(first.result["revision_id"]).coverage
        assert sum(row["pixels"] for row in coverage) == 300 * 200
        warm_row = submit("predict", {"image_id": image.id, "model_id": "tiny", "step": 1.0}, store=store)
        second = wait_for(store, warm_row.id)
        assert second.worker == first.worker
    finally:
        end(settings, info)
        shutil.rmtree(settings.models_dir)
