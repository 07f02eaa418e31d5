"""The table of metrics. A new metric is a file with its counts and a row here; everything else follows from the row."""

from __future__ import annotations

from operator import attrgetter
from typing import Final

from core.errors import NotFoundError
from core.evaluation.calibration import CALIBRATION, expected_calibration_error
from core.evaluation.instances import (
    INSTANCES,
    absolute_count_error,
    count_error,
    instance_f1,
    merge_count,
    panoptic_quality,
    segmentation_quality,
    split_count,
)
from core.evaluation.metric import Better, Family, Metric
from core.evaluation.overlap import OVERLAP
from core.evaluation.surface import SURFACE, hd95, nsd
from core.evaluation.topology import TOPOLOGY, cldice, topology_precision, topology_sensitivity

_SHARE: Final = "undefined if the class is in neither label map; 0 if it is in only one"
_SURFACES: Final = "undefined if neither label map has a surface; 0 if only one has"
_WORST: Final = "undefined if neither label map has a surface; the image diagonal if only one has"
_OBJECTS: Final = "undefined if neither label map has an object"

_DICE: Final = "10.2307/1932409"
_JACCARD: Final = "10.1111/j.1469-8137.1912.tb05611.x"
_RELOADED: Final = "10.1038/s41592-023-02151-z"
_NIKOLOV: Final = "10.2196/26151"
_HUTTENLOCHER: Final = "10.1109/34.232073"
_SHIT: Final = "10.1109/CVPR46437.2021.01629"
_KIRILLOV: Final = "10.1109/CVPR.2019.00963"
_CAICEDO: Final = "10.1002/cyto.a.23863"
_NAEINI: Final = "10.1609/aaai.v29i1.9602"

UP, DOWN = Better.HIGHER, Better.LOWER

METRICS: Final[tuple[Metric, ...]] = (
    Metric("dice", "Dice (F1)", OVERLAP, attrgetter("dice"), UP, "", _SHARE, _DICE, "2 TP / (2 TP + FP + FN)"),
    Metric("iou", "IoU", OVERLAP, attrgetter("iou"), UP, "", _SHARE, _JACCARD, "TP / (TP + FP + FN)"),
    Metric("precision", "Precision", OVERLAP, attrgetter("precision"), UP, "", _SHARE, _RELOADED, "TP / (TP + FP)"),
    Metric("recall", "Recall", OVERLAP, attrgetter("recall"), UP, "", _SHARE, _RELOADED, "TP / (TP + FN)"),
    Metric(
        "specificity", "Specificity", OVERLAP, attrgetter("specificity"), UP, "",
        "undefined if the class fills the reference", _RELOADED, "TN / (TN + FP)",
    ),
    Metric(
        "nsd", "Surface Dice (NSD)", SURFACE, nsd, UP, "", _SURFACES, _NIKOLOV,
        "surface px within the tolerance of the other surface / all surface px, both maps",
    ),
    Metric(
        "hd95", "HD95", SURFACE, hd95, DOWN, "nm", _WORST, _HUTTENLOCHER,
        "larger of both directions' 95th percentile of surface distances", pools=False,
    ),
    Metric(
        "cldice", "clDice", TOPOLOGY, cldice, UP, "", _SHARE, _SHIT,
        "harmonic mean of topology precision and sensitivity",
    ),
    Metric(
        "topology_precision", "Topology precision", TOPOLOGY, topology_precision, UP, "", _SHARE, _SHIT,
        "share of the prediction's skeleton inside the reference",
    ),
    Metric(
        "topology_sensitivity", "Topology sensitivity", TOPOLOGY, topology_sensitivity, UP, "", _SHARE, _SHIT,
        "share of the reference's skeleton inside the prediction",
    ),
    Metric(
        "instance_f1", "Object F1", INSTANCES, instance_f1, UP, "", _OBJECTS, _KIRILLOV,
        "2 TP / (2 TP + FP + FN) of objects that match at IoU > .5",
    ),
    Metric(
        "panoptic_quality", "Panoptic quality", INSTANCES, panoptic_quality, UP, "", _OBJECTS, _KIRILLOV,
        "sum of matched IoU / (TP + FP/2 + FN/2) of objects",
    ),
    Metric(
        "segmentation_quality", "Matched IoU", INSTANCES, segmentation_quality, UP, "",
        "undefined without a match", _KIRILLOV, "mean IoU of matched objects",
    ),
    Metric(
        "count_error", "Count error", INSTANCES, count_error, Better.NEAREST_ZERO, "objects", _OBJECTS, _RELOADED,
        "objects predicted - objects in the reference",
    ),
    Metric(
        "absolute_count_error", "Absolute count error", INSTANCES, absolute_count_error, DOWN, "objects", _OBJECTS,
        _RELOADED, "absolute difference of the numbers of objects; in its mean, too many and too few do not cancel",
    ),
    Metric(
        "merges", "Merged objects", INSTANCES, merge_count, DOWN, "objects", _OBJECTS, _CAICEDO,
        "predicted objects that hold more than half of each of two or more reference objects",
    ),
    Metric(
        "splits", "Split objects", INSTANCES, split_count, DOWN, "objects", _OBJECTS, _CAICEDO,
        "reference objects that hold more than half of each of two or more predicted objects",
    ),
    Metric(
        "ece", "Calibration error (ECE)", CALIBRATION, expected_calibration_error, DOWN, "",
        "undefined if no pixel was predicted as the class", _NAEINI,
        "mean over px of | accuracy - confidence | of their bin",
    ),
)  # fmt: skip
"""In the order of tables and figures."""

FAMILIES: Final[tuple[Family, ...]] = tuple({metric.family.name: metric.family for metric in METRICS}.values())
"""Those of the table."""


def metric_named(name: str) -> Metric:
    """The row of a metric.

    Raises
    ------
    NotFoundError
        There is none of this name.
    """
    for metric in METRICS:
        if metric.name == name:
            return metric
    raise NotFoundError(f"There is no metric {name!r}.", f"There are {', '.join(m.name for m in METRICS)}.")
