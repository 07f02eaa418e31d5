"""Seconds per training iteration side by side with nnU-Net's own command, in one run.

    python benchmarks/training.py                                   # phantoms, preset compact
    python benchmarks/training.py --preset standard --device cuda   # on a graphics card

All of them train on the same prepared cases with the same plans: the same network, patch and batch, the same number of
iterations. ``nnUNetv2_train`` runs in its own process, with a trainer that differs from nnU-Net's in its length alone
and writes down when its epochs begin and end; Cristae's training runs as a job of the app runs it. They take
turns; the first epoch of each is not counted. Seconds per iteration are the wall time of the training part of an epoch,
waiting for batches included, by the number of its iterations; validation and checkpoints are not in it. "Whole epoch"
has both in it, as each of them does them.

What differs by design: nnU-Net augments in processes, Cristae in threads of the training process; on processors with
AVX-512 BF16 or AMX Cristae computes in bfloat16 by default (the row "float32" does not); Cristae keeps a running
average of the weights and validates on a fixed set of batches.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

DATASET = "Dataset001_Cristae"


def main() -> None:
    """Measure and print."""
    options = parse()
    if options.child:
        child(options.child, Path(options.job))
        return
    with tempfile.TemporaryDirectory(prefix="cristae-training-") as scratch:
        measure(Path(scratch), options)


def parse() -> argparse.Namespace:
    """Command-line options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", type=Path, help="dataset folder; default: eight phantoms of 1024 px")
    parser.add_argument("--preset", default="compact")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or mps")
    parser.add_argument("--epochs", type=int, default=2, help="counted epochs of each turn, after one that is not")
    parser.add_argument("--iterations", type=int, default=40, help="of each epoch")
    parser.add_argument("--turns", type=int, default=2, help="how often each takes its turn")
    parser.add_argument("--processes", type=int, default=2, help="augmentation processes of nnU-Net (nnUNet_n_proc_DA)")
    parser.add_argument("--child", choices=("prepare", "float32"), help=argparse.SUPPRESS)
    parser.add_argument("--job", help=argparse.SUPPRESS)
    return parser.parse_args()


def measure(folder: Path, options: argparse.Namespace) -> None:
    """All turns, then the table."""
    from core.phantom import write_phantom_dataset

    if options.dataset is None:
        options.dataset = folder / "phantoms"
        write_phantom_dataset(options.dataset, 8, 1024, test_count=0)
    prepared = prepare(folder, options)
    plans = json.loads((prepared / "plans.json").read_text(encoding="utf-8"))["configurations"]["2d"]
    patch = " x ".join(str(edge) for edge in plans["patch_size"])
    print(f"{options.preset}: patches of {patch} px, batches of {plans['batch_size']}, {options.device};")
    print(
        f"{options.turns} turns of {options.epochs} epochs of {options.iterations} iterations, after one to warm up\n"
    )
    runners = {"nnUNetv2_train": nnunet, "Cristae, float32": ours_float32, "Cristae, as it is": ours}
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in runners}
    for turn in range(options.turns):
        order = list(runners) if turn % 2 == 0 else list(reversed(runners))
        for name in order:
            work = folder / f"turn-{turn}-{order.index(name)}"
            work.mkdir()
            told = runners[name](work, prepared, options)[1:]
            times[name] += told
            print(
                f"# turn {turn + 1}: {name}: {', '.join(f'{one:.3f}' for one, _ in told)} s per iteration", flush=True
            )
            shutil.rmtree(work, ignore_errors=True)
    table(times)


def table(times: dict[str, list[tuple[float, float]]]) -> None:
    """Print medians and ratios as a Markdown table."""
    base = statistics.median(one for one, _ in times["nnUNetv2_train"])
    print("\n| | s per iteration | lowest to highest | of nnU-Net's time | whole epoch, s |\n|---|---|---|---|---|")
    for name, told in times.items():
        each = sorted(one for one, _ in told)
        middle, epoch = statistics.median(each), statistics.median(whole for _, whole in told)
        print(
            f"| {name} | {middle:.3f} | {each[0]:.3f} to {each[-1]:.3f} | {100 * middle / base:.0f} % | {epoch:.1f} |"
        )


def request_of(work: Path, options: argparse.Namespace) -> Any:
    """The training as the app's job asks for it."""
    from core.training.presets import Preset
    from core.training.request import TrainRequest

    return TrainRequest(
        dataset=options.dataset.resolve(),
        preset=Preset(options.preset),
        out=(work / "model").resolve(),
        epochs=options.epochs + 1,
        iterations_per_epoch=options.iterations,
        patience=0,
        resume=True,
        device=options.device,
    )


def prepare(folder: Path, options: argparse.Namespace) -> Path:
    """Cases and plans, made once by Cristae; the folder that nnU-Net takes as preprocessed."""
    request = request_of(folder, options)
    request.work.mkdir()
    job = request.work / "job.json"
    job.write_text(json.dumps({"request": request.to_json(), "asked_at": time.time()}), encoding="utf-8")
    run([sys.executable, __file__, "--child", "prepare", "--job", str(job)], {})
    base: Path = request.work / "preprocessed" / DATASET
    shutil.copy(base / "plans.json", base / "nnUNetPlans.json")
    return base


def nnunet(work: Path, prepared: Path, options: argparse.Namespace) -> list[tuple[float, float]]:
    """Seconds per iteration and per epoch, of each epoch of nnU-Net's own command."""
    from core.training.schedule import Schedule

    told = work / "times.jsonl"
    validation = Schedule(0.01, None, 1, options.iterations).validation_batches
    variables = {
        "nnUNet_raw": str(work),
        "nnUNet_preprocessed": str(prepared.parent),
        "nnUNet_results": str(work / "results"),
        "nnUNet_n_proc_DA": str(options.processes),
        "nnUNet_compile": "f",
        "BENCHMARK_EPOCHS": str(options.epochs + 1),
        "BENCHMARK_ITERATIONS": str(options.iterations),
        "BENCHMARK_VALIDATION": str(validation),
        "BENCHMARK_TIMES": str(told),
    }
    command = [sys.executable, str(ROOT / "benchmarks" / "nnunet_timed.py"), DATASET, "2d", "0"]
    run([*command, "-device", options.device, "--disable_checkpointing"], variables)
    lines = [json.loads(line) for line in told.read_text(encoding="utf-8").splitlines()]
    return [(trained / options.iterations, whole) for trained, whole in lines]


def ours(work: Path, prepared: Path, options: argparse.Namespace) -> list[tuple[float, float]]:
    """The same of a training as the app runs it: `core.training.train`, in its own process."""
    from core.training.request import TrainingProgress
    from core.training.train import train

    request = request_of(work, options)
    reuse(prepared, request.work)
    told: list[tuple[float, float]] = []

    def listen(progress: TrainingProgress) -> None:
        if progress.epoch is not None:
            told.append((progress.epoch.seconds_per_iteration, progress.epoch.seconds))

    train(request, on_progress=listen)
    return told


def ours_float32(work: Path, prepared: Path, options: argparse.Namespace) -> list[tuple[float, float]]:
    """As `ours`, with bfloat16 switched off."""
    request = request_of(work, options)
    reuse(prepared, request.work)
    job = request.work / "job.json"
    job.write_text(json.dumps({"request": request.to_json(), "asked_at": time.time()}), encoding="utf-8")
    lines = run([sys.executable, __file__, "--child", "float32", "--job", str(job)], {})
    events = [json.loads(line) for line in lines.splitlines() if line.startswith("{")]
    epochs = [event["epoch"] for event in events if event.get("epoch")]
    return [(epoch["seconds_per_iteration"], epoch["seconds"]) for epoch in epochs]


def reuse(prepared: Path, work: Path) -> None:
    """Begin with what was prepared once."""
    shutil.copytree(prepared.parent, work / "preprocessed")
    shutil.copy(prepared.parent.parent / "prepared.json", work / "prepared.json")
    job = json.loads((prepared.parent.parent / "job.json").read_text(encoding="utf-8"))
    job["request"]["out"] = str(work.with_name("model"))
    (work / "job.json").write_text(json.dumps(job), encoding="utf-8")


def child(what: str, job: Path) -> None:
    """Inside a process that may import torch."""
    from core.training import process as training_process

    request = json.loads(job.read_text(encoding="utf-8"))["request"]
    training_process._set_environment(job.parent, 0)  # nnU-Net reads it while it is imported
    if what == "prepare":
        from core.training.request import TrainRequest
        from core.training.run import prepare as prepare_cases

        prepare_cases(TrainRequest.from_json(request), None, job.parent, lambda progress: None)
        return
    from core.training import trainer

    trainer.bfloat16_is_faster = lambda: False
    code = training_process.main(job)
    os._exit(code)  # a thread that reads standard input would make an ordinary end noisy


def run(command: list[str], variables: dict[str, str]) -> str:
    """Run a command to its end, its standard input an open pipe; its standard output."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, **variables},
    ) as process:  # fmt: skip
        told = process.stdout.read() if process.stdout is not None else ""
    if process.returncode != 0:
        sys.exit(f"{' '.join(command[:4])} failed:\n{told[-3000:]}")
    return told


if __name__ == "__main__":
    main()
