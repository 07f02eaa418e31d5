"""Simulated annotators on real and synthetic micrographs, beside full annotation by hand.

    python -m benchmarks.annotator --vnc ../shared/data/vnc --out build/annotator

Lines go to OUT/annotator.jsonl while they come; `python -m benchmarks.annotator.report` makes table and figure of them.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import tempfile
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.annotator import campaign
from benchmarks.annotator.campaign import Desk, Settings
from benchmarks.annotator.strategies import Plan
from benchmarks.annotator.world import World, read_world, write_phantoms

FULL = "full"
"""The plan of annotating everything by hand, and training once."""


@dataclass(frozen=True, slots=True)
class Job:
    """One campaign: where its files are, what it may do, until when (Unix time) and where lines go."""

    world: str
    data: Path
    seed: int
    settings: Settings
    rounds: int
    work: Path
    lines: Path
    until: float

    def folder(self, name: str) -> Path:
        """Of a model."""
        return self.work / f"{self.world}-{self.seed}-{name}".replace(" ", "_")

    def tell(self, plan: str, number: int, desk: Desk, dice: dict[str, float | None]) -> None:
        """Add a line to the result."""
        line = campaign.record(_world(self.world, self.data), plan, self.seed, number, desk, dice)
        with self.lines.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**line, "at": time.time()}) + "\n")
        print(json.dumps(line), flush=True)


@cache
def _world(name: str, data: Path) -> World:
    return read_world(name, data)


def full(job: Job) -> None:
    """All training images annotated by hand, trained as long as all rounds together."""
    world = _world(job.world, job.data)
    settings = replace(job.settings, iterations=job.settings.iterations * job.rounds)
    labels = [sample.reference_yx for sample in world.train]
    model = campaign.learn(world, labels, job.folder("full"), settings, parent=None, seed=job.seed)
    desk = Desk(labels, campaign.full_s(world))
    job.tell(FULL, job.rounds, desk, campaign.score(model, world))


def follow(job: Job, plan: Plan) -> None:
    """The rounds of one plan, until they are done or time is over. The first is by hand, without a model."""
    world, desk = _world(job.world, job.data), Desk.empty(_world(job.world, job.data))
    model: Path | None = None
    for number in range(1, job.rounds + 1):
        if time.time() > job.until:
            return
        if model is not None:
            desk.predictions = campaign.predict(model, world.train)
        regions = campaign.regions_of(plan, desk, world, job.seed, number)
        campaign.annotate(desk, world, regions, number * job.settings.round_s)
        out, seed = job.folder(f"{plan}-{number}"), job.seed + 10 * (number - 1)
        model = campaign.learn(world, desk.labels, out, job.settings, parent=model, seed=seed)
        job.tell(plan, number, desk, campaign.score(model, world))


def run(options: argparse.Namespace, work: Path) -> None:
    """Everything, several campaigns at a time."""
    folders = {"vnc": options.vnc, "phantoms": work / "phantoms"}
    if "phantoms" in options.worlds:
        write_phantoms(folders["phantoms"], options.phantom_px)
    until = time.time() + options.minutes * 60
    jobs = []
    for name in options.worlds:
        hand_s = campaign.full_s(_world(name, folders[name]))
        print(f"# {name}: {hand_s / 60:.1f} minutes by hand", flush=True)
        settings = Settings(options.iterations, hand_s * options.share, options.threads, options.held_out)
        lines = options.out / "annotator.jsonl"
        jobs += [Job(name, folders[name], seed, settings, options.rounds, work, lines, until) for seed in options.seeds]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.jobs, mp_context=context, max_tasks_per_child=None) as pool:
        asked = [plan for plan in options.plans if plan != FULL]
        waiting: list[Future[Any]] = [pool.submit(follow, job, Plan(plan)) for job in jobs for plan in asked]
        if FULL in options.plans:
            waiting += [pool.submit(full, job) for job in jobs]
        for each in as_completed(waiting):
            with _told():
                each.result()


@contextmanager
def _told() -> Iterator[None]:
    """One campaign that fails leaves the others alone."""
    try:
        yield
    except Exception:
        traceback.print_exc()


def parse() -> argparse.Namespace:
    """Command-line options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument("--vnc", type=Path, default=Path("../shared/data/vnc"), help="dataset folder")
    parser.add_argument("--worlds", nargs="+", default=["vnc", "phantoms"], choices=["vnc", "phantoms"])
    plans = [*(plan.value for plan in Plan), FULL]
    parser.add_argument("--plans", nargs="+", default=plans, choices=plans)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--share", type=float, default=0.025, help="of the time by hand, for each round")
    parser.add_argument("--iterations", type=int, default=375, help="of each round's training")
    parser.add_argument("--held-out", type=float, default=0.0, help="share not learned from, as the rounds' own 0")
    parser.add_argument("--minutes", type=float, default=600, help="no round begins after these")
    parser.add_argument("--jobs", type=int, default=1, help="campaigns at a time")
    parser.add_argument("--threads", type=int, default=0, help="of each training")
    parser.add_argument("--phantom-px", type=int, default=1024)
    return parser.parse_args()


def main() -> None:
    """Run."""
    options = parse()
    options.out = options.out.resolve()
    options.out.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("OMP_NUM_THREADS", str(options.threads or os.cpu_count() or 1))
    with tempfile.TemporaryDirectory(prefix="cristae-annotator-") as scratch:
        run(options, Path(scratch))
