"""``time_training``: how fast a preset trains on this machine, measured by a real training of a few iterations.

Params: ``preset``. Result: ``preset``, ``seconds_per_iteration``, ``memory_bytes``. The result is kept too, see
`core.learning.speed`.
"""

from __future__ import annotations

from typing import Final

import psutil

from core.engine.context import JobContext
from core.jobs.kinds import TimeTrainingParams, TimeTrainingResult
from core.learning.speed import TrainingSpeed, keep_speed
from core.phantom.dataset import write_phantom_dataset
from core.scratch import scratch_folder
from core.training.presets import PRESETS
from core.training.request import TrainingProgress, TrainRequest
from core.training.train import train

SIZE_PX: Final = 512
"""Of the synthetic images that are trained on; the larger presets' patches are limited by it."""

ITERATIONS: Final = 12
SLOW_ITERATIONS: Final = 2
"""Of presets that are meant for a graphics card."""


def run(context: JobContext[TimeTrainingParams]) -> TimeTrainingResult:
    """Train a throw-away model on synthetic images and take the time of an iteration."""
    preset = context.params.preset
    seen: list[float] = []
    memory = 0

    def show(progress: TrainingProgress) -> None:
        nonlocal memory
        memory = max(memory, _children_bytes())
        if progress.epoch is not None:
            seen.append(progress.epoch.seconds_per_iteration)
        context.progress(0.1 + 0.9 * progress.fraction, "Measuring training speed")

    with scratch_folder("timing") as folder:
        write_phantom_dataset(folder / "phantoms", 2, SIZE_PX, 900, test_count=0)
        request = TrainRequest(
            dataset=folder / "phantoms",
            preset=preset,
            out=folder / "timing",
            epochs=1,
            iterations_per_epoch=SLOW_ITERATIONS if PRESETS[preset].needs_gpu else ITERATIONS,
            threads=context.settings.threads,
        )
        train(request, on_progress=show, should_cancel=context.cancelled)
    speed = TrainingSpeed(preset, seen[-1], memory)
    keep_speed(context.store, speed)
    return TimeTrainingResult.from_json(speed.to_json())


def _children_bytes() -> int:
    """Memory of the training process."""
    total = 0
    for child in psutil.Process().children(recursive=True):
        try:
            total += child.memory_info().rss
        except psutil.Error:
            continue
    return total
