"""What a backend is: a way to run a model's network on tiles, and word on whether this machine has it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from core.models.store import StoredModel
from core.segmentation.stitching import Band
from core.segmentation.tiling import TilePlan, Weighting

FLOAT32 = "float32"
"""The precision that every backend has; what `exact` means."""


@dataclass(frozen=True, slots=True)
class BackendInfo:
    """One way to run networks, and whether this machine has it.

    Parameters
    ----------
    name
        As given to `Predictor`: "torch-cuda", "torch-mps", "openvino", "torch-cpu".
    device
        For people: "NVIDIA H200", "AMD EPYC".
    available
        Whether it can be used here.
    reason
        Why not, and what would help; empty where available.
    """

    name: str
    device: str
    available: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Work:
    """One run of the network.

    Parameters
    ----------
    fold
        Position in the list of folds.
    tiles
        Normalised pixels, float32, C order, (tile, 1, row, column).
    """

    fold: int
    tiles: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class NetworkRequest:
    """What a backend needs to make a network ready.

    Parameters
    ----------
    model
        From the store.
    folds
        Names of the folds to run.
    precision
        One of the backend's.
    threads
        CPU threads, at least 1.
    cache_dir
        Where converted networks may be kept; None: nowhere.
    """

    model: StoredModel
    folds: tuple[str, ...]
    precision: str
    threads: int
    cache_dir: Path | None = None


class TileNetwork(Protocol):
    """A network that is ready to run. Warm: used for many images."""

    precision: str
    batch: int
    """Tiles per run that suit it."""

    def stream(self, work: Iterable[Work]) -> Iterator[Any]:
        """Scores (tile, class, row, column) for each piece of work, in order; it may read ahead.

        What is given is valid until the next one is asked for.
        """
        ...

    def band(self, plan: TilePlan, weighting: Weighting, passes: int) -> Band:
        """A band in the memory where the scores of `stream` lie."""
        ...

    def array(self, scores: Any) -> NDArray[np.float32]:
        """Scores of `stream` as NumPy sees them."""
        ...


class Backend(Protocol):
    """One library on one kind of device."""

    name: str

    @property
    def precisions(self) -> Sequence[str]:
        """`FLOAT32` first, then what may be faster here, the most promising last."""
        ...

    def info(self) -> BackendInfo:
        """Whether this machine has it."""
        ...

    def open(self, request: NetworkRequest) -> TileNetwork:
        """Make a network ready.

        Raises
        ------
        ModelError
            The model's files do not fit its plans.
        PredictionError
            The device cannot hold or run it.
        """
        ...


def cpu_name() -> str:
    """What the processor calls itself; its architecture where it does not say."""
    import platform

    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        for line in listing.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine() or "CPU"
