"""Looking at evaluations. Nothing is measured here: kept scores are aggregated, once per process."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from core.access.roles import Permission, require, require_within
from core.cache import MB, Cache
from core.errors import DatasetError, NotFoundError
from core.evaluation.comparison import Comparison, compare
from core.evaluation.error_objects import ConnectedError
from core.evaluation.image_scores import ALL, ImageScores
from core.evaluation.report import EvaluationReport, build_report
from core.evaluation.settings import EvaluationSettings
from core.jobs.rows import job, request_cancel
from core.label_scheme import LabelScheme
from core.store.audit import note
from core.store.database import Transaction
from core.store.records import EvaluationImageRecord, EvaluationRecord, EvaluationState
from core.store.store import Store
from core.wording import some_of

KEPT_BYTES: Final = 128 * MB
"""Evaluations in memory: 500 images with 6 classes take about 10 MB."""

_WAITING: Final = "Not scored yet."
_STOPPED: Final = "The evaluation stopped before this image."

_loaded: Final[Cache[_Loaded]] = Cache("evaluations", "figures of the images of an evaluation", limit_bytes=KEPT_BYTES)
_compared: Final[Cache[Comparison]] = Cache("compared evaluations", "paired differences", limit_bytes=32 * MB)


@dataclass(frozen=True, slots=True)
class EvaluatedImage(EvaluationImageRecord):
    """One image of an evaluation with its figures. Its ``reason`` also says why there are none yet.

    Parameters
    ----------
    values
        Metric name to class id to figure, None for undefined. Under `core.evaluation.image_scores.ALL` (0) the mean
        over classes, or the figure of the whole image where the metric has one. Empty without scores.
    """

    values: Mapping[str, Mapping[int, float | None]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def scored(self) -> bool:
        """Whether there are figures."""
        return bool(self.values)


@dataclass(frozen=True, slots=True)
class _Loaded:
    """An evaluation as read; the report is None before the first image is scored."""

    images: tuple[EvaluatedImage, ...]
    report: EvaluationReport | None


def evaluations(store: Store, project_id: str) -> tuple[EvaluationRecord, ...]:
    """Evaluations of a project, newest first."""
    return tuple(_as_it_is(store, row) for row in store.evaluations.of_project(project_id))


def evaluation(store: Store, evaluation_id: str) -> EvaluationRecord:
    """One evaluation.

    Raises
    ------
    NotFoundError
        There is none with this id.
    """
    return _as_it_is(store, store.evaluations.get(evaluation_id))


def evaluation_report(store: Store, evaluation_id: str) -> EvaluationReport:
    """Figures over the images that are scored so far; partial where some are not.

    Raises
    ------
    NotFoundError
        There is no such evaluation, or none of its images is scored.
    """
    row = evaluation(store, evaluation_id)
    report = _load(store, row).report
    if report is None:
        raise NotFoundError(
            f"The evaluation {row.name} has no scored images yet.", "Wait for the first image, or check the job."
        )
    return report


def evaluated_images(store: Store, evaluation_id: str) -> tuple[EvaluatedImage, ...]:
    """All its images in their order, those without scores too.

    Raises
    ------
    NotFoundError
        There is no such evaluation.
    """
    return _load(store, evaluation(store, evaluation_id)).images


def image_errors(store: Store, evaluation_id: str, image_id: str) -> tuple[ConnectedError, ...]:
    """The largest connected errors of an image, largest first; empty where it has none or is not scored.

    Raises
    ------
    NotFoundError
        The evaluation has no such image.
    """
    return tuple(ConnectedError.from_json(error) for error in store.evaluations.errors(evaluation_id, image_id))


def compare_evaluations(store: Store, before_id: str, after_id: str) -> Comparison:
    """Paired differences, after minus before, over the images that both have scored.

    Raises
    ------
    NotFoundError
        There is no such evaluation, or nothing in it is scored.
    DatasetError
        They cannot be compared: other images, classes, references, pixel sizes or ways of measuring.
    """
    _check_references(store, before_id, after_id)
    before, after = evaluation_report(store, before_id), evaluation_report(store, after_id)
    return _compared.get_or_make((before, after), lambda: compare(before, after))


def _check_references(store: Store, before_id: str, after_id: str) -> None:
    """Refuse where an image has another reference since, however alike the two are in numbers."""
    first, second = (
        {image.image_id: image for image in store.evaluations.images(each)} for each in (before_id, after_id)
    )
    both = [(first[image_id], image) for image_id, image in second.items() if image_id in first]
    changed = [
        new.name for old, new in both if old.reference_id and new.reference_id and old.reference_id != new.reference_id
    ]
    if changed:
        raise DatasetError(
            f"The reference of {some_of(changed)} changed between the two evaluations.",
            "Evaluate both models again with the current reference.",
        )


def delete_evaluation(store: Store, evaluation_id: str, *, by: str | None = None) -> None:
    """Remove an evaluation with its scores and stop its job; images and label maps stay.

    Parameters
    ----------
    by
        The person who asks: their right is asked for, and the audit log says so. None: the program itself asks.

    Raises
    ------
    NotFoundError
        There is none with this id.
    AccessError
        ``by`` may not evaluate in its project.
    """
    row = store.evaluations.get(evaluation_id)
    if by is not None:
        require(store, row.project_id, by, Permission.TRAIN)

    def told(session: Transaction) -> None:
        if by is not None:
            require_within(session, store.settings, row.project_id, by, Permission.TRAIN)
            note(session, by, "evaluation_deleted", row.project_id, evaluation_id, name=row.name)

    store.evaluations.delete(evaluation_id, within=told)
    if row.job_id is not None and not _ended(store, row.job_id):
        request_cancel(row.job_id, store=store)


def _as_it_is(store: Store, row: EvaluationRecord) -> EvaluationRecord:
    """An evaluation whose job ended without a word (a machine that went away) is partial, whatever its row says."""
    if row.state is not EvaluationState.RUNNING or row.job_id is None or not _ended(store, row.job_id):
        return row
    return dataclasses.replace(row, state=EvaluationState.PARTIAL)


def _ended(store: Store, job_id: str) -> bool:
    try:
        return job(job_id, store=store).finished
    except NotFoundError:
        return True


def _load(store: Store, row: EvaluationRecord) -> _Loaded:
    """Images and report, from memory where nothing has changed since; who asks for the same meanwhile waits for it."""
    scheme = row.scheme.shown_as(store.projects.get(row.project_id).scheme)
    key = (store.settings.resolved_database_url, row.id, row.scored_count, row.state, row.completed_at, scheme)
    known = _loaded.get(key)
    if known is not None:
        return known
    _loaded.forget(lambda other: other != key and other[:2] == key[:2])  # as it was before
    return _loaded.get_or_make(key, lambda: _read(store, row, scheme))


def _read(store: Store, row: EvaluationRecord, scheme: LabelScheme) -> _Loaded:
    """With the classes as the project calls and colours them now."""
    rows = store.evaluations.images(row.id)
    scores = {
        row.image_id: dataclasses.replace(ImageScores.from_json(row.scores), specimen=row.specimen)
        for row in rows
        if row.scores is not None
    }
    unscored = {each.name: _reason(row, each) for each in rows if each.scores is None}
    report = None
    if scores:
        settings = EvaluationSettings.from_json(row.settings)
        report = build_report(list(scores.values()), scheme, settings, unscored=unscored)
    images = tuple(
        EvaluatedImage(
            row.image_id,
            row.name,
            row.specimen,
            row.group,
            row.pixel_size_nm,
            row.reference_id,
            row.prediction_id,
            reason=unscored.get(row.name, ""),
            values=_values(report, scores[row.image_id], scheme.ids) if report and row.image_id in scores else {},
        )
        for row in rows
    )
    return _Loaded(images, report)


def _reason(row: EvaluationRecord, image: EvaluationImageRecord) -> str:
    if image.reason:
        return image.reason
    return _WAITING if row.state is EvaluationState.RUNNING else _STOPPED


def _values(
    report: EvaluationReport, scores: ImageScores, class_ids: tuple[int, ...]
) -> dict[str, dict[int, float | None]]:
    """Metric to class to figure, None for undefined."""
    table: dict[str, dict[int, float | None]] = {}
    for metric in report.metrics:
        figures = {i: scores.value(metric.name, i) for i in class_ids}
        defined = [figure for figure in figures.values() if figure == figure]
        whole = scores.value(metric.name, ALL)
        if whole != whole and defined:
            whole = sum(defined) / len(defined)
        table[metric.name] = {i: None if f != f else f for i, f in {ALL: whole, **figures}.items()}
    return table
