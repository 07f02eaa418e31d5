"""Where a prediction is wrong: what was predicted as what, and true and false positives and negatives of a class."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.evaluation.label_pair import LabelPair
from core.label_scheme import IGNORE_ID, LabelScheme

RIGHT: Final = 0
"""In an error map: prediction and reference agree."""

UNCOVERED: Final = IGNORE_ID << 8 | IGNORE_ID
"""In an error map: the reference says *ignore*."""


class Outcome(IntEnum):
    """A pixel's outcome for one class."""

    TRUE_NEGATIVE = 0
    TRUE_POSITIVE = 1
    FALSE_POSITIVE = 2
    FALSE_NEGATIVE = 3
    UNCOVERED = IGNORE_ID


def error_map(pair: LabelPair) -> NDArray[np.uint16]:
    """What was predicted as what.

    Parameters
    ----------
    pair
        Reference and prediction.

    Returns
    -------
    ndarray
        uint16, the image's shape: 0 where right, 65535 where uncovered, else 256 times the reference's class id
        plus the predicted one (see `split_error`).

    Examples
    --------
    >>> import numpy as np
    >>> from core.evaluation.settings import EvaluationSettings
    >>> from core.label_scheme import DEFAULT_SCHEME
    >>> pair = LabelPair(
    ...     np.array([[1, 1, 255]], np.uint8), np.array([[1, 2, 0]], np.uint8), DEFAULT_SCHEME, EvaluationSettings()
    ... )
    >>> error_map(pair).tolist()
    [[0, 258, 65535]]
    """
    codes: NDArray[np.uint16] = pair.reference_yx.astype(np.uint16)
    codes <<= 8
    codes |= pair.prediction_yx
    codes[pair.reference_yx == pair.prediction_yx] = RIGHT
    if pair.covered_yx is not None:
        codes[~pair.covered_yx] = UNCOVERED
    return codes


def split_error(code: int) -> tuple[int, int]:
    """Class id in the reference and in the prediction of an error code.

    >>> split_error(258)
    (1, 2)
    """
    return code >> 8, code & 0xFF


def describe_error(code: int, scheme: LabelScheme) -> str:
    """An error code in words.

    >>> from core.label_scheme import DEFAULT_SCHEME
    >>> describe_error(258, DEFAULT_SCHEME)
    'mitochondria predicted as nucleus'
    """
    if code in (RIGHT, UNCOVERED):
        return "right" if code == RIGHT else "not annotated"
    reference, prediction = split_error(code)
    return f"{scheme.name_of(reference)} predicted as {scheme.name_of(prediction)}"


def outcome_map(pair: LabelPair, class_id: int) -> NDArray[np.uint8]:
    """True and false positives and negatives of one class.

    Parameters
    ----------
    pair
        Reference and prediction.
    class_id
        0 for background, or of the scheme.

    Returns
    -------
    ndarray
        uint8, the image's shape, values of `Outcome`.
    """
    reference, prediction = pair.reference_yx == class_id, pair.prediction_yx == class_id
    outcome = np.zeros(reference.shape, np.uint8)
    outcome[prediction] = Outcome.FALSE_POSITIVE
    outcome[reference] = Outcome.FALSE_NEGATIVE
    outcome[reference & prediction] = Outcome.TRUE_POSITIVE
    if pair.covered_yx is not None:
        outcome[~pair.covered_yx] = Outcome.UNCOVERED
    return outcome
