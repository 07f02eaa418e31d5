"""The command tree."""

from __future__ import annotations

import logging
import sys
from typing import Annotated, Final

import typer

from core import __version__
from core.cli import (
    dataset,
    demo,
    doctor,
    evaluate,
    export,
    inspect,
    labels,
    measure,
    model,
    model_objects,
    phantom,
    results,
    rounds,
    segment,
    train,
)
from core.cli.console import explained_errors

app = typer.Typer(
    name="core",
    help="Cristae on the command line: prepare data, train, segment, measure, evaluate, run rounds, keep models.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("phantom")(phantom.phantom)
app.command("segment")(segment.segment)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("measure")(measure.measure)
app.command("labels")(labels.labels)
app.command("export")(export.export)
app.command("inspect")(inspect.inspect)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)
app.add_typer(dataset.app, name="dataset")
model.app.command("objects")(model_objects.objects)
app.add_typer(model.app, name="model")
app.add_typer(results.app, name="results")
app.add_typer(rounds.app, name="round")

_VERBOSE: Final = ("--verbose", "-v")


def _print_version(wanted: bool) -> None:
    """Print the version and leave."""
    if wanted:
        typer.echo(f"cristae {__version__}")
        raise typer.Exit


@app.callback()
def common(
    verbose: Annotated[bool, typer.Option(*_VERBOSE, help="Log details, also of errors.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Cristae on the command line."""
    logging.basicConfig(level=logging.INFO if verbose else logging.ERROR, format="%(levelname)s %(name)s: %(message)s")


def main() -> None:
    """Run a command; errors that Cristae knows become messages and exit codes."""
    verbose = any(argument in _VERBOSE for argument in sys.argv[1:])
    try:
        with explained_errors(verbose=verbose):
            app(standalone_mode=True)
    except typer.Exit as leaving:
        raise SystemExit(leaving.exit_code) from None
