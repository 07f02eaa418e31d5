"""The measured objects of label maps, read from beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.cache import MB, Cache
from core.morphometry.objects import ObjectTable
from core.store.label_maps import has_project_ids
from core.store.records import ImageRecord, RevisionRecord
from core.store.store import Store

KEPT_BYTES: Final = 200 * MB
"""Tables in memory: about a million objects with six classes. What goes beyond is read again when needed."""

_tables: Final[Cache[KeptTable]] = Cache("measured objects", "objects of label maps", limit_bytes=KEPT_BYTES)


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
    known = _tables.get(key)
    if known is not None:
        return known
    table = ObjectTable.load(path)
    if table is None:
        return None
    contacts = table.pixel_size_nm == image.pixel_size.nm and table.contact_nm == contact_nm
    if not contacts:
        table = table.without_contacts(image.pixel_size.nm, contact_nm)
    return _tables.put(key, KeptTable(table, ":".join(str(each) for each in key), contacts))
