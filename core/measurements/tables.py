"""The measured objects of label maps, read from beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.cache import MB, Cache
from core.measurements.smallest import Smallest
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
        Whether contacts, and distances, were measured with this pixel size, the contact distance and the smallest
        objects that were asked for. Where they were not they are NaN; everything else holds.
    """

    table: ObjectTable
    version: str
    contacts: bool


_EVERY: Final = Smallest()


def table_of(
    store: Store, image: ImageRecord, revision: RevisionRecord, contact_nm: float, smallest: Smallest = _EVERY
) -> KeptTable | None:
    """What is measured of a label map; None where nobody has measured it yet.

    Parameters
    ----------
    contact_nm
        The contact distance.
    smallest
        Which objects distances and contacts are to.
    """
    path = store.revisions.object_table_path(revision.id)
    if not has_project_ids(store, revision):  # the table has the ids of the model's classes
        return None
    try:
        key = (str(path), path.stat().st_mtime_ns, image.pixel_size.nm, contact_nm, smallest)
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
    table = table.cleaned(smallest.px(image.pixel_size.nm))
    contacts = contacts and not any(area != area for area in table.seen_px)
    return _tables.put(key, KeptTable(table, ":".join(str(each) for each in key), contacts))
