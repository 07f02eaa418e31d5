"""Which label maps images have and who made them, looked up within a transaction of something else."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.store.base import portions
from core.store.records import RevisionKind, RevisionRecord, RevisionState
from core.store.tables import RevisionRow


def corrections_within(session: Session, image_ids: Collection[str]) -> list[tuple[str, str, str]]:
    """Within a transaction: id, image and author of every correction of these images, unfinished ones too."""
    wanted = select(RevisionRow.id, RevisionRow.image_id, RevisionRow.author)
    return [
        (row.id, row.image_id, row.author)
        for some in portions(image_ids)
        for row in session.execute(
            wanted.where(RevisionRow.image_id.in_(some), RevisionRow.kind == RevisionKind.CORRECTION.value)
        )
    ]


def correctors_since_within(session: Session, revision: RevisionRecord, since: datetime | None) -> list[str]:
    """Within a transaction: the authors of other corrections of a revision's image that were begun after a moment."""
    wanted = select(RevisionRow.author).where(
        RevisionRow.image_id == revision.image_id,
        RevisionRow.kind == RevisionKind.CORRECTION.value,
        RevisionRow.id != revision.id,
        RevisionRow.created_at > since,
    )
    return list(session.scalars(wanted))


def newest_prediction_within(session: Session, image_id: str, *, until: datetime) -> str | None:
    """Within a transaction: the newest prediction of an image that was complete at a moment; None: there was none."""
    wanted = (
        select(RevisionRow.id)
        .where(RevisionRow.image_id == image_id, RevisionRow.kind == RevisionKind.PREDICTION.value)
        .where(RevisionRow.state == RevisionState.COMPLETE.value)
        .where(RevisionRow.completed_at <= until)
        .order_by(RevisionRow.completed_at.desc(), RevisionRow.id)
        .limit(1)
    )
    return session.scalar(wanted)


def prediction_details_within(
    session: Session, image_ids: Collection[str], model_id: str
) -> list[tuple[str, dict[str, Any]]]:
    """Within a transaction: the image and the details of each complete prediction of a model for these images."""
    rows: list[tuple[str, dict[str, Any]]] = []
    for some in portions(image_ids):
        made = select(RevisionRow.image_id, RevisionRow.details).where(
            RevisionRow.image_id.in_(some),
            RevisionRow.kind == RevisionKind.PREDICTION.value,
            RevisionRow.model_id == model_id,
            RevisionRow.state == RevisionState.COMPLETE.value,
        )
        rows += [(image_id, details) for image_id, details in session.execute(made)]
    return rows
