"""How a synthetic micrograph looks: stain, microscope and damage, apart from the tissue in it."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from core.errors import ImageError

RANGES: Final[dict[str, tuple[float, float]]] = {
    "scale": (0.8, 1.25),
    "cytosol_density": (0.24, 0.42),
    "mitochondrion_density": (0.42, 0.68),
    "nucleus_density": (0.2, 0.42),
    "chromatin_density": (0.5, 0.8),
    "membrane_density": (0.62, 0.95),
    "gap_density": (0.05, 0.2),
    "droplet_density": (0.45, 0.9),
    "droplet_core": (0.0, 1.0),
    "cristae": (0.3, 1.0),
    "ribosomes": (0.3, 1.0),
    "glycogen": (0.0, 1.0),
    "granularity": (0.5, 1.5),
    "contrast": (0.7, 1.0),
    "brightness": (0.38, 0.66),
    "gamma": (0.75, 1.35),
    "drift": (0.0, 0.16),
    "blur_nm": (2.0, 9.0),
    "noise": (0.01, 0.075),
    "shot_noise": (0.0, 0.06),
    "scan_lines": (0.0, 0.012),
    "chatter": (0.0, 0.03),
    "scratches": (0.0, 4.0),
    "folds": (0.0, 1.0),
    "precipitate": (0.0, 12.0),
}
"""Lowest and highest value of every number in `Look`; `Look.random` draws inside these bounds."""


@dataclass(frozen=True, slots=True)
class Look:
    """Stain, microscope and damage of one micrograph. The defaults are a clean, well-stained TEM section.

    Densities run from 0 (empty resin, bright in a transmission image) to 1 (black). `RANGES` bounds every number.

    Parameters
    ----------
    inverted
        Dark and light exchanged, as in a backscatter image that nobody inverted.
    scale
        Size of the tissue relative to nominal: 1.1 shows everything 10 % larger.
    cytosol_density, mitochondrion_density, nucleus_density, chromatin_density, membrane_density, gap_density
        Stain of the cytosol, mitochondrial matrix, euchromatin, heterochromatin, membranes, space between cells.
    droplet_density
        Stain of the lipid droplets (their rim where they have a bright core).
    droplet_core
        Share of the droplets with a bright core.
    cristae, ribosomes, glycogen
        How strongly these show, 0 to 1.
    granularity
        Strength of the fine texture of everything.
    contrast
        Share of the 8-bit range in use.
    brightness
        Mean of the image, 0 to 1.
    gamma
        Of the detector; 1 is linear.
    drift
        Peak change of brightness over the image, as a share of the range.
    blur_nm
        Standard deviation of the point spread function.
    noise, shot_noise
        Standard deviation of the noise, as a share of the range: the same everywhere, and growing with the signal.
    scan_lines
        Standard deviation of a shift in brightness from row to row.
    chatter
        Strength of the parallel waves that a vibrating knife leaves.
    scratches, folds, precipitate
        Expected number of knife marks, folds of the section and stain deposits per 16 x 16 µm.
    """

    inverted: bool = False
    scale: float = 1.0
    cytosol_density: float = 0.33
    mitochondrion_density: float = 0.56
    nucleus_density: float = 0.3
    chromatin_density: float = 0.64
    membrane_density: float = 0.85
    gap_density: float = 0.1
    droplet_density: float = 0.7
    droplet_core: float = 0.5
    cristae: float = 0.75
    ribosomes: float = 0.8
    glycogen: float = 0.5
    granularity: float = 1.0
    contrast: float = 0.8
    brightness: float = 0.56
    gamma: float = 1.0
    drift: float = 0.05
    blur_nm: float = 4.0
    noise: float = 0.03
    shot_noise: float = 0.02
    scan_lines: float = 0.002
    chatter: float = 0.005
    scratches: float = 1.0
    folds: float = 0.0
    precipitate: float = 2.0

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and low <= value <= high):
                raise ImageError(f"Look.{name} is {value}.", f"Choose a value from {low} to {high}.")

    @classmethod
    def random(cls, rng: np.random.Generator) -> Look:
        """A look drawn from `RANGES`: most micrographs decent, some poor, one in ten inverted.

        Parameters
        ----------
        rng
            Source of randomness; the same state gives the same look.
        """
        values: dict[str, float] = {}
        for item in fields(cls):
            if item.name not in RANGES:
                continue
            low, high = RANGES[item.name]
            # damage and noise are mostly mild, so their share of the range is squared
            share = rng.random() ** (2 if item.name in _MOSTLY_MILD else 1)
            values[item.name] = low + (high - low) * share
        return cls(inverted=bool(rng.random() < 0.1), **values)


_MOSTLY_MILD: Final = frozenset(
    {"drift", "noise", "shot_noise", "scan_lines", "chatter", "scratches", "folds", "precipitate", "blur_nm"}
)
