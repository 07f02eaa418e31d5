"""Revisions: a label map each, written once, then never changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.errors import StoreError
from core.store.base import StorePart, found, new_id, now, portions, remove_tree
from core.store.new_review import begin_review
from core.store.records import RevisionKind, RevisionRecord, RevisionState
from core.store.tables import ImageRow, RevisionRow

OBJECTS_FILE: Final = "objects.npz"
CLEANING_FILE: Final = "cleaning.npz"
PIECES_FILE: Final = "pieces.npz"
PARTING_FILE: Final = "parting.npz"
QUESTIONS_FILE: Final = "questions.npz"
NECKS_FILE: Final = "necks.npz"

SIDE_FILES: Final = (OBJECTS_FILE, CLEANING_FILE, PIECES_FILE, PARTING_FILE, QUESTIONS_FILE, NECKS_FILE)
"""Of our own, in the folder of a pyramid; no part of the OME-Zarr."""
"""Beside the levels of a label pyramid: what `core.morphometry.objects` measured of it."""


class Revisions(StorePart):
    """Beginning, completing, listing and removing revisions."""

    def begin(
        self,
        image_id: str,
        kind: RevisionKind | str,
        *,
        model_id: str | None = None,
        parent_id: str | None = None,
        author: str = "",
        settings_key: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> RevisionRecord:
        """Announce a label map that this process is about to write at `pyramid_path`.

        Until `complete` its state is ``writing``. When the process dies before that, the next `Store.sweep` removes
        row and files.

        Raises
        ------
        NotFoundError
            There is no such image or parent.
        """
        row = RevisionRow(
            id=new_id(),
            image_id=image_id,
            kind=RevisionKind(kind).value,
            state=RevisionState.WRITING.value,
            parent_id=parent_id,
            author=author[:200],
            model_id=model_id,
            settings_key=settings_key,
            details=dict(details or {}),
            coverage=[],
            version=1,
            created_at=now(),
            completed_at=None,
        )
        self._data.holds.take(row.id)
        try:
            with self._data.database.writing() as session:
                found(session, ImageRow, image_id, "image")
                if parent_id is not None:
                    found(session, RevisionRow, parent_id, "revision")
                session.add(row)
        except BaseException:
            self._data.holds.release(row.id)
            raise
        return revision_record(row)

    def pyramid_path(self, revision_id: str) -> Path:
        """The folder of its pyramid."""
        return self._data.labels_dir / revision_id

    def object_table_path(self, revision_id: str) -> Path:
        """The file of its measured objects, there once somebody has asked for them; removed with the pyramid."""
        return self.pyramid_path(revision_id) / OBJECTS_FILE

    def cleaning_path(self, revision_id: str) -> Path:
        """The file of what cleaning changed in it, there if it was cleaned; removed with the pyramid."""
        return self.pyramid_path(revision_id) / CLEANING_FILE

    def piece_table_path(self, revision_id: str) -> Path:
        """The file of its pieces before cleaning, there if it was cleaned; removed with the pyramid."""
        return self.pyramid_path(revision_id) / PIECES_FILE

    def parting_path(self, revision_id: str) -> Path:
        """The file of the pixels that part its objects, if its model found any; removed with the pyramid."""
        return self.pyramid_path(revision_id) / PARTING_FILE

    def questions_path(self, revision_id: str) -> Path:
        """The file of the places where its objects are in doubt, if there are any; removed with the pyramid."""
        return self.pyramid_path(revision_id) / QUESTIONS_FILE

    def necks_path(self, revision_id: str) -> Path:
        """The file of the narrow places that somebody asked for, there once they did; removed with the pyramid."""
        return self.pyramid_path(revision_id) / NECKS_FILE

    def update_details(self, revision_id: str, **details: Any) -> RevisionRecord:
        """Change some details (``progress=0.4``) of a revision that is being written.

        Raises
        ------
        NotFoundError
            There is no such revision (its image may have been deleted meanwhile).
        StoreError
            It is complete.
        """
        with self._data.database.writing() as session:
            row = _still_writing(found(session, RevisionRow, revision_id, "revision"))
            row.details = {**row.details, **details}
            row.version += 1
        return revision_record(row)

    def complete(
        self,
        revision_id: str,
        *,
        coverage: Iterable[Mapping[str, Any]] = (),
        within: Callable[[Session], object] | None = None,
        **details: Any,
    ) -> RevisionRecord:
        """Declare a label map whole: from now on it does not change.

        Parameters
        ----------
        revision_id
            In state ``writing``, its pyramid finished.
        coverage
            Rows of the coverage table as plain values (`ClassCoverage.to_json`).
        within
            What else happens in the same transaction; when it fails, the revision is not complete.
        details
            Added to its details.

        Raises
        ------
        NotFoundError
            There is no such revision.
        StoreError
            It is complete already, or has no finished pyramid.
        """
        from core.imaging.pyramid_layout import OBJECTS, is_unfinished

        path = self.pyramid_path(revision_id)
        if not path.is_dir() or is_unfinished(path) or is_unfinished(path / OBJECTS):
            self.get(revision_id)
            raise StoreError(
                f"The label map of revision {revision_id} is incomplete.",
                "Finish its pyramid before completing it.",
            )
        with self._data.database.writing() as session:
            row = _still_writing(found(session, RevisionRow, revision_id, "revision"))
            row.details = {**row.details, **details, "progress": 1.0}
            row.coverage = [dict(row) for row in coverage]
            row.state = RevisionState.COMPLETE.value
            row.version += 1
            row.completed_at = now()
            if row.kind == RevisionKind.CORRECTION.value:
                begin_review(session, row)
            if within is not None:
                within(session)
        self._data.holds.release(revision_id)
        return revision_record(row)

    def discard(self, revision_id: str) -> None:
        """Remove a revision that is not complete, with what is written of it; nothing happens when it is gone.

        Raises
        ------
        StoreError
            It is complete: use `delete`.
        """
        with self._data.database.writing() as session:
            row = session.get(RevisionRow, revision_id)
            if row is not None:
                session.delete(_still_writing(row))
        remove_tree(self.pyramid_path(revision_id))
        self._data.holds.release(revision_id)

    def delete(self, revision_id: str) -> None:
        """Remove a revision, complete or not. Revisions made from it stay, without a parent.

        Raises
        ------
        NotFoundError
            There is no such revision.
        """
        with self._data.database.writing() as session:
            session.delete(found(session, RevisionRow, revision_id, "revision"))
        remove_tree(self.pyramid_path(revision_id))
        self._data.holds.release(revision_id)

    def of_image(
        self,
        image_id: str,
        *,
        kind: RevisionKind | str | None = None,
        state: RevisionState | str | None = RevisionState.COMPLETE,
        model_id: str | None = None,
        settings_key: str | None = None,
    ) -> tuple[RevisionRecord, ...]:
        """The revisions of an image, newest first; complete ones unless asked otherwise (``state=None``: all)."""
        wanted = select(RevisionRow).where(RevisionRow.image_id == image_id)
        if kind is not None:
            wanted = wanted.where(RevisionRow.kind == RevisionKind(kind).value)
        if state is not None:
            wanted = wanted.where(RevisionRow.state == RevisionState(state).value)
        if model_id is not None:
            wanted = wanted.where(RevisionRow.model_id == model_id)
        if settings_key is not None:
            wanted = wanted.where(RevisionRow.settings_key == settings_key)
        with self._data.database.reading() as session:
            rows = session.scalars(wanted.order_by(RevisionRow.created_at.desc(), RevisionRow.id))
            return tuple(revision_record(row) for row in rows)

    def newest_of_project(self, project_id: str, kind: RevisionKind | str) -> dict[str, RevisionRecord]:
        """The newest complete revision of this kind of every image that has one, by the image's id; one query."""
        wanted = (
            select(RevisionRow)
            .join(ImageRow, ImageRow.id == RevisionRow.image_id)
            .where(ImageRow.project_id == project_id, RevisionRow.kind == RevisionKind(kind).value)
            .where(RevisionRow.state == RevisionState.COMPLETE.value, ImageRow.trashed_at.is_(None))
            .order_by(RevisionRow.created_at, RevisionRow.id)
        )
        with self._data.database.reading() as session:
            return {row.image_id: revision_record(row) for row in session.scalars(wanted)}

    def predictions_of_project(self, project_id: str) -> tuple[RevisionRecord, ...]:
        """All complete predictions of the images of a project, oldest first; one query."""
        wanted = (
            select(RevisionRow)
            .join(ImageRow, ImageRow.id == RevisionRow.image_id)
            .where(ImageRow.project_id == project_id, RevisionRow.kind == RevisionKind.PREDICTION.value)
            .where(RevisionRow.state == RevisionState.COMPLETE.value, ImageRow.trashed_at.is_(None))
            .order_by(RevisionRow.created_at, RevisionRow.id)
        )
        with self._data.database.reading() as session:
            return tuple(revision_record(row) for row in session.scalars(wanted))

    def predictions_by(self, model_id: str, *, last: int | None = None) -> tuple[RevisionRecord, ...]:
        """All complete predictions of a model, in every project, the newest first; only the last few if so asked."""
        wanted = (
            select(RevisionRow)
            .where(RevisionRow.model_id == model_id, RevisionRow.kind == RevisionKind.PREDICTION.value)
            .where(RevisionRow.state == RevisionState.COMPLETE.value)
            .order_by(RevisionRow.completed_at.desc(), RevisionRow.id)
            .limit(last)
        )
        with self._data.database.reading() as session:
            return tuple(revision_record(row) for row in session.scalars(wanted))

    def of_images(self, image_ids: Collection[str]) -> tuple[RevisionRecord, ...]:
        """All complete label maps of these images."""
        with self._data.database.reading() as session:
            return tuple(
                revision_record(row)
                for some in portions(image_ids)
                for row in session.scalars(
                    select(RevisionRow).where(
                        RevisionRow.image_id.in_(some), RevisionRow.state == RevisionState.COMPLETE.value
                    )
                )
            )

    def complete_ones(self) -> tuple[RevisionRecord, ...]:
        """All complete label maps of all projects, those of images in the trash too; oldest first."""
        wanted = (
            select(RevisionRow)
            .where(RevisionRow.state == RevisionState.COMPLETE.value)
            .order_by(RevisionRow.created_at, RevisionRow.id)
        )
        with self._data.database.reading() as session:
            return tuple(revision_record(row) for row in session.scalars(wanted))

    def keep_repaired(self, revision_id: str, details: Mapping[str, Any], coverage: list[dict[str, Any]]) -> None:
        """Say of a complete label map that its files were written anew in other ids: details are added, rows replaced.

        Raises
        ------
        NotFoundError
            It was deleted meanwhile.
        """
        with self._data.database.writing() as session:
            row = found(session, RevisionRow, revision_id, "label map")
            row.details = {**row.details, **details}
            row.coverage = coverage
            row.version += 1

    def kinds_of_project(self, project_id: str) -> dict[str, frozenset[RevisionKind]]:
        """Which kinds of complete label maps each image has, by the image's id; images without are left out."""
        wanted = (
            select(RevisionRow.image_id, RevisionRow.kind)
            .join(ImageRow, ImageRow.id == RevisionRow.image_id)
            .where(ImageRow.project_id == project_id, RevisionRow.state == RevisionState.COMPLETE.value)
            .distinct()
        )
        kinds: dict[str, frozenset[RevisionKind]] = {}
        with self._data.database.reading() as session:
            for image_id, kind in session.execute(wanted):
                kinds[image_id] = kinds.get(image_id, frozenset()) | {RevisionKind(kind)}
        return kinds

    def get(self, revision_id: str) -> RevisionRecord:
        """One revision.

        Raises
        ------
        NotFoundError
            There is none with this id.
        """
        with self._data.database.reading() as session:
            return revision_record(found(session, RevisionRow, revision_id, "revision"))

    def writing_ids(self) -> list[str]:
        """Ids of those that were begun and neither completed nor discarded."""
        with self._data.database.reading() as session:
            return list(session.scalars(select(RevisionRow.id).where(RevisionRow.state == RevisionState.WRITING.value)))


def add_authors_within(session: Session, revision_id: str, authors: Iterable[str]) -> None:
    """Within a transaction: say who made a revision, where that is more than one person."""
    row = session.get_one(RevisionRow, revision_id)
    row.details = {**row.details, "authors": list(dict.fromkeys(authors))}
    session.flush()


def _still_writing(row: RevisionRow) -> RevisionRow:
    if row.state != RevisionState.WRITING.value:
        raise StoreError(f"Revision {row.id} is complete and cannot be changed.", "Create a new revision from it.")
    return row


def revision_record(row: RevisionRow) -> RevisionRecord:
    """The value of a row."""
    return RevisionRecord(
        id=row.id,
        image_id=row.image_id,
        kind=RevisionKind(row.kind),
        state=RevisionState(row.state),
        parent_id=row.parent_id,
        author=row.author,
        model_id=row.model_id,
        settings_key=row.settings_key,
        details=dict(row.details),
        coverage=tuple(dict(each) for each in row.coverage),
        version=row.version,
        created_at=row.created_at,
        completed_at=row.completed_at,
    )
