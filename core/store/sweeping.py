"""What dead processes left half-written."""

from __future__ import annotations

from collections.abc import Collection

from core.errors import NotFoundError
from core.store.base import DataFolder
from core.store.records import RevisionState
from core.store.revisions import Revisions
from core.store.tables import ImageRow, RevisionRow


def sweep_half_written(data: DataFolder, revisions: Revisions) -> int:
    """Remove half-written revisions, pyramids and temporary folders.

    Safe beside writers: what a living process holds is left alone.

    Returns
    -------
    int
        How many things were removed.
    """

    def known_revisions(ids: Collection[str]) -> set[str]:
        return data.known(RevisionRow.id, ids)

    def known_images(ids: Collection[str]) -> set[str]:
        return data.known(ImageRow.id, ids)

    removed = 0
    for revision_id in revisions.writing_ids():
        with data.holds.holding(revision_id) as alone:
            if alone and _discard_if_writing(revisions, revision_id):
                removed += 1
    removed += data.sweep_folder(data.labels_dir, known_revisions)
    return removed + data.sweep_folder(data.images_dir, known_images)


def _discard_if_writing(revisions: Revisions, revision_id: str) -> bool:
    try:
        if revisions.get(revision_id).state is RevisionState.COMPLETE:
            return False
    except NotFoundError:
        return False
    revisions.discard(revision_id)
    return True
