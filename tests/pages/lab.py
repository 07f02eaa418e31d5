"""Two projects with one of everything in each, people of each role in the first, nobody of them in the second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import core.engine.tasks.predict as predict_task
import core.engine.tasks.train as train_task
from core.access.roles import Role, set_member
from core.annotation.submission import submit_draft
from core.batches.plan import SegmentPlan
from core.batches.start import segment_images
from core.engine.context import JobContext
from core.errors import JobError
from core.exports.request import ExportRequest
from core.exports.start import start_export
from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import write_label_pyramid
from core.jobs.kinds import TrainParams
from core.jobs.rows import jobs as rows_of
from core.jobs.transitions import claim, fail
from core.measurements.sources import sources
from core.measurements.start import start_measuring
from core.review.double_annotation import ask_to_annotate
from core.rounds.plan import RoundPlan
from core.rounds.round import start_round
from core.settings import current_settings
from core.store.import_batch import Part, new_batch
from core.store.records import ImageRecord, ProjectRecord, RevisionKind
from core.store.store import Store, current_store
from core.transfers.plan import TransferMode
from core.transfers.run import start_transfer
from tests.core.evaluations.conftest import SCHEME
from tests.core.rounds.chain import Machine, fill, work
from tests.jobs import submit
from tests.models import write_model

FOREIGN = "SECRET"
"""Part of every name in the second project."""

OURS = "Kidney Q7"
"""The first project."""

BLIND = "WORK OF BO"
"""Part of the note of a correction that is hidden from Cy."""


class ProjectMachine(Machine):
    """As `Machine`; a model belongs to the project that it was trained on."""

    def train(self, context: JobContext[TrainParams]) -> dict[str, Any]:
        """Write a model of the project."""
        project = context.store.projects.get(context.params.project_id)
        folder = context.settings.models_dir / context.params.model_id
        write_model(folder, project_id=project.id, name=f"{project.name} model", scheme=SCHEME)
        return {"model_id": folder.name, "epochs": 1, "seconds": 1.0, "mean_dice": 0.5}


@dataclass(frozen=True, kw_only=True)
class Things:
    """Ids of what a project holds."""

    project: str
    image: str
    test_image: str
    prediction: str
    correction: str
    draft: str
    model: str
    evaluations: tuple[str, str]
    jobs: tuple[str, ...]
    batch: str
    drop: str

    @property
    def ids(self) -> frozenset[str]:
        """All of them."""
        single = (self.project, self.image, self.test_image, self.prediction, self.correction, self.draft, self.model)
        return frozenset((*single, self.batch, self.drop, *self.evaluations, *self.jobs))


@dataclass(frozen=True, kw_only=True)
class Lab:
    """The store, and what is in its projects; Bo and Cy annotate ``blind`` of the first, neither seeing the other."""

    store: Store
    here: Things
    there: Things
    blind: str
    hidden: Mapping[str, str]


def build(folder: Path, patch: pytest.MonkeyPatch) -> Lab:
    """Make the lab; access goes by roles from then on."""
    paths = {"DATA_DIR": folder / "data", "MODELS_DIR": folder / "models", "CONFIG": folder / "none.toml"}
    for name, value in paths.items():
        patch.setenv(f"CRISTAE_{name}", str(value))
    current_settings.cache_clear()
    store, machine = current_store(), ProjectMachine()
    patch.setattr(train_task, "run", machine.train)
    patch.setattr(predict_task, "warm_predictor", machine.predictor)
    projects = [store.projects.create(name, SCHEME) for name in (OURS, f"{FOREIGN} project")]
    named = list(zip(projects, ("QOURS", FOREIGN), strict=True))
    batches = [_work(store, project, word) for project, word in named]
    here, there = (_things(store, *each, batch) for each, batch in zip(named, batches, strict=True))
    start_transfer(store, [there.image], there.project, here.project, TransferMode.COPY, by="Root")
    blind, hidden = _blind(store, projects[0])
    for role in Role:
        set_member(store, here.project, role.value, role, by="Root")
    for name in ("Bo", "Cy"):
        set_member(store, here.project, name, Role.ANNOTATOR, by="Root")
    set_member(store, there.project, f"{FOREIGN} Sam", Role.ADMIN, by="Root")
    patch.setenv("CRISTAE_ACCESS", "roles")
    patch.setenv("CRISTAE_ADMINS", "Root")
    current_settings.cache_clear()
    store._data.settings = current_settings()
    return Lab(store=store, here=here, there=there, blind=blind, hidden=hidden)


def _work(store: Store, project: ProjectRecord, word: str) -> str:
    """Images, a model made by a round, its evaluations and predictions. The id of a batch."""
    author = f"{word} Sam"
    fill(store, project, test_images=2)
    for image in store.images.all(project.id):
        store.images.update(image.id, name=f"{word} {image.name}", specimen=f"{word} mouse")
    start_round(store, RoundPlan(project.id, name=f"{project.name} model"), author)
    work(store)
    model = str(store.rounds.of_project(project.id)[0].model_id)
    batch = segment_images(store, [_image(store, project, "train 0").id], SegmentPlan(model_id=model), by=author)
    work(store)
    return batch.id


def _image(store: Store, project: ProjectRecord, name: str) -> ImageRecord:
    return next(image for image in store.images.all(project.id) if name in image.name)


def _things(store: Store, project: ProjectRecord, word: str, batch: str) -> Things:
    """Label maps of each kind, drafts, jobs in each state, files that wait."""
    author, model = f"{word} Sam", str(store.rounds.of_project(project.id)[0].model_id)
    learned, tested = _image(store, project, "train 0"), _image(store, project, "test 0")
    correction = corrected(store, learned, author, f"{word} note")
    draft, _ = store.drafts.open(tested.id, author, None)
    maps = sources(store, project.id)
    trained = next(row for row in rows_of(kinds=["train"]) if row.params["project_id"] == project.id)
    jobs = [
        submit("train", {**trained.params, "name": f"{word} training", "model_id": f"{word}-m"}, author=author),
        submit("import_cases", {"project_id": project.id, "name": f"{word} import", "cases": []}, author=author),
        start_export(store, ExportRequest(project_id=project.id, image_ids=(learned.id,)), by=author),
        start_measuring(store, project.id, next(iter(maps.values())), 30.0, author=author, name=f"{word} maps"),
        submit("predict", {"image_id": tested.id, "model_id": model, "name": f"{word} failed"}, author=author),
    ]
    assert claim(store, jobs[-1], "here")
    fail(store, jobs[-1].id, JobError(f"{word} went wrong", "Try again."))
    assert claim(store, jobs[0], "here")
    thrown = store.images.add(project.id, Image(np.full((4, 4), 99, np.uint8), name=f"{word} thrown away"))
    store.trash.put([thrown.id])
    dropped = new_batch(store.settings, by="admin" if word == "QOURS" else author)
    (dropped.path / Part.IMAGES / f"{word}.tif").write_bytes(b"II*\0")
    evaluations = store.evaluations.of_project(project.id)
    return Things(
        project=project.id, image=learned.id, test_image=tested.id,
        prediction=store.revisions.of_image(learned.id, kind=RevisionKind.PREDICTION)[0].id, correction=correction,
        draft=draft.id, drop=batch, model=model, evaluations=(evaluations[0].id, evaluations[-1].id),
        jobs=tuple(row.id for row in jobs), batch=dropped.id,
    )  # fmt: skip


def corrected(store: Store, image: ImageRecord, author: str, note: str) -> str:
    """A submitted correction; its id."""
    draft, _ = store.drafts.open(image.id, author, None)
    store.drafts.set_whole_image(draft.id, "tab", True)
    return submit_draft(store, draft.id, "tab", note).revision.id


def _blind(store: Store, project: ProjectRecord) -> tuple[str, Mapping[str, str]]:
    """An image that Bo has submitted and Cy has not; what Cy may not know of it."""
    pixels = np.arange(16, dtype=np.uint8).reshape(4, 4)
    image = store.images.add(project.id, Image(pixels, PixelSize.from_user(1000.0), "blind image"))
    begun = store.revisions.begin(
        image.id, RevisionKind.PREDICTION, model_id=str(store.rounds.of_project(project.id)[0].model_id)
    )
    write_label_pyramid(store.revisions.pyramid_path(begun.id), np.ones((4, 4), np.uint8), pixel_size_nm=1000.0)
    store.revisions.complete(begun.id)
    ask_to_annotate(store, image.id, ["Bo", "Cy"], by="Root")
    revision = corrected(store, image, "Bo", BLIND)
    draft, _ = store.drafts.open(image.id, "Bo", None)
    return image.id, {"revision": revision, "draft": draft.id, "note": BLIND}
