"""What cleaning did to a label map: numbers before and after, class by class, and a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.label_scheme import LabelScheme
from core.objects.cleaning import Changes, cleaned
from core.objects.pieces import PieceTable, piece_table
from core.objects.rules import NM2_PER_UM2, ObjectRules, RuleSource
from core.objects.separating import Parting, object_ids
from core.objects.separation import UNSEPARATED, Separation, SeparationWay


@dataclass(frozen=True, slots=True)
class ClassCleaning:
    """What cleaning did to one class.

    Parameters
    ----------
    class_id, name
        The class.
    smallest_um2, largest_hole_um2
        By its rule; None where the pixel size is unknown.
    smallest_px, largest_hole_px
        In pixels of the image.
    objects_before, objects
        Pieces before and after.
    pixels_before, pixels
        Its pixels before and after.
    removed, filled
        Pieces removed, holes filled.
    source
        Where the rule comes from.
    um2_per_px
        Area of a pixel; None where the pixel size is unknown.
    """

    class_id: int
    name: str
    smallest_um2: float | None
    largest_hole_um2: float | None
    smallest_px: float
    largest_hole_px: float
    objects_before: int
    objects: int
    pixels_before: int
    pixels: int
    removed: int
    filled: int
    source: RuleSource
    um2_per_px: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def clean_prediction(
    labels_yx: NDArray[np.uint8],
    rules: ObjectRules,
    pixel_size_nm: float | None,
    scheme: LabelScheme,
    separation: Separation = UNSEPARATED,
    parting: Parting | None = None,
) -> tuple[NDArray[np.uint8], tuple[ClassCleaning, ...]]:
    """A whole prediction cleaned, and what was done.

    Parameters
    ----------
    labels_yx
        uint8, shape (rows, columns), ids of ``scheme``.
    rules
        In the same ids.
    pixel_size_nm
        Of the image, or where it is unknown of the model; None where both are.
    scheme
        The classes.
    separation, parting
        How its touching objects are told apart, as for `core.objects.separating.object_ids`.
    """
    limits = rules.limits(pixel_size_nm)
    after_yx, changes = cleaned(labels_yx, limits)
    raw = piece_table(labels_yx, object_ids(labels_yx, parting, separation, limits))
    after = raw
    if changes.pixels:
        after = piece_table(after_yx, object_ids(after_yx, parting, separation, limits))
    return after_yx, cleaning_rows(raw, after, changes, rules, pixel_size_nm, scheme)


def separation_sentence(separation: Separation, scheme: LabelScheme) -> str:
    """How touching objects are told apart, in one or two sentences."""
    names = ", ".join(scheme.name_of(class_id) for class_id in separation.class_ids)
    if separation.learned:
        return f"Touching objects are separated as the model has learned: {names}."
    if separation.way is SeparationWay.NECKS:
        return (
            f"Touching objects are split at narrow necks: {names}. This is a fallback that has not learned to see "
            "where they touch: check the counts."
        )
    return "Touching objects of a class are counted as one."


def separation_scores_sentences(separation: Separation, scheme: LabelScheme) -> tuple[str, ...]:
    """What separation did to the images that the training held out, a sentence for each class with a score.

    >>> way = Separation(SeparationWay.RIMS, (1,), scores={1: {"panoptic_quality": 0.81,
    ...     "panoptic_quality_of_pieces": 0.6, "merges": 1, "merges_of_pieces": 9, "splits": 0, "objects": 40}})
    >>> separation_scores_sentences(way, LabelScheme.from_names({"background": 0, "mitochondria": 1}))[0]
    'mitochondria: panoptic quality 0.810 (0.600 without separation), 1 of 40 objects merged (9 without), 0 split.'
    """
    told = []
    for class_id, scores in separation.scores.items():
        quality, pieces = scores.get("panoptic_quality"), scores.get("panoptic_quality_of_pieces")
        if class_id not in scheme.ids or quality is None or pieces is None:
            continue
        objects, merges, before, splits = (
            int(scores.get(name) or 0) for name in ("objects", "merges", "merges_of_pieces", "splits")
        )
        told.append(
            f"{scheme.name_of(class_id)}: panoptic quality {quality:.3f} ({pieces:.3f} without separation), "
            f"{merges} of {objects} objects merged ({before} without), {splits} split."
        )
    return tuple(told)


def cleaning_sentence(rows: Sequence[ClassCleaning]) -> str:
    """What was removed and filled, in one sentence; "" where nothing was.

    Parameters
    ----------
    rows
        As `cleaning_of` gives them.
    """
    removed, filled = sum(row.removed for row in rows), sum(row.filled for row in rows)
    if not removed and not filled:
        return ""
    parts = [f"{row.removed:,} {row.name}" for row in rows if row.removed]
    said = f"{_pieces(removed)} below the minimum size removed ({', '.join(parts)})" if removed else ""
    holes = f"{filled:,} {'hole' if filled == 1 else 'holes'} filled" if filled else ""
    return "; ".join(text for text in (said, holes) if text) + "."


def cleaning_rows(
    raw: PieceTable,
    after: PieceTable,
    changes: Changes,
    rules: ObjectRules,
    pixel_size_nm: float | None,
    scheme: LabelScheme,
) -> tuple[ClassCleaning, ...]:
    """What cleaning did, class by class.

    Parameters
    ----------
    raw, after
        The pieces before and after.
    changes
        What was done.
    rules
        By which, in the ids of ``scheme``.
    pixel_size_nm
        That they were applied with; None where unknown.
    scheme
        The classes.
    """
    limits = rules.limits(pixel_size_nm)
    objects_before, objects = raw.count(), after.count()
    pixels_before, pixels = raw.pixels(), after.pixels()
    rows = []
    for item in scheme.classes:
        smallest, hole = float(limits.smallest[item.id]), float(limits.largest_hole[item.id])
        rows.append(
            ClassCleaning(
                class_id=item.id,
                name=item.name,
                smallest_um2=_um2(smallest, pixel_size_nm),
                largest_hole_um2=_um2(hole, pixel_size_nm),
                smallest_px=smallest,
                largest_hole_px=hole,
                objects_before=int(objects_before[item.id]),
                objects=int(objects[item.id]),
                pixels_before=int(pixels_before[item.id]),
                pixels=int(pixels[item.id]),
                removed=int(changes.removed[item.id]),
                filled=int(changes.filled[item.id]),
                source=rules.of(item.id).source,
                um2_per_px=_um2(1.0, pixel_size_nm),
            )
        )
    return tuple(rows)


def _um2(pixels: float, pixel_size_nm: float | None) -> float | None:
    return None if pixel_size_nm is None else pixels * pixel_size_nm**2 / NM2_PER_UM2


def _pieces(number: int) -> str:
    return f"{number:,} piece" if number == 1 else f"{number:,} pieces"
