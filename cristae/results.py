"""Scores and measurements of label maps, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from core.imaging.object_pyramid import ObjectIds
    from core.label_scheme import LabelScheme

_OF_PROJECTS: Final = ("specimen", "stack", "condition", "labels")
"""Columns that say something only of images in a project."""


def score(
    reference_yx: NDArray[np.uint8],
    prediction_yx: NDArray[np.uint8],
    classes: LabelScheme,
    pixel_size_nm: float | None = None,
    *,
    reference_ids_yx: NDArray[np.uint32] | None = None,
    prediction_ids_yx: NDArray[np.uint32] | None = None,
) -> pd.DataFrame:
    """Score the prediction of one image against its reference. docs/metrics.md says what each metric means.

    Parameters
    ----------
    reference_yx, prediction_yx
        uint8, same shape (rows, columns), class ids. 255 in the reference counts nowhere.
    classes
        What the ids mean.
    pixel_size_nm
        Edge of a pixel in nm. None: unknown, and there are no metrics of distance.
    reference_ids_yx, prediction_ids_yx
        uint32, same shape: ids of their objects, 0 where there is none. None: connected pieces are objects.

    Returns
    -------
    DataFrame
        A row for each class, named by it; a column for each metric. NaN: undefined, for example where a class is in
        neither map, or not meant for that class.

    Raises
    ------
    LabelMapError
        Sizes differ, or an id is not among the classes.

    Examples
    --------
    >>> import numpy as np
    >>> from core.label_scheme import DEFAULT_SCHEME
    >>> reference = np.array([[1, 1, 0, 0]], np.uint8)
    >>> prediction = np.array([[1, 0, 0, 0]], np.uint8)
    >>> round(float(score(reference, prediction, DEFAULT_SCHEME).loc["mitochondria", "dice"]), 3)
    0.667
    """
    import pandas as pd

    from core.evaluation.image_scores import score_image
    from core.evaluation.label_pair import LabelPair
    from core.evaluation.metric_table import METRICS
    from core.evaluation.settings import EvaluationSettings

    settings = EvaluationSettings().resolved(classes, [] if pixel_size_nm is None else [pixel_size_nm])
    pair = LabelPair(
        reference_yx, prediction_yx, classes, settings, pixel_size_nm,
        reference_ids=_objects(reference_yx, reference_ids_yx, classes),
        prediction_ids=_objects(prediction_yx, prediction_ids_yx, classes),
    )  # fmt: skip
    scores = score_image(pair, "")
    rows = [[scores.value(metric.name, class_id) for metric in METRICS] for class_id in classes.ids]
    names = pd.Index([classes.name_of(class_id) for class_id in classes.ids], name="class")
    return pd.DataFrame(rows, index=names, columns=[metric.name for metric in METRICS])


def measure(
    labels_yx: NDArray[np.uint8],
    classes: LabelScheme,
    pixel_size_nm: float | None,
    *,
    image: str = "",
    ids_yx: NDArray[np.uint32] | None = None,
) -> pd.DataFrame:
    """Measure every object of a label map: area, shape, distance to and contact with the other classes.

    docs/metrics.md says what each measure means.

    Parameters
    ----------
    labels_yx
        uint8, shape (rows, columns), class ids; 255 belongs to nothing.
    classes
        What the ids mean.
    pixel_size_nm
        Edge of a pixel in nm. None: unknown; everything is in pixels, and there are no contacts.
    image
        Name of the image, for the column of that name.
    ids_yx
        uint32, same shape: ids of objects, 0 where there is none, so that two that touch are two. None: connected
        pieces are objects.

    Returns
    -------
    DataFrame
        A row for each object, whose column ``class`` names its class; units are in the names of the columns.

    Raises
    ------
    LabelMapError
        The map is not 2D, or holds an id that is not among the classes.
    """
    from core.morphometry.frames import FILTER, objects_frame
    from core.morphometry.objects import measure_objects
    from core.morphometry.summary import ImageObjects

    objects = _objects(labels_yx, ids_yx, classes)
    found = ImageObjects(image, image, "", "", measure_objects(labels_yx, classes, pixel_size_nm, objects=objects))
    frame = objects_frame([found], classes, physical=pixel_size_nm is not None, made_by="")
    return frame.drop(columns=[*_OF_PROJECTS, FILTER])


def _objects(labels_yx: NDArray[np.uint8], ids_yx: NDArray[np.uint32] | None, classes: LabelScheme) -> ObjectIds | None:
    """Ids that fit the classes of their label map; the caller's array stays as it is."""
    if ids_yx is None:
        return None
    import numpy as np

    from core.errors import LabelMapError
    from core.labels.object_files import fitted_objects

    if ids_yx.shape != labels_yx.shape:
        raise LabelMapError(
            f"The label map has the shape {labels_yx.shape} but its ids {ids_yx.shape}.", "Give both of one image."
        )
    return fitted_objects(labels_yx, np.array(ids_yx, np.uint32), classes)[0]
