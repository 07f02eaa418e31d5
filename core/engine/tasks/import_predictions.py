"""``import_predictions``: label maps of another program become prediction revisions, then are evaluated.

Params: ``project_id``; ``cases``, a list of `PredictionCase.to_json`; ``maker``, what made them, as people call it;
optionally ``batch_id``, whose files are deleted once all is read, and ``evaluate`` (default true). Result:
``outcomes``, one per image (``name``, ``image_id``, ``revision_id``, ``cause``, ``remedy``, ``notes``),
``predictions`` (image id to revision id) and, where an evaluation was begun, ``evaluation_job_id``.

Label maps are known by their content and their maker: one that is there is used again, so that a job that was cut off
may simply run again.
"""

from __future__ import annotations

from dataclasses import replace

from core.engine.context import JobContext
from core.engine.file_outcomes import cases_of, is_about_one_file, one_of_many
from core.engine.imported_labels import keep_imported
from core.errors import CristaeError, JobError, NotFoundError
from core.evaluations.prediction_files import PredictionCase, read_prediction_guarded
from core.evaluations.start import EvaluationPlan, start_evaluation
from core.jobs.kinds import ImportPredictionsParams, ImportPredictionsResult, PredictionOutcome
from core.jobs.rights import require_fence
from core.store.import_batch import discard_batch
from core.store.records import ProjectRecord, RevisionKind


def run(context: JobContext[ImportPredictionsParams]) -> ImportPredictionsResult:
    """Keep prediction by prediction, then begin the evaluation.

    Raises
    ------
    JobError
        The parameters cannot be used, or no prediction could be.
    NotFoundError
        There is no such project.
    StorageFullError
        The disk is full; what is kept stays.
    JobCancelledError
        Somebody asked for the job to stop; what is kept stays.
    """
    project = context.store.projects.get(context.params.project_id)
    cases = cases_of(context.params, PredictionCase.from_json)
    maker = context.params.maker.strip()[:100]
    outcomes: list[PredictionOutcome] = []
    for number, case in enumerate(cases):
        context.progress(number / len(cases), f"{case.image_name} ({number + 1} of {len(cases)})")
        outcome = _import(context, project, case, maker)
        outcomes.append(outcome)
        context.log(f"{case.image_name}: {outcome.revision_id or outcome.cause}")
        context.publish(outcomes=[outcome.to_json() for outcome in outcomes])
    predictions = {outcome.image_id: outcome.revision_id for outcome in outcomes if outcome.revision_id}
    if not predictions:
        raise JobError(f"None of the predictions could be used. {outcomes[0].cause}", outcomes[0].remedy)
    result = ImportPredictionsResult(outcomes=tuple(outcomes), predictions=predictions)
    if context.params.evaluate:
        plan = EvaluationPlan(project_id=project.id, image_ids=tuple(predictions), predictions=predictions, name=maker)
        result = replace(result, evaluation_job_id=start_evaluation(context.store, plan, author=context.author).id)
    if context.params.batch_id:
        discard_batch(context.settings, context.params.batch_id)
    return result


def _import(
    context: JobContext[ImportPredictionsParams], project: ProjectRecord, case: PredictionCase, maker: str
) -> PredictionOutcome:
    """One image; only what no other could survive either is raised."""
    outcome = PredictionOutcome(name=case.image_name, image_id=case.image_id)
    try:
        with one_of_many(case.image_name):
            revision_id, notes = keep_prediction(context, project, case, maker)
            return replace(outcome, revision_id=revision_id, notes=tuple(notes))
    except CristaeError as error:
        if not is_about_one_file(error):
            raise
        return replace(outcome, cause=error.cause, remedy=error.remedy)


def keep_prediction(
    context: JobContext[ImportPredictionsParams], project: ProjectRecord, case: PredictionCase, maker: str
) -> tuple[str, list[str]]:
    """The revision with this label map, and what reading it changed.

    Raises
    ------
    LabelMapError, ImageError
        The files cannot be used.
    NotFoundError
        The image has gone, or is of another project.
    """
    store = context.store
    image = store.images.get(case.image_id)
    if image.project_id != project.id:
        raise NotFoundError(f"{image.name} is not in project {project.name}.", "Select the files again.")
    require_fence(context.settings, context.params, case.paths)
    read = read_prediction_guarded(case, project.scheme)
    details = {"maker": maker, "files": [path.name for path in case.paths]}
    revision, _ = keep_imported(
        context, image, read, project.scheme, RevisionKind.PREDICTION, maker=maker, details=details
    )
    return revision.id, list(read.report.sentences)
