"""What becomes of questions when a draft is submitted: answered ones go, and those whose objects were edited."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from core.annotation.draft_answers import QuestionState, asked_questions, question_states
from core.annotation.draft_tiles import DraftSource
from core.imaging.pyramid import TILE_PX, Pyramid, open_pyramid
from core.objects.questions import Questions
from core.review.label_maps import COVERAGE
from core.store.label_maps import open_label_map
from core.store.object_questions import questions_of
from core.store.records import RevisionRecord
from core.store.store import Store


def answered_states(
    store: Store, base: RevisionRecord | None, source: DraftSource, *, whole_image: bool
) -> list[QuestionState]:
    """The questions about a label map that a draft of it has answered; who confirms a whole image answers none."""
    questions = None if base is None else asked_questions(store, base)
    if questions is None or whole_image:
        return []
    return [state for state in question_states(source, questions, whole_image=False) if state.answer is not None]


def carry_questions(
    store: Store,
    base: RevisionRecord | None,
    revision_id: str,
    changed: Collection[tuple[int, int]],
    *,
    whole_image: bool,
) -> Questions | None:
    """Keep the questions that are still open beside the label map that a draft becomes.

    Parameters
    ----------
    base
        What the draft was begun from.
    revision_id
        The new label map; its labels, ids and coverage are written.
    changed
        Row and column of the tiles that may differ.
    whole_image
        Whether the whole image is confirmed: then nothing is in doubt.

    Returns
    -------
    Questions
        None where there were none.
    """
    questions = None if base is None else questions_of(store, base)
    if base is None or questions is None:
        return None
    path = store.revisions.pyramid_path(revision_id)
    before, after = open_label_map(store, base), open_pyramid(path)
    covered = None if whole_image else open_pyramid(path / COVERAGE)
    kept = np.full(len(questions), not whole_image)
    for number in np.flatnonzero(kept).tolist():
        if not _tiles(questions.box[number]).isdisjoint(changed):
            kept[number] = _open(questions, number, before, after, covered)
    left = questions.where(kept)
    left.save(store.revisions.questions_path(revision_id))
    return left


def _tiles(box: NDArray[np.int64]) -> set[tuple[int, int]]:
    """The tiles under a box."""
    top, left, bottom, right = (int(value) for value in box)
    return {
        (row, column)
        for row in range(top // TILE_PX, (bottom - 1) // TILE_PX + 1)
        for column in range(left // TILE_PX, (right - 1) // TILE_PX + 1)
    }


def _open(questions: Questions, number: int, before: Pyramid, after: Pyramid, covered: Pyramid | None) -> bool:
    """Whether nobody confirmed the place of a question, and its smaller part is as it was."""
    row, column = (int(value) for value in questions.place[number])
    if covered is not None and np.asarray(covered.read(0, slice(row, row + 1), slice(column, column + 1))).any():
        return False
    top, left, bottom, right = (int(value) for value in questions.box[number])
    part = slice(top, bottom), slice(left, right)
    if (np.asarray(before.read(0, *part)) != np.asarray(after.read(0, *part))).any():
        return False
    one, other = before.object_ids(*part), after.object_ids(*part)
    if one is None or other is None:
        return one is other
    return bool((one.ids_yx == other.ids_yx).all())
