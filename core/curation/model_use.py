"""Models and what needs them: nothing is taken away from under a job, a round or a project."""

from __future__ import annotations

from core.errors import CristaeError, ModelError
from core.jobs.kinds import TASKS, subjects_of
from core.jobs.rows import active_jobs
from core.models.store import ModelStore, TrashedModel
from core.store.records import JobRecord
from core.store.round_records import RoundRecord, RoundState
from core.store.store import Store


def jobs_using(store: Store, model_id: str) -> tuple[JobRecord, ...]:
    """Running and waiting jobs that predict with a model, start from it, or are followed by a prediction with it."""
    return tuple(row for row in active_jobs(store=store) if model_id in subjects_of(row).models)


def trash_model(store: Store, models: ModelStore, model_id: str) -> TrashedModel:
    """Move a model to the trash, unless something needs it.

    Raises
    ------
    ModelError
        A job or an undecided round uses it, a project has promoted it, or it is the starter.
    NotFoundError
        There is no such model.
    """
    users = jobs_using(store, model_id)
    if users:
        kinds = {TASKS[row.kind].title if row.kind in TASKS else row.kind for row in users}
        raise ModelError(
            f"{_name(models, model_id)} is in use by {len(users)} job(s): {', '.join(sorted(kinds))}.",
            "Wait until they have ended, or cancel them on the Jobs page.",
        )
    projects = store.rounds.promoting_projects(model_id)
    if projects:
        raise ModelError(
            f"{_name(models, model_id)} is the promoted model of {', '.join(projects)}.",
            "Promote another model there first.",
        )
    rounds = rounds_using(store, model_id)
    if rounds:
        raise ModelError(
            f"{_name(models, model_id)} is needed by round {', '.join(str(each.number) for each in rounds)}, which is "
            "not decided.",
            "Decide on the round, or cancel it.",
        )
    return models.trash(model_id)


def rounds_using(store: Store, model_id: str) -> tuple[RoundRecord, ...]:
    """Rounds under way, or waiting for a decision, that made a model, start from it, or are compared with it."""
    return tuple(
        round_
        for round_ in store.rounds.of_project(states=(RoundState.RUNNING, RoundState.WAITING))
        if model_id in (round_.model_id, round_.parent_model_id, round_.base_model_id)
    )


def _name(models: ModelStore, model_id: str) -> str:
    """A model as people call it; a broken one by its id."""
    try:
        return models.get(model_id).card.name
    except CristaeError:
        return model_id
