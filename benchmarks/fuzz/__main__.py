"""``python -m benchmarks.fuzz``: damage files and count what becomes of them. Exit code 1 if any ends badly.

Example: ``python -m benchmarks.fuzz --count 10000 --seed 1 --keep bad/``
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.fuzz.run import BAD, KINDS, as_text, fuzz


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("--kind", choices=sorted(KINDS), default="images")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for the files that end badly")
    given = parser.parse_args()

    def told(number: int) -> None:
        if (number + 1) % 1000 == 0:
            print(f"{number + 1:,} files", file=sys.stderr, flush=True)

    report = fuzz(KINDS[given.kind], given.count, given.seed, given.keep, told)
    print(as_text(report))
    sys.exit(1 if any(report.counts[outcome] for outcome in BAD) else 0)


if __name__ == "__main__":
    main()
