"""What people decide about a round: promote or keep, go on, retry, cancel, compare again. Compare and set."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

from core.access.roles import Permission, require, require_within
from core.errors import JobError, NotFoundError, RoundError
from core.evaluations.read import delete_evaluation, evaluation
from core.jobs.kinds import EvaluateResult
from core.jobs.rows import job, request_cancel, retry
from core.jobs.states import ACTIVE
from core.rounds.gate import Judgement, Outcome
from core.rounds.promotion import kept_round, promote_round
from core.rounds.steps import pool_jobs
from core.rounds.transitions import again_from, cancelled, done, resumed
from core.store.audit import note
from core.store.database import Transaction
from core.store.people import clean_name
from core.store.records import EvaluationState, JobRecord, JobState
from core.store.round_records import RoundDecision, RoundRecord, RoundState, Step, StepState
from core.store.store import Store

NEED_REASON: Final = (Outcome.FAILED, Outcome.TOO_FEW)
"""Outcomes of the check with which only a person who says why promotes a model."""


def promote(store: Store, round_id: str, who: str, reason: str = "") -> RoundRecord:
    """Use the round's model from now on; the pool is predicted with it next.

    Parameters
    ----------
    reason
        Needed where the check failed, or had too few test images.

    Raises
    ------
    RoundError
        It has been decided, or is not ready; the check failed or had too few test images and no reason is given; or
        another model was promoted
        since the comparison.
    AccessError
        ``who`` may not promote models.
    NotFoundError
        There is no such round.
    """
    reason = reason.strip()

    def change(session: Transaction, it: RoundRecord) -> RoundRecord:
        _require_decidable(it)
        judgement = Judgement.from_json(it.comparison or {})
        refused = judgement.outcome is Outcome.FAILED
        if judgement.outcome in NEED_REASON and not reason:
            cause = "The new model failed the check" if refused else "Too few test images to decide"
            raise RoundError(f"{cause}: {' '.join(judgement.reasons)}", "Do not promote, or enter a reason.")
        decision = RoundDecision.OVERRIDDEN if refused else RoundDecision.PROMOTED
        return done(promote_round(session, it, clean_name(who), reason, decision))

    return _changed(store, round_id, who, change)


def keep(store: Store, round_id: str, who: str, reason: str = "") -> RoundRecord:
    """Keep the model that is in use; the round's model stays in the model store.

    Raises
    ------
    RoundError
        It has been decided, or is not ready.
    AccessError
        ``who`` may not decide.
    NotFoundError
        There is no such round.
    """

    def change(session: Transaction, it: RoundRecord) -> RoundRecord:
        _require_decidable(it)
        return kept_round(session, it, who, reason.strip())

    return _changed(store, round_id, who, change)


def go_on(store: Store, round_id: str, who: str) -> RoundRecord:
    """Begin the next step of a round that goes step by step.

    Raises
    ------
    RoundError
        It waits for nothing, or for a decision.
    AccessError, NotFoundError
        As `promote`.
    """

    def change(_: Transaction, it: RoundRecord) -> RoundRecord:
        if it.state is not RoundState.WAITING or it.now.state is not StepState.PENDING:
            waits = "It is awaiting a decision." if it.state is RoundState.WAITING else f"It is {it.state.value}."
            raise RoundError(f"Round {it.number} is not waiting to continue. {waits}", "Reload the page.")
        return replace(it, state=RoundState.RUNNING)

    return _changed(store, round_id, who, change)


def compare_again(store: Store, round_id: str, who: str) -> RoundRecord:
    """Score and compare anew: with the model that is in use now, on the test set as it is now.

    Raises
    ------
    RoundError
        It has no model yet, is under way, or its model is promoted.
    AccessError, NotFoundError
        As `promote`.
    """

    def change(_: Transaction, it: RoundRecord) -> RoundRecord:
        if it.model_id is None or it.state is RoundState.RUNNING:
            raise RoundError(f"Round {it.number} has no model to compare yet.", "Wait for the training.")
        if it.decision in (RoundDecision.PROMOTED, RoundDecision.OVERRIDDEN):
            raise RoundError(f"The model of round {it.number} was promoted.", "Compare it in a later round.")
        return again_from(it, Step.EVALUATE, comparison=None, decision=None, reason="", decided_by="", decided_at=None)

    return _changed(store, round_id, who, change)


def retry_round(store: Store, round_id: str, who: str) -> RoundRecord:
    """Go on with a failed or cancelled round from the step where it stopped; what is done is kept.

    Raises
    ------
    RoundError
        It neither failed nor was cancelled.
    AccessError, NotFoundError
        As `promote`.
    """
    it = _stopped(store, round_id, who)
    if it.step in (Step.TRAIN, Step.PREDICT) and it.now.job_ids:
        states = store.jobs.states(it.now.job_ids)
        if len(states) == len(it.now.job_ids):
            for job_id in [each for each, state in states.items() if state not in (*ACTIVE, JobState.SUCCEEDED)]:
                with suppress(JobError):  # somebody else was quicker
                    retry(job_id, store=store)
            return _changed(store, round_id, who, lambda _, now_: resumed(_still_stopped(now_)))
    if it.step in (Step.EVALUATE, Step.COMPARE):
        _drop_partial(store, it)
    step = Step.EVALUATE if it.step is Step.COMPARE else it.step
    return _changed(store, round_id, who, lambda _, now_: again_from(_still_stopped(now_), step))


def cancel_round(store: Store, round_id: str, who: str) -> RoundRecord:
    """Stop a round and its jobs. Asked again, it stops what is left of them. A decision that was made stays.

    Raises
    ------
    RoundError
        It is done.
    AccessError, NotFoundError
        As `promote`.
    """

    def change(session: Transaction, it: RoundRecord) -> RoundRecord:
        if it.state is RoundState.DONE:
            raise RoundError(f"Round {it.number} is done.", "It cannot be cancelled.")
        if it.state is RoundState.CANCELLED:
            return it
        note(session, who, "round_cancelled", it.project_id, it.id, round=it.number, step=it.step.value)
        return cancelled(it)

    it = _changed(store, round_id, who, change)
    left = list(it.now.job_ids)
    while left:
        with suppress(NotFoundError):
            row = job(left.pop(), store=store)
            left += [after] if (after := EvaluateResult.of(row).continued_by) else []
            if row.state is not JobState.FAILED:  # a failed training keeps what it has for a retry
                request_cancel(row.id, store=store)
    return it


def predict_pool(store: Store, project_id: str, who: str) -> tuple[JobRecord, ...]:
    """Predict all images of the pool with the promoted model, without a round.

    Raises
    ------
    RoundError
        No model is promoted.
    AccessError
        ``who`` may not do that.
    """
    require(store, project_id, who, Permission.TRAIN)
    promoted = store.rounds.promoted_model(project_id)
    if promoted is None:
        raise RoundError("No model has been promoted in this project.", "Run a round, or promote a model.")
    jobs = tuple(pool_jobs(store, project_id, promoted.model_id, author=who))
    store.jobs.add(jobs)
    return jobs


def _changed(
    store: Store, round_id: str, who: str, change: Callable[[Transaction, RoundRecord], RoundRecord]
) -> RoundRecord:
    """The round, changed by somebody who may; roles are looked at in the same transaction."""

    def allowed(session: Transaction, it: RoundRecord) -> RoundRecord:
        require_within(session, store.settings, it.project_id, who, Permission.TRAIN)
        return change(session, it)

    return store.rounds.change(round_id, allowed)


def _require_decidable(it: RoundRecord) -> None:
    if it.decision is not None:
        text = f"{it.decision.value} by {it.decided_by or 'unknown'}"
        raise RoundError(f"Round {it.number} is already decided: {text}.", "Reload the page to see it.")
    if it.state is not RoundState.WAITING or it.step is not Step.DECIDE:
        raise RoundError(
            f"Round {it.number} is {it.state.value}, at the step {it.step.value}.", "Wait for the comparison."
        )


def _stopped(store: Store, round_id: str, who: str) -> RoundRecord:
    it = store.rounds.get(round_id)
    require(store, it.project_id, who, Permission.TRAIN)
    return _still_stopped(it)


def _still_stopped(it: RoundRecord) -> RoundRecord:
    if it.state not in (RoundState.FAILED, RoundState.CANCELLED):
        raise RoundError(f"Round {it.number} is {it.state.value}.", ("Only failed or cancelled rounds can be retried."))
    return it


def _drop_partial(store: Store, it: RoundRecord) -> None:
    """Remove what the round scored in part; the predictions stay, so that scoring again is quick."""
    for evaluation_id in (it.evaluation_id, it.base_evaluation_id):
        with suppress(NotFoundError):
            row = evaluation(store, evaluation_id or "")
            if row.state is EvaluationState.PARTIAL and row.job_id in it.now.job_ids:
                delete_evaluation(store, row.id)
