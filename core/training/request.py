"""What a training is asked to do, and what it reports while it runs. Plain values: they cross a process boundary."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.models.stored_model import work_folder
from core.training.options import TrainingOptions, options_from, require_within
from core.training.presets import PRESETS


@dataclass(frozen=True)
class TrainRequest(TrainingOptions):
    """One training, with its `core.training.options.TrainingOptions`.

    Parameters
    ----------
    dataset
        Dataset folder; its images of the split "train" are used, those of "test" never.
    out
        Folder of the model to be made; its name becomes the model's id. Unfinished work is kept beside it, in
        ``.<name>.training``.
    parent
        Folder of a stored model to go on from.
    device
        "auto", "cpu", "mps", "cuda" or "cuda:1".
    threads
        CPU threads; 0: all cores.
    resume
        Go on with the unfinished training beside `out`, if there is one; it must be of the same request.
    name, description, origin, warning, licence
        For the card.

    Raises
    ------
    TrainingError
        Numbers that make no sense.
    """

    dataset: Path
    out: Path
    parent: Path | None = None
    device: str = "auto"
    threads: int = 0
    resume: bool = False
    name: str = ""
    description: str = ""
    origin: str = ""
    warning: str = ""
    licence: str = ""

    def __post_init__(self) -> None:
        self.check()
        require_within("threads", self.threads, 0, 4096)

    @property
    def work(self) -> Path:
        """Folder of the unfinished work."""
        return work_folder(self.out)

    @property
    def budget_s(self) -> float | None:
        """Time budget in seconds, the preset's where neither minutes nor epochs are given; None: by epochs."""
        if self.epochs is not None:
            return None
        minutes = self.minutes if self.minutes is not None else PRESETS[self.preset].minutes
        return None if minutes is None else minutes * 60

    @property
    def total_epochs(self) -> int | None:
        """Number of epochs; None where time decides."""
        return None if self.budget_s is not None else self.epochs or PRESETS[self.preset].epochs

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        values = dataclasses.asdict(self)
        return {name: str(value) if isinstance(value, Path) else value for name, value in values.items()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> TrainRequest:
        """The inverse of `to_json`."""
        paths = {name: Path(values[name]) for name in ("dataset", "out", "parent") if values.get(name)}
        return cls(**{**values, **paths, **options_from(values, earlier=True)})

    def same_work(self, other: TrainRequest) -> bool:
        """Whether work done for the other request can be continued for this one: all that shapes the weights agrees."""
        return not self.differences(other)

    def differences(self, other: TrainRequest) -> tuple[str, ...]:
        """Names of the fields that shape the weights and are not the same in the other request."""
        free = ("resume", "name", "description", "origin", "warning", "licence", "threads")
        names = [item.name for item in dataclasses.fields(self) if item.name not in free]
        return tuple(name for name in names if getattr(self, name) != getattr(other, name))


@dataclass(frozen=True, slots=True)
class EpochReport:
    """One finished epoch.

    Parameters
    ----------
    epoch
        From 1.
    dice
        Class name to validation Dice, summed over a fixed set of validation patches; None where a class does not
        occur in them.
    mean_dice
        Mean over the classes that occur; None where nothing is held out.
    seconds, seconds_per_iteration
        Wall time.
    waiting_s
        Seconds of it that were spent waiting for a busy machine.
    """

    epoch: int
    iterations: int
    train_loss: float
    val_loss: float | None
    dice: dict[str, float | None]
    mean_dice: float | None
    lr: float
    seconds: float
    seconds_per_iteration: float
    waiting_s: float = 0.0


@dataclass(frozen=True, slots=True)
class TrainingProgress:
    """What `train` tells while it runs.

    Parameters
    ----------
    stage
        "preparing", "training", "saving".
    message
        A short sentence for people.
    fraction
        0 to 1 of the whole.
    eta_s
        Seconds left; None while unknown.
    epoch
        Set when an epoch has just ended.
    notice
        Set when the training decided something that the user should know.
    """

    stage: str
    message: str = ""
    fraction: float = 0.0
    eta_s: float | None = None
    epoch: EpochReport | None = None
    notice: str = ""

    def to_line(self) -> str:
        """One line of JSON."""
        return json.dumps({"event": "progress", **dataclasses.asdict(self)})

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> TrainingProgress:
        """The inverse of the JSON in `to_line`."""
        values = {name: value for name, value in values.items() if name != "event"}
        epoch = EpochReport(**values.pop("epoch")) if values.get("epoch") else None
        return cls(**{**values, "epoch": epoch})
