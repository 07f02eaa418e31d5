"""Making a model the one that a project uses: by a round's decision, or by hand."""

from __future__ import annotations

from dataclasses import replace

from core.access.models import sees_model, unknown_model
from core.access.roles import Permission, require_within
from core.errors import RoundError
from core.models.store import ModelStore
from core.rounds.transitions import done
from core.store.audit import note
from core.store.base import now
from core.store.database import Transaction
from core.store.model_choices import decline_within, forget_declined_within
from core.store.people import clean_name
from core.store.projects import project_within
from core.store.round_records import PromotedModel, RoundDecision, RoundRecord, RoundState
from core.store.rounds import promote_within, promoted_within
from core.store.store import Store


def promote_round(
    session: Transaction, record: RoundRecord, who: str, reason: str, decision: RoundDecision
) -> RoundRecord:
    """Within the transaction that changes the round: its model is the project's from now on.

    Raises
    ------
    RoundError
        Another model was promoted since the comparison.
    """
    if record.model_id is None:
        raise RoundError("The round has no model yet.", "Wait for the training.")
    promoted = promoted_within(session, record.project_id, held=True)
    if (promoted.model_id if promoted else None) != record.promoted_then:
        raise _overtaken(record, promoted)
    promote_within(session, record.project_id, record.model_id, round_id=record.id, who=who, reason=reason)
    note(
        session, who, "model_promoted", record.project_id, record.model_id, before=record.promoted_then,
        round=record.number, decision=decision.value, reason=reason,
        gate=(record.comparison or {}).get("outcome"),
    )  # fmt: skip
    return replace(record, decision=decision, reason=reason, decided_by=who, decided_at=now())


def kept_round(session: Transaction, record: RoundRecord, who: str, reason: str) -> RoundRecord:
    """Within the transaction that changes the round: the model in use stays, the round goes on to its end."""
    note(session, who, "model_kept", record.project_id, record.model_id or "", round=record.number, reason=reason)
    kept = replace(record, decision=RoundDecision.KEPT, reason=reason, decided_by=clean_name(who), decided_at=now())
    return replace(done(kept), state=RoundState.RUNNING)  # what is left takes no machine time


def promote_model(store: Store, project_id: str, model_id: str, who: str, reason: str) -> PromotedModel:
    """Use a model in a project without a round, or go back to an earlier one.

    Raises
    ------
    RoundError
        No reason is given.
    ModelError, NotFoundError
        There is no such model or project.
    AccessError
        ``who`` may not promote models.
    """
    if not reason.strip():
        raise RoundError("This choice is not based on a comparison.", "Enter a reason.")
    model = ModelStore(store.settings.models_dir).get(model_id)
    with store.database.writing() as session:
        project_within(session, project_id)
        require_within(session, store.settings, project_id, who, Permission.TRAIN)
        if not sees_model(session, store.settings, model, who):
            raise unknown_model(model_id)
        before = promoted_within(session, project_id, held=True)
        promote_within(session, project_id, model_id, who=clean_name(who), reason=reason.strip())
        forget_declined_within(session, project_id, model_id)
        note(
            session, who, "model_promoted", project_id, model_id, before=before.model_id if before else None,
            reason=reason.strip(),
        )  # fmt: skip
        promoted = promoted_within(session, project_id)
    if promoted is None:
        raise RoundError(f"The model {model_id} was not promoted.", "Try again.")
    return promoted


def decline_model(store: Store, project_id: str, model_id: str, who: str) -> None:
    """Do not use a model that was trained in a project, and do not ask again; it stays in the model store.

    Raises
    ------
    ModelError, NotFoundError
        There is no such model or project.
    AccessError
        ``who`` may not promote models.
    """
    ModelStore(store.settings.models_dir).get(model_id)
    with store.database.writing() as session:
        project_within(session, project_id)
        require_within(session, store.settings, project_id, who, Permission.TRAIN)
        if decline_within(session, project_id, model_id, who):
            note(session, who, "model_declined", project_id, model_id)


def _overtaken(record: RoundRecord, promoted: PromotedModel | None) -> RoundError:
    present = (
        f"{promoted.model_id} was promoted by {promoted.who or 'unknown'}" if promoted else ("no model is promoted")
    )
    return RoundError(
        f"Since the comparison of round {record.number} the current model has changed: {present}.",
        "Compare the round again with the current model.",
    )
