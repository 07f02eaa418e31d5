"""Metrics side by side with nnU-Net's own evaluation, in one run on the same label maps.

    python -m benchmarks.metrics                       # four phantoms of 4096 x 4096, then every metric on one of them
    python -m benchmarks.metrics --size 2048 --images 2

The first table reads the files and works out overlap: nnU-Net's ``compute_metrics_on_folder`` (Dice, IoU, counts) with
as many processes, and Cristae with the full confusion matrix. The second, in a process of its own, is one image in
memory with every metric of the table. Wall seconds; CPU seconds beside them, which other work on the machine changes
less.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray
from PIL import Image as PillowImage

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

PillowImage.MAX_IMAGE_PIXELS = None


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=4096, help="edge of the label maps in pixels")
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--workers", type=int, default=2, help="processes of nnU-Net, threads of Cristae")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else "")
    pairs = [make_pair(seed, options.size) for seed in range(options.images)]
    with tempfile.TemporaryDirectory() as scratch:
        folders = Path(scratch) / "reference", Path(scratch) / "prediction"
        for folder, position in zip(folders, (0, 1), strict=True):
            folder.mkdir()
            for number, pair in enumerate(pairs):
                PillowImage.fromarray(pair[position]).save(folder / f"case_{number}.png", compress_level=1)
        folder_table(*folders, options)
    child = multiprocessing.get_context("spawn").Process(target=image_table, args=(*pairs[0], options))
    child.start()
    child.join()


def make_pair(seed: int, size: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A phantom's labels, and the same shifted, speckled and with wrong patches, as a fair prediction would be."""
    from core.phantom import generate_phantom

    part = generate_phantom(seed, min(size, 2048), pixel_size_nm=8.0).labels_yx
    repeats = -(-size // part.shape[0])
    reference = np.tile(part, (repeats, repeats))[:size, :size].copy()
    prediction = np.roll(reference, 3, axis=1)
    rng = np.random.default_rng(seed)
    for _ in range(300):
        row, column = rng.integers(0, max(size - 64, 1), 2)
        prediction[row : row + 40, column : column + 60] = rng.integers(0, 6)
    return reference, prediction


def folder_table(reference: Path, prediction: Path, options: argparse.Namespace) -> None:
    """Overlap of a folder: nnU-Net and Cristae in turn, the quickest of several times each."""
    from nnunetv2.evaluation.evaluate_predictions import compute_metrics_on_folder
    from nnunetv2.imageio.natural_image_reader_writer import NaturalImage2DIO

    def nnunet() -> dict[str, Any]:
        return compute_metrics_on_folder(
            str(reference), str(prediction), None, NaturalImage2DIO(), ".png", [1, 2, 3, 4, 5], None, options.workers
        )

    def cristae() -> list[NDArray[np.int64]]:
        with ThreadPoolExecutor(options.workers) as pool:
            return list(pool.map(lambda path: matrix_of(path, prediction / path.name), sorted(reference.iterdir())))

    theirs_s, ours_s = [], []
    for _ in range(options.repeats):
        theirs, seconds, _ = timed(nnunet)
        theirs_s.append(seconds)
        ours, seconds, _ = timed(cristae)
        ours_s.append(seconds)
    pooled = sum(ours)
    for i in range(1, 6):
        tp = sum(case["metrics"][i]["TP"] for case in theirs["metric_per_case"])
        assert tp == pooled[i, i], "both must count the same"
    print(
        f"\n{options.images} label maps of {options.size} x {options.size}, 5 classes, files to counts, "
        f"{options.workers} workers"
    )
    print(f"{'nnU-Net compute_metrics_on_folder':40}{min(theirs_s):8.2f} s")
    print(f"{'Cristae, full confusion matrix':40}{min(ours_s):8.2f} s   {min(theirs_s) / min(ours_s):.1f} x")


def matrix_of(reference: Path, prediction: Path) -> NDArray[np.int64]:
    """Confusion matrix of two files."""
    from core.evaluation.confusion import confusion

    return confusion(np.asarray(PillowImage.open(reference)), np.asarray(PillowImage.open(prediction)), tuple(range(6)))


def image_table(reference: NDArray[np.uint8], prediction: NDArray[np.uint8], options: argparse.Namespace) -> None:
    """Every metric on one image, family by family and all at once."""
    from core.evaluation.error_objects import largest_errors
    from core.evaluation.image_scores import score_image
    from core.evaluation.label_pair import LabelPair
    from core.evaluation.metric_table import FAMILIES
    from core.evaluation.settings import EvaluationSettings
    from core.label_scheme import DEFAULT_SCHEME

    settings = EvaluationSettings().resolved(DEFAULT_SCHEME, [8.0])
    confidence = np.random.default_rng(0).integers(100, 256, reference.shape, dtype=np.uint8)

    def pair() -> LabelPair:
        return LabelPair(reference, prediction, DEFAULT_SCHEME, settings, 8.0, confidence)

    score_image(LabelPair(reference[:64, :64], prediction[:64, :64], DEFAULT_SCHEME, settings, 8.0), "warm")  # imports
    print(f"\nOne image of {options.size} x {options.size} in memory, background and 5 classes, 8-bit confidence")
    print(f"{'':40}{'wall s':>8}{'CPU s':>8}")
    row("confusion matrix", *timed(lambda: pair().matrix)[1:])
    ready = pair()
    for family in FAMILIES[1:]:
        row(family.name, *timed(lambda family=family: family.measure(ready, family.classes(ready)))[1:])
    best = min(timed(lambda: score_image(pair(), "all", threads=options.workers))[1:] for _ in range(options.repeats))
    row(f"all of it, {options.workers} threads", *best)
    row("largest errors, kept beside the metrics", *timed(lambda: largest_errors(pair()))[1:])
    watcher = Peak()
    score_image(pair(), "all", threads=options.workers)
    print(f"memory of the whole process at its peak, the three maps included: {watcher.stop():.0f} MB")


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """Result, wall seconds, CPU seconds of this process."""
    start, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - start, time.process_time() - cpu


def row(name: str, wall_s: float, cpu_s: float) -> None:
    """One line of the second table."""
    print(f"{name:40}{wall_s:8.2f}{cpu_s:8.2f}", flush=True)


class Peak:
    """Watches this process's resident memory until it is stopped."""

    def __init__(self) -> None:
        self._done, self._highest = threading.Event(), 0
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def _watch(self) -> None:
        while not self._done.wait(0.005):
            self._highest = max(self._highest, psutil.Process().memory_info().rss)

    def stop(self) -> float:
        """The highest value, in MB."""
        self._done.set()
        self._watcher.join()
        return self._highest / 1e6


if __name__ == "__main__":
    multiprocessing.freeze_support()
    main()
