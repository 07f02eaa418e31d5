"""Makes a data folder as Cristae 0.1.0 wrote it, for tests of later versions.

Run in a checkout of 0.1.0 with its environment: ``python make.py FILE.tar.xz``. The interfaces used here are those of
0.1.0, not of today.
"""

# ruff: noqa
# mypy: ignore-errors

import sqlite3
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np

import core.jobs.runner as runner
from core.access import Role, set_member
from core.annotation.draft_tiles import class_counts, pack_tile
from core.annotation.submission import submit_draft
from core.errors import JobError
from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import write_label_pyramid
from core.jobs.rows import job, submit
from core.jobs.transitions import claim, fail, pause
from core.label_scheme import LabelScheme
from core.morphometry.coverage import coverage_table
from core.project_changes import create_project
from core.results.checks import EvaluationPlan
from core.results.start import start_evaluation
from core.review.decisions import decide
from core.review.records import Box, Decision
from core.review.talk import add_mark, assign, comment
from core.rounds.plan import RoundPlan
from core.rounds.round import start_round
from core.settings import load_settings
from core.store import RevisionKind, Split, Store
from core.store.records import DraftTileRecord

SCHEME = LabelScheme.from_names({"axon": 1, "myelin": 2})
SHAPE = (48, 64)


def add(store, project, name, number, **place):
    pixels = np.random.default_rng(number).integers(0, 255, SHAPE, np.uint8)
    return store.add_image(project.id, Image(pixels, PixelSize.from_user(5.0), name), **place)


def label(store, image, kind, columns):
    labels = np.zeros(SHAPE, np.uint8)
    labels[8:24, :columns] = 1
    labels[30:40, 20:40] = 2
    revision = store.begin_revision(image.id, kind, details={"scheme": SCHEME.to_json()})
    write_label_pyramid(store.label_pyramid_path(revision.id), labels, pixel_size_nm=5.0, scheme=SCHEME)
    table = coverage_table(labels, SCHEME, 5.0)
    store.complete_revision(revision.id, coverage=[row.to_json() for row in table])
    return revision


def painted(store, image, base):
    """A draft with one stroke of myelin, confirmed where it was painted."""
    draft = store.open_draft(image.id, "Ada", base.id)[0]
    labels, cover = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, bool)
    labels[8:24, :40], labels[2:6, 2:12], cover[2:6, 2:12] = 1, 2, True
    record = DraftTileRecord(0, 0, 0, class_counts(labels), class_counts(labels, cover), {})
    store.write_draft_tiles(draft.id, "tab", 1, [(record, pack_tile(labels, cover))], seconds=3.5, strokes=1)
    return draft


def fill(store):
    project = create_project(store, "nerve", SCHEME, by="Bo")
    set_member(store, project.id, "Ada", Role.ANNOTATOR, by="Bo")
    first = add(store, project, "a.tif", 1, split=Split.TEST, specimen="mouse 1", condition="control")
    second = add(store, project, "b.tif", 2, split=Split.TRAIN, specimen="mouse 2", condition="treated")
    third = add(store, project, "c.tif", 3, stack="series", z_index=4)
    gone = add(store, project, "d.tif", 4)
    label(store, first, RevisionKind.REFERENCE, 40)
    prediction = label(store, first, RevisionKind.PREDICTION, 30)
    label(store, second, RevisionKind.REFERENCE, 40)
    base = label(store, third, RevisionKind.PREDICTION, 40)

    revision = submit_draft(store, painted(store, third, base).id, "tab", "a stroke").revision
    comment(store, revision.id, "Bo", "Thin here?")
    add_mark(store, revision.id, "Bo", Box(2, 2, 4, 10), "myelin", "is it?")
    decide(store, revision.id, "Bo", Decision.APPROVE)
    waiting = submit_draft(store, painted(store, second, label(store, second, RevisionKind.PREDICTION, 20)).id, "tab")
    assign(store, waiting.revision.id, "Bo", by="Bo")
    painted(store, first, prediction)  # stays open
    store.trash_images([gone.id])

    plan = EvaluationPlan(project.id, image_ids=(first.id,), predictions={first.id: prediction.id}, name="by hand")
    scoring = start_evaluation(store, plan, author="Bo")
    runner.current_store = lambda: store
    assert claim(store, scoring, "here")
    runner.run_job(scoring.id, job(scoring.id, store=store).attempts)
    assert job(scoring.id, store=store).state.value == "succeeded"

    start_round(store, RoundPlan(project.id, epochs=1), "Bo")
    training = submit(
        "train",
        {
            "project_id": project.id,
            "name": "first model",
            "model_id": "first-model",
            "snapshot": {},
            "image_ids": [second.id],
            "preset": "compact",
            "epochs": 1,
        },
        author="Bo",
        store=store,
    )
    claim(store, training, "here")
    pause(store, training.id, 1)
    submit("predict", {"image_id": third.id, "model_id": "starter"}, author="Ada", store=store)
    failing = submit(
        "ingest", {"project_id": project.id, "path": "/there/e.tif", "name": "e.tif"}, author="Ada", store=store
    )
    claim(store, failing, "here")
    fail(store, failing.id, JobError("The disk is full.", "Free some space."), attempt=1)


def main(target):
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "data")
        store = Store(load_settings(data_dir=data, models_dir=Path(folder, "models"), min_free_bytes=0))
        fill(store)
        store.close()
        with sqlite3.connect(data / "cristae.sqlite3") as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("VACUUM")
        connection.close()
        with tarfile.open(target, "w:xz") as archive:
            for path in sorted(data.rglob("*")):
                if path.is_file() and "locks" not in path.parts and not path.name.endswith((".log", "-wal", "-shm")):
                    archive.add(path, path.relative_to(data).as_posix())


main(sys.argv[1])
