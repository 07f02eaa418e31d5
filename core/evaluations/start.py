"""Asking for an evaluation: the plan checked, images and settings frozen, the job queued."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from core.access.roles import Permission, require
from core.errors import DatasetError
from core.evaluations.checks import (
    EvaluationCheck,
    EvaluationPlan,
    Planned,
    check_evaluation,
    check_planned,
    planned,
    settings_of,
)
from core.jobs.kinds import EvaluateParams
from core.jobs.rows import Priority, submit
from core.store.records import EvaluationImageRecord, ImageRecord, JobRecord
from core.store.store import Store

__all__ = ["EvaluationCheck", "EvaluationPlan", "check_evaluation", "start_evaluation"]

NO_REFERENCE = "No reference labels."
NO_PREDICTION = "No prediction provided."


def start_evaluation(store: Store, plan: EvaluationPlan, *, author: str = "", by: str | None = None) -> JobRecord:
    """Freeze what is evaluated and queue the job.

    Parameters
    ----------
    author
        Whose evaluation it is.
    by
        Who asks in a browser, and the author then; None: the program itself.

    Returns
    -------
    JobRecord
        Its parameter ``evaluation_id`` names the evaluation, which can be looked at from now on.

    Raises
    ------
    AccessError
        ``by`` may not evaluate in this project.
    DatasetError
        The plan is refused; the cause is what `check_evaluation` says.
    NotFoundError
        There is no such project.
    SettingsError
        Settings that make no sense.
    """
    if by is not None:
        require(store, plan.project_id, by, Permission.TRAIN)
    what = planned(store, plan)
    check = check_planned(store, what)
    if check.refusals:
        raise DatasetError(check.refusals[0].cause, check.refusals[0].remedy)
    scheme = what.project.scheme
    sizes = [image.pixel_size.nm for image in check.images if image.pixel_size.nm is not None]
    row = store.evaluations.create(
        plan.project_id,
        _name(what),
        _images(what),
        scheme=scheme,
        settings=settings_of(plan.settings).resolved(scheme, sizes).to_json(),
        model_id=plan.model_id,
        author=author if by is None else by,
    )
    params = EvaluateParams(
        evaluation_id=row.id, project_id=plan.project_id, model_id=plan.model_id or "", name=row.name
    )
    job = submit(params, author=author, priority=Priority.BATCH, store=store, by=by)
    store.evaluations.update(row.id, job_id=job.id)
    return job


def _name(what: Planned) -> str:
    if what.plan.name.strip():
        return what.plan.name
    return what.model.card.name if what.model else "Imported predictions"


def _images(what: Planned) -> list[EvaluationImageRecord]:
    """What is known of each image now."""
    names = unique_names(what.everything)
    rows = []
    for image in what.images:
        reference = what.references.get(image.id)
        prediction_id = what.plan.predictions.get(image.id)
        reason = "" if reference else NO_REFERENCE
        if reference and prediction_id is None and what.model is None:
            reason = NO_PREDICTION
        rows.append(
            EvaluationImageRecord(
                image_id=image.id,
                name=names[image.id],
                specimen=image.specimen,
                group=image.specimen or image.stack,
                pixel_size_nm=image.pixel_size.nm,
                reference_id=reference.id if reference else None,
                prediction_id=prediction_id,
                reason=reason,
            )
        )
    return rows


def unique_names(images: Sequence[ImageRecord]) -> dict[str, str]:
    """A name for each image by its id; images of the same name get the beginning of their id, always the same."""
    times = Counter(image.name for image in images)
    return {image.id: f"{image.name} ({image.id[:6]})" if times[image.name] > 1 else image.name for image in images}
