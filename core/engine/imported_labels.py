"""Label maps that come from files: known by their content and by what made them, and kept once."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.engine.context import JobContext
from core.imaging.object_pyramid import ObjectIds
from core.label_scheme import LabelScheme
from core.labels.report import LabelImport
from core.store.label_map_writing import add_label_map
from core.store.records import ImageRecord, RevisionKind, RevisionRecord, RevisionState


def keep_imported(
    context: JobContext[Any],
    image: ImageRecord,
    labels: LabelImport,
    scheme: LabelScheme,
    kind: RevisionKind,
    *,
    maker: str = "",
    details: dict[str, Any] | None = None,
) -> tuple[RevisionRecord, bool]:
    """The label map of an image with this content, added unless it is there.

    Parameters
    ----------
    maker
        What made it, where it is a prediction of another program: the same labels by another maker are another label
        map.
    details
        Beside what reading it did and the job.

    Returns
    -------
    RevisionRecord, bool
        Complete; whether it is new.

    Raises
    ------
    StorageFullError
        There is no room for it.
    """
    key = labels_key(labels.labels_yx, labels.objects, maker if kind is RevisionKind.PREDICTION else None)
    store = context.store
    there = store.revisions.of_image(image.id, kind=kind, settings_key=key, state=RevisionState.COMPLETE)
    if there:
        return there[0], False
    known = {"import": labels.report.to_json(), "job_id": context.id, **(details or {})}
    if maker:
        known["maker"] = maker
    revision = add_label_map(
        store,
        image,
        labels.labels_yx,
        scheme,
        kind,
        author=context.author,
        settings_key=key,
        details=known,
        objects=labels.objects,
    )
    return revision, True


def labels_key(labels_yx: NDArray[np.uint8], objects: ObjectIds | None = None, maker: str | None = None) -> str:
    """sha256 (hex) of shape, class ids and ids of objects, and of what made the label map where that counts.

    >>> labels_key(np.zeros((2, 3), np.uint8)) == labels_key(np.zeros((3, 2), np.uint8))
    False
    >>> blank = np.zeros((2, 3), np.uint8)
    >>> labels_key(blank, maker="nnU-Net") == labels_key(blank, maker="by hand")
    False
    """
    digest = hashlib.sha256(f"labels {labels_yx.shape}\n".encode())
    digest.update(np.ascontiguousarray(labels_yx).data)
    if objects is not None:
        digest.update(f"\nobjects {objects.class_ids}\n".encode())
        digest.update(np.ascontiguousarray(objects.ids_yx).data)
    key = digest.hexdigest()
    return key if maker is None else hashlib.sha256(f"{maker}\n{key}".encode()).hexdigest()
