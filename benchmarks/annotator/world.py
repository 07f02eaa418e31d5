"""Images with references, split into those to learn from and the frozen test set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.datasets.folder import load_case, open_dataset
from core.imaging.image import Image
from core.label_scheme import LabelScheme
from core.phantom import write_phantom_dataset

PHANTOMS: Final = (11, 3)
"""Phantoms in all, and of the test set: 8 to learn from, fresh seeds."""

PHANTOM_SEED: Final = 9000
"""Far from the seeds of the starter model and the demo project."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """An image and its reference."""

    name: str
    image: Image
    reference_yx: NDArray[np.uint8]
    group: str


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """One dataset of the experiment."""

    name: str
    scheme: LabelScheme
    train: tuple[Sample, ...]
    test: tuple[Sample, ...]


def read_world(name: str, folder: Path) -> World:
    """The images of a dataset folder, which says what is for tests."""
    dataset = open_dataset(folder)
    parts: dict[str, list[Sample]] = {"train": [], "test": []}
    for case in dataset.cases:
        if case.split in parts:
            image, labels = load_case(case)
            parts[case.split].append(Sample(case.name, image, labels, case.group))
    return World(name, dataset.scheme, tuple(parts["train"]), tuple(parts["test"]))


def write_phantoms(folder: Path, size_px: int) -> Path:
    """A dataset folder of phantoms."""
    count, tests = PHANTOMS
    write_phantom_dataset(folder, count, size_px, PHANTOM_SEED, test_count=tests)
    return folder
