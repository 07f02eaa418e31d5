"""Dropped files are read and then segmented, whoever is still there: the chain is in the database, not in a browser."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image as Picture
from starlette.applications import Starlette
from starlette.testclient import TestClient

import core.batches.followers as followers
import core.curation.images as curation
import core.engine.runner as runner
from core.access.roles import Role, set_member
from core.batches.plan import SegmentPlan, UnknownSize
from core.batches.rows import (
    answer_assume,
    batch_progress,
    cancel_batch,
    dismiss_batch,
    open_batches,
    retry_failed,
)
from core.batches.start import NewFile, add_file, images_to_do, segment_images
from core.curation.images import change_pixel_sizes
from core.curation.model_use import jobs_using
from core.errors import AccessError, CristaeError, JobError, NotFoundError, PredictionError
from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import write_label_pyramid
from core.jobs.rows import Priority, job, jobs, request_cancel, retry
from core.jobs.transitions import claim, fail, interrupt, succeed
from core.label_scheme import DEFAULT_SCHEME
from core.settings import Access, Settings, load_settings
from core.store import ImageRecord, JobRecord, JobState, ProjectRecord, RevisionKind, Store
from core.web.people import PERSON_COOKIE
from core.web.routes import routes
from tests.jobs import submit
from tests.models import write_model

BATCH = "0123456789abcdef"
MODEL = "tiny"
PLAN = SegmentPlan(model_id=MODEL)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings for an empty data folder and model store."""
    return load_settings(data_dir=tmp_path / "data", models_dir=tmp_path / "models", min_free_bytes=0)


@pytest.fixture
def store(store: Store, settings: Settings) -> Store:
    """An empty store with a model of known scale; it is the process's."""
    write_model(settings.models_dir / MODEL)
    return store


@pytest.fixture
def project(store: Store) -> ProjectRecord:
    """An empty project."""
    return store.projects.create("Liver", DEFAULT_SCHEME)


def png(value: int, size_nm: float | None = None) -> bytes:
    """A small picture; no two values are the same image."""
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8) + value
    file = BytesIO()
    per_metre = None if size_nm is None else (1e7 / size_nm * 2.54, 1e7 / size_nm * 2.54)
    Picture.fromarray(pixels).save(file, "PNG", **({"dpi": per_metre} if per_metre else {}))
    return file.getvalue()


def tiff(folder: Path, name: str, pages: int = 1, nm: float | None = 8.0) -> Path:
    """A TIFF that says its pixel size, or does not."""
    pixels = np.arange(64 * pages, dtype=np.uint16).reshape(pages, 8, 8) + abs(hash(name)) % 1000
    options: dict[str, Any] = {}
    if nm is not None:
        options = {"resolution": (1e7 / nm, 1e7 / nm), "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(folder / name, pixels, photometric="minisblack", **options)
    return folder / name


def run_next(store: Store, kind: str = "ingest") -> JobRecord:
    """The oldest waiting job of a kind, run to its end."""
    row = next(row for row in reversed(jobs(states=[JobState.QUEUED], kinds=[kind], store=store)))
    claimed = claim(store, row, "here")
    assert claimed is not None
    runner.run_job(row.id, claimed.attempts)
    return job(row.id, store=store)


def predictions(store: Store) -> list[JobRecord]:
    """The predictions that were asked for, oldest first."""
    return list(reversed(jobs(kinds=["predict"], store=store)))


def drop(store: Store, project: ProjectRecord, path: Path, plan: SegmentPlan = PLAN, **more: Any) -> JobRecord:
    """One file of a batch."""
    values = {"files": 1, "by": "Ada", "batch_id": BATCH} | more
    batch_id = values.pop("batch_id")
    return add_file(store, batch_id, project.id, plan, NewFile(name=path.name, path=path), **values)


def client_of(store: Store, name: str = "Ada") -> TestClient:
    """A browser, as far as the routes can tell."""
    client = TestClient(Starlette(routes=routes(store.settings, store)))
    client.headers.update({"x-xsrftoken": "t", "cookie": f"_streamlit_xsrf=t; {PERSON_COOKIE}={name}"})
    return client


def dropped(project: ProjectRecord, files: int = 1, **plan: Any) -> str:
    """What the drop zone adds to the address of an upload."""
    return json.dumps({"batch": BATCH, "files": files, "project": project.id, "plan": {"model_id": MODEL, **plan}})


def test_dropped_files_are_segmented_after_the_tab_is_closed(store: Store, project: ProjectRecord) -> None:
    """The browser queued the predictions when it saw that a file was read: a closed tab never did."""
    client = client_of(store)
    for number in range(3):
        answer = client.put(
            "/api/uploads", params={"name": f"{number}.png", "drop": dropped(project, 3)}, content=png(number)
        )
        assert answer.status_code == 200
        assert answer.json()["batch_id"] == BATCH
    client.close()  # nobody looks from here on
    for _ in range(3):
        assert run_next(store).state is JobState.SUCCEEDED
    made = predictions(store)
    assert {row.params["image_id"] for row in made} == {image.id for image in store.images.all(project.id)}
    assert {(row.params["model_id"], row.batch_id, row.author) for row in made} == {(MODEL, BATCH, "Ada")}


@pytest.mark.parametrize(
    "asked",
    ["[]", "{", '{"batch": "x"}', '{"batch": "../x", "files": 1, "project": "p", "plan": {"model_id": "tiny"}}'],
)
def test_a_drop_that_cannot_be_understood_is_refused_and_leaves_no_file(store: Store, asked: str) -> None:
    answer = client_of(store).put("/api/uploads", params={"name": "a.png", "drop": asked}, content=png(0))
    assert answer.status_code == 400
    assert answer.json()["remedy"]
    assert list(store.settings.uploads_dir.iterdir()) == []
    assert jobs(store=store) == ()


def test_a_drop_into_a_project_without_a_role_is_refused(tmp_path: Path) -> None:
    """An annotator's files went into a project that they could not open."""
    settings = load_settings(
        data_dir=tmp_path / "d", models_dir=tmp_path / "m", access=Access.ROLES, admins="Root", min_free_bytes=0
    )
    store = Store(settings)
    write_model(settings.models_dir / MODEL)
    own, other = (store.projects.create(name, DEFAULT_SCHEME) for name in ("own", "other"))
    set_member(store, own.id, "Ada", Role.ANNOTATOR, by="Root")
    with client_of(store) as client:
        refused = client.put("/api/uploads", params={"name": "a.png", "drop": dropped(other)}, content=png(0))
        assert refused.status_code == 403
        assert list(settings.uploads_dir.iterdir()) == []
        taken = client.put("/api/uploads", params={"name": "a.png", "drop": dropped(own)}, content=png(0))
        assert taken.status_code == 200
    assert [row.params["project_id"] for row in jobs(store=store)] == [own.id]
    store.close()


def test_prediction_and_success_are_one_transaction(
    store: Store, project: ProjectRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine that is killed while it queues what follows leaves neither; the next attempt makes each once."""
    row = drop(store, project, tiff(tmp_path, "a.tif"))
    first = claim(store, row, "here")
    assert first is not None
    real = followers.queue_predictions

    def killed(*args: Any, **options: Any) -> Any:
        real(*args, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(followers, "queue_predictions", killed)
    with pytest.raises(KeyboardInterrupt):
        runner.run_job(row.id, 1)
    assert job(row.id, store=store).state is JobState.RUNNING
    assert predictions(store) == []
    monkeypatch.setattr(followers, "queue_predictions", real)
    assert interrupt(store, row.id, 1, "the engine was killed", restartable=True) is JobState.QUEUED
    assert run_next(store).state is JobState.SUCCEEDED
    assert len(predictions(store)) == 1
    assert not succeed(store, row.id, 1, {"image_ids": []})  # a late word of the first attempt
    assert len(predictions(store)) == 1


def test_cancelling_the_import_cancels_what_follows(store: Store, project: ProjectRecord, tmp_path: Path) -> None:
    waiting = drop(store, project, tiff(tmp_path, "a.tif"), files=2)
    running = drop(store, project, tiff(tmp_path, "b.tif"), files=2)
    request_cancel(waiting.id, store=store)
    assert claim(store, running, "here")
    request_cancel(running.id, store=store)
    image = store.images.add(project.id, Image(np.ones((4, 4), np.uint8)))
    assert succeed(store, running.id, 1, {"image_ids": [image.id]})  # the request came when it was all but done
    assert predictions(store) == []


def test_a_failed_import_that_is_retried_is_segmented(store: Store, project: ProjectRecord, tmp_path: Path) -> None:
    row = drop(store, project, tiff(tmp_path, "a.tif"))
    assert claim(store, row, "here")
    assert fail(store, row.id, CristaeError("The disk is full.", "Free space."))
    retry(row.id, store=store)
    run_next(store)
    assert len(predictions(store)) == 1


def test_an_unknown_pixel_size_holds_the_prediction_until_it_is_entered(
    store: Store, project: ProjectRecord, tmp_path: Path
) -> None:
    drop(store, project, tiff(tmp_path, "s.tif", pages=2, nm=None))
    run_next(store)
    first, second = predictions(store)
    assert {first.state, second.state} == {JobState.HELD}
    assert "pixel size" in first.message
    assert followers.release_answered(store) == 0
    progress = batch_progress(store, BATCH)
    assert (len(progress.held), progress.over, progress.under_way) == (2, False, False)
    assert first in jobs_using(store, MODEL) or first.id in {row.id for row in jobs_using(store, MODEL)}
    change_pixel_sizes(store, [first.params["image_id"]], 8.0, by="Ada")  # one plane answers for the stack
    assert [row.state for row in predictions(store)] == [JobState.QUEUED] * 2


def test_a_prediction_that_the_engine_lets_go_at_once_is_not_cancelled_by_its_own_answer(
    store: Store, project: ProjectRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of thirty was: the engine was quicker than what came after the new size."""
    drop(store, project, tiff(tmp_path, "a.tif", nm=None))
    run_next(store)
    real = curation.change_image

    def with_a_quick_engine(*args: Any, **options: Any) -> ImageRecord:
        changed = real(*args, **options)
        assert followers.release_answered(store) == 1
        return changed

    monkeypatch.setattr(curation, "change_image", with_a_quick_engine)
    (held,) = predictions(store)
    change_pixel_sizes(store, [held.params["image_id"]], 8.0, by="Ada")
    assert job(held.id, store=store).state is JobState.QUEUED


def test_the_engine_sees_an_answer_wherever_it_was_given(store: Store, project: ProjectRecord, tmp_path: Path) -> None:
    for name in ("a.tif", "b.tif"):
        drop(store, project, tiff(tmp_path, name, nm=None), files=2)
        run_next(store)
    kept, gone = predictions(store)
    store.images.update(kept.params["image_id"], pixel_size=PixelSize.from_user(5.0))  # as the table of images does
    store.images.delete(gone.params["image_id"])
    assert followers.release_answered(store) == 2
    assert [row.state for row in predictions(store)] == [JobState.QUEUED, JobState.CANCELLED]


def test_held_predictions_can_be_let_go_or_cancelled_but_not_retried(
    store: Store, project: ProjectRecord, tmp_path: Path
) -> None:
    drop(store, project, tiff(tmp_path, "a.tif", nm=None))
    run_next(store)
    (held,) = predictions(store)
    with pytest.raises(JobError, match="held"):
        retry(held.id, store=store)
    assert answer_assume(store, BATCH, by="Ada") == 1
    assert job(held.id, store=store).state is JobState.QUEUED
    assert answer_assume(store, BATCH, by="Ada") == 0


@pytest.mark.parametrize(
    ("plan", "size_nm", "state"),
    [
        (SegmentPlan(model_id=MODEL, unknown_size=UnknownSize.ASSUME), None, JobState.QUEUED),
        (SegmentPlan(model_id=MODEL, assumed_nm=6.0), 6.0, JobState.QUEUED),
        (PLAN, None, JobState.HELD),
    ],
    ids=["as-the-model", "given-for-all", "ask"],
)
def test_what_happens_to_an_unknown_pixel_size_is_said_before(
    store: Store, project: ProjectRecord, tmp_path: Path, plan: SegmentPlan, size_nm: float | None, state: JobState
) -> None:
    drop(store, project, tiff(tmp_path, "a.tif", nm=None), plan)
    run_next(store)
    assert [image.pixel_size.nm for image in store.images.all(project.id)] == [size_nm]
    assert [row.state for row in predictions(store)] == [state]


def test_a_file_that_says_its_pixel_size_keeps_it(store: Store, project: ProjectRecord, tmp_path: Path) -> None:
    drop(store, project, tiff(tmp_path, "a.tif", nm=4.0), SegmentPlan(model_id=MODEL, assumed_nm=6.0))
    run_next(store)
    assert [image.pixel_size.nm for image in store.images.all(project.id)] == [pytest.approx(4.0)]


def predicted(store: Store, image: ImageRecord) -> None:
    """The model has segmented the image as it is."""
    revision = store.revisions.begin(image.id, RevisionKind.PREDICTION, model_id=MODEL)
    write_label_pyramid(
        store.revisions.pyramid_path(revision.id),
        np.zeros(image.shape_yx, np.uint8),
        pixel_size_nm=image.pixel_size.nm,
    )
    store.revisions.complete(revision.id, summary={"pixel_size_nm": image.pixel_size.nm, "seconds": 3.0})


def test_an_image_that_was_segmented_before_is_left_alone_and_counted(
    store: Store, project: ProjectRecord, tmp_path: Path
) -> None:
    path = tiff(tmp_path, "a.tif")
    drop(store, project, path)
    run_next(store)
    (first,) = predictions(store)
    drop(store, project, path, batch_id="f" * 16)  # while it is being segmented
    run_next(store)
    assert predictions(store) == [first]
    assert claim(store, first, "here")
    assert succeed(store, first.id, 1, {})
    predicted(store, store.images.get(first.params["image_id"]))
    drop(store, project, path, batch_id="e" * 16)
    run_next(store)
    assert len(predictions(store)) == 1
    progress = batch_progress(store, "e" * 16)
    assert (progress.images, progress.segmented, progress.over) == (1, 1, True)


def test_a_pixel_size_that_a_file_brings_stops_the_old_prediction(
    store: Store, project: ProjectRecord, tmp_path: Path
) -> None:
    unknown = tiff(tmp_path, "a.tif", nm=None)
    drop(store, project, unknown, SegmentPlan(model_id=MODEL, unknown_size=UnknownSize.ASSUME))
    run_next(store)
    known = tmp_path / "b.tif"
    tifffile.imwrite(
        known, tifffile.imread(unknown), photometric="minisblack", resolution=(1e7 / 8, 1e7 / 8), resolutionunit=3
    )
    drop(store, project, known, batch_id="f" * 16)
    run_next(store)
    old, new = predictions(store)
    assert (old.state, new.state) == (JobState.CANCELLED, JobState.QUEUED)


def test_a_batch_counts_files_images_failures_and_what_is_left(
    store: Store, project: ProjectRecord, tmp_path: Path
) -> None:
    for name in ("a.tif", "b.tif", "c.tif"):
        drop(store, project, tiff(tmp_path, name), files=4)
    begun = batch_progress(store, BATCH)
    assert (begun.files, begun.read, begun.images, begun.fraction, begun.under_way) == (4, 0, 4, 0.0, True)
    bad = tmp_path / "d.tif"
    bad.write_bytes(b"nothing")
    drop(store, project, bad, files=4)
    for _ in range(4):
        run_next(store)
    first, second, _ = predictions(store)
    assert claim(store, first, "here")
    assert succeed(store, first.id, 1, {})
    assert claim(store, second, "here")
    assert fail(store, second.id, CristaeError("No.", "Yes."))
    progress = batch_progress(store, BATCH)
    assert (progress.files, progress.read, progress.images, progress.segmented) == (4, 3, 4, 1)
    assert [row.params.get("name") for row in progress.failed] == ["d.tif", None]
    assert progress.fraction == pytest.approx(3 / 4)
    assert progress.left_s is not None
    assert retry_failed(store, BATCH, by="Ada") == 2
    assert batch_progress(store, BATCH).failed == ()


def test_files_that_never_arrived_are_named_once_they_are_late(
    store: Store, project: ProjectRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(store, project, tiff(tmp_path, "a.tif"), files=3)
    run_next(store)
    (row,) = predictions(store)
    assert claim(store, row, "here")
    assert succeed(store, row.id, 1, {})
    assert (batch_progress(store, BATCH).missing, batch_progress(store, BATCH).under_way) == (0, True)
    monkeypatch.setattr("core.batches.rows.LATE_S", -1.0)
    late = batch_progress(store, BATCH)
    assert (late.missing, late.over, late.images, late.fraction) == (2, True, 1, 1.0)


def test_a_cancelled_batch_takes_no_more_files(store: Store, project: ProjectRecord, tmp_path: Path) -> None:
    drop(store, project, tiff(tmp_path, "a.tif"), files=3)
    drop(store, project, tiff(tmp_path, "b.tif", nm=None), files=3)
    run_next(store)
    assert cancel_batch(store, BATCH, by="Ada") == 2
    assert {row.state for row in jobs(store=store)} == {JobState.CANCELLED, JobState.SUCCEEDED}
    with pytest.raises(JobError, match="cancelled"):
        drop(store, project, tiff(tmp_path, "c.tif"), files=3)
    assert batch_progress(store, BATCH).over


def test_a_batch_is_its_authors_until_they_close_it(store: Store, project: ProjectRecord, tmp_path: Path) -> None:
    drop(store, project, tiff(tmp_path, "a.tif"))
    with pytest.raises(NotFoundError):
        drop(store, project, tiff(tmp_path, "b.tif"), by="Eve")
    assert [row.id for row in open_batches(store, "  ada ")] == [BATCH]
    assert open_batches(store, "Eve") == ()
    dismiss_batch(store, BATCH, by="Ada")
    assert open_batches(store, "Ada") == ()


def test_the_line_of_a_batch_goes_with_its_project(store: Store, project: ProjectRecord, tmp_path: Path) -> None:
    drop(store, project, tiff(tmp_path, "a.tif"))
    assert [row.id for row in open_batches(store, "Ada")] == [BATCH]
    store.projects.delete(project.id)
    assert open_batches(store, "Ada") == ()


def test_chosen_images_are_one_batch(store: Store, project: ProjectRecord) -> None:
    images = [
        store.images.add(project.id, Image(np.full((4, 4), value, np.uint8), PixelSize.from_user(8.0)))
        for value in range(3)
    ]
    predicted(store, images[1])
    ids = [image.id for image in images]
    assert images_to_do(store, [*ids, "gone"], MODEL).done == (ids[1],)
    asked = segment_images(store, ids, PLAN, by="Ada")
    assert [row.params["image_id"] for row in predictions(store)] == [ids[0], ids[2]]
    assert {row.priority for row in predictions(store)} == {Priority.BATCH}
    progress = batch_progress(store, asked.id)
    assert (progress.images, progress.segmented) == (3, 1)
    assert progress.left_s == pytest.approx(6.0)  # two images of the size that took 3 s
    segment_images(store, ids, SegmentPlan(model_id=MODEL, again=True), by="Ada")
    assert [row.params["image_id"] for row in predictions(store)][2:] == [ids[1]]  # the others are under way


def test_images_of_a_project_without_a_role_are_not_segmented(tmp_path: Path) -> None:
    settings = load_settings(
        data_dir=tmp_path / "d", models_dir=tmp_path / "m", access=Access.ROLES, admins="Root", min_free_bytes=0
    )
    store = Store(settings)
    write_model(settings.models_dir / MODEL)
    own, other = (store.projects.create(name, DEFAULT_SCHEME) for name in ("own", "other"))
    set_member(store, own.id, "Ada", Role.ANNOTATOR, by="Root")
    set_member(store, other.id, "Ada", Role.VIEWER, by="Root")
    ids = [store.images.add(each.id, Image(np.ones((4, 4), np.uint8))).id for each in (own, other)]
    with pytest.raises(AccessError, match="viewer"):
        segment_images(store, ids, PLAN, by="Ada")
    assert jobs(store=store) == ()
    store.close()


def test_a_batch_is_stopped_and_closed_only_by_who_may(tmp_path: Path) -> None:
    """Cancelling marked the batch before anybody was asked, and closing asked nobody."""
    settings = load_settings(
        data_dir=tmp_path / "d", models_dir=tmp_path / "m", access=Access.ROLES, admins="Root", min_free_bytes=0
    )
    store = Store(settings)
    write_model(settings.models_dir / MODEL)
    own = store.projects.create("own", DEFAULT_SCHEME)
    for name, role in (("Ada", Role.ANNOTATOR), ("Bo", Role.ANNOTATOR), ("Rita", Role.REVIEWER)):
        set_member(store, own.id, name, role, by="Root")
    add_file(store, BATCH, own.id, PLAN, NewFile(name="a", path=tmp_path / "a"), files=1, by="Ada")
    for person in ("", "Stranger", "Bo"):
        with pytest.raises(AccessError):
            cancel_batch(store, BATCH, by=person)
        with pytest.raises(NotFoundError):
            dismiss_batch(store, BATCH, by=person)
    assert [row.cancelled_at for row in open_batches(store, "Ada")] == [None]
    set_member(store, own.id, "Ada", None, by="Root")
    assert open_batches(store, "Ada") == ()  # its line names the project and its images
    with pytest.raises(AccessError):
        cancel_batch(store, BATCH, by="Ada")
    assert cancel_batch(store, BATCH, by="Rita") == 1
    store.close()


def test_an_unusable_plan_fails_before_the_file_is_read(store: Store, project: ProjectRecord, tmp_path: Path) -> None:
    for values in ({"model_id": ""}, {"model_id": MODEL, "step": 7}, {"model_id": MODEL, "unknown_size": "guess"}, {}):
        with pytest.raises(PredictionError):
            SegmentPlan.from_json(values)
    params = {"path": str(tiff(tmp_path, "a.tif")), "project_id": project.id, "then": {"model_id": "", "step": 1}}
    submit("ingest", params, store=store)
    assert run_next(store).state is JobState.FAILED
    assert store.images.all() == ()
    with pytest.raises(CristaeError, match="nowhere"):
        drop(store, project, tmp_path / "a.tif", SegmentPlan(model_id="nowhere"))


def test_a_plan_survives_the_database() -> None:
    plan = SegmentPlan(model_id=MODEL, class_map={"a": "ER", "b": None}, step=0.75, mirroring=True, assumed_nm=4.0)
    assert SegmentPlan.from_json(json.loads(json.dumps(plan.to_json()))) == plan
    assert plan.prediction("i").to_json() == {
        "image_id": "i", "model_id": MODEL, "step": 0.75, "mirroring": True, "class_map": {"a": "ER", "b": None},
    }  # fmt: skip
