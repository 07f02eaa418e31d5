"""Asking for a fetch, or for the record of an entry: who may, and what they have accepted."""

from __future__ import annotations

from core.catalogue.catalogue import is_address
from core.catalogue.entry import Entry
from core.catalogue.fetching import require_fetching
from core.errors import CatalogueError
from core.jobs.kinds import FetchModelParams, LookUpParams
from core.jobs.rows import Priority, submit
from core.models.card import now_utc
from core.store.audit import note
from core.store.records import JobRecord
from core.store.store import Store

RECORD_LICENCE = "as stated in the record"
"""In place of a licence that only the record names, where somebody brings the files and has read it there."""


def licence_of(entry: Entry) -> str:
    """What has to be accepted."""
    return entry.licence or RECORD_LICENCE


def start_fetch(
    store: Store, entry: Entry, *, accepted: str, by: str, project_id: str = "", folder: str = ""
) -> JobRecord:
    """Queue the fetch of a model; who accepted which licence is noted in the audit log.

    Parameters
    ----------
    entry
        With its files: `core.catalogue.record.looked_up` where its record knows them.
    accepted
        The licence that was shown and accepted, `licence_of` the entry.
    by
        The person in a browser who asks.
    project_id
        Whose model it becomes; "": it belongs to all.
    folder
        On the server, where the files lie already; "": they are fetched.

    Raises
    ------
    CatalogueError
        The licence was not accepted, or is not known yet.
    FetchError
        Fetching is switched off.
    AccessError
        ``by`` may not import models for the project, or not name the folder.
    """
    if accepted != licence_of(entry):
        raise CatalogueError(f"The licence of {entry.name} was not accepted.", "Read it, and accept it first.")
    if not folder:
        require_fetching(store.settings)
        if entry.needs_look_up:
            raise CatalogueError(f"Size and licence of {entry.name} are not known yet.", "Look them up first.")
    params = FetchModelParams(
        entry=entry.model_dump(mode="json"),
        licence=accepted,
        accepted_by=by,
        accepted_at=now_utc(),
        project_id=project_id,
        folder=folder,
    )
    row = submit(params, by=by, priority=Priority.NORMAL, store=store)
    with store.database.writing() as session:
        note(session, by, "licence_accepted", project_id, entry.id, name=entry.name, licence=accepted, job=row.id)
    return row


def start_look_up(store: Store, entry: Entry | None, *, by: str) -> JobRecord:
    """Queue the reading of an entry's record; None: of the administrator's catalogue at its address.

    Raises
    ------
    CatalogueError
        There is nothing to look up.
    FetchError
        Fetching is switched off.
    AccessError
        ``by`` may not import models.
    """
    require_fetching(store.settings)
    if entry is None and not is_address(store.settings.catalogue):
        raise CatalogueError("No catalogue at an address is set.", "Set CRISTAE_CATALOGUE to an https address.")
    if entry is not None and not entry.needs_look_up:
        raise CatalogueError(f"{entry.name} names its files itself.", "Fetch it.")
    params = LookUpParams(entry={} if entry is None else entry.model_dump(mode="json"))
    return submit(params, by=by, priority=Priority.INTERACTIVE, store=store)
