"""``look_up``: read the record of a catalogue entry, or fetch the administrator's catalogue anew."""

from __future__ import annotations

from core.catalogue.catalogue import MOST_BYTES, entries_of, is_address, kept_copy, reach_of
from core.catalogue.fetching import require_fetching
from core.catalogue.record import looked_up
from core.engine.context import JobContext
from core.engine.tasks.fetch_model import entry_of
from core.errors import CatalogueError
from core.files import write_bytes
from core.jobs.kinds import LookUpParams, LookUpResult
from core.remote.download import fetched_bytes


def run(context: JobContext[LookUpParams]) -> LookUpResult:
    """Ask once; nothing but a small description is fetched.

    Raises
    ------
    FetchError, CatalogueError
        It cannot be fetched, or is no record or catalogue.
    """
    settings = context.settings
    require_fetching(settings)
    reach = reach_of(settings)
    if context.params.entry:
        entry = entry_of(context.params.entry)
        return LookUpResult(entry=looked_up(entry, reach).model_dump(mode="json"))
    if not is_address(settings.catalogue):
        raise CatalogueError("No catalogue at an address is set.", "Set CRISTAE_CATALOGUE to an https address.")
    content = fetched_bytes(settings.catalogue, reach, most=MOST_BYTES)
    entries, refused = entries_of(content, settings.catalogue)
    if not entries:
        first = refused[0] if refused else None
        raise CatalogueError(
            f"The catalogue holds no usable entry. {first.cause if first else ''}".strip(), "The last copy is kept."
        )
    write_bytes(kept_copy(settings), content)
    return LookUpResult(entries=len(entries), refused=len(refused))
