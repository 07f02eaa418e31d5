"""``ingest``: read a micrograph, every page of it, into a project.

Params: ``project_id``; ``upload_id`` (a file from a browser, deleted afterwards) or ``path`` (a file on the server);
optionally ``name``, ``pixel_size_nm`` (instead of what the file says), ``pages`` (list, counted from 0; all if absent),
``split``, ``specimen``. Result: ``image_ids`` in the order of the pages, ``notices``, and ``duplicates``, the ids among
them that the project held before.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.errors import CristaeError, ImageError, JobCancelledError, JobError
from core.imaging.image import PixelSize
from core.imaging.reader import Micrograph, open_micrograph
from core.jobs.context import JobContext
from core.store.images import content_hash
from core.store.records import Split
from core.web.uploads import delete_upload, find_upload


def run(context: JobContext) -> dict[str, Any]:
    """Read the file; nothing is left of it when a page cannot be read.

    Raises
    ------
    ImageError
        The file cannot be used.
    NotFoundError
        There is no such project or upload.
    StorageFullError
        The disk is full.
    JobCancelledError
        Somebody asked for the job to stop.
    """
    upload_id = context.params.get("upload_id")
    path, name = _file(context, upload_id)
    added: list[str] = []
    try:
        with open_micrograph(path, name=name, max_px=context.settings.max_image_px) as micrograph:
            result = _ingest(context, micrograph, added)
    except BaseException as error:
        for image_id in added:
            context.store.delete_image(image_id)
        if upload_id and isinstance(error, ImageError | JobCancelledError):
            delete_upload(context.settings, upload_id)  # a full disk, say, leaves it for another try
        raise
    if upload_id:
        delete_upload(context.settings, upload_id)
    return result


def _file(context: JobContext, upload_id: str | None) -> tuple[Path, str]:
    """The file and what to call it."""
    given = str(context.params.get("name") or "")
    if upload_id:
        upload = find_upload(context.settings, upload_id)
        return upload.path, given or upload.name
    if not context.params.get("path"):
        raise JobError("The job names no file.", "Give an upload_id or a path on the server.")
    path = Path(str(context.params["path"])).expanduser()
    return path, given or path.name


def _ingest(context: JobContext, micrograph: Micrograph, added: list[str]) -> dict[str, Any]:
    """Add the pages one by one."""
    params = context.params
    pages = _pages(params.get("pages"), micrograph)
    size = None if params.get("pixel_size_nm") is None else PixelSize.from_user(float(params["pixel_size_nm"]))
    stack = _stack_name(context, micrograph, pages) if micrograph.pages > 1 else ""
    image_ids: list[str] = []
    notices: dict[str, None] = {}
    for number, page in enumerate(pages):
        context.progress(number / len(pages), f"reading {micrograph.page_name(page)}")
        image = micrograph.read(page)
        if size is not None:
            image = replace(image, pixel_size=size)
        record, new = context.store.add_image_once(
            str(params.get("project_id", "")),
            image,
            split=params.get("split", Split.POOL),
            specimen=str(params.get("specimen", "")),
            stack=stack,
            z_index=page if stack else None,
        )
        if new:
            added.append(record.id)
        image_ids.append(record.id)
        notices.update(dict.fromkeys(image.notices))
    context.check_cancelled()
    return {"image_ids": image_ids, "notices": list(notices), "duplicates": [i for i in image_ids if i not in added]}


def _stack_name(context: JobContext, micrograph: Micrograph, pages: list[int]) -> str:
    """The file's name, numbered where another file of that name has become a stack of the project before."""
    images = context.store.images(str(context.params.get("project_id", "")))
    taken = {(image.stack, image.z_index): image.content_hash for image in images if image.stack}
    for number in itertools.count(1):
        name = micrograph.name if number == 1 else f"{micrograph.name} ({number})"
        shared = [page for page in pages if (name, page) in taken]
        if all(content_hash(micrograph.read(page), name, page) == taken[name, page] for page in shared):
            break
    return name


def _pages(wanted: Any, micrograph: Micrograph) -> list[int]:
    """Which pages to read."""
    if wanted is None:
        return list(range(micrograph.pages))
    try:
        pages = [int(page) for page in wanted]
    except (TypeError, ValueError) as error:
        raise CristaeError(f"The pages are {wanted!r}.", "Give a list of numbers, counted from 0.") from error
    if not pages or not all(0 <= page < micrograph.pages for page in pages):
        raise ImageError(
            f"The pages {pages} were asked for, but {micrograph.name} has {micrograph.pages}.",
            f"Choose from 0 to {micrograph.pages - 1}.",
        )
    return pages
