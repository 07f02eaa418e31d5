"""Write requirements.hashes.txt: all packages that the app needs, with the SHA-256 of the file that pip takes.

For `pip install --require-hashes --no-deps`, on the platform that runs this: the container's is Linux, x86-64, Python
3.11. torch is left out, with what only some of its builds pull in: the one for processors and the one for NVIDIA cards
are different files of the same version, and which of them pip finds depends on the index. The Dockerfile installs it
after the rest, by version.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "requirements.hashes.txt"
HEADER = (
    "# What requirements.txt and constraints.txt name, with the SHA-256 of each file: Linux, x86-64, Python 3.11;\n"
    "# without torch, whose builds differ. For `pip install --require-hashes --no-deps`. Renew with `make hashes`.\n"
)
BUILDS_DIFFER = ("torch", "triton", "nvidia-")
"""Names, or how they begin."""


def needed() -> dict[str, str]:
    """Name to version of what requirements.txt pulls in, as it is installed here; local version parts are dropped."""
    wanted = [
        Requirement(line.split("#")[0].strip())
        for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
        if line.strip() and not line.startswith(("#", "-"))
    ]
    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    while wanted:
        requirement = wanted.pop()
        name = canonicalize_name(requirement.name)
        for extra in ("", *requirement.extras):
            if (name, extra) in seen or (name.startswith(BUILDS_DIFFER) and name in found):
                continue
            seen.add((name, extra))
            distribution = metadata.distribution(name)
            found[name] = distribution.version.partition("+")[0]
            more = map(Requirement, distribution.requires or ())
            wanted += [each for each in more if not each.marker or each.marker.evaluate({"extra": extra})]
    return found


def files_of(pins: dict[str, str]) -> list[dict[str, Any]]:
    """What pip would install, without installing it."""
    with tempfile.TemporaryDirectory() as folder:
        listed, report = Path(folder) / "pins.txt", Path(folder) / "report.json"
        listed.write_text("".join(f"{name}=={version}\n" for name, version in pins.items()), encoding="utf-8")
        command = [
            sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--no-deps", "--ignore-installed",
            "--report", str(report), "-r", str(listed),
        ]  # fmt: skip
        subprocess.run(command, check=True)
        found: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))["install"]
        return found


def main() -> None:
    """Torch is named in a comment, so that a reader does not miss it."""
    pins = {name: version for name, version in sorted(needed().items()) if not name.startswith(BUILDS_DIFFER)}
    lines = []
    for item in files_of(pins):
        name, version = canonicalize_name(item["metadata"]["name"]), item["metadata"]["version"]
        digest = item["download_info"]["archive_info"]["hashes"]["sha256"]
        lines.append(f"{name}=={version} --hash=sha256:{digest}\n")
    if len(lines) != len(pins):
        raise SystemExit(f"pip reports {len(lines)} of {len(pins)} packages.")
    TARGET.write_text(HEADER + "".join(sorted(lines)), encoding="utf-8")


if __name__ == "__main__":
    main()
