"""Files of a command that cannot be used: the others go on, each is named at the end, and the exit code is 1."""

from __future__ import annotations

from types import TracebackType

import typer
from rich.markup import escape

from core.cli.console import EXIT_FAILED, stderr
from core.errors import CristaeError, JobCancelledError, LabelMapError, Refusal, StorageFullError
from core.outside.boundary import file_boundary


class RefusedFiles:
    """Collects what is wrong with single files of a command.

    Parameters
    ----------
    files
        How many the command was given. What is wrong with the only one is an error like any other.
    """

    def __init__(self, files: int) -> None:
        self.refusals: list[Refusal] = []
        self._files = files

    def boundary(self, name: str) -> _Boundary:
        """Around the reading of one file, or of the files of one image.

        Raises
        ------
        CristaeError
            It is the only file; or somebody stopped the command, or the disk is full, which is not about the file.
        """
        return _Boundary(self, name, alone=self._files == 1)

    def add(self, refusal: Refusal) -> None:
        """Remember what is wrong with one."""
        self.refusals.append(refusal)

    @property
    def names(self) -> tuple[str, ...]:
        """What could not be used."""
        return tuple(refusal.where for refusal in self.refusals)

    def show(self) -> None:
        """Name each with cause and remedy."""
        for refusal in self.refusals:
            stderr.print(f"[bold red]Rejected:[/] {escape(refusal.where)}: {escape(refusal.cause)}", soft_wrap=True)
            stderr.print(f"  [bold]What to do:[/] {escape(refusal.remedy)}", soft_wrap=True)

    def end(self) -> None:
        """Name each, and end the command with 1 if there is any.

        Raises
        ------
        typer.Exit
            There is one.
        """
        if not self.refusals:
            return
        self.show()
        stderr.print(
            f"{len(self.refusals)} of {self._files} could not be used and are missing from the results.",
            highlight=False, soft_wrap=True,
        )  # fmt: skip
        raise typer.Exit(EXIT_FAILED)


class _Boundary:
    """Remembers an error about a file, so that the next one has its turn."""

    def __init__(self, refused: RefusedFiles, name: str, *, alone: bool) -> None:
        self._refused, self._name, self._alone = refused, name, alone
        self._explained = file_boundary(name, kind=LabelMapError)

    def __enter__(self) -> None:
        self._explained.__enter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> bool:
        problem = error
        try:
            self._explained.__exit__(kind, error, at)
        except CristaeError as explained:
            problem = explained
        if not isinstance(problem, CristaeError) or isinstance(problem, (JobCancelledError, StorageFullError)):
            return False
        if self._alone:
            if problem is error:
                return False
            raise problem
        self._refused.add(Refusal.at(self._name, problem))
        return True
