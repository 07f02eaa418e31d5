"""A second analysis of two conditions: a linear mixed model over all objects, in which specimens and images vary too.

Means of specimens throw away how many objects each has; a mixed model weighs them by it, and says where the spread is.
What is between specimens is tested with their number, not with that of objects (between-within degrees of freedom:
Schluchter and Elashoff 1990, 10.1080/00949659008811268), because the normal approximation that such models report by
default is too sure where animals are few. Laird and Ware 1982,
10.2307/2529876; fitted by statsmodels (restricted maximum likelihood).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from core.evaluation.intervals import LEVEL
from core.label_scheme import LabelScheme
from core.morphometry.condition_names import conditions
from core.morphometry.conditions import ComparedBy, compared_measures, scale_of, unit_key
from core.morphometry.summary import ImageObjects, ImageSummary, Selection, some_evenly, summarise

MOST_OBJECTS: Final = 20_000
"""Of a comparison; of more, so many are taken evenly over the sizes of each image."""

Key = tuple[str, str]
"""Name of a measure, and the condition beside the reference."""

_METHODS: Final = ("bfgs", "lbfgs", "powell", "nm")
"""Of the search, one after the other until one comes to an end."""


@dataclass(frozen=True, slots=True)
class MixedModel:
    """What the model says of the difference between two conditions.

    Parameters
    ----------
    difference, low, high
        In the figure's unit, or, by ratios, as a share of the reference (0.2 is 20 % more); 95 % interval.
    p
        Two-sided.
    freedom
        Degrees of freedom: specimens less conditions, or pairs less one.
    specimens, images, objects
        How many are in it.
    specimen_share, image_share
        Of the variance within conditions, 0 to 1, what specimens and what images of one specimen differ by; the rest
        is among objects of one image.
    by
        On which scale.
    taken
        How many objects were used, where not all.
    """

    difference: float
    low: float
    high: float
    p: float
    freedom: int
    specimens: int
    images: int
    objects: int
    specimen_share: float
    image_share: float
    by: ComparedBy
    taken: int


def mixed_model(
    rows: Sequence[ImageSummary], reference: str, other: str, by: ComparedBy = ComparedBy.DIFFERENCE
) -> MixedModel | None:
    """Fit objects ~ condition, with a random intercept for each specimen and for each image.

    Parameters
    ----------
    rows
        Images with a measure's values.
    reference, other
        Two conditions.
    by
        On which scale; where a value is 0 or less there is no ratio: then as they are.

    Returns
    -------
    MixedModel or None
        None where specimens are not recorded, where fewer than two are in a condition, where specimens do not differ
        from their own mean, or where the search came to no end.
    """
    members = [row for row in rows if row.image.condition in (reference, other) and len(row.values)]
    if not all(row.image.specimen for row in members):
        return None
    data = _Objects.of(members, other)
    freedom = data.freedom
    if freedom < 1 or not data.every_condition_twice:
        return None
    values = data.values
    if by is ComparedBy.RATIO and values.min() > 0:
        values = np.log(values)
    else:
        by = ComparedBy.DIFFERENCE
    spread = float(values.std())
    if not spread > 0:
        return None
    fitted = _fit(data, (values - values.mean()) / spread)
    if fitted is None:
        return None
    middle, error = float(fitted.fe_params[1]) * spread, float(fitted.bse_fe[1]) * spread
    reach = float(stdtrit(freedom, (1 + LEVEL) / 2)) * error
    ends = middle, middle - reach, middle + reach
    shown, low, high = (math.expm1(end) if by is ComparedBy.RATIO else end for end in ends)
    between = float(fitted.cov_re[0, 0]) + sum(float(part) for part in fitted.vcomp[1:])
    among_images = float(fitted.vcomp[0])
    total = between + among_images + float(fitted.scale)
    p, specimens = 2 * float(stdtr(freedom, -abs(middle) / error)), len(np.unique(data.specimen))
    return MixedModel(
        shown, low, high, p, freedom, specimens, len(members), sum(len(row.values) for row in members),
        between / total, among_images / total, by, len(values),
    )  # fmt: skip


def mixed_models(
    images: Sequence[ImageObjects],
    scheme: LabelScheme,
    selection: Selection,
    reference: str,
    by: ComparedBy = ComparedBy.DIFFERENCE,
) -> dict[Key, MixedModel]:
    """The second analysis of every measure and condition that has one; parameters as of `conditions.compare`."""
    found: dict[Key, MixedModel] = {}
    for measure in compared_measures(images, scheme, selection):
        rows = summarise(images, measure, selection)
        for other in conditions(images, reference)[1:]:
            model = mixed_model(rows, reference, other, scale_of(measure.quantity, by))
            if model is not None:
                found[measure.name, other] = model
    return found


@dataclass(frozen=True, eq=False, slots=True)
class _Objects:
    """A row per object: value, number of its image and specimen, 1 in the other condition and 0 in the reference."""

    values: NDArray[np.float64]
    image: NDArray[np.int64]
    specimen: NDArray[np.int64]
    treated: NDArray[np.float64]

    @classmethod
    def of(cls, rows: Sequence[ImageSummary], other: str) -> _Objects:
        share = min(1.0, MOST_OBJECTS / max(sum(len(row.values) for row in rows), 1))
        values = [some_evenly(np.sort(row.values), share) for row in rows]
        keys = {key: number for number, key in enumerate(dict.fromkeys(unit_key(row.image) for row in rows))}
        counts = [len(each) for each in values]

        def of_image(numbers: Sequence[float]) -> NDArray[Any]:
            return np.repeat(np.array(numbers), counts)

        return cls(
            np.concatenate(values) if values else np.zeros(0),
            of_image(range(len(rows))),
            of_image([keys[unit_key(row.image)] for row in rows]),
            of_image([float(row.image.condition == other) for row in rows]),
        )

    @property
    def _cells(self) -> NDArray[np.float64]:
        """Each specimen in each condition, once."""
        return np.unique(np.column_stack([self.specimen, self.treated]), axis=0)

    @property
    def every_condition_twice(self) -> bool:
        """Whether two specimens at least are in each."""
        treated = self._cells[:, 1]
        return min(int((treated == 0).sum()), int((treated == 1).sum())) >= 2

    @property
    def shared(self) -> bool:
        """Whether a specimen is in both conditions."""
        return len(self._cells) > len(np.unique(self.specimen))

    @property
    def freedom(self) -> int:
        """What is left to tell the spread of specimens from."""
        specimens, cells = len(np.unique(self.specimen)), len(self._cells)
        return cells - specimens - 1 if self.shared else specimens - 2


def _fit(data: _Objects, values: NDArray[np.float64]) -> Any:
    """statsmodels' result; None where no search came to an end."""
    from statsmodels.regression.mixed_linear_model import MixedLM, VCSpec  # a second, for those who ask

    groups = np.unique(data.specimen)
    levels = [data.image] if not data.shared else [data.image, data.treated.astype(np.int64)]
    names, columns, parts = [], [], []
    for name, level in zip(("image", "condition"), levels, strict=False):
        of_groups = [np.unique(level[data.specimen == group], return_inverse=True) for group in groups]
        names.append(name)
        columns.append([[str(each) for each in distinct] for distinct, _ in of_groups])
        parts.append([np.eye(len(distinct))[index] for distinct, index in of_groups])
    design = np.column_stack([np.ones(len(values)), data.treated])
    model = MixedLM(
        values, design, groups=data.specimen, exog_re=np.ones((len(values), 1)), exog_vc=VCSpec(names, columns, parts)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of variances that are 0, which is an answer
        for method in _METHODS:
            try:
                found = model.fit(reml=True, method=method)
            except np.linalg.LinAlgError:
                continue
            if found.converged and math.isfinite(found.bse_fe[1]) and found.bse_fe[1] > 0:
                return found
    return None
