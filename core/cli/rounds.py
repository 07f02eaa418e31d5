"""``round``: rounds of the app's projects, from what was corrected to a model in use."""

from __future__ import annotations

import time
from typing import Annotated, Any, Final

import typer
from rich.markup import escape
from rich.table import Table

from core.cli.console import UsageError, done, notice, progress_bar, stdout
from core.cli.model import find_model, warn_of
from core.cli.results import find_project
from core.cli.round_tables import print_round, print_rounds
from core.cli.training_options import with_training_options
from core.engine.engine import ensure_engine
from core.errors import NotFoundError, RoundError
from core.rounds import decisions
from core.rounds.new_work import new_work
from core.rounds.plan import RoundPlan
from core.rounds.promotion import promote_model
from core.rounds.round import check_round, start_round, usual_parent
from core.rounds.timeline import round_progress
from core.settings import current_settings
from core.store.records import ProjectRecord
from core.store.round_records import RoundRecord, RoundState, Step
from core.store.store import Store, current_store
from core.wording import counted

app = typer.Typer(
    help="Rounds: train on corrections, compare with the current model, then promote or keep.", no_args_is_help=True
)

_POLL_S: Final = 0.5

Project = Annotated[str, typer.Argument(help="Name or id of the project.")]
Number = Annotated[int, typer.Argument(min=1, help="Round number from `round status`.")]
Who = Annotated[str, typer.Option("--as", help="Your name, recorded with the decision.")]
Wait = Annotated[bool, typer.Option(help="Wait until the round is done or needs a decision.")]


@app.command("start")
@with_training_options(RoundPlan)
def start(
    project: Project,
    model: Annotated[
        str, typer.Option("--from", help="Model to fine-tune; default: the project's current model.")
    ] = "",
    scratch: Annotated[bool, typer.Option(help="Train from scratch instead.")] = False,
    image: Annotated[
        list[str] | None, typer.Option(help="Name or id of a training image, repeatable; default: all.")
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the new model.")] = "",
    options: Any = None,
    auto: Annotated[bool, typer.Option(help="Promote the new model automatically if it passes the check.")] = False,
    again_after: Annotated[
        int | None,
        typer.Option(min=1, help=("Start the next round automatically after this many new approved corrections.")),
    ] = None,
    step_by_step: Annotated[bool, typer.Option(help="Wait for `round next` before each step.")] = False,
    wait: Wait = True,
    who: Who = "",
) -> None:
    """Freeze the training labels, train, score on the test set, and compare with the current model.

    Example: `python -m core round start "My images" --minutes 20 --as Ada`

    Ctrl+C leaves the round running.
    """
    store = current_store()
    found = find_project(store, project)
    if model and scratch:
        raise UsageError("--from and --scratch cannot be combined.", "Use one of them.")
    parent = None if scratch else find_model(model).id if model else usual_parent(store, found.id)
    if parent is not None:
        warn_of(find_model(parent))
    plan = RoundPlan(
        found.id, _images(store, found, image), name=name, parent_id=parent, automatic=auto, step_by_step=step_by_step,
        again_after=again_after, **options,
    )  # fmt: skip
    for text in check_round(store, plan).warnings:
        notice(text)
    begun = start_round(store, plan, who)
    done(f"Round {begun.number} of {found.name} began with {counted(len(begun.snapshot['cases']), 'image')}.")
    _follow(store, begun, wait=wait)


@app.command("status")
def status(
    project: Project, number: Annotated[int | None, typer.Argument(help="Show one round with all details.")] = None
) -> None:
    """List the rounds of a project, or show one."""
    store = current_store()
    found = find_project(store, project)
    if number is None:
        print_rounds(store, found.id)
    else:
        print_round(store, _round(store, found, number))


@app.command("fresh")
def new(project: Project) -> None:
    """Show the corrections approved since the last round."""
    store = current_store()
    found = find_project(store, project)
    what = new_work(store, found.id)
    table = Table(title="Confirmed in new corrections")
    table.add_column("class")
    table.add_column("pixels", justify="right")
    names = {0: "background"} | {class_.id: class_.name for class_ in found.scheme.classes}
    for class_id, pixels in what.covered.items():
        table.add_row(escape(names.get(class_id, f"class {class_id}")), f"{pixels:,}")
    stdout.print(table)
    since = f"since round {what.since}" if what.since else "so far"
    done(
        f"{counted(len(what.corrections), 'approved correction')} and "
        f"{counted(len(what.references), 'reference')} {since}, "
        f"of {counted(what.images, 'image')}, {counted(round(what.annotation_s / 60), 'minute')} of painting."
    )
    if what.test_corrections:
        notice(f"Never used for training: {counted(what.test_corrections, 'approved correction')} of test images.")


@app.command("promote")
def promote(
    project: Project,
    number: Number,
    reason: Annotated[str, typer.Option(help="Reason; required if the check failed.")] = "",
    wait: Wait = True,
    who: Who = "",
) -> None:
    """Promote the round's model and segment the pool with it."""
    store = current_store()
    _follow(store, decisions.promote(store, _numbered(store, project, number).id, who, reason), wait=wait)


@app.command("keep")
def keep(
    project: Project, number: Number, reason: Annotated[str, typer.Option(help="Reason.")] = "", who: Who = ""
) -> None:
    """Keep the current model; the round's model stays in the store."""
    store = current_store()
    kept = decisions.keep(store, _numbered(store, project, number).id, who, reason)
    done(f"Round {kept.number}: the current model is kept.")


@app.command("next")
def go_on(project: Project, number: Number, wait: Wait = True, who: Who = "") -> None:
    """Start the next step of a round that asks before each step."""
    store = current_store()
    _follow(store, decisions.go_on(store, _numbered(store, project, number).id, who), wait=wait)


@app.command("retry")
def retry(project: Project, number: Number, wait: Wait = True, who: Who = "") -> None:
    """Resume a failed or cancelled round at the step where it stopped."""
    store = current_store()
    _follow(store, decisions.retry_round(store, _numbered(store, project, number).id, who), wait=wait)


@app.command("compare")
def compare(project: Project, number: Number, wait: Wait = True, who: Who = "") -> None:
    """Compare a round again with the current model on the present test set."""
    store = current_store()
    _follow(store, decisions.compare_again(store, _numbered(store, project, number).id, who), wait=wait)


@app.command("cancel")
def cancel(project: Project, number: Number, who: Who = "") -> None:
    """Stop a round and its jobs."""
    store = current_store()
    stopped = decisions.cancel_round(store, _numbered(store, project, number).id, who)
    done(f"Round {stopped.number} is cancelled.")


@app.command("use")
def use(
    project: Project,
    model: Annotated[str, typer.Argument(help="Model id.")],
    reason: Annotated[str, typer.Option(help="Reason.")],
    who: Who = "",
) -> None:
    """Promote a model without a round, or return to an earlier one."""
    store = current_store()
    found = find_project(store, project)
    promoted = promote_model(store, found.id, find_model(model).id, who, reason)
    done(f"{found.name} now uses {promoted.model_id}.")


@app.command("predict")
def predict(project: Project, who: Who = "") -> None:
    """Queue the segmentation of all pool images with the current model."""
    store = current_store()
    rows = decisions.predict_pool(store, find_project(store, project).id, who)
    ensure_engine(current_settings())
    done(f"{counted(len(rows), 'image')} queued for segmentation.")


def _follow(store: Store, begun: RoundRecord, *, wait: bool) -> None:
    """Wait until the round is done or wants a person, then show it."""
    ensure_engine(current_settings())
    if not wait:
        return
    it = begun
    with progress_bar(f"round {it.number}") as progress:
        while it.state is RoundState.RUNNING:
            where = round_progress(store, it)
            steps = tuple(Step)
            progress((steps.index(where.step) + where.fraction) / len(steps), f"{where.step.value} {where.message}")
            time.sleep(_POLL_S)
            it = store.rounds.get(it.id)
    print_round(store, it)
    if it.state is RoundState.FAILED:
        raise RoundError(f"Round {it.number} failed at the step {it.step.value}. {it.now.cause}", it.now.remedy)


def _numbered(store: Store, project: str, number: int) -> RoundRecord:
    return _round(store, find_project(store, project), number)


def _round(store: Store, project: ProjectRecord, number: int) -> RoundRecord:
    rounds = store.rounds.of_project(project.id)
    for round_ in rounds:
        if round_.number == number:
            return round_
    there = f"There are 1 to {rounds[-1].number}." if rounds else "There is none yet."
    raise NotFoundError(f"{project.name} has no round {number}.", there)


def _images(store: Store, project: ProjectRecord, wanted: list[str] | None) -> tuple[str, ...] | None:
    """Ids of images by name or id."""
    if not wanted:
        return None
    ids = []
    for each in wanted:
        found = [image.id for image in store.images.all(project.id) if each in (image.name, image.id)]
        if len(found) != 1:
            what = "no image" if not found else f"{len(found)} images called"
            raise NotFoundError(f"{project.name} has {what} {each!r}.", "Use names or ids from the Data page.")
        ids += found
    return tuple(ids)
