"""Printing rounds."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from core.cli.console import done, notice, stdout
from core.evaluation.words import VERDICTS, change_text, end_text, with_interval
from core.learning.current_model import current_model
from core.models.store import ModelStore
from core.rounds.gate import Figure, Judgement, Outcome
from core.rounds.timeline import timeline
from core.store.round_records import RoundRecord, RoundState, Step
from core.store.store import Store

_OUTCOMES = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "worse",
    Outcome.TOO_FEW: "too few test images to decide",
    Outcome.NOT_JUDGED: "no result",
    Outcome.FIRST: "first model",
}


def print_rounds(store: Store, project_id: str) -> None:
    """All rounds of a project, one line each."""
    table = Table(title="Rounds")
    for column in ("round", "state", "model", "mean Dice", "difference", "gate", "decision", "corrected px", "minutes"):
        table.add_column(column, overflow="fold")
    for each in timeline(store, project_id):
        state = each.state.value if each.state is RoundState.DONE else f"{each.state.value}: {each.step.value}"
        in_use = " (current)" if each.promoted else ""
        table.add_row(
            str(each.number), state, escape(each.model_name) + in_use, _figure(each.dice()), _difference(each.gain()),
            _OUTCOMES[each.outcome] if each.outcome else "–", each.decision.value if each.decision else "–",
            f"{sum(each.corrected.values()):,}", f"{each.annotation_minutes:.0f}",
        )  # fmt: skip
    stdout.print(table)
    current = current_model(store, ModelStore(store.settings.models_dir), project_id)
    done(f"Current model: {current.model.id} ({current.reason.value})" if current else "There is no model yet.")


def print_round(store: Store, record: RoundRecord) -> None:
    """One round with its steps, its figures, and what to know of it."""
    steps = Table(title=f"Round {record.number}: {record.state.value}")
    for column in ("step", "state", "why"):
        steps.add_column(column, overflow="fold")
    for step in Step:
        steps.add_row(step.value, record.steps[step].state.value, escape(record.steps[step].cause))
    stdout.print(steps)
    for text in record.notices:
        notice(text)
    if record.comparison is not None:
        _print_judgement(Judgement.from_json(record.comparison), record)
    if record.decision is not None:
        reason = f" Reason: {record.reason}" if record.reason else ""
        done(f"{record.decision.value} by {record.decided_by or 'unknown'}.{reason}")
    elif record.state is RoundState.WAITING:
        waits = "`round promote` or `round keep`" if record.step is Step.DECIDE else "`round next`"
        done(f"Waiting for a decision: {waits}.")


def _print_judgement(judgement: Judgement, record: RoundRecord) -> None:
    table = Table(title=f"Dice of {record.model_id} after {record.base_model_id or 'nothing'}")
    for column in ("class", "before", "after", "difference", "images", "verdict"):
        table.add_column(column, overflow="fold")
    for item in judgement.classes:
        images = str(item.difference.images if item.difference else item.after.images)
        verdict = VERDICTS[item.verdict] if item.verdict else "–"
        table.add_row(
            escape(item.name), _figure(item.before), _figure(item.after), _difference(item.difference), images, verdict
        )
    stdout.print(table)
    done(f"Check: {_OUTCOMES[judgement.outcome]}")
    remarks = [item.words for item in judgement.classes if item.words]
    for text in dict.fromkeys((*judgement.reasons, *remarks, judgement.caution)):
        if text:
            notice(text)


def _figure(figure: Figure | None) -> str:
    if figure is None or figure.mean is None:
        return "–"
    mean = f"{figure.mean:.3f}"
    if figure.low is None or figure.high is None:
        return mean
    return with_interval(mean, f"{figure.low:.3f}", f"{figure.high:.3f}")


def _difference(figure: Figure | None) -> str:
    if figure is None or figure.mean is None:
        return "–"
    if figure.low is None or figure.high is None:
        return change_text(figure.mean)
    return with_interval(change_text(figure.mean), end_text(figure.low), end_text(figure.high))
