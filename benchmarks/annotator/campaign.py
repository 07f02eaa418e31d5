"""Rounds of annotating, training and scoring, for one plan and one seed.

What was confirmed is learned from and everything else is *ignore*, as `core.learning.training_labels` merges approved
corrections; training and prediction are the product's.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.annotator.person import KEY_S, OPEN_S, TRAVEL_S, by_hand_s, correct
from benchmarks.annotator.strategies import Plan, Region, begun, in_order, offered
from benchmarks.annotator.world import Sample, World
from core.datasets.case import Split
from core.datasets.writing import NewCase, write_dataset
from core.evaluation.overlap import confusion, counts_from_confusion
from core.label_scheme import IGNORE_ID
from core.models.store import open_model
from core.segmentation.array_sink import ArraySink
from core.segmentation.predictor import Predictor
from core.training.presets import Preset
from core.training.request import TrainRequest
from core.training.train import train

EPOCHS: Final = 5
"""Of each training."""

DONE: Final = 0.5
"""Share of a region that is confirmed already, from which the person goes on at once."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Numbers of the experiment.

    Parameters
    ----------
    iterations
        Of a round's training.
    round_s
        Simulated seconds of annotating in a round.
    threads
        CPU threads of a training; 0: all.
    held_out
        Share of what was annotated that is validated with and not learned from.
    """

    iterations: int
    round_s: float
    threads: int = 0
    held_out: float = 0.0


@dataclass(slots=True, eq=False)
class Desk:
    """What the person has confirmed so far (255 elsewhere), the time spent, and the newest model's predictions."""

    labels: list[NDArray[np.uint8]]
    spent_s: float = 0.0
    regions: int = 0
    anew: int = 0
    image: int | None = None
    wrong_px: int = 0
    predictions: list[tuple[NDArray[np.uint8], NDArray[np.uint8]]] = field(default_factory=list)

    @classmethod
    def empty(cls, world: World) -> Desk:
        """Nothing done."""
        return cls([np.full_like(sample.reference_yx, IGNORE_ID) for sample in world.train])

    @property
    def confirmed_px(self) -> int:
        """Pixels that are learned from."""
        return sum(int((labels != IGNORE_ID).sum()) for labels in self.labels)


def annotate(desk: Desk, world: World, regions: Iterator[Region], until_s: float) -> None:
    """Work through regions until the time is over; the last one is finished."""
    while desk.spent_s < until_s:
        region = next(regions, None)
        if region is None:
            return
        if region.image != desk.image:
            desk.image = region.image
            desk.spent_s += OPEN_S
        desk.spent_s += TRAVEL_S
        labels = desk.labels[region.image][region.box]
        known = labels != IGNORE_ID
        if known.mean() > DONE:
            desk.spent_s += KEY_S
            continue
        predicted = desk.predictions[region.image][0][region.box] if desk.predictions else np.zeros_like(labels)
        reference = world.train[region.image].reference_yx[region.box]
        mended = correct(np.where(known, labels, predicted), reference)
        desk.spent_s += mended.seconds
        desk.regions += 1
        desk.anew += mended.anew
        desk.wrong_px += int((mended.labels_yx != reference).sum())
        labels[...] = mended.labels_yx


def learn(
    world: World, labels: list[NDArray[np.uint8]], folder: Path, settings: Settings, *, parent: Path | None, seed: int
) -> Path:
    """Train on what was confirmed; the new model's folder."""
    dataset = folder.with_name(f"{folder.name}-data")
    shutil.rmtree(dataset, ignore_errors=True)
    chosen = [(sample, known) for sample, known in zip(world.train, labels, strict=True) if (known != IGNORE_ID).any()]
    cases = (NewCase(one.name, one.image, known, Split.TRAIN, one.group) for one, known in chosen)
    write_dataset(dataset, cases, world.scheme)
    request = TrainRequest(
        dataset=dataset, preset=Preset.COMPACT, out=folder, epochs=EPOCHS, patience=0, parent=parent, seed=seed,
        iterations_per_epoch=max(settings.iterations // EPOCHS, 1), threads=settings.threads,
        validation_fraction=settings.held_out,
    )  # fmt: skip
    return train(request).path


def predict(model: Path, samples: tuple[Sample, ...]) -> list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Labels and confidence of images."""
    predictor = Predictor(open_model(model), precision="exact", threads=1)
    sinks = []
    for sample in samples:
        sinks.append(ArraySink(sample.image.shape))
        predictor.predict(sample.image, sinks[-1])
    return [(sink.labels_yx, sink.confidence_yx) for sink in sinks]


def score(model: Path, world: World) -> dict[str, float | None]:
    """Dice of each class, from pixels counted over the whole test set; None for a class that it does not show."""
    size = max(world.scheme.ids) + 1
    total = np.zeros((size, size), np.int64)
    for sample, (labels, _) in zip(world.test, predict(model, world.test), strict=True):
        total += confusion(sample.reference_yx, labels, tuple(range(size)))
    counts = counts_from_confusion(total)
    shown = {item.name: counts[item.id] for item in world.scheme.classes}
    return {name: float(each.dice) if each.tp + each.fn else None for name, each in shown.items()}


def full_s(world: World) -> float:
    """Seconds to annotate all training images by hand."""
    return sum(by_hand_s(sample.reference_yx) for sample in world.train)


def regions_of(plan: Plan, desk: Desk, world: World, seed: int, number: int) -> Iterator[Region]:
    """The regions of a round; the seed chooses the image to begin with."""
    count = len(world.train)
    if plan is Plan.IN_ORDER:
        regions = in_order([sample.image.shape for sample in world.train], seed * 5 % count)
        return (region for region in regions if not _confirmed(desk, region))
    first = (seed * 5 + number - 1) % count
    if not desk.predictions:
        return begun(plan, [sample.image.pixels_yx for sample in world.train], first, seed)
    return offered(plan, desk.predictions, first, seed * 100 + number)


def _confirmed(desk: Desk, region: Region) -> bool:
    return bool((desk.labels[region.image][region.box] != IGNORE_ID).all())


def record(
    world: World, plan: str, seed: int, number: int, desk: Desk, dice: dict[str, float | None]
) -> dict[str, Any]:
    """One line of the result."""
    return {
        "world": world.name, "plan": plan, "seed": seed, "round": number, "minutes": desk.spent_s / 60,
        "regions": desk.regions, "anew": desk.anew, "confirmed_px": desk.confirmed_px,
        "wrong_share": desk.wrong_px / max(desk.confirmed_px, 1), "dice": dice,
    }  # fmt: skip
