"""One image's reference and prediction, checked, with what several metric families need worked out once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import LabelMapError
from core.evaluation.confusion import confusion
from core.evaluation.settings import EvaluationSettings
from core.imaging.object_pyramid import ObjectIds
from core.label_scheme import IGNORE_ID, LabelScheme
from core.labels.numbering import NumberedObjects, number_objects


@dataclass(frozen=True, eq=False)
class LabelPair:
    """Reference and prediction of one image.

    Parameters
    ----------
    reference_yx, prediction_yx
        uint8, same shape, class ids. 255 in the reference counts nowhere.
    scheme
        The classes.
    settings
        How to measure.
    pixel_size_nm
        Edge of a pixel in nm, None where unknown: then there are no distances.
    confidence_yx
        uint8 of the same shape, 255 times the probability of the predicted class; None: no calibration error.
    reference_ids, prediction_ids
        Ids of their objects, same shape; None: connected pieces are objects.

    Raises
    ------
    LabelMapError
        Sizes differ, or an id is not in the scheme.
    """

    reference_yx: NDArray[np.uint8]
    prediction_yx: NDArray[np.uint8]
    scheme: LabelScheme
    settings: EvaluationSettings
    pixel_size_nm: float | None = None
    confidence_yx: NDArray[np.uint8] | None = None
    reference_ids: ObjectIds | None = None
    prediction_ids: ObjectIds | None = None

    def __post_init__(self) -> None:
        if self.reference_yx.ndim != 2:
            raise LabelMapError(
                f"The reference has {self.reference_yx.ndim} dimensions.", "Evaluate one 2D image at a time."
            )
        if self.confidence_yx is not None and self.confidence_yx.shape != self.reference_yx.shape:
            raise LabelMapError(
                f"The confidence map is {_size(self.confidence_yx)} but the label map is {_size(self.reference_yx)}.",
                "Use both from the same prediction.",
            )
        for objects in (self.reference_ids, self.prediction_ids):
            if objects is not None and objects.ids_yx.shape != self.reference_yx.shape:
                raise LabelMapError(
                    f"The object ids are {_size(objects.ids_yx)} but the label map is {_size(self.reference_yx)}.",
                    "Take both from the same label map.",
                )
        self.matrix.setflags(write=False)  # worked out now, so that a bad pair is refused at once

    @property
    def class_ids(self) -> tuple[int, ...]:
        """Every id that may occur, background first."""
        return (0, *self.scheme.ids)

    @cached_property
    def matrix(self) -> NDArray[np.int64]:
        """Confusion matrix: rows reference, columns prediction, background first."""
        return confusion(self.reference_yx, self.prediction_yx, self.class_ids)

    @property
    def ignored_px(self) -> int:
        """Pixels that count nowhere."""
        return int(self.reference_yx.size - self.matrix.sum())

    @cached_property
    def covered_yx(self) -> NDArray[np.bool_] | None:
        """True where pixels count; None where all do."""
        return None if self.ignored_px == 0 else self.reference_yx != IGNORE_ID

    @cached_property
    def prediction_covered_yx(self) -> NDArray[np.uint8]:
        """The prediction with 255 where the reference has it."""
        if self.covered_yx is None:
            return self.prediction_yx
        return np.where(self.covered_yx, self.prediction_yx, np.uint8(IGNORE_ID))

    @cached_property
    def reference_objects(self) -> NumberedObjects:
        """The objects of the reference, of all classes."""
        return number_objects(self.reference_yx, self.scheme.ids, self.reference_ids)

    @cached_property
    def prediction_objects(self) -> NumberedObjects:
        """The objects of the prediction, of all classes, as far as the reference covers them."""
        return number_objects(self.prediction_covered_yx, self.scheme.ids, self.prediction_ids)

    @property
    def diagonal_nm(self) -> float:
        """Length of the image's diagonal, the worst distance there can be; NaN where the pixel size is unknown."""
        return float(np.hypot(*self.reference_yx.shape)) * (self.pixel_size_nm or float("nan"))

    def empty_in_both(self, class_id: int) -> bool:
        """Whether the class is in neither map."""
        position = self.class_ids.index(class_id)
        return not (self.matrix[position].any() or self.matrix[:, position].any())


def _size(array: NDArray[Any]) -> str:
    """Rows x columns, as shown to people."""
    return " x ".join(str(n) for n in array.shape) + " px"
