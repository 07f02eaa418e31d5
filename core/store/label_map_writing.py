"""A whole label map into the store: begun, written and completed, or not there at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.imaging.pyramid import ObjectIds, write_label_pyramid
from core.label_scheme import LabelScheme
from core.morphometry.coverage import coverage_table
from core.store.records import ImageRecord, RevisionKind, RevisionRecord
from core.store.store import Store

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def add_label_map(
    store: Store,
    image: ImageRecord,
    labels_yx: NDArray[np.uint8],
    scheme: LabelScheme,
    kind: RevisionKind,
    *,
    author: str = "",
    settings_key: str = "",
    parent_id: str | None = None,
    details: Mapping[str, Any] | None = None,
    objects: ObjectIds | None = None,
    within: Callable[[str, Session], None] | None = None,
) -> RevisionRecord:
    """Keep a label map of an image with its table of areas. What fails leaves nothing behind.

    Parameters
    ----------
    labels_yx
        uint8, shape of the image: 0, ids of the scheme, 255.
    scheme
        Of the ids; kept among the details.
    author, settings_key, parent_id, details
        As `RevisionStore.begin` takes them.
    objects
        Ids of objects beside the classes.
    within
        Called with the revision's id in the transaction that completes it.

    Raises
    ------
    StorageFullError
        There is no room for it.
    """
    store.require_free_space(labels_yx.nbytes)
    revision = store.revisions.begin(
        image.id,
        kind,
        author=author,
        settings_key=settings_key,
        parent_id=parent_id,
        details={"scheme": scheme.to_json(), **(details or {})},
    )
    try:
        size_nm = image.pixel_size.nm
        write_label_pyramid(
            store.revisions.pyramid_path(revision.id), labels_yx, pixel_size_nm=size_nm, objects=objects, scheme=scheme
        )
        return store.revisions.complete(
            revision.id,
            coverage=[row.to_json() for row in coverage_table(labels_yx, scheme, size_nm, objects=objects)],
            within=None if within is None else (lambda session: within(revision.id, session)),
        )
    except BaseException:
        store.revisions.discard(revision.id)
        raise
