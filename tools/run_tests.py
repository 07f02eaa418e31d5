"""Run all tests, those in a browser beside the others: each half leaves a core idle for most of its time."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

HALVES = {
    "without a browser": ["-m", "not browser"],
    "in a browser": ["-m", "browser", "-p", "no:cacheprovider"],
}


def main() -> int:
    """Exit status of the half that failed, else 0."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        logs = {name: Path(folder) / f"{number}.log" for number, name in enumerate(HALVES)}
        running = {}
        for name, options in HALVES.items():
            command = [sys.executable, "-m", "pytest", "--durations=15", *options, *sys.argv[1:]]
            with logs[name].open("wb") as log:
                running[name] = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
        try:
            statuses = {name: process.wait() for name, process in running.items()}
        except BaseException:
            for process in running.values():
                process.terminate()
            raise
        for name, log_path in logs.items():
            print(f"\n=== Tests {name} ===", flush=True)
            sys.stdout.buffer.write(log_path.read_bytes())
            sys.stdout.flush()
    print(f"\nBoth halves took {time.monotonic() - began:.0f} s.")
    for name, status in statuses.items():
        print(f"Tests {name}: {'passed' if status == 0 else f'FAILED (status {status})'}")
    return max(statuses.values())


if __name__ == "__main__":
    sys.exit(main())
