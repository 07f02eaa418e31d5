"""How much of a training's time was spent computing, and how much waiting for a busy machine."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

SETTLE_S: Final = 0.25
"""Wall time between looks: processor time comes in steps of up to 16 ms on some systems."""

FASTEST_SHARE: Final = 0.9
"""Quantile of the observed cores that counts as what the training gets when nobody else wants them."""

JITTER: Final = 0.9
"""Of that quantile: so much fewer cores, as in a checkpoint or between iterations, is no waiting."""

KEPT_LOOKS: Final = 2000
"""Looks that this quantile is taken over."""

LEAST_CORES: Final = 1.5
"""Cores that a training with two threads or more keeps busy on an idle machine, whatever was observed.

Two threads share the convolutions, and a third augments beside them."""

LONGEST: Final = 3.0
"""A time budget ends at this many times its length by the clock, however busy the machine."""


class WorkClock:
    """Splits the time of a training into computing and waiting.

    An iteration's work is the same whatever else the machine does, and so is its processor time; only the clock goes on
    while others have the processor. Cores in use (processor time by wall time) are therefore highest while nobody else
    wants them: that, as observed in this training, is what an undisturbed training gets. Computing is the wall time
    that the processor time would have taken with so many cores; the rest is waiting.

    Parameters
    ----------
    threads
        Threads that compute.
    on_processor
        Whether the network runs on the processor. On a graphics card processor time says nothing, and all of the time
        counts as computing.
    wall, processor
        Clocks, in seconds: of the wall, and of all threads of this process.
    """

    def __init__(
        self,
        *,
        threads: int,
        on_processor: bool,
        wall: Callable[[], float] = time.monotonic,
        processor: Callable[[], float] = time.process_time,
    ) -> None:
        self._on_processor = on_processor
        self._least_cores = min(float(max(threads, 1)), LEAST_CORES)
        self._wall, self._processor = wall, processor
        self._cores: deque[float] = deque(maxlen=KEPT_LOOKS)
        self._settled_wall_s = self._settled_computing_s = 0.0
        self._last_wall, self._last_processor = wall(), processor()

    def start(self, wall_s: float = 0.0, computing_s: float = 0.0) -> None:
        """Begin to count now, after what earlier parts of the training took."""
        self._settled_wall_s, self._settled_computing_s = wall_s, computing_s
        self._last_wall, self._last_processor = self._wall(), self._processor()

    def look(self) -> None:
        """Settle what has passed since the last look, once that is enough to be measured."""
        wall, processor = self._wall(), self._processor()
        passed_s, used_s = wall - self._last_wall, processor - self._last_processor
        if passed_s < SETTLE_S:
            return
        self._settled_wall_s += passed_s
        self._settled_computing_s += self._computing(passed_s, used_s)
        self._last_wall, self._last_processor = wall, processor

    def _computing(self, passed_s: float, used_s: float) -> float:
        if not self._on_processor:
            return passed_s
        self._cores.append(used_s / passed_s)
        ordered = sorted(self._cores)
        usual = max(JITTER * ordered[int(FASTEST_SHARE * (len(ordered) - 1))], self._least_cores)
        return min(passed_s, used_s / usual)

    @property
    def wall_s(self) -> float:
        """Seconds by the clock, over all parts."""
        return self._settled_wall_s + self._wall() - self._last_wall

    @property
    def computing_s(self) -> float:
        """Seconds of it spent computing; what is not settled yet counts as computing."""
        return self._settled_computing_s + self._wall() - self._last_wall

    @property
    def waiting_s(self) -> float:
        """Seconds of it spent waiting for others."""
        return self._settled_wall_s - self._settled_computing_s

    @property
    def budget_s(self) -> float:
        """What counts against a time budget: computing, and the clock once that has run `LONGEST` times as far."""
        return max(self.computing_s, self.wall_s / LONGEST)
