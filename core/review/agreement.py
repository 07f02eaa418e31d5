"""How far two annotators agree: Dice between them, which says how far labels depend on who drew them.

It is no upper limit for a model: slips of two people add up in the agreement between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from core.errors import ReviewError
from core.evaluation.image_scores import ALL
from core.evaluation.intervals import Membership, Scale, mean_with_interval, units_of
from core.evaluation.overlap import OverlapCounts, confusion, counts_from_confusion
from core.evaluation.settings import UnitChoice
from core.label_scheme import IGNORE_ID, LabelScheme
from core.review.double_annotation import assignments, hidden_revisions
from core.review.label_maps import LabelMap, bands
from core.store.review_records import Assignment
from core.store.store import Store

Labels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two label maps of one image, or of several together, held against each other.

    Parameters
    ----------
    counts
        Per class id, background included. Which of the two is called reference does not change Dice.
    shared_px
        Pixels that both have confirmed; nothing else counts.
    differing_px
        Of these, how many have another class.
    """

    counts: dict[int, OverlapCounts]
    shared_px: int
    differing_px: int

    @property
    def dice(self) -> dict[int, float]:
        """Dice per class id; NaN where neither has the class."""
        return {class_id: counts.dice for class_id, counts in self.counts.items()}

    def __add__(self, other: Agreement) -> Agreement:
        counts = {
            class_id: self.counts[class_id] + other.counts[class_id] if class_id in self.counts else added
            for class_id, added in other.counts.items()
        }
        return Agreement(
            {**self.counts, **counts}, self.shared_px + other.shared_px, self.differing_px + other.differing_px
        )


@dataclass(frozen=True, slots=True)
class ImageAgreement:
    """The agreement of two people on one image."""

    image_id: str
    people: tuple[str, str]
    revision_ids: tuple[str, str]
    agreement: Agreement


def agreement_of(first_yx: Labels, second_yx: Labels, scheme: LabelScheme) -> Agreement:
    """Count where two label maps have the same class.

    Parameters
    ----------
    first_yx, second_yx
        uint8, same shape, class ids; 255 where somebody has not confirmed.
    scheme
        The classes.

    Raises
    ------
    LabelMapError
        Sizes differ, or an id is not in the scheme.

    Examples
    --------
    >>> from core.label_scheme import DEFAULT_SCHEME
    >>> first, second = np.array([[1, 1, 0, 255]], np.uint8), np.array([[1, 0, 255, 1]], np.uint8)
    >>> found = agreement_of(first, second, DEFAULT_SCHEME)
    >>> found.shared_px, found.differing_px, round(found.dice[1], 3)
    (2, 1, 0.667)
    """
    class_ids = (0, *scheme.ids)
    matrix = confusion(*_where_both_confirmed(first_yx, second_yx), class_ids)
    counts = dict(zip(class_ids, counts_from_confusion(matrix), strict=True))
    return Agreement(counts, int(matrix.sum()), int(matrix.sum() - np.trace(matrix)))


def agreement_between(store: Store, first_id: str, second_id: str) -> Agreement:
    """The agreement of two revisions of one image, where both were confirmed.

    Raises
    ------
    ReviewError
        They are of different images.
    """
    first, second = store.revisions.get(first_id), store.revisions.get(second_id)
    if first.image_id != second.image_id:
        raise ReviewError("The two revisions belong to different images.", "Choose two revisions of the same image.")
    image = store.images.get(first.image_id)
    scheme = store.projects.get(image.project_id).scheme
    one, other = (LabelMap(store, each, image.shape_yx) for each in (first_id, second_id))
    total = Agreement({}, 0, 0)
    for band in bands(image.shape_yx[0]):
        total += agreement_of(one.confirmed(band), other.confirmed(band), scheme)
    return total


def image_agreements(store: Store, project_id: str, *, person: str) -> tuple[ImageAgreement, ...]:
    """Every pair of people who annotated an image blind and have both submitted, as far as ``person`` may see it."""
    hidden = hidden_revisions(store, project_id, person)
    by_image: dict[str, list[Assignment]] = {}
    for assignment in assignments(store, project_id):
        if assignment.blind and assignment.revision_id is not None and assignment.revision_id not in hidden:
            by_image.setdefault(assignment.image_id, []).append(assignment)
    return tuple(
        ImageAgreement(
            image_id, (one.person, other.person), ids := (str(one.revision_id), str(other.revision_id)),
            agreement_between(store, *ids),
        )
        for image_id, done in by_image.items()
        for one, other in combinations(done, 2)
    )  # fmt: skip


def together(agreements: Iterable[ImageAgreement]) -> Agreement:
    """All pixels of all images in one count."""
    total = Agreement({}, 0, 0)
    for agreement in agreements:
        total += agreement.agreement
    return total


@dataclass(frozen=True, slots=True)
class ClassAgreement:
    """How far people agree on one class.

    Parameters
    ----------
    dice
        Mean over pairs of label maps that have the class; NaN where none has.
    low, high
        95 % interval over images; NaN with fewer than three.
    pooled
        Dice over the pixels of all of them together.
    images
        Images behind it.
    """

    class_id: int
    name: str
    dice: float
    low: float
    high: float
    pooled: float
    images: int


def class_agreements(agreements: Sequence[ImageAgreement], scheme: LabelScheme) -> tuple[ClassAgreement, ...]:
    """Per class of a scheme, then (class id 0) their mean; intervals are over images."""
    if not agreements:
        return ()
    dice = np.array(
        [[agreement.agreement.dice.get(i, np.nan) for i in scheme.ids] for agreement in agreements], np.float64
    )
    units = units_of([Membership("", agreement.image_id) for agreement in agreements], UnitChoice.GROUPS)
    found = mean_with_interval(dice, units, Scale.SHARE)
    pooled = together(agreements).dice
    names = [*((item.id, item.name) for item in scheme.classes), (ALL, "mean of classes")]
    known = [pooled.get(i, np.nan) for i in scheme.ids]
    overall = float(np.nanmean(known)) if np.isfinite(known).any() else float("nan")
    return tuple(
        ClassAgreement(
            class_id, name, float(found.mean[column]), float(found.low[column]), float(found.high[column]),
            overall if class_id == ALL else pooled.get(class_id, float("nan")), int(found.units[column]),
        )
        for column, (class_id, name) in enumerate(names)
    )  # fmt: skip


def _where_both_confirmed(first_yx: Labels, second_yx: Labels) -> tuple[Labels, Labels]:
    """255 in the first where either has it, and then not in the second: as reference and prediction."""
    open_yx = second_yx == IGNORE_ID
    first = np.where(open_yx, np.uint8(IGNORE_ID), first_yx)
    return first, np.where(open_yx, np.uint8(0), second_yx)
