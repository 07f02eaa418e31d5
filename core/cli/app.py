"""The command tree."""

from __future__ import annotations

import inspect as inspection
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
    model_looks,
    model_objects,
    phantom,
    results,
    rounds,
    segment,
    serve,
    train,
)
from core.cli.console import explained_errors, notice
from core.errors import CristaeError, SettingsError
from core.models.shipped import provide_starter
from core.program import COMMAND, quiet_libraries
from core.settings import load_settings

app = typer.Typer(
    help="Cristae on the command line: prepare data, train, segment, measure, evaluate, run rounds, manage models.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("serve")(serve.serve)
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
model.app.command("looks")(model_looks.looks)
app.add_typer(model.app, name="model")
app.add_typer(results.app, name="results")
app.add_typer(rounds.app, name="round")

_VERBOSE: Final = ("--verbose", "-v")

_IN_EXAMPLES: Final = "python -m core"
"""How docstrings call the command."""

_LOOKING: Final = ("doctor",)
"""Commands that make nothing, not even the model store of a new installation."""


def _print_version(wanted: bool) -> None:
    """Print the version and leave."""
    if wanted:
        typer.echo(f"cristae {__version__}")
        raise typer.Exit


@app.callback()
def common(
    context: typer.Context,
    verbose: Annotated[bool, typer.Option(*_VERBOSE, help="Write a detailed log, including errors.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Cristae on the command line."""
    quiet_libraries()
    logging.basicConfig(level=logging.INFO if verbose else logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    if context.invoked_subcommand not in _LOOKING:
        _provide_starter()


def _provide_starter() -> None:
    """A new installation begins with the starter; commands that need no model work without."""
    try:
        provide_starter(load_settings())
    except SettingsError:  # commands that need settings say so themselves
        return
    except CristaeError as error:
        notice(str(error))


def _name_examples(commands: typer.Typer, command: str) -> None:
    """Let the examples of ``--help`` call the command as the person did."""
    for item in commands.registered_commands:
        if item.callback is not None and item.help is None:
            item.help = (inspection.getdoc(item.callback) or "").replace(_IN_EXAMPLES, command)
    for group in commands.registered_groups:
        if group.typer_instance is not None:
            _name_examples(group.typer_instance, command)


def main(command: str = COMMAND) -> None:
    """Run a command; errors that Cristae knows become messages and exit codes.

    Parameters
    ----------
    command
        What the person typed to get here, for the help: "cristae" or "python -m core".
    """
    _name_examples(app, command)
    verbose = any(argument in _VERBOSE for argument in sys.argv[1:])
    try:
        with explained_errors(verbose=verbose):
            app(prog_name=command, standalone_mode=True)
    except typer.Exit as leaving:
        raise SystemExit(leaving.exit_code) from None
