"""`make audit`: known vulnerabilities of the pinned packages, by pip-audit; a notice where it cannot run.

pip-audit is no requirement: it is taken from the environment or the PATH (`pipx install pip-audit`), and asks a
database on the internet. Exit code 0: nothing known, or it could not be asked; 1: something is known. With
``CRISTAE_AUDIT=required``, as in CI, 2: it could not be asked.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

PINS = Path(__file__).resolve().parent.parent / "constraints.txt"
LIMIT_S = 300.0
UNREACHABLE = (
    "connection", "resolve", "timed out", "timeout", "unreachable", "max retries", "proxy", "ssl", "serviceerror",
)  # fmt: skip
"""Words of an answer that says nothing about packages: the database cannot be reached."""


def command() -> list[str] | None:
    """How pip-audit is started here; None where it is missing."""
    if importlib.util.find_spec("pip_audit") is not None:
        return [sys.executable, "-m", "pip_audit"]
    found = shutil.which("pip-audit")
    return [found] if found else None


def main() -> int:
    """Ask about constraints.txt as it stands; nothing is installed."""
    audit = command()
    if audit is None:
        return _skipped("pip-audit is not installed (pipx install pip-audit)")
    arguments = [*audit, "--requirement", str(PINS), "--no-deps", "--disable-pip", "--progress-spinner", "off"]
    try:
        answer = subprocess.run(arguments, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return _skipped(f"no answer within {LIMIT_S:.0f} s")
    print(answer.stdout, end="")
    complaint = answer.stderr.lower()
    if answer.returncode and not answer.stdout.strip() and any(word in complaint for word in UNREACHABLE):
        return _skipped("the database of vulnerabilities cannot be reached")
    print(answer.stderr, end="", file=sys.stderr)
    return min(answer.returncode, 1)


def _skipped(why: str) -> int:
    """Say so, and whether that is a failure here."""
    print(f"audit skipped: {why}.")
    return 2 if os.environ.get("CRISTAE_AUDIT") == "required" else 0


if __name__ == "__main__":
    sys.exit(main())
