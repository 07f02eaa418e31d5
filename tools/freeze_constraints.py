"""Write constraints.txt from the environment in use: every package at its version, no addresses."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

TARGET = Path(__file__).resolve().parent.parent / "constraints.txt"
HEADER = "# Every package of a working environment, pinned (direct and indirect). Renew with `make constraints`.\n"
NOT_OURS = {"pip", "setuptools", "wheel", "uv"}


def main() -> None:
    """Local version parts ("+cpu") are dropped, so that each platform finds its own build of that version."""
    versions = {
        item.metadata["Name"].lower(): item.version.partition("+")[0]
        for item in metadata.distributions()
        if item.metadata["Name"].lower() not in NOT_OURS
    }
    lines = [f"{name}=={version}\n" for name, version in sorted(versions.items())]
    TARGET.write_text(HEADER + "".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
