"""``import_predictions``: label maps of another program become prediction revisions, then are evaluated.

Params: ``project_id``; ``cases``, a list of `PredictionCase.to_json`; ``maker``, what made them, as people call it;
optionally ``batch_id``, whose files are deleted once all is read, and ``evaluate`` (default true). Result:
``outcomes``, one per image (``name``, ``image_id``, ``revision_id``, ``cause``, ``remedy``, ``notes``),
``predictions`` (image id to revision id) and, where an evaluation was begun, ``evaluation_job_id``.

Label maps are known by their content and their maker: one that is there is used again, so that a job that was cut off
may simply run again.
"""

from __future__ import annotations

import hashlib
from typing import Any

from core.engine.context import JobContext
from core.engine.file_outcomes import is_about_one_file, one_of_many
from core.engine.tasks.import_cases import label_hash
from core.errors import CristaeError, JobError, NotFoundError
from core.evaluations.prediction_files import PredictionCase, read_prediction_guarded
from core.evaluations.start import EvaluationPlan, start_evaluation
from core.imaging.pyramid import write_label_pyramid
from core.jobs.kinds import ImportPredictionsParams
from core.jobs.rights import require_fence
from core.morphometry.coverage import coverage_table
from core.store.import_batch import discard_batch
from core.store.records import ProjectRecord, RevisionKind, RevisionState


def run(context: JobContext[ImportPredictionsParams]) -> dict[str, Any]:
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
    given = context.params.cases
    if not given:
        raise JobError("The import names no predictions.", "Choose at least one label map.")
    maker = context.params.maker.strip()[:100]
    cases = [PredictionCase.from_json(each) for each in given]
    outcomes: list[dict[str, Any]] = []
    for number, case in enumerate(cases):
        context.progress(number / len(cases), f"{case.image_name} ({number + 1} of {len(cases)})")
        outcomes.append(_import(context, project, case, maker))
        context.log(f"{case.image_name}: {outcomes[-1]['revision_id'] or outcomes[-1]['cause']}")
        context.publish(outcomes=outcomes)
    predictions = {each["image_id"]: each["revision_id"] for each in outcomes if each["revision_id"]}
    if not predictions:
        first = outcomes[0]
        raise JobError(f"None of the predictions could be used. {first['cause']}", first["remedy"])
    result: dict[str, Any] = {"outcomes": outcomes, "predictions": predictions}
    if context.params.evaluate:
        plan = EvaluationPlan(project_id=project.id, image_ids=tuple(predictions), predictions=predictions, name=maker)
        result["evaluation_job_id"] = start_evaluation(context.store, plan, author=context.author).id
    if context.params.batch_id:
        discard_batch(context.settings, context.params.batch_id)
    return result


def _import(
    context: JobContext[ImportPredictionsParams], project: ProjectRecord, case: PredictionCase, maker: str
) -> dict[str, Any]:
    """One image; only what no other could survive either is raised."""
    outcome: dict[str, Any] = {
        "name": case.image_name, "image_id": case.image_id, "revision_id": "", "cause": "", "remedy": "", "notes": []
    }  # fmt: skip
    try:
        with one_of_many(case.image_name):
            outcome["revision_id"], outcome["notes"] = keep_prediction(context, project, case, maker)
    except CristaeError as error:
        if not is_about_one_file(error):
            raise
        outcome["cause"], outcome["remedy"] = error.cause, error.remedy
    return outcome


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
    key = hashlib.sha256(f"{maker}\n{label_hash(read.labels_yx, read.objects)}".encode()).hexdigest()
    notes = list(read.report.sentences)
    there = store.revisions.of_image(
        image.id, kind=RevisionKind.PREDICTION, settings_key=key, state=RevisionState.COMPLETE
    )
    if there:
        return there[0].id, notes
    store.require_free_space(read.labels_yx.nbytes)
    details = {
        "scheme": project.scheme.to_json(), "import": read.report.to_json(), "job_id": context.id, "maker": maker,
        "files": [path.name for path in case.paths],
    }  # fmt: skip
    revision = store.revisions.begin(
        image.id, RevisionKind.PREDICTION, author=context.author, settings_key=key, details=details
    )
    try:
        size_nm = image.pixel_size.nm
        write_label_pyramid(
            store.revisions.pyramid_path(revision.id),
            read.labels_yx,
            pixel_size_nm=size_nm,
            objects=read.objects,
            scheme=project.scheme,
        )
        rows = coverage_table(read.labels_yx, project.scheme, size_nm, objects=read.objects)
        store.revisions.complete(revision.id, coverage=[row.to_json() for row in rows])
    except BaseException:
        store.revisions.discard(revision.id)
        raise
    return revision.id, notes
