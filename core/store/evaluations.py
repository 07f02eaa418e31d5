"""Evaluations: which images were scored, with what, and what came out. Scores are kept image by image."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core.errors import NotFoundError
from core.label_scheme import LabelScheme
from core.store.base import StorePart, found, new_id, now, portions
from core.store.records import (
    EvaluationImageRecord,
    EvaluationRecord,
    EvaluationSource,
    EvaluationState,
)
from core.store.tables import EvaluationImageRow, EvaluationRow, ProjectRow

REASON_CHARS = 2000
"""As wide as the column."""


class Evaluations(StorePart):
    """Beginning, filling, listing and removing evaluations."""

    def create(
        self,
        project_id: str,
        name: str,
        images: Sequence[EvaluationImageRecord],
        *,
        scheme: LabelScheme,
        settings: Mapping[str, Any],
        model_id: str | None = None,
        author: str = "",
    ) -> EvaluationRecord:
        """Announce an evaluation of these images, none of them scored.

        Parameters
        ----------
        name
            As shown in lists.
        images
            The test set, in its order.
        scheme, settings
            How it is measured, as plain values where they are.
        model_id
            None: the predictions are imported ones.

        Raises
        ------
        NotFoundError
            There is no such project.
        """
        row = EvaluationRow(
            id=new_id(),
            project_id=project_id,
            name=name.strip()[:200],
            source=(EvaluationSource.IMPORTED if model_id is None else EvaluationSource.MODEL).value,
            model_id=model_id,
            job_id=None,
            state=EvaluationState.RUNNING.value,
            scheme=scheme.to_json(),
            settings=dict(settings),
            image_count=len(images),
            scored_count=0,
            author=author[:200],
            created_at=now(),
            completed_at=None,
        )
        with self._data.database.writing() as session:
            found(session, ProjectRow, project_id, "project")
            session.add(row)
            session.flush()
            session.add_all(_image_row(row.id, number, image) for number, image in enumerate(images))
        return _record(row)

    def of_project(self, project_id: str | None = None, *, model_id: str | None = None) -> tuple[EvaluationRecord, ...]:
        """Evaluations, newest first; of a project, of a model, or all."""
        wanted = select(EvaluationRow).order_by(EvaluationRow.created_at.desc(), EvaluationRow.id)
        if project_id is not None:
            wanted = wanted.where(EvaluationRow.project_id == project_id)
        if model_id is not None:
            wanted = wanted.where(EvaluationRow.model_id == model_id)
        with self._data.database.reading() as session:
            return tuple(_record(row) for row in session.scalars(wanted))

    def get(self, evaluation_id: str) -> EvaluationRecord:
        """One evaluation.

        Raises
        ------
        NotFoundError
            There is none with this id.
        """
        with self._data.database.reading() as session:
            return _record(found(session, EvaluationRow, evaluation_id, "evaluation"))

    def images(self, evaluation_id: str, *, unscored: bool = False) -> tuple[EvaluationImageRecord, ...]:
        """Its images in their order, with their scores; ``unscored``: only those that have none."""
        wanted = (
            select(EvaluationImageRow)
            .where(EvaluationImageRow.evaluation_id == evaluation_id)
            .order_by(EvaluationImageRow.position)
        )
        if unscored:
            wanted = wanted.where(EvaluationImageRow.scores.is_(None))
        with self._data.database.reading() as session:
            return tuple(_image_record(row) for row in session.scalars(wanted))

    def errors(self, evaluation_id: str, image_id: str) -> tuple[dict[str, Any], ...]:
        """The largest errors of one image as plain values, largest first; empty where it is not scored.

        Raises
        ------
        NotFoundError
            The evaluation has no such image.
        """
        wanted = select(EvaluationImageRow.errors).where(*_place(evaluation_id, image_id))
        with self._data.database.reading() as session:
            rows = session.scalars(wanted).all()
        if not rows:
            raise _no_image(evaluation_id, image_id)
        return tuple(rows[0] or ())

    def keep_scores(
        self,
        evaluation_id: str,
        image_id: str,
        *,
        prediction_id: str,
        scores: Mapping[str, Any],
        errors: Sequence[Mapping[str, Any]],
    ) -> None:
        """Keep what was found in one image; it counts from now on.

        Raises
        ------
        NotFoundError
            The evaluation was deleted meanwhile.
        """
        kept = {"scores": dict(scores), "errors": [dict(error) for error in errors], "reason": ""}
        with self._data.database.writing() as session:
            _change_image(session, evaluation_id, image_id, prediction_id=prediction_id, **kept)
            counted = select(func.count()).where(
                EvaluationImageRow.evaluation_id == evaluation_id, EvaluationImageRow.scores.is_not(None)
            )
            found(session, EvaluationRow, evaluation_id, "evaluation").scored_count = session.scalar(counted) or 0

    def scored_at_other_size(self, image_ids: Collection[str], nm: float) -> set[str]:
        """Ids of the evaluations that scored one of these images at another pixel size than this (nm), or at none."""
        ids: set[str] = set()
        with self._data.database.reading() as session:
            for some in portions(image_ids):
                wanted = select(EvaluationImageRow.evaluation_id).where(
                    EvaluationImageRow.image_id.in_(some),
                    EvaluationImageRow.scores.is_not(None),
                    func.coalesce(EvaluationImageRow.pixel_size_nm, 0.0) != nm,
                )
                ids |= set(session.scalars(wanted))
        return ids

    def keep_reason(self, evaluation_id: str, image_id: str, reason: str, *, prediction_id: str | None = None) -> None:
        """Say why an image cannot be scored.

        Raises
        ------
        NotFoundError
            The evaluation was deleted meanwhile.
        """
        changes: dict[str, Any] = {"reason": reason[:REASON_CHARS]}
        if prediction_id is not None:
            changes["prediction_id"] = prediction_id
        with self._data.database.writing() as session:
            _change_image(session, evaluation_id, image_id, **changes)

    def update(
        self, evaluation_id: str, *, state: EvaluationState | None = None, job_id: str | None = None
    ) -> EvaluationRecord:
        """Change its state, or the job that scores it.

        Raises
        ------
        NotFoundError
            There is none with this id.
        """
        with self._data.database.writing() as session:
            row = found(session, EvaluationRow, evaluation_id, "evaluation")
            if state is not None:
                row.state = state.value
                row.completed_at = None if state is EvaluationState.RUNNING else now()
            if job_id is not None:
                row.job_id = job_id
        return _record(row)

    def delete(self, evaluation_id: str, *, within: Callable[[Session], None] = lambda session: None) -> None:
        """Remove an evaluation with its scores; images and label maps stay.

        Parameters
        ----------
        within
            Called in the same transaction; what it raises stops it.

        Raises
        ------
        NotFoundError
            There is none with this id.
        """
        with self._data.database.writing() as session:
            within(session)
            session.delete(found(session, EvaluationRow, evaluation_id, "evaluation"))


def _place(evaluation_id: str, image_id: str) -> tuple[Any, Any]:
    return EvaluationImageRow.evaluation_id == evaluation_id, EvaluationImageRow.image_id == image_id


def _change_image(session: Session, evaluation_id: str, image_id: str, **values: Any) -> None:
    changed = update(EvaluationImageRow).where(*_place(evaluation_id, image_id)).values(**values)
    if not session.scalars(changed.returning(EvaluationImageRow.image_id)).all():
        raise _no_image(evaluation_id, image_id)


def _no_image(evaluation_id: str, image_id: str) -> NotFoundError:
    return NotFoundError(
        f"Evaluation {evaluation_id[:40]!r} has no image {image_id[:40]!r}.",
        "It may have been deleted; reload the page and select another.",
    )


def _image_row(evaluation_id: str, position: int, image: EvaluationImageRecord) -> EvaluationImageRow:
    return EvaluationImageRow(
        evaluation_id=evaluation_id,
        image_id=image.image_id,
        position=position,
        name=image.name,
        specimen=image.specimen,
        group=image.group,
        pixel_size_nm=image.pixel_size_nm,
        reference_id=image.reference_id,
        prediction_id=image.prediction_id,
        reason=image.reason[:REASON_CHARS],
        scores=image.scores,
        errors=None,
    )


def _image_record(row: EvaluationImageRow) -> EvaluationImageRecord:
    return EvaluationImageRecord(
        row.image_id,
        row.name,
        row.specimen,
        row.group,
        row.pixel_size_nm,
        row.reference_id,
        row.prediction_id,
        row.reason,
        row.scores,
    )


def _record(row: EvaluationRow) -> EvaluationRecord:
    return EvaluationRecord(
        id=row.id,
        project_id=row.project_id,
        name=row.name,
        source=EvaluationSource(row.source),
        model_id=row.model_id,
        job_id=row.job_id,
        state=EvaluationState(row.state),
        scheme=LabelScheme.from_json(row.scheme),
        settings=dict(row.settings),
        image_count=row.image_count,
        scored_count=row.scored_count,
        author=row.author,
        created_at=row.created_at,
        completed_at=row.completed_at,
    )
