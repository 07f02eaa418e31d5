"""The options of a training as options of a command, drawn from their declaration in `core.training.options`."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, Final

import typer

from core.cli.pixel_size import pixel_size_option
from core.training.options import DECLARED, TrainingOptions, default_of

ARGUMENT: Final = "options"
"""Of a command that takes them: a mapping of option name to value, as a class that has the options takes it."""


def with_training_options(kind: type[TrainingOptions]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command every option of a training that has a name there.

    Parameters
    ----------
    kind
        The class whose defaults count.

    Returns
    -------
    callable
        A decorator for a command with an argument ``options: dict[str, Any]``; the options take its place in the help.
    """
    hints = typing.get_type_hints(kind)
    offered = {
        name: inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=default_of(kind, name),
            annotation=Annotated[hints[name], _command_option(name, hints[name])],
        )
        for name, declared in DECLARED.items()
        if declared.command
    }

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def with_options(**given: Any) -> None:
            options = {name: given.pop(name) for name in offered}
            command(**given, **{ARGUMENT: options})

        signature = inspect.signature(command, eval_str=True)
        parameters = [
            shown
            for parameter in signature.parameters.values()
            for shown in (
                offered.values()
                if parameter.name == ARGUMENT
                else (parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY),)
            )
        ]
        with_options.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        with_options.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return with_options

    return decorate


def _command_option(name: str, kind: Any) -> Any:
    """The option of the command; its range is asked for where the command is read, and again where it is used."""
    declared = DECLARED[name]
    command = f"--{declared.command}"
    if name == "pixel_size_nm":
        return pixel_size_option(declared.meaning, command)
    if kind is bool:
        return typer.Option(f"{command}/--no-{declared.command}", help=declared.meaning)
    if declared.least is None and declared.most is None:
        return typer.Option(command, help=declared.meaning)
    return typer.Option(command, help=declared.meaning, min=declared.least, max=declared.most)
