"""Everything that the files of an evaluation are written from, gathered once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from core.errors import CristaeError, DatasetError, NotFoundError
from core.evaluation.comparison import Comparison
from core.evaluation.error_objects import ConnectedError
from core.evaluation.report import EvaluationReport
from core.evaluations.checks import seen_before
from core.evaluations.read import (
    EvaluatedImage,
    compare_evaluations,
    evaluated_images,
    evaluation,
    evaluation_report,
    image_errors,
)
from core.models.card import ModelCard
from core.models.store import ModelStore
from core.models.stored_model import StoredModel
from core.store.records import EvaluationRecord
from core.store.store import Store

Value = TypeVar("Value")

_PREDICTED_WITH: Final = ("backend", "device", "precision", "step", "mirroring", "weighting", "folds", "scale_factor")
"""Of a prediction's summary: what can change its labels."""


@dataclass(frozen=True, slots=True, eq=False)
class Earlier:
    """An evaluation to compare with, and the paired differences to it (ours minus the earlier one)."""

    record: EvaluationRecord
    report: EvaluationReport
    comparison: Comparison


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """An evaluation with all that belongs to it.

    Parameters
    ----------
    record, project_name, report, images
        What was evaluated, and the figures.
    errors
        Image id to its largest connected errors, of images that are scored.
    model
        None for imported predictions, and where the model has gone or cannot be read.
    scored_with
        Versions that scored the images, as kept with them; several where an update came in between.
    predicted_with
        How the predictions were made, as kept with them; several where images differ. Empty for imported ones.
    seen_before
        Sentences: what of the images, or of their specimens, was trained on.
    earlier
        None where nothing is compared.
    """

    record: EvaluationRecord
    project_name: str
    report: EvaluationReport
    images: tuple[EvaluatedImage, ...]
    errors: Mapping[str, tuple[ConnectedError, ...]]
    model: StoredModel | None
    scored_with: tuple[dict[str, str], ...]
    predicted_with: tuple[dict[str, Any], ...]
    seen_before: tuple[str, ...]
    earlier: Earlier | None = None

    @property
    def card(self) -> ModelCard | None:
        """The model's card."""
        return self.model.card if self.model else None

    def provenance(self) -> dict[str, Any]:
        """Who evaluated what, when and with which versions, as plain values."""
        row = self.record
        facts: dict[str, Any] = {
            "evaluation_id": row.id,
            "name": row.name,
            "state": str(row.state),
            "source": str(row.source),
            "project_id": row.project_id,
            "project": self.project_name,
            "model_id": row.model_id,
            "job_id": row.job_id,
            "asked_for_by": row.author,
            "begun": _iso(row.created_at),
            "finished": _iso(row.completed_at),
            "images": row.image_count,
            "images_scored": row.scored_count,
            "scored_with": list(self.scored_with),
            "predicted_with": list(self.predicted_with),
            "seen_before": list(self.seen_before),
        }
        if self.earlier:
            facts["compared_with"] = {"evaluation_id": self.earlier.record.id, "name": self.earlier.record.name}
        return facts


def findings(store: Store, evaluation_id: str, compare_with: str = "") -> Findings:
    """Gather what belongs to an evaluation.

    Parameters
    ----------
    store
        Where it is.
    evaluation_id
        With at least one scored image.
    compare_with
        Id of an evaluation of the same project with images in common; "" for none.

    Raises
    ------
    NotFoundError
        There is no such evaluation, or nothing in it is scored.
    DatasetError
        The two cannot be compared.
    """
    row = evaluation(store, evaluation_id)
    report = evaluation_report(store, evaluation_id)
    images = evaluated_images(store, evaluation_id)
    model = _model(store, row)
    return Findings(
        row,
        store.projects.get(row.project_id).name,
        report,
        images,
        {image.image_id: image_errors(store, row.id, image.image_id) for image in images if image.scored},
        model,
        _scored_with(store, row),
        _predicted_with(store, images),
        seen_before(store, row.project_id, {image.image_id for image in images if image.scored}, model),
        _earlier(store, row, compare_with) if compare_with else None,
    )


def _earlier(store: Store, row: EvaluationRecord, compare_with: str) -> Earlier:
    other = evaluation(store, compare_with)
    if other.id == row.id:
        raise DatasetError("An evaluation cannot be compared with itself.", "Select another one.")
    if other.project_id != row.project_id:
        raise DatasetError(
            f"The evaluation {other.name} belongs to another project.", "Select evaluations of one project."
        )
    return Earlier(other, evaluation_report(store, other.id), compare_evaluations(store, other.id, row.id))


def _model(store: Store, row: EvaluationRecord) -> StoredModel | None:
    if row.model_id is None:
        return None
    try:
        return ModelStore(store.settings.models_dir).get(row.model_id)
    except CristaeError:  # deleted or damaged since: the figures stand without it
        return None


def _scored_with(store: Store, row: EvaluationRecord) -> tuple[dict[str, str], ...]:
    kept = [image.scores.get("versions") for image in store.evaluations.images(row.id) if image.scores is not None]
    return _distinct([{str(name): str(version) for name, version in told.items()} for told in kept if told])


def _predicted_with(store: Store, images: tuple[EvaluatedImage, ...]) -> tuple[dict[str, Any], ...]:
    sentences = []
    for image in images:
        if not image.scored or image.prediction_id is None:
            continue
        try:
            summary = store.revisions.get(image.prediction_id).details.get("summary") or {}
        except NotFoundError:
            continue
        sentences.append({name: summary[name] for name in _PREDICTED_WITH if name in summary})
    return _distinct([each for each in sentences if each])


def _distinct(values: list[dict[str, Value]]) -> tuple[dict[str, Value], ...]:
    """Each once, in their order."""
    return tuple(value for number, value in enumerate(values) if value not in values[:number])


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
