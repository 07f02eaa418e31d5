"""From a draft to an immutable revision: labels, what was confirmed, who worked how long, what changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.annotation.carried_questions import answered_states, carry_questions
from core.annotation.draft_answers import Answer, answers_json
from core.annotation.draft_ids import DraftPixels
from core.annotation.draft_post import tile_shape
from core.annotation.draft_tiles import draft_source, unpack_tile
from core.errors import AnnotationError, DraftClosedError
from core.files import sync_tree
from core.imaging.pyramid import TILE_PX, LabelPyramidWriter, open_pyramid
from core.label_scheme import IGNORE_ID, LabelScheme
from core.morphometry.coverage import ClassCoverage, area_um2, coverage_table
from core.objects.carried_ids import DETAILS as OBJECT_IDS
from core.objects.carried_ids import carry_ids
from core.objects.questions import Questions
from core.review.label_maps import COVERAGE, LabelMap
from core.review.object_changes import DETAILS as OBJECT_CHANGES
from core.review.object_changes import object_changes
from core.store.audit import note
from core.store.database import Transaction
from core.store.drafts import close_within
from core.store.label_maps import open_label_map
from core.store.records import DraftRecord, DraftState, ImageRecord, RevisionKind, RevisionRecord
from core.store.store import Store

ANSWERS: Final = "answers"
"""In a correction's details: what its author answered to questions "one or two?", and where."""

OBJECTS_UP_TO_PX: Final = 64_000_000
"""Objects are counted in label maps up to this size: a larger one would take the memory of the server."""

NOTE_CHARS: Final = 2000


@dataclass(frozen=True, slots=True)
class Submission:
    """What a submitted draft became.

    Parameters
    ----------
    revision
        A correction; its review begins.
    changes
        ``pixels``: how many labels differ from what the draft was begun from; ``classes``: [class id, gained, lost]
        of each class that differs; ``covered``: pixels confirmed by class id (as text).
    """

    revision: RevisionRecord
    changes: dict[str, Any]


def submit_draft(store: Store, draft_id: str, holder: str, note: str = "") -> Submission:
    """Freeze a draft as a revision of its image. Doing it again gives the same revision.

    Reads and writes band by band: a label map of 16,000 x 16,000 px needs about 100 MB.

    Parameters
    ----------
    draft_id
        Open.
    holder
        The browser tab that holds it.
    note
        From the author to the reviewer.

    Raises
    ------
    NotFoundError
        There is no such draft.
    AnnotationError
        Nothing was painted and nothing confirmed.
    DraftClosedError
        It was discarded.
    DraftHeldError
        Another tab holds it, or has painted on it meanwhile. The draft stays open.
    StorageFullError
        The disk is full. The draft stays open.
    """
    draft = store.drafts.get(draft_id)
    if draft.state is DraftState.OPEN:
        draft, _ = store.drafts.hold(draft_id, holder, draft.holder_name, renew=True)
        changed = {(tile.row, tile.column) for tile in store.drafts.tiles(draft_id)}
        if not changed and not draft.whole_image:
            raise AnnotationError(
                "Nothing was painted and nothing was confirmed.",
                "Paint, or confirm a region or the whole image, then submit.",
            )
        with suppress(DraftClosedError):  # the same draft was submitted twice at once, and the other came first
            return _told(_written(store, draft, holder, changed, note.strip()[:NOTE_CHARS]))
        draft = store.drafts.get(draft_id)
    if draft.state is DraftState.SUBMITTED and draft.submitted_revision_id:
        return _told(store.revisions.get(draft.submitted_revision_id))
    raise DraftClosedError(f"This draft is {draft.state}.", "Start a new draft of the image.")


def _told(revision: RevisionRecord) -> Submission:
    return Submission(revision, {**revision.details["changes"], "covered": revision.details["covered"]})


def _written(store: Store, draft: DraftRecord, holder: str, changed: set[tuple[int, int]], note: str) -> RevisionRecord:
    """A complete revision, and the draft closed with it in one transaction; nothing is left of it when that fails."""
    image = store.images.get(draft.image_id)
    scheme = store.projects.get(image.project_id).scheme
    details = {
        "scheme": scheme.to_json(),
        "note": note,
        "seconds": draft.seconds,
        "strokes": draft.strokes,
        "whole_image": draft.whole_image,
        "draft_id": draft.id,
    }
    revision = store.revisions.begin(
        image.id, RevisionKind.CORRECTION, parent_id=draft.base_revision_id, author=draft.author, details=details
    )
    try:
        tally = _write_pixels(store, draft, image, scheme, changed, revision.id)
        base = open_label_map(store, draft.base_revision_id) if draft.base_revision_id else None
        source = draft_source(store, draft, image.shape_yx, base)
        carried = carry_ids(
            base, store.revisions.pyramid_path(revision.id), changed, DraftPixels(source).own_ids(), known=scheme.ids
        )
        begun_from = store.revisions.get(draft.base_revision_id) if draft.base_revision_id else None
        answers = answers_json(answered_states(store, begun_from, source, whole_image=draft.whole_image))
        questions = carry_questions(store, begun_from, revision.id, changed, whole_image=draft.whole_image)
        rows = tally.coverage_rows(store, revision.id, image, scheme, questions)
        before, after = (LabelMap(store, each, image.shape_yx) for each in (draft.base_revision_id, revision.id))
        objects = object_changes(before, after)
        sync_tree(store.revisions.pyramid_path(revision.id))  # the draft's tiles go: what replaces them must be on disk
        return store.revisions.complete(
            revision.id,
            coverage=[row.to_json() for row in rows],
            within=lambda session: _close(session, draft, holder, revision, image.project_id, answers),
            covered=_by_class(tally.covered),
            changes=tally.changes(),
            **({} if carried is None else {OBJECT_IDS: carried.to_json()}),
            **({} if objects is None else {OBJECT_CHANGES: objects.to_json()}),
            **({ANSWERS: answers} if answers else {}),
        )
    except BaseException:
        store.revisions.discard(revision.id)
        raise


def _close(
    session: Transaction,
    draft: DraftRecord,
    holder: str,
    revision: RevisionRecord,
    project_id: str,
    answers: Sequence[dict[str, Any]],
) -> None:
    """The draft is submitted, and the audit log tells of the questions that it answered."""
    close_within(session, draft.id, DraftState.SUBMITTED, holder=holder, revision_id=revision.id, version=draft.version)
    if answers:
        said = Counter(answer["answer"] for answer in answers)
        note(session, draft.author, "questions_answered", project_id, revision.id, **{key: said[key] for key in Answer})


class _Tally:
    """Pixels per class id, while bands go by."""

    def __init__(self) -> None:
        self.labels, self.covered, self.gained, self.lost = (np.zeros(256, np.int64) for _ in range(4))

    def add(self, before: NDArray[np.uint8], after: NDArray[np.uint8], confirmed: NDArray[np.bool_]) -> None:
        self.labels += np.bincount(after.ravel(), minlength=256)
        self.covered += np.bincount(after[confirmed], minlength=256)
        differs = before != after
        if differs.any():
            self.gained += np.bincount(after[differs], minlength=256)
            self.lost += np.bincount(before[differs], minlength=256)

    def changes(self) -> dict[str, Any]:
        """How many labels differ, and of which classes."""
        differing = np.flatnonzero(self.gained + self.lost)
        classes = [[int(i), int(self.gained[i]), int(self.lost[i])] for i in differing]
        return {"pixels": int(self.gained.sum()), "classes": classes}

    def coverage_rows(
        self,
        store: Store,
        revision_id: str,
        image: ImageRecord,
        scheme: LabelScheme,
        questions: Questions | None,
    ) -> tuple[ClassCoverage, ...]:
        """The coverage table; without numbers of objects where the label map is too large to count them here."""
        size_nm = image.pixel_size.nm
        known = [i for i in np.flatnonzero(self.labels).tolist() if i in (0, IGNORE_ID, *scheme.ids)]
        if image.shape_yx[0] * image.shape_yx[1] <= OBJECTS_UP_TO_PX and len(known) == np.count_nonzero(self.labels):
            pyramid = open_pyramid(store.revisions.pyramid_path(revision_id))
            labels = pyramid.whole()
            doubts = None if questions is None else questions.doubts()
            return coverage_table(labels, scheme, size_nm, objects=pyramid.object_ids(), doubts=doubts)
        counted = int(self.labels[:IGNORE_ID].sum())
        return tuple(
            ClassCoverage(
                class_id, scheme.name_of(class_id), int(self.labels[class_id]),
                int(self.labels[class_id]) / counted if counted else float("nan"),
                area_um2(int(self.labels[class_id]), size_nm), None,
            )
            for class_id in (0, *scheme.ids)
        )  # fmt: skip


def _write_pixels(
    store: Store,
    draft: DraftRecord,
    image: ImageRecord,
    scheme: LabelScheme,
    changed: set[tuple[int, int]],
    revision_id: str,
) -> _Tally:
    """Labels and, unless the whole image is confirmed, coverage; a row of tiles at a time."""
    tally, path = _Tally(), store.revisions.pyramid_path(revision_id)
    base = open_label_map(store, draft.base_revision_id) if draft.base_revision_id else None
    size_nm, (height, width) = image.pixel_size.nm, image.shape_yx
    with ExitStack() as writers:
        labels_out = writers.enter_context(
            LabelPyramidWriter(path, (height, width), pixel_size_nm=size_nm, with_confidence=False, scheme=scheme)
        )
        coverage_out = None
        if not draft.whole_image:
            coverage_out = writers.enter_context(
                LabelPyramidWriter(
                    path / COVERAGE, (height, width), pixel_size_nm=size_nm, with_confidence=False, name=COVERAGE
                )
            )
        for tile_row, top in enumerate(range(0, height, TILE_PX)):
            rows = slice(top, min(top + TILE_PX, height))
            shape = (rows.stop - rows.start, width)
            before = np.zeros(shape, np.uint8) if base is None else np.array(base.read(0, rows, slice(None)), np.uint8)
            after, confirmed = before.copy(), np.full(shape, draft.whole_image)
            places = [place for place in changed if place[0] == tile_row]
            for (row, column), data in store.drafts.tile_data(draft.id, places).items():
                labels, covered = unpack_tile(data, tile_shape((height, width), row, column))
                left = column * TILE_PX
                after[:, left : left + labels.shape[1]] = labels
                confirmed[:, left : left + labels.shape[1]] |= covered > 0
            confirmed &= after != IGNORE_ID
            tally.add(before, after, confirmed)
            labels_out.write(top, 0, after)
            if coverage_out is not None:
                coverage_out.write(top, 0, confirmed.astype(np.uint8))
    return tally


def _by_class(counts: NDArray[np.int64]) -> dict[str, int]:
    """Pixels by class id, as text, of classes that have any."""
    return {str(class_id): int(counts[class_id]) for class_id in np.flatnonzero(counts)}
