"""Rounds that follow by themselves: once enough is approved, the next one starts as the last one did."""

from __future__ import annotations

import logging
from dataclasses import replace

from core.errors import CristaeError
from core.rounds.new_work import new_work
from core.rounds.plan import RoundPlan
from core.rounds.round import start_round, usual_parent
from core.store.round_records import RoundRecord, RoundState
from core.store.store import Store

logger = logging.getLogger("cristae.rounds")


def start_following_rounds(store: Store) -> int:
    """Start the rounds that are due, at most one for each project. What cannot be started is told in the log.

    Returns
    -------
    int
        How many were started.
    """
    started = 0
    for project in store.projects.all():
        last = next(reversed(store.rounds.of_project(project.id)), None)
        if last is not None and is_due(store, last):
            plan = RoundPlan.from_json(last.plan)
            following = replace(plan, name="", image_ids=None, parent_id=usual_parent(store, project.id))
            try:
                start_round(store, following, last.author)
            except CristaeError as error:
                logger.info("the round after %d of %s was not started: %s", last.number, project.name, error)
            else:
                started += 1
    return started


def is_due(store: Store, last: RoundRecord) -> bool:
    """Whether the round after a project's last one shall start now."""
    after = RoundPlan.from_json(last.plan).again_after
    if after is None or last.state is not RoundState.DONE:
        return False
    return len(new_work(store, last.project_id).corrections) >= after
