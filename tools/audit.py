"""`make audit`: known vulnerabilities of the pinned packages, by pip-audit; a notice where it cannot run.

pip-audit is no requirement: it is taken from the environment or the PATH (`pipx install pip-audit`), and asks a
database on the internet. Exit code 0: nothing known, or it could not be asked; 1: something is known.
"""

from __future__ import annotations

import importlib.util
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
        print("audit skipped: pip-audit is not installed (pipx install pip-audit).")
        return 0
    arguments = [*audit, "--requirement", str(PINS), "--no-deps", "--disable-pip", "--progress-spinner", "off"]
    try:
        answer = subprocess.run(arguments, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        print(f"audit skipped: no answer within {LIMIT_S:.0f} s.")
        return 0
    print(answer.stdout, end="")
    told = answer.stderr.lower()
    if answer.returncode and not answer.stdout.strip() and any(word in told for word in UNREACHABLE):
        print("audit skipped: the database of vulnerabilities cannot be reached.")
        return 0
    print(answer.stderr, end="", file=sys.stderr)
    return min(answer.returncode, 1)


if __name__ == "__main__":
    sys.exit(main())
