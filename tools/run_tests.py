"""Run the type checker and all tests, in groups side by side: each leaves its core idle for half of its time.

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

BROWSER = "tests/browser"
LONG = [
    f"{BROWSER}/test_training.py",
    f"{BROWSER}/test_loop.py",
    "tests/faults",
    "tests/core/engine",
    "tests/core/rounds",
]
"""Mostly waiting for processes to start, end or train."""

SEEN = [BROWSER, "tests/pages", "tests/ui"]
"""What users see."""

GROUPS = {
    "of pages and in a browser": [*SEEN, *(f"--ignore={path}" for path in LONG if path.startswith(BROWSER))],
    "of jobs, rounds and faults": LONG,
    "of everything else": [f"--ignore={path}" for path in (*SEEN, *LONG)],
}
"""What pytest is told to take; they take about as long."""

TYPES = "Types"

SOME_TESTS_FAILED = 1  # pytest's exit status; others mean that the run itself went wrong
MOST_TO_REPEAT = 6  # more than this is no stall


def main() -> int:
    """The worst exit status of all, 0 if everything passed."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        logs = {name: Path(folder) / f"{number}.log" for number, name in enumerate([*GROUPS, TYPES])}
        reports = {name: Path(folder) / f"{number}.failed" for number, name in enumerate(GROUPS)}
        running = {name: _start(name, reports[name], logs[name]) for name in GROUPS}
        running[TYPES] = _logged([sys.executable, "-m", "mypy"], logs[TYPES])
        try:
            statuses = {name: process.wait() for name, process in running.items()}
        except BaseException:
            for process in running.values():
                process.terminate()
            raise
        for name, log in logs.items():
            _print(_title(name), log)
        repeated: list[str] = []
        for name, report in reports.items():
            status = statuses[name]
            failed = report.read_text("utf-8").splitlines() if report.exists() else []
            if status == SOME_TESTS_FAILED and 0 < len(failed) <= MOST_TO_REPEAT:
                again = Path(folder) / "again.log"
                statuses[name] = _start(name, report, again, failed).wait()
                _print(f"{_title(name)}: what failed, once more and alone", again)
                repeated += failed
    print(f"\nAll of it took {time.monotonic() - began:.0f} s.")
    for test in repeated:
        print(f"Failed in the crowd and ran again: {test}")
    for name, status in statuses.items():
        print(f"{_title(name)}: {'passed' if status == 0 else f'FAILED (status {status})'}")
    return max(statuses.values())


def _start(name: str, report: Path, log_path: Path, only: list[str] | None = None) -> subprocess.Popen[bytes]:
    chosen = only if only else [*GROUPS[name], *sys.argv[1:]]
    command = [sys.executable, "-m", "pytest", "--durations=15", "-p", "no:cacheprovider"]
    return _logged([*command, "--failed-to", str(report), *chosen], log_path)


def _logged(command: list[str], log_path: Path) -> subprocess.Popen[bytes]:
    with log_path.open("wb") as log:
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)


def _title(name: str) -> str:
    return name if name == TYPES else f"Tests {name}"


def _print(title: str, log_path: Path) -> None:
    print(f"\n=== {title} ===", flush=True)
    sys.stdout.buffer.write(log_path.read_bytes())
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
