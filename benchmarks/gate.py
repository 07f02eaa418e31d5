"""What the gate of a round decides of models whose true difference is known: the curve in docs/metrics.md.

    python -m benchmarks.gate
    python -m benchmarks.gate --seed-sd 0.014 --image-sd 0.03 --classes 6

Two models of one project are compared on a test set. The Dice of a class in an image of the new model is that of the
old one, plus the true change, plus what another seed changes of the class on every image alike (``--seed-sd``), plus
what varies from image to image (``--image-sd``; half of its variance is common to the classes of an image). Reports are
made from these figures and judged by `core.rounds.gate.judge` itself.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.evaluation.image_scores import ImageScores, figures_of
from core.evaluation.overlap import OverlapCounts
from core.evaluation.report import EvaluationReport, build_report
from core.evaluation.settings import EvaluationSettings
from core.label_scheme import LabelScheme
from core.rounds.gate import Outcome, judge

WHOLE = 1_000_000
"""Pixels of a class in an image: Dice to six digits."""

IMAGES = (5, 6, 8, 12, 20)
CHANGES = {
    "no change": (0.0, 0.0),
    "+.02 in all": (0.02, 0.02),
    "+.01 in all": (0.01, 0.01),
    "-.02 in all": (-0.02, -0.02),
    "-.05 in one": (-0.05, 0.0),
}
"""True change of the first class and of the others."""


@dataclass(frozen=True)
class World:
    """How models and images vary; standard deviations of differences of Dice."""

    classes: int = 4
    seed_sd: float = 0.01
    image_sd: float = 0.015


def report(dice: NDArray[np.float64], scheme: LabelScheme) -> EvaluationReport:
    """An evaluation with these figures; shape (images, classes)."""
    images = []
    for number, row in enumerate(dice):
        hits = [round(WHOLE * float(value)) for value in row]
        counts = {
            "overlap": {i: OverlapCounts(tp, WHOLE - tp, WHOLE - tp, 0) for i, tp in zip(scheme.ids, hits, strict=True)}
        }
        matrix = np.zeros((len(scheme.ids) + 1,) * 2, np.int64)
        images.append(ImageScores(f"i{number}", "", None, matrix, 0, counts, figures_of(counts, scheme)))
    return build_report(images, scheme, EvaluationSettings(tolerance_nm=1.0, thin_ids=(), object_ids=()))


def outcomes(change: tuple[float, float], images: int, world: World, repeats: int, seed: int = 0) -> Counter[Outcome]:
    """What the gate says of so many pairs of models."""
    rng = np.random.default_rng(seed)
    scheme = LabelScheme.from_names({f"class {i}": i for i in range(1, world.classes + 1)})
    true = np.array([change[0], *[change[1]] * (world.classes - 1)])
    found: Counter[Outcome] = Counter()
    for _ in range(repeats):
        before = np.clip(rng.normal(0.82, 0.04, (images, world.classes)), 0.5, 0.95)
        common = rng.normal(0, world.image_sd / np.sqrt(2), (images, 1))
        own = rng.normal(0, world.image_sd / np.sqrt(2), before.shape)
        after = before + true + rng.normal(0, world.seed_sd, world.classes) + common + own
        found[judge(report(before, scheme), report(np.clip(after, 0, 1), scheme)).outcome] += 1
    return found


def main() -> None:
    """Print the curve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classes", type=int, default=World.classes)
    parser.add_argument("--seed-sd", type=float, default=World.seed_sd)
    parser.add_argument("--image-sd", type=float, default=World.image_sd)
    parser.add_argument("--repeats", type=int, default=400)
    given = parser.parse_args()
    world = World(given.classes, given.seed_sd, given.image_sd)
    print(f"| passed / failed, % of {given.repeats} | " + " | ".join(f"{n} images" for n in IMAGES) + " |")
    print("|---|" + "---|" * len(IMAGES))
    for name, change in CHANGES.items():
        cells = []
        for images in IMAGES:
            found = outcomes(change, images, world, given.repeats)
            cells.append(" / ".join(f"{100 * found[o] / given.repeats:.0f}" for o in (Outcome.PASSED, Outcome.FAILED)))
        print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
