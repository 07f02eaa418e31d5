"""The command ``cristae``, also ``python -m cristae``: everything that ``python -m core`` does."""

from __future__ import annotations

import cristae  # noqa: F401 (it puts the program on Python's path, before anything of it is imported)
from core.cli.app import main as run


def main() -> None:
    """Run a command of Cristae."""
    run("cristae")


if __name__ == "__main__":
    main()
