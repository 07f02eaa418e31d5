"""The options of a training: each is declared once, here.

What asks for a training (`core.training.request.TrainRequest`, `core.learning.start.TrainingPlan`,
`core.rounds.plan.RoundPlan`, the job's `core.jobs.kinds.TrainParams`) inherits `TrainingOptions`, so that an option is
a field of all of them and is handed on from one to the next. Forms (`ui/train/options.py`) and commands
(`core/cli/training_options.py`) draw what the declaration says, and the model's card records it. What remains to be
written is where the option acts.

An option that earlier versions did not know has a default that means what they did: stored requests, jobs and rounds
lack it and take the default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Final

from core.errors import TrainingError
from core.imaging.lengths import checked_pixel_size
from core.objects.separation import SeparationWay
from core.training.presets import Preset

_DECLARED: Final = "option"
"""Of the metadata of a field: its `Option`."""


class Shown(StrEnum):
    """How a form asks for an option."""

    NUMBER = "number"
    """A whole number."""

    PERCENT = "percent"
    """A share as a slider, in per cent."""

    SWITCH = "switch"
    """Yes or no."""

    APART = "apart"
    """Nowhere, or where the page places it itself: length, network, pixel size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """What is declared of an option beside its name, type and default.

    Parameters
    ----------
    meaning
        A sentence: the help of the command.
    least, most
        Range of numbers, both ends included.
    command
        How the commands call it, without dashes; "": they do not offer it.
    label, help
        In forms, where they ask for it by themselves.
    shown
        How forms ask for it.
    on_card
        Whether the model's card records it among its settings; false for what the card has elsewhere.
    earlier
        What trainings did before there was the option, where that is not its default: kept requests mean it.
    """

    meaning: str
    least: float | None = None
    most: float | None = None
    command: str = ""
    label: str = ""
    help: str = ""
    shown: Shown = Shown.APART
    on_card: bool = True
    earlier: Any = None


def declared(meaning: str, **more: Any) -> Mapping[str, Option]:
    """The metadata of a field of `TrainingOptions`: what it means, and what else `Option` has."""
    return {_DECLARED: Option(meaning=meaning, **more)}


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """How a training goes, as people choose it.

    Parameters
    ----------
    preset
        Network and planner. With a parent, the parent's network is kept.
    minutes
        Time budget in minutes of computing from start to finished model: time that other programs take does not count,
        up to three times the budget by the clock. Preparing the images counts, but never takes more than half of it
        from the training itself. The learning rate falls to zero over it. None: the preset's, or `epochs`.
    epochs
        Instead of minutes.
    iterations_per_epoch
        None: 250 as in nnU-Net with `epochs`, or a twentieth of the budget with `minutes`.
    pixel_size_nm
        Bring all images to this; None: the parent's, else the median of the training images.
    validation_fraction
        Share of the groups (or of the area, where there is only one group) that is held out; 0 trains on everything.
    patience
        Stop after so many epochs without a better validation Dice; None: half of all epochs; 0: never.
    learning_rate
        None: the preset's, which is lower with a parent.
    seed
        Of split, initial weights and augmentation.
    separation
        How the model learns to tell touching objects of a class apart, where the labels have ids of objects.
    """

    preset: Preset = field(
        default=Preset.COMPACT,
        metadata=declared("compact: CPU, minutes. standard, resenc-m, resenc-l: GPU.", command="preset", on_card=False),
    )
    minutes: float | None = field(
        default=None,
        metadata=declared(
            "Time budget in minutes, including preparation.", least=0.05, most=60 * 24 * 60, command="minutes"
        ),
    )
    epochs: int | None = field(
        default=None,
        metadata=declared("Number of epochs, instead of a time budget.", least=1, most=100_000, command="epochs"),
    )
    iterations_per_epoch: int | None = field(
        default=None,
        metadata=declared(
            "Iterations of an epoch; default: 250, or a twentieth of the time.", least=1, most=100_000, on_card=False
        ),
    )
    pixel_size_nm: float | None = field(
        default=None,
        metadata=declared(
            "Training pixel size; default: the parent's, else the median of the images.",
            command="pixel-size",
            on_card=False,
        ),
    )
    validation_fraction: float = field(
        default=0.15,
        metadata=declared(
            "Fraction held out for validation; 0 uses all images for training.",
            least=0,
            most=0.5,
            command="validation",
            label="Held out for validation, %",
            help="Whole stacks or specimens if there are several, otherwise image regions. They decide which epoch "
            "is kept. 0 uses all images for training.",
            shown=Shown.PERCENT,
        ),
    )
    patience: int | None = field(
        default=None,
        metadata=declared(
            "Stop after so many epochs without a better validation Dice; default: half of all; 0: never.",
            least=0,
            most=100_000,
            on_card=False,
        ),
    )
    learning_rate: float | None = field(
        default=None,
        metadata=declared(
            "Learning rate; default: the preset's, lower for fine-tuning.",
            least=1e-8,
            most=1,
            command="learning-rate",
            on_card=False,  # the card has the one that was used
        ),
    )
    seed: int = field(
        default=0,
        metadata=declared(
            "Random seed of split, weights and augmentation.",
            least=0,
            most=2**31 - 1,
            command="seed",
            label="Seed",
            shown=Shown.NUMBER,
            on_card=False,
        ),
    )

    separation: SeparationWay = field(
        default=SeparationWay.RIMS,
        metadata=declared(
            "How touching objects of a class are separated, if labels have object ids.",
            on_card=False,
            earlier=SeparationWay.NONE,
        ),
    )

    def options(self) -> dict[str, Any]:
        """All options by name, to hand on to another class that has them."""
        return {name: getattr(self, name) for name in DECLARED}

    def recorded(self) -> dict[str, Any]:
        """The options that a model's card records among its settings, as plain values."""
        return {name: _plain(getattr(self, name)) for name, known in DECLARED.items() if known.on_card}

    def check(self) -> None:
        """Refuse what makes no sense.

        Raises
        ------
        TrainingError
            A number is out of its range, or two of them exclude each other.
        """
        if self.minutes is not None and self.epochs is not None:
            raise TrainingError("Minutes and epochs cannot be combined.", "Use one of them.")
        for name, known in DECLARED.items():
            require_within(name.replace("_", " "), getattr(self, name), known.least, known.most)
        if self.pixel_size_nm is not None:
            checked_pixel_size(self.pixel_size_nm, error=TrainingError)


DECLARED: Final[Mapping[str, Option]] = {item.name: item.metadata[_DECLARED] for item in fields(TrainingOptions)}
"""What is declared of each option, by name."""


def default_of(kind: type[TrainingOptions], name: str) -> Any:
    """The default of an option in a class that has the options: a round holds nothing out unless asked."""
    return next(item.default for item in fields(kind) if item.name == name)


def options_from(values: Mapping[str, Any], *, earlier: bool = False) -> dict[str, Any]:
    """The options among stored plain values, as the fields have them; what is absent takes its default.

    Parameters
    ----------
    earlier
        What is absent means what trainings did before there was the option: for what is to be done once more.

    Raises
    ------
    ValueError
        A value is none of those that an option may have.
    """
    found: dict[str, Any] = {}
    for name, known in DECLARED.items():
        default = default_of(TrainingOptions, name)
        if name in values:
            found[name] = type(default)(values[name]) if isinstance(default, StrEnum) else values[name]
        elif earlier and known.earlier is not None:
            found[name] = known.earlier
    return found


def recorded_options(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The options among the settings of a model's card; what an earlier version did not record is left out."""
    return {name: settings[name] for name, known in DECLARED.items() if known.on_card and name in settings}


def require_within(what: str, value: float | None, least: float | None, most: float | None) -> None:
    """Refuse a number outside its range; None is no number.

    Raises
    ------
    TrainingError
        With the range.
    """
    if value is None or least is None or most is None or least <= value <= most:
        return
    raise TrainingError(f"The {what} of the training is {value}.", f"Give {least:g} to {most:g}.")


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, StrEnum) else value
