"""How soon the places of each way to begin show every class, without any training.

    python -m benchmarks.annotator.places --vnc ../shared/data/vnc

A class counts as met where a place shows at least `MET_PX` pixels of it; classes that fill less than `RARE` of an
image are left out. Places at random are drawn ten times.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.annotator.strategies import Plan, Region, begun, in_order
from benchmarks.annotator.world import World, read_world, write_phantoms

MET_PX: Final = 400
"""Pixels of a class in a place, 20 by 20."""

RARE: Final = 0.002
"""Share of an image."""

AFTER: Final = (1, 2, 3, 5)
"""Places of an image."""

DRAWS: Final = 10

TITLES: Final = {Plan.SUGGESTED: "varied", Plan.RANDOM: "random", Plan.IN_ORDER: "in order"}


def places(plan: Plan, pixels_yx: NDArray[np.generic], seed: int) -> list[Region]:
    """The places of one image."""
    if plan is Plan.IN_ORDER:
        return list(in_order([(pixels_yx.shape[0], pixels_yx.shape[1])], 0))
    return list(begun(plan, [pixels_yx], 0, seed))


def met(reference_yx: NDArray[np.uint8], regions: list[Region]) -> list[float]:
    """Share of an image's classes that its first places show, for each of `AFTER`."""
    counts = np.bincount(reference_yx.ravel(), minlength=256)
    shown = {i for i in range(1, 255) if counts[i] > RARE * reference_yx.size}
    found: list[float] = []
    for number in AFTER:
        pixels = [np.bincount(reference_yx[region.box].ravel(), minlength=256) for region in regions[:number]]
        found.append(sum(any(each[i] >= MET_PX for each in pixels) for i in shown) / max(len(shown), 1))
    return found


def table(world: World) -> str:
    """A row per way to choose places: the mean over all images, training and test."""
    samples = (*world.train, *world.test)
    lines = [
        f"| {world.name}, {len(samples)} images | {' | '.join(f'after {number}' for number in AFTER)} |",
        f"|---{'|---' * len(AFTER)}|",
    ]
    for plan, title in TITLES.items():
        draws = range(DRAWS if plan is Plan.RANDOM else 1)
        shares = [
            met(sample.reference_yx, places(plan, sample.image.pixels_yx, seed)) for sample in samples for seed in draws
        ]
        lines.append(f"| {title} | {' | '.join(f'{100 * share:.0f} %' for share in np.mean(shares, axis=0))} |")
    return "\n".join(lines)


def main() -> None:
    """Print a table for each dataset."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vnc", type=Path, help="dataset folder; without it, phantoms only")
    parser.add_argument("--phantom-px", type=int, default=1024)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cristae-places-") as scratch:
        worlds = [read_world("phantoms", write_phantoms(Path(scratch) / "phantoms", options.phantom_px))]
    if options.vnc:
        worlds.append(read_world("vnc", options.vnc))
    print("\n\n".join(map(table, worlds)))


if __name__ == "__main__":
    main()
