"""Thousands of damaged files, each tried in a guarded process, and the counts of what became of them."""

from __future__ import annotations

import json
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.fuzz import images, labels, models, tables
from benchmarks.fuzz.attempts import Attempt, Outcome
from benchmarks.fuzz.mutations import mutated, mutated_json
from core.errors import CristaeError
from core.outside.guarded import GIB, Limits, Subject, guarded_with

BAD: Final = (Outcome.UNEXPECTED, Outcome.ENDLESS, Outcome.CRASHED)
"""Of these there should be none."""

LIMITS: Final = Limits(memory_bytes=GIB, busy_s=10.0, wall_s=120.0)
"""Of one file of some kilobytes: a hundred times what a good one needs."""


MODEL_LIMITS: Final = Limits(memory_bytes=3 * GIB, busy_s=60.0, wall_s=300.0)
"""Of one model: the first of a process also loads torch."""


class BreachError(CristaeError):
    """The guard stopped an attempt, or its process crashed."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of files to damage.

    Parameters
    ----------
    seeds
        Makes good ones: name with ending, content.
    attempt
        Uses one; a function of a module, run in a guarded process.
    limits
        Of one attempt.
    mutate
        Damages one.
    """

    seeds: Callable[[], Mapping[str, bytes]]
    attempt: Callable[[Path], Attempt]
    limits: Limits = LIMITS
    mutate: Callable[[bytes, Sequence[bytes], random.Random], bytes] = mutated


KINDS: Final[dict[str, Kind]] = {
    "images": Kind(images.seeds, images.attempt_image),
    "labels": Kind(labels.seeds, labels.attempt_labels),
    "tables": Kind(tables.seeds, tables.attempt_table, mutate=mutated_json),
    "models": Kind(models.seeds, models.attempt_model, MODEL_LIMITS, mutated_json),
}
"""What can be damaged. A new kind is a new module and a new row."""


@dataclass(slots=True)
class Report:
    """What became of the files of a kind.

    Parameters
    ----------
    counts
        By outcome.
    slowest_s
        Of all attempts that ended by themselves.
    bad
        Name of the seed, number of the file, and the attempt, of those that should not be.
    """

    counts: Counter[Outcome] = field(default_factory=Counter)
    slowest_s: float = 0.0
    bad: list[tuple[str, int, Attempt]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "counts": {outcome.value: self.counts[outcome] for outcome in Outcome},
            "slowest_s": round(self.slowest_s, 3),
            "bad": [{"seed": name, "number": number, "outcome": a.outcome, "detail": a.detail}
                    for name, number, a in self.bad],
        }  # fmt: skip


def fuzz(
    kind: Kind, count: int, seed: int, keep: Path | None = None, on_file: Callable[[int], None] | None = None
) -> Report:
    """Try damaged files.

    Parameters
    ----------
    kind
        Which.
    count
        How many.
    seed
        The same seed and number give the same file, whatever the count.
    keep
        Folder for the files that ended badly.
    on_file
        Told the number of each file that is done.
    """
    report = Report()
    good = sorted(kind.seeds().items())
    contents = [content for _, content in good]
    with tempfile.TemporaryDirectory(prefix="cristae-fuzz-") as folder:
        for number in range(count):
            random_ = random.Random(f"{seed} {number}")
            name, content = good[number % len(good)]
            damaged = kind.mutate(content, contents, random_)
            path = Path(folder) / name
            path.write_bytes(damaged)
            tried = _tried(kind, path)
            report.counts[tried.outcome] += 1
            if tried.outcome in BAD:
                report.bad.append((name, number, tried))
                if keep is not None:
                    keep.mkdir(parents=True, exist_ok=True)
                    (keep / f"{number:06d}_{name}").write_bytes(damaged)
            else:
                report.slowest_s = max(report.slowest_s, tried.seconds)
            if on_file is not None:
                on_file(number)
    return report


def _tried(kind: Kind, path: Path) -> Attempt:
    """One attempt; what the guard stops is endless, what ends its process a crash."""
    try:
        return guarded_with(kind.limits, Subject(path.name, BreachError), kind.attempt, path)
    except BreachError as error:
        return Attempt(Outcome.CRASHED if "crash" in error.cause else Outcome.ENDLESS, error.cause)
    except CristaeError as error:  # memory that ran out within the process
        return Attempt(Outcome.REFUSED, str(error))


def as_text(report: Report) -> str:
    """For people."""
    return json.dumps(report.to_json(), indent=1)
