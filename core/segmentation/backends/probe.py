"""``python -m core.segmentation.backends.probe``: which backends this machine has, as one line of JSON."""

from __future__ import annotations

import dataclasses
import json
import sys

from core.segmentation.backends import BACKENDS


def main() -> None:
    """Print the line."""
    sys.stdout.write(json.dumps([dataclasses.asdict(backend.info()) for backend in BACKENDS]) + "\n")


if __name__ == "__main__":
    main()
