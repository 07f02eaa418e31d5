"""``results``: evaluations of the app's projects. Label maps in folders are scored by ``evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from core.cli.console import UsageError, done, notice, progress_bar, stdout
from core.cli.evaluate_tables import print_report
from core.cli.model import find_model, warn_of
from core.cli.waiting import wait_for_jobs
from core.engine.engine import ensure_engine
from core.errors import JobError, NotFoundError
from core.evaluation.settings import parsed_settings
from core.evaluations.downloads import DOWNLOADS, render_evaluation
from core.evaluations.read import delete_evaluation, evaluation, evaluation_report, evaluations
from core.evaluations.start import EvaluationPlan, check_evaluation, start_evaluation
from core.files import write_bytes
from core.jobs.kinds import EvaluateParams, EvaluateResult
from core.program import COMMAND
from core.settings import current_settings
from core.store.records import JobState, ProjectRecord
from core.store.store import Store, current_store

app = typer.Typer(help="Evaluate models on test sets of projects; list, show, export, delete.", no_args_is_help=True)


@app.command("run")
def run_evaluation(
    project: Annotated[str, typer.Argument(help="Name or id of the project whose test set is scored.")],
    model: Annotated[str, typer.Option(help="Model id; default: the project's current model.")] = "",
    tolerance: Annotated[
        float | None,
        typer.Option(help=("Tolerance of surface Dice (NSD) in nm. Default: two pixels of the median image.")),
    ] = None,
    numbers: Annotated[
        list[str] | None, typer.Option("--set", help="Any other setting as name=value; may be given several times.")
    ] = None,
) -> None:
    """Evaluate a model on the test set of a project, as the Results page does. Ctrl+C leaves the job running.

    Example: `python -m core results run "My images" --model starter`
    """
    store = current_store()
    settings = ({} if tolerance is None else {"tolerance_nm": tolerance}) | parsed_settings(numbers or ())
    found = find_project(store, project)
    chosen = find_model(model, project_id=found.id)
    if not model:
        done(f"Model: {chosen.card.name} ({chosen.id})")
    warn_of(chosen)
    plan = EvaluationPlan(found.id, chosen.id, settings=settings)
    for text in check_evaluation(store, plan).warnings:
        notice(text)
    asked = start_evaluation(store, plan)
    ensure_engine(current_settings())
    ended = asked
    with progress_bar("evaluate") as progress:
        while not ended.finished or EvaluateResult.of(ended).continued_by:
            (ended,) = wait_for_jobs([EvaluateResult.of(ended).continued_by or ended.id], progress)
    evaluation_id = EvaluateParams.from_json(asked.params).evaluation_id
    if ended.state is not JobState.SUCCEEDED:
        raise JobError(ended.error_cause or f"The job is {ended.state.value}.", ended.error_remedy)
    _show(store, evaluation_id)


@app.command("list")
def list_evaluations(
    project: Annotated[str, typer.Option(help="Name or id of a project; default: all projects.")] = "",
) -> None:
    """List evaluations, newest first."""
    store = current_store()
    table = Table(title="Evaluations")
    for column in ("id", "project", "name", "state", "images", "mean Dice", "when"):
        table.add_column(column, overflow="fold", no_wrap=column == "id")
    for owner in (find_project(store, project),) if project else store.projects.all():
        for row in evaluations(store, owner.id):
            dice = f"{evaluation_report(store, row.id).figure('dice').macro:.3f}" if row.scored_count else "–"
            count = f"{row.scored_count} of {row.image_count}"
            when = f"{row.created_at:%Y-%m-%d %H:%M}"
            table.add_row(row.id, escape(owner.name), escape(row.name), row.state.value, count, dice, when)
    stdout.print(table)


@app.command("show")
def show(evaluation_id: Annotated[str, typer.Argument(help="Evaluation id.")]) -> None:
    """Print the scores of an evaluation."""
    _show(current_store(), evaluation_id)


@app.command("export")
def export(
    evaluation_id: Annotated[str, typer.Argument(help="Evaluation id.")],
    out: Annotated[
        Path,
        typer.Option(
            help=(
                "File to write. The extension sets the content: .html report, .csv metrics, .json "
                "scores, .zip everything."
            )
        ),
    ],
    compare: Annotated[str, typer.Option(help="Id of an evaluation to compare with (adds paired differences).")] = "",
) -> None:
    """Write the report, the metrics table, the JSON report or the bundle of the Results page.

    Example: `python -m core results export 1f3a… --out report.html`
    """
    kinds = {Path(name).suffix: name for name in DOWNLOADS}
    if out.suffix.lower() not in kinds:
        raise UsageError(f"{out.name} does not have a known extension.", f"Choose one of {', '.join(kinds)}.")
    content, _, _ = render_evaluation(current_store(), evaluation_id, kinds[out.suffix.lower()], compare)
    write_bytes(out, content)
    done(f"Written: {out}")


@app.command("delete")
def delete(evaluation_id: Annotated[str, typer.Argument(help="Evaluation id.")]) -> None:
    """Delete the scores of an evaluation; images and label maps are kept."""
    store = current_store()
    name = evaluation(store, evaluation_id).name
    delete_evaluation(store, evaluation_id)
    done(f"Deleted the evaluation {name}.")


def _show(store: Store, evaluation_id: str) -> None:
    report = evaluation_report(store, evaluation_id)
    print_report(report)
    for name, reason in report.unscored.items():
        notice(f"{name} has no scores. {reason}")
    row = evaluation(store, evaluation_id)
    done(f"{row.name}, {row.state.value}: {row.scored_count} of {row.image_count} images. Id {row.id}")


def find_project(store: Store, wanted: str) -> ProjectRecord:
    """A project by its name or id.

    Raises
    ------
    NotFoundError
        There is none.
    """
    projects = store.projects.all()
    for project in projects:
        if wanted in (project.name, project.id):
            return project
    if not projects:
        from core.batches.target import FIRST_PROJECT

        raise NotFoundError(
            f"There is no project {wanted!r}: the data folder {store.settings.data_dir} has no projects.",
            f'Create one on the Data page of the app, or with `{COMMAND} segment FILE --project "{FIRST_PROJECT}"`, '
            "which creates that project.",
        )
    names = ", ".join(project.name for project in projects)
    raise NotFoundError(f"There is no project {wanted!r}.", f"The projects are: {names}.")
