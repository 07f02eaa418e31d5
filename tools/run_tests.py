"""Run all tests, those in a browser beside the others: each half leaves a core idle for most of its time.

A shared machine can stall for longer than any sensible timeout. The few tests that fail in the crowd therefore
run once more with the machine to themselves, and the summary names them; what fails twice has failed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

TOGETHER = ("tests/browser", "tests/faults")
HALVES = {
    "without a browser": [f"--ignore={folder}" for folder in TOGETHER],
    "in a browser, and faults": list(TOGETHER),
}
"""What pytest is told to take; the two take about as long."""

SOME_TESTS_FAILED = 1  # pytest's exit status; others mean that the run itself went wrong
MOST_TO_REPEAT = 6  # more than this is no stall


def main() -> int:
    """Exit status of the half that failed, else 0."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        logs = {name: Path(folder) / f"{number}.log" for number, name in enumerate(HALVES)}
        reports = {name: Path(folder) / f"{number}.failed" for number, name in enumerate(HALVES)}
        running = {name: _start(name, reports[name], logs[name]) for name in HALVES}
        try:
            statuses = {name: process.wait() for name, process in running.items()}
        except BaseException:
            for process in running.values():
                process.terminate()
            raise
        for name in HALVES:
            _print(f"Tests {name}", logs[name])
        repeated: list[str] = []
        for name, status in statuses.items():
            failed = reports[name].read_text("utf-8").splitlines() if reports[name].exists() else []
            if status == SOME_TESTS_FAILED and 0 < len(failed) <= MOST_TO_REPEAT:
                again = Path(folder) / "again.log"
                statuses[name] = _start(name, reports[name], again, failed).wait()
                _print(f"Tests {name}: what failed, once more and alone", again)
                repeated += failed
    print(f"\nAll of it took {time.monotonic() - began:.0f} s.")
    for test in repeated:
        print(f"Failed in the crowd and ran again: {test}")
    for name, status in statuses.items():
        print(f"Tests {name}: {'passed' if status == 0 else f'FAILED (status {status})'}")
    return max(statuses.values())


def _start(name: str, report: Path, log_path: Path, only: list[str] | None = None) -> subprocess.Popen[bytes]:
    chosen = only if only else [*HALVES[name], *sys.argv[1:]]
    command = [sys.executable, "-m", "pytest", "--durations=15", "-p", "no:cacheprovider"]
    with log_path.open("wb") as log:
        return subprocess.Popen(
            [*command, "--failed-to", str(report), *chosen], cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
        )


def _print(title: str, log_path: Path) -> None:
    print(f"\n=== {title} ===", flush=True)
    sys.stdout.buffer.write(log_path.read_bytes())
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
