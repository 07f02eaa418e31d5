"""``ingest``: read a micrograph, every page of it, into a project.

Params: ``project_id``; ``upload_id`` (a file from a browser, deleted afterwards) or ``path`` (a file on the server);
optionally ``name``, ``pixel_size_nm`` (instead of what the file says), ``assumed_nm`` (pixel size where the file does
not say it), ``then`` (`core.batches.plan.SegmentPlan`: every image is segmented once the file is read, by
`core.batches.followers`), ``pages`` (list, counted from 0; all if absent),
``split``, ``specimen``, ``condition``. Result: ``image_ids`` in the order of the pages, ``notices``, ``duplicates``,
the ids among them that the project held before, and of these ``restored`` (taken out of the trash), ``sized`` (their
pixel size was unknown and is now that of the file), ``outdated``, id of such an image to a sentence about its label
maps, and ``sizes_nm``, id to the file's pixel size where it is another than the known one, which stays.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

from core.batches.plan import SegmentPlan
from core.curation.images import note_brought
from core.curation.pixel_size_change import outdated_words
from core.datasets.image_facts import facts_of
from core.engine.context import JobContext
from core.errors import ImageError, JobCancelledError, JobError
from core.imaging.guarded_micrograph import GuardedMicrograph, open_guarded
from core.imaging.image import PixelSize
from core.imaging.image_content import content_hash
from core.jobs.kinds import IngestParams, IngestResult
from core.jobs.rights import require_fence
from core.store.records import ImageRecord
from core.store.store import Store
from core.store.uploads import delete_upload, find_upload


def run(context: JobContext[IngestParams]) -> IngestResult:
    """Read the file; nothing is left of it when a page cannot be read.

    Raises
    ------
    ImageError
        The file cannot be used.
    NotFoundError
        There is no such project or upload.
    StorageFullError
        The disk is full.
    PredictionError
        What shall follow cannot be used.
    JobCancelledError
        Somebody asked for the job to stop.
    """
    if context.params.then:
        SegmentPlan.from_json(context.params.then)  # what cannot follow is said before the file is read
    upload_id = context.params.upload_id
    path, name = _file(context, upload_id)
    added: list[str] = []
    try:
        with open_guarded(path, name=name, max_px=context.settings.max_image_px) as micrograph:
            result = _ingest(context, micrograph, added)
    except BaseException as error:
        for image_id in added:
            context.store.images.delete(image_id)
        if upload_id and isinstance(error, ImageError | JobCancelledError):
            delete_upload(context.settings, upload_id)  # a full disk, say, leaves it for another try
        raise
    if upload_id:
        delete_upload(context.settings, upload_id)
    return result


def _file(context: JobContext[IngestParams], upload_id: str) -> tuple[Path, str]:
    """The file and what to call it."""
    given = context.params.name
    if upload_id:
        upload = find_upload(context.settings, upload_id)
        return upload.path, given or upload.name
    if not context.params.path:
        raise JobError("The job names no file.", "Give an upload_id or a path on the server.")
    path = Path(context.params.path).expanduser()
    require_fence(context.settings, context.params, [path])
    return path, given or path.name


def _ingest(context: JobContext[IngestParams], micrograph: GuardedMicrograph, added: list[str]) -> IngestResult:
    """Add the pages one by one."""
    params = context.params
    pages = _pages(params.pages, micrograph)
    size = None if params.pixel_size_nm is None else PixelSize.from_user(params.pixel_size_nm)
    stack = _stack_name(context, micrograph, pages) if micrograph.pages > 1 else ""
    known = _Known(context.store, params.project_id, context.author)
    image_ids: list[str] = []
    notices: dict[str, None] = {}
    for number, page in enumerate(pages):
        context.progress(number / len(pages), f"reading {micrograph.page_name(page)}")
        image = micrograph.read(page)
        if size is not None:
            image = replace(image, pixel_size=size)
        elif image.pixel_size.nm is None and params.assumed_nm is not None:
            image = replace(image, pixel_size=PixelSize.from_user(params.assumed_nm))
        record, new = context.store.images.add_once(
            params.project_id,
            image,
            split=params.split,
            **facts_of(params),
            stack=stack,
            z_index=page if stack else None,
        )
        if new:
            added.append(record.id)
        else:
            known.compare(record, image.pixel_size)
        image_ids.append(record.id)
        notices.update(dict.fromkeys(image.notices))
    context.check_cancelled()
    duplicates = [image_id for image_id in image_ids if image_id not in added]
    return known.outcome(IngestResult(image_ids=tuple(image_ids), notices=tuple(notices), duplicates=tuple(duplicates)))


class _Known:
    """What happens to images that the project holds already."""

    def __init__(self, store: Store, project_id: str, author: str) -> None:
        self._store, self._author = store, author
        self._trashed = {image.id for image in store.trash.images(project_id)}
        before = (*store.images.all(project_id), *store.trash.images(project_id))
        self._before = {image.id: image for image in before}
        self._outdated: dict[str, str] = {}
        self._restored: list[str] = []
        self._sized: list[str] = []
        self._sizes_nm: dict[str, float] = {}

    def compare(self, record: ImageRecord, size: PixelSize) -> None:
        """Note what the file changed about an image, for who dropped it and in the audit log."""
        before, restored = self._before.get(record.id, record), record.id in self._trashed
        if restored:
            self._restored.append(record.id)
        if note_brought(self._store, before, record, by=self._author, restored=restored):
            self._sized.append(record.id)
            self._outdated[record.id] = outdated_words(self._store, before, record.pixel_size.nm or 0.0)
        if size.nm is not None and size.nm != record.pixel_size.nm:
            self._sizes_nm[record.id] = size.nm

    def outcome(self, result: IngestResult) -> IngestResult:
        """For the job's result."""
        outdated = {image_id: words for image_id, words in self._outdated.items() if words}
        return replace(
            result,
            restored=tuple(self._restored),
            sized=tuple(self._sized),
            sizes_nm=self._sizes_nm,
            outdated=outdated,
        )


def _stack_name(context: JobContext[IngestParams], micrograph: GuardedMicrograph, pages: list[int]) -> str:
    """The file's name, numbered where another file of that name has become a stack of the project before."""
    images = context.store.images.all(context.params.project_id)
    taken = {(image.stack, image.z_index): image.content_hash for image in images if image.stack}
    for number in itertools.count(1):
        name = micrograph.name if number == 1 else f"{micrograph.name} ({number})"
        shared = [page for page in pages if (name, page) in taken]
        if all(content_hash(micrograph.read(page), name, page) == taken[name, page] for page in shared):
            break
    return name


def _pages(wanted: tuple[int, ...] | None, micrograph: GuardedMicrograph) -> list[int]:
    """Which pages to read."""
    if wanted is None:
        return list(range(micrograph.pages))
    pages = list(wanted)
    if not pages or not all(0 <= page < micrograph.pages for page in pages):
        raise ImageError(
            f"The pages {pages} were requested, but {micrograph.name} has {micrograph.pages}.",
            f"Choose from 0 to {micrograph.pages - 1}.",
        )
    return pages
