"""The verdict on an image: like what the model learned from, somewhat different, or probably never seen; and why."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from core.familiarity.features import IMAGE_FEATURES, OUTPUT_FEATURES
from core.familiarity.looks import KnownLooks
from core.wording import significant

NOTABLE: Final = 2.0
"""Standard deviations from which on a single feature is named as a reason."""

MOST_REASONS: Final = 4


class Level(StrEnum):
    """How like an image is to what a model learned from."""

    UNKNOWN = "not known"
    LIKE = "like the training images"
    DIFFERENT = "somewhat different"
    UNSEEN = "probably never seen"


TITLES: Final = {
    Level.UNKNOWN: "Nobody knows whether this model suits this image.",
    Level.LIKE: "This image is like the images that the model learned from.",
    Level.DIFFERENT: "This image differs somewhat from what the model learned from.",
    Level.UNSEEN: "This model has probably never seen tissue like this.",
}
"""The verdict in one sentence."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an image is like what a model learned from.

    Parameters
    ----------
    level
        In three steps; *not known* where the model has no statistics or the image is too small.
    score, threshold
        Distance of the image, and from where on it is probably never seen; None where not known.
    reasons
        What speaks for it, one clause each, the strongest first.
    own_flagged, altered_missed
        Error rates (0 to 1) on the model's own and on altered images; None where not measured.
    own_images, altered_images
        On how many they were measured.
    """

    level: Level = Level.UNKNOWN
    score: float | None = None
    threshold: float | None = None
    reasons: tuple[str, ...] = ()
    own_flagged: float | None = None
    altered_missed: float | None = None
    own_images: int = 0
    altered_images: int = 0

    @property
    def distrusted(self) -> bool:
        """Whether figures of the prediction must not be relied upon."""
        return self.level is Level.UNSEEN

    @property
    def sentence(self) -> str:
        """For people and files: the verdict with its reasons."""
        reasons = f" {'; '.join(self.reasons)[:1].upper()}{'; '.join(self.reasons)[1:]}." if self.reasons else ""
        return TITLES[self.level] + reasons

    @property
    def error_sentence(self) -> str:
        """How often such a verdict is wrong; "" where it was not measured."""
        if self.own_flagged is None:
            return ""
        text = (
            f"A statistic, not a certainty: {_percent(self.own_flagged)} of {self.own_images} images (or parts) of the "
            "model's own kind would be flagged"
        )
        if self.altered_missed is not None:
            text += f", {_percent(self.altered_missed)} of {self.altered_images} altered images would be missed"
        return text + "."

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "level": self.level.value, "reasons": list(self.reasons)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any] | None) -> Self:
        """The inverse; *not known* for nothing, and for what a newer version wrote."""
        try:
            known = dict(values or {})
            return cls(**{**known, "level": Level(known["level"]), "reasons": tuple(known.get("reasons", ()))})
        except (KeyError, TypeError, ValueError):
            return cls()


def judged(looks: KnownLooks, features: NDArray[np.float64], class_names: Sequence[str]) -> Verdict:
    """The verdict on an image.

    Parameters
    ----------
    looks
        Statistics of the model.
    features
        Of the image's windows, float64 (window, feature); no rows where the image is too small.
    class_names
        Of the model's outputs after background, in their order.
    """
    if not looks.known or not len(features) or features.shape[1] != len(looks.mean):
        return Verdict()
    score = looks.score(features)
    level = Level.UNSEEN if score >= looks.unseen else Level.DIFFERENT if score >= looks.different else Level.LIKE
    reasons = () if level is Level.LIKE else _reasons(looks, features.mean(axis=0), class_names)
    return Verdict(
        level,
        round(score, 3),
        looks.unseen,
        reasons,
        None if math.isnan(looks.own_flagged) else round(looks.own_flagged, 3),
        None if math.isnan(looks.altered_missed) else round(looks.altered_missed, 3),
        len(looks.own_scores),
        len(looks.altered_scores),
    )


def _reasons(looks: KnownLooks, at: NDArray[np.float64], class_names: Sequence[str]) -> tuple[str, ...]:
    """What is unusual, the strongest first."""
    usual = dict(zip(_names(class_names), looks.mean, strict=True))
    here = dict(zip(usual, at.tolist(), strict=True))
    off = dict(zip(usual, ((at - np.array(looks.mean)) / looks.spread()).tolist(), strict=True))
    found = [*_grey_reasons(off), *_detail_reasons(off), *_network_reasons(off, here, usual)]
    found += [
        (abs(off[name]), f"{name} covers {_percent(here[name] ** 2)} of it, {_percent(usual[name] ** 2)} is usual")
        for name in class_names
    ]
    strong = sorted((pair for pair in found if pair[0] >= NOTABLE), reverse=True)
    if not strong:
        return ("no single property stands out, but their combination is unusual",)
    return tuple(text for _, text in strong[:MOST_REASONS])


def _names(class_names: Sequence[str]) -> list[str]:
    return [*IMAGE_FEATURES, *OUTPUT_FEATURES, "background ", *class_names]


def _grey_reasons(off: Mapping[str, float]) -> list[tuple[float, str]]:
    contrast, skewness = off["contrast"], max(off["skewness"], off["fine skewness"], key=abs)
    shape = max(off["tails"], off["fine tails"], key=abs)
    side = "lighter" if skewness > 0 else "darker"
    return [
        (abs(contrast), f"its local contrast is {'higher' if contrast > 0 else 'lower'} than usual"),
        (abs(skewness), f"its grey values are distributed differently (more pixels stand out {side} than usual)"),
        (abs(shape) / 1.5, "its grey values spread differently around their mean than usual"),
    ]


def _detail_reasons(off: Mapping[str, float]) -> list[tuple[float, str]]:
    fine = (off["band 4-8 px"] + off["band 2-4 px"]) / 2
    coarse = (off["band 32-64 px"] + off["band 16-32 px"]) / 2
    tilt = fine - coarse
    if tilt > 0:
        return [(abs(tilt), "its detail is finer than in the training images, or it is noisier")]
    return [(abs(tilt), "its detail is coarser than in the training images, or it is blurred")]


def _network_reasons(
    off: Mapping[str, float], here: Mapping[str, float], usual: Mapping[str, float]
) -> list[tuple[float, str]]:
    unsure = max(off["unsure"], 0.0)
    edges = off["edges"]
    times = (max(here["edges"], 0.01) / max(usual["edges"], 0.01)) ** 2
    many = f"its masks are {'more broken up' if edges > 0 else 'less structured'} than usual"
    size = significant(max(times, 1 / times), 2)
    return [
        (
            unsure,
            f"the network is unsure on {_percent(here['unsure'])} of the image, {_percent(usual['unsure'])} is usual",
        ),
        (abs(edges), f"{many} ({size} times {'as many' if edges > 0 else 'fewer'} boundaries)"),
    ]


def _percent(share: float) -> str:
    return f"{max(share, 0):.0%}".replace("%", " %")
