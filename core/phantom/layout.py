"""Where everything lies: cells, nuclei, mitochondria, droplets, ER and small bodies, in nanometres."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.phantom.cells import LABEL_PAD_NM, Cells, lay_cells
from core.phantom.contact import pressed_against
from core.phantom.fields import Float, Frame, noise
from core.phantom.reticulum import Reticulum, lay_reticulum
from core.phantom.room import Room
from core.phantom.shapes import Blob, disc, sausage

SHARES: Final = {"mitochondria": 0.113, "nucleus": 0.053, "ER": 0.028, "lipid droplets": 0.02, "cell boundaries": 0.062}
"""Share of the area of each class in the annotated liver micrograph that the project started from."""

_CYTOPLASM_SHARE: Final = 1 - SHARES["nucleus"] - SHARES["cell boundaries"]

_STEPS: Final = (0.618034, 0.414214, 0.732051, 0.645751, 0.605551)
"""Fractions of square roots: multiples of each, modulo 1, fill the unit interval evenly."""

MITOCHONDRIA_GAP_NM: Final = 55.0
"""Least distance of mitochondria that do not touch."""

LONGEST_CHAIN: Final = 4
"""Mitochondria that are pressed against each other in a row."""

_NOMINAL_NM2: Final = 16_384.0**2
"""Area of 2048 x 2048 px at 8 nm."""


class Part(IntEnum):
    """Independent streams of randomness: a change in one part leaves the others as they were."""

    LOOK = 1
    CELLS = 2
    NUCLEI = 3
    MITOCHONDRIA = 4
    DROPLETS = 5
    BODIES = 6
    RETICULUM = 7
    TEXTURE = 8
    DETAIL = 9
    DAMAGE = 10
    DETECTOR = 11
    CONTACT = 12


def stream(seed: int, part: Part, *more: int) -> np.random.Generator:
    """The generator of one part of one phantom."""
    return np.random.default_rng([seed, int(part), *more])


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """A small round thing that is none of the classes: "lysosome", "peroxisome" or "vesicle"."""

    kind: str
    blob: Blob


@dataclass(frozen=True, slots=True, eq=False)
class Tissue:
    """A piece of liver, laid out but not yet imaged.

    Parameters
    ----------
    partners
        For each mitochondrion the numbers of those that it is pressed against; empty for most.
    """

    cells: Cells
    nuclei: tuple[Blob, ...]
    mitochondria: tuple[Blob, ...]
    droplets: tuple[Blob, ...]
    bodies: tuple[Body, ...]
    reticulum: Reticulum
    partners: tuple[tuple[int, ...], ...]


def lay_tissue(seed: int, frame: Frame, scale: float, touching: float = 0.0) -> Tissue:
    """Lay out the tissue of one phantom. Depends on the seed and the frame's extent, not on its pixel size.

    Parameters
    ----------
    frame
        In tissue nanometres.
    scale
        Image nanometres per tissue nanometre.
    touching
        Chance, 0 to 1, that a mitochondrion has another one pressed against it; those may have one, too.
    """
    nuclei = _nuclei(seed, frame, scale)
    centers = np.array([n.spine_yx[0] for n in nuclei]).reshape(-1, 2)
    cells = lay_cells(
        stream(seed, Part.CELLS), frame, centers, 1.04 * SHARES["cell boundaries"] * _spread(seed, 1, 0.25)
    )
    room = Room(frame, cells.gap(*frame.grid_axes()) - LABEL_PAD_NM)
    for nucleus in nuclei:
        room.take(nucleus)
    cytoplasm = room.free_share() / _CYTOPLASM_SHARE
    droplets = _droplets(seed, room, SHARES["lipid droplets"] * cytoplasm * _spread(seed, 2, 0.5))
    mitochondria, partners = _mitochondria(
        seed, room, SHARES["mitochondria"] * cytoplasm * _spread(seed, 3, 0.2), touching
    )
    bodies = _bodies(seed, room)
    reticulum = lay_reticulum(
        stream(seed, Part.RETICULUM), frame, room.clearance, [*mitochondria, *nuclei],
        SHARES["ER"] * cytoplasm * _spread(seed, 4, 0.3),
    )  # fmt: skip
    return Tissue(cells, nuclei, mitochondria, droplets, bodies, reticulum, partners)


def _low_discrepancy(seed: int, which: int) -> float:
    """A number in [0, 1) that runs evenly over the range as the seed counts up."""
    start = np.random.default_rng([which, 77]).random()
    return float((start + (seed % (1 << 32)) * _STEPS[which]) % 1.0)


def _spread(seed: int, which: int, width: float) -> float:
    """A factor around 1 whose mean over a run of seeds is close to 1."""
    return 1 + width * (2 * _low_discrepancy(seed, which) - 1)


def _nuclei(seed: int, frame: Frame, scale: float) -> tuple[Blob, ...]:
    """Nuclei whose visible share of the frame follows a plan, so that a run of seeds reaches the mean."""
    rng = stream(seed, Part.NUCLEI)
    height, width = frame.extent_nm
    area = height * width
    # by the nominal area: a seed's own scale must not decide whether it shows a nucleus
    usual = min(0.6, max(0.058, 0.078 * _NOMINAL_NM2 / (area * scale**2)))
    chance = SHARES["nucleus"] / usual
    u = _low_discrepancy(seed, 0)
    if u >= chance:
        return ()
    # a tent: no jump anywhere, so few seeds are enough for the mean
    wanted = usual * 2 * (1 - abs(2 * u / chance - 1)) * area
    nuclei: list[Blob] = []
    for _ in range(max(4, round(area / 30e6))):
        if wanted < 0.2 * usual * area and nuclei:
            break
        best, gain = _best_nucleus(rng, frame, nuclei, wanted)
        if best is None:
            break
        nuclei.append(best)
        wanted -= gain
    return tuple(nuclei)


def _best_nucleus(
    rng: np.random.Generator, frame: Frame, others: list[Blob], wanted: float
) -> tuple[Blob | None, float]:
    """Of many random nuclei the one whose area inside the frame comes nearest to ``wanted`` (nm²)."""
    height, width = frame.extent_nm
    y, x = np.arange(64, height, max(128.0, height / 64)), np.arange(64, width, max(128.0, width / 64))
    cell = (height / len(y)) * (width / len(x))
    best: Blob | None = None
    gain = 0.0
    for _ in range(40):
        center = rng.uniform([-3500, -3500], [height + 3500, width + 3500])
        blob = disc(rng, center, rng.uniform(2900, 3900), 0.05)
        if any(np.hypot(*(center - o.spine_yx[0])) < 12_000 for o in others):
            continue
        seen = float((blob.coordinates(y, x).distance < 0).sum()) * cell
        if seen > 0 and (best is None or abs(seen - wanted) < abs(gain - wanted)):
            best, gain = blob, seen
    return best, gain


def _droplets(seed: int, room: Room, target: float) -> tuple[Blob, ...]:
    """Lipid droplets, some alone, some in groups."""
    rng = stream(seed, Part.DROPLETS)
    weight = np.exp(1.4 * noise(rng, room.frame, 1800.0).at(room.y, room.x))

    def draw(at: NDArray[np.float64], wanted: float) -> Blob:
        usual = np.clip(400 * np.exp(0.4 * rng.standard_normal()), 150, 950)
        return disc(rng, at, float(np.clip((wanted / np.pi) ** 0.5, 130, usual)), 0.05)

    return _grow(rng, room, target, weight, 30.0, draw)


def _mitochondria(
    seed: int, room: Room, target: float, touching: float
) -> tuple[tuple[Blob, ...], tuple[tuple[int, ...], ...]]:
    """Mitochondria, round to elongated and bent, crowded in some places; and which are pressed against which."""
    rng = stream(seed, Part.MITOCHONDRIA)
    weight = np.exp(0.8 * noise(rng, room.frame, 1600.0).at(room.y, room.x))
    usual_nm, usual_length = rng.uniform(270, 400), rng.uniform(0.5, 2.2)

    def draw(at: NDArray[np.float64], wanted: float) -> Blob:
        radius = float(np.clip(usual_nm * np.exp(0.2 * rng.standard_normal()), 170, 620))
        length = radius * usual_length * float(rng.gamma(1.6, 0.6))
        if length < 0.4 * radius:
            return disc(rng, at, radius * 1.1, 0.14)
        return sausage(rng, at, radius, min(length, 4200.0), rng.normal(0, 0.7))

    if not touching:
        alone = _grow(rng, room, target, weight, MITOCHONDRIA_GAP_NM, draw)
        return alone, ((),) * len(alone)
    return _crowd(stream(seed, Part.CONTACT), rng, room, target, weight, touching, draw)


def _crowd(
    contact: np.random.Generator,
    rng: np.random.Generator,
    room: Room,
    target: float,
    weight: Float,
    touching: float,
    draw: Callable[[NDArray[np.float64], float], Blob],
) -> tuple[tuple[Blob, ...], tuple[tuple[int, ...], ...]]:
    """As `_grow`, with chains of shapes that are pressed against each other among them."""
    height, width = room.frame.extent_nm
    wanted = target * height * width
    placed: list[Blob] = []
    partners: list[list[int]] = []
    for _ in range(12):
        for at in room.positions(rng, weight, 80, MITOCHONDRIA_GAP_NM + 120):
            chain = [draw(at, wanted)]
            area = room.area_if_free(chain[0], MITOCHONDRIA_GAP_NM)
            if area is None:
                continue
            while len(chain) < LONGEST_CHAIN and contact.random() < touching:
                beside = pressed_against(contact, chain[-1], draw(chain[-1].spine_yx[0], wanted))
                more = room.area_if_free(beside, MITOCHONDRIA_GAP_NM)
                if more is None or any(beside.overlaps(other) for other in chain[:-1]):
                    break
                chain.append(beside)
                area += more
            first = len(placed)
            for blob in chain:
                room.take(blob)
            placed += chain
            partners += [[n for n in (place - 1, place + 1) if 0 <= n < len(chain)] for place in range(len(chain))]
            partners[first:] = [[first + n for n in numbers] for numbers in partners[first:]]
            wanted -= area
            if wanted <= 0.5 * area or wanted < 3e4:
                return tuple(placed), tuple(map(tuple, partners))
    return tuple(placed), tuple(map(tuple, partners))


def _grow(
    rng: np.random.Generator,
    room: Room,
    target: float,
    weight: Float,
    gap_nm: float,
    draw: Callable[[NDArray[np.float64], float], Blob],
) -> tuple[Blob, ...]:
    """Place shapes until they cover ``target`` of the frame; ``draw`` gets a position and the area still wanted."""
    height, width = room.frame.extent_nm
    wanted = target * height * width
    placed: list[Blob] = []
    for _ in range(12):
        for at in room.positions(rng, weight, 80, gap_nm + 120):
            blob = draw(at, wanted)
            area = room.place(blob, gap_nm)
            if area is None:
                continue
            placed.append(blob)
            wanted -= area
            # the last one may overshoot as far as it would have fallen short
            if wanted <= 0.5 * area or wanted < 3e4:
                return tuple(placed)
    return tuple(placed)


def _bodies(seed: int, room: Room) -> tuple[Body, ...]:
    """Lysosomes, peroxisomes and vesicles: look-alikes that belong to no class."""
    rng = stream(seed, Part.BODIES)
    height, width = room.frame.extent_nm
    fields_16um = height * width / _NOMINAL_NM2
    flat = np.ones_like(room.clearance)
    bodies: list[Body] = []
    for kind, usual, low, high in (("lysosome", 5, 130, 330), ("peroxisome", 9, 150, 300), ("vesicle", 60, 35, 90)):
        count = rng.poisson(rng.uniform(0.3, 1.7) * usual * fields_16um)
        for at in room.positions(rng, flat, count, 60.0):
            blob = disc(rng, at, rng.uniform(low, high), 0.16 if kind == "lysosome" else 0.07)
            if room.place(blob, 25.0) is not None:
                bodies.append(Body(kind, blob))
    return tuple(bodies)
