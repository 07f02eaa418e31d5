"""Exports as jobs: made by the engine, kept for a day, given to those who may see what is in them."""

from __future__ import annotations

import io
import os
import time
import zipfile
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

import core.engine.runner as runner
from core.engine.leftovers import sweep_leftovers
from core.errors import AccessError, JobError, NotFoundError
from core.exports.heavy import heavy_label_map
from core.exports.kept import export_folder, exports_dir, is_kept, kept_file
from core.exports.request import COUNTS, Form
from core.exports.start import MOST_PER_PERSON, start_export, start_file
from core.jobs.rows import job, log_tail, request_cancel
from core.jobs.transitions import claim
from core.review.double_annotation import ask_to_annotate
from core.store.records import JobRecord, JobState, RevisionKind
from core.store.store import Store
from core.web.people import PERSON_COOKIE
from core.web.routes import routes
from tests.core.exports.conftest import Tissue
from tests.models import write_model


def ran(store: Store, row: JobRecord) -> JobRecord:
    """Its attempt, run to its end in this process."""
    assert claim(store, row, "here")
    runner.run_job(row.id, 1)
    return job(row.id, store=store)


def got(store: Store, row: JobRecord, person: str = "Ada") -> Any:
    client = TestClient(Starlette(routes=routes(store.settings, store)))
    return client.get(f"/api/exports/{row.id}", headers={"Cookie": f"{PERSON_COOKIE}={person}"})


def test_a_package_is_made_kept_and_given_out(tissue: Tissue) -> None:
    row = ran(tissue.store, start_export(tissue.store, tissue.request(title="My: liver"), by="Ada"))
    assert (row.state, row.error_cause) == (JobState.SUCCEEDED, "")
    assert row.result["images"] == 4
    assert "skipped: vol z1: It has no label map." in log_tail(row.id, store=tissue.store)
    answer = got(tissue.store, row)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    assert row.result["file"] in answer.headers["content-disposition"]
    assert row.result["file"].startswith("My_liver_")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == row.result["files"]
    assert got(tissue.store, row).status_code == 200  # as often as one likes
    assert [path.name for path in export_folder(tissue.store.settings, row.id).iterdir()] == [row.result["file"]]


def test_a_cancelled_export_leaves_nothing(tissue: Tissue, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.exports import package

    asked = start_export(tissue.store, tissue.request(), by="Ada")

    def cancelling(*arguments: object, **options: object) -> Any:
        request_cancel(asked.id, store=tissue.store)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            options["progress"](0.5, "")  # type: ignore[operator]
            time.sleep(0.02)

    monkeypatch.setattr("core.engine.tasks.export.write_package", cancelling)
    assert package is not None
    row = ran(tissue.store, asked)
    assert row.state is JobState.CANCELLED
    assert not export_folder(tissue.store.settings, row.id).exists()
    assert got(tissue.store, row).status_code == 404


def test_heavy_files_of_a_label_map_an_evaluation_and_a_model_become_jobs(tissue: Tissue) -> None:
    revision = tissue.revisions["Liver 1.tif"]
    row = ran(
        tissue.store, start_file(tissue.store, "revision", revision.id, "overlay.png", {"max_px": "16384"}, by="Ada")
    )
    assert row.state is JobState.SUCCEEDED, row.error_cause
    assert got(tissue.store, row).content.startswith(b"\x89PNG")
    assert "Liver_1_overlay.png" in got(tissue.store, row).headers["content-disposition"]
    write_model(tissue.store.settings.models_dir / "tiny")
    row = ran(tissue.store, start_file(tissue.store, "model", "tiny", "bundle", {}, by="Ada"))
    assert row.state is JobState.SUCCEEDED, row.error_cause
    assert zipfile.is_zipfile(io.BytesIO(got(tissue.store, row).content))
    assert list((tissue.store.settings.data_dir / "tmp").iterdir()) == []


def test_an_export_is_refused_over_http_where_it_is_heavy(tissue: Tissue, monkeypatch: pytest.MonkeyPatch) -> None:
    client = TestClient(Starlette(routes=routes(tissue.store.settings, tissue.store)))
    address = f"/api/revisions/{tissue.revisions['Liver 1.tif'].id}/download"
    assert client.get(f"{address}/ome-zarr.zip").status_code == 200
    monkeypatch.setattr("core.exports.heavy.LARGE_IMAGE_PX", 10)
    answer = client.get(f"{address}/ome-zarr.zip")
    assert (answer.status_code, answer.json()["remedy"]) == (
        409, "Use Prepare on the Segment page, which runs as a job.",
    )  # fmt: skip
    assert client.get(f"{address}/coverage.csv").status_code == 200
    assert client.get(f"{address}/overlay.png").status_code == 200


@pytest.mark.parametrize(
    ("shape", "what", "options", "heavy"),
    [
        ((8000, 8000), "labels.tif", {}, False),
        ((8001, 8000), "labels.tif", {}, True),
        ((40_000, 40_000), "coverage.csv", {}, False),
        ((40_000, 40_000), "overlay.png", {}, False),
        ((40_000, 40_000), "overlay.png", {"max_px": "16384"}, True),
        ((40_000, 100), "overlay.png", {"max_px": "16384"}, False),
    ],
)
def test_what_is_heavy(tissue: Tissue, shape: tuple[int, int], what: str, options: dict[str, str], heavy: bool) -> None:
    from dataclasses import replace

    image = replace(tissue.images["CON"], shape_yx=shape)
    assert heavy_label_map(image, what, options) is heavy


def test_what_was_made_for_others_stays_hidden_from_who_annotates_blind(tissue: Tissue) -> None:
    store, image = tissue.store, tissue.images["vol z2"]
    ask_to_annotate(store, image.id, ["Ada", "Eve"], by="Rex")
    correction = tissue.approve("vol z2", 60, author="Eve")
    whole = ran(store, start_export(store, tissue.request("vol z2", labels=COUNTS), by="Rex"))
    one = ran(store, start_file(store, "revision", correction.id, "labels.tif", {}, by="Rex"))
    for row in (whole, one):
        assert got(store, row, "Rex").status_code == 200
        refused = got(store, row, "Ada")
        assert (refused.status_code, "independently" in refused.json()["cause"]) == (403, True)
    with pytest.raises(AccessError):
        start_file(store, "revision", correction.id, "labels.tif", {}, by="Ada")


def test_files_go_after_a_day_and_unfinished_ones_stay(tissue: Tissue) -> None:
    store, settings = tissue.store, tissue.store.settings
    done = ran(store, start_export(store, tissue.request("CON"), by="Ada"))
    waiting = start_export(store, tissue.request("Liver 1.tif"), by="Ada")
    export_folder(settings, waiting.id).mkdir()
    stranger = exports_dir(settings) / ("f" * 16)
    stranger.mkdir()
    assert sweep_leftovers(store) == 0
    old = time.time() - settings.export_hours * 3600 - 60
    for folder in exports_dir(settings).iterdir():
        os.utime(folder, (old, old))
    assert is_kept(store, done)
    assert sweep_leftovers(store) == 2
    assert [path.name for path in exports_dir(settings).iterdir()] == [waiting.id]
    assert not is_kept(store, done)
    answer = got(store, done)
    assert (answer.status_code, "kept for 24 hours" in answer.json()["cause"]) == (404, True)


def test_the_same_export_is_not_queued_twice_and_one_person_takes_few_places(tissue: Tissue) -> None:
    first = start_export(tissue.store, tissue.request("CON"), by="Ada")
    assert start_export(tissue.store, tissue.request("CON"), by="Ada").id == first.id
    for form in (Form.DATASET, Form.NNUNET):
        start_export(tissue.store, tissue.request("CON", form=form), by="ada")
    names = iter(tissue.images)
    with pytest.raises(JobError, match=f"{MOST_PER_PERSON} exports of yours"):
        for _ in range(MOST_PER_PERSON):
            start_export(tissue.store, tissue.request(next(names), form=Form.DATASET), by="Ada")
    assert start_export(tissue.store, tissue.request("CON"), by="Eve").author == "Eve"


def test_an_export_of_what_is_gone_says_so(tissue: Tissue) -> None:
    store = tissue.store
    row = start_export(store, tissue.request("CON"), by="Ada")
    store.images.delete(tissue.images["CON"].id)
    ended = ran(store, row)
    assert (ended.state, ended.error_cause) == (
        JobState.FAILED, "No files could be exported. The images have been deleted.",
    )  # fmt: skip
    assert not export_folder(store.settings, row.id).exists()
    with pytest.raises(NotFoundError):
        start_file(store, "revision", tissue.revisions["CON"].id, "labels.tif", {}, by="Ada")
    with pytest.raises(NotFoundError):
        kept_file(store, ended)


def test_a_result_never_leads_out_of_its_folder(tissue: Tissue, monkeypatch: pytest.MonkeyPatch) -> None:
    row = ran(tissue.store, start_export(tissue.store, tissue.request("CON"), by="Ada"))
    from dataclasses import replace

    for name in ("../../cristae.sqlite3", "/etc/passwd", ".."):
        with pytest.raises(NotFoundError):
            kept_file(tissue.store, replace(row, result={**row.result, "file": name}))
    assert tissue.label("CON", RevisionKind.PREDICTION, 3, model="m") is not None
