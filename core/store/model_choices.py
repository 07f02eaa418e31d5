"""What people and predictions say about which model a project uses: models turned down, and how much each was used."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.store.base import StorePart, now
from core.store.people import clean_name
from core.store.records import RevisionKind, RevisionState
from core.store.round_records import RoundDecision
from core.store.round_tables import DeclinedModelRow, RoundRow
from core.store.tables import ImageRow, RevisionRow

_PROMOTED = (RoundDecision.PROMOTED.value, RoundDecision.OVERRIDDEN.value)


class ModelChoices(StorePart):
    """Beside the promoted model: what `core.learning.current_model` asks."""

    def prediction_counts(self, project_id: str) -> dict[str, int]:
        """How many complete predictions each model has made in a project, by the model's id, the last used first."""
        wanted = (
            select(RevisionRow.model_id, func.count())
            .join(ImageRow, ImageRow.id == RevisionRow.image_id)
            .where(ImageRow.project_id == project_id, RevisionRow.kind == RevisionKind.PREDICTION.value)
            .where(RevisionRow.state == RevisionState.COMPLETE.value, ImageRow.trashed_at.is_(None))
            .where(RevisionRow.model_id.is_not(None))
            .group_by(RevisionRow.model_id)
            .order_by(func.max(RevisionRow.created_at).desc(), RevisionRow.model_id)
        )
        with self._data.database.reading() as session:
            return {str(model_id): int(count) for model_id, count in session.execute(wanted)}

    def declined(self, project_id: str) -> frozenset[str]:
        """Ids of models that a project does not use though it trained them.

        People turned them down, or they are of rounds that have not promoted them (not yet, or never).
        """
        asked = select(DeclinedModelRow.model_id).where(DeclinedModelRow.project_id == project_id)
        of_rounds = select(RoundRow.model_id).where(
            RoundRow.project_id == project_id, RoundRow.model_id.is_not(None), RoundRow.decision.not_in(_PROMOTED)
        )
        with self._data.database.reading() as session:
            return frozenset(str(row) for query in (asked, of_rounds) for row in session.scalars(query))


def decline_within(session: Session, project_id: str, model_id: str, who: str) -> bool:
    """Turn a model down for a project; False where it was turned down before."""
    if session.get(DeclinedModelRow, (project_id, model_id)) is not None:
        return False
    session.add(DeclinedModelRow(project_id=project_id, model_id=model_id, who=clean_name(who), at=now()))
    return True


def forget_declined_within(session: Session, project_id: str, model_id: str) -> None:
    """Somebody uses the model after all."""
    row = session.get(DeclinedModelRow, (project_id, model_id))
    if row is not None:
        session.delete(row)
