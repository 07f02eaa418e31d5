"""Which project a thing belongs to, by its id: what access asks before anything else."""

from __future__ import annotations

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from core.store.base import StorePart
from core.store.tables import DraftRow, EvaluationRow, ImageRow, JobRow, ProjectRow, RevisionRow


class Owners(StorePart):
    """Ids of projects; "" for an id that there is not."""

    def of_project(self, project_id: str) -> str:
        """The project's own id."""
        return self._first(select(ProjectRow.id).where(ProjectRow.id == project_id))

    def of_image(self, image_id: str) -> str:
        """Of an image, in the trash too."""
        return self._first(select(ImageRow.project_id).where(ImageRow.id == image_id))

    def of_revision(self, revision_id: str) -> str:
        """Of the label map of an image."""
        image = select(RevisionRow.image_id).where(RevisionRow.id == revision_id).scalar_subquery()
        return self._first(select(ImageRow.project_id).where(ImageRow.id == image))

    def of_draft(self, draft_id: str) -> str:
        """Of a draft on an image."""
        image = select(DraftRow.image_id).where(DraftRow.id == draft_id).scalar_subquery()
        return self._first(select(ImageRow.project_id).where(ImageRow.id == image))

    def of_evaluation(self, evaluation_id: str) -> str:
        """Of an evaluation."""
        return self._first(select(EvaluationRow.project_id).where(EvaluationRow.id == evaluation_id))

    def of_job(self, job_id: str) -> str:
        """Of a job; "" also where it belongs to none."""
        return self._first(select(JobRow.project_id).where(JobRow.id == job_id))

    def _first(self, wanted: Select[str] | Select[str | None]) -> str:
        with self._data.database.reading() as session:
            return session.scalar(wanted) or ""


def owner_of_image_within(session: Session, image_id: str) -> str | None:
    """Within a transaction: the project of an image, in the trash too; None: there is no such image."""
    image = session.get(ImageRow, image_id)
    return None if image is None else image.project_id


def owner_within(session: Session, subject: str) -> str | None:
    """Within a transaction: the project of an image or a label map; None: there is none with this id."""
    revision = session.get(RevisionRow, subject)
    return owner_of_image_within(session, subject if revision is None else revision.image_id)
