"""The trash: images taken away so that they can come back."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select, update

from core.store.base import StorePart, now, portions, revision_ids
from core.store.images import image_record
from core.store.records import ImageRecord
from core.store.tables import ImageRow

TRASH_DAYS: Final = 30
"""What lies in the trash longer is permanently deleted by the engine: long enough to notice a mistake."""


class Trash(StorePart):
    """Images that are in no list, with their label maps, for `TRASH_DAYS` days."""

    def put(self, image_ids: Collection[str]) -> int:
        """Put images into the trash, with their label maps. Returns how many were not there already.

        They are in no list and can be restored for `TRASH_DAYS` days.
        """
        return self._mark(image_ids, now())

    def restore(self, image_ids: Collection[str]) -> int:
        """Take images out of the trash, with all that belongs to them. Returns how many were there."""
        return self._mark(image_ids, None)

    def images(self, project_id: str | None = None) -> tuple[ImageRecord, ...]:
        """What is in the trash, of a project or of all; last thrown away first."""
        wanted = select(ImageRow).where(ImageRow.trashed_at.is_not(None)).order_by(ImageRow.trashed_at.desc())
        if project_id is not None:
            wanted = wanted.where(ImageRow.project_id == project_id)
        with self._data.database.reading() as session:
            return tuple(image_record(row) for row in session.scalars(wanted))

    def purge(self, *, older_than: timedelta = timedelta(days=TRASH_DAYS)) -> int:
        """Remove for good what lies in the trash longer. Returns how many images."""
        limit = now() - older_than
        wanted = select(ImageRow.id).where(ImageRow.trashed_at.is_not(None), ImageRow.trashed_at < limit)
        with self._data.database.reading() as session:
            ids = list(session.scalars(wanted))
        return sum(self._purge(image_id, limit) for image_id in ids)

    def _purge(self, image_id: str, limit: datetime) -> bool:
        """Remove one, unless somebody restored it in this moment."""
        with self._data.database.writing() as session:
            revisions = revision_ids(session, [image_id])
            gone = session.scalars(
                delete(ImageRow).where(ImageRow.id == image_id, ImageRow.trashed_at < limit).returning(ImageRow.id)
            ).all()
        if gone:
            self._data.remove_files([image_id], revisions)
        return bool(gone)

    def _mark(self, image_ids: Collection[str], moment: datetime | None) -> int:
        """Set or clear the time of throwing away, where it is not so already."""
        ids = list(dict.fromkeys(image_ids))
        differs = ImageRow.trashed_at.is_not(None) if moment is None else ImageRow.trashed_at.is_(None)
        changed = 0
        with self._data.database.writing() as session:
            for some in portions(ids):
                statement = update(ImageRow).where(ImageRow.id.in_(some), differs).values(trashed_at=moment)
                changed += len(session.scalars(statement.returning(ImageRow.id)).all())
        return changed
