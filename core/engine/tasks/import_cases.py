"""``import_cases``: many images with their labels into a project, each with an outcome of its own.

Params: ``project_id``; ``cases``, a list of `ImportCase.to_json`; optionally ``batch_id``, whose files are deleted once
all is read. Result: ``outcomes``, one per file: ``name``, ``outcome`` (imported, duplicate, refused), ``image_id``,
``of`` (name of the image, or of the file of this import, that has the same pixels), ``labels`` (added, same, none),
``cause``, ``remedy``, ``notes``.

Images and label maps are known by their content: what is there is never added twice, so that a job that was cut off, or
is asked for twice, may simply run again. What is imported stays when the job is cancelled.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from core.curation.images import cancel_predictions, note_brought, predictions_of
from core.curation.pixel_size_change import sized_words
from core.datasets.guarded_labels import read_labels_guarded
from core.datasets.image_facts import facts_of
from core.datasets.import_case import ImportCase, refuse_links
from core.engine.context import JobContext
from core.engine.file_outcomes import cases_of, is_about_one_file, one_of_many
from core.engine.imported_labels import keep_imported
from core.errors import CristaeError, NotFoundError
from core.imaging.guarded_micrograph import GuardedMicrograph, open_guarded
from core.imaging.image import Image, PixelSize
from core.jobs.kinds import FileOutcome, ImportCasesParams, ImportCasesResult, LabelOutcome, Outcome
from core.jobs.rights import require_fence
from core.jobs.rows import job
from core.label_scheme import LabelScheme
from core.labels.report import LabelImport
from core.store.import_batch import discard_batch
from core.store.records import ImageRecord, ProjectRecord, RevisionKind

_PUBLISH_S: Final = 1.0
"""Outcomes are shown this often while the job runs."""


def run(context: JobContext[ImportCasesParams]) -> ImportCasesResult:
    """Import case by case.

    Raises
    ------
    JobError
        The parameters cannot be used.
    NotFoundError
        There is no such project.
    StorageFullError
        The disk is full; what is imported stays.
    JobCancelledError
        Somebody asked for the job to stop; what is imported stays.
    """
    project = context.store.projects.get(context.params.project_id)
    cases = cases_of(context.params, ImportCase.from_json)
    since = job(context.id, store=context.store).created_at
    outcomes: list[FileOutcome] = []
    known = _Known(context, project.id, since)
    shown_s = 0.0
    for number, case in enumerate(cases):
        context.progress(number / len(cases), f"{case.name} ({number + 1} of {len(cases)})")
        for each in _import(context, project, case, known):
            outcomes.append(each)
            context.log(f"{each.name}: {each.outcome}, labels {each.labels} {each.cause}".rstrip())
        if time.monotonic() - shown_s > _PUBLISH_S:
            shown_s = time.monotonic()
            context.publish(outcomes=[outcome.to_json() for outcome in outcomes])
    if context.params.batch_id:
        discard_batch(context.settings, context.params.batch_id)
    return ImportCasesResult(outcomes=tuple(outcomes))


class _Known:
    """Which images a project held before this import, as they were then, and which file brought the others."""

    def __init__(self, context: JobContext[ImportCasesParams], project_id: str, since: datetime) -> None:
        self._store, self._author = context.store, context.author
        before = (*context.store.images.all(project_id), *context.store.trash.images(project_id))
        self._before = {image.id: image for image in before if image.created_at < since}
        self._trashed = {image.id for image in context.store.trash.images(project_id)}
        self._brought: dict[str, tuple[Path, int, str]] = {}

    def owner(self, image: ImageRecord, path: Path, page: int, name: str) -> str:
        """The image or file that had these pixels before this page of a file; "" where it is the first."""
        if image.id in self._before:
            return self._before[image.id].name
        first = self._brought.setdefault(image.id, (path, page, name))
        return "" if first[:2] == (path, page) else first[2]

    def under_way(self) -> frozenset[str]:
        """Predictions of images whose pixel size is unknown: asked before a file is added that may bring it."""
        unsized = [image.id for image in self._before.values() if image.pixel_size.nm is None]
        return frozenset(predictions_of(self._store, unsized)) if unsized else frozenset()

    def notes(self, image: ImageRecord, size: PixelSize, under_way: frozenset[str]) -> list[str]:
        """What the file changed about an image that was there, and what it says otherwise.

        Predictions of it that are under way without the pixel size that the file brings are cancelled.
        """
        before = self._before.get(image.id)
        if before is None:
            return []
        restored = image.id in self._trashed
        text = ["It was restored from the trash."] if restored else []
        if note_brought(self._store, before, image, by=self._author, restored=restored):
            text.append(sized_words(self._store, before, image.pixel_size.nm or 0.0))
            wrong = under_way.intersection(predictions_of(self._store, [image.id]))
            cancel_predictions(self._store, wrong)
            if wrong:
                text.append(
                    "Its prediction was running without the pixel size and was cancelled; segment the image again."
                )
        elif size.nm is not None and image.pixel_size.nm is not None and size.nm != image.pixel_size.nm:
            text.append(
                f"This file contains {size.nm:.4g} nm per pixel; the {image.pixel_size.nm:.4g} nm already recorded "
                "were kept."
            )
        self._before[image.id] = image
        self._trashed.discard(image.id)
        return text


def _import(
    context: JobContext[ImportCasesParams], project: ProjectRecord, case: ImportCase, known: _Known
) -> list[FileOutcome]:
    """One case; an outcome per page. Only what no other case could survive either is raised."""
    outcomes: list[FileOutcome] = []
    try:
        with one_of_many(case.name):
            require_fence(context.settings, context.params, list(case.paths))
            refuse_links(case)
            with open_guarded(case.image_path, max_px=context.settings.max_image_px) as file:
                labels = None
                if case.label_paths:
                    labels = read_labels_guarded(case, project.scheme, file.shape_yx, file.placement)
                outcomes.extend(_pages(context, project, case, file, labels, known))
    except CristaeError as error:
        if isinstance(error, NotFoundError) or not is_about_one_file(error):  # not found: the project has gone
            raise
        outcomes.append(FileOutcome(name=case.name, outcome=Outcome.REFUSED, cause=error.cause, remedy=error.remedy))
    return outcomes


def _pages(
    context: JobContext[ImportCasesParams],
    project: ProjectRecord,
    case: ImportCase,
    file: GuardedMicrograph,
    labels: LabelImport | None,
    known: _Known,
) -> Iterator[FileOutcome]:
    """Add every page of the file, and the labels to the only one; a page that cannot be read is named."""
    for page in range(file.pages):
        context.check_cancelled()
        name = case.name if file.pages == 1 else file.page_name(page)
        try:
            with one_of_many(name):
                yield _page(context, project, case, file, page, name, labels, known)
        except CristaeError as error:
            if isinstance(error, NotFoundError) or not is_about_one_file(error):
                raise
            yield FileOutcome(name=name, outcome=Outcome.REFUSED, cause=error.cause, remedy=error.remedy)


def _page(
    context: JobContext[ImportCasesParams],
    project: ProjectRecord,
    case: ImportCase,
    file: GuardedMicrograph,
    page: int,
    name: str,
    labels: LabelImport | None,
    known: _Known,
) -> FileOutcome:
    """Add one page."""
    image = file.read(page)
    image = replace(image, name=name, pixel_size=case.pixel_size(image.pixel_size))
    under_way = known.under_way() if image.pixel_size.nm is not None else frozenset()
    record = _add_image(context, project, case, image, page if file.pages > 1 else None)
    of = known.owner(record, case.image_path, page, name)
    outcome = Outcome.DUPLICATE if of else Outcome.IMPORTED
    added = LabelOutcome.NONE
    if labels is not None:
        added = _add_labels(context, record, labels, project.scheme, case.predicted_by)
    notes = [
        *known.notes(record, image.pixel_size, under_way),
        *image.notices,
        *(labels.report.sentences if labels else ()),
    ]
    return FileOutcome(name=name, outcome=outcome, image_id=record.id, of=of, labels=added, notes=tuple(notes))


def _add_image(
    context: JobContext[ImportCasesParams], project: ProjectRecord, case: ImportCase, image: Image, page: int | None
) -> ImageRecord:
    """The image, new or not. One whose stack is guessed from its name is known by its pixels alone."""
    if case.known_place and case.stack and page is None:
        page = case.z_index
    if page is not None:
        return context.store.images.add_once(
            project.id,
            image,
            split=case.split,
            **facts_of(case),
            stack=case.stack or case.name,
            z_index=page,
        )[0]
    record, new = context.store.images.add_once(project.id, image, split=case.split, **facts_of(case))
    if new and case.stack:
        record = context.store.images.update(record.id, stack=case.stack, z_index=case.z_index)
    return record


def _add_labels(
    context: JobContext[ImportCasesParams], image: ImageRecord, labels: LabelImport, scheme: LabelScheme, maker: str
) -> LabelOutcome:
    """Keep a label map as a reference, or as the prediction of what made it, unless the image has this one already."""
    kind = RevisionKind.PREDICTION if maker else RevisionKind.REFERENCE
    _, new = keep_imported(context, image, labels, scheme, kind, maker=maker)
    return LabelOutcome.ADDED if new else LabelOutcome.SAME
