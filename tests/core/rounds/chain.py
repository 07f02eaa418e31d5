"""Rounds without a network: a training that writes a model folder, and a predictor that errs as it is told."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.engine import runner
from core.engine.context import JobContext
from core.errors import PredictionError, TrainingError
from core.imaging.image import Image
from core.imaging.pyramid import write_label_pyramid
from core.jobs.kinds import TrainParams
from core.jobs.rows import active_jobs, job
from core.jobs.transitions import claim
from core.morphometry.coverage import coverage_table
from core.rounds.advance import advance_rounds
from core.segmentation.prediction_summary import PredictionSummary
from core.settings import Settings
from core.store import ImageRecord, ProjectRecord, RevisionKind, RevisionRecord, Split, Store
from tests.core.evaluations.conftest import REFERENCE, SCHEME, add_image
from tests.models import write_model

TRUTH = np.array(REFERENCE, np.uint8) % 255


class Machine:
    """Trains and predicts. ``wrong`` says how many of the four mitochondria pixels a model misses, by its id, and
    ``wrong_on`` in which images; none: in all."""

    def __init__(self) -> None:
        self.wrong: dict[str, int] = {}
        self.wrong_on: set[str] = set()
        self.fails = ""
        self.refuses: set[str] = set()
        self.trained: list[dict[str, Any]] = []
        self.predicted: list[tuple[str, str]] = []

    def train(self, context: JobContext[TrainParams]) -> dict[str, Any]:
        """As the task of this name."""
        self.trained.append(context.params.to_json())
        if self.fails:
            raise TrainingError(self.fails, "Free some.")
        folder = context.settings.models_dir / context.params.model_id
        write_model(folder)
        return {"model_id": folder.name, "epochs": 1, "seconds": 1.0, "mean_dice": 0.5}

    def predictor(self, model: Any, _settings: Settings) -> Predictor:
        """As `core.engine.warm.warm_predictor`."""
        return Predictor(self, model.id)


class Predictor:
    """One model of the machine."""

    def __init__(self, machine: Machine, model_id: str) -> None:
        self.machine, self.model_id = machine, model_id

    def predict(self, image: Image, sink: Any, **options: Any) -> PredictionSummary:
        """The truth, but for what the model misses."""
        if image.name in self.machine.refuses:
            raise PredictionError(f"{image.name} is too strange.", "Take another.")
        self.machine.predicted.append((self.model_id, image.name))
        labels = TRUTH.copy()
        if not self.machine.wrong_on or image.name in self.machine.wrong_on:
            labels.flat[[0, 1, 4, 5][: self.machine.wrong.get(self.model_id, 0)]] = 0
        sink.write(0, 0, labels, np.full_like(labels, 200))
        options["on_progress"](1.0, "tiles", 0.0)
        return PredictionSummary(
            self.model_id, "fake", "none", "float32", image.shape, 1.0, None, 1, 0.5, False, "gaussian", ("0",), 0.1
        )


def work(store: Store, most: int = 100) -> None:
    """What the engine does: rounds carried on, waiting jobs run one after the other, until nothing waits."""
    for _ in range(most):
        advance_rounds(store)
        rows = active_jobs(store=store)
        if not rows:
            return
        assert claim(store, rows[0], "here")
        runner.run_job(rows[0].id, job(rows[0].id, store=store).attempts)


def fill(store: Store, project: ProjectRecord, test_images: int = 5) -> None:
    """Two images to learn from, some to test on, two in the pool."""
    for number in range(2):
        label(store, add_image(store, project, f"train {number}", number, split=Split.TRAIN))
    for number in range(test_images):
        label(store, add_image(store, project, f"test {number}", 10 + number))
    for number in range(2):
        add_image(store, project, f"pool {number}", 20 + number, split=Split.POOL)


def label(store: Store, image: ImageRecord) -> RevisionRecord:
    """A reference of an image, with its coverage as an import keeps it."""
    begun = store.revisions.begin(image.id, RevisionKind.REFERENCE)
    labels = np.array(REFERENCE, np.uint8)
    write_label_pyramid(store.revisions.pyramid_path(begun.id), labels, pixel_size_nm=1000.0)
    rows = coverage_table(labels, SCHEME, 1000.0)
    return store.revisions.complete(begun.id, coverage=[row.to_json() for row in rows])
