"""The catalogue of ready models on the command line: listing it, and fetching one of its entries."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

import typer
from rich.table import Table

from core.catalogue.catalogue import is_address, kept_copy, reach_of, read_catalogue
from core.catalogue.entry import Entry
from core.catalogue.fetching import Acceptance, fetch_files, find_files, make_models, require_fetching
from core.catalogue.record import looked_up
from core.catalogue.start import licence_of
from core.catalogue.work import command_folder
from core.cli.console import UsageError, done, notice, progress_bar, stdout
from core.models.card import now_utc
from core.models.store import ModelStore
from core.settings import current_settings
from core.wording import some_of


def list_catalogue() -> None:
    """Print what can be fetched; asks no server."""
    settings = current_settings()
    catalogue = read_catalogue(settings)
    table = Table(title="Models that can be fetched")
    for column in ("id", "name", "tissue", "classes", "nm/px", "MB", "licence", "tested"):
        table.add_column(column, overflow="fold")
    for entry in catalogue.entries:
        table.add_row(
            entry.id,
            entry.name,
            some_of(entry.tissue),
            some_of(entry.classes) or "–",
            "–" if entry.pixel_size_nm is None else f"{entry.pixel_size_nm:g}",
            _megabytes(entry),
            entry.licence or "in the record",
            "yes" if entry.tested else "no",
        )
    stdout.print(table)
    for refusal in catalogue.refused:
        notice(str(refusal))
    if is_address(settings.catalogue) and not kept_copy(settings).is_file():
        notice("The catalogue at an address was not fetched yet: update it on the Models page.")


def fetch_entry(entry_id: str, *, folder: Path | None, accept: bool) -> None:
    """Show size and licence, ask, fetch, import.

    Parameters
    ----------
    entry_id
        In the catalogue.
    folder
        Where the files lie already; None: they are fetched.
    accept
        Whether the licence is accepted without being asked.

    Raises
    ------
    CristaeError
        What went wrong; parts of a download are kept, and the same command continues it.
    """
    settings = current_settings()
    entry = read_catalogue(settings).get(entry_id)
    if folder is None:
        require_fetching(settings)
        if entry.needs_look_up:
            entry = looked_up(entry, reach_of(settings))
    _accept(entry, accept=accept)
    work = command_folder(settings, entry.id)
    with progress_bar("Getting the model") as bar:

        def told(fraction: float, message: str, eta_s: float | None) -> None:
            bar(fraction, message)

        files = find_files(entry, folder, told) if folder is not None else fetch_files(entry, work, settings, told)
        taken = make_models(
            entry,
            files,
            ModelStore(settings.models_dir),
            settings,
            Acceptance(licence=licence_of(entry), by=_user(), at=now_utc()),
            told,
            brought=folder is not None,
        )
        bar(1.0, "")
    if folder is None:
        for path in files.values():
            path.unlink(missing_ok=True)
    for each in taken.left_out:
        notice(f"Skipped {each.where}: {each}")
    for model in taken.models:
        done(f"Imported as {model.id} ({model.card.name}). Segment with it: segment IMAGE --model {model.id}")


def _accept(entry: Entry, *, accept: bool) -> None:
    """Show the terms, and go on only where they are accepted."""
    stdout.print(f"{entry.name}: {_megabytes(entry)} MB", highlight=False, markup=False)
    stdout.print(f"Licence: {licence_of(entry)} {entry.licence_url}".rstrip(), highlight=False, markup=False)
    if entry.citation:
        stdout.print(f"Please cite: {entry.citation} {entry.citation_url}".rstrip(), highlight=False, markup=False)
    if entry.note:
        notice(entry.note)
    if accept:
        return
    if not sys.stdin.isatty():
        raise UsageError("The licence was not accepted.", "Read it, and add --accept-licence.")
    typer.confirm(f"Accept this licence ({licence_of(entry)})?", abort=True)


def _megabytes(entry: Entry) -> str:
    return "unknown" if entry.size_bytes is None else f"{entry.size_bytes / 1e6:,.1f}"


def _user() -> str:
    """Who runs the command, as the system knows them; "" where it does not."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""
