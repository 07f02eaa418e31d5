"""Training presets: which network, for which machine, for how long."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Preset(StrEnum):
    """How large a network is trained."""

    COMPACT = "compact"
    STANDARD = "standard"
    RESENC_M = "resenc-m"
    RESENC_L = "resenc-l"


@dataclass(frozen=True, slots=True)
class Recipe:
    """Optimiser and sampling.

    Parameters
    ----------
    adam
        AdamW instead of nnU-Net's SGD with momentum 0.99.
    learning_rate
        At the start.
    parent_learning_rate
        At the start where a parent's weights are gone on from: lower, so that they are not thrown away.
    warm_up
        Iterations over which the learning rate rises from zero.
    foreground
        Share of the patches that are centred on a class, each class equally often.
    iterations
        That it is made for, from scratch.
    foreground_last
        The same at the very end. Patches that are centred on rare classes teach them soon, and teach that they are
        common: what is learned last has to see them about as often as they are.
    """

    adam: bool
    learning_rate: float
    parent_learning_rate: float
    warm_up: int
    foreground: float
    foreground_last: float
    iterations: int

    def foreground_at(self, fraction: float) -> float:
        """The share when a part of the training, 0 to 1, is done: falls over its second half.

        >>> [round(SHORT_RECIPE.foreground_at(part), 2) for part in (0, 0.5, 0.75, 1)]
        [0.5, 0.5, 0.3, 0.1]
        """
        return self.foreground + max(2 * fraction - 1, 0.0) * (self.foreground_last - self.foreground)


NNUNET_RECIPE: Final = Recipe(
    adam=False,
    learning_rate=0.01,
    parent_learning_rate=0.002,
    warm_up=0,
    foreground=0.33,
    foreground_last=0.33,
    iterations=250_000,
)
"""nnU-Net's own, made for 250,000 iterations."""

SHORT_RECIPE: Final = Recipe(
    adam=True,
    learning_rate=0.002,
    parent_learning_rate=0.0005,
    warm_up=20,
    foreground=0.5,
    foreground_last=0.1,
    iterations=1_000,
)
"""For a thousand iterations. Measured on a fly's nerve cord, validation Dice after 300 with half of the patches centred
throughout: cell boundaries .79, glia .68, mitochondria .79, synapse .56; with nnU-Net's recipe .68 and three classes
still at zero."""


@dataclass(frozen=True, slots=True)
class PresetInfo:
    """What a preset means.

    Parameters
    ----------
    title, description
        For people: what it is, what it needs, how long it takes.
    needs_gpu
        Hopeless on a CPU.
    minutes
        Time budget where the user gives neither minutes nor epochs; None: `epochs` instead.
    epochs
        Epochs where the user gives neither, 250 iterations each as in nnU-Net.
    recipe
        How the weights are found.
    """

    preset: Preset
    title: str
    description: str
    needs_gpu: bool
    minutes: float | None
    epochs: int | None
    recipe: Recipe


COMPACT_PATCH_PX: Final = 256
"""Rows and columns of the compact preset's patch: about 2 µm at 8 nm per pixel, several organelles wide."""

COMPACT_BATCH: Final = 4

COMPACT_FEATURES: Final = (16, 32, 64, 128, 128)
"""Channels per stage; 1.3 M parameters, a third to half a second an iteration on two cores."""

PRESETS: Final = {
    info.preset: info
    for info in (
        PresetInfo(
            Preset.COMPACT,
            "Compact",
            "nnU-Net's plain U-Net, kept small: 1.3 million parameters, patches of 256 px, batches of 4. Trains "
            "in minutes on two CPU cores and predicts fast on any machine. Recommended as the first model.",
            needs_gpu=False,
            minutes=10.0,
            epochs=None,
            recipe=SHORT_RECIPE,
        ),
        PresetInfo(
            Preset.STANDARD,
            "Standard",
            "nnU-Net's default 2D network, sized by its own planner for an 8 GB graphics card. Trains for hours "
            "to a day on such a card; better than compact with enough annotated tissue.",
            needs_gpu=True,
            minutes=None,
            epochs=1000,
            recipe=NNUNET_RECIPE,
        ),
        PresetInfo(
            Preset.RESENC_M,
            "ResEnc M",
            "nnU-Net's residual encoder network, sized for a 9 to 11 GB graphics card. Trains for a day on such a "
            "card; recommended by nnU-Net.",
            needs_gpu=True,
            minutes=None,
            epochs=1000,
            recipe=NNUNET_RECIPE,
        ),
        PresetInfo(
            Preset.RESENC_L,
            "ResEnc L",
            "nnU-Net's large residual encoder network, sized for a 24 GB graphics card. Trains for one to two "
            "days on such a card; best results with many annotated images.",
            needs_gpu=True,
            minutes=None,
            epochs=1000,
            recipe=NNUNET_RECIPE,
        ),
    )
}

PRESET_TITLES: Final = {preset: info.title for preset, info in PRESETS.items()}
"""As people read them."""
