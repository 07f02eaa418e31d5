"""Projects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from core.errors import StoreError
from core.imaging.image import PixelSize
from core.label_scheme import LabelScheme, distinct_colors
from core.labels.translation import ClassMap
from core.store.base import StorePart, found, new_id, now, revision_ids
from core.store.database import Transaction
from core.store.project_classes import change_classes, decided_classes, keep_decision
from core.store.records import ProjectRecord
from core.store.round_tables import RoundRow
from core.store.tables import ImageRow, ProjectRow, RevisionRow

MAX_NAME_CHARS = 200
"""As wide as the column."""


@dataclass(frozen=True, slots=True)
class ProjectContents:
    """What goes with a project: images (those in the trash too), their label maps, rounds. Models stay."""

    images: int
    label_maps: int
    rounds: int


class Projects(StorePart):
    """Making, listing and removing projects."""

    def create(
        self,
        name: str,
        scheme: LabelScheme,
        pixel_size_nm: float | None = None,
        *,
        for_uploads: bool = False,
        within: Callable[[Transaction, ProjectRecord], None] = lambda session, project: None,
    ) -> ProjectRecord:
        """Make an empty project. `core.projects.changes.create_project` is for people.

        Parameters
        ----------
        name
            1 to 200 characters, no other project's.
        scheme
            Its classes.
        pixel_size_nm
            Assumed for images whose file says nothing, once a person confirms it; None where there is no such size.
        for_uploads
            It is the one that files go to where no project was chosen: there is one at most.
        within
            Called in the same transaction; what it raises stops it.

        Raises
        ------
        StoreError
            The name is empty, too long or taken, or there is one for uploads already.
        ImageError
            The pixel size is not a positive number.
        """
        name = _checked_name(name)
        if pixel_size_nm is not None:
            PixelSize.from_user(pixel_size_nm)
        row = ProjectRow(
            id=new_id(), name=name, scheme=distinct_colors(scheme).to_json(), pixel_size_nm=pixel_size_nm,
            created_at=now(), approve_own=False,
        )  # fmt: skip
        try:
            with self._data.database.writing() as session:
                session.add(row)
                if for_uploads:
                    row.for_uploads = True
                session.flush()
                within(session, _record(row))
        except IntegrityError as error:
            raise _taken(name) from error
        return _record(row)

    def all(self) -> tuple[ProjectRecord, ...]:
        """All projects, oldest first."""
        with self._data.database.reading() as session:
            rows = session.scalars(select(ProjectRow).order_by(ProjectRow.created_at, ProjectRow.id))
            return tuple(_record(row) for row in rows)

    def get(self, project_id: str) -> ProjectRecord:
        """One project.

        Raises
        ------
        NotFoundError
            There is none with this id.
        """
        with self._data.database.reading() as session:
            return _record(found(session, ProjectRow, project_id, "project"))

    def uploads_project(self) -> ProjectRecord | None:
        """The project that was made for files dropped without one, whatever it is called now; None: none was made."""
        with self._data.database.reading() as session:
            row = session.scalar(select(ProjectRow).where(ProjectRow.for_uploads.is_(True)))
            return None if row is None else _record(row)

    def update(
        self,
        project_id: str,
        *,
        name: str | None = None,
        scheme: LabelScheme | None = None,
        pixel_size_nm: float | None = None,
        within: Callable[[Transaction, ProjectRecord, ProjectRecord], None] = lambda session, before, after: None,
    ) -> ProjectRecord:
        """Change what is given and leave the rest. `core.projects.changes.change_project` is for people.

        Parameters
        ----------
        project_id
            Which.
        name
            1 to 200 characters, no other project's.
        scheme
            Classes may be added, renamed and recoloured. One that label maps or open drafts use keeps its number, and
            may be taken away only where nothing but predictions use it; its number is then used for no other class.
        pixel_size_nm
            In nm; 0 where there is no such size any more.
        within
            Called in the same transaction with the project before and after; what it raises stops it.

        Raises
        ------
        NotFoundError
            There is none with this id.
        StoreError
            The name cannot be used, or a class is in use.
        ImageError
            The pixel size is not a positive number.
        """
        if name is not None:
            name = _checked_name(name)
        if pixel_size_nm:
            PixelSize.from_user(pixel_size_nm)
        try:
            with self._data.database.writing() as session:
                row = found(session, ProjectRow, project_id, "project")
                before = _record(row)
                if scheme is not None:
                    change_classes(session, row, distinct_colors(scheme))
                if name is not None:
                    row.name = name
                if pixel_size_nm is not None:
                    row.pixel_size_nm = pixel_size_nm or None
                session.flush()
                within(session, before, _record(row))
        except IntegrityError as error:
            raise _taken(str(name)) from error
        return _record(row)

    def class_map(self, project_id: str, source: LabelScheme, model_id: str) -> dict[str, str | None]:
        """What was decided of a model's classes that the project does not have: class name to project class or None.

        Parameters
        ----------
        project_id
            Of the label maps.
        source
            The model's classes.
        model_id
            In the model store.

        Raises
        ------
        NotFoundError
            There is no such project.
        """
        with self._data.database.reading() as session:
            row = found(session, ProjectRow, project_id, "project")
            return decided_classes(row, source, model_id)

    def keep_class_map(self, project_id: str, model_id: str, class_map: ClassMap) -> None:
        """Remember what becomes of a model's classes in this project, for all predictions from now on.

        Raises
        ------
        NotFoundError
            There is no such project.
        LabelMapError
            A class is to become one that the project does not have.
        """
        with self._data.database.writing() as session:
            keep_decision(found(session, ProjectRow, project_id, "project"), model_id, class_map)

    def delete(
        self, project_id: str, *, within: Callable[[Transaction, ProjectRecord], None] = lambda session, record: None
    ) -> None:
        """Remove a project with its images and their label maps. `core.curation.images.delete_project` is for people.

        Parameters
        ----------
        within
            Called in the same transaction before anything is removed; what it raises stops it.

        Raises
        ------
        NotFoundError
            There is none with this id.
        """
        with self._data.database.writing() as session:
            row = found(session, ProjectRow, project_id, "project")
            within(session, _record(row))
            images = session.scalars(select(ImageRow.id).where(ImageRow.project_id == project_id)).all()
            revisions = revision_ids(session, list(images))
            session.delete(row)
        self._data.remove_files(list(images), revisions)


def project_within(session: Transaction, project_id: str) -> ProjectRecord:
    """Within a transaction: one project.

    Raises
    ------
    NotFoundError
        There is none with this id.
    """
    return _record(found(session, ProjectRow, project_id, "project"))


def contents_within(session: Transaction, project_id: str) -> ProjectContents:
    """Within a transaction: what goes with a project.

    Raises
    ------
    NotFoundError
        There is none with this id.
    """
    found(session, ProjectRow, project_id, "project")
    images = select(ImageRow.id).where(ImageRow.project_id == project_id)
    counts = (
        select(func.count()).select_from(ImageRow).where(ImageRow.project_id == project_id),
        select(func.count()).select_from(RevisionRow).where(RevisionRow.image_id.in_(images)),
        select(func.count()).select_from(RoundRow).where(RoundRow.project_id == project_id),
    )
    return ProjectContents(*(session.scalar(wanted) or 0 for wanted in counts))


def has_project_within(session: Transaction, project_id: str) -> bool:
    """Within a transaction: whether there is a project with this id."""
    return session.get(ProjectRow, project_id) is not None


def set_approve_own_within(session: Transaction, project_id: str, allowed: bool) -> None:
    """Within a transaction: let reviewers approve what they painted themselves, or not.

    Raises
    ------
    NotFoundError
        There is no such project.
    """
    found(session, ProjectRow, project_id, "project").approve_own = allowed


def _checked_name(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= MAX_NAME_CHARS:
        raise StoreError(f"The project's name has {len(name)} characters.", f"Use 1 to {MAX_NAME_CHARS}.")
    return name


def _taken(name: str) -> StoreError:
    return StoreError(f"There is a project {name!r} already.", "Open that project, or choose another name.")


def _record(row: ProjectRow) -> ProjectRecord:
    scheme = LabelScheme.from_json(row.scheme)
    former = tuple((int(item["id"]), str(item["name"])) for item in row.former_classes)
    return ProjectRecord(row.id, row.name, scheme, row.pixel_size_nm, row.created_at, row.approve_own, former)
