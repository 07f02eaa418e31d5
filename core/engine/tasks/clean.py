"""``clean``: a prediction once more, cleaned by other object rules; nothing is predicted.

Params: ``revision_id``, ``rules`` (JSON of `ObjectRules`, in the ids of the label map); ``image_id``, ``project_id``.
Result: ``revision_id``, the new label map.
"""

from __future__ import annotations

from core.engine.context import JobContext
from core.jobs.kinds import CleanParams, CleanResult
from core.objects.rules import ObjectRules
from core.predictions.cleaning import clean_again


def run(context: JobContext[CleanParams]) -> CleanResult:
    """Clean it.

    Raises
    ------
    JobError
        The parameters cannot be used.
    NotFoundError
        The label map is gone.
    PredictionError, LabelMapError
        It is no prediction, or what was changed cannot be read.
    StorageFullError
        The disk is full; nothing is left then.
    JobCancelledError
        Somebody asked for the job to stop; nothing is left then.
    """
    params = context.params
    revision = context.store.revisions.get(params.revision_id)
    context.progress(0.1, "removing small objects")
    new = clean_again(
        context.store,
        revision,
        ObjectRules.from_json(dict(params.rules)),
        author=context.author,
        check_cancelled=context.check_cancelled,
    )
    return CleanResult(revision_id=new.id)
