"""How long a training runs and how its learning rate falls: by the clock or by epochs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

POLY_EXPONENT: Final = 0.9
"""nnU-Net's polynomial decay."""

NNUNET_ITERATIONS: Final = 250
"""Iterations of one of nnU-Net's epochs."""

BUDGET_EPOCHS: Final = 20
"""Epochs that a time budget is cut into: often enough for progress and checkpoints, seldom enough for validation."""

MIN_ITERATIONS: Final = 5

VALIDATION_SHARE: Final = 8
"""One validation batch for so many training batches: about 4 % of the time, for they cost a third."""

MAX_VALIDATION_BATCHES: Final = 50
"""As in nnU-Net."""


@dataclass(slots=True)
class Schedule:
    """The clock of a training; time is what has been spent in all, over all resumed parts.

    Parameters
    ----------
    initial_lr
        Learning rate at the start.
    budget_s
        Seconds for everything; None: `total_epochs` decides.
    total_epochs
        Epochs for everything; None: `budget_s` decides.
    iterations_per_epoch
        0 with a time budget: found from the speed of the first iterations.
    warm_up
        Iterations over which the learning rate rises to the curve.
    """

    initial_lr: float
    budget_s: float | None
    total_epochs: int | None
    iterations_per_epoch: int = 0
    warm_up: int = 0

    def fraction(self, elapsed_s: float, iterations: int) -> float:
        """Part of the training that is done, 0 to 1."""
        if self.budget_s is not None:
            return min(max(elapsed_s / self.budget_s, 0.0), 1.0)
        return min(iterations / max((self.total_epochs or 1) * self.iterations_per_epoch, 1), 1.0)

    def learning_rate(self, fraction: float, iterations: int) -> float:
        """nnU-Net's polynomial decay over the fraction done, after the warm-up.

        >>> Schedule(0.01, 60.0, None).learning_rate(0.0, 0)
        0.01
        """
        rise = min((iterations + 1) / self.warm_up, 1.0) if self.warm_up else 1.0
        return self.initial_lr * rise * math.pow(1 - fraction, POLY_EXPONENT)

    def set_speed(self, seconds_per_iteration: float) -> None:
        """Choose the epoch's length for a time budget."""
        if self.iterations_per_epoch == 0 and self.budget_s is not None:
            wanted = self.budget_s / BUDGET_EPOCHS / max(seconds_per_iteration, 1e-6)
            self.iterations_per_epoch = int(min(max(wanted, MIN_ITERATIONS), NNUNET_ITERATIONS))

    def expected_iterations(self, seconds_per_iteration: float) -> int:
        """About how many iterations the whole training will have."""
        if self.budget_s is not None:
            return max(int(self.budget_s / max(seconds_per_iteration, 1e-6)), 1)
        return (self.total_epochs or 1) * self.iterations_per_epoch

    def expected_epochs(self, seconds_per_iteration: float) -> int:
        """About how many epochs the whole training will have."""
        if self.total_epochs is not None:
            return self.total_epochs
        return max(self.expected_iterations(seconds_per_iteration) // max(self.iterations_per_epoch, 1), 1)

    @property
    def validation_batches(self) -> int:
        """Batches in the fixed validation set."""
        return min(max(self.iterations_per_epoch // VALIDATION_SHARE, 2), MAX_VALIDATION_BATCHES)


def eta_s(fraction: float, elapsed_s: float) -> float | None:
    """Seconds left, judged by the pace so far; None at the very start."""
    return None if fraction < 0.005 else max(elapsed_s * (1 - fraction) / fraction, 0.0)
