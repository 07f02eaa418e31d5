"""A short fault run, and that the run would notice what it is there to notice."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks.faults.__main__ import Kill, judge
from benchmarks.faults.site import Site, Victim
from benchmarks.faults.work import Work
from core.errors import JobError
from core.imaging.pyramid import write_label_pyramid
from core.jobs.rows import job, jobs
from core.jobs.transitions import claim, fail, interrupt, succeed
from core.learning.progress import EPOCHS_FILE
from core.learning.start import training_folder
from core.settings import ROOT, load_settings
from core.store import JobState, RevisionKind, Store
from tests.jobs import submit

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills with SIGKILL")

EPOCH = '{{"epoch": {}}}\n'


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(load_settings(data_dir=tmp_path / "data", models_dir=tmp_path / "models", min_free_bytes=0))
    yield opened
    opened.close()


@pytest.fixture
def work(store: Store, tmp_path: Path) -> Work:
    return Work(store, tmp_path, random.Random(0), image_px=128, images=1, epochs=2, iterations=1)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_is_lost_when_worker_training_engine_and_server_are_killed() -> None:
    short = ["--kills", "4", "--minutes", "0.25", "--image-px", "512", "--images", "2", "--epochs", "3"]
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.faults", *short, "--iterations", "2"],
        cwd=ROOT, capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stdout + told.stderr
    for victim in Victim:
        assert f"| {victim.value} | 1 |" in told.stdout
    assert "Processes and temporary files left: 0." in told.stdout


@pytest.mark.parametrize(("pixel", "said"), [(0, []), (1, ["1 pixels differ"])], ids=["whole", "one pixel off"])
def test_a_prediction_that_succeeds_wrongly_is_noticed(store: Store, work: Work, pixel: int, said: list[str]) -> None:
    image_id = work.segmented[0]
    truth = np.zeros((128, 128), np.uint8)
    work.truth[image_id] = truth.copy()
    truth[5, 7] = pixel
    revision = store.revisions.begin(image_id, RevisionKind.PREDICTION)
    write_label_pyramid(store.revisions.pyramid_path(revision.id), truth, pixel_size_nm=8.0)
    store.revisions.complete(revision.id, coverage=[])
    row = submit("predict", {"image_id": image_id, "model_id": "starter"}, store=store)
    assert claim(store, row, "here")
    succeed(store, row.id, 1, {"revision_id": revision.id})
    work.check_finished()
    assert len(work.tally.wrong) == len(said)
    assert all(words in text for words, text in zip(said, work.tally.wrong, strict=True))


def test_a_training_without_its_model_is_noticed(store: Store, work: Work) -> None:
    row = submit("train", {}, store=store)
    assert claim(store, row, "here")
    succeed(store, row.id, 1, {"model_id": "nowhere"})
    work.check_finished()
    assert "its output cannot be read" in work.tally.wrong[0]


def test_a_failed_job_is_retried_and_told(store: Store, work: Work) -> None:
    row = submit("train", {}, store=store)
    fail(store, row.id, JobError("It was interrupted 5 times.", "Retry it."))
    work.check_finished()
    assert work.tally.failed == [f"train {row.id}: It was interrupted 5 times."]
    assert job(row.id, store=store).state is JobState.QUEUED


def test_what_never_ends_is_lost(store: Store, work: Work) -> None:
    work.fill()
    assert work.lost() == {row.id for row in jobs(store=store)}
    assert len(work.lost()) == 2, "a training and a prediction"


@pytest.mark.parametrize(("after", "repeated"), [([3], 1), ([2, 3], 2), ([4], 0)], ids=["one", "two", "none"])
def test_repeated_epochs_are_counted(store: Store, work: Work, after: list[int], repeated: int) -> None:
    row = submit("train", {}, store=store)
    running = claim(store, row, "here")
    assert running is not None
    path = training_folder(store, row.id) / EPOCHS_FILE
    path.parent.mkdir(parents=True)
    path.write_text("".join(EPOCH.format(number) for number in [1, 2, *after]))
    kill = Kill(Victim.ENGINE, 0.0, {row.id: running}, {row.id}, {row.id: [1, 2]})
    judge([kill], work)
    assert (kill.went_on, kill.resumed) == (1, 0)
    interrupt(store, row.id, 1, "killed", restartable=True)
    assert claim(store, job(row.id, store=store), "here")
    judge([kill], work)
    assert (kill.resumed, kill.repeated) == (1, [repeated])


def test_leftovers_are_found(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.settings.uploads_dir.mkdir(parents=True)
    assert site.leftovers() == []
    (site.settings.data_dir / "labels" / "x").mkdir(parents=True)
    (site.settings.data_dir / "labels" / "x" / "unfinished.json").touch()
    (site.settings.models_dir / ".run.training").mkdir()
    (site.settings.data_dir / "training" / "1" / "dataset").mkdir(parents=True)
    assert site.leftovers() == ["data/labels/x/unfinished.json", "data/training/1/dataset", "models/.run.training"]
