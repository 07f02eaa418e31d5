"""What jobs are about: parameters of each kind, and finding a job among many by project, image and model."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from core.curation.model_use import jobs_using
from core.engine.leftovers import sweep_leftovers
from core.errors import JobError
from core.imaging.image import Image
from core.jobs.history import finished_jobs, subjects
from core.jobs.kinds import (
    OWN,
    TASKS,
    ImportCasesParams,
    JobKind,
    PredictParams,
    TrainParams,
    TransferParams,
    params_of,
    subjects_of,
)
from core.jobs.rows import active_jobs, job, jobs, new_job
from core.jobs.rows import submit as put
from core.jobs.transitions import claim, fail
from core.label_scheme import DEFAULT_SCHEME
from core.store import Store
from core.store.import_batch import find_batch
from tests.core.engine.test_leftovers import batch
from tests.jobs import params, submit

PLAIN: dict[str, Any] = {
    "str": "x", "bool": True, "float": 2.5, "int": 3, "tuple[int": [1], "tuple[float": [1.5], "tuple[str": ["x"],
    "tuple[Mapping": [{"a": 1}], "Mapping": {"a": "b"}, "Preset": "standard", "Split": "test", "SeparationWay": "rims",
}  # fmt: skip


def full(kind: str) -> dict[str, Any]:
    """A value for every field of a kind's parameters."""
    return {
        field.name: next(value for name, value in PLAIN.items() if str(field.type).startswith(name))
        for field in fields(TASKS[kind].params)
    }


def others(store: Store, count: int = 300) -> None:
    """Newer jobs of every kind in the projects of other people."""
    store.jobs.add(
        new_job(params(kind, {"name": "theirs", "project_id": "f" * 32, "image_id": "e" * 32, "target_id": "d" * 32}))
        for kind in (OWN[number % len(OWN)] for number in range(count))
    )


@pytest.mark.parametrize("kind", OWN)
def test_parameters_come_back_as_they_went(kind: str) -> None:
    given = params_of(kind, full(kind))
    assert given.to_json() == full(kind)
    assert type(given).from_json(given.to_json()) == given
    assert type(given).from_json({**given.to_json(), "of an earlier version": 1}) == given


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"model_id": "m"}, "image_id"),
        ({"image_id": None, "model_id": "m"}, "image_id"),
        ({"image_id": "i", "model_id": "m", "step": "fine"}, "'fine'"),
        ({"image_id": "i", "model_id": "m", "class_map": ["a"]}, "class_map"),
    ],
    ids=["missing", "none", "no number", "no mapping"],
)
def test_parameters_that_cannot_be_used_say_which(values: dict[str, Any], word: str) -> None:
    with pytest.raises(JobError, match=word):
        PredictParams.from_json(values)
    with pytest.raises(JobError, match="pages is 'all'"):
        params_of(JobKind.INGEST, {"project_id": "p", "pages": "all"})
    with pytest.raises(JobError, match="no job kind"):
        params_of("of tomorrow", {})


def test_what_is_missing_in_old_rows_takes_its_default() -> None:
    old = PredictParams.from_json({"image_id": "i", "model_id": "m", "pixel_size_nm": None})
    assert (old.step, old.mirroring, old.pixel_size_nm, old.class_map) == (0.5, False, None, None)


def test_my_failed_import_is_found_among_many_newer_jobs_of_others(store: Store) -> None:
    """Pages looked through the newest 5 to 200 jobs of everybody."""
    project = store.projects.create("Nerve", DEFAULT_SCHEME)
    waiting = batch(store.settings)
    cases = ({"image_path": str(find_batch(store.settings, waiting).path / "images" / "a.tif")},)
    asked = put(ImportCasesParams(project_id=project.id, cases=cases, batch_id=waiting), author="Ada", store=store)
    claim(store, asked, "here")
    fail(store, asked.id, JobError("The disk is full.", "Free some."), attempt=1)
    others(store)
    assert [row.id for row in jobs(kinds=[JobKind.IMPORT_CASES], project_id=project.id, limit=1, store=store)] == [
        asked.id
    ]
    sweep_leftovers(store)
    assert find_batch(store.settings, waiting).path.is_dir()
    assert subjects(store, [job(asked.id, store=store)]) == {asked.id: "Nerve"}


def test_a_job_of_an_image_goes_with_it_to_another_project(store: Store) -> None:
    here, there = (store.projects.create(name, DEFAULT_SCHEME) for name in ("here", "there"))
    image = store.images.add(here.id, Image(np.zeros((4, 4), np.uint8), name="a.tif"))
    asked = put(PredictParams(image_id=image.id, model_id="m"), store=store)
    others(store, 30)

    def found(project_id: str) -> list[str]:
        return [row.id for row in active_jobs(project_id=project_id, store=store)]

    assert (found(here.id), found(there.id)) == ([asked.id], [])
    moved = put(TransferParams(project_id=here.id, target_id=there.id, image_ids=(image.id,), mode="copy"), store=store)
    assert [row.id for row in active_jobs(project_id=there.id, into=True, store=store)] == [moved.id]
    assert [row.id for row in jobs(image_id=image.id, model_id="m", store=store)] == [asked.id]
    assert jobs(image_id=image.id, model_id="other", store=store) == ()


def test_every_model_of_a_job_is_kept(store: Store) -> None:
    training = submit("train", {"model_id": "new", "parent_id": "old"}, store=store)
    reading = submit("ingest", {"then": {"model_id": "old"}}, store=store)
    assert {row.id for row in jobs_using(store, "old")} == {training.id, reading.id}
    assert [row.id for row in jobs_using(store, "new")] == [training.id]
    assert jobs_using(store, "") == ()


def test_jobs_are_found_by_title_model_and_image(store: Store) -> None:
    project = store.projects.create("Nerve", DEFAULT_SCHEME)
    image = store.images.add(project.id, Image(np.zeros((4, 4), np.uint8), name="axon.tif"))
    ids = {
        "axon": put(PredictParams(image_id=image.id, model_id="ganglion"), store=store).id,
        "Schwann": submit("train", {"name": "Schwann"}, store=store).id,
        "/lab/cell.zip": submit("import_model", {"path": "/lab/cell.zip"}, store=store).id,
    }
    for job_id in ids.values():
        fail(store, job_id, JobError("No.", "Again."))
    for text, job_id in {**ids, "gangl": ids["axon"]}.items():
        assert [row.id for row in finished_jobs(store, text=text).jobs] == [job_id], text
    rows = [job(job_id, store=store) for job_id in ids.values()]
    assert list(subjects(store, rows).values()) == ["axon.tif", "Schwann", "/lab/cell.zip"]


def test_a_row_that_nobody_understands_still_says_where_it_belongs(store: Store) -> None:
    row = put(TrainParams.from_json(full("train")), store=store)
    broken = subjects_of(replace(job(row.id, store=store), kind="of tomorrow"))
    assert (broken.project_id, broken.model_id, broken.name) == ("x", "x", "x")
