"""What all commands share: consoles, the progress bar, and the one place where errors become messages."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NoReturn, Protocol

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from core.errors import CristaeError, JobCancelledError

EXIT_FAILED: Final = 1
"""The command could not do its work; the message says why."""

EXIT_USAGE: Final = 2
"""What was typed cannot be meant: options that contradict each other, or one that is missing."""

EXIT_INTERRUPTED: Final = 130
"""Stopped with Ctrl+C, as shells count it."""

stdout = Console()
stderr = Console(stderr=True)


class UsageError(CristaeError):
    """What was typed cannot be meant; nothing has been read or made."""


class ProgressCallback(Protocol):
    """What a long piece of work calls to say how far it is."""

    def __call__(self, fraction: float, message: str = "") -> None:
        """``fraction`` is 0 to 1."""
        ...


@contextmanager
def progress_bar(what: str) -> Iterator[ProgressCallback]:
    """A bar on standard error with the time left; plain lines at every tenth when it is not a terminal."""
    if not stderr.is_terminal:
        yield _TextProgress(what)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=stderr) as progress:
        task = progress.add_task(what, total=1.0)

        def update(fraction: float, message: str = "") -> None:
            progress.update(task, completed=fraction, description=f"{what} {message}".strip())

        yield update


class _TextProgress:
    """Progress for log files and pipes."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._last = -1

    def __call__(self, fraction: float, message: str = "") -> None:
        tenth = int(fraction * 10)
        if tenth > self._last:
            self._last = tenth
            sys.stderr.write(f"{self._what} {tenth * 10} % {message}".rstrip() + "\n")
            sys.stderr.flush()


@contextmanager
def explained_errors(*, verbose: bool) -> Iterator[None]:
    """Show cause and remedy instead of a stack trace, and end with the right exit code."""
    try:
        yield
    except JobCancelledError:
        fail("Cancelled.", "", EXIT_INTERRUPTED)
    except CristaeError as error:
        if verbose:
            logging.getLogger("cristae").exception("details")
        fail(error.cause, error.remedy, EXIT_USAGE if isinstance(error, UsageError) else EXIT_FAILED)
    except OSError as error:
        if verbose:
            logging.getLogger("cristae").exception("details")
        fail(f"{error.strerror or error}: {error.filename}." if error.filename else f"{error}.", "Check the path.")
    except KeyboardInterrupt:
        fail("Interrupted.", "", EXIT_INTERRUPTED)


def fail(cause: str, remedy: str, code: int = EXIT_FAILED) -> NoReturn:
    """Print an error and leave."""
    stderr.print(f"[bold red]Error:[/] {escape(cause)}", highlight=False, soft_wrap=True)
    if remedy:
        stderr.print(f"[bold]What to do:[/] {escape(remedy)}", highlight=False, soft_wrap=True)
    raise typer.Exit(code)


def notice(text: str) -> None:
    """A remark that does not stop the work."""
    stderr.print(f"[yellow]Note:[/] {escape(text)}", highlight=False, soft_wrap=True)


def done(text: str) -> None:
    """What was made."""
    stdout.print(escape(text), highlight=False, soft_wrap=True)
