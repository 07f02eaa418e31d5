"""What a paper's table of specimens holds: a row for each specimen, and a row for each condition over its specimens."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.evaluation.intervals import Scale, UnitKind, Units, mean_with_interval
from core.morphometry.condition_names import ordered
from core.morphometry.conditions import kind_of_units, unit_densities, unit_key, unit_means, unit_shares
from core.morphometry.measures import Measure
from core.morphometry.summary import ImageSummary


def specimens_frame(rows: Sequence[ImageSummary], measure: Measure, *, physical: bool) -> pd.DataFrame:
    """A row for each specimen (else stack, else image) of each condition: what tests and means count as one.

    Parameters
    ----------
    rows
        As `core.morphometry.summary.summarise` gives them, for this measure.
    measure
        Whose figures they are.
    physical
        Units.

    Returns
    -------
    pandas.DataFrame
        ``condition``; ``specimen`` and ``counts_as`` (specimen, stack or image); ``images`` and ``objects``, all
        there are; ``measured``, the objects behind the mean; ``NAME_mean`` of them, ``NAME_sd`` of the images'
        means (empty with one image); ``objects_per_100_um2`` and ``area_percent``, of all its images.
    """
    name = measure.column(physical=physical)
    told = []
    for condition, members in _by_condition(rows).items():
        density = {unit.key: unit.mean for unit in unit_densities(members)}
        share = {unit.key: unit.mean for unit in unit_shares(members)}
        for unit in unit_means(members):
            own = [row for row in members if unit_key(row.image) == unit.key]
            means = np.array([row.mean for row in own if row.mean == row.mean])
            told.append(
                {
                    "condition": condition,
                    "specimen": unit.name,
                    "counts_as": kind_of_units(row.image for row in own),
                    "images": len(own),
                    "objects": sum(row.objects for row in own),
                    "measured": unit.objects,
                    f"{name}_mean": unit.mean,
                    f"{name}_sd": _deviation(means),
                    "objects_per_100_um2": density[unit.key],
                    "area_percent": share[unit.key],
                }
            )
    return pd.DataFrame(told)


def conditions_frame(rows: Sequence[ImageSummary], measure: Measure, *, physical: bool) -> pd.DataFrame:
    """A row for each condition: n of specimens, images and objects, and mean, SD, SEM and interval over specimens.

    Parameters
    ----------
    rows, measure, physical
        As of `specimens_frame`.

    Returns
    -------
    pandas.DataFrame
        ``condition`` ("" where none is recorded); ``units`` and ``counts_as``; ``images``, ``objects``, ``measured``;
        ``NAME_mean``, ``NAME_sd`` and ``NAME_sem`` of the specimens' means, ``NAME_low`` and ``NAME_high`` of the
        95 % interval (three specimens at least; on the log scale).
    """
    name = measure.column(physical=physical)
    told = []
    for condition, members in _by_condition(rows).items():
        units = [unit for unit in unit_means(members) if unit.mean == unit.mean]
        means = np.array([unit.mean for unit in units])
        low, high = _interval(means)
        deviation = _deviation(means)
        told.append(
            {
                "condition": condition,
                "units": len(units),
                "counts_as": kind_of_units(row.image for row in members),
                "images": sum(len(unit.image_ids) for unit in units),
                "objects": sum(row.objects for row in members),
                "measured": sum(unit.objects for unit in units),
                f"{name}_mean": float(means.mean()) if len(means) else math.nan,
                f"{name}_sd": deviation,
                f"{name}_sem": deviation / math.sqrt(len(means)) if len(means) else math.nan,
                f"{name}_low": low,
                f"{name}_high": high,
            }
        )
    return pd.DataFrame(told)


def _by_condition(rows: Sequence[ImageSummary]) -> dict[str, list[ImageSummary]]:
    """The likely reference first, images without a condition last."""
    names = [*ordered(row.image.condition for row in rows), ""]
    members = {name: [row for row in rows if row.image.condition == name] for name in names}
    return {name: of for name, of in members.items() if of}


def _deviation(values: NDArray[np.float64]) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else math.nan


def _interval(means: NDArray[np.float64]) -> tuple[float, float]:
    """Of the mean of specimens, on the log scale, as `core.morphometry.summary.overall` has it."""
    each = Units(UnitKind.SPECIMENS, np.arange(len(means)), len(means))
    found = mean_with_interval(means[:, None], each, Scale.POSITIVE)
    return float(found.low[0]), float(found.high[0])
