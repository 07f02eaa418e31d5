"""The measured objects of label maps, read from beside them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final

from core.morphometry.objects import ObjectTable
from core.store.records import ImageRecord, RevisionRecord
from core.store.store import Store

KEPT: Final = 256
"""Tables in memory: 1,000 objects with 6 classes take about 0.2 MB."""

KEPT_OBJECTS: Final = 1_000_000
"""Objects in memory, all tables together."""

_loaded: OrderedDict[tuple[str, int], ObjectTable] = OrderedDict()
_guard = threading.Lock()


def table_of(store: Store, image: ImageRecord, revision: RevisionRecord, contact_nm: float) -> ObjectTable | None:
    """The objects of a label map as they are measured now.

    Returns
    -------
    ObjectTable or None
        None where nobody has measured them yet, or only with another pixel size or contact distance.
    """
    path = store.object_table_path(revision.id)
    try:
        key = str(path), path.stat().st_mtime_ns
    except OSError:
        return None
    with _guard:
        table = _loaded.get(key)
        if table is not None:
            _loaded.move_to_end(key)
    if table is None:
        table = ObjectTable.load(path)
        if table is None:
            return None
        _keep(key, table)
    same = table.pixel_size_nm == image.pixel_size.nm and table.contact_nm == contact_nm
    return table if same else None


def _keep(key: tuple[str, int], table: ObjectTable) -> None:
    """Remember it, and forget what was not asked for longest; the newest always stays."""
    with _guard:
        _loaded[key] = table
        while len(_loaded) > 1 and (len(_loaded) > KEPT or sum(map(len, _loaded.values())) > KEPT_OBJECTS):
            _loaded.popitem(last=False)
