"""Reading catalogues: the list that comes with the program, and the administrator's, from a file or a kept copy.

A catalogue at an address is fetched only when somebody asks for it (`core.engine.tasks.look_up`); what is shown is the
copy that was kept then. A damaged list of the administrator hides none of the entries that come with the program.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import ValidationError

from core.catalogue.entry import Entry
from core.errors import CatalogueError, NotFoundError, Refusal
from core.remote.addresses import Reach, environment_proxy
from core.settings import Settings

CATALOGUE_VERSION: Final = 1

MOST_BYTES: Final = 4 * 1024**2
"""Of a catalogue; an entry with a picture has at most 300 kB."""

SHIPPED: Final = Path(__file__).with_name("models.json")
"""The list that comes with the program."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What can be fetched.

    Parameters
    ----------
    entries
        The administrator's first; one with the id of a shipped entry takes its place.
    refused
        What of the administrator's list cannot be used, and why.
    """

    entries: tuple[Entry, ...]
    refused: tuple[Refusal, ...] = ()

    def get(self, entry_id: str) -> Entry:
        """The entry with this id.

        Raises
        ------
        NotFoundError
            There is none.
        """
        for entry in self.entries:
            if entry.id == entry_id:
                return entry
        raise NotFoundError(
            f"The catalogue has no model {entry_id[:80]!r}.",
            f"It has {', '.join(entry.id for entry in self.entries) or 'none'}.",
        )


def read_catalogue(settings: Settings) -> Catalogue:
    """What can be fetched as of now; asks no server."""
    shipped, wrong = entries_of(SHIPPED.read_bytes(), "the catalogue of Cristae")
    if wrong:
        raise CatalogueError(f"{wrong[0].cause}", "Install Cristae again.")
    own, refused = _own(settings)
    taken = {entry.id for entry in own}
    return Catalogue((*own, *(entry for entry in shipped if entry.id not in taken)), refused)


def entries_of(content: bytes, name: str) -> tuple[tuple[Entry, ...], tuple[Refusal, ...]]:
    """The entries of a catalogue, and what of it cannot be used.

    Parameters
    ----------
    content
        JSON: ``{"catalogue_version": 1, "entries": [...]}``.
    name
        Of the catalogue, for messages.
    """
    found: dict[str, Entry] = {}
    refused: list[Refusal] = []
    try:
        values = _values(content, name)
    except CatalogueError as error:
        return (), (Refusal.of(error),)
    for number, value in enumerate(values, 1):
        where = _where(name, number, value)
        try:
            entry = Entry.model_validate(value)
        except ValidationError as error:
            refused += [Refusal(f"{where}: {problem}", "Correct the catalogue.") for problem in _problems(error)]
            continue
        if entry.id in found:
            refused.append(Refusal(f"{where}: another entry has the same id.", "Give each entry its own id."))
            continue
        found[entry.id] = entry
    return tuple(found.values()), tuple(refused)


def kept_copy(settings: Settings) -> Path:
    """Where the administrator's catalogue lies that was fetched from an address."""
    return settings.data_dir / "catalogue" / "models.json"


def is_address(catalogue: str) -> bool:
    """Whether the setting names an address, not a file."""
    return catalogue.startswith(("https://", "http://"))


def reach_of(settings: Settings) -> Reach:
    """Which addresses may be asked: besides public ones those that the administrator has named.

    Named are the hosts of the setting ``fetch_hosts``, the host of the catalogue's own address, and, where the
    catalogue is a file on this machine, those of the addresses in it.
    """
    named = {host.strip().rstrip(".").lower() for host in settings.fetch_hosts.split(",") if host.strip()}
    if is_address(settings.catalogue):
        named |= _hosts([settings.catalogue])
    elif settings.catalogue:
        for entry in _own(settings)[0]:
            named |= _hosts([*(file.url for file in entry.files), entry.record_url])
    return Reach(frozenset(named), proxy=environment_proxy())


def _hosts(urls: list[str]) -> set[str]:
    return {(urlsplit(url).hostname or "").rstrip(".").lower() for url in urls if url} - {""}


def _own(settings: Settings) -> tuple[tuple[Entry, ...], tuple[Refusal, ...]]:
    """The administrator's entries."""
    if not settings.catalogue:
        return (), ()
    path = kept_copy(settings) if is_address(settings.catalogue) else Path(settings.catalogue).expanduser()
    if is_address(settings.catalogue) and not path.is_file():
        return (), ()
    try:
        if path.stat().st_size > MOST_BYTES:
            return (), (Refusal(f"{path} has more than {MOST_BYTES:,} bytes.", "Use a smaller catalogue."),)
        content = path.read_bytes()
    except OSError as error:
        return (), (
            Refusal(f"The catalogue {path} cannot be read ({error.strerror}).", "Check the setting CRISTAE_CATALOGUE."),
        )
    return entries_of(content, path.name)


def _values(content: bytes, name: str) -> list[Any]:
    """The list of entries, as it is."""
    try:
        values = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise CatalogueError(f"{name} is not valid JSON ({error}).", "Correct the catalogue.") from error
    if not isinstance(values, dict) or not isinstance(values.get("entries"), list):
        raise CatalogueError(f"{name} has no list of entries.", 'Use {"catalogue_version": 1, "entries": […]}.')
    if values.get("catalogue_version") != CATALOGUE_VERSION:
        raise CatalogueError(
            f"{name} has version {str(values.get('catalogue_version'))[:20]}, this Cristae reads {CATALOGUE_VERSION}.",
            "Update Cristae, or correct catalogue_version.",
        )
    return list(values["entries"])


def _where(name: str, number: int, value: Any) -> str:
    shown = value.get("id") if isinstance(value, dict) else None
    return f"{name}, entry {number}" + (f" ({str(shown)[:80]})" if shown else "")


def _problems(error: ValidationError) -> Iterator[str]:
    """What is wrong with each field."""
    for problem in error.errors()[:5]:
        field = ".".join(str(part) for part in problem["loc"])
        text = problem["msg"].removeprefix("Value error, ")
        shown = "" if not field or problem["type"] == "missing" else f" It is {str(problem['input'])[:80]!r}."
        yield f"{field}: {text}.{shown}" if field else f"{text}."
