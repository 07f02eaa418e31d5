"""``nnUNetv2_train`` with a short trainer that has a clock; started by benchmarks/training.py.

The same entry point, with the trainer handed over instead of searched for: nnU-Net's search imports all its variants,
which fails where one of their further dependencies (torchvision) does not fit the installed torch.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from nnunetv2.run import run_training
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer


class TimedTrainer(nnUNetTrainer):  # type: ignore[misc]
    """nnU-Net's trainer; its length and a clock are all that is changed."""

    def __init__(self, plans: Any, configuration: str, fold: int, dataset_json: Any, device: Any) -> None:
        super().__init__(plans, configuration, fold, dataset_json, device)
        self.num_epochs = int(os.environ["BENCHMARK_EPOCHS"])
        self.num_iterations_per_epoch = int(os.environ["BENCHMARK_ITERATIONS"])
        self.num_val_iterations_per_epoch = int(os.environ["BENCHMARK_VALIDATION"])
        self.began = self.trained = 0.0

    def on_epoch_start(self) -> None:
        """Start the clock."""
        self.began = time.perf_counter()
        super().on_epoch_start()

    def on_train_epoch_end(self, train_outputs: Any) -> None:
        """Read it."""
        self.trained = time.perf_counter() - self.began
        super().on_train_epoch_end(train_outputs)

    def on_epoch_end(self) -> None:
        """Read it again, and write both down."""
        super().on_epoch_end()
        with Path(os.environ["BENCHMARK_TIMES"]).open("a", encoding="utf-8") as handle:
            handle.write(json.dumps([self.trained, time.perf_counter() - self.began]) + "\n")

    def perform_actual_validation(self, save_probabilities: bool = False) -> None:
        """Not timed, so left out."""


if __name__ == "__main__":
    run_training.recursive_find_trainer_class_by_name = lambda name: TimedTrainer
    run_training.run_training_entry()
