"""How an evaluation measures: everything that changes a number and is not in the images."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from core.errors import SettingsError
from core.label_scheme import LabelScheme

DEFAULT_TOLERANCE_PX: Final = 2.0
"""NSD's tolerance where none is given, in pixels of the typical image: two annotators rarely agree more closely."""

MEASURING: Final = ("tolerance_nm", "thin_ids", "object_ids", "min_object_px", "calibration_bins")
"""Fields of `EvaluationSettings` that two evaluations must share to be compared: they change scores."""

_EARLIER: Final = ("interval", "resamples", "resampling", "seed")
"""Settings that only evaluations by earlier versions have."""

_THIN_WORDS: Final = (
    "er", "endoplasmic", "reticulum", "boundary", "boundaries", "membrane", "membranes", "filament", "filaments",
    "microtubule", "microtubules", "actin", "tubule", "tubules", "network",
)  # fmt: skip
"""Words in a class's name that say that it is a sheet, a tube or a net: shape counts there, objects do not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choosable:
    """A number that people choose for an evaluation: the page, the command line and the report take it from here.

    Parameters
    ----------
    name
        The field of `EvaluationSettings`; its default is what is usual.
    title
        As shown to people, with its unit.
    help
        What it does, in a sentence.
    lowest
        The smallest value that makes sense.
    whole
        Whether it counts something.
    usual
        What is taken where the default is None, in words.
    sentence
        For the methods of a report where the value is not the usual one, with "{value}" in it; "" where they say it
        anyway.
    """

    name: str
    title: str
    help: str
    lowest: float
    whole: bool = False
    usual: str = ""
    sentence: str = ""


CHOOSABLE: Final = (
    Choosable(
        name="tolerance_nm",
        title="Tolerance of surface Dice, nm",
        help="Surfaces closer than this count as correct. Use the distance within which two annotators agree.",
        lowest=0,
        usual=f"{DEFAULT_TOLERANCE_PX:g} pixels of the typical image",
    ),
    Choosable(
        name="min_object_px",
        title="Smallest object, pixels",
        help="Smaller objects are excluded, in the reference and in the prediction.",
        lowest=1,
        whole=True,
    ),
)
"""In the order of the page."""


def parsed_settings(texts: Iterable[str]) -> dict[str, float]:
    """Fields of `EvaluationSettings` from "name=value".

    Raises
    ------
    SettingsError
        There is no such setting, or the value is no number of its kind.

    >>> parsed_settings(["min_object_px=20", "tolerance_nm=12.5"])
    {'min_object_px': 20, 'tolerance_nm': 12.5}
    """
    rows = {row.name: row for row in CHOOSABLE}
    values: dict[str, float] = {}
    for text in texts:
        name, _, value = (part.strip() for part in text.partition("="))
        if name not in rows:
            raise SettingsError(
                f"{text!r} names no setting of an evaluation.", f"Use one of: {', '.join(f'{n}=VALUE' for n in rows)}."
            )
        kind = int if rows[name].whole else float
        try:
            values[name] = kind(value)
        except ValueError as error:
            number = "a whole number" if rows[name].whole else "a number"
            raise SettingsError(f"{name} is {value!r}, not {number}.", f"Give {number}: {name}=20.") from error
    return values


class UnitChoice(StrEnum):
    """What intervals are over."""

    AUTO = "auto"
    """Specimens, else stacks, where there are two or more; else images."""

    GROUPS = "specimens"
    """Specimens, else stacks, also where there is only one."""

    IMAGES = "images"


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """Settings of an evaluation.

    Parameters
    ----------
    tolerance_nm
        Of NSD. None: two pixels of the median pixel size of the images, resolved once for all of them.
    thin_ids
        Classes that are sheets, tubes or nets: clDice instead of objects. None: those whose name says so.
    object_ids
        Classes that have objects. None: all that are not thin.
    min_object_px
        Smaller pieces are no objects, in the reference and in the prediction.
    calibration_bins
        Bins of confidence, equally wide.
    intervals_over, confidence_level
        What intervals are over, and how many of a hundred hold the true mean, as a share.

    Raises
    ------
    SettingsError
        A value makes no sense.
    """

    tolerance_nm: float | None = None
    thin_ids: tuple[int, ...] | None = None
    object_ids: tuple[int, ...] | None = None
    min_object_px: int = 1
    calibration_bins: int = 15
    intervals_over: UnitChoice = UnitChoice.AUTO
    confidence_level: float = 0.95

    def __post_init__(self) -> None:
        lowest = {row.name: row.lowest for row in CHOOSABLE} | {"calibration_bins": 1}
        for name, low in lowest.items():
            value = getattr(self, name)
            if value is not None and not value >= low:
                raise SettingsError(f"{name} of the evaluation is {value}.", f"Use {low:g} or more.")
        if not 0 < self.confidence_level < 1:
            raise SettingsError(
                f"confidence_level of the evaluation is {self.confidence_level}.", "Use a share such as 0.95."
            )

    def thin(self, scheme: LabelScheme) -> tuple[int, ...]:
        """Ids of the thin classes."""
        if self.thin_ids is not None:
            return tuple(i for i in scheme.ids if i in self.thin_ids)
        return tuple(c.id for c in scheme.classes if _says_thin(c.name))

    def objects(self, scheme: LabelScheme) -> tuple[int, ...]:
        """Ids of the classes that have objects."""
        if self.object_ids is not None:
            return tuple(i for i in scheme.ids if i in self.object_ids)
        thin = self.thin(scheme)
        return tuple(i for i in scheme.ids if i not in thin)

    def resolved(self, scheme: LabelScheme, pixel_sizes_nm: list[float]) -> EvaluationSettings:
        """The same with nothing left to guess, except the tolerance where no pixel size is known.

        Parameters
        ----------
        scheme
            The classes.
        pixel_sizes_nm
            Of the images, as far as known.
        """
        tolerance = self.tolerance_nm
        if tolerance is None and pixel_sizes_nm:
            tolerance = DEFAULT_TOLERANCE_PX * sorted(pixel_sizes_nm)[len(pixel_sizes_nm) // 2]
        return dataclasses.replace(
            self, tolerance_nm=tolerance, thin_ids=self.thin(scheme), object_ids=self.objects(scheme)
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        values = dataclasses.asdict(self)
        for name in ("thin_ids", "object_ids"):
            values[name] = None if values[name] is None else list(values[name])
        return values | {"intervals_over": str(self.intervals_over)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> EvaluationSettings:
        """The inverse of `to_json`; what earlier versions kept of their bootstrap is left out."""
        over = UnitChoice(values.get("intervals_over", values.get("resampling", UnitChoice.AUTO)))
        values = {name: value for name, value in values.items() if name not in _EARLIER}
        ids = {name: values[name] and tuple(values[name]) for name in ("thin_ids", "object_ids")}
        ids = {name: () if values[name] == [] else found for name, found in ids.items()}
        return cls(**{**values, **ids, "intervals_over": over})


def _says_thin(name: str) -> bool:
    """Whether a class's name holds a word for thin things."""
    return any(word in _THIN_WORDS for word in re.split(r"[\W_]+", name.casefold()))
