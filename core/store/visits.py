"""Visits: which suggested places of an image a person has looked at or skipped."""

from __future__ import annotations

from sqlalchemy import ColumnElement, delete, select

from core.store.base import StorePart, now
from core.store.tables import VisitRow


class Visits(StorePart):
    """Places are named by who suggests them (`core.annotation.suggestions`), people by `person_key`."""

    def keep(self, image_id: str, person: str, place: str, revision_id: str | None, outcome: str) -> None:
        """Remember what became of a place; the later word counts."""
        with self._data.database.writing() as session:
            row = session.get(VisitRow, (image_id, person, place))
            if row is None:
                row = VisitRow(image_id=image_id, person=person, place=place, revision_id=revision_id)
                session.add(row)
            row.outcome, row.at = outcome, now()

    def forget(self, image_id: str, person: str, revision_id: str | None) -> None:
        """Forget what a person has visited of the places of an image, or of one of its predictions."""
        with self._data.database.writing() as session:
            session.execute(delete(VisitRow).where(*_of(image_id, person, revision_id)))

    def outcomes(self, image_id: str, person: str, revision_id: str | None) -> dict[str, str]:
        """What became of the places that a person has visited, by the place's name."""
        with self._data.database.reading() as session:
            rows = session.scalars(select(VisitRow).where(*_of(image_id, person, revision_id)))
            return {row.place: row.outcome for row in rows}


def _of(image_id: str, person: str, revision_id: str | None) -> tuple[ColumnElement[bool], ...]:
    return VisitRow.image_id == image_id, VisitRow.person == person, VisitRow.revision_id == revision_id
