"""What people change about images that are there: names, places, splits; and the trash."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select, update

from core.errors import StoreError
from core.imaging.image import PixelSize
from core.store.base import found, now
from core.store.images import STACK_NAME_LENGTH, ImageStore, image_record
from core.store.projects import revision_ids
from core.store.records import ImageRecord, Split
from core.store.tables import ImageRow

TRASH_DAYS: Final = 30
"""What lies in the trash longer is removed for good when a store opens: long enough to notice a mistake."""

_AT_ONCE: Final = 400
"""Ids in one statement; SQLite takes 32,766, other databases fewer."""


class ImageChanges(ImageStore):
    """Changing images, and taking them away so that they can come back."""

    def update_image(
        self,
        image_id: str,
        *,
        name: str | None = None,
        specimen: str | None = None,
        condition: str | None = None,
        split: Split | str | None = None,
        stack: str | None = None,
        z_index: int | None = None,
        pixel_size: PixelSize | None = None,
    ) -> ImageRecord:
        """Change what is given and leave the rest.

        Parameters
        ----------
        image_id
            Which.
        name, specimen, condition
            Up to 500, 200 and 200 characters; a name is not empty.
        split
            train, test or pool.
        stack, z_index
            Its place; a stack without ``z_index`` takes the old place away, ``stack=""`` makes it a single image.
        pixel_size
            Also written into its pyramid; label maps that exist stay as they are.

        Raises
        ------
        NotFoundError
            There is no such image.
        StoreError
            An empty name, or a split that there is not.
        """
        if name is not None and not name.strip():
            raise StoreError("The image's name is empty.", "Give every image a name.")
        if split is not None and split not in tuple(Split):
            raise StoreError(f"There is no split {split!r}.", f"Choose one of {', '.join(Split)}.")
        with self.database.writing() as session:
            row = found(session, ImageRow, image_id, "image")
            if name is not None:
                row.name = name.strip()[:500]
            if specimen is not None:
                row.specimen = specimen.strip()[:200]
            if condition is not None:
                row.condition = condition.strip()[:200]
            if split is not None:
                row.split = Split(split).value
            if stack is not None:
                row.stack = stack.strip()[:STACK_NAME_LENGTH]
                row.z_index = z_index if row.stack else None
            elif z_index is not None:
                row.z_index = z_index
        return image_record(row) if pixel_size is None else self.set_pixel_size(image_id, pixel_size)

    def trash_images(self, image_ids: Collection[str]) -> int:
        """Put images into the trash, with their label maps. Returns how many were not there already.

        They are in no list and can be restored for `TRASH_DAYS` days.
        """
        return self._mark(image_ids, now())

    def restore_images(self, image_ids: Collection[str]) -> int:
        """Take images out of the trash, with all that belongs to them. Returns how many were there."""
        return self._mark(image_ids, None)

    def trashed_images(self, project_id: str | None = None) -> tuple[ImageRecord, ...]:
        """What is in the trash, of a project or of all; last thrown away first."""
        wanted = select(ImageRow).where(ImageRow.trashed_at.is_not(None)).order_by(ImageRow.trashed_at.desc())
        if project_id is not None:
            wanted = wanted.where(ImageRow.project_id == project_id)
        with self.database.reading() as session:
            return tuple(image_record(row) for row in session.scalars(wanted))

    def purge_images(self, *, older_than: timedelta = timedelta(days=TRASH_DAYS)) -> int:
        """Remove for good what lies in the trash longer. Returns how many images."""
        limit = now() - older_than
        wanted = select(ImageRow.id).where(ImageRow.trashed_at.is_not(None), ImageRow.trashed_at < limit)
        with self.database.reading() as session:
            ids = list(session.scalars(wanted))
        return sum(self._purge(image_id, limit) for image_id in ids)

    def _purge(self, image_id: str, limit: datetime) -> bool:
        """Remove one, unless somebody restored it in this moment."""
        with self.database.writing() as session:
            revisions = revision_ids(session, [image_id])
            gone = session.scalars(
                delete(ImageRow).where(ImageRow.id == image_id, ImageRow.trashed_at < limit).returning(ImageRow.id)
            ).all()
        if gone:
            self._remove_files([image_id], revisions)
        return bool(gone)

    def _mark(self, image_ids: Collection[str], moment: datetime | None) -> int:
        """Set or clear the time of throwing away, where it is not so already."""
        ids = list(dict.fromkeys(image_ids))
        differs = ImageRow.trashed_at.is_not(None) if moment is None else ImageRow.trashed_at.is_(None)
        changed = 0
        with self.database.writing() as session:
            for start in range(0, len(ids), _AT_ONCE):
                some = ids[start : start + _AT_ONCE]
                statement = update(ImageRow).where(ImageRow.id.in_(some), differs).values(trashed_at=moment)
                changed += len(session.scalars(statement.returning(ImageRow.id)).all())
        return changed
