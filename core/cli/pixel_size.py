"""The option for a pixel size: the same values and the same refusals as in the fields of the app."""

from __future__ import annotations

from typing import Any

import typer

from core.cli.console import UsageError
from core.errors import ImageError
from core.imaging.lengths import parse_pixel_size_nm


def pixel_size_option(help: str, *names: str) -> Any:
    """``--pixel-size``: a number in nm, or with a unit.

    Parameters
    ----------
    help
        What it is for, a sentence.
    names
        Of the option, with their dashes; none: that of the parameter.
    """
    return typer.Option(*names, parser=_typed_nm, metavar="SIZE", help=f'{help} In nm, or with a unit: "0.008 µm".')


def _typed_nm(text: str) -> float:
    """The size in nm; what is none is a mistake in the command."""
    try:
        return parse_pixel_size_nm(text)
    except ImageError as error:
        raise UsageError(error.cause, error.remedy) from error
