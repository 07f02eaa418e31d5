"""The measured objects of label maps, read from beside them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from core.morphometry.objects import ObjectTable
from core.store.label_maps import has_project_ids
from core.store.records import ImageRecord, RevisionRecord
from core.store.store import Store

KEPT_OBJECTS: Final = 1_000_000
"""Objects in memory, all tables together: with six classes about 200 MB. What goes beyond is read again when needed."""

_loaded: OrderedDict[tuple[object, ...], KeptTable] = OrderedDict()
_guard = threading.Lock()


@dataclass(frozen=True, eq=False, slots=True)
class KeptTable:
    """The objects of a label map as its image is now.

    Parameters
    ----------
    table
        With the pixel size that the image has now.
    version
        Changes whenever any figure does.
    contacts
        Whether the contacts were measured with this pixel size and the contact distance that was asked for. Where they
        were not they are NaN; everything else holds.
    """

    table: ObjectTable
    version: str
    contacts: bool


def table_of(store: Store, image: ImageRecord, revision: RevisionRecord, contact_nm: float) -> KeptTable | None:
    """What is measured of a label map; None where nobody has measured it yet."""
    path = store.revisions.object_table_path(revision.id)
    if not has_project_ids(store, revision):  # the table has the ids of the model's classes
        return None
    try:
        key = (str(path), path.stat().st_mtime_ns, image.pixel_size.nm, contact_nm)
    except OSError:
        return None
    with _guard:
        kept = _loaded.get(key)
        if kept is not None:
            _loaded.move_to_end(key)
            return kept
    table = ObjectTable.load(path)
    if table is None:
        return None
    contacts = table.pixel_size_nm == image.pixel_size.nm and table.contact_nm == contact_nm
    if not contacts:
        table = table.without_contacts(image.pixel_size.nm, contact_nm)
    kept = KeptTable(table, ":".join(str(each) for each in key), contacts)
    _keep(key, kept)
    return kept


def _keep(key: tuple[object, ...], kept: KeptTable) -> None:
    """Remember it, and forget what was not asked for longest; the newest always stays."""
    with _guard:
        _loaded[key] = kept
        while len(_loaded) > 1 and sum(len(each.table) for each in _loaded.values()) > KEPT_OBJECTS:
            _loaded.popitem(last=False)
