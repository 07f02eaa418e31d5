"""The training proper: iterations, epochs, validation, checkpoints, early stop, and which weights to keep."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from core.errors import TrainingError
from core.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from core.training.preview import write_preview
from core.training.request import EpochReport, TrainingProgress
from core.training.schedule import Schedule, eta_s
from core.training.work_clock import WorkClock

if TYPE_CHECKING:
    from torch import Tensor

    from core.training.trainer import CristaeTrainer

WARM_UP: Final = 2
"""First iterations that are not timed: libraries choose their kernels in them."""

TIMED: Final = 5
"""Iterations that the epoch's length is found from."""

REPORT_EVERY_S: Final = 1.0
"""Seconds between reports inside an epoch."""

BETTER: Final = 0.002
"""Rise of the mean Dice that counts as progress; an earlier epoch must be so much better than the last to be kept."""

FINISH_FILE: Final = "finish"
"""In the work folder: asks the training to stop after the iteration in flight and to make the model of what it has."""

MIN_PATIENCE: Final = 10
"""Epochs that the early stop waits at least."""

Emit = Callable[[TrainingProgress], None]


@dataclass(slots=True)
class Outcome:
    """What the loop ends with."""

    weights: dict[str, Tensor]
    chosen: str
    """"last" or "best": which epoch's averaged weights these are."""
    report: EpochReport
    history: list[EpochReport]
    iterations: int
    elapsed_s: float
    computing_s: float
    waiting_s: float
    stopped_early: bool
    notices: list[str] = field(default_factory=list)


class TrainingLoop:
    """Runs a prepared trainer to its end.

    Parameters
    ----------
    trainer
        With its network built and initial weights set.
    schedule
        The clock.
    folder
        For checkpoints.
    class_names
        Of the network's outputs 1 to C.
    held_out
        Whether the validation cases are other than the training cases.
    patience
        Epochs; None: half of all; 0: no early stop.
    """

    def __init__(
        self,
        trainer: CristaeTrainer,
        schedule: Schedule,
        folder: Path,
        *,
        class_names: list[str],
        held_out: bool,
        patience: int | None,
        seed: int,
        emit: Emit,
    ) -> None:
        self.trainer = trainer
        self.schedule = schedule
        self.folder = folder
        self.class_names = class_names
        self.held_out = held_out
        self.patience = patience
        self.seed = seed
        self.emit = emit
        self.history: list[EpochReport] = []
        self.iterations = 0
        self.best: dict[str, Tensor] = {}
        self.best_report: EpochReport | None = None
        self.seconds_per_iteration = 0.0
        self.clock = WorkClock(threads=trainer.threads or torch_threads(), on_processor=trainer.device.type == "cpu")
        self._last_report = 0.0

    @property
    def elapsed_s(self) -> float:
        """Seconds of training by the clock, over all resumed parts."""
        return self.clock.wall_s

    @property
    def fraction(self) -> float:
        """Part of the training that is done."""
        return self.schedule.fraction(self.clock.budget_s, self.iterations)

    def run(self) -> Outcome:
        """Train to the end.

        Raises
        ------
        TrainingError
            The loss is no longer a number.
        """
        self.clock.start()
        self._restore()
        self._seed_epoch()
        batches = self.trainer.open_batches()
        early = False
        if self.schedule.iterations_per_epoch and not self.trainer.validation_set:
            self._draw_validation_set()
        while not self.history or (self.fraction < 1 and not early and not self._finish_wanted()):
            self._epoch(batches)
            early = self._should_stop_early()
        batches.close()
        return self._outcome(early)

    def _draw_validation_set(self) -> None:
        self.trainer.draw_validation_set(self.schedule.validation_batches, self.seed + 1)
        self._seed_epoch()

    def _seed_epoch(self) -> None:
        from core.training.trainer import seed_everything

        seed_everything((self.seed + 7919 * len(self.history)) % 2**31)

    def _epoch(self, batches: Iterator[dict[str, Any]]) -> None:
        self._seed_epoch()
        self.trainer.network.train()
        started, total, lr = time.monotonic(), 0.0, self.schedule.initial_lr
        waited = self.clock.waiting_s
        times: list[float] = []
        while not times or self._epoch_goes_on(len(times)):
            lr = self.schedule.learning_rate(self.fraction, self.iterations)
            self.trainer.set_learning_rate(lr)
            self.trainer.set_foreground(self.trainer.recipe.foreground_at(self.fraction))
            tick = time.monotonic()
            total += float(self.trainer.train_step(next(batches))["loss"])
            times.append(time.monotonic() - tick)
            self.iterations += 1
            self.clock.look()
            self._pace(times)
            self._report_progress(total / len(times))
        if not math.isfinite(total):
            raise TrainingError(
                f"The loss became {total} in epoch {len(self.history) + 1}.",
                "Train again with a lower learning rate, for example a third.",
            )
        if not self.trainer.validation_set:
            self._draw_validation_set()
        self._close_epoch(total / len(times), lr, started, times, waited)

    def _epoch_goes_on(self, done: int) -> bool:
        whole = done >= (self.schedule.iterations_per_epoch or math.inf)
        return not whole and self.fraction < 1 and not self._finish_wanted()

    def _finish_wanted(self) -> bool:
        """Whether somebody wants the model of what there is now."""
        return (self.folder / FINISH_FILE).exists()

    def _pace(self, times: list[float]) -> None:
        """Once the first iterations are timed, fix the epoch's length and the length of the running average."""
        if self.schedule.iterations_per_epoch == 0 and len(times) >= WARM_UP + TIMED:
            self.schedule.set_speed(min(times[WARM_UP:]))
        if self.schedule.iterations_per_epoch and len(times) == min(
            WARM_UP + TIMED, self.schedule.iterations_per_epoch
        ):
            self.trainer.set_average_length(self.schedule.expected_iterations(min(times[-TIMED:])))

    def _close_epoch(self, train_loss: float, lr: float, started: float, times: list[float], waited: float) -> None:
        val_loss, values = self.trainer.validate()
        self.clock.look()
        seen = [value for value in values if value is not None]
        self.seconds_per_iteration = sum(times) / len(times)
        report = EpochReport(
            epoch=len(self.history) + 1,
            iterations=self.iterations,
            train_loss=train_loss,
            val_loss=val_loss,
            dice=dict(zip(self.class_names, values, strict=True)),
            mean_dice=sum(seen) / len(seen) if seen else 0.0,
            lr=lr,
            seconds=time.monotonic() - started,
            seconds_per_iteration=self.seconds_per_iteration,
            waiting_s=self.clock.waiting_s - waited,
        )
        self.history.append(report)
        if self.held_out and (self.best_report is None or _dice(report) > _dice(self.best_report)):
            self.best_report = report
            self.best = {name: value.detach().cpu().clone() for name, value in self.trainer.average.items()}
        self._save()
        write_preview(self.folder, self.trainer.preview, report.epoch)
        self._report_epoch(report)

    def _save(self) -> None:
        state = {
            "epoch": len(self.history),
            "iterations": self.iterations,
            "elapsed_s": self.clock.wall_s,
            "computing_s": self.clock.wall_s - self.clock.waiting_s,
            "history": [asdict(report) for report in self.history],
            "best_epoch": self.best_report.epoch if self.best_report else None,
            "schedule": asdict(self.schedule),
            "average_steps": self.trainer.average_steps,
            "average_length": self.trainer.average_length,
            "grad_scale": self.trainer.grad_scaler.state_dict() if self.trainer.grad_scaler is not None else None,
        }
        tensors = {
            "network": self.trainer.parameters(),
            "optimizer": self.trainer.optimizer_tensors(),
            "average": self.trainer.average,
            "best": self.best,
        }
        save_checkpoint(self.folder, Checkpoint(tensors, state))

    def _restore(self) -> None:
        checkpoint, notices = load_checkpoint(self.folder)
        for notice in notices:
            self.emit(TrainingProgress("training", notice=notice))
        if checkpoint is None:
            return
        state, tensors = checkpoint.state, checkpoint.tensors
        self.history = [EpochReport(**values) for values in state["history"]]
        self.iterations = state["iterations"]
        self.clock.start(state["elapsed_s"], state.get("computing_s", state["elapsed_s"]))
        self.schedule = Schedule(**state["schedule"])
        self.best = tensors.get("best", {})
        self.best_report = next((r for r in self.history if r.epoch == state["best_epoch"]), None)
        self.trainer.restore_parameters(tensors["network"])
        self.trainer.restore_optimizer(tensors.get("optimizer", {}))
        self.trainer.average = {n: v.to(self.trainer.device) for n, v in tensors["average"].items()}
        self.trainer.average_steps, self.trainer.average_length = state["average_steps"], state["average_length"]
        if self.trainer.grad_scaler is not None and state["grad_scale"]:
            self.trainer.grad_scaler.load_state_dict(state["grad_scale"])
        self.emit(TrainingProgress("training", notice=f"Resumed after epoch {checkpoint.epoch}."))

    def _report_progress(self, loss: float) -> None:
        now = time.monotonic()
        if now - self._last_report < REPORT_EVERY_S:
            return
        self._last_report = now
        message = f"Epoch {len(self.history) + 1}, iteration {self.iterations}, loss {loss:.3f}"
        self.emit(TrainingProgress("training", message, self.fraction, eta_s(self.fraction, self.elapsed_s)))

    def _report_epoch(self, report: EpochReport) -> None:
        message = f"Epoch {report.epoch}: mean Dice {_dice(report):.3f}, {report.seconds_per_iteration:.2f} s/iteration"
        self.emit(TrainingProgress("training", message, self.fraction, eta_s(self.fraction, self.elapsed_s), report))

    def _should_stop_early(self) -> bool:
        expected = self.schedule.expected_epochs(self.seconds_per_iteration)
        patience = max(expected // 2, MIN_PATIENCE) if self.patience is None else self.patience
        if not patience or not self.held_out or len(self.history) <= patience:
            return False
        before = max(_dice(report) for report in self.history[:-patience])
        return max(_dice(report) for report in self.history[-patience:]) < before + BETTER

    def _outcome(self, early: bool) -> Outcome:
        last = self.history[-1]
        keep_best = self.best_report is not None and _dice(self.best_report) > _dice(last) + BETTER
        report = self.best_report if keep_best and self.best_report is not None else last
        return Outcome(
            weights=self.best if keep_best else self.trainer.average,
            chosen="best" if keep_best else "last",
            report=report,
            history=self.history,
            iterations=self.iterations,
            elapsed_s=self.clock.wall_s,
            computing_s=self.clock.wall_s - self.clock.waiting_s,
            waiting_s=self.clock.waiting_s,
            stopped_early=early and self.fraction < 1,
        )


def torch_threads() -> int:
    """Threads that torch computes with."""
    import torch

    return torch.get_num_threads()


def _dice(report: EpochReport) -> float:
    return report.mean_dice if report.mean_dice is not None else 0.0
