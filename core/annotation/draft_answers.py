"""Questions "one or two?" in a draft: which are open, and what an answer changes.

An answer is an edit of objects: it confirms the pixels of the objects that were asked about, with the ids that they
have after it, so that it is saved, undone, reviewed and learned from like any correction. A question counts as answered
while its place is confirmed, and the ids there say how; nothing else is kept, so that nothing disagrees with the draft.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core.annotation.draft_ids import DraftPixels
from core.annotation.draft_objects import confirmed_objects, merge, moved_pixels
from core.annotation.draft_post import tile_shape
from core.annotation.draft_tiles import DraftSource, unpack_tile
from core.annotation.object_edits import ObjectAction, ObjectEdit
from core.errors import AnnotationError
from core.evaluation.settings import EvaluationSettings
from core.imaging.pyramid import TILE_PX
from core.objects.asking import neck_questions
from core.objects.questions import Question, Questions
from core.store.label_maps import label_classes, open_label_map, translation_of
from core.store.object_questions import questions_of
from core.store.records import RevisionRecord
from core.store.store import Store

NECKS_UP_TO_PX: Final = 64_000_000
"""Necks are looked for on request in label maps up to this size: a larger one would take the memory of the server."""

_CROSS: Final = ndimage.generate_binary_structure(2, 1)


class Answer(StrEnum):
    """What there is at a doubtful place."""

    ONE = "one"
    TWO = "two"


@dataclass(frozen=True, slots=True)
class QuestionState:
    """A question in a draft.

    Parameters
    ----------
    question
        Which.
    answer
        None while it is open.
    """

    question: Question
    answer: Answer | None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        item, (top, left, bottom, right) = self.question, self.question.box
        return {
            "number": item.number,
            "class_id": item.class_id,
            "two": item.two,
            "p": round(item.p, 3),
            "row": item.row,
            "column": item.column,
            "box": [top, left, bottom, right],
            "answer": None if self.answer is None else str(self.answer),
        }


def asked_questions(store: Store, revision: RevisionRecord) -> Questions | None:
    """The questions about a label map: those of its prediction, or the necks that somebody asked for; None: neither."""
    found = questions_of(store, revision)
    if found is not None and (found.asked or not store.revisions.necks_path(revision.id).is_file()):
        return found
    necks = Questions.load(store.revisions.necks_path(revision.id))
    if necks is None:
        return found
    translation = translation_of(store, revision)
    return necks if translation.identity else necks.translated(translation.lookup())


def find_necks(store: Store, revision: RevisionRecord) -> Questions:
    """Look for necks in a label map whose separation nobody looked at, and keep the questions beside it.

    They are asked, and do not change intervals of counts: how many of them are two is anybody's guess.

    Raises
    ------
    AnnotationError
        The label map is too large.
    StorageFullError
        The disk is full.
    """
    pyramid = open_label_map(store, revision)
    rows, columns = pyramid.shape_yx
    if rows * columns > NECKS_UP_TO_PX:
        raise AnnotationError(
            f"This label map has {rows * columns / 1e6:,.0f} Mpx; narrow places are looked for up to "
            f"{NECKS_UP_TO_PX / 1e6:.0f} Mpx.",
            "Segment the image with a model that separates touching objects; it notes its doubts automatically.",
        )
    scheme, labels_yx = label_classes(store, revision), pyramid.whole()
    class_ids = EvaluationSettings().objects(scheme) or scheme.ids
    questions = neck_questions(labels_yx, class_ids, np.zeros(256))
    back = translation_of(store, revision)
    if not back.identity:
        raise AnnotationError(
            "An earlier version wrote this label map with other classes.", "Segment the image again, then ask again."
        )
    questions.save(store.revisions.necks_path(revision.id))
    return questions


def question_states(source: DraftSource, questions: Questions, *, whole_image: bool) -> list[QuestionState]:
    """Every question that is asked, and whether it is answered in a draft.

    Parameters
    ----------
    source
        Of the draft.
    questions
        About the label map that it was begun from.
    whole_image
        Whether the whole image is confirmed.
    """
    pixels, covered = DraftPixels(source), _Confirmed(source)
    states = []
    for number in range(questions.asked):
        question = questions[number]
        done = whole_image or covered.at(question.row, question.column)
        states.append(QuestionState(question, _answer(pixels, question) if done else None))
    return states


def answered(pixels: DraftPixels, question: Question, answer: Answer) -> ObjectEdit:
    """What an answer changes.

    Parameters
    ----------
    pixels
        The draft.
    question
        Of the label map that it was begun from.
    answer
        "One" merges two objects, or confirms one; "two" makes an object of the smaller part, or confirms both.

    Raises
    ------
    AnnotationError
        The place was painted over meanwhile, or the objects are too large.
    """
    side, rest = _points(pixels, question)
    if side is None:
        raise AnnotationError(
            "The object that this question is about was changed in the draft.", "Skip the question, or undo the change."
        )
    apart = rest is None or _object(pixels, side) != _object(pixels, rest)
    points = [side] if rest is None else [side, rest]
    if answer is Answer.ONE:
        if apart and rest is not None and all(_object(pixels, point)[1] for point in points):
            return _as_answer(merge(pixels, points))
        return confirmed_objects(pixels, points[:1])
    if apart:
        return confirmed_objects(pixels, points)
    top, left, bottom, right = question.box
    return moved_pixels(pixels, side, (slice(top, bottom), slice(left, right)), question.side_yx)


def cut_lines(pixels: DraftPixels, question: Question) -> list[list[int]]:
    """Where the cut of a question runs: edges of pixels as [row, column, row, column], for drawing."""
    rows, columns, side, rest = _window(pixels, question)
    lines: list[list[int]] = []
    for axis in (0, 1):
        here = tuple(slice(None, -1) if each == axis else slice(None) for each in (0, 1))
        there = tuple(slice(1, None) if each == axis else slice(None) for each in (0, 1))
        row, column = np.nonzero((side[here] & rest[there]) | (rest[here] & side[there]))
        row, column = row + rows.start, column + columns.start
        step = (1, 0) if axis == 0 else (0, 1)
        for y, x in zip((row + step[0]).tolist(), (column + step[1]).tolist(), strict=True):
            lines.append([y, x, y + step[1], x + step[0]])
    return lines


def _as_answer(edit: ObjectEdit) -> ObjectEdit:
    return ObjectEdit(ObjectAction.ANSWER, edit.class_id, edit.objects, edit.tiles)


def _answer(pixels: DraftPixels, question: Question) -> Answer:
    """What the ids of a draft say."""
    side, rest = _points(pixels, question)
    if side is None or rest is None:
        return Answer.TWO if question.two else Answer.ONE
    return Answer.ONE if _object(pixels, side) == _object(pixels, rest) else Answer.TWO


def _object(pixels: DraftPixels, point: tuple[int, int]) -> tuple[int, int]:
    """Class and id at a pixel."""
    row, column = point
    labels, ids = pixels.tile((row // TILE_PX, column // TILE_PX))
    return int(labels[row % TILE_PX, column % TILE_PX]), int(ids[row % TILE_PX, column % TILE_PX])


def _window(pixels: DraftPixels, question: Question) -> tuple[slice, slice, NDArray[np.bool_], NDArray[np.bool_]]:
    """The smaller part and, beside it, other pixels of its class, in its box and a pixel more on each side."""
    top, left, bottom, right = question.box
    height, width = pixels.shape_yx
    rows, columns = slice(max(top - 1, 0), min(bottom + 1, height)), slice(max(left - 1, 0), min(right + 1, width))
    labels, ids = pixels.window(rows, columns)
    side = np.zeros(labels.shape, bool)
    inner = np.s_[top - rows.start : bottom - rows.start, left - columns.start : right - columns.start]
    side[inner] = question.side_yx
    rest = (labels == question.class_id) & ~side
    other = question.ids[1] if question.two else question.ids[0]
    if other and (rest & (ids == other)).any():
        rest &= ids == other
    elif question.two and question.ids[0]:  # merged meanwhile: the side has the other's id, or both a third
        near = ndimage.binary_dilation(side, _CROSS) & rest
        rest &= np.isin(ids, np.unique(ids[near])) if near.any() else True
    return rows, columns, side & (labels == question.class_id), rest


def _points(pixels: DraftPixels, question: Question) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    """A pixel of each part beside the cut, near its place; None where there is none any more."""
    rows, columns, side, rest = _window(pixels, question)
    edge = side & ndimage.binary_dilation(rest, _CROSS)
    far = rest & ndimage.binary_dilation(side, _CROSS)
    origin = np.array([rows.start, columns.start])
    found: list[tuple[int, int] | None] = []
    place = np.array([question.row, question.column])
    for mask in (edge if edge.any() else side, far):
        at = np.argwhere(mask) + origin
        if not len(at):
            found.append(None)
            continue
        row, column = at[int(np.abs(at - place).sum(axis=1).argmin())]
        found.append((int(row), int(column)))
        place = np.array([row, column])  # the other pixel lies beside this one
    return found[0], found[1]


class _Confirmed:
    """Which pixels of a draft are confirmed; tiles are unpacked once."""

    def __init__(self, source: DraftSource) -> None:
        self._source = source
        self._tiles: dict[tuple[int, int], NDArray[np.uint8]] = {}

    def at(self, row: int, column: int) -> bool:
        """Whether a pixel is."""
        place = row // TILE_PX, column // TILE_PX
        if place not in self._source.changed:
            return False
        if place not in self._tiles:
            data = self._source.read([place])[place]
            self._tiles[place] = unpack_tile(data, tile_shape(self._source.shape_yx, *place))[1]
        return bool(self._tiles[place][row % TILE_PX, column % TILE_PX])


def answers_json(states: Sequence[QuestionState]) -> list[dict[str, Any]]:
    """The answers of a draft for the details of what it becomes."""
    return [
        {name: state.to_json()[name] for name in ("class_id", "row", "column", "two", "p", "answer")}
        for state in states
        if state.answer is not None
    ]
