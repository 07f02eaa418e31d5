"""Small dataset folders for the tests of training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from skimage.io import imsave


def make_dataset(
    root: Path,
    images: dict[str, np.ndarray],
    labels: dict[str, np.ndarray],
    *,
    classes: dict[str, int] | None = None,
    sizes_nm: Any = 8.0,
    groups: dict[str, str] | None = None,
) -> Path:
    for folder, arrays in (("images", images), ("labels", labels)):
        (root / folder).mkdir(parents=True)
        for name, array in arrays.items():
            imsave(root / folder / f"{name}.png", array, check_contrast=False)
    description = {
        "labels": {"background": 0, **(classes or {"axon": 3, "myelin": 7})},
        "train": list(images),
        "test": [],
    }
    if sizes_nm is not None:
        description["pixel_size_nm"] = sizes_nm
    if groups:
        description["groups"] = groups
    (root / "dataset.json").write_text(json.dumps(description))
    return root


def noise(seed: int, shape: tuple[int, int] = (64, 64)) -> np.ndarray:
    return np.random.default_rng(seed).integers(20, 235, shape, dtype=np.uint8)


def stripes(shape: tuple[int, int] = (64, 64)) -> np.ndarray:
    labels = np.zeros(shape, np.uint8)
    labels[:, ::8] = 3
    labels[:, 4::8] = 7
    return labels
