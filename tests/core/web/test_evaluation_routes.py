"""Files of an evaluation over HTTP: what arrives, under which name, and what is said where there is nothing."""

from __future__ import annotations

import csv
import io
import zipfile

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

import core.engine.runner as runner
from core.evaluations.start import EvaluationPlan, start_evaluation
from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import write_label_pyramid
from core.jobs.rows import job
from core.jobs.transitions import claim
from core.label_scheme import LabelScheme
from core.store import ImageRecord, ProjectRecord, RevisionKind, Split, Store
from core.web.routes import routes

LABELS = [[1, 1, 0, 0], [0, 0, 2, 2]]
WRONG = [[1, 0, 0, 0], [0, 0, 2, 2]]
SCHEME = LabelScheme.from_names({"mitochondria": 1, "nucleus": 2})


@pytest.fixture
def client(store: Store) -> TestClient:
    return TestClient(Starlette(routes=routes(store.settings, store)))


@pytest.fixture
def project(store: Store) -> ProjectRecord:
    return store.projects.create("cells", SCHEME)


def add_image(store: Store, project: ProjectRecord, name: str) -> ImageRecord:
    """With reference labels; its pixels are its own."""
    pixels = np.full((2, 4), len(store.images.all()), np.uint8)
    image = store.images.add(project.id, Image(pixels, PixelSize.from_user(8.0), name), split=Split.TEST)
    add_labels(store, image, LABELS, RevisionKind.REFERENCE)
    return image


def add_labels(store: Store, image: ImageRecord, labels: list[list[int]], kind: RevisionKind) -> str:
    revision = store.revisions.begin(image.id, kind)
    write_label_pyramid(store.revisions.pyramid_path(revision.id), np.array(labels, np.uint8), pixel_size_nm=8.0)
    store.revisions.complete(revision.id)
    return revision.id


def evaluate(store: Store, image: ImageRecord, labels: list[list[int]], name: str, *, run: bool = True) -> str:
    """Id of an evaluation of one image."""
    predictions = {image.id: add_labels(store, image, labels, RevisionKind.PREDICTION)}
    plan = EvaluationPlan(image.project_id, image_ids=(image.id,), predictions=predictions, name=name)
    asked = start_evaluation(store, plan)
    if run:
        assert claim(store, asked, "here")
        runner.run_job(asked.id, job(asked.id, store=store).attempts)
    return str(asked.params["evaluation_id"])


@pytest.mark.parametrize(
    ("what", "media_type"),
    [
        ("report.html", "text/html; charset=utf-8"),
        ("metrics.csv", "text/csv; charset=utf-8"),
        ("bundle.zip", "application/zip"),
    ],
)
def test_a_file_arrives_under_a_safe_name(
    store: Store, client: TestClient, project: ProjectRecord, what: str, media_type: str
) -> None:
    row_id = evaluate(store, add_image(store, project, "a"), WRONG, '../x"\r\n<é>')
    answer = client.get(f"/api/evaluations/{row_id}/download/{what}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == media_type
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith("attachment; filename*=UTF-8''")
    name = disposition.rsplit("'", 1)[1]
    assert name == f"x_%C3%A9_{row_id[:8]}_{what}"
    assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == ("no-store", "nosniff")
    assert list((store.settings.data_dir / "tmp").glob("*")) == []


def test_what_arrives_can_be_read(store: Store, client: TestClient, project: ProjectRecord) -> None:
    row_id = evaluate(store, add_image(store, project, "a"), WRONG, "first")
    table = csv.DictReader(io.StringIO(client.get(f"/api/evaluations/{row_id}/download/metrics.csv").text))
    values = {(row["image"], row["class"]): row["value"] for row in table if row["metric"] == "iou"}
    assert values == {("a", "mitochondria"): "0.5", ("a", "nucleus"): "1.0"}
    with zipfile.ZipFile(io.BytesIO(client.get(f"/api/evaluations/{row_id}/download/bundle.zip").content)) as archive:
        assert archive.testzip() is None


def test_a_comparison_comes_along_where_asked_for(store: Store, client: TestClient, project: ProjectRecord) -> None:
    image = add_image(store, project, "a")
    before, after = evaluate(store, image, WRONG, "first"), evaluate(store, image, LABELS, "second")
    answer = client.get(f"/api/evaluations/{after}/download/bundle.zip", params={"compare": before})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert f"evaluation-{after}/comparison.csv" in archive.namelist()


def test_what_is_not_there_is_said(store: Store, client: TestClient, project: ProjectRecord) -> None:
    row_id = evaluate(store, add_image(store, project, "a"), WRONG, "first")
    for address in (
        "gone/download/metrics.csv",
        f"{row_id}/download/metrics.pdf",
        f"{row_id}/download/metrics.csv?compare=gone",
        "..%2Fup/download/metrics.csv",
    ):
        answer = client.get(f"/api/evaluations/{address}")
        assert answer.status_code == 404, address
        if answer.headers["content-type"] == "application/json":
            assert answer.json()["cause"], address


def test_nothing_scored_yet_is_a_conflict(store: Store, client: TestClient, project: ProjectRecord) -> None:
    image = add_image(store, project, "a")
    waiting, done = evaluate(store, image, WRONG, "waiting", run=False), evaluate(store, image, WRONG, "done")
    for address in (f"{waiting}/download/report.html", f"{done}/download/report.html?compare={waiting}"):
        answer = client.get(f"/api/evaluations/{address}")
        assert answer.status_code == 409
        assert answer.json()["cause"] == "The evaluation waiting has no scored images yet."


def test_what_cannot_be_compared_is_a_conflict(store: Store, client: TestClient, project: ProjectRecord) -> None:
    one = evaluate(store, add_image(store, project, "a"), WRONG, "one")
    other = evaluate(store, add_image(store, project, "b"), WRONG, "other")
    elsewhere = store.projects.create("elsewhere", SCHEME)
    foreign = evaluate(store, add_image(store, elsewhere, "a"), WRONG, "foreign")
    for compared, cause in ((other, "no images in common"), (foreign, "another project"), (one, "with itself")):
        answer = client.get(f"/api/evaluations/{one}/download/metrics.csv", params={"compare": compared})
        assert answer.status_code == 409
        assert cause in answer.json()["cause"]
        assert answer.json()["remedy"]
