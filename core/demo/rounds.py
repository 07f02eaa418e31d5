"""The demo project's loop: corrections by a simulated annotator, a review that waits, and two short rounds.

Nobody has painted these: a program that knows the exact labels corrects some places that the product suggests, through
the same drafts, submissions and reviews as a person, and is called simulated wherever its name stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.annotation.draft_post import tile_shape
from core.annotation.draft_start import prepare_draft
from core.annotation.draft_tiles import class_counts, pack_tile
from core.annotation.ranking import Strategy
from core.annotation.submission import submit_draft
from core.annotation.suggestions import Suggestion, tour
from core.demo.project import PIXEL_SIZE_NM, demo_project
from core.imaging.image import Image, PixelSize, PixelSizeSource
from core.imaging.pyramid import TILE_PX
from core.phantom.phantom import Phantom, generate_phantom
from core.review.decisions import decide
from core.review.discussion import add_mark, comment
from core.review.records import Box, Decision
from core.rounds.plan import RoundPlan
from core.rounds.round import start_round
from core.store.label_maps import open_label_map
from core.store.records import DraftTileRecord, ImageRecord, ProjectRecord, RevisionKind, RevisionRecord, Split
from core.store.round_records import RoundRecord
from core.store.store import Store

DEMO_POOL: Final = (
    ("synthetic liver P1", 301, 1024),
    ("synthetic liver P2", 302, 1024),
    ("synthetic liver P3", 303, 1024),
)
"""Name, seed, edge in px: images to correct, which no test set has."""

ANNOTATOR: Final = "Simulated annotator"
REVIEWER: Final = "Simulated reviewer"

MINUTES: Final = 1.0
"""Training of each round: to be seen, not to be good."""

LEARNING_RATE: Final = 1e-4
"""Lower than usual: the parent knows such images well, and a minute at the usual rate only disturbs it."""

_PLACES: Final = 8
"""Suggested places that are corrected in an image."""

_SECONDS_A_PLACE: Final = 20.0
"""What a person would need for one, assumed; it stands as the time of painting."""

_TAB: Final = "demo"


def prepare_demo_pool(store: Store) -> tuple[ImageRecord, ...]:
    """The images to correct, made where they are missing; they have no reference."""
    project = _project(store)
    there = {image.name: image for image in store.images.all(project.id)}
    return tuple(there.get(name) or _add(store, project, name, seed, edge) for name, seed, edge in DEMO_POOL)


def correct_demo(store: Store, model_id: str, minutes: float = MINUTES) -> RoundRecord | None:
    """Correct the predicted pool and start the first round; the second follows by itself. Once only.

    Parameters
    ----------
    model_id
        Whose predictions are corrected, and the first round's parent.

    Returns
    -------
    RoundRecord or None
        None where the project has rounds already.
    """
    project = _project(store)
    if store.rounds.of_project(project.id):
        return None
    one, two, three = prepare_demo_pool(store)
    seeds = {name: (seed, edge) for name, seed, edge in DEMO_POOL}
    first, second, third = (_corrected(store, image, *seeds[image.name]) for image in (one, two, three))
    decide(store, first.id, REVIEWER, Decision.APPROVE)
    begun = start_round(
        store,
        RoundPlan(
            project.id,
            parent_id=model_id,
            minutes=minutes,
            learning_rate=LEARNING_RATE,
            automatic=True,
            again_after=1,
            seed=1,
        ),
        ANNOTATOR,
    )
    decide(store, second.id, REVIEWER, Decision.APPROVE)  # after the snapshot: the second round learns from it
    _leave_in_review(store, third, three)
    return begun


def _project(store: Store) -> ProjectRecord:
    project = demo_project(store)
    if project is None:
        raise LookupError("the demo project is made first")
    return project


def _phantom(seed: int, edge: int) -> Phantom:
    return generate_phantom(seed, edge, pixel_size_nm=PIXEL_SIZE_NM)


def _add(store: Store, project: ProjectRecord, name: str, seed: int, edge: int) -> ImageRecord:
    size = PixelSize(PIXEL_SIZE_NM, PixelSizeSource.FILE, "synthetic")
    notices = ("Synthetic image, not a real micrograph.",)
    image = Image(_phantom(seed, edge).image_yx, size, name, notices)
    return store.images.add(project.id, image, split=Split.POOL, specimen=name)


def _corrected(store: Store, image: ImageRecord, seed: int, edge: int) -> RevisionRecord:
    """A submitted correction: at some suggested places the labels are made exact, and confirmed."""
    truth = _phantom(seed, edge).labels_yx
    found = tour(store, image.id, ANNOTATOR, Strategy.CONFIDENCE)
    prediction = store.revisions.of_image(image.id, kind=RevisionKind.PREDICTION)[0]
    draft, _ = prepare_draft(store, image.id, ANNOTATOR, prediction.id)
    read = open_label_map(store, prediction).whole()
    before = np.asarray(read, np.uint8)
    after, covered = before.copy(), np.zeros(before.shape, bool)
    places = found.suggestions[:_PLACES]
    for place in places:
        where = slice(place.row, place.row + place.height_px), slice(place.column, place.column + place.width_px)
        after[where], covered[where] = truth[where], True
    store.drafts.hold(draft.id, _TAB, ANNOTATOR)
    tiles = _tiles(before, after, covered)
    seconds = _SECONDS_A_PLACE * len(places)
    store.drafts.write_tiles(draft.id, _TAB, 1, tiles, seconds=seconds, strokes=len(places))
    return submit_draft(store, draft.id, _TAB, f"{len(places)} uncertain places corrected (simulated)").revision


def _tiles(
    before: NDArray[np.uint8], after: NDArray[np.uint8], covered: NDArray[np.bool_]
) -> list[tuple[DraftTileRecord, bytes]]:
    """The tiles that have something confirmed."""
    made = []
    for row in range(-(-before.shape[0] // TILE_PX)):
        for column in range(-(-before.shape[1] // TILE_PX)):
            height, width = tile_shape((before.shape[0], before.shape[1]), row, column)
            top, left = row * TILE_PX, column * TILE_PX
            where = slice(top, top + height), slice(left, left + width)
            old, new, seen = before[where].copy(), after[where].copy(), covered[where].copy()
            if seen.any():
                record = DraftTileRecord(row, column, 0, class_counts(new), class_counts(new, seen), class_counts(old))
                made.append((record, pack_tile(new, seen)))
    return made


def _leave_in_review(store: Store, revision: RevisionRecord, image: ImageRecord) -> None:
    """A review that waits, with a marked region: for the user to decide."""
    found: Sequence[Suggestion] = tour(store, image.id, ANNOTATOR, Strategy.CONFIDENCE).suggestions
    if len(found) > _PLACES:
        left = found[_PLACES]
        box = Box(left.row, left.column, left.height_px, left.width_px)
        add_mark(
            store, revision.id, REVIEWER, box, "Not checked", ("The model is uncertain here too. Is this correct?")
        )
    comment(store, revision.id, REVIEWER, "Please check one more place; I have marked it.")
