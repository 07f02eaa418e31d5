"""Error maps and connected errors, each kind drawn by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.evaluation.error_map import Outcome, describe_error, error_map, outcome_map, split_error
from core.evaluation.error_objects import ConnectedError, ErrorKind, largest_errors
from core.evaluation.label_pair import LabelPair
from core.evaluation.overlap import counts_from_confusion
from core.evaluation.settings import EvaluationSettings
from core.label_scheme import DEFAULT_SCHEME


def pair_of(reference: np.ndarray, prediction: np.ndarray, size_nm: float | None = None) -> LabelPair:
    return LabelPair(reference, prediction, DEFAULT_SCHEME, EvaluationSettings(), size_nm)


def drawn(*boxes: tuple[int, int, int, int, int], shape: tuple[int, int] = (20, 30)) -> np.ndarray:
    """Boxes of (class, first row, row after the last, first column, column after the last)."""
    labels = np.zeros(shape, np.uint8)
    for class_id, top, bottom, left, right in boxes:
        labels[top:bottom, left:right] = class_id
    return labels


WHOLE = (1, 5, 15, 5, 25)

CASES = [
    pytest.param(drawn(WHOLE), drawn(), [(ErrorKind.MISSED_OBJECT, 1, 0, 200, (5, 5, 10, 20))], id="missed"),
    pytest.param(drawn(), drawn(WHOLE), [(ErrorKind.FALSE_OBJECT, 0, 1, 200, (5, 5, 10, 20))], id="false"),
    pytest.param(
        drawn((1, 5, 15, 2, 12), (1, 5, 15, 16, 26)), drawn((1, 5, 15, 2, 26)),
        [(ErrorKind.MERGED, 0, 1, 40, (5, 12, 10, 4))], id="merged",
    ),
    pytest.param(
        drawn((1, 5, 15, 2, 26)), drawn((1, 5, 15, 2, 12), (1, 5, 15, 16, 26)),
        [(ErrorKind.SPLIT, 1, 0, 40, (5, 12, 10, 4))], id="split",
    ),
    pytest.param(
        drawn((1, 5, 15, 2, 12), (5, 5, 15, 12, 14), (1, 5, 15, 14, 26)), drawn((1, 5, 15, 2, 26)),
        [(ErrorKind.MERGED, 5, 1, 20, (5, 12, 10, 2))], id="merged over another class",
    ),
    pytest.param(
        drawn(WHOLE), drawn((2, *WHOLE[1:])),
        [(ErrorKind.WRONG_CLASS, 1, 2, 200, (5, 5, 10, 20))], id="wrong class",
    ),
    pytest.param(
        drawn(WHOLE), drawn((1, 7, 15, 5, 25)), [(ErrorKind.BOUNDARY_SHIFT, 1, 0, 40, (5, 5, 2, 20))], id="too small",
    ),
    pytest.param(
        drawn((1, 5, 15, 5, 15), (2, 5, 15, 15, 25)), drawn((1, 5, 15, 5, 16), (2, 5, 15, 16, 25)),
        [(ErrorKind.BOUNDARY_SHIFT, 2, 1, 10, (5, 15, 10, 1))], id="edge between two classes",
    ),
    pytest.param(drawn(WHOLE), drawn(WHOLE), [], id="right"),
]  # fmt: skip


@pytest.mark.parametrize(("reference", "prediction", "expected"), CASES)
def test_kinds_sizes_and_boxes(reference: np.ndarray, prediction: np.ndarray, expected: list[tuple]) -> None:
    found = largest_errors(pair_of(reference, prediction, 100.0))
    assert [
        (e.kind, e.reference_id, e.prediction_id, e.pixels, (e.row, e.column, e.height, e.width)) for e in found
    ] == expected
    assert [e.area_um2 for e in found] == pytest.approx([pixels * 0.01 for _, _, _, pixels, _ in expected])
    assert [ConnectedError.from_json(e.to_json()) for e in found] == list(found)


def test_largest_first_and_no_more_than_asked_for() -> None:
    reference = drawn((1, 1, 3, 1, 3), (1, 10, 15, 1, 9), (1, 1, 4, 20, 24))
    sizes = [error.pixels for error in largest_errors(pair_of(reference, drawn()))]
    assert sizes == [40, 12, 4]
    assert len(largest_errors(pair_of(reference, drawn()), limit=2)) == 2
    assert len(largest_errors(pair_of(reference, drawn()), min_px=12)) == 2


def test_what_nobody_reviewed_is_no_error() -> None:
    reference = drawn((255, 0, 20, 0, 30))
    assert largest_errors(pair_of(reference, drawn(WHOLE))) == ()
    assert set(np.unique(outcome_map(pair_of(reference, drawn(WHOLE)), 1))) == {255}


def test_codes_in_words() -> None:
    codes = error_map(pair_of(np.array([[4, 0, 1, 255]], np.uint8), np.array([[4, 3, 5, 1]], np.uint8)))
    assert [describe_error(int(code), DEFAULT_SCHEME) for code in codes[0]] == [
        "right", "background predicted as ER", "mitochondria predicted as cell boundaries", "not annotated",
    ]  # fmt: skip
    assert split_error(int(codes[0, 2])) == (1, 5)


@settings(max_examples=40, deadline=None)
@given(
    arrays(np.uint8, (12, 13), elements=st.sampled_from([0, 1, 2, 255])),
    arrays(np.uint8, (12, 13), elements=st.sampled_from([0, 1, 2])),
)
def test_maps_and_lists_agree_with_the_counts(reference: np.ndarray, prediction: np.ndarray) -> None:
    pair = pair_of(reference, prediction)
    counts = counts_from_confusion(pair.matrix)[1]
    outcomes = np.bincount(outcome_map(pair, 1).ravel(), minlength=256)
    assert (counts.tp, counts.fp, counts.fn, counts.tn) == tuple(
        outcomes[[Outcome.TRUE_POSITIVE, Outcome.FALSE_POSITIVE, Outcome.FALSE_NEGATIVE, Outcome.TRUE_NEGATIVE]]
    )
    listed = largest_errors(pair, limit=1000)
    for code in np.unique(error_map(pair)[error_map(pair) != 0]):
        if code != 65535:
            total = sum(e.pixels for e in listed if (e.reference_id, e.prediction_id) == split_error(int(code)))
            assert total == np.count_nonzero(error_map(pair) == code)
