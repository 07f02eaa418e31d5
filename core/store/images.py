"""Images: a row each, and a pyramid beside it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.datasets.image_facts import FACTS, kept_facts
from core.errors import StoreError
from core.imaging.image import Image, PixelSize, PixelSizeSource
from core.imaging.image_content import content_hash
from core.store.base import StorePart, found, new_id, now, portions, remove_tree, revision_ids
from core.store.records import ImageRecord, Split
from core.store.tables import ImageRow, ProjectRow

STACK_NAME_LENGTH = 500
"""What the table's column takes."""

PYRAMID_FACTOR = 4 / 3
"""A pyramid has 1 + 1/4 + 1/16 + ... of the pixels; compression makes it smaller, never much larger."""


class Images(StorePart):
    """Adding, listing, changing and removing images."""

    def add(
        self,
        project_id: str,
        image: Image,
        *,
        split: Split | str = Split.POOL,
        stack: str = "",
        z_index: int | None = None,
        example: bool = False,
        **facts: str,
    ) -> ImageRecord:
        """Keep an image: its pyramid first, then its row. The same content in the same project gives the old record.

        Planes are the same where their place in the stack is the same too. ``facts`` are those of
        `core.datasets.image_facts.FACTS`.

        Raises
        ------
        NotFoundError
            There is no such project.
        StorageFullError
            The disk is full or would become so; nothing is left then.
        """
        return self.add_once(
            project_id,
            image,
            split=split,
            stack=stack,
            z_index=z_index,
            example=example,
            **facts,
        )[0]

    def add_once(
        self,
        project_id: str,
        image: Image,
        *,
        split: Split | str = Split.POOL,
        stack: str = "",
        z_index: int | None = None,
        example: bool = False,
        **facts: str,
    ) -> tuple[ImageRecord, bool]:
        """As `add`; the second value says whether the image is new to the project.

        One that lies in the trash is taken out of it, with its label maps; it is not new. One of unknown pixel size
        takes that of this image; otherwise the old record stays as it is.
        """
        from core.imaging.display import percentile_window
        from core.imaging.pyramid import write_image_pyramid

        self._require_project(project_id)
        stack = stack[:STACK_NAME_LENGTH]
        digest = content_hash(image, stack, z_index)
        old = self._same_content(project_id, digest, image.pixel_size)
        if old is not None:
            return old, False
        self._data.require_free_space(int(image.pixels_yx.nbytes * PYRAMID_FACTOR))
        low, high = percentile_window(image.pixels_yx)
        row = ImageRow(
            id=new_id(),
            project_id=project_id,
            name=image.name[:500],
            content_hash=digest,
            height_px=image.shape[0],
            width_px=image.shape[1],
            dtype=image.pixels_yx.dtype.name,
            pixel_size_nm=image.pixel_size.nm,
            pixel_size_source=image.pixel_size.source.value,
            pixel_size_detail=image.pixel_size.detail[:500],
            **(dict.fromkeys(FACTS, "") | kept_facts(facts)),
            split=Split(split).value,
            stack=stack,
            z_index=z_index,
            example=example,
            notices=list(image.notices),
            window_low=float(low),
            window_high=float(high),
            created_at=now(),
        )
        with self._data.holds.holding(row.id):
            path = self.pyramid_path(row.id)
            try:
                write_image_pyramid(path, image)
                self._insert_image(row)
            except IntegrityError:
                remove_tree(path)
                other = self._same_content(project_id, digest, image.pixel_size)
                if other is None:  # then it is the project that has gone meanwhile
                    self._require_project(project_id)
                    raise
                return other, False
            except BaseException:
                remove_tree(path)
                raise
        return image_record(row), True

    def all(self, project_id: str | None = None) -> tuple[ImageRecord, ...]:
        """The images of a project, or all, without the trash: oldest first, planes of a stack in their order."""
        wanted = select(ImageRow).where(ImageRow.trashed_at.is_(None))
        wanted = wanted.order_by(ImageRow.created_at, ImageRow.z_index, ImageRow.id)
        if project_id is not None:
            wanted = wanted.where(ImageRow.project_id == project_id)
        with self._data.database.reading() as session:
            return tuple(image_record(row) for row in session.scalars(wanted))

    def get(self, image_id: str) -> ImageRecord:
        """One image, also one in the trash.

        Raises
        ------
        NotFoundError
            There is none with this id.
        """
        with self._data.database.reading() as session:
            return image_record(found(session, ImageRow, image_id, "image"))

    def pixel_counts(self, image_ids: Collection[str]) -> dict[str, int]:
        """How many pixels these images have, by their id; images that are gone are left out."""
        counts: dict[str, int] = {}
        with self._data.database.reading() as session:
            for some in portions(image_ids):
                area = select(ImageRow.id, ImageRow.height_px * ImageRow.width_px).where(ImageRow.id.in_(some))
                counts |= {image_id: int(pixels) for image_id, pixels in session.execute(area)}
        return counts

    def pyramid_path(self, image_id: str) -> Path:
        """The folder of its pyramid."""
        return self._data.images_dir / image_id

    def set_pixel_size(self, image_id: str, pixel_size: PixelSize) -> ImageRecord:
        """Correct an image's pixel size; label maps that exist stay as they are.

        Raises
        ------
        NotFoundError
            There is no such image.
        """
        from core.imaging.pyramid import set_pyramid_pixel_size

        with self._data.database.writing() as session:
            row = found(session, ImageRow, image_id, "image")
            row.pixel_size_nm = pixel_size.nm
            row.pixel_size_source = pixel_size.source.value
            row.pixel_size_detail = pixel_size.detail[:500]
        set_pyramid_pixel_size(self.pyramid_path(image_id), pixel_size.nm)
        return image_record(row)

    def delete(self, image_id: str) -> None:
        """Remove an image and all its label maps.

        Raises
        ------
        NotFoundError
            There is no such image.
        """
        with self._data.database.writing() as session:
            row = found(session, ImageRow, image_id, "image")
            revisions = revision_ids(session, [image_id])
            session.delete(row)
        self._data.remove_files([image_id], revisions)

    def update(
        self,
        image_id: str,
        *,
        name: str | None = None,
        split: Split | str | None = None,
        stack: str | None = None,
        z_index: int | None = None,
        pixel_size: PixelSize | None = None,
        **facts: str,
    ) -> ImageRecord:
        """Change what is given and leave the rest.

        Parameters
        ----------
        image_id
            Which.
        name
            1 to 500 characters.
        split
            train, test or pool.
        stack, z_index
            Its place; a stack without ``z_index`` takes the old place away, ``stack=""`` makes it a single image.
        pixel_size
            Also written into its pyramid; label maps that exist stay as they are.
        facts
            Of `core.datasets.image_facts.FACTS`.

        Raises
        ------
        NotFoundError
            There is no such image.
        StoreError
            An empty name, or a split that there is not.
        """
        if name is not None and not name.strip():
            raise StoreError("The image's name is empty.", "Enter a name for every image.")
        if split is not None and split not in tuple(Split):
            raise StoreError(f"There is no split {split!r}.", f"Choose one of {', '.join(Split)}.")
        kept = kept_facts(facts)
        with self._data.database.writing() as session:
            row = found(session, ImageRow, image_id, "image")
            if name is not None:
                row.name = name.strip()[:500]
            for fact, text in kept.items():
                setattr(row, fact, text)
            if split is not None:
                row.split = Split(split).value
            if stack is not None:
                row.stack = stack.strip()[:STACK_NAME_LENGTH]
                row.z_index = z_index if row.stack else None
            elif z_index is not None:
                row.z_index = z_index
        return image_record(row) if pixel_size is None else self.set_pixel_size(image_id, pixel_size)

    def _require_project(self, project_id: str) -> None:
        with self._data.database.reading() as session:
            found(session, ProjectRow, project_id, "project")

    def _insert_image(self, row: ImageRow) -> None:
        with self._data.database.writing() as session:
            session.add(row)

    def _same_content(self, project_id: str, digest: str, size: PixelSize) -> ImageRecord | None:
        """The image of this content, out of the trash if it was there, with this pixel size if its own is unknown."""
        wanted = select(ImageRow).where(ImageRow.project_id == project_id, ImageRow.content_hash == digest)
        with self._data.database.reading() as session:
            row = session.scalar(wanted)
            if row is None:
                return None
            unsized, trashed = row.pixel_size_nm is None and size.nm is not None, row.trashed_at is not None
        if trashed:
            with self._data.database.writing() as session:
                row = session.scalar(wanted)
                if row is None:
                    return None
                row.trashed_at = None
        return self.set_pixel_size(row.id, size) if unsized else image_record(row)


def images_within(session: Session, image_ids: Collection[str], *, trashed_too: bool = False) -> dict[str, ImageRecord]:
    """Within a transaction: those of the images that are there, by id, in the order of asking."""
    rows: dict[str, ImageRow] = {}
    for some in portions(image_ids):
        wanted = select(ImageRow).where(ImageRow.id.in_(some))
        if not trashed_too:
            wanted = wanted.where(ImageRow.trashed_at.is_(None))
        rows |= {row.id: row for row in session.scalars(wanted)}
    return {image_id: image_record(rows[image_id]) for image_id in dict.fromkeys(image_ids) if image_id in rows}


def image_within(session: Session, image_id: str) -> ImageRecord:
    """Within a transaction: one image, also one in the trash.

    Raises
    ------
    NotFoundError
        There is none with this id.
    """
    return image_record(found(session, ImageRow, image_id, "image"))


def move_within(session: Session, image: ImageRecord, project_id: str) -> str:
    """Within a transaction: an image belongs to another project from now on; nothing where it was moved meanwhile.

    Returns
    -------
    str
        Its name at this moment.

    Raises
    ------
    NotFoundError
        It was deleted.
    """
    name = found(session, ImageRow, image.id, "image").name
    mine = update(ImageRow).where(ImageRow.id == image.id, ImageRow.project_id == image.project_id)
    session.execute(mine.values(project_id=project_id))
    return name


def image_record(row: ImageRow) -> ImageRecord:
    """The value of a row."""
    return ImageRecord(
        id=row.id,
        project_id=row.project_id,
        name=row.name,
        content_hash=row.content_hash,
        shape_yx=(row.height_px, row.width_px),
        dtype=row.dtype,
        pixel_size=PixelSize(row.pixel_size_nm, PixelSizeSource(row.pixel_size_source), row.pixel_size_detail),
        **{name: getattr(row, name) for name in FACTS},
        split=Split(row.split),
        stack=row.stack,
        z_index=row.z_index,
        example=row.example,
        notices=tuple(row.notices),
        window=(row.window_low, row.window_high),
        created_at=row.created_at,
    )
