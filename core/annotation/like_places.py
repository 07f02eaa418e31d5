"""Places like one in a test image, in images that models learn from: where a correction makes a better model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from core.annotation.progress import TO_DO, ImageProgress, Standing, standing_of
from core.annotation.ranking import Strategy
from core.annotation.suggestions import Suggestion, tour
from core.errors import CristaeError
from core.store.records import ImageRecord, RevisionKind, Split
from core.store.store import Store

IMAGES: Final = 8
"""Images that are looked through; each takes up to half a second the first time."""

MOST: Final = 6


@dataclass(frozen=True, slots=True)
class LikePlace:
    """A place to correct instead.

    Parameters
    ----------
    image
        Of the training set or the pool.
    suggestion
        Where; its class is what the prediction is unsure about there.
    revision_id
        The prediction.
    same_doubt
        Whether the model is unsure about the same answer; else about the same organelle.
    """

    image: ImageRecord
    suggestion: Suggestion
    revision_id: str
    same_doubt: bool


def like_places(
    store: Store,
    project_id: str,
    person: str,
    known: Mapping[str, ImageProgress],
    *,
    answer: int | None = None,
    organelle: int | None = None,
    most: int = MOST,
) -> tuple[LikePlace, ...]:
    """Places that nobody has looked at where the model in use is unsure in the same way, the least sure first.

    Parameters
    ----------
    person
        Whose visits count.
    known
        How far each image of the project is (`core.annotation.progress.progress`): those left to do are looked through.
    answer
        What the model said at the place in the test image, 0 for background; None: anything.
    organelle
        What is there, or what is looked for; None: anything.
    most
        How many places, at most two of one image.

    Returns
    -------
    tuple
        Places of the same answer before those of the same organelle.
    """
    found: list[LikePlace] = []
    for image in _images(store, project_id, known):
        try:
            there = tour(store, image.id, person, Strategy.CONFIDENCE)
        except CristaeError:  # without a confidence map, or gone meanwhile: nothing to go by
            continue
        unseen = [
            suggestion
            for suggestion in there.suggestions
            if suggestion.place not in there.visits and suggestion.confidence is not None
        ]
        if answer is not None or organelle is not None:
            unseen = [each for each in unseen if each.class_id in (answer, organelle)]
        unseen.sort(key=lambda each: (each.class_id != answer, each.confidence))
        found += [LikePlace(image, each, there.revision_id or "", each.class_id == answer) for each in unseen[:2]]
    found.sort(key=lambda place: (not place.same_doubt, place.suggestion.confidence))
    return tuple(found[:most])


def _images(store: Store, project_id: str, known: Mapping[str, ImageProgress]) -> list[ImageRecord]:
    """Images with a prediction that train or may; those left to do first, of these the training set."""
    predicted = store.revisions.newest_of_project(project_id, RevisionKind.PREDICTION)
    images = [
        image for image in store.images.all(project_id) if image.split is not Split.TEST and image.id in predicted
    ]
    order = (*TO_DO, Standing.NOTHING)
    images.sort(key=lambda image: (standing_of(known, image.id) not in order, image.split is not Split.TRAIN))
    return images[:IMAGES]
