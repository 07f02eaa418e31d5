"""Scoring both models of a round on one test set: which images, and which evaluations serve that are there already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.errors import CristaeError
from core.evaluation.settings import MEASURING
from core.evaluations.checks import EvaluationPlan, check_evaluation, settings_of
from core.evaluations.read import evaluation, evaluations
from core.evaluations.start import start_evaluation
from core.jobs.kinds import EvaluateParams
from core.label_scheme import LabelScheme
from core.models.store import ModelStore
from core.store.label_maps import model_classes
from core.store.records import EvaluationRecord, EvaluationState, ImageRecord, ProjectRecord, RevisionKind, Split
from core.store.round_records import RoundRecord
from core.store.store import Store


def frozen_test_set(store: Store, project_id: str) -> tuple[dict[str, str], tuple[ImageRecord, ...]]:
    """Test images with the reference that each is scored against, and those that have none."""
    references = store.revisions.newest_of_project(project_id, RevisionKind.REFERENCE)
    test = [image for image in store.images.all(project_id) if image.split is Split.TEST]
    bare = tuple(image for image in test if image.id not in references)
    return {image.id: references[image.id].id for image in test if image.id in references}, bare


def base_model(store: Store, record: RoundRecord) -> tuple[str | None, str | None]:
    """What a new model is compared with, and what is promoted now.

    The promoted model; where there is none, the parent if it knows any class of the project; else nothing.
    """
    promoted = store.rounds.promoted_model(record.project_id)
    if promoted is not None:
        return promoted.model_id, promoted.model_id
    parent = record.parent_model_id
    if parent is not None:
        try:
            known = ModelStore(store.settings.models_dir).get(parent)
        except CristaeError:  # gone since: then there is nothing to compare with
            return None, None
        project = store.projects.get(record.project_id)
        if model_classes(store, project, known.scheme, known.id).any_in_common:
            return parent, None
    return None, None


def evaluate(
    store: Store, record: RoundRecord, model_id: str, test_set: Mapping[str, str]
) -> tuple[str, str | None, tuple[str, ...]]:
    """An evaluation of a model on the test set: one that is there or under way, else a new one.

    Returns
    -------
    tuple
        Its id, the job that was queued for it (None: it was there), and warnings.

    Raises
    ------
    CristaeError
        It cannot be evaluated: see `core.evaluations.start.start_evaluation`.
    """
    project = store.projects.get(record.project_id)
    plan = EvaluationPlan(project.id, model_id, image_ids=tuple(test_set))
    warnings = check_evaluation(store, plan).warnings
    there = _found(store, project, model_id, test_set)
    if there is not None:
        return there.id, None, warnings
    row = start_evaluation(store, plan, author=record.author)
    return EvaluateParams.from_json(row.params).evaluation_id, row.id, warnings


def unfinished(store: Store, evaluation_id: str) -> EvaluationRecord | None:
    """The evaluation unless all of it is scored."""
    row = evaluation(store, evaluation_id)
    return None if row.state is EvaluationState.COMPLETE else row


def why_partial(store: Store, row: EvaluationRecord) -> str:
    """Why images of an evaluation have no scores, in a sentence."""
    reasons = [image.reason for image in store.evaluations.images(row.id, unscored=True) if image.reason]
    missing = row.image_count - row.scored_count
    return f"{missing} of {row.image_count} test images have no scores with {row.name}. {reasons[0] if reasons else ''}"


def _found(store: Store, project: ProjectRecord, model_id: str, test_set: Mapping[str, str]) -> EvaluationRecord | None:
    """The newest evaluation of just this, complete or under way."""
    images = [store.images.get(image_id) for image_id in test_set]
    for row in evaluations(store, project.id):
        alive = row.state is EvaluationState.COMPLETE or (row.state is EvaluationState.RUNNING and row.job_id)
        if row.model_id != model_id or not alive or not _same_classes(row.scheme, project.scheme):
            continue
        scored = store.evaluations.images(row.id)
        references = {image.image_id: image.reference_id for image in scored}
        sizes = {image.image_id: image.pixel_size_nm for image in scored}
        if references != dict(test_set) or sizes != {image.id: image.pixel_size.nm for image in images}:
            continue
        if _measured_alike(row.settings, project.scheme, images):
            return row
    return None


def _same_classes(one: LabelScheme, other: LabelScheme) -> bool:
    return {(item.id, item.name) for item in one.classes} == {(item.id, item.name) for item in other.classes}


def _measured_alike(settings: Mapping[str, Any], scheme: LabelScheme, images: Sequence[ImageRecord]) -> bool:
    sizes = [image.pixel_size.nm for image in images if image.pixel_size.nm is not None]
    wanted = settings_of({}).resolved(scheme, sizes).to_json()
    return all(settings.get(name) == wanted[name] for name in MEASURING)
