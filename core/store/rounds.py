"""Rounds: beginning, changing and listing them, and which model a project uses. What they mean: `core.rounds`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Final

from sqlalchemy import CursorResult, and_, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from core.errors import RoundChangedError, RoundError
from core.store.base import StorePart, found, new_id, now
from core.store.people import clean_name
from core.store.round_records import (
    PromotedModel,
    RoundDecision,
    RoundRecord,
    RoundState,
    Step,
    StepRecord,
)
from core.store.round_tables import PromotedModelRow, RoundRow
from core.store.tables import ProjectRow

Change = Callable[[Session, RoundRecord], RoundRecord]
"""Given the round as it is, how it shall be; raises where that cannot be. May write other rows with the session."""

_FIXED: Final = frozenset({"id", "project_id", "number", "author", "plan", "snapshot", "created_at", "version"})
"""Never change."""

_TRIES: Final = 5
"""On PostgreSQL two may change a round at once; the slower looks again so often."""


class Rounds(StorePart):
    """Rounds of projects, each change compare and set."""

    def create(
        self,
        project_id: str,
        *,
        author: str,
        plan: Mapping[str, Any],
        snapshot: Mapping[str, Any],
        parent_model_id: str | None,
        notices: Sequence[str] = (),
        within: Callable[[Session, RoundRecord], None] = lambda session, record: None,
    ) -> RoundRecord:
        """Begin a round with its frozen snapshot.

        Parameters
        ----------
        within
            Called in the same transaction.

        Raises
        ------
        NotFoundError
            There is no such project.
        RoundError
            A round of the project is under way.
        """
        try:
            with self._data.database.writing() as session:
                found(session, ProjectRow, project_id, "project")
                _refuse_beside_another(session, project_id)
                newest = select(func.max(RoundRow.number)).where(RoundRow.project_id == project_id)
                row = RoundRow(
                    id=new_id(), project_id=project_id, number=(session.scalar(newest) or 0) + 1,
                    author=clean_name(author), state=RoundState.RUNNING.value, step=Step.SNAPSHOT.value,
                    steps={step.value: StepRecord().to_json() for step in Step}, plan=dict(plan),
                    snapshot=dict(snapshot), notices=list(notices), parent_model_id=parent_model_id,
                    base_model_id=None, promoted_then=None, model_id=None, test_set={}, evaluation_id=None,
                    base_evaluation_id=None, comparison=None, decision="", reason="", decided_by="", decided_at=None,
                    corrected={}, covered={}, annotation_s=0.0, version=1, created_at=now(), finished_at=None,
                )  # fmt: skip
                session.add(row)
                session.flush()
                within(session, _record(row))
        except IntegrityError as error:
            raise RoundError("Another person has just started a round.", "Check that round first.") from error
        return _record(row)

    def get(self, round_id: str) -> RoundRecord:
        """One round.

        Raises
        ------
        NotFoundError
            There is none with this id.
        """
        with self._data.database.reading() as session:
            return _record(found(session, RoundRow, round_id, "round"))

    def of_project(
        self, project_id: str | None = None, *, states: Collection[RoundState] | None = None
    ) -> tuple[RoundRecord, ...]:
        """Rounds of a project, or all, by their numbers."""
        wanted = select(RoundRow).order_by(RoundRow.project_id, RoundRow.number)
        if project_id is not None:
            wanted = wanted.where(RoundRow.project_id == project_id)
        if states is not None:
            wanted = wanted.where(RoundRow.state.in_([state.value for state in states]))
        with self._data.database.reading() as session:
            return tuple(_record(row) for row in session.scalars(wanted))

    def unsettled(self) -> tuple[RoundRecord, ...]:
        """Rounds under way, and failed ones that are the newest of their project: somebody may retry their jobs."""
        other = aliased(RoundRow)
        newest = select(func.max(other.number)).where(other.project_id == RoundRow.project_id).scalar_subquery()
        failed = and_(RoundRow.state == RoundState.FAILED.value, RoundRow.number == newest)
        wanted = select(RoundRow).where(or_(RoundRow.state == RoundState.RUNNING.value, failed))
        with self._data.database.reading() as session:
            return tuple(_record(row) for row in session.scalars(wanted.order_by(RoundRow.created_at, RoundRow.id)))

    def change(self, round_id: str, change: Change, *, version: int | None = None) -> RoundRecord:
        """Change a round as it is now, with whatever else ``change`` writes, all or nothing.

        Parameters
        ----------
        version
            Only while it is still this version.

        Raises
        ------
        NotFoundError
            There is no such round.
        RoundChangedError
            It is another version by now.
        """
        for _ in range(_TRIES - 1):
            try:
                return self._change_round(round_id, change, version)
            except RoundChangedError:
                if version is not None:
                    raise
        return self._change_round(round_id, change, version)

    def _change_round(self, round_id: str, change: Change, version: int | None) -> RoundRecord:
        with self._data.database.writing() as session:
            before = _record(found(session, RoundRow, round_id, "round"))
            if version is not None and before.version != version:
                raise _changed()
            after = change(session, before)
            if after == before:
                return before
            values = _differences(before, after)
            wanted = update(RoundRow).where(RoundRow.id == round_id, RoundRow.version == before.version)
            done = session.execute(wanted.values(**values, version=before.version + 1))
            if not isinstance(done, CursorResult) or done.rowcount != 1:
                raise _changed()
            return replace(after, version=before.version + 1)

    def promoted_model(self, project_id: str) -> PromotedModel | None:
        """The model that the project uses; None: none was promoted yet."""
        with self._data.database.reading() as session:
            return promoted_within(session, project_id)

    def promoting_projects(self, model_id: str) -> tuple[str, ...]:
        """Names of the projects that use a model."""
        wanted = select(ProjectRow.name).join(PromotedModelRow, PromotedModelRow.project_id == ProjectRow.id)
        with self._data.database.reading() as session:
            return tuple(session.scalars(wanted.where(PromotedModelRow.model_id == model_id).order_by(ProjectRow.name)))


def promoting_within(session: Session, model_id: str) -> list[str]:
    """Ids of the projects that use a model."""
    return list(session.scalars(select(PromotedModelRow.project_id).where(PromotedModelRow.model_id == model_id)))


def promoted_within(session: Session, project_id: str, *, held: bool = False) -> PromotedModel | None:
    """`Rounds.promoted_model` within a transaction; ``held``: nobody else changes it before this one ends."""
    row = session.get(PromotedModelRow, project_id, with_for_update=held or None)
    return None if row is None else PromotedModel(row.model_id, row.round_id, row.who, row.reason, row.at)


def promote_within(
    session: Session, project_id: str, model_id: str, *, round_id: str = "", who: str, reason: str
) -> None:
    """Make a model the one that the project uses."""
    row = session.get(PromotedModelRow, project_id)
    if row is None:
        row = PromotedModelRow(
            project_id=project_id, model_id=model_id, round_id=round_id, who=who, reason=reason, at=now()
        )
        session.add(row)
    row.model_id, row.round_id, row.who, row.reason, row.at = model_id, round_id, who, reason, now()


def running_round_within(session: Session, project_id: str) -> int | None:
    """Within a transaction: the number of the round of a project that is under way; None: none is."""
    running = RoundRow.state == RoundState.RUNNING.value
    return session.scalars(select(RoundRow.number).where(RoundRow.project_id == project_id, running)).first()


def _refuse_beside_another(session: Session, project_id: str) -> None:
    number = running_round_within(session, project_id)
    if number is not None:
        raise RoundError(f"Round {number} of this project is running.", "Wait for it, or cancel it first.")


def _changed() -> RoundChangedError:
    return RoundChangedError("Another person has changed the round.", "Check it again, then decide.")


def _differences(before: RoundRecord, after: RoundRecord) -> dict[str, Any]:
    """Columns to write."""
    names = [item.name for item in fields(RoundRecord) if item.name not in _FIXED]
    return {name: _plain(name, getattr(after, name)) for name in names if getattr(after, name) != getattr(before, name)}


def _plain(name: str, value: Any) -> Any:
    """As the column takes it."""
    if name == "steps":
        return {step.value: each.to_json() for step, each in value.items()}
    if name == "decision":
        return value.value if value else ""
    if name in ("corrected", "covered"):
        return {str(class_id): pixels for class_id, pixels in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _record(row: RoundRow) -> RoundRecord:
    return RoundRecord(
        id=row.id,
        project_id=row.project_id,
        number=row.number,
        author=row.author,
        state=RoundState(row.state),
        step=Step(row.step),
        steps={step: StepRecord.from_json(row.steps[step.value]) for step in Step},
        plan=dict(row.plan),
        snapshot=dict(row.snapshot),
        notices=tuple(row.notices),
        parent_model_id=row.parent_model_id,
        base_model_id=row.base_model_id,
        promoted_then=row.promoted_then,
        model_id=row.model_id,
        test_set=dict(row.test_set),
        evaluation_id=row.evaluation_id,
        base_evaluation_id=row.base_evaluation_id,
        comparison=None if row.comparison is None else dict(row.comparison),
        decision=RoundDecision(row.decision) if row.decision else None,
        reason=row.reason,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        corrected={int(class_id): pixels for class_id, pixels in row.corrected.items()},
        covered={int(class_id): pixels for class_id, pixels in row.covered.items()},
        annotation_s=row.annotation_s,
        version=row.version,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
