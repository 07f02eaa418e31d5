"""``predict``: segment an image with a model.

Params: ``image_id``, ``model_id``; optionally ``pixel_size_nm`` (of the image, where it does not know itself or is
wrong), ``step`` (0.5), ``mirroring`` (false), ``class_map`` (what becomes of classes of the model that the project does
not have: name of the model's class to name of the project's, None for background; other classes as decided in the
project before, by `core.curation.images.decide_classes`). Result: ``revision_id`` (as soon as there is one: its blocks
can be shown while they arrive), ``summary`` and ``reused`` (the same was done before, nothing was computed).

The label map is in the project's classes. A class of the model without a counterpart becomes background and is named in
the summary's notices and in the revision's details (``class_match``). Pieces that are too small to be objects, by the
rules in the model's card, are removed as blocks are written (details ``objects``); the map before is kept beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.engine.context import JobContext
from core.engine.warm import fingerprint, model_state, warm_predictor
from core.errors import PredictionError
from core.imaging.block_sink import BlockSink
from core.imaging.image import Image
from core.imaging.lengths import checked_pixel_size
from core.imaging.pyramid import LabelPyramidWriter, open_pyramid
from core.jobs.kinds import PredictParams, PredictResult
from core.jobs.parameters import JobParams
from core.label_scheme import LabelScheme
from core.labels.translation import ClassTranslation
from core.models.store import ModelStore, StoredModel
from core.morphometry.coverage import coverage_table
from core.objects.cleaning import Changes, CleaningSink
from core.objects.pieces import piece_table
from core.objects.report import separation_sentence
from core.objects.rules import ObjectRules
from core.objects.separation import Separation, SeparationWay
from core.predictions.cleaning import keep_cleaning, keep_objects, keep_questions
from core.segmentation.parting import PartingRows
from core.segmentation.resampling import taken_pixel_size
from core.store.label_maps import MATCH, model_classes
from core.store.records import ImageRecord, RevisionKind, RevisionRecord

BYTES_PER_PX = 3
"""Free space asked for: labels and confidence with their pyramids, before compression."""

NETWORK_SHARE = 0.97
"""Of the progress; the rest is for the coverage table."""


Progress = Callable[[float, str, float | None], None]
"""Told a fraction (0 to 1), what is being done, and the seconds left where they are known."""


@dataclass(frozen=True, slots=True)
class _Request:
    """Checked parameters."""

    image: ImageRecord
    model: StoredModel
    pixel_size_nm: float | None
    step: float
    mirroring: bool
    translation: ClassTranslation
    rules: ObjectRules
    separation: Separation
    settings_key: str


def run(context: JobContext[PredictParams]) -> PredictResult:
    """Segment the image, or find that this was done before. Raises as `predict_image`."""

    def publish(revision_id: str) -> None:
        context.publish(revision_id=revision_id)

    return predict_image(context, context.params, context.progress, publish)


def predict_image(
    context: JobContext[JobParams],
    params: PredictParams,
    progress: Progress,
    publish: Callable[[str], None] = lambda revision_id: None,
) -> PredictResult:
    """Segment an image as a job, or as a part of one.

    Parameters
    ----------
    context
        The job.
    params
        As in this module's docstring.
    progress
        Told how far this image is; raises `JobCancelledError` to stop.
    publish
        Given the id of the revision as soon as there is one.

    Returns
    -------
    dict
        The result, as in this module's docstring.

    Raises
    ------
    NotFoundError, ModelError
        There is no such image or model.
    PredictionError
        Unusable parameters, the model cannot take the image, or it knows none of the project's classes.
    LabelMapError
        ``class_map`` names a class that there is not.
    StorageFullError
        The disk is full.
    JobCancelledError
        Somebody asked for the job to stop; nothing is left then.
    """
    request = _request(context, params)
    same = context.store.revisions.of_image(
        request.image.id, kind=RevisionKind.PREDICTION, settings_key=request.settings_key
    )
    if same:
        return PredictResult(revision_id=same[0].id, summary=same[0].details.get("summary", {}), reused=True)
    rows, columns = request.image.shape_yx
    context.store.require_free_space(rows * columns * BYTES_PER_PX)
    revision = context.store.revisions.begin(
        request.image.id,
        RevisionKind.PREDICTION,
        model_id=request.model.id,
        author=context.author,
        settings_key=request.settings_key,
        details={
            "scheme": request.translation.target.to_json(),
            MATCH: request.translation.to_json(),
            "progress": 0.0,
            "job_id": context.id,
        },
    )
    try:
        summary = _predict(context, request, revision, progress, publish)
        return PredictResult(revision_id=revision.id, summary=summary)
    except BaseException:
        context.store.revisions.discard(revision.id)
        raise


def _request(context: JobContext[JobParams], params: PredictParams) -> _Request:
    """The parameters, checked."""
    size_nm, step, mirroring = params.pixel_size_nm, params.step, params.mirroring
    if size_nm is not None:
        size_nm = checked_pixel_size(size_nm, error=PredictionError)
    image = context.store.images.get(params.image_id)
    model = ModelStore(context.settings.models_dir).get(params.model_id)
    translation = _translation(context, image, model, params.class_map)
    used_nm = image.pixel_size.nm if size_nm is None else size_nm
    rules = model.card.object_rules.translated(translation.lookup())
    separation = model.card.separation.translated(translation.lookup())
    key = fingerprint(
        model=model_state(model),
        pixel_size_nm=used_nm,
        step=step,
        mirroring=mirroring,
        backend=context.settings.backend.value,
        precision=context.settings.precision.value,
        **({} if translation.identity else {"classes": sorted(translation.ids.items())}),
        **({} if not rules.rules else {"objects": rules.to_json()}),
        **({} if separation.way is SeparationWay.NONE else {"separation": separation.to_json()}),
    )
    return _Request(image, model, size_nm, step, mirroring, translation, rules, separation, key)


def _translation(
    context: JobContext[JobParams],
    image: ImageRecord,
    model: StoredModel,
    class_map: Mapping[str, str | None] | None = None,
) -> ClassTranslation:
    """From the model's classes to the project's; refused where no class has a counterpart and nobody has decided."""
    project = context.store.projects.get(image.project_id)
    translation = model_classes(context.store, project, model.scheme, model.id, class_map)
    if not translation.any_in_common and translation.undecided:
        raise PredictionError(
            f"{model.card.name} has the classes {_names(model.scheme)}; the project {project.name!r} has none of "
            f"these classes ({_names(project.scheme)}), so its label map would be empty.",
            "Open an image of the project on the Segment page with this model and match the classes there, or choose "
            "another model.",
        )
    return translation


def _names(scheme: LabelScheme) -> str:
    return ", ".join(item.name for item in scheme.classes)


def _predict(
    context: JobContext[JobParams],
    request: _Request,
    revision: RevisionRecord,
    progress: Progress,
    publish: Callable[[str], None],
) -> dict[str, Any]:
    """Compute and write the label map, block by block; its summary."""
    progress(0.0, f"loading {request.model.card.name}", None)
    predictor = warm_predictor(request.model, context.settings)
    pixels = _pixels(context, request.image)
    path = context.store.revisions.pyramid_path(revision.id)
    image = Image(pixels, request.image.pixel_size, request.image.name)
    used_nm = request.image.pixel_size.nm if request.pixel_size_nm is None else request.pixel_size_nm
    scheme = request.translation.target
    rules_nm = taken_pixel_size(used_nm, request.model.pixel_size_nm)
    limits = request.rules.limits(rules_nm)
    changes = Changes.none()
    parting: list[PartingRows] = []
    with LabelPyramidWriter(path, image.shape, pixel_size_nm=used_nm, scheme=scheme) as writer:
        publish(revision.id)
        report = _Report(context, progress, revision.id, writer)
        cleaning = CleaningSink(writer, image.shape, limits) if limits.removes or limits.fills else None
        sink = cleaning or writer
        summary = asdict(
            predictor.predict(
                image,
                sink if request.translation.identity else _TranslatingSink(sink, request.translation),
                pixel_size_nm=request.pixel_size_nm,
                step=request.step,
                mirroring=request.mirroring,
                on_progress=report,
                should_cancel=context.cancelled,
                take_parting=parting.append,
            )
        )
        progress(NETWORK_SHARE, "measuring", None)
        if cleaning is not None:
            changes = cleaning.changes()
    summary["notices"] = (*summary["notices"], *request.translation.sentences())
    if request.separation.way is SeparationWay.NECKS:
        summary["notices"] += (separation_sentence(request.separation, scheme),)
    labels = open_pyramid(path).whole()
    found = parting[0] if parting else None
    objects = keep_objects(context.store, revision.id, labels, found, request.separation, limits, used_nm)
    context.check_cancelled()
    questions = keep_questions(context.store, revision.id, labels, objects, found, request.separation, limits)
    pieces = piece_table(labels, objects)
    table = coverage_table(labels, scheme, used_nm, pieces=pieces, objects=objects, doubts=questions.doubts())
    coverage = [row.to_json() for row in table]
    context.check_cancelled()
    kept = keep_cleaning(
        context.store, revision.id, labels, changes, request.rules, rules_nm, scheme, pieces,
        separation=request.separation, parting=found,
    )  # fmt: skip
    context.store.revisions.complete(revision.id, coverage=coverage, summary=summary, objects=kept)
    return summary


class _TranslatingSink:
    """Writes blocks in the project's classes."""

    def __init__(self, sink: BlockSink, translation: ClassTranslation) -> None:
        self._sink = sink
        self._translation = translation

    def write(self, row: int, col: int, labels_u8: NDArray[np.uint8], confidence_u8: NDArray[np.uint8]) -> None:
        """As the sink's own, in the model's classes."""
        self._sink.write(row, col, self._translation.translated(labels_u8), confidence_u8)


class _Report:
    """Passes progress on to the job, and to the revision whenever its files have changed."""

    def __init__(
        self, context: JobContext[JobParams], progress: Progress, revision_id: str, writer: LabelPyramidWriter
    ) -> None:
        self._context = context
        self._progress = progress
        self._revision_id = revision_id
        self._writer = writer
        self._version = writer.version

    def __call__(self, fraction: float, message: str, eta_s: float | None) -> None:
        self._progress(fraction * NETWORK_SHARE, message, eta_s)
        if self._writer.version != self._version:
            self._version = self._writer.version
            self._context.store.revisions.update_details(self._revision_id, progress=round(fraction, 4))


def _pixels(context: JobContext[JobParams], image: ImageRecord) -> NDArray[Any]:
    """The whole image, from its pyramid."""
    pyramid = open_pyramid(context.store.images.pyramid_path(image.id))
    return pyramid.whole()
