"""What a training will learn of touching objects, told before it begins; by the rule of the training itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from core.cache import MB, Cache
from core.label_scheme import LabelScheme
from core.learning.merged_objects import MergedIds
from core.learning.training_labels import TrainingLabels, confirmed_rows, merged_labels
from core.models.store import StoredModel
from core.objects.separation import Separation, SeparationWay
from core.review.label_maps import LabelMap
from core.store.records import ImageRecord
from core.store.store import Store
from core.training.object_labels import KEPT, ObjectLabels, objects_in_map, objects_together
from core.training.run import inherited_separation
from core.training.separation_ahead import planned_separation, separation_ahead
from core.wording import counted

MOST_PX: Final = 32_000_000
"""Pixels of label maps with ids that are counted while a page waits; more are left to the training."""

_Key = tuple[str, tuple[str, ...], LabelScheme, tuple[tuple[int, str], ...]]

_declared: Final[Cache[tuple[int, ...]]] = Cache(
    "classes with ids", "which classes of label maps have ids", limit_bytes=MB
)
_counted: Final[Cache[dict[int, ObjectLabels]]] = Cache(
    "objects to learn from", "how many objects of label maps have ids and touch", limit_bytes=4 * MB
)


def objects_ahead(
    store: Store,
    chosen: Sequence[ImageRecord],
    labels: Mapping[str, TrainingLabels],
    way: SeparationWay,
    parent: StoredModel | None = None,
) -> list[str]:
    """Sentences about the objects of the chosen images, as the training itself will say them.

    Label maps without ids are not read; those with ids are read once, where they are not too large for a page.

    Parameters
    ----------
    store
        Where the label maps are.
    chosen
        Images of one project.
    labels
        As `core.learning.training_labels.training_labels` gives it; chosen images without any are left out.
    way
        How the training separates touching objects.
    parent
        The model to go on from.

    Raises
    ------
    CristaeError
        A label map cannot be read.
    """
    images = [image for image in chosen if image.id in labels]
    if not images or way is SeparationWay.NONE:
        return []
    project = store.projects.get(images[0].project_id)
    keys: dict[str, _Key] = {
        image.id: (image.id, tuple(e.id for e in labels[image.id].layers), project.scheme, project.former_classes)
        for image in images
    }
    declared = {image.id: _classes_with_ids(store, image, keys[image.id]) for image in images}
    inherited = inherited_separation(parent, project.scheme)
    with_ids = [image for image in images if declared[image.id]]
    uncounted = [image for image in with_ids if _counted.get(keys[image.id]) is None]
    if sum(image.shape_yx[0] * image.shape_yx[1] for image in uncounted) > MOST_PX:
        return list(_uncounted(project.scheme, declared, inherited))
    found = [_objects(store, image, keys[image.id]) for image in with_ids]
    if found:
        found += [_without_ids(labels[image.id], project.scheme) for image in images if not declared[image.id]]
    seen = objects_together(found)
    planned = planned_separation(seen, project.scheme.ids, way, inherited)
    return separation_ahead(planned, seen, project.scheme)


def _classes_with_ids(store: Store, image: ImageRecord, key: _Key) -> tuple[int, ...]:
    """Classes that have ids in a label map of the image, by what its files declare; no pixel is read."""
    return _declared.get_or_make(
        key, lambda: tuple(sorted({i for each in key[1] for i in LabelMap(store, each, image.shape_yx).object_classes}))
    )


def _objects(store: Store, image: ImageRecord, key: _Key) -> dict[int, ObjectLabels]:
    """What the label maps of an image show, laid over one another as the training has them."""

    def count() -> dict[int, ObjectLabels]:
        ids = MergedIds(store, key[1], image.shape_yx).whole()
        labels_yx = merged_labels(store, key[1], image.shape_yx)
        return objects_in_map(labels_yx, None if ids is None else ids.ids_yx, key[2].ids)

    return _counted.get_or_make(key, count)


def _without_ids(labels: TrainingLabels, scheme: LabelScheme) -> dict[int, ObjectLabels]:
    """Of an image without ids: the classes that its tables list."""
    shown = {row["class_id"] for layer in labels.layers for row in confirmed_rows(layer) if row["pixels"]}
    return {class_id: ObjectLabels(images=1, without_ids=1) for class_id in scheme.ids if class_id in shown}


def _uncounted(scheme: LabelScheme, declared: Mapping[str, Sequence[int]], inherited: Separation) -> Iterator[str]:
    """A sentence for each class with ids where there is too much to count."""
    for item in scheme.classes:
        number = sum(item.id in class_ids for class_ids in declared.values())
        if number:
            yield (
                f"{item.name}: {counted(number, 'label map')} with object ids; the model learns to separate touching "
                "objects. They are counted when the training starts."
            )
        elif inherited.learned and item.id in inherited.class_ids:
            yield f"{item.name}: {KEPT}"
