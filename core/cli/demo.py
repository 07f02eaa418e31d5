"""``demo``: the demo project, so that a first look has something to look at."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli.console import done, notice, progress_bar
from core.cli.waiting import wait_for_jobs
from core.demo.project import demo_was_deleted, prepare_demo_images
from core.engine.engine import ensure_engine
from core.engine.tasks.demo import queue_demo_predictions
from core.jobs.kinds import DemoParams
from core.jobs.rows import Priority, submit
from core.program import COMMAND
from core.settings import current_settings
from core.store.store import current_store


def demo(
    again: Annotated[bool, typer.Option("--again", help="Create the demo project again if it was deleted.")] = False,
) -> None:
    """Create the demo project if it is missing: synthetic micrographs, references, predictions.

    A deleted demo project is not created again: this runs at every start of the app.

    Example: `python -m core demo`
    """
    store = current_store()
    if not again and demo_was_deleted(store):
        done(f"The demo project was deleted and is not created again; use `{COMMAND} demo --again` to create it.")
        return
    with progress_bar("demo images") as progress:
        records = prepare_demo_images(store, progress)
    waiting = [row.id for row in queue_demo_predictions(store, records)]
    if waiting:
        ensure_engine(current_settings())
        with progress_bar("demo predictions") as progress:
            ended = wait_for_jobs(waiting, progress)
        for row in ended:
            if row.error_cause:
                notice(f"{row.error_cause} {row.error_remedy}".strip())
    if not store.evaluations.of_project(records[0].project_id):
        submit(DemoParams(rounds=True), priority=Priority.BATCH)  # test set, evaluation, rounds, while the app starts
    done(f"The demo project has {len(records)} synthetic micrographs.")
