"""Jobs asked for while parts of the app are killed, and what is checked of each when it has ended."""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from core.errors import CristaeError
from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import is_unfinished, open_pyramid, write_label_pyramid
from core.jobs.kinds import IngestParams, PredictParams
from core.jobs.rows import job, jobs, retry, submit
from core.label_scheme import DEFAULT_SCHEME
from core.learning.progress import EPOCHS_FILE, training_history
from core.learning.start import TrainingPlan, start_training, training_folder
from core.models.store import HISTORY_FILE, STARTER_ID, ModelStore
from core.morphometry.coverage import coverage_table
from core.phantom import generate_phantom
from core.store import JobRecord, JobState, RevisionKind, Store
from core.store.records import RevisionState

TRAINING_PX: Final = 256
TRAINING_NM: Final = 16.0
TRAINING_IMAGES: Final = 3
INGEST_PX: Final = 700
PREDICTIONS_AT_ONCE: Final = 2

RETRIES: Final = 5
"""A job that fails more often is wrong."""


@dataclass(slots=True)
class Tally:
    """What came of the jobs.

    Parameters
    ----------
    wrong
        Successes whose output is not complete, and states that cannot be; must stay empty.
    curve_gaps
        Epochs that a live curve lacks: the kill fell between an epoch's checkpoint and its report. The model has them.
    failed
        Causes of jobs that ended as failed: honest, but a person has to press "retry", which is done here.
    """

    asked: dict[str, int] = field(default_factory=dict)
    succeeded: dict[str, int] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    curve_gaps: int = 0


class Work:
    """Keeps the queue filled, and checks what comes out of it.

    Parameters
    ----------
    store
        Of the site.
    sources
        Folder for image files on the server.
    image_px
        Edge of the images that are segmented; decides how long a prediction takes.
    epochs, iterations
        Of each training.
    """

    def __init__(
        self,
        store: Store,
        sources: Path,
        rng: random.Random,
        *,
        image_px: int,
        images: int,
        epochs: int,
        iterations: int,
    ) -> None:
        self.store = store
        self.tally = Tally()
        self.acknowledged: set[str] = set()
        self._checked: set[str] = set()
        self._rng = rng
        self._sources = sources
        self._epochs, self._iterations = epochs, iterations
        self.truth: dict[str, NDArray[np.uint8]] = {}
        self._files: dict[str, NDArray[np.uint8]] = {}
        self._project = store.projects.create("Fault run", DEFAULT_SCHEME).id
        self._training_ids = [self._labelled(seed) for seed in range(TRAINING_IMAGES)]
        self.segmented = [self._plain(100 + seed, image_px) for seed in range(images)]

    def learn_truth(self, limit_s: float) -> None:
        """Segment each image once while nothing is killed."""
        for image_id in self.segmented:
            row = self._predict(image_id)
            end = time.monotonic() + limit_s
            while not (row := job(row.id, store=self.store)).finished and time.monotonic() < end:
                time.sleep(0.1)
            if row.state is not JobState.SUCCEEDED:
                raise SystemExit(f"an undisturbed prediction ended as {row.state}: {row.error_cause}")
            self.truth[image_id] = self._labels(str(row.result["revision_id"]))
            self._checked.add(row.id)
            self._count(self.tally.succeeded, "predict")
            self.store.revisions.delete(str(row.result["revision_id"]))

    def fill(self) -> None:
        """Ask for a training, predictions and readings of files until enough of each wait or run."""
        # what has ended but was not looked at yet counts too: another job would reuse its label map, which goes then
        active = [row for row in self.rows() if not row.finished or row.id not in self._checked]
        kinds = [row.kind for row in active]
        if "train" not in kinds:
            self._train()
        taken = {row.params["image_id"] for row in active if row.kind == "predict"}
        free = [image_id for image_id in self.segmented if image_id not in taken]
        self._rng.shuffle(free)
        for image_id in free[: max(0, PREDICTIONS_AT_ONCE - kinds.count("predict"))]:
            self._predict(image_id)
        if "ingest" not in kinds and self._rng.random() < 0.05:
            self._ingest()

    def rows(self) -> tuple[JobRecord, ...]:
        """All jobs."""
        return jobs(limit=100_000, store=self.store)

    def check_finished(self) -> None:
        """Look at the output of what has ended since the last look."""
        for row in self.rows():
            if row.id in self._checked or not row.finished:
                continue
            if row.state is JobState.FAILED and row.error_cause and row.error_remedy:
                self.tally.failed.append(f"{row.kind} {row.id}: {row.error_cause}")
                if sum(row.id in text for text in self.tally.failed) <= RETRIES:
                    retry(row.id, store=self.store)
                    continue
            self._checked.add(row.id)
            if row.state is not JobState.SUCCEEDED:
                self.tally.wrong.append(f"{row.kind} {row.id} stays {row.state.value}: {row.message} {row.error_cause}")
            else:
                self._count(self.tally.succeeded, row.kind)
                problem = self._problem(row)
                if problem:
                    self.tally.wrong.append(f"{row.kind} {row.id} succeeded, but {problem}")

    def lost(self) -> set[str]:
        """Acknowledged jobs that are not there, or have not ended."""
        return self.acknowledged - {row.id for row in self.rows() if row.finished}

    def reported_epochs(self, job_id: str) -> list[int]:
        """Numbers of the epochs as a training told them, repeated ones again."""
        path = training_folder(self.store, job_id) / EPOCHS_FILE
        if not path.is_file():
            return []
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
        return [int(json.loads(line)["epoch"]) for line in lines]

    def _problem(self, row: JobRecord) -> str:
        """What is wrong with a success; empty if nothing is."""
        try:
            if row.kind == "train":
                return self._training_problem(row)
            if row.kind == "predict":
                return self._prediction_problem(row)
            return self._ingest_problem(row)
        except (CristaeError, OSError, KeyError, ValueError) as error:
            return f"its output cannot be read: {type(error).__name__}: {error}"

    def _training_problem(self, row: JobRecord) -> str:
        from core.models.weights import load_network

        model = ModelStore(self.store.settings.models_dir).get(str(row.result["model_id"]))
        load_network(model, model.folds[0])
        wanted = list(range(1, self._epochs + 1))
        kept = [report["epoch"] for report in json.loads((model.path / HISTORY_FILE).read_text(encoding="utf-8"))]
        told = [report.epoch for report in training_history(self.store, row.id).epochs]
        self.tally.curve_gaps += len(set(wanted) - set(told))
        if not model.card.training.epochs == len(wanted) == len(kept) or kept != wanted:
            return f"its model has the epochs {kept}"
        return "" if told == sorted(set(told)) else f"its curves show the epochs {told}"

    def _prediction_problem(self, row: JobRecord) -> str:
        revision = self.store.revisions.get(str(row.result["revision_id"]))
        if revision.state is not RevisionState.COMPLETE:
            return "its label map is not complete"
        labels, truth = self._labels(revision.id), self.truth[str(row.params["image_id"])]
        differing = int((labels != truth).sum())
        self.store.revisions.delete(revision.id)
        return f"{differing} pixels differ from the undisturbed prediction" if differing else ""

    def _ingest_problem(self, row: JobRecord) -> str:
        wanted = self._files.pop(str(row.params["path"]))
        same = [image for image in self.store.images.all(self._project) if image.id in row.result["image_ids"]]
        if len(same) != 1:
            return f"it made {len(same)} images"
        pixels = open_pyramid(self.store.images.pyramid_path(same[0].id)).read(0, slice(None), slice(None))
        self.store.images.delete(same[0].id)
        return "" if np.array_equal(pixels, wanted) else "its pixels differ from the file's"

    def _labels(self, revision_id: str) -> NDArray[np.uint8]:
        path = self.store.revisions.pyramid_path(revision_id)
        if is_unfinished(path):
            raise ValueError(f"{path.name} is marked as unfinished")
        return np.asarray(open_pyramid(path).read(0, slice(None), slice(None)))

    def _train(self) -> None:
        number = self._count(self.tally.asked, "train")
        plan = TrainingPlan(
            self._project,
            self._training_ids,
            f"Run {number}",
            epochs=self._epochs,
            iterations_per_epoch=self._iterations,
        )
        self.acknowledged.add(start_training(self.store, plan, author="fault run").id)

    def _predict(self, image_id: str) -> JobRecord:
        self._count(self.tally.asked, "predict")
        row = submit(PredictParams(image_id=image_id, model_id=STARTER_ID), store=self.store)
        self.acknowledged.add(row.id)
        return row

    def _ingest(self) -> None:
        number = self._count(self.tally.asked, "ingest")
        shape = (INGEST_PX, INGEST_PX)
        pixels = np.random.default_rng(self._rng.randrange(2**32)).integers(0, 256, shape, dtype=np.uint8)
        path = self._sources / f"noise-{number}.png"
        path.write_bytes(bytes(imagecodecs.png_encode(pixels)))
        self._files[str(path)] = pixels
        row = submit(IngestParams(path=str(path), project_id=self._project), store=self.store)
        self.acknowledged.add(row.id)

    def _count(self, where: dict[str, int], kind: str) -> int:
        where[kind] = where.get(kind, 0) + 1
        return where[kind]

    def _plain(self, seed: int, size_px: int) -> str:
        phantom = generate_phantom(seed, size_px)
        image = Image(phantom.image_yx, PixelSize.from_user(phantom.pixel_size_nm), f"phantom {seed}")
        return self.store.images.add(self._project, image).id

    def _labelled(self, seed: int) -> str:
        phantom = generate_phantom(seed, TRAINING_PX, pixel_size_nm=TRAINING_NM)
        image = Image(phantom.image_yx, PixelSize.from_user(TRAINING_NM), f"labelled {seed}")
        record = self.store.images.add(self._project, image)
        revision = self.store.revisions.begin(record.id, RevisionKind.REFERENCE)
        labels: Any = phantom.labels_yx
        write_label_pyramid(self.store.revisions.pyramid_path(revision.id), labels, pixel_size_nm=TRAINING_NM)
        coverage = coverage_table(labels, DEFAULT_SCHEME, TRAINING_NM)
        self.store.revisions.complete(revision.id, coverage=[row.to_json() for row in coverage])
        return record.id
