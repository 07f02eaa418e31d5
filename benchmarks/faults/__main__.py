"""Kill parts of a running Cristae at random moments, and see that no work is lost.

    python -m benchmarks.faults --kills 50 --seed 1 --minutes 15

A real server with its engine works in a temporary folder: trainings of a tiny network, predictions of phantoms with the
starter model, readings of image files. In random order and at random moments a worker, a training's own process, the
engine or the server gets SIGKILL. The server is started again by this program, as a service manager does; everything
else has to help itself. Prints a Markdown table by what was killed; exit code 1 when anything was lost or wrong.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.faults.site import Site, Victim
from benchmarks.faults.work import Work
from core.engine.cleaning import sweep_half_made
from core.scratch import sweep_scratch
from core.store import JobRecord, JobState, Store

TICK_S = 0.25
SETTLE_S = 1.5
"""After this, nothing that a killed process has told before its end is still on its way."""

IN_TRAINING = 0.5
"""Part of the kills before which the training gets on by an epoch, or it would mostly be hit while it starts."""

PATIENCE_S = 60.0
"""How long to wait for something to kill."""


@dataclass
class Kill:
    """One kill and what became of the jobs that ran then.

    Parameters
    ----------
    running
        Jobs that ran.
    hit
        Those of them that the kill ends: of its worker, of its training; all of them for the engine and the server.
    epochs
        Training to the epochs that it had told.
    later
        The jobs just before the next kill.
    """

    victim: Victim
    at_s: float
    running: dict[str, JobRecord]
    hit: set[str]
    epochs: dict[str, list[int]] = field(default_factory=dict)
    later: dict[str, JobRecord] = field(default_factory=dict)
    resumed: int = 0
    went_on: int = 0
    repeated: list[int] = field(default_factory=list)


def main() -> None:
    """Run and print."""
    options = parse()
    folder = Path(tempfile.mkdtemp(prefix="cristae-faults-"))
    site, rng = Site(folder), random.Random(options.seed)
    store = Store(site.settings)
    (folder / "sources").mkdir()
    work = Work(
        store, folder / "sources", rng,
        image_px=options.image_px, images=options.images, epochs=options.epochs, iterations=options.iterations,
    )  # fmt: skip
    began = time.monotonic()
    try:
        site.start_server()
        if not site.wait_for_server():
            sys.exit(f"the server does not answer; see {folder}")
        work.learn_truth(300)
        print(f"# undisturbed predictions after {time.monotonic() - began:.0f} s", flush=True)
        kills = run(site, work, rng, options.kills, options.minutes * 60)
        lost = drain(work, options.drain_minutes * 60)
        answers = site.wait_for_server()
    finally:
        left = site.close()
    sweep_half_made(store)  # as the next engine does at its start
    sweep_scratch(site.temporary)
    judge(kills, work)
    left += site.leftovers()
    store.close()
    good = report(kills, work, lost, left, time.monotonic() - began, answers)
    if good and not options.keep:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(f"\nEverything is kept in {folder}")
    sys.exit(0 if good else 1)


def parse() -> argparse.Namespace:
    """Command-line options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=15, help="over which the kills are spread, about")
    parser.add_argument("--drain-minutes", type=float, default=10, help="how long the work left may take afterwards")
    parser.add_argument("--image-px", type=int, default=2048, help="edge of the images that are segmented")
    parser.add_argument("--images", type=int, default=3, help="how many images are segmented, again and again")
    parser.add_argument("--epochs", type=int, default=12, help="of each training")
    parser.add_argument("--iterations", type=int, default=4, help="of each epoch")
    parser.add_argument("--keep", action="store_true", help="keep the folder")
    return parser.parse_args()


def run(site: Site, work: Work, rng: random.Random, count: int, seconds: float) -> list[Kill]:
    """The kills, in random order, at random moments; each of the four kinds equally often."""
    victims = [list(Victim)[index % len(Victim)] for index in range(count)]
    rng.shuffle(victims)
    kills: list[Kill] = []
    began = time.monotonic()
    mean_s = seconds / count
    for victim in victims:
        wait_until = time.monotonic() + rng.uniform(0.1, 2 * mean_s - 2 * SETTLE_S if mean_s > 2 * SETTLE_S else mean_s)
        while time.monotonic() < wait_until:
            tick(work)
        if kills and rng.random() < IN_TRAINING:
            wait_for_epoch(work)
        if kills:
            kills[-1].later = {row.id: row for row in work.rows()}
        kill = strike(site, work, rng, victim, began)
        if kill is None:
            print(f"# there was no {victim.value} to kill for {PATIENCE_S:.0f} s", flush=True)
            if len(victims) < 2 * count:
                victims.append(victim)  # its turn comes again
            continue
        kills.append(kill)
        told = ", ".join(f"{row.kind} (attempt {row.attempts})" for row in kill.running.values()) or "nothing"
        print(f"# {len(kills)}: {kill.at_s:.0f} s: {victim.value} while {told} ran", flush=True)
    return kills


def wait_for_epoch(work: Work) -> None:
    """Let a training that runs finish an epoch, within `PATIENCE_S`."""
    end = time.monotonic() + PATIENCE_S
    before: dict[str, int] = {}
    while time.monotonic() < end:
        told = {row.id: len(work.reported_epochs(row.id)) for row in work.rows() if row.kind == "train"}
        if any(count > before.setdefault(job_id, count) for job_id, count in told.items()):
            return
        tick(work)


def strike(site: Site, work: Work, rng: random.Random, victim: Victim, began: float) -> Kill | None:
    """Kill one process of the kind, once there is one; None when none turned up."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        running = {row.id: row for row in work.rows() if row.state is JobState.RUNNING}
        busy = [int(row.worker.rpartition(":")[2]) for row in running.values() if ":" in row.worker]
        found = site.find(victim, busy)
        if found:
            pid = rng.choice(found)
            site.kill(victim, pid)
            kill = Kill(victim, time.monotonic() - began, running, hit_by(victim, pid, running))
            time.sleep(SETTLE_S)
            kill.epochs = {row.id: work.reported_epochs(row.id) for row in running.values() if row.kind == "train"}
            return kill
        tick(work)
    return None


def hit_by(victim: Victim, pid: int, running: dict[str, JobRecord]) -> set[str]:
    """The running jobs that a kill concerns."""
    if victim is Victim.WORKER:
        return {row.id for row in running.values() if row.worker.endswith(f":{pid}")}
    return {row.id for row in running.values() if victim is not Victim.CHILD or row.kind == "train"}


def tick(work: Work) -> None:
    """What goes on between kills."""
    work.check_finished()
    work.fill()
    time.sleep(TICK_S)


def drain(work: Work, limit_s: float) -> set[str]:
    """Let all that was asked for come to its end. Returns the jobs that do not."""
    end = time.monotonic() + limit_s
    while work.lost() and time.monotonic() < end:
        work.check_finished()
        time.sleep(TICK_S)
    work.check_finished()
    return work.lost()


def judge(kills: list[Kill], work: Work) -> None:
    """What became of the jobs that ran when something was killed."""
    now = {row.id: row for row in work.rows()}
    for kill in kills:
        rows = kill.later or now if kill.victim is Victim.SERVER else now
        for job_id in kill.hit & rows.keys():
            row, then = rows[job_id], kill.running[job_id]
            if row.attempts == then.attempts:
                kill.went_on += row.state in (JobState.SUCCEEDED, JobState.RUNNING)
                continue
            kill.resumed += 1
            told, before = work.reported_epochs(job_id), kill.epochs.get(job_id, [])
            if len(told) > len(before):
                kill.repeated.append(max(0, (before[-1] if before else 0) + 2 - told[len(before)]))


def report(kills: list[Kill], work: Work, lost: set[str], left: list[str], seconds: float, answers: bool) -> bool:
    """Print the tables; whether all is as it must be."""
    tally = work.tally
    print("\n| killed | times | jobs hit | of them not disturbed | resumed by themselves | ", end="")
    print("most epochs repeated by one kill |\n|---|---|---|---|---|---|")
    for victim in Victim:
        row(victim.value, [kill for kill in kills if kill.victim is victim])
    row("all", kills)
    print("\n| jobs | asked for | succeeded, output whole | retried by hand | lost | wrongly successful |")
    print("|---|---|---|---|---|---|")
    kinds = {row.id: row.kind for row in work.rows()}
    for kind, asked in sorted(tally.asked.items()):
        failed = sum(cause.startswith(f"{kind} ") for cause in tally.failed)
        wrong = sum(text.startswith(f"{kind} ") for text in tally.wrong)
        gone = sum(kinds.get(job_id, kind) == kind for job_id in lost)
        print(f"| {kind} | {asked} | {tally.succeeded.get(kind, 0) - wrong} | {failed} | {gone} | {wrong} |")
    print(f"\nProcesses and temporary files left: {len(left)}. {len(kills)} kills, {seconds / 60:.1f} minutes in all.")
    print(f"Epochs that a live curve lacks, though the model's own history has them: {tally.curve_gaps}.")
    for title, texts in (("failed", tally.failed), ("WRONG", tally.wrong), ("LOST", sorted(lost)), ("LEFT", left)):
        for text in texts:
            print(f"- {title}: {text}")
    if not answers:
        print("- WRONG: the server does not answer at the end")
    repeated = max((epochs for kill in kills for epochs in kill.repeated), default=0)
    return not (tally.wrong or lost or left) and answers and repeated <= 1


def row(name: str, kills: list[Kill]) -> None:
    """One line of the first table."""
    repeated = max((epochs for kill in kills for epochs in kill.repeated), default=0)
    values = [
        len(kills),
        sum(len(kill.hit) for kill in kills),
        sum(kill.went_on for kill in kills),
        sum(kill.resumed for kill in kills),
        repeated,
    ]
    print(f"| {name} | {' | '.join(map(str, values))} |")


if __name__ == "__main__":
    main()
