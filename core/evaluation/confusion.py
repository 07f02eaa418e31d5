"""The confusion matrix of one pair of label maps, from which all overlap metrics are derived."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import LabelMapError
from core.label_scheme import IGNORE_ID

_BAND_PX: Final = 1 << 20
"""Pixels counted at a time: NumPy makes 8-byte integers of them on the way."""


def confusion(
    reference_yx: NDArray[np.uint8], prediction_yx: NDArray[np.uint8], class_ids: tuple[int, ...]
) -> NDArray[np.int64]:
    """Confusion matrix over the given classes.

    Parameters
    ----------
    reference_yx, prediction_yx
        uint8, same shape, class ids; 255 in the reference is left out.
    class_ids
        Every id that may occur, usually 0 and those of the scheme.

    Returns
    -------
    ndarray
        int64, shape (classes, classes): rows are the reference, columns the prediction, in the order of ``class_ids``.

    Raises
    ------
    LabelMapError
        Different sizes, not uint8, or an id that is not in ``class_ids``.

    Examples
    --------
    >>> import numpy as np
    >>> confusion(np.array([[0, 1, 255]], np.uint8), np.array([[1, 1, 0]], np.uint8), (0, 1)).tolist()
    [[0, 1], [0, 1]]
    """
    if reference_yx.shape != prediction_yx.shape:
        raise LabelMapError(
            f"The reference is {_size(reference_yx)} but the prediction is {_size(prediction_yx)}.",
            "Use label maps of the same image and size.",
        )
    for what, labels in (("reference", reference_yx), ("prediction", prediction_yx)):
        if labels.dtype != np.uint8:
            raise LabelMapError(
                f"The {what} is {labels.dtype}, not uint8.", ("Use label maps with class ids 0 to 255.")
            )
    pairs = _pairs(reference_yx, prediction_yx)
    pairs[IGNORE_ID] = 0
    for what, counts in (("reference", pairs.sum(1)), ("prediction", pairs.sum(0))):
        unknown = [int(i) for i in np.flatnonzero(counts) if i not in class_ids]
        if unknown:
            raise LabelMapError(
                f"The {what} holds {int(counts[unknown].sum())} px with the unknown class ids {unknown}.",
                f"The classes are {sorted(class_ids)}; 255 (ignore) is allowed only in the reference.",
            )
    return pairs[np.ix_(class_ids, class_ids)]


def _pairs(reference_yx: NDArray[np.uint8], prediction_yx: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How often each of the 256 x 256 pairs of ids occurs."""
    reference, prediction = reference_yx.reshape(-1), prediction_yx.reshape(-1)
    pairs = np.zeros(256 * 256, np.int64)
    for start in range(0, reference.size, _BAND_PX):
        band = slice(start, start + _BAND_PX)
        key = reference[band].astype(np.int64)
        key <<= 8
        key |= prediction[band]
        pairs += np.bincount(key, minlength=256 * 256)
    return pairs.reshape(256, 256)


def _size(array: NDArray[Any]) -> str:
    """Rows x columns, as shown to people."""
    return " x ".join(str(n) for n in array.shape) + " px"
