"""What the import of a label map did to its pixels: one count for every rule that was applied."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.imaging.object_pyramid import ObjectIds
from core.imaging.row_bands import id_counts
from core.label_scheme import IGNORE_ID
from core.labels.numbering import object_counts

NO_BACKGROUND: Final = (
    "There are no background pixels. Some programs (ilastik) use 1 for background; in that case assign it, for "
    "example 1 = background."
)
"""Remark on a label map without any 0."""


class LabelRule(Enum):
    """What can be done to pixels that are not plainly one class; the value completes "N pixels …"."""

    VALUE_MAPPED = "had values other than class ids and were assigned as specified"
    STRAY_TO_NEAREST = "had unassigned values and got the nearest assigned value"
    CLASS_NUMBER = "had class numbers that were not assigned and were kept"
    IGNORE_VALUE = "had the value 255 (ignore)"
    OBJECT_IDS = "had object ids and became the class; ids are kept"
    OBJECT_CLASS = "are objects with separate ids and became the class"
    LARGE_IDS = "had object ids above 4,294,967,295, which got smaller numbers"
    SHARED_IDS = "had object ids that also occur in another class, and got new ids"
    IDS_OUTSIDE = "had an object id but no class, and lost the id"
    IDS_CROSS_CLASSES = "had an object id of another class, and got a new id"
    COLOR_CODES = "had colours that encode class numbers and got that class"
    CUT_AT_HALF = "had values between background and mask and were thresholded at half of the maximum"
    NEAR_COLOR = "had nearly the colour of a class and got that class"
    BLEND_TO_NEARER = "had a blend of neighbouring colours (antialiased edge) and got the nearest class"
    UNKNOWN_TO_IGNORE = "had a colour of no class and became ignore"
    TRANSPARENT_TO_BACKGROUND = "were transparent and became background"
    OVERLAP_TO_IGNORE = "belonged to more than one mask and became ignore"
    OVERLAP_TO_FIRST = "belonged to more than one mask and got the first class"


@dataclass(frozen=True, slots=True)
class RuleCount:
    """One rule applied to one file.

    Parameters
    ----------
    rule
        Which.
    pixels
        How many.
    file
        Name of the file, empty where several are concerned.
    detail
        The values, colours or classes concerned.
    """

    rule: LabelRule
    pixels: int
    file: str = ""
    detail: str = ""

    @property
    def sentence(self) -> str:
        """For people."""
        where = f"{self.file}: " if self.file else ""
        detail = f" ({self.detail})" if self.detail else ""
        return f"{where}{self.pixels:,} pixels {self.rule.value}{detail}."


@dataclass(frozen=True, slots=True)
class LabelReport:
    """What an import did.

    Parameters
    ----------
    counts
        Every rule that changed or decided at least one pixel.
    class_pixels
        Id and number of pixels in the result, background and ignore included, ascending.
    remarks
        Odd but allowed, one sentence each.
    objects
        Class and number of objects, for each class that has ids of objects.
    """

    counts: tuple[RuleCount, ...]
    class_pixels: tuple[tuple[int, int], ...]
    remarks: tuple[str, ...] = ()
    objects: tuple[tuple[int, int], ...] = ()

    @property
    def object_classes(self) -> tuple[int, ...]:
        """The classes that have ids of objects."""
        return tuple(class_id for class_id, _ in self.objects)

    @property
    def sentences(self) -> tuple[str, ...]:
        """Everything, for people."""
        return (*(count.sentence for count in self.counts), *self.remarks)

    def pixels(self, rule: LabelRule) -> int:
        """How many pixels a rule concerned, over all files."""
        return sum(count.pixels for count in self.counts if count.rule is rule)

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON file."""
        return {
            "counts": [
                {"rule": c.rule.name.lower(), "pixels": c.pixels, "file": c.file, "detail": c.detail}
                for c in self.counts
            ],
            "class_pixels": {str(class_id): pixels for class_id, pixels in self.class_pixels},
            "remarks": list(self.remarks),
            "objects": {str(class_id): number for class_id, number in self.objects},
            "sentences": list(self.sentences),
        }


@dataclass(frozen=True, slots=True, eq=False)
class LabelImport:
    """A label map and how it came about.

    Parameters
    ----------
    labels_yx
        uint8, shape of the image, read-only: 0, ids of the scheme, 255.
    report
        Counts.
    objects
        Ids of its objects; None: its connected pieces are its objects.
    """

    labels_yx: NDArray[np.uint8]
    report: LabelReport
    objects: ObjectIds | None = None

    @classmethod
    def of(
        cls,
        labels_yx: NDArray[np.uint8],
        counts: list[RuleCount],
        remarks: list[str],
        objects: ObjectIds | None = None,
    ) -> LabelImport:
        """Count the classes and put it together; counts of nothing are left out."""
        histogram = id_counts(labels_yx)
        present = tuple((int(i), int(histogram[i])) for i in np.flatnonzero(histogram))
        labels_yx.flags.writeable = False
        if histogram[1:IGNORE_ID].any() and not histogram[0]:
            remarks = [*remarks, NO_BACKGROUND]
        number = () if objects is None else object_counts(labels_yx, objects)
        report = LabelReport(tuple(c for c in counts if c.pixels), present, tuple(remarks), number)
        return cls(labels_yx, report, objects)

    def with_remarks(self, counts: list[RuleCount], remarks: list[str]) -> LabelImport:
        """The same, with more that was done to it."""
        return LabelImport.of(
            self.labels_yx, [*self.report.counts, *counts], [*self.report.remarks, *remarks], self.objects
        )

    def packed(self) -> NDArray[np.uint8]:
        """Label map and ids as one array, as it comes out of a guarded process: ids first, then classes."""
        flat = np.ascontiguousarray(self.labels_yx).ravel()
        if self.objects is None:
            return flat
        return np.concatenate([np.ascontiguousarray(self.objects.ids_yx).ravel().view(np.uint8), flat])

    @classmethod
    def unpacked(cls, report: LabelReport, packed: NDArray[np.uint8], shape_yx: tuple[int, int]) -> LabelImport:
        """The inverse of `packed`; the arrays are read-only views."""
        pixels = shape_yx[0] * shape_yx[1]
        labels_yx = packed[len(packed) - pixels :].reshape(shape_yx)
        if not report.objects:
            return cls(labels_yx, report)
        ids_yx = packed[: len(packed) - pixels].view(np.uint32).reshape(shape_yx)
        return cls(labels_yx, report, ObjectIds(ids_yx, report.object_classes))
